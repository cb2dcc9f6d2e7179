/** How the rows of a batch come to the typed tables: those of each table apart, and no statement needs a session. */
import type { Schema } from '../../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../../sync/contract/target.ts'
import type { MergeStatements, Part, Staging } from '../../../vendor/warehouse/merging.ts'
import type { Connection } from './connection.ts'
import { headerMerge, listMerge, type MergeTable, rejectedQuery } from './merge.ts'
import { type JsonType, plainTable, quoteTable } from './sql.ts'
import { createStager, type Staged, type StageOptions } from './stage.ts'

export interface MergeOptions extends StageOptions {
  readonly json: JsonType
}

/** The rows of each table of a batch. */
type Rows = readonly Staged[]

export const mergeStaging =
  (connection: Connection, options: MergeOptions) =>
  (schema: Schema, parts: readonly Part[]): Staging<Rows> => {
    const stagers = parts.map(({ list, columns, wanted }) =>
      createStager(connection, schema, { list, columns }, plainTable(wanted.name), options),
    )
    return {
      async stage(batch: WriteBatch, purpose: string, context: WriteContext) {
        const results = await Promise.allSettled(stagers.map((stager) => stager.stage(batch, context, purpose)))
        const rows = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
        const failed = results.find((result) => result.status === 'rejected')
        if (!failed) return rows
        drop(rows)
        throw failed.reason
      },
      drop,
      samePlace: false,
      statements: () => statementsOf(parts, options.json),
    }
  }

function drop(rows: Rows): void {
  for (const staged of rows) staged.drop()
}

function statementsOf(parts: readonly Part[], json: JsonType): MergeStatements<Rows> {
  const tables = parts.map(({ wanted, key, columns }): MergeTable => ({ table: quoteTable(wanted.name), key, columns }))
  const [header] = tables as [MergeTable]
  return {
    merge(place, rows, { run, at }) {
      const [table, { select, values }] = [tables[place] as MergeTable, rows[place] as Staged]
      const sql = place === 0 ? headerMerge(header, select, json) : listMerge(table, header, select, json)
      return { sql, values: [...values, ['run', run], ['at', at]] }
    },
    rejected(place, rows) {
      const { select, values } = rows[place] as Staged
      const sql = rejectedQuery(tables[place] as MergeTable, select, json)
      return sql === '' ? undefined : { sql, values }
    },
  }
}
