/** Sessions: opened with settings that are asked back, at rest until they are needed, given up when they are lost. */
import type { SyncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import { within } from '../../../vendor/attempts.ts'
import { hostAnswered } from '../../../vendor/hosts.ts'
import { TOTAL_MS } from '../../../vendor/limits.ts'
import { createLogin } from './auth.ts'
import { type DriverSession, openDriverSession } from './driver.ts'
import { toSyncError } from './errors.ts'
import type { SnowflakeOptions } from './options.ts'
import type { Sender, Session } from './send.ts'
import { SHOW_SETTINGS, sessionSettings, wrongSetting } from './session.ts'

const CLOSE_MS = 1400

export interface Pool {
  /** A session that nobody else uses; `apart`: one in which nothing was written. */
  take(context: WriteContext, apart?: boolean): Promise<Session>
  /** Its work ended well. */
  giveBack(session: Session): void
  /** Its work ended with this error: one whose statement may still run, or that is lost, is not used again. */
  leave(session: Session, error: unknown, signal: AbortSignal): void
  /** The failure came before there was a session: no statement was sent yet. */
  isAtLogin(error: SyncError): boolean
  close(): Promise<void>
}

export function createPool(
  options: SnowflakeOptions,
  given: {
    readonly account: string
    readonly accessUrl: string
    readonly sender: Sender
    readonly log: (level: string, message: string) => void
  },
): Pool {
  const { account, accessUrl, sender, log } = given
  const timeoutMs = options.timeoutMs ?? 60_000
  const to = { url: accessUrl, route: options }
  const login = createLogin(options.auth, { timeoutMs, route: options })
  let idle: Session[] = []
  const atLogin = new WeakSet<SyncError>()
  /** Whether sessions keep what they are set to; after a lost one they are asked anew. */
  let obeys = false

  async function openSession(context: WriteContext, apart: boolean): Promise<Session> {
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
    const session: Session = { driver, id: '', lost: false, apart }
    try {
      const what = 'Settings of the session'
      await sender.send(session, { sql: sessionSettings(options), what }, context)
      if (!obeys) {
        const wrong = wrongSetting(await sender.send(session, { sql: SHOW_SETTINGS, what }, context), options)
        if (wrong) throw wrong
        obeys = true
      }
      const own = { sql: 'SELECT CURRENT_SESSION() AS "id"', what: 'Number of the session' }
      session.id = String((await sender.send(session, own, context))[0]?.id)
      await sender.freeLocks(session, context)
    } catch (error) {
      void within(driver.close(), CLOSE_MS)
      throw error
    }
    return session
  }

  /** With a lost session its neighbours are doubtful too. */
  function leave(session: Session, error: unknown, signal: AbortSignal): void {
    const outcome = (error as SyncError | undefined)?.cause?.class
    if (!session.lost && !signal.aborted && outcome !== 'unknown-outcome') {
      idle.push(session)
      return
    }
    const gone = session.lost ? [session, ...idle] : [session]
    sender.left(session)
    if (session.lost) {
      idle = []
      obeys = false
    }
    for (const { driver } of gone) void within(driver.close(), CLOSE_MS)
  }

  return {
    async take(context, apart = false) {
      const at = idle.findLastIndex((session) => session.apart === apart)
      return (at >= 0 && idle.splice(at, 1)[0]) || openSession(context, apart)
    },
    giveBack: (session) => void idle.push(session),
    leave,
    isAtLogin: (error) => atLogin.has(error),
    async close() {
      const closing = idle
      idle = []
      await within(Promise.allSettled(closing.map(({ driver }) => driver.close())), CLOSE_MS)
    },
  }
}
