import type { DuckDBResultReader, DuckDBType } from '@duckdb/node-api'
import { originalName } from './sql/names.ts'
import type { SqlType } from './sql/sql-type.ts'
import { fixed, MAX_TEXT, simple } from './sql/types.ts'

export interface ResultColumn {
  name: string
  type: SqlType
  nullable: boolean
}

/** One statement's result; cells are as they travel: text or NULL. */
export interface Outcome {
  columns: ResultColumn[]
  rows: (string | null)[][]
  /** What the client takes the statement for. */
  typeId: number
  /** Rows that a DML statement touched. */
  modified?: number
}

export const TYPE_IDS = {
  select: 0x1000,
  insert: 0x3100,
  update: 0x3200,
  delete: 0x3300,
  merge: 0x3400,
  copy: 0x3600,
  session: 0x4000,
  use: 0x4300,
  show: 0x4400,
  describe: 0x4500,
  transaction: 0x5000,
  ddl: 0x6000,
} as const

const textColumn = (name: string): ResultColumn => ({ name, type: simple('text'), nullable: true })
const countColumn = (name: string): ResultColumn => ({ name, type: fixed(), nullable: false })

/** What a statement without rows answers. */
export function status(text: string, typeId: number): Outcome {
  return { columns: [textColumn('status')], rows: [[text]], typeId }
}

/** What a DML statement answers: one row of counts. */
export function counted(counts: Record<string, number>, typeId: number): Outcome {
  const values = Object.values(counts)
  return {
    columns: Object.keys(counts).map(countColumn),
    rows: [values.map(String)],
    typeId,
    modified: values.reduce((sum, count) => sum + count, 0),
  }
}

/** Rows of text and whole numbers; a column is a number where its name is in `numbers`. */
export function table(
  names: readonly string[],
  rows: readonly (string | number | null)[][],
  typeId: number,
  numbers: readonly string[] = [],
): Outcome {
  return {
    columns: names.map((name) => (numbers.includes(name) ? countColumn(name) : textColumn(name))),
    rows: rows.map((row) => row.map((value) => (value === null ? null : String(value)))),
    typeId,
  }
}

/** Snowflake's type for a type of the engine. */
export function typeOf(type: DuckDBType): SqlType {
  const name = type.toString()
  const digits = /^DECIMAL\((\d+),\s?(\d+)\)/.exec(name)
  if (digits) return fixed(Number(digits[1]), Number(digits[2]))
  if (/INT/.test(name) && !name.endsWith(']')) return fixed()
  if (name === 'DOUBLE' || name === 'FLOAT') return simple('real')
  if (name === 'BOOLEAN') return simple('boolean')
  if (name === 'DATE') return simple('date')
  if (name === 'TIME') return simple('time')
  if (name === 'TIMESTAMP WITH TIME ZONE') return simple('timestamp_tz')
  if (name.startsWith('TIMESTAMP')) return simple('timestamp_ntz')
  if (name === 'BLOB') return simple('binary', 8_388_608)
  if (type.alias === 'JSON' || /^(STRUCT|MAP)|\]$/.test(name)) return simple('variant')
  return simple('text', MAX_TEXT)
}

/** The result of a query as it travels. */
export function fromReader(reader: DuckDBResultReader): Outcome {
  const columns = reader.columnNames().map((name, index) => ({
    name: originalName(name),
    type: typeOf(reader.columnType(index)),
    nullable: true,
  }))
  const encoders = columns.map(({ type }) => encoder(type))
  const rows = reader.getRowsJson().map((row) => row.map((value, index) => cell(value, encoders[index])))
  return { columns, rows, typeId: TYPE_IDS.select }
}

type Encoder = (value: string) => string

function cell(value: unknown, encode: Encoder = String): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean') return value ? '1' : '0'
  return encode(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

const DAY = 86_400_000

/** Days since 1970 for dates, seconds with nine digits for times, hexadecimal for binary. */
function encoder({ kind }: SqlType): Encoder {
  switch (kind) {
    case 'date':
      return (value) => String(Math.round(Date.parse(`${value}T00:00:00Z`) / DAY))
    case 'time':
      return (value) => seconds(`1970-01-01 ${value}`)
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return seconds
    case 'timestamp_tz':
      return (value) => `${seconds(value)} 1440`
    case 'binary':
      return (value) =>
        Buffer.from(
          value.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        )
          .toString('hex')
          .toUpperCase()
    default:
      return String
  }
}

/** `2026-01-31 10:00:00.123456+00` as seconds since 1970. */
function seconds(value: string): string {
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?(?:\+00)?$/.exec(value) ?? []
  const ms = Date.parse(`${whole.replace(' ', 'T')}Z`)
  const nanos = fraction.padEnd(9, '0').slice(0, 9)
  return `${Math.floor(ms / 1000)}.${nanos}`
}
