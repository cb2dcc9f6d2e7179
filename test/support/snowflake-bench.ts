import { sqlType } from '../../nodes/snowflake/client/sql.ts'
import type { SnowflakeOptions } from '../../sandbox/snowflake/server.ts'
import { startSnowflakeFixture } from './snowflake.ts'
import type { TargetBench } from './target-suite.ts'
import { journal } from './warehouse.ts'

/** The sandbox as the suite of all warehouses sees it. */
export async function startSnowflakeBench(options: SnowflakeOptions = {}): Promise<TargetBench> {
  const f = await startSnowflakeFixture(options)
  const connection = f.connect()
  const at = (table: string): string => `"${f.sandbox.database}"."${f.sandbox.schema}"."${table.toUpperCase()}"`
  return {
    target: (prefix, { mode = 'merge', byFile, schema = journal }) =>
      f.target(connection, schema.entity, {
        pattern: `{database}.{schema}.${prefix}{entity}`,
        mode,
        ...(byFile ? { maxBindBytes: 0 } : {}),
      }),
    async read(table, columns) {
      const texts = columns.map((name) =>
        name === 'record' ? 'TO_JSON("RECORD")' : `CAST("${name.toUpperCase()}" AS VARCHAR)`,
      )
      const order = columns.map((_, i) => i + 1).join(', ')
      return (await f.rows(`SELECT ${texts.join(', ')} FROM ${at(table)} ORDER BY ${order}`)) as (string | null)[][]
    },
    async create(table, columns) {
      const wanted = Object.entries(columns).map(
        ([name, type]) => `${name} ${sqlType(type)}${type === 'string' ? " COLLATE ''" : ''}`,
      )
      await f.rows(`CREATE TABLE ${at(table)} (${wanted.join(', ')})`)
    },
    async insert(table, row) {
      const values = Object.values(row).map((value) => `'${value}'`)
      await f.rows(`INSERT INTO ${at(table)} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`)
    },
    sql: async (table, text) => void (await f.rows(text.replaceAll('$T', at(table)))),
    protect(table) {
      for (const right of ['INSERT', 'UPDATE', 'DELETE']) f.sandbox.deny(right, at(table).replaceAll('"', ''))
      return () => f.sandbox.allow()
    },
    async remove(table, what) {
      await f.rows(`${what === 'rows' ? 'TRUNCATE' : 'DROP'} TABLE ${at(table)}`)
    },
    close: () => f.close(),
  }
}
