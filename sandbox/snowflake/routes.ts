import type { IncomingMessage } from 'node:http'
import { type Exchange, json, type Reply, ReplyNow } from '../http.ts'
import type { Session } from './account.ts'
import { SqlError } from './errors.ts'
import type { LoginData } from './login.ts'
import { applyParameters, PARAMETERS, setParameter } from './parameters.ts'
import { answer, chunk, monitored, parametersOf, type QueryBody, startQuery } from './queries.ts'
import type { Running } from './running.ts'
import {
  endTicket,
  enter,
  loseSession,
  MASTER_SECONDS,
  masterExpired,
  openTicket,
  refusal,
  renew,
  success,
  ticketOf,
  tokenIn,
} from './service.ts'
import { openSession } from './session.ts'
import { statementKind } from './sql/statement.ts'
import { refuseStorage, STORAGE, storage } from './storage.ts'

/** Answers one request of the driver. */
export async function route(
  running: Running,
  request: IncomingMessage,
  body: Buffer,
  exchange: Exchange,
): Promise<Reply> {
  const url = new URL(request.url ?? '/', running.url)
  const { pathname } = url
  const authorization = request.headers.authorization
  if (pathname === '/oauth/token-request') {
    await enter(running, 'oauth-token', exchange)
    return running.login.grant(authorization, body.toString())
  }
  if (pathname === '/session/v1/login-request') {
    await enter(running, 'login', exchange)
    return await logIn(running, url, parsed(body))
  }
  if (pathname === '/session/token-request') {
    await enter(running, 'renew', exchange)
    return renewToken(running, authorization)
  }
  if (pathname.startsWith(STORAGE)) {
    exchange.revoke = () => running.storageTokens.delete(/^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '')
    return await storageRequest(running, request, pathname, body, exchange)
  }
  const [isChunk, chunkOf = '', index] = /^\/chunks\/([^/]+)\/(\d+)$/.exec(pathname) ?? []
  if (isChunk) {
    await enter(running, 'chunk', exchange)
    return chunk(running.queries.get(chunkOf), Number(index))
  }
  if (pathname === '/telemetry/send') return success('Log Received')
  return await inSession(running, request, url, body, exchange)
}

async function inSession(
  running: Running,
  request: IncomingMessage,
  url: URL,
  body: Buffer,
  exchange: Exchange,
): Promise<Reply> {
  const { pathname } = url
  const authorization = request.headers.authorization
  exchange.revoke = () => {
    const ticket = running.tickets.get(tokenIn(authorization))
    if (ticket) ticket.expires = 0
  }
  if (pathname === '/queries/v1/query-request')
    return await queryRequest(running, authorization, url, parsed(body), exchange)
  if (pathname === '/session' && url.searchParams.get('delete') === 'true') {
    await enter(running, 'close-session', exchange)
    await endTicket(running, ticketOf(running, authorization))
    return success(null)
  }
  if (pathname === '/session/heartbeat') {
    await enter(running, 'heartbeat', exchange)
    ticketOf(running, authorization)
    return success(null)
  }
  const [, queryId = '', what] = /^\/queries\/([^/]+)\/(result|abort-request)$/.exec(pathname) ?? []
  if (what === 'result') {
    await enter(running, 'result-poll', exchange)
    ticketOf(running, authorization)
    const query = running.queries.get(queryId)
    return query
      ? await answer(query, running.tuning.directMs, false)
      : refusal('000709', `Statement ${queryId} not found`, '02000')
  }
  if (what === 'abort-request') {
    await enter(running, 'abort', exchange)
    const ticket = ticketOf(running, authorization)
    const { requestId = '' } = parsed(body) as { requestId?: string }
    const query = queryId === 'v1' ? ticket.requests.get(requestId) : running.queries.get(queryId)
    query?.abort.abort()
    return success(null)
  }
  const monitoredId = /^\/monitoring\/queries\/([^/]+)$/.exec(pathname)?.[1]
  if (monitoredId !== undefined) {
    await enter(running, 'monitor', exchange)
    ticketOf(running, authorization)
    return success(monitored(running.queries.get(monitoredId)))
  }
  return refusal('390404', `No such path: ${pathname}`, '00000', {}, 404)
}

async function queryRequest(
  running: Running,
  authorization: string | undefined,
  url: URL,
  body: QueryBody,
  exchange: Exchange,
): Promise<Reply> {
  const kind = statementKind(body.sqlText ?? '')
  // A token that is no good is refused before anything else is looked at.
  ticketOf(running, authorization)
  const fault = await enter(running, `execute:${kind}`, exchange, body.sqlText).catch(async (error: unknown) => {
    // 401 says that the session is gone: so it is, with its transaction.
    if (error instanceof ReplyNow && error.reply.status === 401)
      await endTicket(running, ticketOf(running, authorization))
    throw error
  })
  const ticket = ticketOf(running, authorization)
  if (fault === 'session-lost') return await loseSession(running, ticket)
  const query = startQuery(running, ticket, url.searchParams.get('requestId') ?? '', body, fault)
  const { pendingEvery, directMs } = running.tuning
  const isPending = pendingEvery > 0 && kind !== 'put' && running.statements % pendingEvery === 0
  return await answer(query, isPending ? 0 : directMs, body.asyncExec === true)
}

async function storageRequest(
  running: Running,
  request: IncomingMessage,
  path: string,
  body: Buffer,
  exchange: Exchange,
): Promise<Reply> {
  const site = request.method === 'PUT' ? 'storage-put' : 'storage-get'
  const refused = refuseStorage(running, request)
  if (refused) return refused
  try {
    await enter(running, site, exchange)
  } catch (error) {
    // A token that has just been revoked is refused in the storage's own way.
    throw error instanceof ReplyNow && refuseStorage(running, request)
      ? new ReplyNow(refuseStorage(running, request) ?? error.reply)
      : error
  }
  return await storage(running, request, path, body)
}

async function logIn(
  running: Running,
  url: URL,
  body: { data?: LoginData & { SESSION_PARAMETERS?: Record<string, unknown> } },
): Promise<Reply> {
  const { account, tuning } = running
  const data = body.data ?? {}
  try {
    running.login.check(data)
    const session = await openSession(account, wanted(running, url))
    for (const [name, value] of Object.entries(data.SESSION_PARAMETERS ?? {}))
      if (PARAMETERS[name] !== undefined) setParameter(session, name, String(value))
    await applyParameters(session)
    const ticket = openTicket(running, session)
    return success({
      token: ticket.token,
      masterToken: ticket.master,
      validityInSeconds: tuning.sessionSeconds,
      masterValidityInSeconds: MASTER_SECONDS,
      displayUserName: session.user,
      serverVersion: '9.40.1',
      firstLogin: false,
      remMeToken: null,
      remMeValidityInSeconds: 0,
      healthCheckInterval: 45,
      newClientForUpgrade: null,
      sessionId: Number(session.id),
      parameters: parametersOf(session.parameters, tuning.bindThreshold),
      sessionInfo: sessionInfo(session),
      idToken: null,
      responseData: null,
    })
  } catch (error) {
    if (error instanceof SqlError) return refusal(error.code, error.message, error.sqlState)
    throw error
  }
}

const sessionInfo = ({ database, schema, warehouse, role }: Session) => ({
  databaseName: database ?? null,
  schemaName: schema ?? null,
  warehouseName: warehouse ?? null,
  roleName: role,
})

/** What a login asks for. A role that the user has not is refused; anything else that is missing is not there, silently. */
function wanted({ account, login }: Running, url: URL): Parameters<typeof openSession>[1] {
  const { catalog, rights } = account
  const asked = (name: string) => {
    const value = url.searchParams.get(name)
    // Quoted names keep their case.
    return value === null || value === ''
      ? undefined
      : value.startsWith('"')
        ? value.slice(1, -1).replaceAll('""', '"')
        : value.toUpperCase()
  }
  const role = asked('roleName') ?? account.roles[0] ?? 'PUBLIC'
  if (!account.roles.includes(role) && role !== 'PUBLIC')
    throw new SqlError(
      '390189',
      '08001',
      `Role '${role}' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
    )
  const warehouse = asked('warehouse') ?? account.warehouses[0]
  const database = asked('databaseName')
  const hasDatabase = database === catalog.database && !rights.isDenied('USAGE', database)
  const schema = asked('schemaName') ?? 'PUBLIC'
  const hasSchema = hasDatabase && catalog.schemas.has(schema) && !rights.isDenied('USAGE', database, schema)
  return {
    user: login.user,
    role,
    warehouse:
      warehouse !== undefined && account.warehouses.includes(warehouse) && !rights.isDenied('USAGE', warehouse)
        ? warehouse
        : undefined,
    database: hasDatabase ? database : undefined,
    schema: hasSchema ? schema : undefined,
  }
}

function renewToken(running: Running, authorization: string | undefined): Reply {
  const ticket = running.masters.get(tokenIn(authorization))
  if (!ticket || ticket.masterExpires <= Date.now()) return masterExpired()
  renew(running, ticket)
  return success({
    sessionToken: ticket.token,
    validityInSecondsST: running.tuning.sessionSeconds,
    masterToken: ticket.master,
    validityInSecondsMT: MASTER_SECONDS,
    sessionId: Number(ticket.session.id),
  })
}

function parsed(body: Buffer): Record<string, never> {
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, never>
  } catch {
    throw new ReplyNow(
      json(400, { data: null, code: '390000', message: 'The request body is not JSON.', success: false }),
    )
  }
}
