/** Sends what waits in the ledger, and tries again for a day what could not be sent. */
import type { AlertMessage, AlertMessages } from '../ledger/ledger.ts'
import { asSyncError, withHint } from '../sync/contract/errors.ts'
import type { Message } from './message.ts'

const MINUTE_MS = 60_000
/** So long a message is tried. */
const MOST_MS = 24 * 60 * MINUTE_MS
const LONGEST_WAIT_MS = 60 * MINUTE_MS

export interface DeliverOptions {
  readonly ledger: AlertMessages
  readonly recipient: string
  /** Sends one message; throws when it did not go out. */
  readonly send: (id: string, message: Message) => Promise<void>
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly now: () => number
  /** Ids of what went out and could not be struck off yet: kept by the caller, so that nothing goes out twice. */
  readonly gone: Set<string>
  /** Told of what was given up. */
  readonly gaveUp: (title: string, problem: string) => void
}

/** What did not go out: how many wait, and why the last could not be sent. */
export interface Waiting {
  readonly count: number
  readonly problem?: string
}

/**
 * Tries each message whose time has come, oldest first. One that a killed process had sent and not written down goes out once
 * more, under the same id. Never throws for a message; only where the ledger cannot be read or written.
 */
export async function deliver(options: DeliverOptions): Promise<Waiting> {
  const { ledger, recipient, send, signal, now, gone } = options
  for (const one of await ledger.alertMessages(recipient)) {
    const { id, message, due } = one
    if (signal.aborted) break
    if (Date.parse(due) > now()) continue
    const parsed = JSON.parse(message) as Message
    try {
      if (!gone.has(id)) await send(id, parsed)
    } catch (error) {
      // Closed in the middle: tried again when the node is back.
      if (signal.aborted) break
      const known = asSyncError(error)
      await delay(options, one, parsed.title, withHint(known.message, known.cause.hint))
      // The others would fare alike.
      if (known.cause.class !== 'config') break
      continue
    }
    gone.add(id)
    await ledger.endAlertMessage(id)
    gone.delete(id)
  }
  const left = await ledger.alertMessages(recipient)
  const problem = left.find((one) => one.problem !== undefined)?.problem
  return { count: left.length, ...(problem === undefined ? {} : { problem }) }
}

async function delay(
  { ledger, now, gaveUp }: DeliverOptions,
  { id, at, tries }: AlertMessage,
  title: string,
  problem: string,
): Promise<void> {
  const end = Date.parse(at) + MOST_MS
  if (now() >= end) {
    await ledger.endAlertMessage(id)
    gaveUp(title, problem)
    return
  }
  const next = now() + Math.min(MINUTE_MS * 2 ** tries, LONGEST_WAIT_MS)
  await ledger.delayAlertMessage(id, { due: new Date(Math.min(next, end)).toISOString(), problem })
}
