/** The target of basware-send without an engine: it is prepared, gets batches, and says what was accepted. */
import { deepStrictEqual, match, ok } from 'node:assert/strict'
import type { BaswareConnection } from '../../nodes/basware/client/connection.ts'
import type { SendRules } from '../../nodes/basware/client/send/rules.ts'
import {
  type BaswareTarget,
  createBaswareTarget,
  createSendMemory,
  type SendMemory,
  type SendOptions,
} from '../../nodes/basware/client/send/target.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { keyText } from '../../sync/contract/message.ts'
import type { Accepted, PendingResult, RecordResult } from '../../sync/contract/results.ts'
import type { Rejection, WriteBatch, WriteRecord } from '../../sync/contract/target.ts'

import { type BaswareApi, baswareApi } from './basware-api.ts'

export const RULES: SendRules = {
  sourceSystem: 'X3',
  languages: [],
  companies: [
    { company: 'FR10', code: 'F1', organization: '', chart: 'FRA' },
    { company: 'GB10', code: '', organization: 'GBORG', chart: 'GBR' },
  ],
  organization: 'company',
  axes: [
    { axis: 'CCT', to: 'costCenters', code: 'text_1', name: 'text_2', coding: 'costCenterCode' },
    { axis: 'PRO', to: 'lists/ACC_LIST_21', code: 'text_1', name: 'text_2', coding: 'dimCode1' },
    { axis: 'PRD', to: '', code: 'text_1', name: 'text_2', coding: '' },
  ],
  accounts: [
    { product: '*', company: '*', account: '601000' },
    { product: 'P1', company: '*', account: '602000' },
    { product: 'P1', company: 'GB10', account: '50100' },
  ],
  taxes: [{ code: 'NOR', theirs: 'T20' }],
  units: [{ code: 'UN', theirs: 'EA' }],
  orders: 'matching',
  requisitions: { toProcess: true, owner: '' },
  matching: 'order',
  paymentTerms: true,
  vatScheme: '',
}
const KEYS: Readonly<Record<string, readonly string[]>> = {
  supplier: ['source', 'code'],
  gl_account: ['source', 'chart', 'code'],
  cost_centre: ['source', 'code'],
  dimension: ['source', 'type', 'code'],
  purchase_order: ['source', 'number'],
}
export const schemaOf = (entity: string): Schema => ({ entity, key: KEYS[entity] ?? [], columns: [] })
const signal = new AbortController().signal

/** A record as tests write it; `_again`: it was sent before, and no success of it is known. */
export type Given = Readonly<Record<string, unknown>>

export interface SendBench {
  readonly target: BaswareTarget
  readonly accepted: Accepted[]
  readonly waits: string[]
  /** What a person who looks at the run should know. */
  readonly told: readonly string[]
  /** The note that the ledger keeps. */
  note: string | undefined
  prepare(): Promise<void>
  batch(...records: readonly Given[]): WriteBatch
  write(batch: WriteBatch): Promise<void>
  rejected(batch: WriteBatch): Promise<readonly Rejection[]>
  /** What became of all that was accepted, by key. */
  results(): Promise<ReadonlyMap<string, RecordResult>>
}

/** The clock that waits go by: a wait moves it on. */
export interface Time {
  now: number
}

export function sendBench(
  entity: string,
  connection: BaswareConnection,
  time: Time,
  more: Partial<SendOptions> = {},
  memory: SendMemory = createSendMemory(),
): SendBench {
  const waits: string[] = []
  const told: string[] = []
  const accepted: Accepted[] = []
  const target = createBaswareTarget(
    connection,
    memory,
    {
      rules: RULES,
      moves: (place) => (place.startsWith('matching') ? 'text10' : place === 'vendors' ? 'description' : ''),
      limits: { most: {}, bytes: 6_000_000 },
      clock: {
        now: () => time.now,
        wait: async (ms) => {
          time.now += ms
        },
      },
      ...more,
    },
    entity,
  )
  const context = {
    signal,
    waiting: (what: string) => void waits.push(what),
    tell: (text: string) => void told.push(text),
    accepted: (taken: Accepted) => void accepted.push(taken),
  }
  let batches = 0
  const self: SendBench = {
    ...{ target, accepted, waits, told, note: undefined },
    async prepare() {
      const note = {
        read: async () => self.note,
        async save(text: string) {
          self.note = text
        },
      }
      await target.prepare(schemaOf(entity), { ...context, run: 'run', full: false, filled: new Set(), note })
    },
    batch: (...records) => ({
      ...{
        id: `batch-${batches++}`,
        sync: 'sync',
        run: 'run',
        entity,
        schema: schemaOf(entity),
        at: '2026-03-10T08:00:00Z',
      },
      records: records.map((fields, index): WriteRecord => {
        const record = { _row: index, ...fields } as DataRecord
        const { _again, ...own } = record as DataRecord & { _again?: true }
        return {
          record: own as DataRecord,
          key: keyText(schemaOf(entity), own),
          read: 7,
          hash: '',
          ...(_again ? { again: true } : {}),
        }
      }),
    }),
    write: (batch) => target.write(batch, context),
    rejected: async (batch) => (await target.findRejected?.(batch, context)) ?? [],
    results: async () => (await target.results?.follow(pendingOf(accepted), context)) ?? new Map(),
  }
  return self
}

export const supplier = (code: string, more: object = {}) => ({
  source: 'x3',
  code,
  name: `Firm ${code}`,
  active: true,
  ...more,
})
export const orderLine = (n: number, more: object = {}) => ({
  ...{ line: n, sequence: 1, product: 'P9', description: 'Goods', unit: 'UN', quantity: '10', net_price: '12.345' },
  ...{ net_amount: '123.45', tax: 'NOR', dim_cct: 'CC1', dim_pro: 'P77', dim_prd: 'X', line_closed: 'no', ...more },
})
export const order = (number: string, lines: readonly object[] = [orderLine(1000)], more: object = {}) => ({
  ...{
    source: 'x3',
    number,
    company: 'FR10',
    site: 'FR011',
    supplier: 'S1',
    currency: 'EUR',
    order_date: '2026-01-15',
  },
  ...{ payment_term: 'N30', closed: 'no', lines, ...more },
})
export const pendingOf = (accepted: readonly Accepted[]): PendingResult[] => {
  const keys = new Set(accepted.flatMap(({ records }) => records.map(({ key }) => key)))
  return [...keys].map((key) => ({
    ...{ key, read: 7, again: false, since: '2026-03-10T08:00:00Z' },
    requests: accepted.flatMap(({ request, records }) =>
      records.filter((one) => one.key === key).map(({ items }) => ({ request: request ?? '', items })),
    ),
  }))
}

/** A target that sends to an API of its own in this process. */
export interface ApiBench extends SendBench {
  readonly api: BaswareApi
}
export function apiBench(entity: string, more: Partial<SendOptions> = {}): ApiBench {
  const api = baswareApi()
  return Object.assign(sendBench(entity, api.connection, api, more), { api })
}
export const codesOf = (bodies: readonly { readonly externalCode: string }[] = []): string[] =>
  bodies.map((one) => one.externalCode)

/** Asserts an error of one record by its code and words. */
export const refusedAs = (code: string, says: RegExp) => (error: unknown) => {
  ok(isSyncError(error), String(error))
  deepStrictEqual([error.cause.class, error.code], ['data', code])
  match(error.message, says)
  return true
}
