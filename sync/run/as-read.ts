/** What was read of an entity and what became of it at each sink, in amounts as they were read; and what our own nodes made of them. */
import type { Outcome } from '../contract/message.ts'
import type { AsRead, EntitySummary, Figures } from '../contract/summary.ts'
import { amountsText, toldAmounts } from '../values/told.ts'
import { createTotals, type Totals } from '../values/totals.ts'
import type { GroupBook, TableTotals } from '../values/totals-plan.ts'
import type { Arrival, BatchRead, Declared } from './arrivals.ts'
import type { BatchState, RowReport } from './progress.ts'

/** One sink's sums of one entity. */
export interface ReadSums {
  readonly outcomes: Map<Outcome, Totals>
  /** Records of which nobody knows any more what they were when they were read. */
  readonly unknown: Map<Outcome, number>
  /** Arrived less read. */
  mapped: Totals | undefined
  corrected: Totals | undefined
}

export const newReadSums = (): ReadSums => ({
  outcomes: new Map(),
  unknown: new Map(),
  mapped: undefined,
  corrected: undefined,
})

const totalsOf = ({ outcomes }: ReadSums, outcome: Outcome, groups: GroupBook): Totals => {
  const known = outcomes.get(outcome)
  if (known !== undefined) return known
  const totals = createTotals(groups)
  outcomes.set(outcome, totals)
  return totals
}

/** Counts rows by what a sink reports of them, each once; before the reports are written down (`apply`). */
export function countAsRead(sums: ReadSums, batch: BatchState, sink: string, reports: readonly RowReport[]): void {
  const { read } = batch
  const [first] = reports
  if (read === undefined || first === undefined) return
  const { groups } = read.by
  const before = batch.sinks.get(sink)?.reports
  const { outcome } = first
  // Nearly always: a whole batch that was delivered.
  if (reports.length === batch.count && reports.every((one) => one.outcome === outcome) && !before?.some(Boolean)) {
    totalsOf(sums, outcome, groups).add(read.total)
    return
  }
  for (const report of reports) {
    const text = read.texts?.[report.row]
    // What came after it had counted as filtered.
    if (before?.[report.row]) change(sums, 'filtered', groups, text, -1)
    change(sums, report.outcome, groups, text, 1)
  }
}

function change(sums: ReadSums, outcome: Outcome, groups: GroupBook, text: string | undefined, sign: 1 | -1): void {
  if (text === undefined) sums.unknown.set(outcome, (sums.unknown.get(outcome) ?? 0) + sign)
  else if (sign > 0) totalsOf(sums, outcome, groups).add(text)
  else totalsOf(sums, outcome, groups).remove(text)
}

/** What our own nodes made of a record on its way to a sink. */
export function countDeclared(
  sums: ReadSums,
  read: BatchRead,
  row: number,
  { contribution, change: own }: Arrival,
): void {
  const was = read.texts?.[row]
  if (was === undefined || (was === contribution && own === undefined)) return
  const { groups } = read.by
  const corrected = read.declared.findLast((one: Declared) => one.how === 'corrected' && one.digests[row])?.texts?.[row]
  if (corrected !== undefined) {
    sums.corrected ??= createTotals(groups)
    sums.corrected.add(corrected)
    sums.corrected.remove(was)
  }
  // What is left of the whole difference.
  sums.mapped ??= createTotals(groups)
  sums.mapped.add(contribution)
  sums.mapped.remove(corrected ?? was)
  if (own === undefined) return
  sums.mapped.remove(own.arrived)
  sums.mapped.add(own.read ?? own.arrived)
}

/** What was read of an entity, all batches together; undefined: nothing, or nobody knows. */
function readOf(batches: readonly BatchState[]): { totals: Totals; plan: readonly TableTotals[] } | undefined {
  const known = batches.flatMap(({ read }) => read ?? [])
  const [first] = known
  if (first === undefined || known.length < batches.length) return undefined
  const totals = createTotals(first.by.groups)
  for (const { total } of known) totals.add(total)
  return { totals, plan: first.by.plan }
}

/** Where the counts of a sink agree and all amounts are known, those agree too, or it is said which group does not. */
export interface ReadBalance {
  readonly asRead: AsRead
  readonly arrived: EntitySummary['arrived']
  /** The first group that is not accounted for, in words. */
  readonly problem: string | undefined
}

/**
 * What a sink's summary says of amounts as read. `counts`: records by outcome; what is held without ever having been sent has
 * no known amount. `rest`: what is missing counts as filtered (one answer is enough).
 */
export function balanceOf(
  batches: readonly BatchState[],
  sums: ReadSums,
  counts: Readonly<Record<'read' | Outcome, number>>,
  { refused, rest }: { readonly refused: number; readonly rest: boolean },
): ReadBalance | undefined {
  const all = readOf(batches)
  if (all === undefined) return undefined
  const { totals, plan } = all
  const left = createTotals(batches.flatMap(({ read }) => read?.by.groups ?? [])[0] as GroupBook)
  left.add(totals.text())
  for (const own of sums.outcomes.values()) left.remove(own.text())
  const figures = (records: number, own: Totals | undefined, unknown: number): Figures => ({
    records,
    rows: own ? rowsOf(own) : 0,
    amounts: own ? toldAmounts(plan, own) : {},
    ...(unknown > 0 ? { unknown } : {}),
  })
  const asRead: Partial<Record<'read' | Outcome, Figures>> = { read: figures(counts.read, totals, refused) }
  for (const outcome of OUTCOMES) {
    const own = outcome === 'filtered' && rest ? left : sums.outcomes.get(outcome)
    const unknown = (sums.unknown.get(outcome) ?? 0) + (outcome === 'held' ? refused : 0)
    if (counts[outcome] > 0) asRead[outcome] = figures(counts[outcome], own, unknown)
  }
  const isKnown = [...sums.unknown.values()].every((unknown) => unknown === 0)
  const arrived = {
    ...(sums.mapped && differs(sums.mapped) && { mapped: toldAmounts(plan, sums.mapped) }),
    ...(sums.corrected && differs(sums.corrected) && { corrected: toldAmounts(plan, sums.corrected) }),
  }
  const off = isKnown && !rest ? [...left.all()].find((one) => !isNothing(one)) : undefined
  return {
    asRead: asRead as AsRead,
    arrived: Object.keys(arrived).length > 0 ? arrived : undefined,
    problem: off && `amounts as read are not accounted for: ${offText(plan, left, off.group)}`,
  }
}

const OUTCOMES: readonly Outcome[] = ['delivered', 'unchanged', 'superseded', 'held', 'inDoubt', 'filtered']

const rowsOf = (totals: Totals): number => [...totals.all()].reduce((sum, { count }) => sum + count, 0)

const isNothing = ({ count, sums }: { count: number; sums: readonly { small: number; units: bigint }[] }): boolean =>
  count === 0 && sums.every(({ small, units }) => BigInt(small) + units === 0n)

const differs = (totals: Totals): boolean => [...totals.all()].some((one) => !isNothing(one))

function offText(
  plan: readonly TableTotals[],
  left: Totals,
  { list, by, values }: { list: string; by: readonly string[]; values: readonly (string | null)[] },
): string {
  const where = by.map((name, i) => `${name} ${values[i] ?? '(none)'}`).join(', ')
  return `${list || 'header'}${where && `, ${where}`} (${amountsText(toldAmounts(plan, left)) || `${rowsOf(left)} row(s)`} missing)`
}
