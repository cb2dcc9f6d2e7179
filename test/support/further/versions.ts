/** Versions wait as text in a table of their own, and are loaded from there unless rows of their batch are in. */
import type { Loading } from '../../../vendor/warehouse/append-target.ts'
import type { SqlDialect, TableName, Work } from '../../../vendor/warehouse/dialect.ts'
import { VERSION_COLUMNS, versionRows } from '../../../vendor/warehouse/technical-columns.ts'
import { cast, plain, quote, quoteTable } from './dialect.ts'

export const furtherLoading =
  ({ run }: SqlDialect) =>
  (table: TableName): Loading => {
    const stage = quoteTable({ ...table, table: `${table.table}_staged` })
    const made = `CREATE TABLE IF NOT EXISTS ${stage} (batch VARCHAR PRIMARY KEY, rows VARCHAR)`
    const ask = async ({ run: send, context }: Work, sql: string, batchId: string) => {
      await run({ sql: made, what: stage, kind: 'write' }, context)
      return send({ sql, values: [['batch', batchId]], what: `Batch ${batchId} of ${plain(table)}`, kind: 'write' })
    }
    const shape = `[{${VERSION_COLUMNS.map(({ name }) => `"${name}":"VARCHAR"`).join(',')}}]`
    const value = ({ name, type }: (typeof VERSION_COLUMNS)[number]): string =>
      name === '_source_stamp' ? `NULLIF(r.${quote(name)}, '')` : cast(`r.${quote(name)}`, type)
    const isIn = `SELECT 1 FROM ${quoteTable(table)} AS t WHERE t._sync_batch = $1`
    const load = `INSERT INTO ${quoteTable(table)} (${VERSION_COLUMNS.map(({ name }) => quote(name)).join(', ')}) SELECT ${VERSION_COLUMNS.map(value).join(', ')} FROM (SELECT unnest(from_json(rows, '${shape}')) AS r FROM ${stage} WHERE batch = $1 AND NOT EXISTS (${isIn}))`
    return {
      counts: true,
      async upload(batch, _find, context) {
        await run({ sql: made, what: stage, kind: 'write' }, context)
        const values = [['batch', batch.id] as const, ['rows', JSON.stringify(versionRows(batch))] as const]
        await run(
          { sql: `INSERT OR REPLACE INTO ${stage} VALUES ($1, $2)`, values, what: stage, kind: 'write' },
          context,
        )
      },
      load: async (work, batchId) => Number((await ask(work, load, batchId))[0]?.Count ?? 0),
      arrived: async (work, batchId) => (await ask(work, isIn, batchId)).length,
      exists: async (work, batchId) => (await ask(work, `SELECT 1 FROM ${stage} WHERE batch = $1`, batchId)).length > 0,
      remove: (work, batchId) => ask(work, `DELETE FROM ${stage} WHERE batch = $1`, batchId),
    }
  }
