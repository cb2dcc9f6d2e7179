/** Every version of every record as VARIANT, appended by COPY INTO, which remembers the files that it loaded for 64 days. */

import type { Target, WriteBatch, WriteContext } from '../../../sync/contract/target.ts'
import { packRows } from '../../../vendor/warehouse/staged-rows.ts'
import {
  findTables,
  VERSION_COLUMNS,
  VERSIONS_UNTOLD,
  versionRows,
} from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection, Work } from './connection.ts'
import { storedVersions } from './keys.ts'
import { readMarks } from './mark.ts'
import type { ShapeTable } from './shape.ts'
import { literal, plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { batchPath, checkCount, copyFile, type StageOptions, upload } from './stage.ts'
import { addressOf, type FindColumn, filledTables, haveRows, isMissing, type WantedTable } from './tables.ts'

export interface AppendOptions extends StageOptions {
  readonly tableOf: (entity: string) => TableName
  readonly shapeTable: ShapeTable
}

export function createAppendTarget(connection: Connection, entity: string, options: AppendOptions): Target {
  const table = options.tableOf(entity)
  const name = plainTable(table)
  const wanted: WantedTable = {
    name: table,
    comment: `Tieout: ${entity} as received, one row for each version`,
    columns: VERSION_COLUMNS,
    key: ['source', 'key'],
    unique: false,
  }
  let find: FindColumn | undefined
  const columns = async (context: WriteContext): Promise<FindColumn> => {
    find ??= (await options.shapeTable(wanted, context)).find
    return find
  }
  const pathOf = (batchId: string): string => batchPath(options.stage, batchId)

  /** Loads the file of a batch: repeated, it changes nothing. */
  const copy = async (work: Work, batchId: string): Promise<number> => {
    const [result] = await work.run({ sql: copyFile(table, pathOf(batchId), false), what: `COPY INTO ${name}` })
    return result?.rows_loaded === undefined ? Number.NaN : Number(result.rows_loaded)
  }
  /** How many rows of a batch are in. */
  const arrived = async (work: Work, batchId: string, at: FindColumn): Promise<number> => {
    const column = quote(at('_sync_batch')?.name ?? '_SYNC_BATCH')
    const [row] = await work.run({
      sql: `SELECT CAST(COUNT(*) AS VARCHAR) AS "n" FROM ${quoteTable(table)} AS t WHERE t.${column} = :1`,
      binds: [batchId],
      what: `Rows of batch ${batchId} in ${name}`,
    })
    return Number(row?.n)
  }
  /** The rows name their batch, so that the file is not needed any more to tell what became of it. */
  const remove = (work: Work, batchId: string): Promise<unknown> =>
    work
      .run({ sql: `REMOVE ${literal(`${pathOf(batchId)}/`)}`, what: `Removal of the file of ${batchId}` })
      .catch(() => undefined)

  return {
    address: addressOf(connection, table),
    mode: 'append',
    statements: connection.statements,
    hasRows: (_tables, _schema, context) => haveRows(connection, [table], context),

    async prepare(_schema, context) {
      const { created, notices, find: found } = await options.shapeTable(wanted, context)
      find = found
      const tables = [{ list: '', name, table, made: created }]
      return {
        tables: await findTables(tables, context.filled, (names) => filledTables(connection, names, context)),
        notices,
      }
    },

    isLost: isMissing,

    async write(batch, context) {
      if (batch.records.length === 0) return
      const at = await columns(context)
      await connection.work(
        `COPY INTO ${name}`,
        { sync: batch.sync, run: batch.run, entity: batch.entity },
        async (work) => {
          await upload(
            work,
            pathOf(batch.id),
            packRows((rows) => {
              for (const row of rowsOf(batch, at)) {
                rows.add(row)
                rows.end()
              }
            }),
            name,
          )
          const loaded = await copy(work, batch.id)
          // an attempt before this one may have loaded it, and only its answer was lost
          checkCount(batch.records.length, loaded > 0 ? loaded : await arrived(work, batch.id, at), name)
          await remove(work, batch.id)
        },
        context,
      )
    },

    async resolve(batchId, _schema, context) {
      const at = await columns(context)
      return connection.work(
        `What became of batch ${batchId}`,
        {},
        async (work) => {
          if ((await arrived(work, batchId, at)) === 0) {
            const path = literal(`${pathOf(batchId)}/`)
            const files = await work.run({ sql: `LIST ${path}`, what: `Files of batch ${batchId}` })
            if (files.length === 0) return 'absent'
            // a file that was loaded before is left out, also when somebody took its rows away since
            const loaded = await copy(work, batchId)
            if (!(loaded > 0) && (await arrived(work, batchId, at)) === 0) {
              await remove(work, batchId)
              return 'absent'
            }
          }
          await remove(work, batchId)
          return 'delivered'
        },
        context,
      )
    },

    keys: (_schema, source, context) => storedVersions(connection, table, source, context),
    totals: async () => VERSIONS_UNTOLD,
    readMark: (context) => readMarks(connection, table, context),
    writeMark: (mark, context, replaced) => connection.writeMark({ table, mark, context, replaced }),
  }
}

/** JSON under the columns' stored names, the record as an object, so that it becomes a VARIANT. */
function rowsOf(batch: WriteBatch, at: FindColumn): readonly string[] {
  // with the fraction that the format of the file has
  const written = { ...batch, at: new Date(batch.at).toISOString() }
  return versionRows(written).map((row) =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          at(column)?.name ?? column.toUpperCase(),
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
