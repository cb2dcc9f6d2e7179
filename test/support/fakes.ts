/** An ERP and a warehouse in memory, for tests of the engine. */
import { type DataRecord, keyText, type Row, type Schema } from '../../sync/contract/message.ts'
import type { EntityPlan, Listing, Page, PageRequest, RefusedRecord, Source } from '../../sync/contract/source.ts'
import type { FoundTable, Mark, StoredTotal, Target, TotalsQuestion, WriteBatch } from '../../sync/contract/target.ts'
import { tableAt } from './fake-target.ts'

/** A flat master record. */
export const supplierSchema: Schema = {
  entity: 'supplier',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'name', type: 'string' },
  ],
}

/** A document with lines. */
export const entrySchema: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'company', type: 'string' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'currency', type: 'string' },
        { name: 'amount', type: 'decimal(28,8)' },
      ],
    },
  },
}

export const supplier = (code: string, name: string): Row => ({ source: 'erp', code, name })

/** A journal with as many lines as amounts. */
export const entry = (number: string, ...amounts: string[]): Row => ({
  source: 'erp',
  number,
  company: 'C1',
  lines: amounts.map((amount, i) => ({ source: 'erp', number, line: i + 1, currency: 'EUR', amount })),
})

export interface FakeEntity {
  readonly schema: Schema
  readonly granularity?: EntityPlan['granularity']
  readonly lagSeconds?: number
  readonly overlapSeconds?: number
  readonly needs?: readonly string[]
  readonly pageSize?: number
  /** Pages carry a cursor for each record. */
  readonly cursors?: boolean
  readonly notices?: readonly string[]
}

export interface FakeSource extends Source {
  /** Writes a record at the source's clock, or with the stamp given (null: an empty one). */
  put(entity: string, row: Row, stamp?: string | null): void
  /** A record with its stamp. */
  has(entity: string, key: string): { readonly row: Row; readonly stamp: string | null } | undefined
  /** Deletes a record: nothing tells it. */
  remove(entity: string, key: string): void
  clockIs(iso: string): void
  /** Runs before each page is answered; what it throws is the page's failure, what it returns is laid over the page. */
  onPage(
    hook: (entity: string, request: PageRequest) => Partial<Page> | undefined | Promise<Partial<Page> | undefined>,
  ): void
  /** Runs before each page of a listing is answered; what it returns is laid over the page. */
  onList(hook: (entity: string, cursor: string | null) => Partial<Listing> | undefined): void
  /** Runs before records are read by key. */
  onKeys(hook: (entity: string, keys: readonly string[]) => void): void
  /** From now on these records are refused. */
  refuse(entity: string, key: string, reason: Omit<RefusedRecord, 'record'> | undefined): void
  readonly asked: { entity: string; walk: string; from: string | null; bound: string | null; cursor: string | null }[]
  /** All records, as a comparer would want them: key text -> row. */
  all(entity: string): Map<string, Row>
}

/** Walks: `stamped` in the window by key order, then `empty`. */
export function fakeSource(
  entities: Record<string, FakeEntity>,
  { address = 'fake://erp/SEED', clock = '2026-03-01T08:00:00Z' } = {},
): FakeSource {
  const rows = new Map(Object.keys(entities).map((e) => [e, new Map<string, { row: Row; stamp: string | null }>()]))
  const refused = new Map<string, Omit<RefusedRecord, 'record'>>()
  const asked: FakeSource['asked'] = []
  let now = clock
  let requests = 0
  let hook: Parameters<FakeSource['onPage']>[0] = () => undefined
  let listHook: Parameters<FakeSource['onList']>[0] = () => undefined
  let keysHook: Parameters<FakeSource['onKeys']>[0] = () => undefined
  const table = (entity: string) => rows.get(entity) ?? new Map<string, { row: Row; stamp: string | null }>()
  const fake = (entity: string): FakeEntity => {
    const found = entities[entity]
    if (!found) throw new Error(`no entity ${entity}`)
    return found
  }
  const page = (entity: string, found: [string, { row: Row; stamp: string | null }][], read: number): Page => {
    const records: DataRecord[] = []
    const bad: RefusedRecord[] = []
    for (const [key, { row, stamp }] of found) {
      const record = { ...structuredClone(row), _row: 0, _read: read, _stamp: stamp } as DataRecord
      const reason = refused.get(`${entity}\n${key}`)
      if (reason) bad.push({ record, ...reason })
      else records.push(record)
    }
    return { records, refused: bad, cursor: null }
  }
  const readPage = async (entity: string, request: PageRequest): Promise<Page> => {
    const { schema, pageSize = 10, cursors, granularity = 'second' } = fake(entity)
    asked.push({ entity, walk: request.walk, ...request.window, cursor: request.cursor })
    requests++
    const read = request.nextRead()
    const { from, bound } = request.window
    const inWindow = (stamp: string | null) => {
      if (request.walk === 'empty') return stamp === null
      if (stamp === null) return false
      const cut = granularity === 'day' ? stamp.slice(0, 10) : stamp
      return granularity === 'none' || ((from === null || cut >= from) && (bound === null || cut <= bound))
    }
    const all = [...table(entity)].sort(([a], [b]) => (a < b ? -1 : 1))
    const found = all.filter(([key, { stamp }]) => inWindow(stamp) && (request.cursor === null || key > request.cursor))
    const here = found.slice(0, pageSize)
    const future = all.filter(([, { stamp }]) => stamp !== null && stamp > now).length
    const given = await hook(entity, request)
    request.signal.throwIfAborted()
    const answer = page(entity, here, read)
    return {
      ...answer,
      ...(cursors ? { cursors: answer.records.map((record) => keyText(schema, record)) } : {}),
      cursor: found.length > pageSize ? (here.at(-1)?.[0] ?? null) : null,
      ...(future && request.walk !== 'empty' ? { future } : {}),
      ...given,
    }
  }
  return {
    address,
    asked,
    put(entity, row, stamp) {
      table(entity).set(keyText(fake(entity).schema, row), { row, stamp: stamp === undefined ? now : stamp })
    },
    has: (entity, key) => table(entity).get(key),
    remove(entity, key) {
      if (!table(entity).delete(key)) throw new Error(`no ${entity} ${key}`)
    },
    onList(next) {
      listHook = next
    },
    onKeys(next) {
      keysHook = next
    },
    clockIs(iso) {
      now = iso
    },
    onPage(next) {
      hook = next
    },
    refuse(entity, key, reason) {
      if (reason) refused.set(`${entity}\n${key}`, reason)
      else refused.delete(`${entity}\n${key}`)
    },
    all: (entity) => new Map([...table(entity)].map(([key, { row }]) => [key, row])),
    clock: async () => now,
    requests: () => requests,
    plan: async (entity) => {
      const { schema, granularity = 'second', lagSeconds = 0, overlapSeconds = 0, needs, notices } = fake(entity)
      return {
        entity,
        schema,
        source: String([...table(entity).values()][0]?.row.source ?? 'erp'),
        walks: ['stamped', 'empty'],
        granularity,
        lagSeconds,
        overlapSeconds,
        ...(needs ? { needs } : {}),
        ...(notices ? { notices } : {}),
        readPage: (request) => readPage(entity, request),
        list: async ({ cursor, nextRead }) => {
          requests++
          nextRead()
          const given = listHook(entity, cursor)
          const all = [...table(entity)].sort(([a], [b]) => (a < b ? -1 : 1))
          const rest = all.filter(([key]) => cursor === null || key > cursor)
          const here = rest.slice(0, fake(entity).pageSize ?? 10)
          return {
            keys: here.map(([key, { stamp }]) => ({ key, stamp })),
            total: all.length,
            cursor: rest.length > here.length ? (here.at(-1)?.[0] ?? null) : null,
            ...given,
          }
        },
        readKeys: async (keys, nextRead) => {
          requests++
          const read = nextRead()
          keysHook(entity, keys)
          return page(
            entity,
            [...table(entity)].filter(([key]) => keys.includes(key)),
            read,
          )
        },
      }
    },
  }
}

export interface StoredRecord {
  readonly record: DataRecord
  readonly read: number
  readonly hash: string
  readonly run: string
}

export interface FakeTarget extends Target {
  readonly stored: Map<string, StoredRecord>
  readonly batches: WriteBatch[]
  readonly marks: Mark[]
  /** Runs before each write, with the number of the attempt; what it throws is the write's failure. */
  onWrite(hook: (batch: WriteBatch) => void | Promise<void>): void
  /** Failures and changes by member: `prepare`, `readMark`, `writeMark`, `keys`, `totals`. */
  on(member: 'prepare' | 'readMark' | 'writeMark' | 'keys' | 'totals', hook: () => void | Promise<void>): void
}

/** A merge target guarded by the read number, as a warehouse's MERGE is. Share one between ledgers to let them meet. */
export function fakeTarget({
  address = 'fakedb://host/main.finance.supplier',
  mode = 'merge',
}: {
  address?: string
  mode?: Target['mode']
} = {}): FakeTarget {
  const stored = new Map<string, StoredRecord>()
  const batches: WriteBatch[] = []
  const marks: Mark[] = []
  const hooks = new Map<string, () => void | Promise<void>>()
  let writing: (batch: WriteBatch) => void | Promise<void> = () => undefined
  let statements = 0
  const statement = async (member: string) => {
    statements++
    await hooks.get(member)?.()
  }
  return {
    address,
    mode,
    stored,
    batches,
    marks,
    onWrite(hook) {
      writing = hook
    },
    on(member, hook) {
      hooks.set(member, hook)
    },
    statements: () => statements,
    async prepare(schema) {
      await statement('prepare')
      const table = (list: string): FoundTable => {
        const rows = [...stored.values()].some(
          ({ record }) => list === '' || (record[list] as Row[] | undefined)?.length,
        )
        return { list, name: tableAt(address, list), state: rows ? 'filled' : 'empty' }
      }
      return { tables: ['', ...Object.keys(schema.lists ?? {})].map(table) }
    },
    async write(batch) {
      statements++
      await writing(batch)
      batches.push(batch)
      for (const { key, record, read, hash } of batch.records) {
        if ((stored.get(key)?.read ?? -1) > read) continue
        if (record._op === 'delete') stored.delete(key)
        else stored.set(key, { record: structuredClone(record), read, hash, run: batch.run })
      }
    },
    async readMark() {
      await statement('readMark')
      return stored.size === 0 ? [] : marks.map((mark) => ({ ...mark }))
    },
    async writeMark(mark, _context, replaced = []) {
      await statement('writeMark')
      const placeOf = (one: Mark) =>
        marks.findIndex((m) => m.sync === one.sync && m.entity === one.entity && m.sourceAddress === one.sourceAddress)
      for (const old of replaced) if (placeOf(old) >= 0) marks.splice(placeOf(old), 1)
      const at = placeOf(mark)
      if (at >= 0) marks.splice(at, 1)
      marks.push(mark)
    },
    async *keys(_schema, source) {
      await statement('keys')
      const keys = [...stored].map(([key, { record, read }]) => ({ key, read, stamp: record._stamp ?? null }))
      yield keys.filter(({ key }) => key.startsWith(`${source}|`))
    },
    async totals(question) {
      await statement('totals')
      return storedTotals(stored, question)
    },
  }
}

/** In hundred-millionths, so that no digit is lost. */
const units = (text: string): bigint => {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.')
  const value = BigInt(whole + fraction.padEnd(8, '0').slice(0, 8))
  return text.startsWith('-') ? -value : value
}
const text = (value: bigint): string => {
  const digits = String(value).padStart(9, '0')
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`.replace(/\.?0+$/, '')
}

function storedTotals(stored: ReadonlyMap<string, StoredRecord>, question: TotalsQuestion): StoredTotal[] {
  const groups = new Map<string, { group: (string | null)[]; count: number; debit: bigint[]; credit: bigint[] }>()
  for (const { record, run } of stored.values()) {
    if (run !== question.run) continue
    const rows = question.list === '' ? [record] : ((record[question.list] as Row[] | undefined) ?? [])
    for (const row of rows) {
      const group = question.by.map((name) => (row[name] as string | null | undefined) ?? null)
      const key = JSON.stringify(group)
      const sums = groups.get(key) ?? {
        group,
        count: 0,
        debit: question.amounts.map(() => 0n),
        credit: question.amounts.map(() => 0n),
      }
      groups.set(key, sums)
      sums.count++
      for (const [i, name] of question.amounts.entries()) {
        const value = units(String(row[name] ?? '0'))
        const side = value < 0n ? sums.credit : sums.debit
        side[i] = (side[i] ?? 0n) + (value < 0n ? -value : value)
      }
    }
  }
  const named = (sums: bigint[]) => Object.fromEntries(question.amounts.map((name, i) => [name, text(sums[i] ?? 0n)]))
  return [...groups.values()].map(({ group, count, debit, credit }) => ({
    list: question.list,
    group,
    count,
    debit: named(debit),
    credit: named(credit),
  }))
}
