/** The work of a live node: nothing escapes from it into Node-RED, and closing waits for it. */
import type { Node } from 'node-red'
import { within } from '../../vendor/attempts.ts'

type Work = () => void | Promise<void>
type Failed = (error: unknown) => void

export interface Life {
  /** Aborted when the node is closed. */
  readonly signal: AbortSignal
  /** Runs some work; then `failed` or `ended`, whose own errors are logged. Resolves when all of it is over. */
  run(work: Work, failed: Failed, ended?: () => void): Promise<void>
  /** Runs it again and again, also after an error, never overlapping, until the node is closed. */
  every(ms: number, work: Work, failed: Failed): void
  /** Called at close, after the work has drained; the last one first. */
  atClose(work: Work): void
  /** Ends all of it; work that still runs has this long. */
  end(drainMs: number): Promise<void>
}

export function lifeOf(node: Node): Life {
  const closing = new AbortController()
  const running = new Set<Promise<void>>()
  const timers = new Set<NodeJS.Timeout>()
  const atClose: Work[] = []

  const run: Life['run'] = (work, failed, ended = () => {}) => {
    const one = (async () => {
      try {
        await work()
      } catch (error) {
        try {
          failed(error)
        } catch (second) {
          node.debug(`in the error handling: ${String(second)}`)
        }
        return
      }
      ended()
    })().catch((error: unknown) => node.debug(`after the work: ${String(error)}`))
    running.add(one)
    return one.then(() => {
      running.delete(one)
    })
  }

  return {
    signal: closing.signal,
    run,
    every(ms, work, failed) {
      const once = (): void => void run(work, failed).then(again)
      const again = (): void => {
        if (closing.signal.aborted) return
        const timer = setTimeout(() => {
          timers.delete(timer)
          once()
        }, ms)
        timers.add(timer)
      }
      once()
    },
    atClose(work) {
      atClose.push(work)
    },
    async end(drainMs) {
      closing.abort()
      for (const timer of timers) clearTimeout(timer)
      await within(Promise.all(running), drainMs)
      for (const work of atClose.reverse())
        try {
          await within(Promise.resolve(work()), 1000)
        } catch (error) {
          node.debug(`at close: ${String(error)}`)
        }
    },
  }
}
