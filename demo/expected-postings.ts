/**
 * What an approved invoice must be in X3's general ledger, worked out from Basware's document and the demo's tables alone: account and
 * cost centre of each amount, tax by its code, what is owed to the supplier. Shares no code with the engine or the nodes.
 */
import Big from 'big.js'
import { codingsOf } from '../sandbox/basware/company/coding.ts'
import type { Ground } from '../sandbox/basware/company/ground.ts'
import { scaleOf } from '../sandbox/books/money.ts'
import { type ChartAccounts, chartAccounts } from './ends/x3-ledger.ts'

/** In the smallest unit of the document's currency. */
type Minor = bigint

/** An invoice as P2P has it, as far as it is compared. */
export interface Invoice {
  readonly invoiceId: string
  readonly companyCode: string
  readonly supplierCode: string
  readonly currencyCode: string
  readonly processingStatus: string
  readonly grossSum: number
  readonly voucherNumber1?: string | null
  readonly voucherNumber2?: string | null
  readonly codingRows: readonly CodingRow[]
}

interface CodingRow {
  readonly accountCode: string
  readonly costCenterCode?: string | null
  readonly taxCode?: string | null
  readonly taxSum?: number
  readonly taxSum2?: number
  readonly netTotal: number
  readonly orderNumber?: string | null
  readonly orderLineNumber?: string | null
}

/** Sums by `account|cost centre|partner`, debit positive; those that are zero are left out. */
export type Sums = ReadonlyMap<string, Minor>

/** An amount of Basware's JSON, or a text of X3's, in the smallest unit. */
const minorIn =
  (currency: string) =>
  (amount: number | string): Minor => {
    const scale = scaleOf(currency)
    return BigInt(
      (typeof amount === 'number' ? amount.toFixed(scale) : new Big(amount).toFixed(scale)).replace('.', ''),
    )
  }

/** Where the order put a matched row, if that is one place; undefined: the row's own coding counts, or it cannot be told. */
function orderCoding(
  ground: Ground,
  { companyCode }: Invoice,
  row: CodingRow,
): { account: string; centre: string } | undefined {
  if (!row.orderNumber || !row.orderLineNumber || !ground.orders.includes(row.orderNumber)) return undefined
  const all = codingsOf(ground, companyCode, row.orderNumber, Number(row.orderLineNumber))
  const alike = all.find(
    ({ account, costCentre }) => account.code === row.accountCode && costCentre.code === row.costCenterCode,
  )
  const [coding] = alike ? [alike] : all
  return coding && { account: coding.account.code, centre: coding.costCentre.code }
}

/** Half of it, the odd unit away from zero. */
const half = (sum: Minor): Minor => (sum < 0n ? -((-sum + 1n) / 2n) : (sum + 1n) / 2n)

/** Tax of a row by what the demo's table says of its code: on the tax account, into the cost, owed by the buyer. */
function taxOf(
  row: CodingRow,
  minor: ReturnType<typeof minorIn>,
): { readonly back: Minor; readonly cost: Minor; readonly owed: Minor } {
  const kind = /-(\w+)$/.exec(row.taxCode ?? '')?.[1]
  const [sum, sum2] = [minor(row.taxSum ?? 0), minor(row.taxSum2 ?? 0)]
  if (kind === 'RC20') return { back: sum2, cost: 0n, owed: sum2 }
  // What may not be taken back is what is rounded, as where Basware states it itself.
  if (kind === 'PD20') return { back: sum - half(sum), cost: half(sum), owed: 0n }
  return { back: sum, cost: 0n, owed: 0n }
}

/** The journal of an invoice. */
export function expectedJournal(ground: Ground, invoice: Invoice): Sums {
  const chart: ChartAccounts = chartAccounts(ground.books)(invoice.companyCode)
  const minor = minorIn(invoice.currencyCode)
  const sums = new Map<string, Minor>()
  const add = (account: string, centre: string, partner: string, amount: Minor): void => {
    const key = `${account}|${centre}|${partner}`
    sums.set(key, (sums.get(key) ?? 0n) + amount)
  }
  let total = 0n
  for (const row of invoice.codingRows) {
    const { account, centre } = orderCoding(ground, invoice, row) ?? {
      account: row.accountCode,
      centre: row.costCenterCode ?? '',
    }
    const tax = taxOf(row, minor)
    const cost = minor(row.netTotal) + tax.cost
    add(account, centre, '', cost)
    add(chart.tax, '', '', tax.back)
    add(chart.owed, '', '', -tax.owed)
    total += cost + tax.back - tax.owed
  }
  const gross = minor(invoice.grossSum)
  add(chart.control, '', invoice.supplierCode, -gross)
  // A difference of rounding goes to its account.
  add(chart.rounding, '', '', gross - total)
  return withoutZeros(sums)
}

const withoutZeros = (sums: ReadonlyMap<string, Minor>): Sums => new Map([...sums].filter(([, sum]) => sum !== 0n))

/** A line of a journal as X3 has it. */
export interface LedgerLine {
  readonly account: string
  readonly businessPartner: string | null
  readonly sign: 1 | -1
  readonly amount: string
  readonly analytical: readonly {
    readonly dimensions?: Readonly<Record<string, string>>
    readonly sign?: number
    readonly amount?: string
  }[]
}

/** The same of a journal that stands in X3. */
export function foundJournal(
  lines: readonly LedgerLine[],
  currency: string,
  centreOf: (line: LedgerLine) => string,
): Sums {
  const minor = minorIn(currency)
  const sums = new Map<string, Minor>()
  for (const line of lines) {
    const key = `${line.account}|${centreOf(line)}|${line.businessPartner ?? ''}`
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(line.sign) * minor(line.amount))
  }
  return withoutZeros(sums)
}
