/** Fills batches with whole records from the pages of an entity's walks. */
import type { DataRecord, Row, Value } from '../contract/message.ts'
import type { Page } from '../contract/source.ts'
import type { Segment } from '../run/progress.ts'
import type { Contributor } from '../values/contribution.ts'
import { createTotals } from '../values/totals.ts'

export interface FilledBatch {
  readonly index: number
  readonly records: readonly DataRecord[]
  readonly rows: number
  /** Estimate of their size as JSON. */
  readonly bytes: number
  readonly segments: readonly Segment[]
  /** What each record adds, and its digest. */
  readonly texts: readonly string[]
  readonly digests: readonly number[]
  /** What all of them add. */
  readonly total: string
}

export interface BatchLimits {
  readonly batchRows: number
  readonly batchBytes: number
}

export interface BatchFiller {
  /** Takes a page; gives back the batches that are full now. The last one is kept until `end`, which alone knows that it is the last. */
  add(walk: string, page: Pick<Page, 'records' | 'cursors' | 'cursor'>): FilledBatch[]
  /** What is left, if anything. */
  end(): FilledBatch | undefined
  /** What waits in the unfinished batch. */
  size(): { readonly rows: number; readonly bytes: number }
  /** How many batches were given back. */
  count(): number
}

/** Rows of tables (1 and those of its lists, nested ones too) and an estimate of the JSON size of a record. */
export function measure(record: DataRecord): { rows: number; bytes: number } {
  const size = { rows: 1, bytes: 0 }
  weigh(record, size)
  return size
}

function weigh(row: Row, size: { rows: number; bytes: number }): void {
  let bytes = 2
  for (const name in row) {
    const value = row[name]
    bytes += name.length + 3
    if (typeof value === 'string') bytes += value.length + 3
    else if (typeof value !== 'object' || value === null) bytes += 8
    else if (!Array.isArray(value)) weigh(value as Row, size)
    else
      for (let i = 0; i < value.length; i++) {
        const element = value[i] as Value
        if (typeof element === 'object' && element !== null) {
          size.rows++
          weigh(element as Row, size)
        } else bytes += typeof element === 'string' ? element.length + 3 : 8
      }
  }
  size.bytes += bytes
}

/** `limits`: as they are when a page comes; `by`: what records add; `first`: index of its first batch. */
export function createFiller(limits: BatchLimits, by: Pick<Contributor, 'of' | 'groups'>, first = 0): BatchFiller {
  let records: DataRecord[] = []
  let segments: Segment[] = []
  let texts: string[] = []
  let digests: number[] = []
  let totals = createTotals(by.groups)
  let rows = 0
  let bytes = 0
  let index = first
  const flush = (): FilledBatch => {
    const batch = { index: index++, records, rows, bytes, segments, texts, digests, total: totals.text() }
    records = []
    segments = []
    texts = []
    digests = []
    totals = createTotals(by.groups)
    rows = 0
    bytes = 0
    return batch
  }
  return {
    add(walk, page) {
      const full: FilledBatch[] = []
      const { cursors } = page
      const { batchRows, batchBytes } = limits
      /** First record of the page that is in the batch being filled. */
      let start = 0
      const mark = (upTo: number, end: Segment['end']) => {
        const part = cursors?.slice(start, upTo)
        segments.push({ walk, upTo: records.length, end: end ?? part?.at(-1), ...(part ? { cursors: part } : {}) })
      }
      for (let at = 0; at < page.records.length; at++) {
        const record = page.records[at] as DataRecord
        const size = measure(record)
        const over = rows + size.rows > batchRows || bytes + size.bytes > batchBytes
        if (over && records.length > 0) {
          if (at > start) mark(at, undefined)
          full.push(flush())
          start = at
        }
        record._row = records.length
        records.push(record)
        const { text, digest } = by.of(record, totals)
        texts.push(text)
        digests.push(digest)
        rows += size.rows
        bytes += size.bytes
      }
      mark(page.records.length, page.cursor ?? true)
      return full
    },
    end: () => (records.length > 0 ? flush() : undefined),
    size: () => ({ rows, bytes }),
    count: () => index,
  }
}
