/** What sync-alert sends itself: writes down which messages are due, and sends what waits. */
import { randomUUID } from 'node:crypto'
import type { Topic } from '../../alerts/causes.ts'
import { deliver, type Waiting } from '../../alerts/deliver.ts'
import { linkOf, timeText } from '../../alerts/message.ts'
import { send } from '../../alerts/send.ts'
import { type Day, lastAt, summaryMessage } from '../../alerts/summary.ts'
import { tellingOf } from '../../alerts/tell.ts'
import { isSet, type Way } from '../../alerts/way.ts'
import type { AlertRecord, Ledger } from '../../ledger/ledger.ts'
import { byEntity, openInWords } from '../../sync/run/verdict.ts'
import type { NodeContext } from '../kit/kit.ts'
import { type Watcher, watchedSyncs } from './look.ts'

export interface Recipient {
  readonly to: readonly string[]
  readonly money: boolean
  readonly technical: boolean
  readonly daily: boolean
  /** Time of day of the summary, `07:00`. */
  readonly dailyAt: string
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

/** Runs of a sync that a summary counts. */
const MOST_RUNS = 5000

/** Once a day at its time: the first one on the day after it was asked for. What was missed comes as one, with all since. */
export async function writeSummary(ledger: Ledger, id: string, recipient: Recipient & Watcher): Promise<void> {
  if (!recipient.daily) return
  const address = `tieout://summary/${id}`
  const now = new Date()
  const due = lastAt(recipient.dailyAt, now).toISOString()
  const before = await ledger.note(address)
  if (before !== undefined && before >= due) return
  const messages: { id: string; message: string; at: string }[] = []
  if (before !== undefined) {
    const syncs = await watchedSyncs(ledger, recipient)
    const days = await Promise.all(syncs.map((sync) => dayOf(ledger, sync, before)))
    const message = summaryMessage(days, timeText(before), linkOf(process.env.TIEOUT_PUBLIC_URL))
    messages.push({ id: randomUUID(), message: JSON.stringify(message), at: now.toISOString() })
  }
  const note = { address, text: due }
  await ledger.tellCauses(id, { told: [], over: [], messages, note })
}

async function dayOf(ledger: Ledger, sync: string, since: string): Promise<Day> {
  const runs = (await ledger.runs({ sync, limit: MOST_RUNS })).filter(({ ended }) => ended >= since)
  // In counts and sums alone: the words of a target may hold those of a record.
  const items = (await ledger.openItems(sync)).map(({ problem: _problem, ...item }) => item)
  return {
    sync,
    runs: runs.length,
    failed: runs.filter(({ state }) => state === 'failed' || state === 'died').length,
    moved: runs.flatMap(({ entities }) => entities).reduce((sum, { delivered }) => sum + delivered, 0),
    word: runs.find(({ mode }) => mode === 'poll')?.verdict,
    open: [...byEntity(items)].flatMap(([entity, own]) => openInWords(own).map((text) => `${entity}: ${text}`)),
  }
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
