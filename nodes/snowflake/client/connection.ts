/** One account and warehouse: sessions, statements, uploads; what may be tried again is, under the same request id. */
import type { WriteContext } from '../../../sync/contract/target.ts'
import { orAborted, retrying, withSignOfLife } from '../../../vendor/attempts.ts'
import { createRetryPolicy } from '../../../vendor/retry-policy.ts'
import { accountOf } from './account.ts'
import type { ResultRow } from './driver.ts'
import { isLostSession } from './errors.ts'
import type { SnowflakeOptions } from './options.ts'
import { createPool } from './pool.ts'
import { createSender, type Session, type Statement } from './send.ts'

export type { ResultRow } from './driver.ts'

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
  /** One statement in any session; `apart`: in one in which nothing was written. */
  run(
    statement: Statement & { readonly tags?: Tags; readonly apart?: true | undefined },
    context: WriteContext,
  ): Promise<readonly ResultRow[]>
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

export function createConnection(options: SnowflakeOptions): Connection {
  const { account, accessUrl } = accountOf(options)
  const log = (level: string, message: string): void => options.log?.(level, message)
  const policy = createRetryPolicy({
    attempts: options.attempts ?? 6,
    baseMs: options.retryBaseMs ?? 500,
    coldStartMs: options.coldStartMs ?? 600_000,
    down: 'Snowflake does not answer',
    lostSession: isLostSession,
  })
  const sender = createSender(options, { policy, accessUrl, log })
  const pool = createPool(options, { account, accessUrl, sender, log })

  async function work<T>(
    what: string,
    tags: Tags,
    task: (work: Work) => Promise<T>,
    context: WriteContext,
    apart = false,
  ): Promise<T> {
    const tag = tagText(tags)
    return withSignOfLife(what, context, () =>
      retrying(
        policy,
        async () => {
          let session: Session | undefined
          const done = (async () => {
            session = await pool.take(context, apart)
            const mine = session
            return task({
              run: (statement) => sender.send(mine, statement, context, tag),
              discard: () => {
                mine.lost = true
              },
            })
          })()
          try {
            const result = await orAborted(done, context.signal)
            if (session) pool.giveBack(session)
            return result
          } catch (error) {
            if (session) pool.leave(session, error, context.signal)
            throw error
          }
        },
        {
          context,
          log,
          failed(error) {
            // a statement was tried again by itself; only its session is a matter of this round
            if (!isLostSession(error) && !pool.isAtLogin(error)) throw error
          },
        },
      ),
    )
  }

  const run: Connection['run'] = ({ tags = {}, apart, ...statement }, context) =>
    work(statement.what, tags, (session) => session.run(statement), context, apart)

  return {
    address: `snowflake://${account.toUpperCase()}`,
    options,
    run,
    work,
    statements: sender.sent,
    close: pool.close,
  }
}

/** Snowflake keeps 2,000 characters of a query tag. */
const tagText = (tags: Tags): string => JSON.stringify({ application: 'tieout', ...tags }).slice(0, 2000)
