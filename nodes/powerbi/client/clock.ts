/** The time by which quotas, settling waits and tokens go; a bench puts its own in. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  wait: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    })
  },
}

/** Longest silence while something is waited for. */
const SIGN_MS = 5_000

/** Waits, saying again and again what for and how long still. */
export async function waitSaying(
  clock: Clock,
  ms: number,
  why: string,
  context: { readonly signal: AbortSignal; readonly waiting: (what: string) => void },
): Promise<void> {
  const until = clock.now() + ms
  for (let left = ms; left > 0; left = until - clock.now()) {
    context.waiting(left >= 1000 ? `${why}, ${timeText(left)} left` : why)
    await clock.wait(Math.min(left, SIGN_MS), context.signal)
  }
}

/** `45 s`, `35 min`. */
export const timeText = (ms: number): string =>
  ms < 120_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`
