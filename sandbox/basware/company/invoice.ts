import { hash } from '../../books/random.ts'
import type { Draft, DraftRow } from './draft.ts'
import { amount, atRate, type Ground, idOf, rateOf } from './ground.ts'
import { dateAs, type Habits } from './habits.ts'
import { TAXES, type Tax, taxOf } from './taxes.ts'

/** An entity as JSON has it. */
export type Json = Readonly<Record<string, unknown>>

const day = 86_400_000
const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

export const invoiceIdOf = (ground: Ground, index: number): string => idOf(`${ground.seed} invoice ${index}`)
/** The ERP's order as the API layer has it. */
export const orderIdOf = (company: string, number: string): string => `X3_${company}_${number}`

/** What a draft's amounts are converted with, and how they are signed. */
interface Terms {
  readonly currency: string
  readonly own: string
  readonly rate: number
  readonly country: string
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function codingRow(row: DraftRow, tax: Tax, k: number, id: string, terms: Terms): Json {
  const { currency, own, rate, country } = terms
  const money = (minor: number): number => amount(minor, currency)
  const home = (minor: number): number => amount(atRate(minor, currency, own, rate), own)
  const { match } = row
  return {
    externalCode: idOf(`${id} row ${k}`),
    // With gaps, as rows that somebody deleted leave them.
    rowIndex: k * 2 + 1,
    accountCode: row.account,
    accountName: row.accountName,
    costCenterCode: row.costCentre,
    ...(row.project === '' ? {} : { projectCode: row.project, dimCode1: row.project }),
    taxCode: `${country}${TAXES[row.tax].code}`,
    ...{ taxPercent: tax.percent, taxPercent2: tax.percent2, taxSum: money(tax.sum), taxSum2: money(tax.sum2) },
    ...{ netTotal: money(row.net), grossTotal: money(row.net + tax.sum) },
    ...{ netTotalCompany: home(row.net), grossTotalCompany: home(row.net + tax.sum) },
    ...{ taxSumCompany: home(tax.sum), taxSum2Company: home(tax.sum2) },
    orderLineDescription: row.text,
    ...(match
      ? {
          ...{ orderNumber: match.order, orderLineNumber: String(match.line), orderItemNumber: String(match.line) },
          ...{ orderCodingRowNumber: String(match.coding), matchingType: 0, orderedQuantity: Number(match.ordered) },
          ...{ matchedQuantity: Number(match.quantity), matchedNetSum: money(row.net) },
          ...(match.receipt === undefined ? {} : { goodsReceiptNumber: match.receipt }),
        }
      : {}),
  }
}

function header(draft: Draft, ground: Ground, habits: Habits, terms: Terms): Json {
  const { company, like, currency, age } = draft
  const on = (days: number): string => dateAs(habits, dayText(ground.today + days * day))
  const credit = (like.credit ?? false) && habits.creditNotes !== 'negativeUntyped'
  return {
    processingStatus: like.state ?? 'WaitingForTransfer',
    p2pProcessingMode: 'Standard',
    companyCode: company.code,
    companyName: ground.books.codes.company?.[company.code] ?? 'Not in the ERP Ltd',
    organizationElementCode: company.code,
    supplierCode: draft.supplier,
    supplierName: ground.books.tables.businessPartner.get(draft.supplier)?.name ?? draft.supplier,
    supplierSourceSystemId: 'X3',
    invoiceNumber: draft.number,
    invoiceTypeCode: credit ? 'CREDIT' : 'INVOICE',
    invoiceTypeName: credit ? 'Credit note' : 'Invoice',
    ...{ invoiceDate: on(-age), voucherDate: on(-age), baseLineDate: on(-age), dueDate: on(30 - age) },
    accountingPeriod: dayText(ground.today - age * day).slice(0, 7),
    paymentTermCode: 'CH60NET',
    paymentMethod: 'BankTransfer',
    paymentBlock: false,
    prebooked: false,
    referenceNumber: `RF${hash(ground.seed, 72, draft.index)}`,
    description: draft.description,
    currencyCode: currency,
    currencyCodeCompany: company.currency,
    exchangeRateCompany: terms.rate,
    exchangeRateBaseDate: on(-age),
    transferParameters: [{ key: 'InvoiceBatchId', value: idOf(`batch ${Math.floor(draft.index / 10)}`) }],
  }
}

/** The invoice with this index as P2P approves it; `lastUpdated` at a moment before the books' first day. */
export function invoiceOf(draft: Draft, ground: Ground, habits: Habits): Json {
  const { company, like, currency, index } = draft
  const id = invoiceIdOf(ground, index)
  const sign = like.credit && habits.creditNotes !== 'positive' ? -1 : 1
  const drift = like.foreign ? (hash(ground.seed, 73, index) % 60_000) - 30_000 : 0
  const terms: Terms = {
    ...{ currency, own: company.currency, rate: rateOf(currency, company.currency, drift) },
    country: company.code.slice(0, 2),
  }
  const rows = draft.rows.map((row) => ({ ...row, net: row.net * sign }))
  const taxes = rows.map(({ net, tax }) => taxOf(tax, net, habits))
  const net = sum(rows.map((row) => row.net))
  const tax = sum(taxes.map((each) => each.sum)) + draft.centsOff * sign
  const tax2 = sum(taxes.map((each) => each.sum2))
  const money = (minor: number): number => amount(minor, currency)
  const home = (minor: number): number =>
    amount(atRate(minor, currency, company.currency, terms.rate), company.currency)
  const orders = [...new Set(rows.flatMap(({ match }) => match?.order ?? []))]
  const one = new Set(rows.map((row) => row.tax)).size === 1
  return {
    invoiceId: id,
    ...header(draft, ground, habits, terms),
    ...(one && rows[0]
      ? { taxCode: `${terms.country}${TAXES[rows[0].tax].code}`, taxPercent1: taxes[0]?.percent }
      : {}),
    ...{ netSum: money(net), taxSum1: money(tax), taxSum2: money(tax2), grossSum: money(net + tax) },
    ...{ netSumCompany: home(net), grossSumCompany: home(net + tax) },
    ...{ taxSum1Company: home(tax), taxSum2Company: home(tax2) },
    ...(orders.length > 0 ? { orderNumbers: orders } : {}),
    ...draft.header,
    lastUpdated: new Date(ground.today - 7_200_000 - (hash(ground.seed, 74, index) % (3 * day))).toISOString(),
    codingRows: rows.map((row, k) => codingRow(row, taxes[k] as Tax, k, id, terms)),
  }
}
