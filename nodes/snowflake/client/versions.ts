/** Every version of every record as VARIANT, appended by COPY INTO, which remembers the files that it loaded for 64 days. */
import type { WriteBatch } from '../../../sync/contract/target.ts'
import type { Loading } from '../../../vendor/warehouse/append-target.ts'
import { type FindColumn, type TableName, tagsOf } from '../../../vendor/warehouse/dialect.ts'
import { gzipped, packRows } from '../../../vendor/warehouse/staged-rows.ts'
import { quoteColumn } from '../../../vendor/warehouse/tables.ts'
import { versionRows } from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { TEXT } from './dialect.ts'
import { literal, plainTable, quoteTable } from './sql.ts'
import { batchPath, copyFile, putRows } from './stage.ts'

export const versionsLoading =
  (connection: Connection, stage: string) =>
  (table: TableName): Loading => {
    const name = plainTable(table)
    const pathOf = (batchId: string): string => batchPath(stage, batchId)
    return {
      counts: true,
      async upload(batch, find, context) {
        const packed = packRows((rows) => {
          for (const row of rowsOf(batch, find)) {
            rows.add(row)
            rows.end()
          }
        })
        const file = await gzipped(packed.files.flat())
        return connection.run(
          { ...putRows({ path: pathOf(batch.id), file, what: name }), tags: tagsOf(batch) },
          context,
        )
      },
      async load(work, batchId) {
        const sql = copyFile(table, pathOf(batchId), false)
        const [result] = await work.run({ sql, what: `COPY INTO ${name}`, kind: 'write' })
        return result?.rows_loaded === undefined ? Number.NaN : Number(result.rows_loaded)
      },
      async arrived(work, batchId, find) {
        const [row] = await work.run({
          sql: `SELECT CAST(COUNT(*) AS VARCHAR) AS "n" FROM ${quoteTable(table)} AS t WHERE t.${quoteColumn(TEXT, find, '_sync_batch')} = :1`,
          values: [['batch', batchId]],
          what: `Rows of batch ${batchId} in ${name}`,
          kind: 'read',
        })
        return Number(row?.n)
      },
      async exists(work, batchId) {
        const sql = `LIST ${literal(`${pathOf(batchId)}/`)}`
        return (await work.run({ sql, what: `Files of batch ${batchId}`, kind: 'read' })).length > 0
      },
      remove: (work, batchId) =>
        work
          .run({
            sql: `REMOVE ${literal(`${pathOf(batchId)}/`)}`,
            what: `Removal of the file of ${batchId}`,
            kind: 'write',
          })
          .catch(() => undefined),
    }
  }

/** JSON under the columns' stored names, the record as an object, so that it becomes a VARIANT. */
function rowsOf(batch: WriteBatch, find: FindColumn): readonly string[] {
  // with the fraction that the format of the file has
  const written = { ...batch, at: new Date(batch.at).toISOString() }
  return versionRows(written).map((row) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          find(column)?.name ?? column.toUpperCase(),
          column === 'record'
            ? (JSON.parse(value) as unknown)
            : column === '_source_stamp' && value === ''
              ? null
              : value,
        ]),
      ),
    ),
  )
}
