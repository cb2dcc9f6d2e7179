/** What sync-alert sends itself: writes down which messages are due, and sends what waits. */
import { randomUUID } from 'node:crypto'
import type { Topic } from '../../alerts/causes.ts'
import { deliver, type Waiting } from '../../alerts/deliver.ts'
import { linkOf } from '../../alerts/message.ts'
import { send } from '../../alerts/send.ts'
import { tellingOf } from '../../alerts/tell.ts'
import { isSet, type Way } from '../../alerts/way.ts'
import type { AlertRecord, Ledger } from '../../ledger/ledger.ts'
import type { NodeContext } from '../kit/kit.ts'

export interface Recipient {
  readonly to: readonly string[]
  readonly money: boolean
  readonly technical: boolean
}

/** Writes the messages that these alerts ask for, with what was told; both are on disk when it returns. */
export async function writeMessages(
  ledger: Ledger,
  recipient: string,
  { money, technical }: Recipient,
  alerts: readonly AlertRecord[],
): Promise<void> {
  const now = new Date().toISOString()
  const topics = new Set<Topic>([...(money ? ['money' as const] : []), ...(technical ? ['technical' as const] : [])])
  const link = linkOf(process.env.TIEOUT_PUBLIC_URL)
  const { told, over, messages } = tellingOf(alerts, await ledger.toldCauses(recipient), { now, topics, link })
  if (told.length === 0 && over.length === 0) return
  await ledger.tellCauses(recipient, {
    told,
    over,
    messages: messages.map((message) => ({ id: randomUUID(), message: JSON.stringify(message), at: now })),
  })
}

/** What is being sent when the node closes has this long. */
const LAST_MS = 8000

/** Sends what waits; each call tries what is due. Gives what is left. */
export function sender(
  { id, log, signal, config }: NodeContext<Recipient>,
  way: () => Promise<Way>,
): (ledger: Ledger) => Promise<Waiting> {
  const gone = new Set<string>()
  const end = new AbortController()
  signal.addEventListener('abort', () => setTimeout(() => end.abort(), LAST_MS).unref(), { once: true })
  return (ledger) =>
    deliver({
      ledger,
      recipient: id,
      send: async (message, text) => send(await way(), { id: message, message: text, to: config.to }, end.signal),
      signal,
      now: Date.now,
      gone,
      gaveUp: (title, problem) => log.error(`"${title}" could not be sent for a day and is given up. ${problem}`),
    })
}

/** Whether there is anybody to send to. */
export const hasRecipient = async (way: () => Promise<Way>, { to }: Recipient): Promise<boolean> =>
  isSet(await way(), to)
