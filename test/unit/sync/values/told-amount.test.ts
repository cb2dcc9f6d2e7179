import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ColumnType, DataRecord, Schema } from '../../../../sync/contract/message.ts'
import { addAmounts, hasAmounts, toldAmount, toldInWords, toldOf } from '../../../../sync/values/told-amount.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'

const AMOUNT: ColumnType = 'decimal(28,8)'
const columns = (...names: string[]) =>
  names.map((name) => ({ name, type: name.startsWith('amount') ? AMOUNT : ('string' as const) }))
const table = (entity: string, ...names: string[]) => ({
  entity,
  key: ['source'],
  columns: columns('source', ...names),
})

const invoice: Schema = {
  ...table('supplier_invoice', 'currency', 'amount_without_tax', 'amount_with_tax'),
  lists: { lines: table('supplier_invoice_line', 'currency', 'amount') },
}
const sale: Schema = {
  ...table('sales_invoice', 'currency'),
  lists: { lines: table('sales_invoice_line', 'currency', 'amount_without_tax') },
}
const journal: Schema = {
  ...table('gl_entry', 'currency'),
  lists: { lines: table('gl_entry_line', 'ledger', 'ledger_currency', 'amount', 'amount_ledger') },
}
const record = (more: object): DataRecord => ({ _row: 0, source: 'x3', ...more })
const line = (ledger: string, amount_ledger: string) => ({ ledger, ledger_currency: 'EUR', amount: '7', amount_ledger })

describe('the amount of a record that is told', () => {
  it('of a document the amount with tax of its header, else the sum of its lines', () => {
    const lines = [
      { currency: 'USD', amount: '1.10' },
      { currency: 'USD', amount: '-0.10' },
    ]
    const header = { currency: 'USD', amount_without_tax: '1', amount_with_tax: '1.20', lines }
    assert.deepEqual(toldAmount(invoice, record(header)), { USD: '1.2' })
    assert.deepEqual(toldAmount(invoice, record({ ...header, amount_with_tax: null })), { USD: '1' })
    assert.deepEqual(toldAmount(sale, record({ currency: 'EUR', lines: [{ amount_without_tax: '-5.00' }] })), {
      EUR: '-5',
    })
  })

  it('of a journal the debit in the currency of one ledger', () => {
    const lines = [line('legal', '10.50'), line('legal', '-10.50'), line('ifrs', '99'), line('ifrs', '-99')]
    assert.deepEqual(toldAmount(journal, record({ lines })), { EUR: '10.5' })
  })

  it('is not known where it does not stand in the record, and never 0.00', () => {
    for (const lines of [undefined, null, [], [{ amount_without_tax: null }], [{ amount_without_tax: 'ten' }]])
      assert.equal(toldAmount(sale, record({ currency: 'EUR', lines })), undefined, JSON.stringify(lines))
    assert.equal(toldAmount(journal, record({ lines: [] })), undefined)
    assert.equal(toldAmount(invoice, record({ _op: 'delete' })), undefined)
  })

  it('is none where the entity has none', () => {
    assert.deepEqual(toldAmount(supplierSchema, record(supplier('A', 'A'))), {})
    assert.deepEqual([hasAmounts(supplierSchema), hasAmounts(sale)], [false, true])
  })

  it('in words: currencies apart, thousands apart, what is not known beside', () => {
    const said = (...all: Parameters<typeof toldOf>[0]) => toldInWords(toldOf(all))
    assert.equal(said({ EUR: '468962.42' }), 'EUR 468,962.42')
    assert.equal(said({ USD: '1' }, { EUR: '-1234567.005' }), 'EUR -1,234,567.005, USD 1.00')
    assert.equal(said({ EUR: '1' }, undefined, undefined), 'EUR 1.00, 2 of unknown amount')
    assert.equal(said(undefined), 'amount not known')
    assert.equal(said({}), '')
  })

  it('adds to the last digit, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('EUR', 'USD'), fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }))),
        (all) => {
          const text = (n: bigint) =>
            `${n < 0n ? '-' : ''}${String(n < 0n ? -n : n)
              .padStart(3, '0')
              .replace(/(..)$/, '.$1')}`
          const sums = addAmounts(all.map(([currency, n]) => ({ [currency]: text(n) })))
          for (const currency of ['EUR', 'USD'] as const) {
            const own = all.filter(([of]) => of === currency)
            const sum = own.reduce((a, [, n]) => a + n, 0n)
            const found = sums[currency] ?? '0'
            const [whole = '', digits = ''] = found.split('.')
            assert.equal(
              BigInt(`${whole.replace('-', '')}${digits.padEnd(2, '0')}`) * (found.startsWith('-') ? -1n : 1n),
              sum,
            )
          }
        },
      ),
    )
  })
})
