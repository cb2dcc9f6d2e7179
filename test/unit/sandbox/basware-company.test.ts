import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import Big from 'big.js'
import { faultsOf } from '../../../sandbox/basware/check.ts'
import { CASES } from '../../../sandbox/basware/company/cases.ts'
import { type Company, createCompany } from '../../../sandbox/basware/company/company.ts'
import { HABITS, type Habits } from '../../../sandbox/basware/company/habits.ts'
import { accountingDocument } from '../../../sandbox/basware/fields/document.ts'
import { account, costCenter } from '../../../sandbox/basware/fields/masters.ts'
import { matchingOrder, matchingOrderLine } from '../../../sandbox/basware/fields/orders.ts'
import { vendor } from '../../../sandbox/basware/fields/vendors.ts'
import { scaleOf } from '../../../sandbox/books/money.ts'

type Json = Readonly<Record<string, unknown>>

const make = (habits: Partial<Habits> = {}, seed = 1): Company =>
  createCompany({
    seed,
    size: 'small',
    today: '2026-03-10',
    invoices: undefined,
    habits: { ...HABITS, ...habits },
    begins: 'sent',
  })

const big = (value: unknown): Big => new Big(String(value))
const rowsOf = (document: Json): readonly Json[] => document.codingRows as readonly Json[]
const sumOf = (rows: readonly Json[], name: string): Big =>
  rows.reduce((sum, row) => sum.plus(big(row[name])), new Big(0))

/** The invoice of a case; of the first round unless told. */
function like(company: Company, name: string, round = 0): Json {
  const at = CASES.findIndex((one) => one.name === name)
  ok(at >= 0, name)
  return company.invoice(at + round * CASES.length)
}

describe("the demo company's invoices in Basware", () => {
  const company = make()
  const all = Array.from({ length: CASES.length * 3 }, (_, index) => company.invoice(index))
  const cents = CASES.flatMap(({ twist }, k) => (twist === 'centOff' ? [k] : []))

  it('are the same for the same seed, and others for another', () => {
    deepStrictEqual(make().invoice(5), company.invoice(5))
    notDeepStrictEqual(make({}, 2).invoice(5), company.invoice(5))
    strictEqual(new Set(all.map(({ invoiceId }) => invoiceId)).size, all.length)
    ok(company.count() >= 2 * CASES.length, 'each case comes at least twice at the beginning')
  })

  it('are as the API shows one', () => {
    for (const document of all) deepStrictEqual(faultsOf(accountingDocument, document), [])
  })

  it('have rows that make up the header, but for one cent of tax where it is meant', () => {
    for (const [index, document] of all.entries()) {
      const rows = rowsOf(document)
      const cent = new Big(10).pow(-scaleOf(String(document.currencyCode)))
      ok(sumOf(rows, 'netTotal').eq(big(document.netSum)), `${index} net`)
      ok(big(document.netSum).plus(big(document.taxSum1)).eq(big(document.grossSum)), `${index} gross`)
      const off = sumOf(rows, 'taxSum').minus(big(document.taxSum1)).abs()
      ok(off.eq(cents.includes(index % CASES.length) ? cent : 0), `${index} tax is off by ${off.toFixed()}`)
      for (const row of rows) ok(big(row.netTotal).plus(big(row.taxSum)).eq(big(row.grossTotal)))
    }
  })

  it('have amounts that no double rounds', () => {
    for (const document of all)
      for (const row of [document, ...rowsOf(document)])
        for (const name of ['netSum', 'grossSum', 'netTotal', 'taxSum'])
          if (name in row) {
            const places = big(row[name]).toFixed().split('.')[1]?.length ?? 0
            ok(
              places <= scaleOf(String(document.currencyCode)),
              `${name} ${String(row[name])} ${String(document.currencyCode)}`,
            )
          }
    ok(big(like(company, 'great amount').grossSum).gte('1000000000000'))
  })

  it('are in several currencies, at rates of their own', () => {
    ok(new Set(all.map(({ currencyCode }) => currencyCode)).size >= 4)
    const foreign = like(company, 'foreign currency')
    ok(foreign.currencyCode !== foreign.currencyCodeCompany)
    ok(foreign.exchangeRateCompany !== 1)
    const scale = scaleOf(String(foreign.currencyCodeCompany))
    strictEqual(
      big(foreign.grossSum).times(big(foreign.exchangeRateCompany)).round(scale).toNumber(),
      foreign.grossSumCompany,
    )
  })

  it('have credit notes in three habits', () => {
    const credit = (creditNotes: Habits['creditNotes']): unknown[] => {
      const { grossSum, invoiceTypeCode } = like(make({ creditNotes }), 'credit note')
      return [Number(grossSum) < 0, invoiceTypeCode]
    }
    deepStrictEqual(credit('negative'), [true, 'CREDIT'])
    deepStrictEqual(credit('positive'), [false, 'CREDIT'])
    deepStrictEqual(credit('negativeUntyped'), [true, 'INVOICE'])
    deepStrictEqual(
      [like(company, 'coded by hand').invoiceTypeCode, Number(like(company, 'coded by hand').grossSum) > 0],
      ['INVOICE', true],
    )
  })

  it('pay no tax to the supplier under reverse charge, told in two ways', () => {
    for (const reverseCharge of ['second', 'code'] as const) {
      const document = like(make({ reverseCharge }), 'reverse charge')
      deepStrictEqual([document.taxSum1, document.grossSum], [0, document.netSum])
      strictEqual(Number(document.taxSum2) > 0, reverseCharge === 'second')
      ok(rowsOf(document).every(({ taxCode }) => String(taxCode).endsWith('-RC20')))
    }
  })

  it('have tax that may be deducted in part, told in two ways', () => {
    for (const partialDeduction of ['code', 'second'] as const) {
      const document = like(make({ partialDeduction }), 'partial deduction')
      ok(Number(document.taxSum1) > 0)
      strictEqual(Number(document.taxSum2) > 0, partialDeduction === 'second')
    }
  })

  it('have a negative row, rows that cancel out, several taxes, many rows', () => {
    ok(rowsOf(like(company, 'negative row')).some(({ netTotal }) => Number(netTotal) < 0))
    strictEqual(like(company, 'rows that cancel out').grossSum, 0)
    ok(new Set(rowsOf(like(company, 'several taxes')).map(({ taxCode }) => taxCode)).size >= 5)
    ok(rowsOf(like(company, 'many rows')).length >= 150)
  })

  it('have dates with a zone or without', () => {
    ok(String(like(company, 'coded by hand').invoiceDate).endsWith('T00:00:00Z'))
    ok(String(like(make({ dates: 'bare' }), 'coded by hand').invoiceDate).endsWith('T00:00:00'))
  })

  it('are not all for Tieout to take', () => {
    const states = new Set(all.map(({ processingStatus }) => processingStatus))
    for (const state of ['WaitingForTransfer', 'TransferInProgress', 'Transferred', 'Returned', 'WaitingForPrebook'])
      ok(states.has(state), state)
    strictEqual(like(company, 'prebooked').prebooked, true)
    ok(like(company, 'voucher number typed in Basware').voucherNumber1)
    const twins = [0, 1].map((round) => like(company, "another invoice's number", round))
    deepStrictEqual(
      [twins[0]?.invoiceNumber, twins[0]?.supplierCode],
      [twins[1]?.invoiceNumber, twins[1]?.supplierCode],
    )
  })

  it('or go with what people typed before there was an interface: little, some of it known to the ERP', () => {
    const { masters } = createCompany({
      ...{ seed: 1, size: 'small', today: '2026-03-10', invoices: undefined, habits: HABITS, begins: 'byHand' },
    })
    const entities = { vendors: vendor, accounts: account, costCenters: costCenter, matchingOrders: matchingOrder }
    for (const [name, entity] of Object.entries(entities)) {
      const records = masters.all(name)
      ok(records.length > 0 && records.length <= 2, name)
      for (const record of records) deepStrictEqual(faultsOf(entity, record), [])
    }
    const sent = company.masters.all('vendors').map(({ vendorCode }) => vendorCode)
    deepStrictEqual(
      masters.all('vendors').map(({ vendorCode }) => sent.includes(vendorCode)),
      [true, false],
    )
    deepStrictEqual(masters.all('lists/ACC_LIST_21'), [])
    const lines = masters.lines('MAN-O1')
    deepStrictEqual(
      lines.map(({ lineNumber }) => lineNumber),
      ['1000', '99000'],
    )
    for (const line of lines) deepStrictEqual(faultsOf(matchingOrderLine, line), [])
  })

  it('go with orders that are as the API shows them', () => {
    const orders = company.masters.all('matchingOrders')
    ok(orders.length > 0)
    for (const order of orders) {
      deepStrictEqual(faultsOf(matchingOrder, order), [])
      for (const line of company.masters.lines(String(order.externalCode))) {
        deepStrictEqual(faultsOf(matchingOrderLine, line), [])
      }
    }
  })
})
