/** Supplier invoices of the invoices whose journals were typed by hand: here by hand too, from the document beside each. */
import { deepStrictEqual, equal, throws } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { readInvoice } from '../../../../nodes/x3/client/posting/invoice.ts'
import { previewDocument } from '../../../../nodes/x3/client/posting/preview.ts'
import { invoiceObjectOf, publicationOf } from '../../../../nodes/x3/client/posting/publication.ts'
import { buildSupplierInvoice } from '../../../../nodes/x3/client/posting/supplier-invoice.ts'
import type { PublishedGroup } from '../../../../nodes/x3/client/soap/object.ts'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { approved, codingRow, HAND, handRules } from '../../../support/x3-posting.ts'

const TODAY = '2026-03-10'
const files = readdirSync(HAND).filter((name) => /^\d\d.*\.json$/.test(name))
const hand = (number: string): DataRecord => {
  const file = files.find((name) => name.startsWith(number)) ?? ''
  return (JSON.parse(readFileSync(new URL(file, HAND), 'utf8')) as { invoice: DataRecord }).invoice
}
const group = (id: string, kind: 'GRP' | 'TAB', names: string): PublishedGroup => ({
  ...{ id, kind, fields: names.split(' ').map((name) => ({ name, type: 'Char', length: undefined })) },
})
const HEADER = 'FCY TYP NUM JOU ACCDAT STA CUR BPR BPRVCR BPRDATVCR DESVCR REFINT AMTNOT AMTTAX AMTATI DUDDAT'
const groups = (line = 'FCYLIN ACC1 AMT TAX DES CCE1 CCE3 ORDER ORDERLINE', tax = 'TAX BASTAX AMTTAX') => [
  group('header', 'GRP', HEADER),
  group('lines', 'TAB', line),
  ...(tax ? [group('taxes', 'TAB', tax)] : []),
]
const objectOf = (record: DataRecord, published = groups(), rules = handRules) =>
  invoiceObjectOf(
    buildSupplierInvoice(readInvoice(record), rules, TODAY),
    publicationOf('zInvoice', published, 'invoice'),
    { reference: 'REFINT', as: 'draft', rules },
  )
/** Lines as `account amount code dimension`, taxes as `code base amount`, and the sums. */
const shownOf = (record: DataRecord) => {
  const { groups: sent, tables } = objectOf(record)
  const { AMTNOT, AMTTAX, AMTATI } = sent.header ?? {}
  return {
    lines: tables.lines?.map(({ ACC1, AMT, TAX = '-', CCE1 = '-' }) => `${ACC1} ${AMT} ${TAX} ${CCE1}`),
    taxes: tables.taxes?.map(({ TAX, BASTAX, AMTTAX: of }) => `${TAX} ${BASTAX} ${of}`),
    sums: `${AMTNOT} ${AMTTAX} ${AMTATI}`,
  }
}

describe('the supplier invoice of an approved invoice', () => {
  const checked: Readonly<Record<string, ReturnType<typeof shownOf>>> = {
    // 100.00 and 20 % of it
    '01': { lines: ['606300 100.00 NOR CC100'], taxes: ['NOR 100.00 20.00'], sums: '100.00 20.00 120.00' },
    // three codes, one of which stands for no tax: its base is told all the same
    '02': {
      lines: ['606300 200.00 NOR CC100', '613200 100.00 RED CC200', '616000 50.00 EXO -'],
      taxes: ['NOR 200.00 40.00', 'RED 100.00 5.50', 'EXO 50.00 0.00'],
      sums: '350.00 45.50 395.50',
    },
    // reverse charge: nothing of it is paid to the supplier, X3 owes and takes it back by the code
    '03': { lines: ['604000 500.00 NOR CC100'], taxes: ['NOR 500.00 0.00'], sums: '500.00 0.00 500.00' },
    // half of it may be taken back: X3 knows that by the code, and gets the whole tax
    '05': { lines: ['625100 99.95 NOR CC300'], taxes: ['NOR 99.95 19.99'], sums: '99.95 19.99 119.94' },
    '06': { lines: ['625100 200.00 NOR -'], taxes: ['NOR 200.00 40.00'], sums: '200.00 40.00 240.00' },
    // into the cost: the line has it, and no code, by which X3 would work it out once more
    '07': { lines: ['615500 1200.00 - CC300'], taxes: [], sums: '1200.00 0.00 1200.00' },
    // both habits of credit notes come to one positive document
    '08': { lines: ['606300 80.00 NOR CC100'], taxes: ['NOR 80.00 16.00'], sums: '80.00 16.00 96.00' },
    '09': { lines: ['606300 80.00 NOR CC100'], taxes: ['NOR 80.00 16.00'], sums: '80.00 16.00 96.00' },
    // 105.00 less 25.00 given back
    '11': {
      lines: ['606300 105.00 NOR CC100', '609100 -25.00 NOR CC100'],
      taxes: ['NOR 80.00 16.00'],
      sums: '80.00 16.00 96.00',
    },
    // three rows of 10.01 with 2.00 each come to 36.03, and 36.04 is owed: one cent of rounding
    '12': {
      lines: ['606300 10.01 NOR -', '606300 10.01 NOR -', '606300 10.01 NOR -', '658000 0.01 - -'],
      taxes: ['NOR 30.03 6.00'],
      sums: '30.04 6.00 36.04',
    },
    '15': { lines: ['625100 99.95 NOR CC300'], taxes: ['NOR 99.95 19.99'], sums: '99.95 19.99 119.94' },
  }
  for (const [number, expected] of Object.entries(checked))
    it(`${files.find((name) => name.startsWith(number))}: lines, taxes and sums as worked out by hand`, () => {
      deepStrictEqual(shownOf(hand(number)), expected)
    })

  it('has what its journal has: site, type, dates, number, reference, supplier, and a due date where there is a field', () => {
    const rules = { ...handRules, dueDateField: 'DUDDAT' }
    const { groups: sent } = objectOf(approved(), groups(), rules)
    const { REFINT = '', ...rest } = sent.header ?? {}
    equal(REFINT.length, 18)
    deepStrictEqual(rest, {
      ...{ FCY: 'FR011', TYP: 'BPSIN', NUM: '', JOU: 'ACH', ACCDAT: '20260305', STA: '1', CUR: 'EUR', BPR: 'AE022' },
      ...{ BPRVCR: 'F-117', BPRDATVCR: '20260302', DESVCR: 'Spare parts', DUDDAT: '20260430' },
      ...{ AMTNOT: '100.00', AMTTAX: '20.00', AMTATI: '120.00' },
    })
  })

  it('names order and line of matched rows', () => {
    const record = approved({}, [codingRow({ order_number: 'POF1', order_line: '1000' })])
    const [row] = objectOf(record).tables.lines ?? []
    deepStrictEqual([row?.ORDER, row?.ORDERLINE], ['POF1', '1000'])
  })

  it('is held where the operation has no parameter for a tax code, and for whatever holds its journal', () => {
    const bare = groups('ACC1 AMT CCE1 CCE3', '')
    throws(
      () => objectOf(approved(), bare),
      ({ code }: SyncError) => code === 'x3.post-tax-field',
    )
    const exempt = approved({ tax_amount: '0.00', gross_amount: '100.00' }, [
      codingRow({ tax_amount: '0.00', tax_code: 'FR-E00' }),
    ])
    equal(objectOf(exempt, bare).tables.lines?.length, 1)
    equal(objectOf(approved(), groups('ACC1 AMT CCE1 CCE3')).tables.taxes?.length, 1, 'its list of taxes has the code')
    throws(
      () => objectOf(approved({ payment_block: true })),
      ({ code }: SyncError) => code === 'x3.post-payment-block',
    )
    throws(
      () => objectOf(approved({ gross_amount: '121.00' })),
      ({ code }: SyncError) => code === 'x3.post-difference',
    )
  })

  it('cannot be written by an operation without parameters for supplier, sum or accounts', () => {
    const without = (name: string) =>
      groups().map((one) => ({ ...one, fields: one.fields.filter((field) => field.name !== name) }))
    for (const name of ['BPR', 'AMTATI', 'ACC1', 'AMT', 'STA'])
      throws(
        () => publicationOf('zInvoice', without(name), 'invoice'),
        ({ code, message }: SyncError) => code === 'x3.publication' && message.includes(name),
      )
  })

  it('is shown before it is made', () => {
    const { notices, columns, rows } = previewDocument('invoice', hand('02'), handRules, TODAY)
    equal(notices[1], 'Supplier invoice: without tax 350.00, tax 45.50, with tax 395.50 EUR.')
    deepStrictEqual(columns, ['account', 'amount', 'tax', 'CCE1', 'CCE3', 'order', 'text'])
    deepStrictEqual(
      rows.map(({ account, amount, tax }) => `${account} ${amount} ${tax}`),
      ['606300 200.00 NOR', '613200 100.00 RED', '616000 50.00 EXO', ' 40.00 NOR', ' 5.50 RED', ' 0.00 EXO'],
    )
  })
})
