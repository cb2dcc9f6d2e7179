/** One thing that several nodes use: opened on first use, closed after its last user; and what a whole runtime has once. */
import type { NodeAPI } from 'node-red'
import { within } from '../../vendor/attempts.ts'

export interface Shared<T> {
  /** Counts a user in; the way back counts it out. Nodes call it when they are made and release after they have drained. */
  use(): () => void
  /** Opens on the first call, and again after a call that failed. */
  get(): Promise<T>
  /** Waits for the last user, but no longer than `waitMs`, then closes what was opened, again within a bound. */
  close(waitMs: number): Promise<void>
}

/** Node-RED closes a config node in the same pass as its users, so closing waits for them here. */
export function shared<T>(open: () => Promise<T>, close: (value: T) => Promise<void>, closeMs = 1500): Shared<T> {
  let opened: Promise<T> | undefined
  let users = 0
  let idle: (() => void) | undefined
  return {
    use() {
      users++
      let counted = true
      return () => {
        if (!counted) return
        counted = false
        users--
        if (users === 0) idle?.()
      }
    },
    get() {
      if (!opened) {
        const attempt = open()
        opened = attempt
        attempt.catch(() => {
          if (opened === attempt) opened = undefined
        })
      }
      return opened
    },
    async close(waitMs) {
      if (users > 0) await within(new Promise<void>((resolve) => (idle = resolve)), waitMs)
      const last = opened
      opened = undefined
      if (last) await within(last.then(close), closeMs)
    },
  }
}

const ONCE = Symbol.for('tieout.once')

/**
 * What there is once for a runtime, whichever nodes use it: a vendor's limit on a company binds all its connections. Kept on
 * the runtime's own event bus, so that it ends with the runtime.
 */
export function onceFor<T>(RED: NodeAPI, key: string, make: () => T): T {
  const owner = RED.events as unknown as { [ONCE]?: Map<string, unknown> }
  if (!owner[ONCE]) Object.defineProperty(owner, ONCE, { value: new Map<string, unknown>(), enumerable: false })
  const known = owner[ONCE] as Map<string, unknown>
  if (!known.has(key)) known.set(key, make())
  return known.get(key) as T
}
