/** What the demo tells a person, and a programme. */

import type { Outcome } from '../sync/contract/message.ts'
import type { EntitySummary, RunSummary } from '../sync/contract/summary.ts'

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

/** Nothing is missing and nothing differs; what is held or in doubt is told, and does not count against it. */
const isAccountedFor = ({ verdict }: Pick<RunSummary, 'verdict'>): boolean =>
  verdict !== 'failed' && verdict !== 'differs'

/** Whether every entity is accounted for that did not fail for a reason of its own, such as a right that was lost. */
export const tiesBut = (run: RunSummary): boolean => run.entities.every((e) => isAccountedFor(e) || hasFailed(run, e))

const TITLES = ['entity', 'read', 'delivered', 'unchanged', 'deleted', 'held', 'says', 'currency', 'debit', 'credit']
/** Columns of text; those of numbers are aligned at their right. */
const TEXT = new Set(['entity', 'says', 'currency'])

/** A run as a table for the terminal: a line for each entity, further ones for further currencies, then what went wrong. */
export function describeRun(run: RunSummary): string {
  const rows = [TITLES, ...run.entities.flatMap(linesOf)]
  const widths = TITLES.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    TITLES.map((title, i) =>
      TEXT.has(title) ? (row[i] ?? '').padEnd(widths[i] ?? 0) : (row[i] ?? '').padStart(widths[i] ?? 0),
    )
      .join('  ')
      .trimEnd()
  const seconds = ((Date.parse(run.ended) - Date.parse(run.started)) / 1000).toFixed(1)
  return [
    `Run of "${run.sync}": ${run.state} in ${seconds} s, ${run.requests} requests, ${run.statements} statements; ${run.says ?? run.verdict}`,
    ...rows.map(line),
    ...problemsOf(run).map((problem) => `  ! ${problem}`),
  ].join('\n')
}

function linesOf(entity: EntitySummary): string[][] {
  const says = entity.verdict ?? ''
  const deleted = entity.sweep === undefined ? '' : String(entity.sweep.gone)
  const { read, delivered, unchanged, held } = entity
  const counts = [`${read}`, `${delivered}`, `${unchanged}`, deleted, `${held}`]
  const sums = Object.entries(entity.amounts).map(([currency, { debit, credit }]) => [currency, debit, credit])
  const [first = [], ...others] = sums
  return [[entity.entity, ...counts, says, ...first], ...others.map((sum) => ['', '', '', '', '', '', '', ...sum])]
}

/** Each once: what an entity failed of and what to do, then what differs, then what is open. */
function problemsOf(run: RunSummary): string[] {
  const failed = run.errors.map(({ message, hint }) =>
    hint === undefined || message.includes(hint) ? message : `${message} ${hint}`,
  )
  const others = run.entities.filter((entity) => !hasFailed(run, entity))
  const bad = others.filter((entity) => !isAccountedFor(entity))
  const open = others.flatMap(({ entity, open: why = [] }) => why.map((text) => `${entity} is open: ${text}`))
  return [
    ...failed,
    ...bad.map(({ entity, verdict, problem }) => `${entity} ${verdict}: ${problem ?? 'no reason known'}`),
    ...open,
  ]
}

interface Held {
  readonly cause: { readonly code: string; readonly message: string; readonly vendorText?: string | undefined }
}

/** Code and words, without what differs from record to record. */
const kindOf = ({ cause: { code, message, vendorText } }: Held): string =>
  `${code} ${vendorText ?? message}`.replaceAll(/\b[\da-f]{32}\b|\d+/g, '0')

/** Held records by code and words of their reason, the most frequent first, each with the words of one of them. */
export const describeHeld = (held: readonly Held[]): string[] =>
  [...Map.groupBy(held, kindOf).values()]
    .sort((a, b) => b.length - a.length)
    .map(([one, ...others]) => `  held: ${others.length + 1} ${one?.cause.code}, such as: ${one?.cause.message}`)
