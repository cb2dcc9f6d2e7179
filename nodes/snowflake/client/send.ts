/** Statements in a session: sent once or until they are answered, each under the same request id. */
import { randomUUID } from 'node:crypto'
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { retrying } from '../../../vendor/attempts.ts'
import type { RetryPolicy } from '../../../vendor/retry-policy.ts'
import type { DriverSession, ResultRow } from './driver.ts'
import { type FailurePoint, isLostSession, toSyncError } from './errors.ts'
import type { SnowflakeOptions } from './options.ts'
import { stored } from './sql.ts'

export interface Statement {
  readonly sql: string
  /** Texts and nulls only: the driver takes the type of a bind from its value. */
  readonly binds?: readonly (string | null)[]
  /** What it does, in the error's words. */
  readonly what: string
  /** Content of the file that a PUT uploads. */
  readonly file?: Buffer
}

export interface Session {
  readonly driver: DriverSession
  /** As Snowflake numbers it. */
  id: string
  lost: boolean
  /** For what is read apart from all that writes. */
  readonly apart: boolean
}

export interface Sender {
  /** Sends one statement until it is answered; of a lost session only its owner can make a new one. */
  send(session: Session, statement: Statement, context: WriteContext, tag?: string): Promise<readonly ResultRow[]>
  /** Frees what sessions that were left in a transaction may still lock. */
  freeLocks(session: Session, context: WriteContext): Promise<void>
  /** This session was left while a transaction of it may be open and hold locks. */
  left(session: Session): void
  /** Statements sent so far. */
  sent(): number
}

interface Sending {
  readonly requestId: string
  readonly context: WriteContext
  readonly tag?: string
}

export function createSender(
  options: SnowflakeOptions,
  given: {
    readonly policy: RetryPolicy
    readonly accessUrl: string
    readonly log: (level: string, message: string) => void
  },
): Sender {
  const { policy, accessUrl, log } = given
  const to = { url: accessUrl, route: options }
  /** Sessions that were left while a transaction of theirs may be open and hold locks. */
  const left = new Set<string>()
  let sent = 0

  async function once(session: Session, statement: Statement, more: Sending): Promise<readonly ResultRow[]> {
    const at: FailurePoint = { what: statement.what, phase: statement.file ? 'upload' : 'execute' }
    sent += 1
    try {
      return await session.driver.execute({
        sql: statement.sql,
        requestId: more.requestId,
        signal: more.context.signal,
        traced: (id) => more.context.traced?.('statement', id),
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

  const send: Sender['send'] = (session, statement, context, tag) => {
    const again = randomUUID()
    const attempt = () => {
      // an upload asks for new credentials of the stage each time; the same id would bring back those that were refused
      const requestId = statement.file ? randomUUID() : again
      return once(session, statement, { requestId, context, ...(tag ? { tag } : {}) })
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

  return { send, freeLocks, left: ({ id }) => void left.add(id), sent: () => sent }
}

const noWarehouse = ({ warehouse, role }: SnowflakeOptions): SyncError =>
  syncError(
    'config',
    'snowflake.warehouse',
    `The warehouse ${warehouse ? stored(warehouse) : '(none is chosen)'} does not exist, or the role ${role ? stored(role) : 'of the user'} may not use it: GRANT USAGE ON WAREHOUSE ${warehouse} TO ROLE ${role || '<role>'}.`,
    { hint: 'Correct the warehouse in the connection, or have the right granted.' },
  )
