/** The official driver, loaded on first use, with our logger, and tamed: no probing of clouds, no native helper, no eval. */
import type { Connection as DriverConnection, SnowflakeError } from 'snowflake-sdk'
import { syncError } from '../../../sync/contract/errors.ts'
import { bypasses, noProxy, proxyFor, withoutLogins } from '../../../vendor/proxy.ts'
import type { Route } from '../../../vendor/route.ts'
import { secureContext, trustEverywhere } from '../../../vendor/tls.ts'
import type { LoginOptions } from './auth.ts'
import { boundRequests } from './bounds.ts'

export type ResultRow = Readonly<Record<string, unknown>>

export interface DriverOptions {
  /** Account identifier: `ORG-ACCOUNT`, or the old locator. */
  readonly account: string
  /** `https://org-account.snowflakecomputing.com`, or a private link. */
  readonly accessUrl: string
  readonly warehouse: string
  readonly role: string
  readonly database: string
  readonly schema: string
  readonly route: Route
  readonly timeoutMs: number
  /** Longest request in all. */
  readonly totalMs: number
  readonly log: (level: string, message: string) => void
}

export interface DriverStatement {
  readonly sql: string
  readonly binds?: readonly (string | null)[]
  readonly requestId: string
  readonly tag?: string
  /** Content of the file that a PUT uploads. */
  readonly file?: Buffer
  /** Told the id by which Snowflake's query history has it. */
  readonly traced?: (id: string) => void
  readonly signal: AbortSignal
}

/** One session. Statements go one after another. */
export interface DriverSession {
  execute(statement: DriverStatement): Promise<readonly ResultRow[]>
  close(): Promise<void>
}

/**
 * Switches that the driver reads while it is loaded (driver 3.3.0, sources): it asks the clouds' metadata addresses and AWS STS
 * where it runs, loads a native telemetry helper, and reports the shape of each connection.
 */
const SWITCHES: Readonly<Record<string, string>> = {
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: 'true',
}

export async function loadDriver(log: DriverOptions['log']) {
  for (const [name, value] of Object.entries(SWITCHES)) process.env[name] ??= value
  const { default: driver } = await import('snowflake-sdk')
  const quiet = (text: string): void => log('debug', withoutLogins(text))
  driver.configure({
    logLevel: 'WARN',
    // without it the driver writes to the console and to snowflake.log in the working directory
    customLogger: { error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet },
    // the default falls back to eval when a VARIANT is no JSON
    jsonColumnVariantParser: (text: string) => JSON.parse(text) as unknown,
    // the same proxies as for all other clients: each connection is told its own
    useEnvProxy: false,
  })
  await standardBypass()
  return driver
}

export async function openDriverSession(options: DriverOptions, login: LoginOptions): Promise<DriverSession> {
  const driver = await loadDriver(options.log)
  const { accessUrl, totalMs, route } = options
  await boundRequests(accessUrl, { totalMs, trust: secureContext(route) })
  if (route.ca) trustEverywhere(route.ca)
  const connection = driver.createConnection({
    account: options.account,
    accessUrl: options.accessUrl,
    ...login,
    ...(options.warehouse ? { warehouse: options.warehouse } : {}),
    ...(options.role ? { role: options.role } : {}),
    ...(options.database ? { database: options.database } : {}),
    ...(options.schema ? { schema: options.schema } : {}),
    ...proxyOptions(route, accessUrl),
    application: 'Tieout',
    timeout: options.timeoutMs,
    // more waits between logins are ours, with a sign of life
    sfRetryMaxLoginRetries: 1,
    clientSessionKeepAlive: false,
    // as text a null would come as the word NULL
    representNullAsStringNull: false,
  })
  await new Promise<void>((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()))
  })
  return {
    execute: (statement) => execute(connection, statement),
    close: () =>
      new Promise((resolve) => {
        connection.destroy(() => resolve())
      }),
  }
}

/** What `execute` takes besides its published type; checked by the contract tests against the pinned version. */
interface FileOption {
  readonly fileStream?: Buffer
}

function execute(connection: DriverConnection, statement: DriverStatement): Promise<readonly ResultRow[]> {
  const { signal } = statement
  return new Promise((resolve, reject) => {
    const options: Parameters<DriverConnection['execute']>[0] & FileOption = {
      sqlText: statement.sql,
      requestId: statement.requestId,
      // otherwise a refused request is sent once more while rows are built (driver 3.3.0, statement.js)
      streamResult: true,
      fetchAsString: ['Number', 'Date', 'Boolean', 'JSON'],
      ...(statement.binds && statement.binds.length > 0 ? { binds: [...statement.binds] } : {}),
      // said with each statement: another number at the account would refuse the one that sets the session too
      parameters: { MULTI_STATEMENT_COUNT: 1, ...(statement.tag ? { QUERY_TAG: statement.tag } : {}) },
      ...(statement.file ? { fileStream: statement.file } : {}),
      complete: (error: SnowflakeError | undefined, done) => {
        signal.removeEventListener('abort', stop)
        if (error) return reject(error)
        statement.traced?.((done as { getQueryId?(): string }).getQueryId?.() ?? statement.requestId)
        if (statement.file) return resolve([])
        const rows: ResultRow[] = []
        try {
          ;(done as { streamRows(): NodeJS.ReadableStream })
            .streamRows()
            .on('data', (row: ResultRow) => rows.push(row))
            .on('error', reject)
            .on('end', () => resolve(rows))
        } catch (failure) {
          reject(failure)
        }
      },
    }
    const sent = connection.execute(options)
    const stop = (): void => {
      try {
        ;(sent as { cancel?: (done: () => void) => void }).cancel?.(() => undefined)
      } catch {
        // nothing runs any more
      }
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
}

/** Somewhere that no list names: parts of results and the storage of stages lie at many hosts. */
const ELSEWHERE = 'https://elsewhere.invalid'

/** What `standardBypass` finds in place of the driver's own list. */
interface Bypass {
  /** NO_PROXY as it stands. */
  readonly list: string
  /** The account's own address, of which alone the port may be another one than 443. */
  readonly account: string
}

/** What the driver is told of the proxy. That of the environment holds for the storage of stages too, but for hosts in NO_PROXY. */
function proxyOptions({ proxy: field }: Route, accessUrl: string) {
  const proxy = proxyFor(accessUrl, field) ?? proxyFor(ELSEWHERE, field)
  if (!proxy) return {}
  const { protocol, hostname, port, username, password } = proxy.url
  if (!/^https?:$/.test(protocol))
    throw syncError('config', 'snowflake.proxy', 'The proxy must be an address such as http://proxy.example.com:8080')
  return {
    proxyHost: hostname,
    proxyPort: Number(port) || (protocol === 'https:' ? 443 : 80),
    proxyProtocol: protocol.slice(0, -1),
    ...(username ? { proxyUser: decodeURIComponent(username), proxyPassword: decodeURIComponent(password) } : {}),
    ...(field ? {} : { noProxy: JSON.stringify({ list: noProxy(), account: accessUrl } satisfies Bypass) }),
  }
}

/** What is touched of the driver's inside; checked by the contract tests against the pinned version. */
interface ProxyUtil {
  isByPassProxy(proxy: { readonly noProxy?: string } | undefined, destination: unknown): unknown
}

/** Has the driver read NO_PROXY as all others do: it knows neither what is below a domain, nor ports, nor networks. */
async function standardBypass(): Promise<void> {
  const { default: util } = (await import('snowflake-sdk/dist/lib/proxy_util.js')) as { default: ProxyUtil }
  util.isByPassProxy = (proxy, destination) => {
    if (!proxy?.noProxy || typeof destination !== 'string') return false
    const { list, account } = JSON.parse(proxy.noProxy) as Bypass
    const url = new URL(destination.includes('://') ? destination : `https://${destination}`)
    const { hostname, port } = new URL(account).hostname === url.hostname ? new URL(account) : url
    return bypasses(list, hostname, Number(port) || 443)
  }
}
