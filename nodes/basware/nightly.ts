/** Once a night it is compared what was sent and what stands at Basware; what is not alike is an alert. */
import type { NodeAPI } from 'node-red'
import { ledgersOf } from '../kit/kit.ts'
import { beginComparison, sinksOf } from './alignment-routes.ts'

/** The ledger's note of the day on which it was compared last. */
export const COMPARED = 'basware#compared'
/** Hour from which on, by the clock of this machine. */
const HOUR = 3

/** Compares where that is due; a ledger that is seen for the first time begins with its next night. */
export async function compareNightly(RED: NodeAPI, now = new Date()): Promise<void> {
  const today = dayOf(now)
  for (const handle of ledgersOf(RED, 'sync-ledger').values()) {
    if (sinksOf(RED, handle).length === 0) continue
    const { ledger } = await handle.engine.get()
    const last = await ledger.note(COMPARED)
    if (last !== undefined && (last >= today || now.getHours() < HOUR)) continue
    await ledger.saveNote(COMPARED, today)
    if (last !== undefined) await beginComparison(RED, handle, true, last)
  }
}

const dayOf = (date: Date): string =>
  [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
