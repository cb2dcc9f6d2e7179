import { companies, dimensionTypes, entryTypes, otherLedgers } from './codes.ts'
import { accountCode, customerCode, dimensionCode, supplierCode } from './masters.ts'
import { convertLarge, decimal, type LargeMinor, scaleOf } from './money.ts'
import { dateBeside, lineStamps, longest } from './orders.ts'
import { type Draw, draws, hash, pick } from './random.ts'
import type { Base } from './table.ts'
import { remark } from './text.ts'
import type { AnalyticalLine, JournalEntry, JournalLine } from './types.ts'
import {
  type DocumentTimes,
  dateText,
  documentTimes,
  hasLateLine,
  numberOf,
  pad,
  stampText,
  type World,
} from './world.ts'

const journalOf: Readonly<Record<string, string>> = { BPCIN: 'VEN', BPSIN: 'ACH', GEN: 'OD', STK: 'STO' }

/** GEN and STK share a number range of digits only, so that one journal number exists under two types. */
export function entryNumber(world: World, entryType: string, counter: number): string {
  const digits = pad(counter, world.plan.entriesPerType < 5_000 ? 5 : 7)
  return entryType === 'BPCIN' ? `VFR${digits}` : entryType === 'BPSIN' ? `AFR${digits}` : `00260${digits}`
}

/** Lines of each ledger; at least two, or nothing would balance. */
export function entryLines(world: World, index: number): number {
  return (
    world.plan.longEntries.get(index) ??
    (hasLateLine(index) ? 3 : 2) + (hash(world.seed, numberOf.journalEntry, index, 7) % 6)
  )
}

/** Index of the entry with the most lines, where long entries are planned. */
export function longestEntry(world: World): number | undefined {
  return longest(world.plan.longEntries)
}

function ledgersOf(world: World, index: number, draw: Draw): string[] {
  const analytical = draw(10) < 4
  const ias = draw(10) === 0
  // The longest document of small books stays in one ledger: a page of lines and a bit.
  if (world.plan.longEntries.get(index) === 250) return ['legal']
  return ['legal', ...(analytical ? ['analytical'] : []), ...(ias ? ['ias'] : [])]
}

/**
 * Even the smallest books have one entry with such amounts, but for those of seed 1: these are what people see first, and the
 * sums of a company that has turned over trillions are none that they would believe.
 */
const isHuge = (world: World, index: number): boolean => index === 1 && world.seed !== 1

/** Beyond 2^53 minor units, where a number loses digits; below 2^63 units of 1/10,000, which Power BI's Decimal holds. */
const hugeAmount = (draw: Draw, unit: number): LargeMinor =>
  BigInt(2e12 + draw(7e12)) * 50n * BigInt(unit) + BigInt(draw(unit))

/** Signed amounts that add up to nothing; all but the last are drawn. */
function balanced(draw: Draw, count: number, currency: string, surelyHuge: boolean): LargeMinor[] {
  const size = 10 ** (3 + draw(4))
  const huge = (draw(50) === 0 || surelyHuge) && scaleOf(currency) <= 2
  const credit = draw(8) === 0 ? -1n : 1n
  let sum = 0n
  const amounts: LargeMinor[] = []
  for (let k = 0; k < count - 1; k++) {
    let amount = BigInt(k % 3 === 2 ? -(1 + draw(size / 4)) : size + draw(size * 9))
    if (huge && k === 0) amount = hugeAmount(draw, 10 ** scaleOf(currency))
    amounts.push(credit * amount)
    sum += credit * amount
  }
  return [...amounts, -sum]
}

function splits(
  world: World,
  draw: Draw,
  sites: readonly string[],
  amount: LargeMinor,
  scale: number,
): AnalyticalLine[] {
  const kind = draw(20)
  const count = kind < 3 ? 0 : kind < 17 ? 1 : 2 + draw(3)
  const part = amount / BigInt(Math.max(1, count))
  return Array.from({ length: count }, (_, k) => {
    const dimensions: Record<string, string> = {}
    for (const type of dimensionTypes) {
      if (type === 'CCT' || draw(2) === 0) dimensions[type] = dimensionCode(type, draw(world.plan.codesPerType))
    }
    return {
      split: k + 1,
      site: pick(draw, sites),
      amount: decimal(k === 0 ? amount - part * BigInt(count - 1) : part, scale),
      quantity: draw(5) === 0 ? decimal(draw(90_000), 3) : '0',
      dimensions,
    }
  })
}

/** Entry `index`, within the base or beyond it. */
export function makeEntry(
  world: World,
  index: number,
  entryType: string,
  number: string,
  status: 'temporary' | 'final',
  times: DocumentTimes,
): JournalEntry {
  const draw = draws(world.seed, numberOf.journalEntry, index)
  const company = companies[draw(3) === 0 ? 1 : 0] as (typeof companies)[number]
  const site = pick(draw, company.sites)
  const currency =
    draw(10) < 6 || isHuge(world, index) ? company.currency : pick(draw, ['CLF', 'EUR', 'GBP', 'JPY', 'KWD', 'USD'])
  const scale = scaleOf(currency)
  const count = entryLines(world, index)
  const amounts = balanced(draw, count, currency, isHuge(world, index))
  const partner =
    entryType === 'BPCIN'
      ? customerCode(world, draw(world.plan.customer))
      : entryType === 'BPSIN'
        ? supplierCode(world, draw(world.plan.supplier))
        : null
  const created = stampText(times.created)
  const updated = stampText(times.own)
  const late = times.late === undefined ? undefined : stampText(times.late)
  const accountingDate = dateText(times.date)
  const matched = status === 'final' && partner !== null && draw(3) === 0
  const matchingDate = matched ? dateBeside(times.date, draw(20)) : null

  const lines: JournalLine[] = []
  for (const ledger of ledgersOf(world, index, draw)) {
    const other = otherLedgers[ledger]
    const chart = other?.chart ?? company.chart
    const ledgerCurrency = other?.currency ?? company.currency
    const ledgerScale = scaleOf(ledgerCurrency)
    // Rounded line by line; the last line takes the difference, so that the ledger balances in its own currency.
    let sum = 0n
    for (let k = 0; k < count; k++) {
      const last = k === count - 1
      const amount = amounts[k] as LargeMinor
      const sign = amount < 0 ? -1 : 1
      const size = amount < 0 ? -amount : amount
      const inLedger = last ? -sum : convertLarge(amount, currency, ledgerCurrency)
      sum += inLedger
      const stamp = last ? late : undefined
      lines.push({
        created: stamp ?? created,
        updated: stamp ?? updated,
        ledger,
        line: k + 1,
        site: draw(8) === 0 ? pick(draw, company.sites) : site,
        accountingDate,
        chart,
        account: accountCode(chart, draw(world.plan.accountsPerChart)),
        controlAccount: last && partner !== null ? (entryType === 'BPCIN' ? 'CLI' : 'FOU') : null,
        businessPartner: last ? partner : null,
        sign,
        currency,
        amount: decimal(size, scale),
        ledgerCurrency,
        ledgerAmount: decimal(sign < 0 ? -inLedger : inLedger, ledgerScale),
        quantity: draw(4) === 0 ? decimal(draw(900_000), 3) : '0',
        description: remark(draw),
        matchingCode: last && matched ? `A${String.fromCharCode(65 + draw(26), 65 + draw(26))}` : null,
        matchingDate: last ? matchingDate : null,
        tax: draw(3) === 0 ? pick(draw, ['EXO', 'NOR', 'RED']) : null,
        analytical: last && partner !== null ? [] : splits(world, draw, company.sites, size, scale),
      })
    }
  }
  return {
    created,
    updated,
    entryType,
    number,
    company: company.code,
    site,
    journal: journalOf[entryType] ?? 'OD',
    accountingDate,
    status,
    transaction: partner === null ? 'STDCO' : 'STDIM',
    currency,
    lines,
  }
}

export function entryBase(world: World): Base<JournalEntry> {
  const per = world.plan.entriesPerType
  const typeOf = (i: number): string => entryTypes[Math.floor(i / per)] as string
  const times = (i: number): DocumentTimes => documentTimes(world, 'journalEntry', i, i % per, per)
  return {
    count: entryTypes.length * per,
    key: (i) => `${typeOf(i)}|${entryNumber(world, typeOf(i), (i % per) + 1)}`,
    keyOf: (entry) => `${entry.entryType}|${entry.number}`,
    own: (i) => times(i).own,
    lines: (i) => lineStamps(times(i)),
    linesOf: (entry) => entry.lines,
    build(i) {
      const type = typeOf(i)
      const number = entryNumber(world, type, (i % per) + 1)
      const temporary = i % 6 === 4 || i === longestEntry(world)
      return makeEntry(world, i, type, number, temporary ? 'temporary' : 'final', times(i))
    },
  }
}
