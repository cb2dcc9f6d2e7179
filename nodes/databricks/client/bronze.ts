/** Bronze: every record as it came, appended as JSON text by COPY INTO, which loads a file of one name once. */
import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { Target, WriteContext } from '../../../sync/contract/target.ts'
import {
  findTables,
  VERSION_COLUMNS,
  VERSIONS_UNTOLD,
  versionRows,
} from '../../../vendor/warehouse/technical-columns.ts'
import type { Connection } from './connection.ts'
import { isMissing } from './errors.ts'
import { exists, fileName, removeLater, upload, type Volume } from './files.ts'
import { storedVersions } from './keys.ts'
import { readMarks } from './mark.ts'
import { literal, plainTable, quote, quoteTable, type TableName } from './sql.ts'
import { addressOf, filledTables, haveRows, shapeTables, type WantedTable } from './tables.ts'

export interface BronzeOptions {
  readonly tableOf: (entity: string) => TableName
  readonly volume: Volume | undefined
}

/** JSON is kept as text, as it came. */
const COLUMNS: readonly Column[] = VERSION_COLUMNS.map((column) =>
  column.type === 'json' ? { ...column, type: 'string' } : column,
)

export function createBronzeTarget(connection: Connection, entity: string, options: BronzeOptions): Target {
  const table = options.tableOf(entity)
  const name = plainTable(table)
  const wanted: WantedTable = {
    name: table,
    comment: `Tieout: ${entity} as received, one row for each version`,
    columns: COLUMNS,
    key: ['source', 'key'],
    unique: false,
    cluster: ['source', 'key'],
  }

  const volume = (): Volume => {
    if (options.volume) return options.volume
    throw syncError('config', 'databricks.volume', `${name}: bronze loads files, and no staging volume is chosen.`, {
      entity,
      hint: 'Create a volume (CREATE VOLUME main.finance.tieout_staging), give the principal READ VOLUME and WRITE VOLUME, and choose it in the connection.',
    })
  }
  const fileOf = (batchId: string): string => fileName(batchId, name, 0)
  const arrived = async (batchId: string, context: WriteContext): Promise<boolean> => {
    const rows = await connection.run(
      {
        sql: `SELECT 1 AS found FROM ${quoteTable(table)} AS t WHERE t.\`_sync_batch\` = :batch LIMIT 1`,
        parameters: { batch: batchId },
        what: `Rows of batch ${batchId} in ${name}`,
        kind: 'read',
      },
      context,
    )
    return rows.length > 0
  }
  /** Loads the file of a batch, which an earlier attempt may just have loaded and taken away. */
  const copy = async (batchId: string, context: WriteContext): Promise<void> => {
    const sql = copyInto(table, volume(), fileOf(batchId))
    try {
      await connection.run({ sql, what: `COPY INTO ${name}`, kind: 'write' }, context)
    } catch (error) {
      const isGone = isSyncError(error) && error.code === 'databricks.42K03'
      if (!isGone || !(await arrived(batchId, context))) throw error
    }
  }

  return {
    address: addressOf(connection, table),
    mode: 'append',
    statements: connection.statements,
    hasRows: (_tables, _schema, context) => haveRows(connection, [table], context),

    async prepare(_schema, context) {
      volume()
      const { created, notices } = await shapeTables(connection, [wanted], 'string', context)
      const tables = [{ list: '', name, table, made: created.length > 0 }]
      return {
        tables: await findTables(tables, context.filled, (names) => filledTables(connection, names, context)),
        notices,
      }
    },

    isLost: isMissing,

    async write(batch, context) {
      if (batch.records.length === 0) return
      await upload(
        connection,
        volume(),
        fileOf(batch.id),
        versionRows(batch)
          .map((row) => JSON.stringify(row))
          .join('\n'),
        context,
      )
      await copy(batch.id, context)
      // the rows name their batch, so that the file is not needed any more to tell what became of it
      removeLater(connection, volume(), [fileOf(batch.id)])
    },

    async resolve(batchId, _schema, context) {
      if (await arrived(batchId, context)) {
        removeLater(connection, volume(), [fileOf(batchId)])
        return 'delivered'
      }
      if (!(await exists(connection, volume(), fileOf(batchId), context))) return 'absent'
      await copy(batchId, context)
      removeLater(connection, volume(), [fileOf(batchId)])
      // a file that was loaded before is left out, also when somebody took its rows away since
      return (await arrived(batchId, context)) ? 'delivered' : 'absent'
    },

    keys: (_schema, source, context) => storedVersions(connection, table, source, context),
    totals: async () => VERSIONS_UNTOLD,
    readMark: (context) => readMarks(connection, table, context),
    writeMark: (mark, context, replaced) => connection.writeMark({ table, mark, context, replaced }),
  }
}

/** COPY INTO remembers the names of the files that it loaded: repeated, it changes nothing. */
export function copyInto(table: TableName, volume: Volume, file: string): string {
  const values: Readonly<Record<string, string>> = {
    _sync_read: 'CAST(`_sync_read` AS BIGINT)',
    _sync_at: 'CAST(`_sync_at` AS TIMESTAMP)',
    // always written, because the loader knows only columns that a file of the batch has
    _source_stamp: "NULLIF(`_source_stamp`, '')",
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
