import { randomBytes, randomUUID } from 'node:crypto'
import { fromEngine, type SqlError } from './errors.ts'
import type { Outcome, Session } from './execute.ts'

/** A Thrift handle; the guid must be a valid UUID, the driver checks it. */
export interface Handle {
  guid: Buffer
  secret: Buffer
}

export function newHandle(): Handle {
  return { guid: Buffer.from(randomUUID().replaceAll('-', ''), 'hex'), secret: randomBytes(16) }
}

export const keyOf = (handle: { guid: Buffer }) => Buffer.from(handle.guid).toString('hex')

/** One statement on its way, until the client closes it. */
export interface Operation {
  handle: Handle
  session: string
  state: 'running' | 'finished' | 'failed' | 'cancelled'
  outcome: Outcome | undefined
  error: SqlError | undefined
  /** Settles when the statement ends, however it ends. */
  done: Promise<void>
  cancel(): void
  /** The client takes Arrow. */
  useArrow: boolean
  /** Rows already fetched. */
  fetched: number
}

export interface Sessions {
  open(session: Session): Handle
  find(handle: Handle | undefined): Session | undefined
  close(handle: Handle): void
  start(handle: Handle, action: (signal: AbortSignal) => Promise<Outcome>): Operation
  operation(handle: Handle | undefined): Operation | undefined
  forget(handle: Handle): void
  /** Stops what is running and waits until it has stopped. */
  end(): Promise<void>
}

/** Sessions and their operations; both end with the server, as they do in Databricks with the warehouse. */
export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  const operations = new Map<string, Operation>()
  /** Statements under way, those that nobody can ask for any more included. */
  const running = new Set<Promise<void>>()

  return {
    open(session) {
      const handle = newHandle()
      sessions.set(keyOf(handle), session)
      return handle
    },
    find: (handle) => handle && sessions.get(keyOf(handle)),
    close(handle) {
      const session = keyOf(handle)
      sessions.delete(session)
      for (const [key, operation] of operations) {
        if (operation.session !== session) continue
        operation.cancel()
        operations.delete(key)
      }
    },
    start(handle, action) {
      const abort = new AbortController()
      const operation: Operation = {
        handle: newHandle(),
        session: keyOf(handle),
        state: 'running',
        outcome: undefined,
        error: undefined,
        useArrow: false,
        fetched: 0,
        done: Promise.resolve(),
        cancel() {
          if (operation.state !== 'running') return
          operation.state = 'cancelled'
          abort.abort()
        },
      }
      operation.done = action(abort.signal).then(
        (outcome) => {
          // A statement that was quicker than its cancel has happened; Databricks may lose that race too.
          operation.outcome = outcome
          if (operation.state === 'running') operation.state = 'finished'
        },
        (error: unknown) => {
          operation.error = fromEngine(error)
          if (operation.state === 'running') operation.state = 'failed'
        },
      )
      const { done } = operation
      running.add(done)
      void done.then(() => running.delete(done))
      operations.set(keyOf(operation.handle), operation)
      return operation
    },
    operation: (handle) => handle && operations.get(keyOf(handle)),
    forget(handle) {
      operations.get(keyOf(handle))?.cancel()
      operations.delete(keyOf(handle))
    },
    async end() {
      sessions.clear()
      for (const operation of operations.values()) operation.cancel()
      await Promise.all(running)
    },
  }
}
