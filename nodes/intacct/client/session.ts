/** One session of the gateway, shared by all calls of a connection: signed in once, renewed ahead, never used past its end. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { ServerClock } from './clock.ts'

export interface Session {
  readonly id: string
  readonly endpoint: URL
  /** The server's time at which it is given up. */
  until: number
  /** Nothing was asked with it yet. */
  fresh: boolean
}

export interface SignedIn {
  readonly id: string
  readonly endpoint: URL
  /** `sessiontimeout` as it came. */
  readonly ends: string | undefined
}

export interface SessionOptions {
  readonly clock: ServerClock
  /** Longest life. */
  readonly minutes: number
  readonly signIn: (signal: AbortSignal) => Promise<SignedIn>
  /** Milliseconds of a clock that nobody sets; tests set it. */
  readonly ticks?: () => number
}

/** Sign-ins that were refused for a reason that stays lock the user: the next of many entities does not try again at once. */
const REFUSED_MS = 60_000

/** A session is given up so long before Intacct ends it, so that a call does not meet its end. */
const MARGIN_MS = 60_000

export function createSession({ clock, minutes, signIn, ticks = () => performance.now() }: SessionOptions) {
  let current: Session | undefined
  let opening: Promise<Session> | undefined
  let refused: { readonly error: unknown; readonly until: number } | undefined
  /** The longest life of the current one, whatever Intacct grants. */
  let most = 0

  const endOf = (text: string | undefined): number => {
    const ends = text === undefined ? Number.NaN : Date.parse(text)
    // A timeout shorter than the margin is used to a half.
    return Number.isNaN(ends) ? most : Math.min(most, Math.max(ends - MARGIN_MS, (ends + clock.now()) / 2))
  }
  const open = async (): Promise<Session> => {
    // By a signal of its own: who asked first may be stopped while others wait for the same session.
    const signed = await signIn(new AbortController().signal).catch((error: unknown) => {
      if (isSyncError(error) && error.cause.class === 'config') refused = { error, until: ticks() + REFUSED_MS }
      throw error
    })
    most = clock.now() + minutes * 60_000
    current = { id: signed.id, endpoint: signed.endpoint, until: endOf(signed.ends), fresh: true }
    return current
  }
  const check = (): void => {
    if (current && clock.now() >= current.until) current = undefined
  }
  return {
    /** The session, signed in if there is none: whoever comes meanwhile waits for the same sign-in. */
    async get(signal: AbortSignal): Promise<Session> {
      signal.throwIfAborted()
      check()
      if (current) return current
      if (refused && ticks() < refused.until) throw refused.error
      opening ??= open().finally(() => {
        opening = undefined
      })
      return opening
    },
    current: (): Session | undefined => current,
    check,
    /** Each answer moves the end on, but never past the longest life. */
    lasts(session: Session, ends: string | undefined): void {
      if (ends !== undefined) session.until = endOf(ends)
    },
    forget(session: Session): void {
      if (current === session) current = undefined
    },
    isEnd: (error: unknown): boolean => isSyncError(error) && error.code === 'intacct.session',
  }
}
