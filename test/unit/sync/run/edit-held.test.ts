import { deepStrictEqual, strictEqual, throws } from 'node:assert'
import type { DataRecord, Schema } from '../../../../sync/contract/message.ts'
import { changesOf, corrected } from '../../../../sync/run/edit-held.ts'

const line = (name: string, type: Schema['columns'][number]['type'] = 'string') => ({ name, type })
const schema: Schema = {
  entity: 'invoice',
  key: ['source', 'number'],
  columns: [
    line('source'),
    line('number'),
    line('currency'),
    line('amount', 'decimal(28,8)'),
    line('due', 'date'),
    { name: 'iban', type: 'string', sensitive: true },
  ],
  lists: {
    lines: {
      entity: 'invoice_line',
      key: ['source', 'number', 'line'],
      columns: [
        line('source'),
        line('number'),
        line('line', 'integer'),
        line('currency'),
        line('amount', 'decimal(28,8)'),
        line('account'),
        line('ledger'),
        line('amount_ledger', 'decimal(28,8)'),
      ],
    },
  },
}
const row = (at: number, amount: string) => ({
  ...{ source: 'erp', number: 'N1', line: at, currency: 'EUR', amount, account: '6011' },
  ...{ ledger: 'L1', amount_ledger: at === 1 ? '5' : '-5' },
})
const record: DataRecord = {
  ...{ _row: 0, source: 'erp', number: 'N1', currency: 'EUR', amount: '30.50', due: '2026-01-01', iban: 'DE02' },
  lines: [row(1, '10.5'), row(2, '20')],
}
const edit = (changes: object, lines: object[] = []) =>
  corrected(schema, record, { changes: changes as never, lines: { lines: lines as never } })

describe('a held record that a person corrects', () => {
  it('takes columns of the header and of single lines; the original stays as it was', () => {
    const after = edit({ due: '2026-02-01' }, [{ at: 1, changes: { account: '6012' } }])
    deepStrictEqual(changesOf(schema, record, after), [
      { field: 'due', from: '2026-01-01', to: '2026-02-01' },
      { field: 'lines.account', line: 1, from: '6011', to: '6012' },
    ])
    strictEqual((record.lines as { account: string }[])[1]?.account, '6011')
  })

  it('says of a sensitive column that it was changed, and not what it is', () => {
    deepStrictEqual(changesOf(schema, record, edit({ iban: 'DE03' })), [{ field: 'iban', from: '•••', to: '•••' }])
  })

  it('refuses a header that is not what its lines are any more: a text of theirs, or what they add up to', () => {
    throws(() => edit({ currency: 'USD' }), /currency of the header was that of its lines, and would not be any more/)
    throws(() => edit({ amount: '30' }), /amount of the header was the sum of its lines/)
    throws(() => edit({}, [{ at: 0, changes: { amount: '11' } }]), /amount of the header was the sum of its lines/)
    const usd = [0, 1].map((at) => ({ at, changes: { currency: 'USD' } }))
    strictEqual(edit({ currency: 'USD' }, usd).currency, 'USD')
    strictEqual(edit({ amount: '31' }, [{ at: 0, changes: { amount: '11.00' } }]).amount, '31')
  })

  it('refuses a journal that balanced and would not any more', () => {
    throws(
      () => edit({}, [{ at: 0, changes: { amount_ledger: '6' } }]),
      /balanced, and now does not balance: ledger L1/,
    )
  })

  it('lets a record be mended that did not fit before', () => {
    const broken = { ...record, currency: 'USD' }
    const mended = corrected(schema, broken, { changes: { currency: 'EUR' }, lines: {} })
    strictEqual(mended.currency, 'EUR')
    strictEqual(corrected(schema, broken, { changes: { currency: 'CHF' }, lines: {} }).currency, 'CHF')
  })

  it('refuses keys, columns and lines that there are not, and a value that its column does not take', () => {
    throws(() => edit({ number: 'N2' }), /number is part of the key/)
    throws(() => edit({}, [{ at: 0, changes: { line: 7 } }]), /line is part of the key/)
    throws(() => edit({ nme: 1 }), /no column nme/)
    throws(() => edit({}, [{ at: 9, changes: { account: '1' } }]), /lines has no line 10/)
    throws(() => edit({ due: '2026-02-31' }), /field due: .*is not a date/)
    throws(() => edit({}, [{ at: 1, changes: { amount: 'ten' } }]), /lines erp\|N1\|2, field amount/)
  })
})
