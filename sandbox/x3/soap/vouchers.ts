/** A journal entry as the screens of X3 take it, made into one of the books; refusals in the words of X3. */
import Big from 'big.js'
import { type companies, dimensionTypes, sites } from '../../books/codes.ts'
import { convertLarge, decimal, type LargeMinor, scaleOf } from '../../books/money.ts'
import type { AnalyticalLine, Books, JournalEntry, JournalLine } from '../../books/types.ts'
import type { Fields, FieldType } from './object.ts'

/** What X3 says of a value that it does not take. */
export class Refused extends Error {}

/** A date in XML or JSON: `YYYYMMDD`, or with hyphens. */
export function dateOf(text: string, name: string): string {
  const found = /^(\d{4})-?(\d\d)-?(\d\d)$/.exec(text)
  const date = found ? found.slice(1).join('-') : ''
  if (!found || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date)
    throw new Refused(`${name}: Incorrect date ${text}`)
  return date
}

/** Checks names and lengths against what is published. */
export function checkFields(values: Fields, types: readonly FieldType[], where: string): void {
  for (const [name, value] of Object.entries(values)) {
    const type = types.find((one) => one.name === name)
    if (!type) throw new Refused(`${where}: Field ${name} unknown`)
    if (type.length !== undefined && [...value].length > type.length)
      throw new Refused(`${name}: Value too long (${type.length} characters at most)`)
    if (type.type === 'Integer' && value !== '' && !/^\d+$/.test(value))
      throw new Refused(`${name}: Incorrect value ${value}`)
  }
}

export interface Voucher {
  readonly header: Fields
  readonly lines: readonly Fields[]
}

export interface Numbered {
  readonly number: string
  readonly stamp: string
}

/** What is entered twice in X3 is a user's business: there is no check against it. Throws Refused. */
export function entryOf(books: Books, { header, lines }: Voucher, { number, stamp }: Numbered): JournalEntry {
  const { FCY = '', TYP = '', STA = '', CUR = '', DACDIA = '', CAT = '' } = header
  const company = sites.find(({ code }) => code === FCY)?.company
  if (!company) throw new Refused(`FCY: Site ${FCY} does not exist`)
  if (books.codes.entryType?.[TYP] === undefined) throw new Refused(`TYP: Entry type ${TYP} does not exist`)
  if (books.codes.currency?.[CUR] === undefined) throw new Refused(`CUR: Currency ${CUR} does not exist`)
  if (CAT !== '' && CAT !== '1') throw new Refused(`CAT: Category ${CAT} not authorized`)
  if (!['', '1', '2'].includes(STA)) throw new Refused(`STA: Incorrect value ${STA}`)
  const date = dateOf(header.ACCDAT ?? '', 'ACCDAT')
  if (lines.length < 2) throw new Refused('Counterpart mandatory')
  const amounts = lines.map((line, k) => signedAmount(line, CUR, k + 1))
  if (amounts.reduce((sum, amount) => sum + amount, 0n) !== 0n) throw new Refused('Journal entry not balanced')
  const entry = { company, currency: CUR, date, number, stamp }
  return {
    created: stamp,
    updated: stamp,
    entryType: TYP,
    number,
    company: company.code,
    site: FCY,
    journal: header.JOU || 'ACH',
    accountingDate: date,
    status: STA === '2' ? 'final' : 'temporary',
    transaction: DACDIA || 'STDCO',
    currency: CUR,
    references: { free: header.REF ?? '', internal: header.REFINT ?? '', document: header.BPRVCR ?? '' },
    ...(header.DUDDAT ? { dueDate: dateOf(header.DUDDAT, 'DUDDAT') } : {}),
    lines: linesOf(books, entry, lines, amounts),
  }
}

interface Entry {
  readonly company: (typeof companies)[number]
  readonly currency: string
  readonly date: string
  readonly stamp: string
}

/** Debits above 0, in minor units. */
function signedAmount({ DEB = '', CDT = '' }: Fields, currency: string, line: number): LargeMinor {
  const [debit, credit] = [amountOf(DEB, currency, `DEB(${line})`), amountOf(CDT, currency, `CDT(${line})`)]
  if (debit !== 0n && credit !== 0n) throw new Refused(`Line ${line}: Debit and credit`)
  if (debit === 0n && credit === 0n) throw new Refused(`Line ${line}: Amount mandatory`)
  return debit - credit
}

function amountOf(text: string, currency: string, name: string): LargeMinor {
  if (text === '') return 0n
  if (!/^-?\d{1,13}(\.\d+)?$/.test(text)) throw new Refused(`${name}: Incorrect value ${text}`)
  const minor = new Big(text).times(10 ** scaleOf(currency))
  if (!minor.eq(minor.round())) throw new Refused(`${name}: Too many decimals for ${currency}`)
  return BigInt(minor.toFixed(0))
}

function linesOf(books: Books, entry: Entry, lines: readonly Fields[], amounts: readonly LargeMinor[]): JournalLine[] {
  let sum = 0n
  return lines.map((fields, k) => {
    const amount = amounts[k] as LargeMinor
    const isLast = k === lines.length - 1
    // Rounded line by line; the last one takes the difference.
    const inLedger = isLast ? -sum : convertLarge(amount, entry.currency, entry.company.currency)
    sum += inLedger
    return lineOf(books, entry, fields, k + 1, amount, inLedger)
  })
}

function lineOf(
  books: Books,
  { company, currency, date, stamp }: Entry,
  fields: Fields,
  line: number,
  amount: LargeMinor,
  inLedger: LargeMinor,
): JournalLine {
  const { FCYLIN = '', ACC1 = '', BPR = '', DES = '', TAX = '' } = fields
  const account = books.tables.account.get(`${company.chart}|${ACC1}`)
  if (!account) throw new Refused(`ACC1(${line}): Account ${ACC1} does not exist in the chart ${company.chart}`)
  if (!account.active) throw new Refused(`ACC1(${line}): Account ${ACC1} inactive`)
  if (BPR !== '' && !books.tables.businessPartner.get(BPR)) throw new Refused(`BPR(${line}): BP ${BPR} does not exist`)
  if (FCYLIN !== '' && !company.sites.includes(FCYLIN))
    throw new Refused(`FCYLIN(${line}): Site ${FCYLIN} is not one of ${company.code}`)
  if (TAX !== '' && books.codes.tax?.[TAX] === undefined) throw new Refused(`TAX(${line}): Tax ${TAX} does not exist`)
  const sign = amount < 0n ? -1 : 1
  const size = decimal(amount < 0n ? -amount : amount, scaleOf(currency))
  const site = FCYLIN || (company.sites[0] as string)
  return {
    created: stamp,
    updated: stamp,
    ledger: 'legal',
    line,
    site,
    accountingDate: date,
    chart: company.chart,
    account: ACC1,
    controlAccount: BPR === '' ? null : books.tables.supplier.get(BPR) ? 'FOU' : 'CLI',
    businessPartner: BPR || null,
    sign,
    currency,
    amount: size,
    ledgerCurrency: company.currency,
    ledgerAmount: decimal(sign < 0 ? -inLedger : inLedger, scaleOf(company.currency)),
    quantity: '0',
    description: DES,
    matchingCode: null,
    matchingDate: null,
    tax: TAX || null,
    analytical: analyticalOf(books, fields, line, site, size),
  }
}

/** `CCE1` is the code of the first dimension type; one split with all of them, on the line itself. */
function analyticalOf(books: Books, fields: Fields, line: number, site: string, amount: string): AnalyticalLine[] {
  const dimensions: Record<string, string> = {}
  for (let k = 1; k <= 7; k++) {
    const code = fields[`CCE${k}`] ?? ''
    const type = dimensionTypes[k - 1]
    if (code === '') continue
    const dimension = type === undefined ? undefined : books.tables.dimension.get(`${type}|${code}`)
    if (!dimension) throw new Refused(`CCE${k}(${line}): Dimension ${code} does not exist`)
    if (!dimension.active) throw new Refused(`CCE${k}(${line}): Dimension ${code} inactive`)
    dimensions[dimension.type] = code
  }
  if (Object.keys(dimensions).length === 0) return []
  return [{ split: 1, site, amount, quantity: '0', dimensions }]
}
