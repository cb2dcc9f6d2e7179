/** Turns rows as they come into records of docs/entities.md. Compiled once for an entity: no name is looked up per record. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { ColumnType, DataRecord, Row, Value } from '../../../sync/contract/message.ts'
import { isDecimal, normalise, timesSign } from '../../../sync/values/money.ts'
import { isoDate, type Zone } from './clock.ts'
import type { ColumnDef } from './entities.ts'

/** Text of a row by field name in capitals. */
export type Fields = Readonly<Record<string, string | null>>
type Fill = (row: Row, fields: Fields, header: Row) => void

export interface ConvertOptions {
  /** Value of the `source` column. */
  readonly source: string
  readonly zone: Zone
}

/** Compiles rows of one table; `header` is the document's row for the columns that repeat it. */
export function compileRow(
  columns: readonly ColumnDef[],
  options: ConvertOptions,
): (fields: Fields, header?: Row) => Row {
  const fills = columns.map((column) => compileColumn(column, options))
  const empty: Row = JSON.parse(JSON.stringify(Object.fromEntries(columns.map(({ name }) => [name, null]))))
  return (fields, header) => {
    const row = { ...empty }
    for (const fill of fills) fill(row, fields, header ?? row)
    return row
  }
}

/** The record, with its stamp in UTC; lists are added by whoever has them. */
export type RecordConverter = (fields: Fields) => DataRecord

export function compileRecord(
  columns: readonly ColumnDef[],
  stamp: string | undefined,
  options: ConvertOptions,
): RecordConverter {
  const convert = compileRow(columns, options)
  return (fields) => {
    const record = convert(fields) as DataRecord
    record._row = 0
    record._stamp = stampOf(fields, stamp, options.zone)
    return record
  }
}

/** The change stamp in UTC; null where it is empty or no time. */
export const stampOf = (fields: Fields, stamp: string | undefined, zone: Zone): string | null => {
  const text = stamp === undefined ? null : fields[stamp.toUpperCase()]
  return text ? (zone.utc(text) ?? null) : null
}

function compileColumn(column: ColumnDef, { source, zone }: ConvertOptions): Fill {
  const { name, type } = column
  if (name === 'source' && column.header === undefined && column.field === undefined)
    return (row) => {
      row[name] = source
    }
  const { constant, header, period } = column
  if (constant !== undefined)
    return (row) => {
      row[name] = constant
    }
  if (header !== undefined)
    return (row, _fields, document) => {
      row[name] = document[header] as Value
    }
  if (period !== undefined)
    return (row) => {
      const date = row[period]
      row[name] = typeof date === 'string' ? date.slice(0, 7) : null
    }
  const [field = '', ...others] = (column.field ?? '').toUpperCase().split('|')
  if (field === '') return () => {}
  const convert = conversion(type, zone)
  const sign = column.sign?.toUpperCase()
  if (sign)
    return (row, fields) => {
      row[name] = signed(convert(fields[field]), fields[sign], name)
    }
  if (others.length === 0)
    return (row, fields) => {
      row[name] = convert(fields[field])
    }
  return (row, fields) => {
    row[name] = convert([field, ...others].map((one) => fields[one]).find((value) => value))
  }
}

function signed(value: Value, sign: string | null | undefined, field: string): Value {
  if (value === null || (sign === '1' && typeof value === 'string')) return value
  if (sign === '1' || sign === '-1') return timesSign(String(value), Number(sign))
  throw syncError('data', 'intacct.sign', `the sign of ${field} is ${JSON.stringify(sign ?? null)}, neither 1 nor -1`, {
    field,
  })
}

type Text = string | null | undefined

/** Empty becomes null; a value that does not fit its type stays as it is, for the engine's check to name it. */
function conversion(type: ColumnType, zone: Zone): (value: Text) => Value {
  switch (type) {
    case 'integer':
      return integer
    case 'boolean':
      return boolean
    case 'date':
      return (value) => (value ? (isoDate(value) ?? value) : null)
    case 'timestamp':
      return (value) => (value ? (zone.utc(value) ?? value) : null)
    case 'string':
    case 'json':
      return (value) => value || null
    default:
      return decimal
  }
}

/** Intacct writes `12.0` too. */
function integer(value: Text): Value {
  if (!value) return null
  const number = Number(value)
  return /^[+-]?\d+(?:\.0*)?$/.test(value) && Number.isSafeInteger(number) ? number : value
}

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  t: true,
  f: false,
  active: true,
  inactive: false,
}

function boolean(value: Text): Value {
  return value ? (WORDS[value.toLowerCase()] ?? value) : null
}

function decimal(value: Text): Value {
  if (!value) return null
  if (isDecimal(value)) return value
  try {
    return normalise(value)
  } catch {
    return value
  }
}
