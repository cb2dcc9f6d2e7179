/** The official driver, loaded on first use, with our logger and our tokens. */
import type { Agent } from 'node:http'
import { type AgentOptions, Agent as SecureAgent } from 'node:https'
import type { SecureContext } from 'node:tls'
import type { DBSQLClient } from '@databricks/sql'
import { overTime, REPLY_BYTES } from '../../../vendor/limits.ts'
import { hasProxy, proxyFor } from '../../../vendor/proxy.ts'
import type { Route } from '../../../vendor/route.ts'
import { secureContext } from '../../../vendor/tls.ts'

export type DriverClient = DBSQLClient
export type DriverSession = Awaited<ReturnType<DBSQLClient['openSession']>>

export interface DriverOptions {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly route: Route
  readonly socketTimeoutMs: number
  /** Longest call in all, with what the driver itself tries again. */
  readonly totalMs: number
  readonly token: () => Promise<string>
  readonly log: (level: string, message: string) => void
}

export async function connectDriver(options: DriverOptions): Promise<DriverClient> {
  const { default: driver } = await import('@databricks/sql')
  // without an own logger the driver installs winston with handleExceptions: any uncaught exception then ends the process
  const client = new driver.DBSQLClient({ logger: { log: (level, message) => options.log(level, message) } })
  mend(client, options.route, options.totalMs)
  await client.connect({
    host: options.host,
    port: options.port,
    path: options.path,
    // asked before every call; the cache behind it renews ahead, once for all, and forgets a token that was refused
    authType: 'custom',
    provider: { authenticate: async () => ({ Authorization: `Bearer ${await options.token()}` }) },
    userAgentEntry: 'Tieout',
    socketTimeout: options.socketTimeoutMs,
    telemetryEnabled: false,
    preserveBigNumericPrecision: true,
    // polls and closes only: opening and executing are never repeated by the driver
    retryMaxAttempts: 4,
    retryDelayMin: 250,
    retryDelayMax: 4000,
    ...(hasProxy(options.route.proxy) ? { proxy: BY_ADDRESS } : {}),
  })
  return client
}

/** Has the driver make the agent that asks for each address which proxy it takes; `mend` gives the answers. */
const BY_ADDRESS = { protocol: 'http', host: 'localhost', port: 80 } as const

/** What is touched of the driver's inside; checked by the contract tests against the pinned version. */
interface Provider {
  getAgentDefaultOptions(): AgentOptions
  createHttpsAgent(): Agent
  createProxyAgent(options: unknown): Agent & { getProxyForUrl: (url: string) => string }
  getThriftConnection(): Promise<ThriftConnection>
}
interface ThriftConnection {
  /** Options of each node-fetch request: `size` is the most bytes of its reply. */
  config: object
  /** `_reqs`: who waits for the reply to each call, by its number. */
  client?: { readonly _reqs: Record<number, Waiting> }
  write(data: Buffer, call: number): void
  handleThriftResponse(data: unknown): void
  checked?: true
}
type Waiting = (error: unknown, reply?: unknown) => void

/** A refusal, whose body is still on its way for whoever wants its reason, and must then be let go. */
export interface Refused {
  letGo?: () => void
}

/**
 * Mends two faults of driver 2.1.0. Its TLS options reach the agent for direct connections only, so that an own CA is
 * ignored behind a proxy: the options common to both agents are where the tunnel's TLS finds it. And a reply with status
 * 200 that is no Thrift message (the login page of a proxy, a cut body) is dropped without calling anybody back: the
 * statement would hang for ever.
 *
 * It also bounds the bytes and the time of a reply (node-fetch stops listening to one that is over, but lets it flow on), and
 * has the driver trust and take proxies as every other client does: also where results lie elsewhere (cloud fetch).
 */
function mend(client: DriverClient, route: Route, totalMs: number): void {
  const inner = client as unknown as { createConnectionProvider(options: unknown): Provider }
  const create = inner.createConnectionProvider.bind(client)
  const context = secureContext(route)
  inner.createConnectionProvider = (options) => {
    const provider = create(options)
    const defaults = provider.getAgentDefaultOptions.bind(provider)
    provider.getAgentDefaultOptions = () => ({ ...defaults(), ...(context ? { secureContext: context } : {}) })
    if (context) provider.createHttpsAgent = () => sharedAgent(context, provider.getAgentDefaultOptions())
    const proxyAgent = provider.createProxyAgent.bind(provider)
    provider.createProxyAgent = (options) =>
      Object.assign(proxyAgent(options), {
        getProxyForUrl: (url: string) => proxyFor(url, route.proxy)?.url.href ?? '',
      })
    const connect = provider.getThriftConnection.bind(provider)
    provider.getThriftConnection = async () => guarded(await connect(), totalMs)
    return provider
  }
}

const agents = new WeakMap<SecureContext, Map<number, SecureAgent>>()

/**
 * Sockets of all connections that trust alike: each costs 0.1 MB outside of the heap, and at rest it serves another
 * connection's statement as well. Who asks is in each request, not in the socket. Sockets at rest end with their time-out.
 */
function sharedAgent(context: SecureContext, options: AgentOptions): SecureAgent {
  const known = agents.get(context) ?? new Map<number, SecureAgent>()
  agents.set(context, known)
  const timeout = options.timeout ?? 0
  const agent = known.get(timeout) ?? new SecureAgent({ ...options, minVersion: 'TLSv1.2' })
  known.set(timeout, agent)
  return agent
}

function guarded(connection: ThriftConnection, totalMs: number): ThriftConnection {
  if (connection.checked) return connection
  connection.checked = true
  bound(connection, totalMs)
  const handle = connection.handleThriftResponse.bind(connection)
  const waiting = (): number => Object.keys(connection.client?._reqs ?? {}).length
  connection.handleThriftResponse = (data) => {
    const before = waiting()
    handle(data)
    if (waiting() >= before) {
      throw Object.assign(
        new Error('the reply is no answer of a warehouse; a proxy or a login page may have answered'),
        {
          code: 'BAD_REPLY',
        },
      )
    }
  }
  return connection
}

/** Ends the request of a call that failed, took too long or was too large, and so its reply. */
function bound(connection: ThriftConnection, totalMs: number): void {
  const write = connection.write.bind(connection)
  connection.write = (data, call) => {
    const calls = connection.client?._reqs
    const answered = calls?.[call]
    const end = new AbortController()
    if (calls && answered) {
      const timer = setTimeout(() => end.abort(overTime(totalMs)), totalMs)
      calls[call] = (error, reply) => {
        clearTimeout(timer)
        const late: unknown = end.signal.reason
        const isRefused = typeof error === 'object' && error !== null && 'statusCode' in error
        if (isRefused) (error as Refused).letGo = () => end.abort()
        else if (error) end.abort()
        answered(late ?? error, reply)
      }
    }
    // A redirect would take the statement, with what is in it, to another host.
    const more = { size: REPLY_BYTES, signal: end.signal, redirect: 'manual' }
    connection.config = { ...connection.config, ...more }
    write(data, call)
  }
}
