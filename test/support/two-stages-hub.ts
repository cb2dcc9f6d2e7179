/** A hub that accepts records at once and processes them later, with the orders and suppliers that it is sent. */
import type { DataRecord, Row, Schema } from '../../sync/contract/message.ts'
import type { PendingResult, RecordResult } from '../../sync/contract/results.ts'
import type { Results, Target, WriteBatch } from '../../sync/contract/target.ts'
import { type FakeSource, fakeSource, supplierSchema } from './fakes.ts'

export const orderSchema: Schema = {
  entity: 'purchase_order',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'supplier', type: 'string' },
    { name: 'currency', type: 'string' },
    { name: 'amount', type: 'decimal(28,8)' },
  ],
}

export const order = (number: string, amount: string, supplier = 'S1'): Row => ({
  source: 'erp',
  number,
  supplier,
  currency: 'EUR',
  amount,
})

/** What becomes of a record when the hub comes to it. `lost`: never a result. */
export type Fate = RecordResult | 'lost'

interface Sent {
  readonly request: string
  readonly entity: string
  readonly key: string
  readonly record: DataRecord
  said: RecordResult
}

export interface Hub {
  readonly source: FakeSource
  /** All that was sent, in order. */
  readonly sent: (Pick<Sent, 'request' | 'entity' | 'key' | 'record'> & { readonly again: boolean })[]
  /** Keys of what was processed, with the amount or name. */
  has(entity: string): Record<string, string>
  /** Comes to everything that waits. Without it nothing is processed until results are asked for, and then all. */
  process(): void
  /** Results come only with `process`. */
  slow: boolean
  /** Seconds that a run waits for results: long where they come, short in a test where they stay open. */
  patience: number
  /** What becomes of the records of a key; undefined: the hub's own rule (an order needs its supplier). */
  fate: (entity: string, key: string, record: DataRecord) => Fate | undefined
  /** Runs in `write`, once it is committed: what it throws loses the answer. */
  answer: (batch: WriteBatch) => void
  /** What it says when it is asked for a result, laid over the true one. */
  says: (one: PendingResult) => RecordResult | undefined | Promise<RecordResult | undefined>
  /** How many suppliers were processed when an entity was written first. */
  readonly ready: Map<string, number>
  /** Questions for results, in calls of `follow`. */
  asked: number
  target(entity: string, more?: Partial<Results>): Target
}

/** Equal content is skipped; the field that is moved is part of it. */
const contentOf = ({ _row, _read, _stamp, ...content }: DataRecord): string => JSON.stringify(content)

export function createHub(): Hub {
  const api = new Map<string, string>()
  const processed = new Map<string, DataRecord>()
  const all: Sent[] = []
  let moved = 0
  const placeOf = (entity: string, key: string): string => `${entity}\n${key}`
  const own = (entity: string, record: DataRecord): Fate =>
    entity !== 'purchase_order' ||
    record._op === 'delete' ||
    processed.has(placeOf('supplier', `erp|${record.supplier}`))
      ? { kind: 'processed' }
      : {
          kind: 'failed',
          code: 'DATA_VALIDATION_FAILED',
          text: `supplier ${record.supplier} is unknown`,
          cause: 'data',
        }
  const hub: Hub = {
    source: fakeSource({
      supplier: { schema: supplierSchema },
      purchase_order: { schema: orderSchema, pageSize: 2000 },
    }),
    sent: [],
    slow: false,
    patience: 20,
    fate: () => undefined,
    answer: () => undefined,
    says: () => undefined,
    ready: new Map(),
    asked: 0,
    has: (entity) =>
      Object.fromEntries(
        [...processed].flatMap(([place, record]) => {
          const [of, key = ''] = place.split('\n')
          return of === entity ? [[key, String(record.amount ?? record.name)]] : []
        }),
      ),
    process() {
      for (const one of all) {
        if (one.said.kind !== 'pending') continue
        const fate = hub.fate(one.entity, one.key, one.record) ?? own(one.entity, one.record)
        if (fate === 'lost') continue
        one.said = fate
        const place = placeOf(one.entity, one.key)
        if (fate.kind !== 'processed' && fate.kind !== 'warning') continue
        if (one.record._op === 'delete') processed.delete(place)
        else processed.set(place, one.record)
      }
    },
    target: (entity, more = {}) => ({
      address: `hub://host/${entity}`,
      mode: 'merge',
      prepare: async () => ({ tables: [] }),
      parts: (records) =>
        Array.from({ length: Math.ceil(records.length / 500) }, (_, i) => records.slice(i * 500, i * 500 + 500)),
      async write(batch, { accepted }) {
        const request = `q${all.length + 1}`
        if (!hub.ready.has(entity)) hub.ready.set(entity, Object.keys(hub.has('supplier')).length)
        const nothing = batch.records.filter(
          ({ key, record }) => record._op === 'delete' && !api.has(placeOf(entity, key)),
        )
        for (const { key, record, again = false } of batch.records) {
          if (nothing.some((one) => one.key === key)) continue
          const content = contentOf(record) + (again ? ++moved : '')
          const place = placeOf(entity, key)
          const said: RecordResult = { kind: api.get(place) === content ? 'unchanged' : 'pending' }
          api.set(place, content)
          all.push({ request, entity, key, record, said })
          hub.sent.push({ request, entity, key, record, again })
        }
        hub.answer(batch)
        const taken = batch.records.filter((one) => !nothing.includes(one))
        accepted?.({ request, records: taken.map(({ key }) => ({ key, items: [key] })) })
        if (nothing.length > 0) accepted?.({ request: null, records: nothing.map(({ key }) => ({ key, items: [] })) })
      },
      results: {
        rules: {
          get waitSeconds() {
            return hub.patience
          },
          lookSeconds: [0.01, 0.05],
          everySeconds: 3600,
        },
        ...more,
        async follow(pending) {
          hub.asked++
          if (!hub.slow) hub.process()
          const said = new Map(all.map((one) => [`${one.request}\n${one.key}`, one.said]))
          const found = new Map<string, RecordResult>()
          for (const one of pending) {
            const last = one.requests.at(-1)
            const result = (await hub.says(one)) ?? (last && said.get(`${last.request}\n${one.key}`))
            found.set(one.key, result ?? { kind: 'unknown' })
          }
          return found
        },
      },
      statements: () => all.length,
    }),
  }
  return hub
}
