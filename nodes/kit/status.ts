/** The status line under a node: blue ring working, green dot done, yellow dot done with something open, yellow ring waiting, red ring failed. */
import type { Node, NodeStatus } from 'node-red'
import type { Progress } from '../../sync/contract/engine.ts'
import { shortReason } from './errors.ts'

export interface Status {
  working(text: string): void
  /** Done, with the time of day, where the text does not have it already. */
  done(text: string, isTimed?: boolean): void
  /** Done, and something is open that a person should see; with the time of day. */
  open(text: string): void
  waiting(text: string): void
  /** An error, or a few words of one's own. */
  failed(reason: unknown): void
  /** Nothing to say, or a neutral word. */
  idle(text?: string): void
  /** Maps the engine's progress: waiting wins over counts. */
  progress(progress: Progress): void
  /** No more changes: the node is closed. */
  end(): void
}

const counts = new Intl.NumberFormat('en-US')
/** `12,400`. */
export const count = (n: number): string => counts.format(n)

/** `1 row`, `12,400 rows`. */
export const counted = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? '' : 's'}`

const atTime = (text: string): string => `${text}, ${new Date().toTimeString().slice(0, 5)}`

/**
 * Status never throws into a handler, and progress is shown at most four times a second: each change goes to every open editor.
 */
export function statusOf(node: Node, everyMs = 250): Status {
  let timer: NodeJS.Timeout | undefined
  let next: NodeStatus | undefined
  let ended = false
  const put = (status: NodeStatus): void => {
    if (ended) return
    try {
      node.status(status)
    } catch (error) {
      node.debug(`status: ${String(error)}`)
    }
  }
  const now = (status: NodeStatus): void => {
    next = undefined
    put(status)
  }
  const soon = (status: NodeStatus): void => {
    next = status
    if (timer || ended) return
    now(status)
    timer = setTimeout(() => {
      timer = undefined
      if (next) soon(next)
    }, everyMs)
    timer.unref()
  }
  return {
    working: (text) => now({ fill: 'blue', shape: 'ring', text }),
    done: (text, isTimed = false) => now({ fill: 'green', shape: 'dot', text: isTimed ? text : atTime(text) }),
    open: (text) => now({ fill: 'yellow', shape: 'dot', text: atTime(text) }),
    waiting: (text) => now({ fill: 'yellow', shape: 'ring', text }),
    failed: (reason) =>
      now({ fill: 'red', shape: 'ring', text: typeof reason === 'string' ? reason : shortReason(reason) }),
    idle: (text) => now(text ? { fill: 'grey', shape: 'ring', text } : {}),
    progress: (p) =>
      soon(
        p.waiting
          ? { fill: 'yellow', shape: 'ring', text: p.waiting }
          : {
              fill: 'blue',
              shape: 'ring',
              text: [p.entity, p.doing ?? counted(p.rows, 'row')].filter(Boolean).join(' '),
            },
      ),
    end: () => {
      ended = true
      clearTimeout(timer)
    },
  }
}
