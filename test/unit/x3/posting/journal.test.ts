import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import Big from 'big.js'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { readInvoice } from '../../../../nodes/x3/client/posting/invoice.ts'
import { buildJournal, type Journal, type JournalLine } from '../../../../nodes/x3/client/posting/journal.ts'
import type { PostingRules } from '../../../../nodes/x3/client/posting/rules.ts'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import type { DataRecord, Row } from '../../../../sync/contract/message.ts'
import { approved, codingRow, HAND, handRules, taxRule } from '../../../support/x3-posting.ts'

const TODAY = '2026-03-10'
const build = (record: DataRecord, rules: Partial<PostingRules> = {}): Journal =>
  buildJournal(readInvoice(record), { ...handRules, ...rules }, TODAY)

const typed = ({ account, partner, amount, tax, dimensions }: JournalLine, scale: number) => ({
  account,
  partner,
  debit: amount.gt(0) ? amount.toFixed(scale) : '',
  credit: amount.lt(0) ? amount.times(-1).toFixed(scale) : '',
  tax,
  cost_centre: dimensions.CCE1 ?? '',
  project: dimensions.CCE3 ?? '',
})

const held = (record: DataRecord, code: string, words: RegExp, rules: Partial<PostingRules> = {}): void => {
  assert.throws(
    () => build(record, rules),
    (error: SyncError) => {
      assert.deepEqual([error.cause.class, error.code], ['data', `x3.post-${code}`], error.message)
      assert.match(error.message, words)
      assert.ok((error.cause.hint ?? '').length > 20)
      return true
    },
  )
}

describe('the journal of an approved invoice', () => {
  const names = readdirSync(HAND).filter((name) => name.endsWith('.csv'))

  it('has been typed by hand fifteen times', () => assert.equal(names.length, 15))
  for (const name of names)
    it(`is what was typed by hand: ${name}`, () => {
      const file = (end: string) => readFileSync(new URL(name.replace('csv', end), HAND), 'utf8')
      const { invoice, reasoning } = JSON.parse(file('json')) as { invoice: DataRecord; reasoning: string[] }
      assert.ok(reasoning.length > 0)
      const journal = build(invoice)
      assert.deepEqual(
        journal.lines.map((line) => typed(line, journal.scale)),
        parse(file('csv'), { columns: true }),
      )
    })

  it('carries the reference, the supplier, his number and dates', () => {
    const journal = build(approved())
    assert.match(journal.reference, /^[0-9A-HJKMNP-TV-Z]{16}00$/)
    const { site, entryType, journal: code, date, documentDate, dueDate, number, supplier } = journal
    assert.deepEqual(
      [site, entryType, code, date, documentDate, dueDate, number, supplier],
      ['FR011', 'BPSIN', 'ACH', '2026-03-05', '2026-03-02', '2026-04-30', 'F-117', 'AE022'],
    )
  })

  it('is dated as chosen, each choice falling back on the next', () => {
    const dates = (more: Row) =>
      (['voucher', 'invoice', 'today'] as const).map((date) => build(approved(more), { date }).date)
    assert.deepEqual(dates({}), ['2026-03-05', '2026-03-02', TODAY])
    assert.deepEqual(dates({ voucher_date: null }), ['2026-03-02', '2026-03-02', TODAY])
    assert.deepEqual(dates({ voucher_date: null, invoice_date: null }), [TODAY, TODAY, TODAY])
  })

  it('is not built where a table has no row for it', () => {
    held(approved({ company: 'IE10' }), 'company', /its company "IE10" is in no row/)
    held(approved({ invoice_type: 'PROFORMA' }), 'type', /its type "PROFORMA" is unknown/)
    held(approved({ invoice_type: null }), 'type', /no type/)
    held(approved({ supplier: null }), 'supplier', /names no supplier/)
    held(approved(), 'supplier', /AE022 has no control account/, {
      suppliers: [{ company: '*', supplier: 'FR053', account: '4' }],
    })
    held(approved({}, [codingRow({ tax_code: 'XX' })]), 'tax-code', /row 1 has the tax code "XX"/)
    held(approved({}, [codingRow({ account: null })]), 'account', /row 1 has no account/)
    held(approved({ currency: '??' }), 'currency', /"\?\?" is no currency code/)
    held(approved({ payment_block: true }), 'payment-block', /payment is blocked/)
    assert.equal(build(approved({ payment_block: true }), { blockField: 'PAZ' }).paymentBlock, true)
  })

  it("takes the control account of the supplier before that of all others, and the company's before any", () => {
    const row = (company: string, supplier: string) => ({ company, supplier, account: `${company} ${supplier}` })
    const all = [row('*', '*'), row('FR10', '*'), row('*', 'AE022'), row('FR10', 'AE022')]
    const taken = all.map((_, k) => build(approved(), { suppliers: all.slice(0, k + 1) }).lines.at(-1)?.account)
    assert.deepEqual(taken, ['* *', 'FR10 *', '* AE022', 'FR10 AE022'])
    held(approved(), 'supplier', /no control account in FR10/, { suppliers: [row('GB10', '*')] })
  })

  it('is not built where the gross amount contradicts the type, or is none', () => {
    const note = { net_amount: '-100.00', tax_amount: '-20.00', gross_amount: '-120.00' }
    const row = codingRow({ net_amount: '-100.00', tax_amount: '-20.00' })
    held(approved(note, [row]), 'sign', /-120.00 is negative.*"INVOICE" are invoices/)
    held(approved({ ...note, invoice_type: 'CRNOTE' }, [row]), 'sign', /credit notes with positive sums/)
    held(approved({ invoice_type: 'CREDIT' }), 'sign', /120.00 is positive.*credit notes with negative sums/)
    held(approved({ gross_amount: '0.00' }), 'gross', /is 0/)
    held(approved({ gross_amount: null }), 'gross', /no gross amount/)
    held(approved({ gross_amount: '120.001' }), 'gross', /more digits/)
  })

  it('is not built where amounts do not agree', () => {
    held(approved({ gross_amount: '121.00' }), 'difference', /come to 1.00 less than its gross/)
    held(approved({ net_amount: '110.00' }), 'sums', /net amount is 110.00.*100.00/)
    held(approved({ tax_amount: '25.00' }), 'sums', /tax is 25.00/)
    held(approved({ tax_amount_2: '5.00' }), 'sums', /second tax is 5.00/)
    held(approved({}, [codingRow({ gross_amount: '130.00' })]), 'sums', /gross amount of row 1 is 130.00/)
    held(approved({ gross_amount: '120.01' }), 'difference', /0.01/, {
      companies: [{ company: 'FR10', site: 'FR011', accrual: '', rounding: '' }],
    })
    assert.equal(build(approved({ gross_amount: '120.02' })).lines.length, 4)
    held(approved({ gross_amount: '120.03' }), 'difference', /0.03/)
  })

  it('is not built where an amount has no rule', () => {
    held(approved({}, [codingRow({ tax_amount_2: '3.00' })]), 'unused', /row 1 has the tax 3.00/)
    held(approved({}, [codingRow({ tax_code: 'FR-E00' })]), 'unused', /stands for no tax/)
    held(approved({}, [codingRow({ tax_code: 'FR-RC20' })]), 'unused', /reverse charge/)
    held(approved({}, [codingRow({ tax_code: 'FR-CO20', tax_amount_2: '3.00' })]), 'unused', /second tax/)
    held(approved({}, [codingRow({ tax_code: null })]), 'unused', /no tax code/)
    held(approved({ custom: { numeric3: '12.50', text1: 'x' } }), 'unused', /numeric3 is 12.5/)
    held(approved({}, [codingRow({ custom: { num1: '-1' } })]), 'unused', /num1 is -1/)
    held(approved({ discount_amount: '2.40' }), 'unused', /discount_amount is 2.4/, { notPosted: [] })
    const amounts = { discount_amount: '2.40', custom: { numeric3: '12.50', numeric4: '0.00' } }
    assert.equal(build(approved(amounts), { notPosted: ['numeric3', 'discount_amount'] }).lines.length, 3)
  })

  it('is not built for reverse charge whose rate nobody knows', () => {
    const taxes = [taxRule('RC', { treatment: 'reverse', owedAccount: '445200' })]
    const row = codingRow({ tax_code: 'RC', tax_amount: '0.00' })
    const free = { tax_amount: '0.00', gross_amount: '100.00' }
    held(approved(free, [row]), 'tax-rate', /neither the document nor the table/, { taxes })
    const journal = build(approved(free, [{ ...row, tax_percent_2: '10' }]), { taxes })
    assert.deepEqual(
      journal.lines.map(({ amount }) => amount.toFixed(2)),
      ['100.00', '10.00', '-10.00', '-100.00'],
    )
  })

  it('takes the tax code of the document for rows that have none', () => {
    assert.equal(build(approved({ tax_code: 'FR-S20' }, [codingRow({ tax_code: null })])).lines[0]?.tax, 'NOR')
  })

  it('names the column of a record that is no approved invoice', () => {
    held(approved({ net_amount: 'a lot' }), 'shape', /net_amount/)
    held(approved({}, []), 'shape', /lines: has no coding row/)
    held({ _row: 0, source: 's', code: 'A' } as DataRecord, 'shape', /id/)
  })

  it('balances to the cent whatever the amounts, codes, signs and shares are', () => {
    const rows = fc.array(
      fc.record({
        cents: fc.integer({ min: -1_000_000, max: 1_000_000_000 }),
        code: fc.constantFrom('FR-S20', 'FR-R05', 'FR-E00', 'FR-RC20', 'FR-PD20', 'FR-CO20'),
        drift: fc.integer({ min: -40, max: 40 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    const percent: Record<string, number> = { 'FR-S20': 20, 'FR-R05': 5.5, 'FR-PD20': 20, 'FR-CO20': 20 }
    let built = 0
    const property = fc.property(
      rows,
      fc.constantFrom('INVOICE', 'CREDIT', 'CRNOTE'),
      fc.constantFrom(['EUR', 2], ['JPY', 0], ['KWD', 3]),
      fc.integer({ min: -3, max: 3 }),
      (given, type, [currency, scale], off) => {
        const unit = new Big(10).pow(-(scale as number))
        const sign = type === 'CREDIT' ? -1 : 1
        const lines = given.map(({ cents, code, drift }, k) => {
          const net = unit.times(cents * sign)
          const tax = percent[code]
            ? net
                .times(percent[code] as number)
                .div(100)
                .round(scale as number)
                .plus(unit.times(drift))
            : new Big(0)
          return codingRow({
            ...{ line: k, tax_code: code, net_amount: net.toFixed(), tax_amount: tax.toFixed() },
          })
        })
        const sum = (column: string) => lines.reduce((all, line) => all.plus(String(line[column])), new Big(0))
        const gross = sum('net_amount').plus(sum('tax_amount')).plus(unit.times(off))
        const record = approved(
          {
            ...{ invoice_type: type, currency: String(currency), gross_amount: gross.toFixed() },
            net_amount: null,
            tax_amount: null,
          },
          lines,
        )
        let journal: Journal
        try {
          journal = build(record)
        } catch (error) {
          assert.equal((error as SyncError).cause?.class, 'data', String(error))
          return
        }
        built++
        const total = journal.lines.reduce((all, { amount }) => all.plus(amount), new Big(0))
        assert.equal(total.toFixed(), '0')
        assert.ok(journal.lines.every(({ amount }) => !amount.eq(0) && amount.round(scale as number).eq(amount)))
        const owed = journal.lines.filter(({ partner }) => partner !== '')
        assert.equal(owed.length, 1)
        assert.equal(owed[0]?.amount.times(-1).toFixed(), gross.times(type === 'CRNOTE' ? -1 : 1).toFixed())
      },
    )
    fc.assert(property, { numRuns: 400 })
    assert.ok(built > 100, `${built} were built`)
  })
})
