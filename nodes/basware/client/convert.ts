/** Turns invoices as they come into records of docs/entities.md. */
import type { DataRecord, Row, Value } from '../../../sync/contract/message.ts'
import { normalise } from '../../../sync/values/money.ts'
import { type ColumnDef, chosen, ROW } from './entities.ts'
import type { CodingRow, Invoice } from './replies.ts'

/** What a row gets from the order that it was matched with. */
export interface Coded {
  readonly account: string | null
  readonly costCentre: string | null
  readonly from: 'row' | 'order' | 'order not readable'
  readonly order?: { readonly account: string | null; readonly costCentre: string | null }
}

export interface ConvertOptions {
  /** Value of the `source` column. */
  readonly source: string
  /** Names of sensitive columns that were chosen. */
  readonly sensitive: readonly string[]
  /** IANA name of the zone whose day a date with a time of day means; empty: UTC. */
  readonly dateZone: string
}

export type Converter = (invoice: Invoice, revision: number, coded: (row: CodingRow) => Coded) => DataRecord

export function compileConverter({ source, sensitive, dateZone }: ConvertOptions): Converter {
  const header = chosen(sensitive)
  const dayOf = dayReader(dateZone)
  const value = ({ type, field, custom }: ColumnDef, from: Readonly<Record<string, unknown>>): Value =>
    custom ? customOf(custom, from) : field === undefined ? null : convert(type, from[field], dayOf)
  return (invoice, revision, coded) => {
    const record: DataRecord = { _row: 0, _stamp: invoice.lastUpdated ?? null }
    for (const column of header) record[column.name] = value(column, invoice)
    Object.assign(record, { source, revision, coding_differences: 0, orders_not_readable: 0 })
    record.lines = (invoice.codingRows ?? []).map((given): Row => {
      const row: Row = {}
      for (const column of ROW)
        row[column.name] = column.header === undefined ? value(column, given) : (record[column.header] ?? null)
      const { account, costCentre, from, order } = coded(given)
      Object.assign(row, { account, cost_centre: costCentre, coding: from })
      if (order) Object.assign(row, { order_account: order.account, order_cost_centre: order.costCentre })
      const differs = order && (order.account !== row.row_account || order.costCentre !== row.row_cost_centre)
      if (differs) record.coding_differences = Number(record.coding_differences) + 1
      if (from === 'order not readable') record.orders_not_readable = Number(record.orders_not_readable) + 1
      return row
    })
    return record
  }
}

type DayOf = (text: string) => string

/** Empty becomes null; a value that does not fit its type stays as it is, for the engine's check to name it. */
function convert(type: string, value: unknown, dayOf: DayOf): Value {
  if (value === null || value === undefined || value === '') return null
  if (type.startsWith('decimal')) return decimal(value)
  if (type === 'date') return typeof value === 'string' ? dayOf(value) : (value as Value)
  if (type === 'timestamp') return typeof value === 'string' ? moment(value) : (value as Value)
  // No table and no XML takes a NUL.
  if (type === 'string') return (typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll('\0', '')
  return value as Value
}

/** Digits behind the point that no amount has: what is behind them comes from doubles. */
const SCALE = 8
/** Digits that a double holds for certain. */
const DOUBLE = 15

/** Exact as it was written; `0.30000000000000004`, as a program writes that adds doubles, is 0.3. */
export function decimal(value: unknown): Value {
  if (typeof value !== 'string' && typeof value !== 'number') return value as Value
  try {
    const exact = normalise(String(value))
    const behind = exact.length - exact.indexOf('.') - 1
    const digits = exact.replace(/^-?0*\.?0*/, '').replace('.', '').length
    const isNoise = exact.includes('.') && behind > SCALE && digits > DOUBLE
    return isNoise ? normalise(Number(exact).toPrecision(DOUBLE)) : exact
  } catch {
    return value
  }
}

function customOf(names: RegExp, from: Readonly<Record<string, unknown>>): Value {
  const found = Object.entries(from).filter(
    ([name, value]) => names.test(name) && value !== null && value !== undefined && value !== '',
  )
  return found.length > 0
    ? Object.fromEntries(found.map(([name, value]) => [name, String(value).replaceAll('\0', '')]))
    : null
}

const moment = (text: string): string => {
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(at) ? text : new Date(at).toISOString()
}

/** Dates come as midnight, with or without a zone; with another time of day they mean a day in the tenant's zone. */
function dayReader(zone: string): DayOf {
  const format = zone && new Intl.DateTimeFormat('sv-SE', { timeZone: zone })
  return (text) => {
    const day = text.slice(0, 10)
    if (!format || !/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || /T00:00:00(\.0+)?Z$/.test(text)) return day
    const at = Date.parse(text)
    return Number.isNaN(at) ? day : format.format(at)
  }
}
