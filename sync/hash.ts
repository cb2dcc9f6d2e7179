/** Fingerprint of a record: equal for equal content, whatever the order of members and lines or the way a decimal is written. */
import { hash } from 'node:crypto'
import { type Bytes, createBytes } from './bytes.ts'
import type { DataRecord, Row, Schema, TableSchema, Value } from './message.ts'
import { isDecimal, normalise } from './money.ts'

export type Hasher = (record: DataRecord) => string

interface HashColumn {
  readonly name: string
  /** Length and name, as it stands before each value. */
  readonly prefix: Uint8Array
  readonly decimal: boolean
}

interface HashList {
  readonly name: string
  readonly prefix: Uint8Array
  readonly columns: readonly HashColumn[]
  /** Key columns that tell the lines of one document apart. */
  readonly key: readonly string[]
}

/** First byte of a value: its type. */
const types = { string: 115, decimal: 100, number: 110, boolean: 98, json: 106 } as const
const rowEnd = 59

/**
 * Compiles the fingerprint of one schema: 128 bit (32 hex digits, SHA-256 cut) over the non-null columns sorted by
 * name and the lists in any order of their lines; without volatile columns and `_` members. A column that is added to
 * the schema and null everywhere changes no hash. A deletion has the empty hash.
 *
 * Each value is written with its name, its type and its length, so that no two different records give the same bytes.
 */
export function compileHasher(schema: Schema): Hasher {
  const header = columnsOf(schema)
  const lists = Object.entries(schema.lists ?? {})
    .map(([name, table]) => ({
      name,
      prefix: Buffer.from(`[${name.length}:${name}`),
      columns: columnsOf(table),
      key: table.key.filter((column) => !schema.key.includes(column)),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const bytes = createBytes()
  return (record) => {
    if (record._op === 'delete') return ''
    bytes.clear()
    writeRow(bytes, header, record)
    for (const list of lists) {
      const lines = record[list.name]
      if (Array.isArray(lines) && lines.length > 0) writeLines(bytes, list, lines as Row[])
    }
    return hash('sha256', bytes.written(), 'hex').slice(0, 32)
  }
}

const columnsOf = (table: TableSchema): HashColumn[] =>
  table.columns
    .filter(({ volatile }) => !volatile)
    .map(({ name, type }) => ({
      name,
      prefix: Buffer.from(`${name.length}:${name}`),
      decimal: type.startsWith('decimal'),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** Lines in the order of their key, which most have already; lines with one key in the order of their bytes. */
function writeLines(bytes: Bytes, { prefix, columns, key }: HashList, lines: readonly Row[]): void {
  bytes.room(prefix.length + 5)
  bytes.raw(prefix)
  bytes.count(lines.length)
  if (inOrder(lines, key)) {
    for (const line of lines) writeRow(bytes, columns, line)
    return
  }
  const begin = bytes.length()
  const written = lines.map((line) => {
    const from = bytes.length()
    writeRow(bytes, columns, line)
    return { line, text: Buffer.from(bytes.written().subarray(from)) }
  })
  written.sort((a, b) => compareKeys(a.line, b.line, key) || Buffer.compare(a.text, b.text))
  bytes.clear(begin)
  for (const { text } of written) bytes.raw(text)
}

function inOrder(lines: readonly Row[], key: readonly string[]): boolean {
  for (let i = 1; i < lines.length; i++)
    if (compareKeys(lines[i - 1] as Row, lines[i] as Row, key) >= 0) return false
  return true
}

function compareKeys(a: Row, b: Row, key: readonly string[]): number {
  for (const name of key) {
    const [one, other] = [a[name], b[name]]
    if (one === other) continue
    if (typeof one !== typeof other) return typeof one < typeof other ? -1 : 1
    if (typeof one === 'object' || one === undefined || other === undefined || other === null) continue
    return one < other ? -1 : 1
  }
  return 0
}

function writeRow(bytes: Bytes, columns: readonly HashColumn[], row: Row): void {
  for (const { name, prefix, decimal } of columns) {
    const value = row[name]
    if (value === null || value === undefined) continue
    if (typeof value !== 'string') writeOther(bytes, prefix, value)
    else if (decimal && isDecimal(value)) writeText(bytes, prefix, types.decimal, normalise(value))
    else writeText(bytes, prefix, types.string, value)
  }
  bytes.room(1)
  bytes.byte(rowEnd)
}

function writeText(bytes: Bytes, prefix: Uint8Array, type: number, text: string): void {
  bytes.room(prefix.length + 6 + 2 * text.length)
  bytes.raw(prefix)
  bytes.byte(type)
  bytes.count(text.length)
  bytes.units(text)
}

function writeOther(bytes: Bytes, prefix: Uint8Array, value: Exclude<Value, string | null>): void {
  if (typeof value === 'object') writeText(bytes, prefix, types.json, canonicalJson(value))
  else writeText(bytes, prefix, typeof value === 'boolean' ? types.boolean : types.number, String(value))
}

/** JSON with the members of every object sorted by name. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
