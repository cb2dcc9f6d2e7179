import assert from 'node:assert/strict'
import { Big } from 'big.js'
import fc from 'fast-check'
import type { DataRecord, Row, Schema } from '../../../../sync/contract/message.ts'
import { compileBalance, imbalanceText } from '../../../../sync/values/balance.ts'
import { compileContribution } from '../../../../sync/values/contribution.ts'
import { compareTotals, createTotals, currencyTotals, differencesText } from '../../../../sync/values/totals.ts'
import { createGroups, totalsPlan } from '../../../../sync/values/totals-plan.ts'

const schema: Schema = {
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
        { name: 'company', type: 'string' },
        { name: 'ledger', type: 'string' },
        { name: 'period', type: 'string' },
        { name: 'currency', type: 'string' },
        { name: 'amount', type: 'decimal(28,8)' },
        { name: 'ledger_currency', type: 'string' },
        { name: 'amount_ledger', type: 'decimal(28,8)' },
        { name: 'quantity', type: 'decimal(28,8)' },
        { name: 'amount_text', type: 'string' },
      ],
    },
  },
}
const plan = totalsPlan(schema)
const groups = createGroups()
const by = compileContribution(schema, plan, groups)
const textOf = (record: DataRecord): string => by.of(record).text
const line = (ledger: string, amount: string | null, more: Row = {}): Row => ({
  company: 'C1',
  ledger,
  period: '2024-01',
  currency: 'USD',
  amount,
  ledger_currency: 'EUR',
  amount_ledger: amount,
  ...more,
})
const entry = (lines: Row[], company = 'C1'): DataRecord => ({ _row: 0, source: 'x', number: '1', company, lines })

describe('totals', () => {
  it('sum decimal columns named amount by the group columns that a table has', () => {
    assert.deepEqual(plan, [
      { list: '', amounts: [], by: ['company'] },
      {
        list: 'lines',
        amounts: ['amount', 'amount_ledger'],
        by: ['company', 'ledger', 'period', 'currency', 'ledger_currency'],
      },
    ])
    const setting = { list: 'lines', amounts: ['quantity'], by: ['ledger'] }
    assert.deepEqual(totalsPlan(schema, setting)[1], setting)
  })

  it('keep debit and credit apart, and count lines without an amount', () => {
    const totals = createTotals(groups)
    totals.add(textOf(entry([line('L', '10.10'), line('L', '-0.10'), line('L', null), line('S', '5')])))
    totals.add(textOf(entry([line('L', '0.20')])))
    assert.deepEqual(totals.expected(), [
      { list: '', group: ['C1'], count: 2, debit: {}, credit: {} },
      {
        list: 'lines',
        group: ['C1', 'L', '2024-01', 'USD', 'EUR'],
        count: 4,
        debit: { amount: '10.3', amount_ledger: '10.3' },
        credit: { amount: '0.1', amount_ledger: '0.1' },
      },
      {
        list: 'lines',
        group: ['C1', 'S', '2024-01', 'USD', 'EUR'],
        count: 1,
        debit: { amount: '5', amount_ledger: '5' },
        credit: { amount: '0', amount_ledger: '0' },
      },
    ])
  })

  it('take a version off again without a trace, and ignore deletions', () => {
    const totals = createTotals(groups)
    const first = textOf(entry([line('L', '9007199254740993.01')]))
    totals.add(first)
    totals.add(textOf({ ...entry([]), _op: 'delete' }))
    totals.remove(first)
    assert.deepEqual(totals.expected(), [])
  })

  it('tell a missing company, null or empty, from one that is called null', () => {
    const totals = createTotals(groups)
    for (const company of [null, 'null', '']) totals.add(textOf({ ...entry([]), company }))
    assert.deepEqual(
      totals.expected().map(({ group }) => group[0]),
      ['null', null],
    )
    const [table] = totalsPlan(schema, undefined)
    const stored = (company: string | null, count: number) => {
      const none = Object.fromEntries(table?.amounts.map((name) => [name, '0.00']) ?? [])
      return {
        list: '',
        group: [company, ...(table?.by.slice(1).map(() => null) ?? [])],
        count,
        debit: none,
        credit: none,
      }
    }
    const found = [stored('', 1), stored(null, 1), stored('null', 1)]
    assert.deepEqual(table && compareTotals(table, found, totals.expected()), [])
  })

  it('agree with big.js on any lines', () => {
    const amounts = fc.array(
      fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 8 })),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(amounts, (pairs) => {
        const texts = pairs.map(([units, scale]) => new Big(units.toString()).div(new Big(10).pow(scale)).toFixed())
        const totals = createTotals(groups)
        for (const text of texts) totals.add(textOf(entry([line('L', text), line('L', text)])))
        const sum = (side: (b: Big) => boolean) =>
          texts.reduce((all, text) => (side(new Big(text)) ? all.plus(new Big(text).abs().times(2)) : all), new Big(0))
        const [total] = totals.expected().filter(({ list }) => list === 'lines')
        assert.equal(total?.debit.amount, sum((b) => b.gt(0)).toFixed())
        assert.equal(total?.credit.amount, sum((b) => b.lt(0)).toFixed())
      }),
    )
  })

  it('compare credits like debits', () => {
    const [, table] = plan
    assert.ok(table)
    const totals = createTotals(groups)
    totals.add(textOf(entry([line('L', '10.10'), line('L', '-10.10')])))
    const expected = totals.expected()
    const stored = expected.map((total) => ({ ...total, credit: { ...total.credit, amount: '10.11' } }))
    const found = compareTotals(table, stored, expected).filter(({ figure }) => figure === 'credit amount')
    assert.deepEqual(
      found.map(({ delivered, stored: inTarget }) => [delivered, inTarget]),
      [['10.1', '10.11']],
    )
  })

  it('compare group by group, however the target writes its decimals, and say what differs', () => {
    const [, table] = plan
    assert.ok(table)
    const totals = createTotals(groups)
    totals.add(textOf(entry([line('L', '10.10'), line('S', '1')])))
    const expected = totals.expected()
    const stored = expected.map((total) => ({
      ...total,
      debit: Object.fromEntries(
        Object.entries(total.debit).map(([k, v]) => [k, `${v}${v.includes('.') ? '' : '.'}000`]),
      ),
    }))
    assert.deepEqual(compareTotals(table, [...stored].reverse(), expected), [])
    const found = compareTotals(table, stored.slice(0, 2), expected)
    assert.deepEqual(
      found.map(({ figure, delivered, stored: inTarget }) => [figure, delivered, inTarget]),
      [
        ['count', '1', '0'],
        ['debit amount', '1', '0'],
        ['debit amount_ledger', '1', '0'],
      ],
    )
    assert.equal(
      differencesText('gl_entry', table, [...found, ...found]),
      'gl_entry.lines, company C1, ledger S, period 2024-01, currency USD, ledger_currency EUR: count 1 delivered, 0 stored; ' +
        'gl_entry.lines, company C1, ledger S, period 2024-01, currency USD, ledger_currency EUR: debit amount 1 delivered, 0 stored; ' +
        'gl_entry.lines, company C1, ledger S, period 2024-01, currency USD, ledger_currency EUR: debit amount_ledger 1 delivered, 0 stored; and 3 more',
    )
    assert.equal(
      compareTotals(
        table,
        [...stored, { ...(stored[1] as (typeof stored)[0]), group: ['C9', 'L', null, null, null] }],
        expected,
      )[0]?.figure,
      'count',
    )
  })

  it('add up by the currency of the ledger for the summary', () => {
    const totals = createTotals(groups)
    totals.add(textOf(entry([line('L', '10.10'), line('L', '-10.10'), line('G', '3', { ledger_currency: 'GBP' })])))
    assert.deepEqual(currencyTotals(plan, totals.expected()), {
      EUR: { debit: '10.1', credit: '10.1' },
      GBP: { debit: '3', credit: '0' },
    })
    assert.deepEqual(currencyTotals(totalsPlan({ ...schema, lists: {} }), []), {})
  })
})

const unbalanced = (record: DataRecord, of: Schema, statistical?: readonly string[]) =>
  imbalanceText(compileBalance(of, statistical)(record))

describe('balance', () => {
  it('holds per ledger and company: two errors that cancel out across ledgers are found', () => {
    const crossed = entry([line('L', '10'), line('L', '-9.99'), line('S', '-0.01')])
    assert.deepEqual(compileBalance(schema)(crossed), [
      { ledger: 'L', company: 'C1', difference: '0.01' },
      { ledger: 'S', company: 'C1', difference: '-0.01' },
    ])
    assert.equal(
      unbalanced(entry([line('L', '10'), line('L', '-9.99')]), schema),
      'does not balance: ledger L of company C1 is off by 0.01',
    )
    assert.equal(
      unbalanced(entry([line('L', '10', { company: 'C2' }), line('L', '-10')]), schema)?.includes('C2'),
      true,
    )
  })

  it('is exact where JS numbers are not', () => {
    assert.equal(unbalanced(entry([line('L', '0.1'), line('L', '0.2'), line('L', '-0.3')]), schema), undefined)
  })

  it('exempts statistical ledgers, deletions and records without amounts', () => {
    assert.equal(unbalanced(entry([line('STAT', '10')]), schema, ['STAT']), undefined)
    assert.equal(unbalanced({ ...entry([line('L', '1')]), _op: 'delete' }, schema), undefined)
    assert.equal(unbalanced({ _row: 0, code: 'S' }, { ...schema, lists: {} }), undefined)
  })
})
