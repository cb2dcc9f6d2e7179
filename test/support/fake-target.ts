/** A target in memory that keeps rows as a warehouse would: guarded by read number, summed by another arithmetic. */
import { Big } from 'big.js'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import type {
  FoundTable,
  Mark,
  Rejection,
  StoredKey,
  StoredTotal,
  Target,
  TotalsQuestion,
  WriteBatch,
} from '../../sync/contract/target.ts'

export interface StoredRecord {
  readonly record: DataRecord
  readonly key: string
  readonly read: number
  readonly hash: string
  readonly run: string
}

/** What happens to a write: nothing special, an error before anything is written, or one after everything is. */
export type Accident = undefined | { readonly before: Error } | { readonly after: Error }

export interface FakeTarget extends Target {
  /** Merge: the rows as stored, by key. */
  readonly stored: Map<string, StoredRecord>
  /** Append: every record that arrived, in order. */
  readonly appended: StoredRecord[]
  readonly batches: WriteBatch[]
  readonly marks: Mark[]
  /** Asked for each write, in order. */
  accident: (batch: WriteBatch, attempt: number) => Accident
  /** Says why a record does not fit. */
  refuses: (record: DataRecord) => string | undefined
  /** Whether it can tell which records do not fit. */
  tells: boolean
  counts: { prepare: number; write: number; find: number; totals: number; readMark: number; resolve: number }
  /** How its tables are found, by list: filled unless told. */
  found: Record<string, FoundTable['state']>
  /** Append: its keys come in the order of their bytes. */
  sorted: boolean
}

/** Name of a table as people call it. */
export const tableAt = (address: string, list: string): string =>
  `${address.slice(address.lastIndexOf('/') + 1)}${list === '' ? '' : `_${list}`}`

export const refusal = (message: string, code = 'fake.22018') =>
  syncError('data', code, message, { vendorCode: code, vendorText: message })

export function fakeTarget(options: { readonly address?: string; readonly mode?: Target['mode'] } = {}): FakeTarget {
  const { address = 'fake://host/books.gl_entry', mode = 'merge' } = options
  const written = new Set<string>()
  const counts = { prepare: 0, write: 0, find: 0, totals: 0, readMark: 0, resolve: 0 }
  const target: FakeTarget = {
    address,
    mode,
    stored: new Map(),
    appended: [],
    batches: [],
    marks: [],
    accident: () => undefined,
    refuses: () => undefined,
    tells: false,
    counts,
    found: {},
    sorted: true,
    async prepare(schema) {
      counts.prepare++
      const lists = ['', ...Object.keys(schema.lists ?? {})]
      return {
        tables: lists.map((list) => ({ list, name: tableAt(address, list), state: target.found[list] ?? 'filled' })),
      }
    },
    async write(batch, { signal }) {
      counts.write++
      target.batches.push(batch)
      const accident = target.accident(batch, counts.write)
      signal.throwIfAborted()
      if (accident && 'before' in accident) throw accident.before
      for (const { record } of batch.records) {
        const why = target.refuses(record)
        if (why !== undefined) throw refusal(why)
      }
      // As COPY INTO does: a batch known by its name is not loaded twice.
      if (mode === 'append' && !written.has(batch.id))
        for (const { record, key, read, hash } of batch.records)
          target.appended.push({ record, key, read, hash, run: batch.run })
      written.add(batch.id)
      if (mode === 'merge')
        for (const { record, key, read, hash } of batch.records) {
          if ((target.stored.get(key)?.read ?? -1) > read) continue
          if (record._op === 'delete') target.stored.delete(key)
          else target.stored.set(key, { record, key, read, hash, run: batch.run })
        }
      if (accident) throw accident.after
    },
    async findRejected(batch) {
      counts.find++
      if (!target.tells) return []
      return batch.records.flatMap(({ record }, index): Rejection[] => {
        const why = target.refuses(record)
        return why === undefined ? [] : [{ index, field: 'name', code: 'fake.22018', message: why }]
      })
    },
    async resolve(id) {
      counts.resolve++
      return written.has(id) ? 'delivered' : 'absent'
    },
    async readMark() {
      counts.readMark++
      return target.marks
    },
    async writeMark(mark) {
      target.marks.splice(0, target.marks.length, mark)
    },
    async totals(question) {
      counts.totals++
      return sumStored(
        [...target.stored.values()].filter(({ run }) => run === question.run),
        question,
      )
    },
    ...(mode === 'append' && { keys: () => newest(target) }),
    statements: () => counts.prepare + counts.write + counts.find + counts.totals + counts.readMark,
  }
  return target
}

/** The newest version of each key, in pages of two. */
async function* newest({ appended, sorted }: FakeTarget) {
  const keys = new Map<string, StoredKey>()
  for (const { key, read, hash, record } of appended)
    if (read >= (keys.get(key)?.read ?? -1)) keys.set(key, { key, read, hash, stamp: record._stamp ?? null })
  const all = [...keys.values()]
  if (sorted) all.sort((a, b) => (a.key < b.key ? -1 : 1))
  for (let at = 0; at < all.length; at += 2) yield all.slice(at, at + 2)
}

function sumStored(stored: readonly StoredRecord[], { list, amounts, by }: TotalsQuestion): StoredTotal[] {
  const groups = new Map<string, { group: (string | null)[]; count: number; sums: Record<string, [Big, Big]> }>()
  for (const { record } of stored)
    for (const row of (list === '' ? [record] : ((record[list] ?? []) as Row[])) as Row[]) {
      const values = by.map((name) => (row[name] ?? null) as string | null)
      const id = JSON.stringify(values)
      const group = groups.get(id) ?? {
        group: values,
        count: 0,
        sums: Object.fromEntries(amounts.map((name): [string, [Big, Big]] => [name, [new Big(0), new Big(0)]])),
      }
      groups.set(id, group)
      group.count++
      for (const name of amounts) {
        const amount = new Big((row[name] as string | null) ?? 0)
        const sides = group.sums[name]
        if (sides === undefined) continue
        if (amount.gt(0)) sides[0] = sides[0].plus(amount)
        else sides[1] = sides[1].minus(amount)
      }
    }
  return [...groups.values()].map(({ group, count, sums }) => ({
    list,
    group,
    count,
    // A warehouse gives all the digits of its type.
    debit: Object.fromEntries(Object.entries(sums).map(([name, [debit]]) => [name, debit.toFixed(8)])),
    credit: Object.fromEntries(Object.entries(sums).map(([name, [, credit]]) => [name, credit.toFixed(8)])),
  }))
}
