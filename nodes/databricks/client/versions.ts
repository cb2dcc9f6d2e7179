/** Every version of every record as JSON text, appended by COPY INTO, which loads a file of one name once. */
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { Loading } from '../../../vendor/warehouse/append-target.ts'
import type { TableName } from '../../../vendor/warehouse/dialect.ts'
import { VERSION_COLUMNS, versionRows } from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { exists, fileName, removeLater, upload, type Volume } from './files.ts'
import { literal, plainTable, quote, quoteTable } from './sql.ts'

/** JSON is kept as text, as it came. */
export const COLUMNS: readonly Column[] = VERSION_COLUMNS.map((column) =>
  column.type === 'json' ? { ...column, type: 'string' } : column,
)

export const versionsLoading =
  (connection: Connection, chosen: Volume | undefined) =>
  (table: TableName, entity: string): Loading => {
    const name = plainTable(table)
    const volume = (): Volume => {
      if (chosen) return chosen
      throw syncError('config', 'databricks.volume', `${name}: append loads files, and no staging volume is chosen.`, {
        entity,
        hint: 'Create a volume (CREATE VOLUME main.finance.tieout_staging), give the principal READ VOLUME and WRITE VOLUME, and choose it in the connection.',
      })
    }
    const fileOf = (batchId: string): string => fileName(batchId, name, 0)
    return {
      // COPY INTO does not say how many rows it loaded, and finds one by its batch faster than all of them
      counts: false,
      check: () => void volume(),
      isGone: (error) => isSyncError(error) && error.code === 'databricks.42K03',
      upload: (batch, _find, context) => {
        const rows = versionRows(batch).map((row) => JSON.stringify(row))
        return upload(connection, volume(), fileOf(batch.id), rows.join('\n'), context)
      },
      async load(work, batchId, contract) {
        const sql = copyInto(table, volume(), fileOf(batchId), contract)
        await work.run({ sql, what: `COPY INTO ${name}`, kind: 'write' })
        return Number.NaN
      },
      async arrived(work, batchId) {
        const rows = await work.run({
          sql: `SELECT 1 AS found FROM ${quoteTable(table)} AS t WHERE t.\`_sync_batch\` = :batch LIMIT 1`,
          values: [['batch', batchId]],
          what: `Rows of batch ${batchId} in ${name}`,
          kind: 'read',
        })
        return rows.length
      },
      exists: ({ context }, batchId) => exists(connection, volume(), fileOf(batchId), context),
      async remove(_work, batchId) {
        removeLater(connection, volume(), [fileOf(batchId)])
      },
    }
  }

/** COPY INTO remembers the names of the files that it loaded: repeated, it changes nothing. */
export function copyInto(table: TableName, volume: Volume, file: string, contract?: number): string {
  const values: Readonly<Record<string, string>> = {
    _sync_read: 'CAST(`_sync_read` AS BIGINT)',
    _sync_at: 'CAST(`_sync_at` AS TIMESTAMP)',
    // always written, because the loader knows only columns that a file of the batch has
    _source_stamp: "NULLIF(`_source_stamp`, '')",
    // the same for all rows; a file that a version before staged does not know it
    _contract: contract === undefined ? 'CAST(NULL AS BIGINT)' : `CAST(${contract} AS BIGINT)`,
  }
  return [
    `COPY INTO ${quoteTable(table)}`,
    `FROM (SELECT ${COLUMNS.map(({ name }) => `${values[name] ?? quote(name)} AS ${quote(name)}`).join(', ')} FROM ${literal(volume.path)})`,
    'FILEFORMAT = JSON',
    `FILES = (${literal(file)})`,
    "FORMAT_OPTIONS ('mode' = 'FAILFAST')",
    "COPY_OPTIONS ('mergeSchema' = 'false')",
  ].join('\n')
}
