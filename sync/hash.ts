/** Fingerprint of a record: equal for equal content, whatever the order of members and lines or the way a decimal is written. */
import { hash } from 'node:crypto'
import type { DataRecord, Row, Schema, TableSchema } from './message.ts'
import { isDecimal, normalise } from './money.ts'

export type Hasher = (record: DataRecord) => string

interface HashColumn {
  readonly name: string
  /** Length and name, as it stands before each value. */
  readonly prefix: string
  readonly decimal: boolean
}

/**
 * Compiles the fingerprint of one schema: 128 bit (32 hex digits, SHA-256 cut) over the non-null columns sorted by
 * name and the lists in any order of their lines; without volatile columns and `_` members. A column that is added to
 * the schema and null everywhere changes no hash. A deletion has the empty hash.
 *
 * Each value is written with its name, its type and its length, so that no two different records give the same text.
 */
export function compileHasher(schema: Schema): Hasher {
  const header = columnsOf(schema)
  const lists = Object.entries(schema.lists ?? {})
    .map(([name, table]) => ({ name, columns: columnsOf(table) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return (record) => {
    if (record._op === 'delete') return ''
    let text = rowText(header, record)
    for (const { name, columns } of lists) {
      const lines = record[name]
      if (!Array.isArray(lines) || lines.length === 0) continue
      const texts = (lines as Row[]).map((line) => rowText(columns, line))
      if (texts.length > 1) texts.sort()
      text += `[${name.length}:${name}${texts.length}${texts.join('')}`
    }
    // Half a surrogate pair would become the replacement character on its way to bytes; such a text is escaped first.
    return hash('sha256', text.isWellFormed() ? text : JSON.stringify(text), 'hex').slice(0, 32)
  }
}

const columnsOf = (table: TableSchema): HashColumn[] =>
  table.columns
    .filter(({ volatile }) => !volatile)
    .map(({ name, type }) => ({ name, prefix: `${name.length}:${name}`, decimal: type.startsWith('decimal') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

function rowText(columns: readonly HashColumn[], row: Row): string {
  let text = ''
  for (const column of columns) {
    const value = row[column.name]
    if (value === null || value === undefined) continue
    if (typeof value === 'string') {
      if (column.decimal && isDecimal(value)) text += `${column.prefix}d${normalise(value)}`
      else text += `${column.prefix}s${value.length}:${value}`
    } else if (typeof value === 'object') {
      const json = canonicalJson(value)
      text += `${column.prefix}j${json.length}:${json}`
    } else text += `${column.prefix}${typeof value === 'boolean' ? 'b' : 'n'}${value}`
    text += ','
  }
  return `${text};`
}

/** JSON with the members of every object sorted by name. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
