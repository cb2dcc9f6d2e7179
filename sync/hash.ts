/** Fingerprint of a record: equal for equal content, whatever the order of members and lines or the way a decimal is written. */
import { hash } from 'node:crypto'
import type { DataRecord, Row, Schema, TableSchema } from './message.ts'
import { isDecimal, normalise } from './money.ts'

export type Hasher = (record: DataRecord) => string

/** A row as JSON: which columns are filled, then their values. */
type RowText = (row: Row) => string

/**
 * Compiles the fingerprint of one schema: 128 bit (32 hex digits, SHA-256 cut) over the non-null columns sorted by
 * name and the lists in any order of their lines; without volatile columns and `_` members. A column that is added to
 * the schema and null everywhere changes no hash. A deletion has the empty hash.
 *
 * Rows are JSON arrays that begin with the names of the filled columns (their digest), so that no two different
 * records give the same text. JSON escapes halves of characters, which would not survive the way to bytes.
 */
export function compileHasher(schema: Schema): Hasher {
  const header = compileRow(schema)
  const lists = Object.entries(schema.lists ?? {})
    .map(([name, table]) => ({ name, row: compileRow(table) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return (record) => {
    if (record._op === 'delete') return ''
    const texts = [header(record)]
    for (const { name, row } of lists) {
      const lines = record[name]
      if (!Array.isArray(lines) || lines.length === 0) continue
      texts.push(JSON.stringify([name, lines.length]))
      if (lines.length === 1) texts.push(row(lines[0] as Row))
      else texts.push((lines as Row[]).map(row).sort().join(''))
    }
    return hash('sha256', texts.join(''), 'hex').slice(0, 32)
  }
}

/** Columns in one word of the bit mask that says which are filled. */
const wordBits = 30

function compileRow(table: TableSchema): RowText {
  const columns = table.columns
    .filter(({ volatile }) => !volatile)
    .map(({ name, type }) => ({ name, decimal: type.startsWith('decimal') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  /** Digests of the names of filled columns, by mask. Few combinations occur. */
  const digests = new Map<string, string>()
  const digestOf = (mask: string, row: Row): string => {
    const known = digests.get(mask)
    if (known !== undefined) return known
    const filled = columns.filter(({ name }) => row[name] !== null && row[name] !== undefined).map(({ name }) => name)
    const digest = hash('sha256', JSON.stringify(filled), 'base64').slice(0, 22)
    if (digests.size >= mostDigests) digests.clear()
    digests.set(mask, digest)
    return digest
  }
  // one array for all rows: it is JSON before the next row comes
  const values: unknown[] = ['']
  return (row) => {
    let filled = 1
    let mask = ''
    let word = 0
    for (let i = 0; i < columns.length; i++) {
      const { name, decimal } = columns[i] as (typeof columns)[number]
      if (i > 0 && i % wordBits === 0) {
        mask += `${word},`
        word = 0
      }
      const value = row[name]
      if (value === null || value === undefined) continue
      word |= 1 << (i % wordBits)
      if (typeof value === 'string') values[filled++] = decimal && isDecimal(value) ? normalise(value) : value
      else values[filled++] = typeof value === 'object' ? [canonicalJson(value)] : value
    }
    values.length = filled
    values[0] = digestOf(mask + word, row)
    return JSON.stringify(values)
  }
}

const mostDigests = 10_000

/** JSON with the members of every object sorted by name. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
