/**
 * Keys compare by their bytes, as the ledger compares them. Text columns that Tieout makes say so, where the warehouse knows
 * the word (Databricks Runtime 16.1: docs.databricks.com, collation); what is there is looked at, since a table, schema or
 * catalog may have another collation for columns that say none.
 */
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { Connection } from './connection.ts'
import { plainTable, quote, type TableName } from './sql.ts'

const BINARY = 'UTF8_BINARY'
/** Stands behind STRING. */
export const COLLATE = ` COLLATE ${BINARY}`

type Run = Connection['run']

/** Connections whose warehouse refused the clause; another start of the process tries it again. */
const refusing = new WeakSet<Run>()

/** Runs a statement that makes columns, with `COLLATE` or, where the warehouse does not take that, without. */
export async function runMaking(
  run: Run,
  statement: { readonly sql: (collate: string) => string; readonly what: string },
  context: WriteContext,
): Promise<void> {
  const make = (collate: string) => run({ sql: statement.sql(collate), what: statement.what, kind: 'write' }, context)
  if (!refusing.has(run)) {
    try {
      await make(COLLATE)
      return
    } catch (error) {
      // a syntax error, or a feature that is not supported or switched off
      if (!isSyncError(error) || !/^databricks\.(42601|0A)/.test(error.code)) throw error
    }
  }
  await make('')
  refusing.add(run)
}

/** A column as it is there; the type as it was declared. */
interface FoundColumn {
  readonly name: string
  readonly type: string
}

/** `string collate UTF8_LCASE` is `UTF8_LCASE`; empty where bytes are compared. */
function collationOf({ type }: FoundColumn): string {
  const name = /\bcollate\s+(?:\w+\.)*(\w+)/i.exec(type)?.[1] ?? ''
  return name.toUpperCase() === BINARY ? '' : name
}

/** A table as it should be. */
interface Checked {
  readonly name: TableName
  readonly columns: readonly { readonly name: string }[]
  readonly key: readonly string[]
}

/** Throws where a key column compares otherwise than by bytes; gives a notice of other text columns that do. */
export function checkCollations(table: Checked, columns: readonly FoundColumn[]): readonly string[] {
  const wanted = new Set(table.columns.map(({ name }) => name.toLowerCase()))
  const key = new Set(table.key.map((name) => name.toLowerCase()))
  const collated = columns.filter((column) => wanted.has(column.name.toLowerCase()) && collationOf(column) !== '')
  const keys = collated.filter(({ name }) => key.has(name.toLowerCase()))
  if (keys.length > 0) throw refusal(table, keys)
  if (collated.length === 0) return []
  const list = collated.map((column) => `${column.name} (${collationOf(column)})`).join(', ')
  return [
    `Columns of ${plainTable(table.name)} with a collation: ${list}. Their values are kept as they are, but whoever compares or groups by them takes different texts for one.`,
  ]
}

function refusal(table: Checked, columns: readonly FoundColumn[]): SyncError {
  const name = plainTable(table.name)
  const list = columns.map((column) => `${column.name} (${collationOf(column)})`).join(', ')
  const statements = columns.map(
    (column) => `ALTER TABLE ${name} ALTER COLUMN ${quote(column.name)} TYPE STRING${COLLATE};`,
  )
  return syncError(
    'config',
    'databricks.collation',
    `Key columns of ${name} with a collation: ${list}. By it, keys that differ only in case, accents or the like are one row. Nothing is written into the table.`,
    {
      field: columns[0]?.name ?? '',
      hint: `Have it compared by bytes: ${statements.join(' ')} Then send {full: true} once, for records that were one row. Where Databricks refuses that, rename the table (ALTER TABLE ${name} RENAME TO ...), so that it is made anew; where others need the collation, give Tieout a table of its own.`,
    },
  )
}
