/** What the demo tells a person, and a programme. */
import type { RunSummary } from '../sync/engine.ts'
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

/** A run as a table for the terminal. */
export function describeRun(run: RunSummary): string {
  const head = ['entity', 'read', 'delivered', 'unchanged', 'held', 'debit', 'credit', 'ties']
  const body = run.entities.map((e) => {
    const sums = Object.entries(e.amounts)
    const debit = sums.map(([currency, sum]) => `${sum.debit} ${currency}`).join(', ')
    const credit = sums.map(([currency, sum]) => `${sum.credit} ${currency}`).join(', ')
    return [
      e.entity,
      e.read,
      e.delivered,
      e.unchanged,
      e.held,
      debit,
      credit,
      e.ties ? 'yes' : `NO${e.problem ? `: ${e.problem}` : ''}`,
    ].map(String)
  })
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i > 0 && i < 5 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  const seconds = ((Date.parse(run.ended) - Date.parse(run.started)) / 1000).toFixed(1)
  return [
    `Run of "${run.sync}": ${run.state} in ${seconds} s, ${run.requests} requests, ${run.statements} statements`,
    line(head),
    ...body.map(line),
    ...run.errors.map(
      (error) => `  ! ${error.entity ?? ''} ${error.code} ${error.vendorText ?? ''} ${error.hint ?? ''}`,
    ),
  ].join('\n')
}
