import type { IncomingMessage } from 'node:http'
import { type Exchange, json, type Reply } from '../http.ts'
import { filesApi } from './files-api.ts'
import { failure } from './http.ts'
import { createService, enter, type Running } from './service.ts'
import { hasVolume } from './store.ts'
import type { createThriftServer } from './thrift.ts'
import type { createTokens } from './tokens.ts'

/** What all requests of one workspace share. */
export interface Site {
  readonly running: Running
  readonly tokens: ReturnType<typeof createTokens>
  readonly thrift: ReturnType<typeof createThriftServer>
  readonly catalog: string
  /** The warehouse's HTTP path. */
  readonly path: string
  port: number
}

/** Answers one request: the login, statements of the driver, the warehouses, files of volumes. */
export async function route(site: Site, request: IncomingMessage, body: Buffer, exchange: Exchange): Promise<Reply> {
  const { running, tokens, thrift } = site
  const url = new URL(request.url ?? '/', 'https://localhost')
  const method = request.method ?? 'GET'
  const origin = `https://${request.headers.host}`
  if (url.pathname === '/oidc/.well-known/oauth-authorization-server') {
    await enter(running, 'oidc', exchange)
    return tokens.discovery(origin)
  }
  if (url.pathname === '/oidc/v1/token' && method === 'POST') {
    await enter(running, 'token', exchange)
    return await tokens.grant(request.headers.authorization, body.toString(), origin)
  }
  const refusal = tokens.refuse(request.headers.authorization)
  if (refusal) return refusal
  if (url.pathname === site.path && method === 'POST') {
    const reply = await thrift.serve(body, createService(running, exchange))
    return { status: 200, headers: { 'content-type': 'application/x-thrift' }, body: reply }
  }
  return (
    (await warehouses(site, method, url, exchange)) ??
    (await files(site, method, url, body, exchange)) ??
    failure(404, 'ENDPOINT_NOT_FOUND', `No API found for '${method} ${url.pathname}'`)
  )
}

async function warehouses(
  site: Site,
  method: string,
  { pathname }: URL,
  exchange: Exchange,
): Promise<Reply | undefined> {
  const [isWarehouses, id] = /^\/api\/2\.0\/sql\/warehouses(?:\/([^/]+))?$/.exec(pathname) ?? []
  if (isWarehouses && method === 'GET') {
    await enter(site.running, 'warehouses', exchange)
    const described = describe(site)
    if (id === undefined) return json(200, { warehouses: [described] })
    return id === described.id ? json(200, described) : noWarehouse(id)
  }
  const otherId = /^\/sql\/1\.0\/(?:warehouses|endpoints)\/([^/]+)/.exec(pathname)?.[1]
  return otherId ? noWarehouse(otherId) : undefined
}

async function files(
  site: Site,
  method: string,
  url: URL,
  body: Buffer,
  exchange: Exchange,
): Promise<Reply | undefined> {
  const { warehouse } = site.running
  const [, what, path] = /^\/api\/2\.0\/fs\/(files|directories)(\/Volumes\/.+)$/.exec(url.pathname) ?? []
  if (!what || !path) return undefined
  await enter(site.running, `${what}-${method.toLowerCase()}`, exchange)
  const overwrite = url.searchParams.get('overwrite') === 'true'
  const asked = { method, what, path: path.split('/').map(decodeURIComponent).join('/'), overwrite, body }
  return await filesApi(asked, warehouse.volumes, warehouse.rights, async ({ volume }) => {
    const connection = await warehouse.instance.connect()
    const exists = volume.catalog === site.catalog && (await hasVolume({ connection, bound: new Map() }, volume))
    connection.closeSync()
    return exists
  })
}

/** The warehouse as the workspace's REST API describes it. */
const describe = (site: Site) => ({
  id: site.path.split('/').at(-1),
  name: 'Sandbox',
  cluster_size: '2X-Small',
  state: 'RUNNING',
  odbc_params: { hostname: 'localhost', path: site.path, port: site.port, protocol: 'https' },
})

function noWarehouse(id: string): Reply {
  return failure(404, 'RESOURCE_DOES_NOT_EXIST', `SQL warehouse ${id} does not exist.`)
}
