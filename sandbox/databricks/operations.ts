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
  /** Stops the statement and waits until it has left nothing behind, or was quicker and is done. */
  cancel(): Promise<void>
  /** The client takes Arrow. */
  useArrow: boolean
  /** Rows already fetched. */
  fetched: number
}

export interface Sessions {
  open(session: Session): Handle
  find(handle: Handle | undefined): Session | undefined
  /** Ends a session and its statements: what still ran is rolled back when this is done. */
  close(handle: Handle): Promise<void>
  start(handle: Handle, action: (signal: AbortSignal) => Promise<Outcome>): Operation
  operation(handle: Handle | undefined): Operation | undefined
  forget(handle: Handle): Promise<void>
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
    async close(handle) {
      const session = keyOf(handle)
      sessions.delete(session)
      const ending = [...operations].filter(([, operation]) => operation.session === session)
      for (const [key] of ending) operations.delete(key)
      await Promise.all(ending.map(([, operation]) => operation.cancel()))
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
        async cancel() {
          abort.abort()
          await operation.done
        },
      }
      operation.done = action(abort.signal).then(
        (outcome) => {
          // Also where it was quicker than its cancel; Databricks may lose that race too.
          operation.outcome = outcome
          operation.state = 'finished'
        },
        (error: unknown) => {
          operation.error = fromEngine(error)
          operation.state = abort.signal.aborted ? 'cancelled' : 'failed'
        },
      )
      const { done } = operation
      running.add(done)
      void done.then(() => running.delete(done))
      operations.set(keyOf(operation.handle), operation)
      return operation
    },
    operation: (handle) => handle && operations.get(keyOf(handle)),
    async forget(handle) {
      const operation = operations.get(keyOf(handle))
      operations.delete(keyOf(handle))
      await operation?.cancel()
    },
    async end() {
      sessions.clear()
      for (const operation of operations.values()) void operation.cancel()
      await Promise.all(running)
    },
  }
}
