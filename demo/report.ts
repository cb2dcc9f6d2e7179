/** What the demo tells a person, and a programme. */
import type { EntitySummary, RunSummary } from '../sync/engine.ts'
import type { Outcome } from '../sync/message.ts'

const OUTCOMES: readonly Outcome[] = ['delivered', 'unchanged', 'superseded', 'held', 'inDoubt', 'filtered']

export type EntityCounts = Record<'read' | Outcome, number>

/** Counts of all runs together, by entity. */
export function countEntities(runs: readonly RunSummary[]): Record<string, EntityCounts> {
  const counts: Record<string, EntityCounts> = {}
  for (const entity of runs.flatMap((run) => run.entities)) {
    const none = { read: 0, delivered: 0, unchanged: 0, superseded: 0, held: 0, inDoubt: 0, filtered: 0 }
    const sum = counts[entity.entity] ?? none
    counts[entity.entity] = sum
    sum.read += entity.read
    for (const outcome of OUTCOMES) sum[outcome] += entity[outcome]
  }
  return counts
}

const hasFailed = (run: RunSummary, { entity }: EntitySummary): boolean =>
  run.errors.some((error) => error.entity === entity)

/** Whether every entity ties that did not fail for a reason of its own, such as a right that was lost. */
export const tiesBut = (run: RunSummary): boolean => run.entities.every((e) => e.ties || hasFailed(run, e))

const TITLES = ['entity', 'read', 'delivered', 'unchanged', 'deleted', 'held', 'ties', 'currency', 'debit', 'credit']
/** Columns of text; those of numbers are aligned at their right. */
const TEXT = new Set(['entity', 'ties', 'currency'])

/** A run as a table for the terminal: a line for each entity, further ones for further currencies, then what went wrong. */
export function describeRun(run: RunSummary): string {
  const rows = [TITLES, ...run.entities.flatMap((entity) => linesOf(run, entity))]
  const widths = TITLES.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    TITLES.map((title, i) =>
      TEXT.has(title) ? (row[i] ?? '').padEnd(widths[i] ?? 0) : (row[i] ?? '').padStart(widths[i] ?? 0),
    )
      .join('  ')
      .trimEnd()
  const seconds = ((Date.parse(run.ended) - Date.parse(run.started)) / 1000).toFixed(1)
  return [
    `Run of "${run.sync}": ${run.state} in ${seconds} s, ${run.requests} requests, ${run.statements} statements`,
    ...rows.map(line),
    ...problemsOf(run).map((problem) => `  ! ${problem}`),
  ].join('\n')
}

function linesOf(run: RunSummary, entity: EntitySummary): string[][] {
  const ties = entity.ties ? 'yes' : hasFailed(run, entity) ? 'failed' : 'NO'
  const deleted = entity.sweep === undefined ? '' : String(entity.sweep.gone)
  const { read, delivered, unchanged, held } = entity
  const counts = [`${read}`, `${delivered}`, `${unchanged}`, deleted, `${held}`]
  const sums = Object.entries(entity.amounts).map(([currency, { debit, credit }]) => [currency, debit, credit])
  const [first = [], ...others] = sums
  return [[entity.entity, ...counts, ties, ...first], ...others.map((sum) => ['', '', '', '', '', '', '', ...sum])]
}

/** Each once: what an entity failed of and what to do, then what does not tie. */
function problemsOf(run: RunSummary): string[] {
  const failed = run.errors.map(({ message, hint }) =>
    hint === undefined || message.includes(hint) ? message : `${message} ${hint}`,
  )
  const untied = run.entities.filter((entity) => !entity.ties && !hasFailed(run, entity))
  return [...failed, ...untied.map(({ entity, problem }) => `${entity} does not tie: ${problem ?? 'no reason known'}`)]
}
