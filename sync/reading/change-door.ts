/** A source that is read by another of its interfaces than before: what of a position still holds. */
import type { Ledger, Position } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { RunState } from '../run/state.ts'

const DAY_MS = 86_400_000

/** Where the interface of the last window is noted. */
const placeOf = (sync: string, entity: string): string => `door of ${sync} ${entity}`

export interface DoorChange {
  /** The position by which the next window is chosen. */
  readonly position: Position | undefined
  /** To be called when that window is written down. */
  readonly done: () => Promise<void>
}

/**
 * After a change of interface cursors mean nothing, and two interfaces need not agree on a stamp to the second: a window under
 * way begins anew, the next one a day earlier, and a sweep is due, which sets every stamp against those of the new one.
 */
export async function changeDoor(
  ledger: Ledger,
  { name, source, sweep }: PollOptions,
  run: RunState,
  entity: string,
  position: Position | undefined,
): Promise<DoorChange> {
  const place = placeOf(name, entity)
  const before = (await ledger.note(place)) ?? ''
  const now = source.door ?? ''
  if (before === now) return { position, done: async () => {} }
  if (!position) return { position, done: () => ledger.saveNote(place, now) }
  const sweeps = sweep
    ? 'a sweep looks at every record once'
    : 'without a sweep only a full reading looks at every record'
  run.notices.push(
    `${entity}: read by ${now || 'the first interface'} now, by ${before || 'the first interface'} before: the window begins a day earlier, and ${sweeps}.`,
  )
  const { readThrough } = position
  const earlier = readThrough === null ? null : new Date(Date.parse(readThrough) - DAY_MS).toISOString()
  return {
    position: { ...position, readThrough: earlier, window: null },
    async done() {
      if (readThrough !== null) await ledger.saveSwept(name, entity, NEVER)
      await ledger.saveNote(place, now)
    },
  }
}

/** Before every sweep that could be asked for. */
export const NEVER = '0'
