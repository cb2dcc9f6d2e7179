/**
 * What became of each row of each batch of one entity, and how far the contiguous settled prefix reaches in read order.
 * Pure: no ledger, no clock.
 */
import type { KnownKey, Position } from '../../ledger/ledger.ts'
import type { Outcome } from '../contract/message.ts'
import type { BatchRead } from './arrivals.ts'

const codes: readonly Outcome[] = ['delivered', 'unchanged', 'superseded', 'held', 'inDoubt', 'filtered']
const codeOf = new Map<Outcome, number>(codes.map((outcome, index) => [outcome, index + 1]))

export interface RowReport {
  /** `_row` of the record. */
  readonly row: number
  readonly outcome: Outcome
  /** Held until something that is not its own fault is over: its source's inbox hands it on again. */
  readonly waits?: true
}

/** A stretch of a batch that came from one page of one walk. */
export interface Segment {
  readonly walk: string
  /** Rows of the batch up to here (exclusive) are of this page or earlier ones. */
  readonly upTo: number
  /** Cursor behind the last row of the stretch, `true` when the walk ended with it, `undefined` when it cannot be told (the page goes on). */
  readonly end: string | true | undefined
  /** Cursors behind each row, for the last rows of the stretch: the last belongs to row `upTo - 1`. */
  readonly cursors?: readonly string[]
}

/** One sink's side of one batch. */
export interface SinkSide {
  /** 0: not reported, else the outcome's code. */
  readonly reports: Uint8Array
  readonly received: Uint8Array
  /** Of the key that each row came with, 32 bits; 0: it did not come yet. Made when the first message comes. */
  keys?: Uint32Array
  /** How many rows were reported. */
  reported: number
  /** How many rows were received and not reported. */
  outstanding: number
  /** When the last sign of life came; undefined: none yet. */
  lastSign: number | undefined
  waiting: string | undefined
  /** ISO: since when it waits without a break. */
  waitingSince: string | undefined
}

export interface BatchState {
  readonly index: number
  readonly count: number
  readonly rows: number
  readonly bytes: number
  readonly sentAt: number
  segments: readonly Segment[]
  /**
   * What its rows show of the source, one for each; taken away once they are settled. An element is undefined where nobody
   * knows the source's own key any more (a record that was held at a sink); absent: nobody knows any.
   */
  known?: readonly (KnownKey | undefined)[] | undefined
  /** What the rows were when they were read; absent: nobody knows. */
  readonly read?: BatchRead
  /** The ledger gets to know these keys once they are settled, for a sweep to compare with. */
  readonly swept?: boolean
  readonly sinks: Map<string, SinkSide>
  /** Rows that wait (`RowReport.waits`). */
  readonly waiting?: Set<number>
  /** Versions of what made its rows: of the fields that were read (`FIELDS`), and of the mappings that it went through, by node. */
  made?: Map<string, string>
  /** The last of our nodes on the way that had it, and when. */
  seen?: { readonly by: string; readonly at: number }
}

/** Stands for the source in `BatchState.made`. */
export const FIELDS = ''

/** Where the prefix stands: `row` rows of batch `batch`. */
export interface Prefix {
  batch: number
  row: number
}

export const newBatch = (batch: Omit<BatchState, 'sinks'>): BatchState => ({ ...batch, sinks: new Map() })

export function sinkSide(batch: BatchState, sink: string): SinkSide {
  let side = batch.sinks.get(sink)
  if (!side) {
    side = {
      reports: new Uint8Array(batch.count),
      received: new Uint8Array(batch.count),
      reported: 0,
      outstanding: 0,
      lastSign: undefined,
      waiting: undefined,
      waitingSince: undefined,
    }
    batch.sinks.set(sink, side)
  }
  return side
}

/** Marks rows as received; rows that the batch does not have are ignored. */
export function markReceived(batch: BatchState, sink: string, rows: Iterable<number>): void {
  const side = sinkSide(batch, sink)
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= batch.count || side.received[row]) continue
    side.received[row] = 1
    if (!side.reports[row]) side.outstanding++
  }
}

/**
 * Of the reports given, those that count: the first for each row, and what corrects an earlier `filtered`.
 * A message that comes twice is therefore counted once.
 */
export function countable(batch: BatchState, sink: string, reports: readonly RowReport[]): RowReport[] {
  const side = batch.sinks.get(sink)
  const seen = new Set<number>()
  return reports.filter(({ row, outcome }) => {
    if (!Number.isInteger(row) || row < 0 || row >= batch.count || seen.has(row)) return false
    const before = side?.reports[row] ?? 0
    if (before && !(before === codeOf.get('filtered') && outcome !== 'filtered')) return false
    seen.add(row)
    return true
  })
}

/** Rows of a batch that did not come to a sink, or that the flow filtered. */
export function missedBy(batch: BatchState, sink: string): number[] {
  const reports = batch.sinks.get(sink)?.reports
  const missed: number[] = []
  for (let row = 0; row < batch.count; row++)
    if (!reports?.[row] || reports[row] === codeOf.get('filtered')) missed.push(row)
  return missed
}

/** What the sinks said of a row. */
export const outcomesOf = (batch: BatchState, row: number): Outcome[] =>
  [...batch.sinks.values()]
    .map((side) => codes[(side.reports[row] ?? 0) - 1])
    .filter((outcome) => outcome !== undefined)

/** Counts by outcome; what corrects an earlier `filtered` takes one off there. */
export function countsOf(
  batch: BatchState,
  sink: string,
  reports: readonly RowReport[],
): Partial<Record<Outcome, number>> {
  const side = batch.sinks.get(sink)
  const counts: Partial<Record<Outcome, number>> = {}
  for (const { row, outcome } of reports) {
    counts[outcome] = (counts[outcome] ?? 0) + 1
    if (side?.reports[row]) counts.filtered = (counts.filtered ?? 0) - 1
  }
  return counts
}

/** Writes reports (from `countable`) down. */
export function apply(batch: BatchState, sink: string, reports: readonly RowReport[]): void {
  const side = sinkSide(batch, sink)
  for (const { row, outcome } of reports) {
    if (!side.reports[row]) {
      side.reported++
      if (side.received[row]) side.outstanding--
    }
    side.reports[row] = codeOf.get(outcome) ?? 0
  }
}

/** Rows that nobody who must answer has reported yet and that no sink is working on. */
export interface Rule {
  readonly mustReport: 'every' | 'one'
  readonly sinks: readonly string[]
}

/** Answers that are about to be written down, for looking ahead. */
export interface Overlay {
  readonly batch: number
  readonly sink: string
  readonly rows: ReadonlySet<number>
}

function isSettled(batch: BatchState, row: number, rule: Rule, overlay?: Overlay): boolean {
  const over = (sink: string) => overlay?.batch === batch.index && overlay.sink === sink && overlay.rows.has(row)
  const has = (sink: string) => (batch.sinks.get(sink)?.reports[row] ?? 0) !== 0 || over(sink)
  if (rule.mustReport === 'every') return rule.sinks.every(has)
  let some = overlay !== undefined && over(overlay.sink)
  for (const [sink, side] of batch.sinks) {
    if (has(sink)) some = true
    else if (side.received[row]) return false
  }
  return some
}

/** The prefix after everything that is settled, looking ahead at `overlay`; never behind `from`. */
export function advance(batches: readonly BatchState[], from: Prefix, rule: Rule, overlay?: Overlay): Prefix {
  let { batch: at, row } = from
  for (; at < batches.length; at++, row = 0) {
    const batch = batches[at]
    if (!batch) break
    while (row < batch.count && isSettled(batch, row, rule, overlay)) row++
    if (row < batch.count) break
  }
  return { batch: at, row }
}

/** Rows of a batch that are not settled. */
export function unsettled(batch: BatchState, rule: Rule): number[] {
  const rows: number[] = []
  for (let row = 0; row < batch.count; row++) if (!isSettled(batch, row, rule)) rows.push(row)
  return rows
}

/** What the rows show that lie between two prefixes, where the ledger wants to know. */
export function knownBetween(batches: readonly BatchState[], from: Prefix, to: Prefix): KnownKey[] {
  const known: KnownKey[] = []
  for (let at = from.batch; at <= to.batch && at < batches.length; at++) {
    const batch = batches[at]
    if (!batch?.swept) continue
    for (const key of batch.known?.slice(at === from.batch ? from.row : 0, at < to.batch ? undefined : to.row) ?? [])
      if (key !== undefined) known.push(key)
  }
  return known
}

/** Keys of the rows between two prefixes, of a source with an inbox, that are over for it. */
export function overBetween(batches: readonly BatchState[], from: Prefix, to: Prefix): string[] {
  const keys: string[] = []
  for (let at = from.batch; at <= to.batch && at < batches.length; at++) {
    const batch = batches[at]
    if (!batch?.waiting) continue
    const end = at < to.batch ? batch.count : to.row
    for (let row = at === from.batch ? from.row : 0; row < end; row++) {
      const key = batch.known?.[row]?.key
      if (key !== undefined && !batch.waiting.has(row)) keys.push(key)
    }
  }
  return keys
}

/** The walks' cursors after the prefix moved from `from` to `to`. */
export function walksAt(
  walks: Readonly<Record<string, string | true | null>>,
  batches: readonly BatchState[],
  from: Prefix,
  to: Prefix,
): Record<string, string | true | null> {
  const next: Record<string, string | true | null> = { ...walks }
  for (let at = from.batch; at <= to.batch && at < batches.length; at++) {
    const batch = batches[at]
    if (!batch) break
    const rows = at < to.batch ? batch.count : to.row
    let begin = 0
    for (const segment of batch.segments) {
      if (segment.upTo <= rows) {
        if (segment.end !== undefined) next[segment.walk] = segment.end
        begin = segment.upTo
        continue
      }
      const cursor = rows > begin ? segment.cursors?.at(rows - segment.upTo - 1) : undefined
      if (cursor !== undefined) next[segment.walk] = cursor
      break
    }
  }
  return next
}

/** A finished window: everything up to its end was read and settled. */
export const finished = (position: Position): Position =>
  position.window
    ? {
        ...position,
        readThrough: position.window.through,
        readAt: position.window.at,
        window: null,
        ...(position.window.contract ? { contract: position.window.contract } : {}),
      }
    : position

/** Is every row of the batch settled? */
export function isDone(batch: BatchState, rule: Rule): boolean {
  if (rule.mustReport === 'every') return rule.sinks.every((sink) => batch.sinks.get(sink)?.reported === batch.count)
  return unsettled(batch, rule).length === 0
}
