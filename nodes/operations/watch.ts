/** What sync-alert looks for beyond what the engine itself reports: held records, silence, and zeros. Pure. */
import type { RunSummary } from '../../sync/engine.ts'

export interface Limits {
  /** More open held records than this. */
  readonly heldOver: number
  /** Hours without a successful run; 0: not watched. */
  readonly successHours: number
  /** So many runs in a row must have read records for nothing to be unusual; 0: not watched. */
  readonly zeroRuns: number
}

export interface Facts {
  readonly sync: string
  readonly now: string
  readonly held: number
  readonly lastSuccess: string | undefined
  /** Newest first. */
  readonly runs: readonly RunSummary[]
}

/** A condition that is on or off; the ledger makes alerts of it. */
export interface Finding {
  readonly kind: 'held' | 'no-success' | 'zero-records'
  readonly entity?: string
  readonly on: boolean
  readonly message: string
}

const HOUR = 3_600_000

export function findings(facts: Facts, limits: Limits): Finding[] {
  const { sync, held, runs } = facts
  const found: Finding[] = [
    {
      kind: 'held',
      on: held > limits.heldOver,
      message: `${held} records of ${sync} are held (more than ${limits.heldOver}). Look at them, correct the cause and replay.`,
    },
  ]
  if (limits.successHours > 0) {
    // A sync that never succeeded is measured from its first known run.
    const since = facts.lastSuccess ?? runs.at(-1)?.started
    const hours = since ? (Date.parse(facts.now) - Date.parse(since)) / HOUR : 0
    found.push({
      kind: 'no-success',
      on: hours > limits.successHours,
      message: `${sync} has had no successful run ${facts.lastSuccess ? `since ${facts.lastSuccess}` : 'yet'} (expected every ${limits.successHours} h).`,
    })
  }
  return limits.zeroRuns > 0 ? [...found, ...zeros(sync, runs, limits.zeroRuns)] : found
}

/** Entities that the last run read nothing of, though each of the runs before it did. */
function zeros(sync: string, runs: readonly RunSummary[], usual: number): Finding[] {
  const done = runs.filter((r) => r.mode === 'poll' && r.state === 'done')
  const [last, ...before] = done.slice(0, usual + 1)
  if (!last || before.length < usual) return []
  const read = (run: RunSummary, entity: string): number =>
    Math.max(0, ...run.entities.filter((e) => e.entity === entity).map((e) => e.read))
  const entities = new Set(before.flatMap((run) => run.entities.map((e) => e.entity)))
  return [...entities].map((entity) => ({
    kind: 'zero-records' as const,
    entity,
    on: read(last, entity) === 0 && before.every((run) => read(run, entity) > 0),
    message: `The last run of ${sync} read no ${entity}, though each of the ${usual} runs before it did. A lost right or a changed filter looks like this.`,
  }))
}
