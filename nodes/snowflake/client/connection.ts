/** One account and warehouse: sessions, statements, uploads; what may be tried again is, under the same request id. */
import { randomUUID } from 'node:crypto'
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { orAborted, retrying, within, withSignOfLife } from '../../../vendor/attempts.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import { TOTAL_MS } from '../../../vendor/limits.ts'
import { createRetryPolicy } from '../../../vendor/retry-policy.ts'
import type { Route } from '../../../vendor/route.ts'
import { accountOf } from './account.ts'
import { type AuthOptions, createLogin } from './auth.ts'
import { type DriverSession, openDriverSession, type ResultRow } from './driver.ts'
import { type FailurePoint, isLostSession, toSyncError } from './errors.ts'
import { type SessionOptions, SHOW_SETTINGS, sessionSettings, wrongSetting } from './session.ts'
import { stored } from './sql.ts'

export type { ResultRow } from './driver.ts'

export interface SnowflakeOptions extends SessionOptions, Route {
  /** Account identifier: `ORG-ACCOUNT`, or the old locator with region and cloud. */
  readonly account: string
  /** Private link or another address; without it `<account>.snowflakecomputing.com`. */
  readonly host?: string
  readonly port?: number
  /** `http` only for a local server. */
  readonly protocol?: 'https' | 'http'
  readonly auth: AuthOptions
  readonly warehouse: string
  readonly role: string
  readonly database: string
  readonly schema: string
  /** Longest wait for one reply; a long statement is polled, so this bounds a request and not a statement. */
  readonly timeoutMs?: number
  /** Longest request in all, default 600,000. */
  readonly totalMs?: number
  /** How long an account or warehouse that does not answer is waited for. */
  readonly coldStartMs?: number
  /** First pause before a statement is sent again; the later ones double. */
  readonly retryBaseMs?: number
  /** How often one statement is sent before a failure that should pass is given on. */
  readonly attempts?: number
  readonly log?: (level: string, message: string) => void
}

export interface Statement {
  readonly sql: string
  /** Texts and nulls only: the driver takes the type of a bind from its value. */
  readonly binds?: readonly (string | null)[]
  /** What it does, in the error's words. */
  readonly what: string
  /** Content of the file that a PUT uploads. */
  readonly file?: Buffer
}

/** Statements of one session, one after another. */
export interface Work {
  run(statement: Statement): Promise<readonly ResultRow[]>
  /** The session is not to be used again: what it has open is not known. */
  discard(): void
}

/** For the query history: sync, run, entity. */
export type Tags = Readonly<Record<string, string>>

export interface Connection {
  /** `snowflake://ORG-ACCOUNT` */
  readonly address: string
  readonly options: Pick<SnowflakeOptions, 'warehouse' | 'role' | 'database' | 'schema'>
  /** One statement in any session. */
  run(statement: Statement & { readonly tags?: Tags }, context: WriteContext): Promise<readonly ResultRow[]>
  /**
   * Several statements in one session that nobody else uses meanwhile. When the session is lost everything is done again in a
   * new one, so that it must be a whole that changes nothing more when it is done twice.
   */
  work<T>(what: string, tags: Tags, task: (work: Work) => Promise<T>, context: WriteContext): Promise<T>
  /** Statements sent so far. */
  statements(): number
  /** Ends the sessions, within a bound. The connection is not used afterwards. */
  close(): Promise<void>
}

interface Session {
  readonly driver: DriverSession
  /** As Snowflake numbers it. */
  id: string
  lost: boolean
}

const CLOSE_MS = 1400

export function createConnection(options: SnowflakeOptions): Connection {
  const { account, accessUrl } = accountOf(options)
  const timeoutMs = options.timeoutMs ?? 60_000
  const log = (level: string, message: string): void => options.log?.(level, message)
  const to = { url: accessUrl, route: options }
  const login = createLogin(options.auth, { timeoutMs, route: options })
  const policy = createRetryPolicy({
    attempts: options.attempts ?? 6,
    baseMs: options.retryBaseMs ?? 500,
    coldStartMs: options.coldStartMs ?? 600_000,
    down: 'Snowflake does not answer',
    lostSession: isLostSession,
  })
  /** Sessions at rest. */
  let idle: Session[] = []
  /** Sessions that were left while a transaction of theirs may be open and hold locks. */
  const left = new Set<string>()
  /** Failures before there was a session: no statement was sent yet. */
  const atLogin = new WeakSet<SyncError>()
  let sent = 0

  async function send(session: Session, statement: Statement, more: Sending): Promise<readonly ResultRow[]> {
    const at: FailurePoint = { what: statement.what, phase: statement.file ? 'upload' : 'execute' }
    sent += 1
    try {
      return await session.driver.execute({
        sql: statement.sql,
        requestId: more.requestId,
        signal: more.context.signal,
        ...(statement.binds ? { binds: statement.binds } : {}),
        ...(statement.file ? { file: statement.file } : {}),
        ...(more.tag ? { tag: more.tag } : {}),
      })
    } catch (error) {
      more.context.signal.throwIfAborted()
      const failure = await toSyncError(error, at, to)
      if (isLostSession(failure)) session.lost = true
      if (failure.code === 'snowflake.000606' && (await hasNoWarehouse(session, more.context)))
        throw noWarehouse(options)
      throw failure
    }
  }

  /** A warehouse that is missing and one that does not run give one answer; only the second passes. A login does not complain. */
  async function hasNoWarehouse({ driver }: Session, { signal }: WriteContext): Promise<boolean> {
    sent += 1
    const sql = 'SELECT CURRENT_WAREHOUSE() AS "w"'
    const rows = await driver.execute({ sql, requestId: randomUUID(), signal }).catch(() => undefined)
    return rows !== undefined && (rows[0]?.w === null || rows[0]?.w === undefined)
  }

  /** Sends one statement until it is answered; of a lost session only its owner can make a new one. */
  const sendAgain = (session: Session, statement: Statement, context: WriteContext, tag?: string) => {
    const again = randomUUID()
    const attempt = () => {
      // an upload asks for new credentials of the stage each time; the same id would bring back those that were refused
      const requestId = statement.file ? randomUUID() : again
      return send(session, statement, { requestId, context, ...(tag ? { tag } : {}) })
    }
    return retrying(policy, attempt, {
      context,
      log,
      async failed(error) {
        if (isLostSession(error)) throw error
        if (error.code === 'snowflake.000625') await freeLocks(session, context)
      },
    })
  }

  /**
   * A session that is lost in a transaction keeps its locks until it was idle for five minutes. Whoever began a transaction may
   * abort it from another session (docs.snowflake.com, SYSTEM$ABORT_TRANSACTION); only those of our own lost sessions are.
   */
  async function freeLocks({ driver }: Session, { signal }: WriteContext): Promise<void> {
    if (left.size === 0) return
    const ask = (sql: string) => {
      sent += 1
      return driver.execute({ sql, requestId: randomUUID(), signal })
    }
    try {
      for (const { id, session } of await ask('SHOW TRANSACTIONS'))
        if (left.has(String(session)) && /^\d+$/.test(String(id))) await ask(`SELECT SYSTEM$ABORT_TRANSACTION(${id})`)
      left.clear()
    } catch (error) {
      // then the lock is waited for, as any other
      log('debug', `locks of lost sessions: ${String((error as Error).message)}`)
    }
  }

  async function openSession(context: WriteContext): Promise<Session> {
    const what = `Login to ${account}`
    let driver: DriverSession
    try {
      driver = await openDriverSession(
        {
          account,
          accessUrl,
          warehouse: options.warehouse,
          role: options.role,
          database: options.database,
          schema: options.schema,
          timeoutMs,
          totalMs: options.totalMs ?? TOTAL_MS,
          log,
          route: options,
        },
        await login.options(context.signal),
      )
    } catch (error) {
      context.signal.throwIfAborted()
      const failure = await toSyncError(error, { what, phase: 'login' }, to)
      atLogin.add(failure)
      if (failure.cause.class === 'auth') login.refused()
      throw failure
    }
    hostAnswered(new URL(accessUrl).hostname)
    const session: Session = { driver, id: '', lost: false }
    try {
      const what = 'Settings of the session'
      await sendAgain(session, { sql: sessionSettings(options), what }, context)
      const wrong = wrongSetting(await sendAgain(session, { sql: SHOW_SETTINGS, what }, context), options)
      if (wrong) throw wrong
      const own = { sql: 'SELECT CURRENT_SESSION() AS "id"', what: 'Number of the session' }
      session.id = String((await sendAgain(session, own, context))[0]?.id)
      await freeLocks(session, context)
    } catch (error) {
      void within(driver.close(), CLOSE_MS)
      throw error
    }
    return session
  }

  async function work<T>(
    what: string,
    tags: Tags,
    task: (work: Work) => Promise<T>,
    context: WriteContext,
  ): Promise<T> {
    const tag = tagText(tags)
    return withSignOfLife(what, context, () =>
      retrying(
        policy,
        async () => {
          let session: Session | undefined
          const done = (async () => {
            session = idle.pop() ?? (await openSession(context))
            const mine = session
            return task({
              run: (statement) => sendAgain(mine, statement, context, tag),
              discard: () => {
                mine.lost = true
              },
            })
          })()
          try {
            const result = await orAborted(done, context.signal)
            if (session) idle.push(session)
            return result
          } catch (error) {
            if (session) leave(session, error, context.signal)
            throw error
          }
        },
        {
          context,
          log,
          failed(error) {
            // a statement has been insisted on already; only its session is a matter of this round
            if (!isLostSession(error) && !atLogin.has(error)) throw error
          },
        },
      ),
    )
  }

  /** A session whose statement may still run, or that is lost, is not used again; with one its neighbours are doubtful too. */
  function leave(session: Session, error: unknown, signal: AbortSignal): void {
    const outcome = (error as SyncError | undefined)?.cause?.class
    if (!session.lost && !signal.aborted && outcome !== 'unknown-outcome') {
      idle.push(session)
      return
    }
    const gone = session.lost ? [session, ...idle] : [session]
    left.add(session.id)
    if (session.lost) idle = []
    for (const { driver } of gone) void within(driver.close(), CLOSE_MS)
  }

  const run: Connection['run'] = ({ tags = {}, ...statement }, context) =>
    work(statement.what, tags, (session) => session.run(statement), context)

  return {
    address: `snowflake://${account.toUpperCase()}`,
    options,
    run,
    work,
    statements: () => sent,
    async close() {
      const closing = idle
      idle = []
      await within(Promise.allSettled(closing.map(({ driver }) => driver.close())), CLOSE_MS)
    },
  }
}

interface Sending {
  readonly requestId: string
  readonly context: WriteContext
  readonly tag?: string
}

const noWarehouse = ({ warehouse, role }: SnowflakeOptions): SyncError =>
  syncError(
    'config',
    'snowflake.warehouse',
    `The warehouse ${warehouse ? stored(warehouse) : '(none is chosen)'} does not exist, or the role ${role ? stored(role) : 'of the user'} may not use it: GRANT USAGE ON WAREHOUSE ${warehouse} TO ROLE ${role || '<role>'}.`,
    { hint: 'Correct the warehouse in the connection, or have the right granted.' },
  )

/** Snowflake keeps 2,000 characters of a query tag. */
const tagText = (tags: Tags): string => JSON.stringify({ application: 'tieout', ...tags }).slice(0, 2000)
