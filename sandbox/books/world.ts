import type { Plan } from './plan.ts'
import { planFor } from './plan.ts'
import { hash } from './random.ts'
import type { BooksOptions, DateText, TableName } from './types.ts'

/** What every table is computed from. Times are seconds since 1970. */
export interface World {
  seed: number
  plan: Plan
  /** 00:00Z of the first day. */
  today: number
  /** No stamp of the base is later. */
  end: number
}

const dayLength = 86_400

export function createWorld(options: BooksOptions): World {
  const today = Date.parse(`${options.today}T00:00:00Z`) / 1000
  if (!Number.isInteger(today)) throw new Error(`The books' first day must be YYYY-MM-DD, not ${options.today}.`)
  return { seed: options.seed, plan: planFor(options.size), today, end: today - 3_600 }
}

/** Tables take part in the hash by number. */
export const numberOf: Readonly<Record<TableName, number>> = {
  businessPartner: 1,
  supplier: 2,
  customer: 3,
  product: 4,
  account: 5,
  dimension: 6,
  purchaseOrder: 7,
  supplierInvoice: 8,
  salesInvoice: 9,
  journalEntry: 10,
}

export function stampText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

export function dateText(seconds: number): DateText {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

export function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** Three rows of eight share what is computed from this index, above all their second. */
function shared(index: number): number {
  return index % 8 < 3 ? index - (index % 8) : index
}

/** Change stamp of a master; null for the rows that an upgrade left without one. */
export function masterStamp(world: World, table: TableName, index: number): number | null {
  if (index % 11 === 7 && table !== 'businessPartner') return null
  if (index === 0) return world.end
  return world.end - (hash(world.seed, numberOf[table], shared(index), 90) % (1_000 * dayLength))
}

export function masterCreated(world: World, table: TableName, index: number): number {
  const latest = masterStamp(world, table, index) ?? world.end - 1_000 * dayLength
  return latest - (hash(world.seed, numberOf[table], index, 91) % (300 * dayLength))
}

/** Moments of a document of the base; `place` of `places` says how far it stands in its number range, oldest first. */
export interface DocumentTimes {
  /** 00:00Z of its business date. */
  date: number
  created: number
  own: number
  /** A line changed after its header, where there is one; always the last line. */
  late: number | undefined
}

export function documentTimes(
  world: World,
  table: TableName,
  index: number,
  place: number,
  places: number,
): DocumentTimes {
  const number = numberOf[table]
  const days = 1 + Math.floor(((places - 1 - shared(place)) * 400) / places)
  const date = world.today - Math.max(1, days) * dayLength
  const created = date + (hash(world.seed, number, index - place + shared(place), 92) % (dayLength - 3_600))
  const own =
    index % 5 === 4 ? Math.min(world.end, created + (hash(world.seed, number, index, 93) % (5 * dayLength))) : created
  const late = hasLateLine(index)
    ? Math.min(world.end, own + 60 + (hash(world.seed, number, index, 94) % (3 * dayLength)))
    : undefined
  return { date, created, own, late }
}

/** Such documents have at least two lines. */
export function hasLateLine(index: number): boolean {
  return index % 16 === 9
}
