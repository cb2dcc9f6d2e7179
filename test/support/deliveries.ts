/** The delivering side as an engine has it, over a real ledger in memory: runs are opened and batches sent by hand. */
import assert from 'node:assert/strict'
import type { Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import type { Progress, SinkRef } from '../../sync/contract/engine.ts'
import { type ErrorCause, isSyncError, type SyncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema, SyncInfo } from '../../sync/contract/message.ts'
import type { OutcomeCounts } from '../../sync/contract/summary.ts'
import type { Target } from '../../sync/contract/target.ts'
import { createDelivering, type Delivering } from '../../sync/delivering/deliver.ts'
import type { DeliverDeps } from '../../sync/delivering/deps.ts'
import { createSettlement } from '../../sync/run/create-settlement.ts'
import { newBatch } from '../../sync/run/progress.ts'
import type { RunKeeper } from '../../sync/run/settlement.ts'
import { type EntityRun, newEntity, type RunState, tallyOf } from '../../sync/run/state.ts'
import { type FakeTarget, fakeTarget } from './fake-target.ts'

export const ref: SinkRef = { id: 'sink-1', name: 'warehouse' }

export const supplierSchema: Schema = {
  entity: 'supplier',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'seen', type: 'integer', volatile: true },
  ],
}

export const journalSchema: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'company', type: 'string' },
    { name: 'status', type: 'string' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'company', type: 'string' },
        { name: 'ledger', type: 'string' },
        { name: 'currency', type: 'string' },
        { name: 'amount', type: 'decimal(28,8)' },
      ],
    },
  },
}

export const supplier = (code: string, name: string, more: Partial<DataRecord> = {}): DataRecord => ({
  _row: 0,
  source: 'x3',
  code,
  name,
  ...more,
})

/** A journal of two lines, debit and credit. */
export const journal = (number: string, amount: string, more: Partial<DataRecord> = {}): DataRecord => ({
  _row: 0,
  source: 'x3',
  number,
  company: 'C1',
  status: 'final',
  lines: [amount, amount.startsWith('-') ? amount.slice(1) : `-${amount}`].map((value, index) => ({
    source: 'x3',
    number,
    line: index + 1,
    company: 'C1',
    ledger: 'legal',
    currency: 'EUR',
    amount: value,
  })),
  ...more,
})

export interface Sending {
  readonly schema?: Schema
  /** Read number of the records without one. */
  readonly read?: number
  readonly target?: Target
  readonly signal?: AbortSignal
  readonly mode?: SyncInfo['mode']
  readonly to?: string
}

export interface Bench {
  readonly ledger: Ledger
  readonly settlement: RunKeeper
  readonly target: FakeTarget
  readonly deliver: Delivering['deliver']
  /** Texts of warnings. */
  readonly warned: string[]
  readonly resumeAppends: Delivering['resumeAppends']
  readonly progress: Progress[]
  readonly heldNow: { record: DataRecord; cause: ErrorCause & { message: string } }[]
  begin(id: string, options?: { readonly full?: boolean; readonly mode?: RunState['mode'] }): Promise<RunState>
  /** One batch of a run; records get their `_row`. */
  send(run: string, records: readonly DataRecord[], sending?: Sending): Promise<OutcomeCounts>
  /** Delivering anew over the same ledger and target, as after a crash: nothing that was not on disk is left. */
  restart(): Promise<Bench>
}

export async function bench(
  options: { readonly target?: FakeTarget; readonly ledger?: Ledger; readonly deps?: Partial<DeliverDeps> } = {},
): Promise<Bench> {
  const target = options.target ?? fakeTarget()
  const ledger = options.ledger ?? (await openLedger({ file: ':memory:', key: 'test' }))
  const now = () => '2026-01-31T12:00:00Z'
  const settlement = createSettlement({ ledger, now, tick: () => performance.now() })
  let ids = 0
  const warned: string[] = []
  const log = { info: () => undefined, warn: (text: string) => void warned.push(text), error: () => undefined }
  const { deliver, resumeAppends } = createDelivering(
    {
      ledger,
      settlement,
      log,
      now,
      newId: () => String(++ids),
      retry: { attempts: 4, firstDelayMs: 1, maxDelayMs: 2 },
      ...options.deps,
    },
    () => Promise.reject(new Error('nothing is posted here')),
  )
  const progress: Progress[] = []
  const heldNow: Bench['heldNow'] = []
  const entityOf = (run: RunState, name: string): EntityRun =>
    run.entities.get(name) ?? newEntity(run, { name, sinks: [ref] })
  return {
    ledger,
    settlement,
    target,
    deliver,
    warned,
    resumeAppends,
    progress,
    heldNow,
    async begin(id, { full = false, mode = 'poll' } = {}) {
      await ledger.beginRun({ id, sync: `books of ${id}`, mode, at: now() })
      return settlement.open({
        id,
        sync: `books of ${id}`,
        mode,
        at: now(),
        mustReport: 'every',
        mayFilter: false,
        receiptMs: 60_000,
        full,
        sourceAddress: 'x3://host/SEED',
      })
    },
    async send(run, records, sending = {}) {
      const schema = sending.schema ?? supplierSchema
      const state = settlement.runs.get(run)
      let batch = 0
      if (state) {
        const entity = entityOf(state, schema.entity)
        batch = entity.batches.length
        entity.batches.push(
          newBatch({ index: batch, count: records.length, rows: records.length, bytes: 0, sentAt: 0, segments: [] }),
        )
        entity.read += records.length
      }
      const sync: SyncInfo = {
        name: `books of ${run}`,
        run,
        entity: schema.entity,
        batch,
        readNumber: sending.read ?? 1,
        ledger: ledger.id,
        mode: sending.mode ?? 'poll',
        ...(sending.to !== undefined && { to: sending.to }),
      }
      return deliver({
        ref,
        target: sending.target ?? target,
        message: { payload: records.map((record, index) => ({ ...record, _row: index })), schema, sync },
        progress: (one) => progress.push(one),
        held: (record, cause) => heldNow.push({ record, cause }),
        signal: sending.signal ?? new AbortController().signal,
      })
    },
    restart: () => bench({ ...options, target, ledger }),
  }
}

/** Counts that are not zero. */
export const counted = (counts: OutcomeCounts): Partial<OutcomeCounts> =>
  Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0))

export const tallied = (state: RunState, entity: string): Partial<OutcomeCounts> => {
  const found = state.entities.get(entity)
  return found ? counted(tallyOf(found, ref).counts) : {}
}

/** The error that some work must end with. */
export const failing = async (work: Promise<unknown>): Promise<SyncError> => {
  const error = await work.then(
    () => assert.fail('it should have failed'),
    (e: unknown) => e,
  )
  assert.ok(isSyncError(error), String(error))
  return error
}

/** Names of the records in the target. */
export const names = ({ target }: Bench) => [...target.stored.values()].map(({ record }) => record.name)
export const openHeld = ({ ledger }: Bench) => ledger.held({ states: ['open'] })
