/** When a source sweeps: by its setting, or because a message asks for it. */
import type { PollOptions } from '../../sync/contract/engine.ts'

/** The last moment at which the clock of this machine showed this time of day (`HH:MM`), not later than `now`. */
export function lastTime(time: string, now: Date): string {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const at = new Date(now)
  at.setHours(hours, minutes, 0, 0)
  // Not 24 hours back: days on which the clocks change are longer or shorter.
  if (at > now) at.setDate(at.getDate() - 1)
  return at.toISOString()
}

export interface SweepSetting {
  readonly sweep: 'daily' | 'never' | 'always'
  /** From when on, `HH:MM`. */
  readonly sweepAt: string
}

/** What `msg.tieout` says of it. */
export interface SweepOrder {
  readonly sweep?: true | { readonly confirm: string | readonly string[] }
  readonly full?: true
}

export function sweepOf({ sweep, sweepAt }: SweepSetting, order: SweepOrder, now: Date): PollOptions['sweep'] {
  if (order.sweep === true) return { since: null }
  if (order.sweep) return { since: null, confirm: [order.sweep.confirm].flat() }
  if (sweep === 'never') return undefined
  return { since: sweep === 'always' || order.full ? null : lastTime(sweepAt, now) }
}
