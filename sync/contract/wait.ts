/** Waiting: for how long, and not in silence. */
import { setTimeout as delay } from 'node:timers/promises'

/** The time by which waits go; a bench puts its own in. */
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

/** Longest silence while something is waited for; under the 15 s after which a run asks who is alive. */
const SIGN_MS = 5_000

/** Waits, saying again and again what for and how long still. Rejects with the signal's reason at once when it is aborted. */
export async function waitSaying(
  ms: number,
  why: string,
  context: { readonly signal: AbortSignal; readonly waiting: (what: string) => void },
  clock: Clock = systemClock,
): Promise<void> {
  for (let left = ms; left > 0; left -= SIGN_MS) {
    context.waiting(`${why}, ${timeText(left)} left`)
    await clock.wait(Math.min(left, SIGN_MS), context.signal)
  }
}

/** `45 s`, `35 min`. */
export const timeText = (ms: number): string =>
  ms < 120_000 ? `${Math.max(1, Math.ceil(ms / 1000))} s` : `${Math.ceil(ms / 60_000)} min`

/** How long to wait after so many failures (from 1): doubling, and anywhere between the half and the whole of it, so that many who failed together do not come back together. */
export const backoffMs = (failures: number, firstMs: number, mostMs: number): number =>
  Math.min(firstMs * 2 ** (failures - 1), mostMs) * (0.5 + Math.random() / 2)

/** Since when something waits: as long as each word of it is of waiting, it is one wait. `now`: ISO. */
export function waitKeeper(now: () => string): {
  told(progress: { readonly entity?: string; readonly waiting?: string }): void
  current(): { readonly entity?: string; readonly what: string; readonly since: string } | undefined
} {
  let current: { readonly entity?: string; readonly what: string; readonly since: string } | undefined
  return {
    told({ entity, waiting }) {
      current =
        waiting === undefined ? undefined : { what: waiting, since: current?.since ?? now(), ...(entity && { entity }) }
    },
    current: () => current,
  }
}
