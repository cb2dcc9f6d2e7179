/** What was read and what became of it, at each sink, in records, rows and amounts as they were read. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { SinkRef } from '../../../../sync/contract/engine.ts'
import type { BatchMessage, DataRecord, Row } from '../../../../sync/contract/message.ts'
import type { RunSummary } from '../../../../sync/contract/summary.ts'
import { readOf } from '../../../../sync/run/arrivals.ts'
import { balanceOf, countAsRead, newReadSums } from '../../../../sync/run/as-read.ts'
import { apply, newBatch } from '../../../../sync/run/progress.ts'
import { compileContribution } from '../../../../sync/values/contribution.ts'
import { createGroups, totalsPlan } from '../../../../sync/values/totals-plan.ts'
import { entry, entrySchema } from '../../../support/fakes.ts'
import { mapping, type Rig, type RigOptions, rig, source1, sums, warehouse } from '../../../support/rig.ts'

const map: SinkRef = { id: 'map-1', name: 'map-gl' }
const cause = { class: 'data', code: 'map.unmapped', message: 'not mapped' } as const
const linesOf = (record: DataRecord): Row[] => record.lines as Row[]
const at = (summary: RunSummary) => sums(summary, 'gl_entry')
const withAmount = (record: DataRecord, amount: string): DataRecord => ({
  ...record,
  lines: linesOf(record).map((line) => ({ ...line, amount: `${line.amount}`.startsWith('-') ? `-${amount}` : amount })),
})

describe('what was read and what became of it', () => {
  let open: Rig | undefined
  afterEach(() => open?.close())
  const opened = async (flow: NonNullable<RigOptions['flow']>): Promise<Rig> => {
    open = await rig({ entities: { gl_entry: { schema: entrySchema } }, flow })
    for (const [number, amount] of [
      ['1', '10'],
      ['2', '20.5'],
      ['3', '300'],
    ] as const)
      open.source.put('gl_entry', entry(number, amount, `-${amount}`))
    return open
  }

  it('delivered, held and filtered come to what was read', async () => {
    const { poll } = await opened((message, { engine, deliver }) => {
      const [first, second] = message.payload
      ok(first && second)
      void engine
        .hold({ ref: map, sinks: [warehouse], message, stage: 'map', records: [{ record: second, cause }] })
        .then(() => deliver({ ...message, payload: [first] }))
    })
    const { asRead, verdict } = at(await poll({ mayFilter: true, receiptSeconds: 0.2 }))
    equal(verdict, 'open')
    deepEqual(asRead, {
      read: { records: 3, rows: 9, amounts: { EUR: '330.5' } },
      delivered: { records: 1, rows: 3, amounts: { EUR: '10' } },
      held: { records: 1, rows: 3, amounts: { EUR: '20.5' } },
      filtered: { records: 1, rows: 3, amounts: { EUR: '300' } },
    })
  })

  it('where one answer is enough, what went to another sink is filtered here', async () => {
    const other: SinkRef = { id: 'write-2', name: 'snowflake-merge' }
    const { poll } = await opened((message, { deliver, target }) => {
      void deliver({ ...message, payload: message.payload.slice(0, 1) })
      void deliver({ ...message, payload: message.payload.slice(1) }, other, target('other'))
    })
    const summary = await poll({ mustReport: 'one', sinks: () => [warehouse, other] })
    equal(summary.verdict, 'ties')
    deepEqual(at(summary).asRead?.filtered, { records: 2, rows: 6, amounts: { EUR: '320.5' } })
    deepEqual(sums(summary, 'gl_entry', other.name).asRead?.filtered?.amounts, { EUR: '10' })
  })

  it('what comes after it had counted as filtered is taken off there', () => {
    const groups = createGroups()
    const by = compileContribution(entrySchema, totalsPlan(entrySchema, undefined), groups)
    const batch = newBatch({
      ...{ index: 0, count: 1, rows: 3, bytes: 0, sentAt: 0, segments: [] },
      read: readOf(by, [{ ...entry('1', '10', '-10'), _row: 0 }]),
    })
    const own = newReadSums()
    for (const outcome of ['filtered', 'delivered'] as const) {
      const reports = [{ row: 0, outcome }]
      countAsRead(own, batch, warehouse.id, reports)
      apply(batch, warehouse.id, reports)
    }
    const counts = { read: 1, delivered: 1, unchanged: 0, superseded: 0, held: 0, inDoubt: 0, filtered: 0 }
    const balance = balanceOf([batch], own, counts, { refused: 0, rest: false })
    equal(balance?.problem, undefined)
    deepEqual(balance?.asRead.delivered?.amounts, { EUR: '10' })
  })

  it('a second reading is unchanged, in the same amounts', async () => {
    const { poll } = await opened((message, { deliver }) => void deliver(message))
    await poll()
    const { asRead } = at(await poll({ scope: { kind: 'keys', entity: 'gl_entry', keys: ['erp|1', 'erp|3'] } }))
    deepEqual(asRead, {
      read: { records: 2, rows: 6, amounts: { EUR: '310' } },
      unchanged: { records: 2, rows: 6, amounts: { EUR: '310' } },
    })
  })

  it('of what the source held the amount is not known', async () => {
    const { poll, source } = await opened((message, { deliver }) => void deliver(message))
    source.refuse('gl_entry', 'erp|2', { code: 'x', message: 'incomplete' })
    const { asRead } = at(await poll())
    deepEqual(asRead?.read, { records: 3, rows: 6, amounts: { EUR: '310' }, unknown: 1 })
    deepEqual(asRead?.held, { records: 1, rows: 0, amounts: {}, unknown: 1 })
  })

  it('what a mapping made of the amounts stands beside it, and not in it', async () => {
    const { poll } = await opened(
      (message, made) =>
        void made.deliver(
          mapping(made, message, (record) => (record.number === '3' ? withAmount(record, '301.25') : record)),
        ),
    )
    const { asRead, arrived, changed, verdict } = at(await poll())
    equal(verdict, 'ties')
    equal(changed, undefined)
    deepEqual(asRead?.delivered?.amounts, { EUR: '330.5' })
    deepEqual(arrived, { mapped: { EUR: '1.25' } })
  })

  it('what somebody changed before the mapping is no part of what the mapping did', async () => {
    const { poll } = await opened((message, made) => {
      message.payload = message.payload.map((record) => (record.number === '3' ? withAmount(record, '400') : record))
      void made.deliver(
        mapping(made, message, (record) => (record.number === '3' ? withAmount(record, '401') : record)),
      )
    })
    const { arrived, changed } = at(await poll())
    deepEqual(arrived, { mapped: { EUR: '1' } })
    deepEqual(changed?.amounts, { EUR: '100' })
  })

  it('what a person corrects is corrected, and no change of the flow', async () => {
    const { poll, engine, ledger, deliver } = await opened((message, { engine: on, deliver: send }) => {
      const records = message.payload.filter(({ number }) => number === '2').map((record) => ({ record, cause }))
      void on
        .hold({ ref: map, sinks: [warehouse], message, stage: 'map', records })
        .then(() => send({ ...message, payload: message.payload.filter(({ number }) => number !== '2') }))
    })
    await poll()
    const [held] = await ledger.held({})
    ok(held)
    await ledger.editHeld(held.id, withAmount(held.record, '21'), { by: 'anna', reason: 'it was wrong' })
    const replayed = await engine.replay({
      name: 'replay',
      ref: source1,
      filter: {},
      sinks: () => [warehouse],
      receiptSeconds: 60,
      send: (_, message: BatchMessage) => void deliver(structuredClone(message)),
      progress: () => undefined,
      signal: new AbortController().signal,
    })
    const { asRead, arrived, changed } = at(replayed)
    equal(replayed.state, 'done')
    equal(changed, undefined)
    deepEqual(asRead?.delivered?.amounts, { EUR: '20.5' })
    deepEqual(arrived, { corrected: { EUR: '0.5' } })
  })
})
