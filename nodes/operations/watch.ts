/** What sync-alert looks for beyond what the engine itself raises: held records and silence. Pure. */
import type { RunSummary } from '../../sync/contract/summary.ts'

export interface Limits {
  /** More open held records than this. */
  readonly heldOver: number
  /** Hours without a successful run; 0: not watched. */
  readonly successHours: number
  /** Minutes that a run may wait. */
  readonly waitMinutes: number
}

export interface Facts {
  readonly sync: string
  readonly now: string
  readonly held: number
  readonly lastSuccess: string | undefined
  /** When the flows start it next after a moment (ISO); undefined: they do not by themselves. */
  readonly nextStart: (after: string) => string | undefined
  /** Newest first. */
  readonly runs: readonly RunSummary[]
}

/** A condition that is on or off; the ledger makes alerts of it. */
export interface Finding {
  readonly kind: 'held' | 'no-success'
  readonly on: boolean
  readonly message: string
}

const HOUR = 3_600_000
/** What a run has from its start until it is missed, where it starts more seldom than the limit. */
const RUN_MS = 2 * HOUR

export function findings(facts: Facts, limits: Pick<Limits, 'heldOver' | 'successHours'>): Finding[] {
  const { sync, held, runs } = facts
  const found: Finding[] = [
    {
      kind: 'held',
      on: held > limits.heldOver,
      message: `${held} record${held === 1 ? '' : 's'} of ${sync} ${held === 1 ? 'is' : 'are'} held (limit ${limits.heldOver}). Look at the reasons, correct the cause and replay.`,
    },
  ]
  // A sync that never succeeded is measured from its first known run.
  const since = facts.lastSuccess ?? runs.at(-1)?.started
  if (limits.successHours > 0 && since !== undefined) {
    const limit = Date.parse(since) + limits.successHours * HOUR
    const start = Date.parse(facts.nextStart(since) ?? since)
    const isRare = start > limit
    const expected = isRare
      ? `it was to start at ${new Date(start).toISOString()}`
      : `expected every ${limits.successHours} h`
    found.push({
      kind: 'no-success',
      on: Date.parse(facts.now) > (isRare ? start + RUN_MS : limit),
      message: `${sync} has had no successful run ${facts.lastSuccess ? `since ${facts.lastSuccess}` : 'yet'} (${expected}).`,
    })
  }
  return found
}
