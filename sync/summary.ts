/** The summary of a run: who got what, whether it ties, what went wrong. */
import type { CallUsage, EntitySummary, OutcomeCounts, RunSummary } from './engine.ts'
import { type EntityRun, type RunState, type TotalsCheck, tallyOf } from './run.ts'

export interface Ending {
  readonly ended: string
  readonly requests?: number
  /** Stopped on purpose (message, redeploy, close). */
  readonly stopped?: boolean
  readonly calls?: CallUsage
  /** By entity and sink id: `checkKey`. */
  readonly checks?: ReadonlyMap<string, TotalsCheck>
}

export const checkKey = (entity: string, sink: string): string => `${entity}\n${sink}`

/** Every record must be accounted for: `read` equals what became of them. */
export const accounted = (summary: OutcomeCounts): number =>
  summary.delivered + summary.unchanged + summary.superseded + summary.held + summary.inDoubt + summary.filtered

function entityAt(run: RunState, entity: EntityRun, sink: EntityRun['sinks'][number], ending: Ending): EntitySummary {
  const { counts, rows } = tallyOf(entity, sink)
  const check = ending.checks?.get(checkKey(entity.name, sink.id))
  const all = { ...counts, held: counts.held + entity.refused }
  // With one answer enough, what went to another sink counts as filtered here.
  if (run.answer === 'one' && !entity.error) {
    const rest = entity.read - entity.refused - Object.values(counts).reduce((a, b) => a + b, 0)
    if (rest > 0) all.filtered += rest
  }
  const base = {
    ...all,
    entity: entity.name,
    sink: sink.name,
    read: entity.read,
    rows,
    amounts: check?.amounts ?? {},
  }
  const missing = base.read - accounted(base)
  const problem =
    entity.error?.message ??
    (missing !== 0 ? `${missing} of ${base.read} records read are not accounted for` : check?.problem)
  return {
    ...base,
    ties: missing === 0 && !entity.error && (check?.ties ?? true),
    ...(problem === undefined ? {} : { problem }),
    ...(entity.sweep ? { sweep: entity.sweep } : {}),
  }
}

/** Sinks of an entity: those that must answer, and those that answered besides. */
export function sinksOf(entity: EntityRun): EntityRun['sinks'] {
  const known = new Set(entity.sinks.map((sink) => sink.id))
  return [...entity.sinks, ...[...entity.tallies.values()].map((t) => t.ref).filter((ref) => !known.has(ref.id))]
}

export function summarize(run: RunState, ending: Ending): RunSummary {
  const all = [...run.entities.values()]
  const entities = all.flatMap((entity) => sinksOf(entity).map((sink) => entityAt(run, entity, sink, ending)))
  const errors = all.flatMap(({ name, error }) =>
    error ? [{ ...error.cause, entity: name, message: error.message }] : [],
  )
  const ties = entities.every((entity) => entity.ties)
  const failed = errors.length > 0 || (!ties && !ending.stopped)
  return {
    run: run.id,
    sync: run.sync,
    mode: run.mode,
    started: run.started,
    ended: ending.ended,
    state: ending.stopped ? 'stopped' : failed ? 'failed' : 'done',
    entities,
    ties,
    requests: ending.requests ?? 0,
    statements: [...run.counters].reduce((sum, [counter, before]) => sum + counter() - before, 0),
    notices: [...new Set(run.notices)],
    ...(ending.calls ? { calls: ending.calls } : {}),
    errors,
  }
}
