/** Work of a client that is tried again, waited for with signs of life, stopped when asked, and never waited for too long. */
import { isSyncError, type SyncError } from '../sync/contract/errors.ts'
import { tryAgain } from '../sync/contract/retry.ts'
import type { WriteContext } from '../sync/contract/target.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** Under the engine's 15 s. */
const SIGN_OF_LIFE_MS = 10_000

export interface RetryingOptions {
  readonly context: WriteContext
  readonly log: (level: string, message: string) => void
  /** Told of each failure that is tried again, before the pause; throws to give up after all. */
  readonly failed?: (error: SyncError) => void | Promise<void>
}

/** Tries again what may be tried again, as long as the policy allows. Throws the last error, or the abort's reason. */
export async function retrying<T>(policy: RetryPolicy, work: () => Promise<T>, options: RetryingOptions): Promise<T> {
  const { context, log, failed } = options
  const waits = policy.begin()
  return tryAgain(
    async () => {
      const result = await work()
      policy.answered()
      return result
    },
    async (error) => {
      if (!isSyncError(error)) return undefined
      const next = waits.after(error)
      if (next === undefined) return undefined
      await failed?.(error)
      log('warn', `${error.message} (again in ${Math.round(next.ms / 100) / 10} s)`)
      return next
    },
    context,
  )
}

/** Waits for work that may fail or hang, but not for long. `true` where it ended in time; never rejects. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false).unref()
  })
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => true,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** The work, or the abort when that is sooner; what the work still does goes on by itself. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Says every ten seconds that the work goes on. */
export async function withSignOfLife<T>(what: string, context: WriteContext, work: () => Promise<T>): Promise<T> {
  const begun = Date.now()
  const timer = setInterval(
    () => context.waiting(`${what}, running for ${Math.round((Date.now() - begun) / 1000)} s`),
    SIGN_OF_LIFE_MS,
  )
  timer.unref()
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}
