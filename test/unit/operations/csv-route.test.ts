import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { parse } from 'csv-parse/sync'
import type { Ledger } from '../../../ledger/ledger.ts'
import type { LedgerHandle } from '../../../nodes/kit/kit.ts'
import { defineCsvRoute } from '../../../nodes/operations/csv-route.ts'
import type { Engine } from '../../../sync/contract/engine.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { EntitySummary } from '../../../sync/contract/summary.ts'
import { supplierSchema } from '../../support/fakes.ts'
import { address, commit, held, type LedgerFolder, ledgerFolder, summaryOf } from '../../support/ledger.ts'
import { type Routes, routesOf } from '../../support/routes.ts'

type Line = Record<string, string>

const entity = (more: Partial<EntitySummary> = {}): EntitySummary => ({
  ...{ entity: 'gl_entry', sink: 'warehouse', read: 3, rows: 9, delivered: 2, unchanged: 0, superseded: 0 },
  ...{ held: 1, inDoubt: 0, filtered: 0, ties: false, verdict: 'open' },
  amounts: { EUR: { debit: '100.50', credit: '100.50' }, USD: { debit: '-7.00', credit: '0' } },
  ...more,
})

const schema: Schema = {
  ...supplierSchema,
  columns: [
    ...supplierSchema.columns,
    { name: 'balance', type: 'decimal(18,2)' },
    { name: 'iban', type: 'string', sensitive: true },
  ],
}

describe('lists as CSV', () => {
  let folders: LedgerFolder[]
  let ledger: Ledger
  let routes: Routes
  const handleOf = (one: Ledger): LedgerHandle => ({
    kind: 'ledger',
    engine: { get: async () => ({ ledger: one }) as Engine } as LedgerHandle['engine'],
    members: new Map(),
  })
  beforeEach(async () => {
    folders = [ledgerFolder(), ledgerFolder()]
    const all = await Promise.all(folders.map((folder) => folder.open()))
    ledger = all[0] as Ledger
    routes = routesOf(defineCsvRoute, { A: handleOf(ledger), B: handleOf(all[1] as Ledger) })
    await ended(all[1] as Ledger, summaryOf('other', { sync: 'other' }))
  })
  afterEach(() => Promise.all(folders.map((folder) => folder.remove())))

  const ended = async (one: Ledger, summary: ReturnType<typeof summaryOf>) => {
    await one.beginRun({ id: summary.run, sync: summary.sync, mode: summary.mode, at: summary.started })
    await one.endRun(summary)
  }
  const file = (given: object) => routes.call<{ error: string }>('GET', '/tieout/csv', given)
  const lines = async (given: object): Promise<Line[]> => {
    const { text, status } = await file(given)
    strictEqual(status, 200)
    ok(text.startsWith('\uFEFF'), 'spreadsheets know it for UTF-8')
    return parse(text, { bom: true, columns: true })
  }

  it('may be had by whoever reads, as a file with its name', async () => {
    deepStrictEqual([...routes.rights], [['GET /tieout/csv', 'tieout.read']])
    const { headers } = await file({ list: 'runs' })
    match(headers['content-disposition'] ?? '', /^attachment; filename="runs-\d{4}-\d\d-\d\d\.csv"$/)
    strictEqual((await file({ list: 'passwords' })).status, 400)
    strictEqual((await file({ list: 'runs', ledger: 'none' })).status, 422)
  })

  it('has a line for each entity of a run, of all ledgers or of one, through all pages', async () => {
    for (let n = 0; n < 120; n++)
      await ended(ledger, summaryOf(`r${n}`, { entities: [entity()], says: 'open: 1 held' }))
    const all = await lines({ list: 'runs' })
    strictEqual(all.length, 121)
    strictEqual(new Set(all.map(({ run }) => run)).size, 121)
    deepStrictEqual([...new Set(all.map((line) => line.ledger))], ['Ledger A', 'Ledger B'])
    const [first] = await lines({ list: 'runs', ledger: 'A', sync: 's' })
    deepStrictEqual(
      [
        first?.run,
        first?.entity,
        first?.sink,
        first?.read,
        first?.delivered,
        first?.held,
        first?.rows,
        first?.run_says,
      ],
      ['r119', 'gl_entry', 'warehouse', '3', '2', '1', '9', 'open: 1 held'],
    )
    deepStrictEqual(await lines({ list: 'runs', entity: 'supplier' }), [])
  })

  it('has a run that failed before it read anything, with its error', async () => {
    const errors = [{ class: 'auth' as const, code: 'x3.1', message: '=refused' }]
    await ended(ledger, summaryOf('r1', { state: 'failed', errors }))
    const [line] = await lines({ list: 'runs', ledger: 'A' })
    deepStrictEqual([line?.state, line?.error, line?.entity], ['failed', "'=refused", ''])
  })

  it('has totals by currency, as text to the last digit, negative ones as they are', async () => {
    const figures = (amount: string) => ({ records: 1, rows: 1, amounts: { EUR: amount } })
    const asRead = { read: figures('12345678901234567.89'), held: figures('-0.10') }
    await ended(ledger, summaryOf('r1', { entities: [entity({ asRead })] }))
    const [eur, usd, ...others] = await lines({ list: 'totals', ledger: 'A' })
    deepStrictEqual(others, [])
    deepStrictEqual(
      [eur?.currency, eur?.debit_amount, eur?.read_amount, eur?.held_amount, eur?.delivered_amount],
      ['EUR', '100.50', '12345678901234567.89', '-0.10', ''],
    )
    deepStrictEqual([usd?.currency, usd?.debit_amount], ['USD', '-7.00'])
  })

  it('has held records and what was left out, sensitive columns hidden, and no cell that is a formula', async () => {
    const record = { _row: 0, source: 'erp', code: '-A1', name: '@SUM(A1)', balance: '-5.00', iban: 'DE11' }
    const one = { schema, record, amounts: { EUR: '-5.00' } }
    const many = Array.from({ length: 45 }, (_, n) => held(`n${n}`, n))
    await ledger.commit(commit({ held: [held('A1', 10, one), ...many] }))
    const { held: ids } = await ledger.findDeliveries({ number: 'A1' })
    await ledger.discardHeld(ids, { by: '=ann', reason: '\ta test' })
    const all = await lines({ list: 'held', sync: 's' })
    strictEqual(all.length, 46)
    const line = all.find(({ key }) => key === 'erp|A1')
    deepStrictEqual(
      [line?.state, line?.reason, line?.currency, line?.told_amount, line?.left_out_by, line?.left_out_reason],
      ['discarded', 'it does not fit', 'EUR', '-5.00', "'=ann", "'\ta test"],
    )
    deepStrictEqual(
      [line?.['record.code'], line?.['record.name'], line?.['record.balance'], line?.['record.iban']],
      ["'-A1", "'@SUM(A1)", '-5.00', '•••'],
    )
  })

  it('has open results', async () => {
    const accepted = Array.from({ length: 3 }, (_, n) => ({
      ...{ key: `erp|O${n}`, read: 5, hash: 'ab', before: null, sourceAddress: 'fake://erp', again: false },
      ...{ since: '2026-03-01T10:00:00.000Z', requests: [{ request: `q${n}`, items: [] }] },
      ...{ record: { _row: 0 }, schema: supplierSchema, amounts: { EUR: '10.10' } },
    }))
    await ledger.commit(commit({ address, accepted }))
    deepStrictEqual(
      (await lines({ list: 'results', ledger: 'A' })).map(({ key, requests, told_amount, address: at }) => [
        key,
        requests,
        told_amount,
        at,
      ]),
      [0, 1, 2].map((n) => [`erp|O${n}`, `q${n}`, '10.10', address]),
    )
    deepStrictEqual(await lines({ list: 'results', entity: 'customer' }), [])
  })
})
