/**
 * Keys compare by their bytes, as the ledger compares them. Text columns that Tieout makes say so, where the warehouse knows
 * the word (Databricks Runtime 16.1: docs.databricks.com, collation); what is there is looked at, since a table, schema or
 * catalog may have another collation for columns that say none.
 */
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../sync/contract/target.ts'
import type { FoundColumn, SqlDialect, TableName } from '../../../vendor/warehouse/dialect.ts'
import { plainTable, quote } from './sql.ts'

const BINARY = 'UTF8_BINARY'
/** Stands behind STRING. */
export const COLLATE = ` COLLATE ${BINARY}`

/** Runs a statement that makes columns. */
export type Make = (
  statement: { readonly sql: (collate: string) => string; readonly what: string },
  context: WriteContext,
) => Promise<void>

/** With `COLLATE` or, where the warehouse does not take that, without; another start of the process tries it again. */
export function createMaking(run: SqlDialect['run']): Make {
  let isRefused = false
  return async ({ sql, what }, context) => {
    const make = (collate: string) => run({ sql: sql(collate), what, kind: 'write' }, context)
    if (!isRefused) {
      try {
        await make(COLLATE)
        return
      } catch (error) {
        // a syntax error, or a feature that is not supported or switched off
        if (!isSyncError(error) || !/^databricks\.(42601|0A)/.test(error.code)) throw error
      }
    }
    await make('')
    isRefused = true
  }
}

/** `string collate UTF8_LCASE` is `UTF8_LCASE`; empty where bytes are compared. */
export function collationOf(declared: string): string {
  const name = /\bcollate\s+(?:\w+\.)*(\w+)/i.exec(declared)?.[1] ?? ''
  return name.toUpperCase() === BINARY ? '' : name
}

/** The error for key columns that compare otherwise. */
export function collated(table: TableName, columns: readonly FoundColumn[]): SyncError {
  const name = plainTable(table)
  const list = columns.map((column) => `${column.name} (${column.type.collation})`).join(', ')
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
