/** How the rows of a batch come to the typed tables: all tables in one temporary one, of the session that merges. */
import { isDeletion, type Schema } from '../../../sync/contract/message.ts'
import type { WriteBatch } from '../../../sync/contract/target.ts'
import { type FindColumn, type TableName, tagsOf } from '../../../vendor/warehouse/dialect.ts'
import type { MergeStatements, Part, Staging, Text } from '../../../vendor/warehouse/merging.ts'
import { compileSerializer, packRows, type Serializer, stagedFields } from '../../../vendor/warehouse/staged-rows.ts'
import type { StoredRow } from '../../../vendor/warehouse/technical-columns.ts'
import { eachConnection } from '../../../vendor/warehouse/warehouse.ts'
import type { Connection } from './connection.ts'
import { headerMerge, listMerge, type MergeTable, rangeColumns, rejectedQuery, vanishedQuery } from './merge.ts'
import { plainTable, quoteTable } from './sql.ts'
import {
  batchPath,
  type ReadyRows,
  readyRows,
  removeLater,
  type StageOptions,
  type StagingTable,
  stageRows,
  stagingName,
  uploadAhead,
} from './stage.ts'

/** The rows of a batch, and how many there are for each table. */
interface Rows {
  readonly counts: readonly number[]
  readonly ready: ReadyRows
}

/** Schemas whose temporary tables were looked at: one answer for all entities. */
const checkedSchemas = eachConnection(() => new Set<string>())

export const mergeStaging =
  (connection: Connection, options: StageOptions) =>
  (schema: Schema, parts: readonly Part[]): Staging<Rows> => {
    const name = (parts[0] as Part).wanted.name
    const staging = stagingTable(name, parts, checkedSchemas(connection))
    const serializers = parts.map(({ list, columns }, i) =>
      compileSerializer(schema, { list, columns, tag: String(i) }),
    )
    return {
      async stage(batch, purpose, context) {
        const { counts, packed } = pack(serializers, batch)
        const path = batchPath(options.stage, batch.id, purpose)
        const ready = await readyRows(packed, path, options, plainTable(name), tagsOf(batch))
        await uploadAhead(connection, ready, context)
        return { counts, ready }
      },
      load: (work, { ready }) => stageRows(connection, work, staging, ready),
      drop: ({ ready }) => removeLater(connection, ready),
      samePlace: true,
      statements: (found) => statementsOf(parts, found, staging.name),
    }
  }

function stagingTable(name: TableName, parts: readonly Part[], checked: Set<string>): StagingTable {
  const widest = parts.reduce((a, b) => (b.columns.length > a.columns.length ? b : a))
  return { name: stagingName(name), fields: ['t', ...stagedFields(widest.columns)], checked }
}

function pack(serializers: readonly Serializer[], { records }: WriteBatch) {
  const counts = serializers.map(() => 0)
  const packed = packRows(({ add, end }) => {
    for (const [i, serialize] of serializers.entries())
      serialize(records, {
        add,
        end() {
          counts[i] = (counts[i] ?? 0) + 1
          end()
        },
      })
  })
  return { counts, packed }
}

function statementsOf(parts: readonly Part[], found: readonly FindColumn[], staging: TableName): MergeStatements<Rows> {
  const tables = parts.map(
    ({ wanted, key, columns }, i): MergeTable => ({
      name: wanted.name,
      key,
      columns,
      find: found[i] as FindColumn,
      tag: String(i),
    }),
  )
  const [header] = tables as [MergeTable]
  const ranged = rangeColumns(tables)
  const merges = tables.map((table, i) =>
    i === 0 ? headerMerge(header, staging, ranged) : listMerge(table, header, staging, ranged),
  )
  const only = (sql: string): Text => ({ sql })
  return {
    merge: (place, _rows, batch) => ({
      sql: merges[place] as string,
      values: [['run', batch.run], ['at', batch.at], ...ranges(batch, ranged)],
    }),
    rejected(place) {
      const sql = rejectedQuery(tables[place] as MergeTable, staging)
      return sql === '' ? undefined : { sql }
    },
    leftOut: {
      code: 'snowflake.left-out',
      why: (table) =>
        `${plainTable(table)} leaves the row out without an error, because ERROR_LOGGING is on: SELECT * FROM ERROR_TABLE(${quoteTable(table)}) says why.`,
      expected: (place, { counts }, { records }) =>
        place === 0 ? records.filter(({ record }) => !isDeletion(record)).length : (counts[place] ?? 0),
      touched,
      query: (place) => only(vanishedQuery(tables[place] as MergeTable, header, staging)),
    },
  }
}

/** Rows inserted and updated, as the MERGE says. */
const touched = (row: StoredRow | undefined): number =>
  Number(row?.['number of rows inserted'] ?? 0) + Number(row?.['number of rows updated'] ?? 0)

/** Lowest and highest value of each range column, in the order in which Snowflake compares texts: by their UTF-8 bytes. */
function ranges({ records }: WriteBatch, ranged: readonly string[]): readonly (readonly [string, string])[] {
  return ranged.flatMap((name): readonly (readonly [string, string])[] => {
    let low: Buffer | undefined
    let high: Buffer | undefined
    for (const { record } of records) {
      const text = Buffer.from(String(record[name] ?? ''))
      if (low === undefined || text.compare(low) < 0) low = text
      if (high === undefined || text.compare(high) > 0) high = text
    }
    return [
      [`low ${name}`, String(low ?? '')],
      [`high ${name}`, String(high ?? '')],
    ]
  })
}
