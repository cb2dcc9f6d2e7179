/** The official driver, loaded on first use, with our logger, and tamed: no probing of clouds, no native helper, no eval. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Connection as DriverConnection, SnowflakeError } from 'snowflake-sdk'
import { syncError } from '../../../sync/contract/errors.ts'
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
  /** PEM text of a CA that is trusted besides the public ones. */
  readonly ca?: string
  readonly proxy?: string
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
  const quiet = (text: string): void => log('debug', text)
  driver.configure({
    logLevel: 'WARN',
    // without it the driver writes to the console and to snowflake.log in the working directory
    customLogger: { error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet },
    // the default falls back to eval when a VARIANT is no JSON
    jsonColumnVariantParser: (text: string) => JSON.parse(text) as unknown,
    useEnvProxy: true,
  })
  return driver
}

export async function openDriverSession(options: DriverOptions, login: LoginOptions): Promise<DriverSession> {
  const driver = await loadDriver(options.log)
  await boundRequests(options.accessUrl, options.totalMs)
  if (options.ca) trust(options.ca)
  const connection = driver.createConnection({
    account: options.account,
    accessUrl: options.accessUrl,
    ...login,
    ...(options.warehouse ? { warehouse: options.warehouse } : {}),
    ...(options.role ? { role: options.role } : {}),
    ...(options.database ? { database: options.database } : {}),
    ...(options.schema ? { schema: options.schema } : {}),
    ...(options.proxy ? proxyOptions(options.proxy) : {}),
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

/**
 * The driver has no option for an own CA, and its storage clients (AWS, Azure, Google) have agents of their own: so the CA is
 * trusted by the whole process, as NODE_EXTRA_CA_CERTS would do it.
 */
function trust(pem: string): void {
  const known = getCACertificates('default')
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  const more = certificates.filter((certificate) => !known.includes(certificate))
  if (more.length > 0) setDefaultCACertificates([...known, ...more])
}

function proxyOptions(url: string) {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw syncError('config', 'snowflake.proxy', 'The proxy must be an address such as http://proxy.example.com:8080')
  return {
    proxyHost: parsed.hostname,
    proxyPort: Number(parsed.port) || (parsed.protocol === 'https:' ? 443 : 80),
    proxyProtocol: parsed.protocol.slice(0, -1),
    ...(parsed.username
      ? { proxyUser: decodeURIComponent(parsed.username), proxyPassword: decodeURIComponent(parsed.password) }
      : {}),
  }
}
