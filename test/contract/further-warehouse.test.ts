/** A warehouse of which `vendor/warehouse/` knows nothing: what its client says is enough for what all of them must do. */

import { sqlTarget } from '../../vendor/warehouse/sql-target.ts'
import { VERSION_COLUMNS } from '../../vendor/warehouse/technical-columns.ts'
import { createWarehouse } from '../../vendor/warehouse/warehouse.ts'
import { openFurther, sqlType } from '../support/further/dialect.ts'
import { furtherStaging } from '../support/further/merge.ts'
import { furtherLoading } from '../support/further/versions.ts'
import { type TargetBench, targetSuite } from '../support/target-suite.ts'
import { journal } from '../support/warehouse.ts'

async function startBench(): Promise<TargetBench> {
  const { dialect, refused, rows, close } = await openFurther()
  const warehouse = createWarehouse(dialect)
  return {
    target(prefix, { mode = 'merge', schema = journal }) {
      const tableOf = (entity: string) => ({ catalog: 'memory', schema: 'main', table: `${prefix}${entity}` })
      return mode === 'append'
        ? sqlTarget(warehouse, schema.entity, {
            mode,
            tableOf,
            columns: VERSION_COLUMNS,
            loading: furtherLoading(dialect),
          })
        : sqlTarget(warehouse, schema.entity, { mode, tableOf, staging: furtherStaging })
    },
    read(table, columns) {
      const texts = columns.map((name) => `CAST("${name}" AS VARCHAR)`)
      return rows(`SELECT ${texts.join(', ')} FROM ${table} ORDER BY ${columns.map((_, i) => i + 1).join(', ')}`)
    },
    async create(table, columns) {
      const wanted = Object.entries(columns).map(([name, type]) => `"${name}" ${sqlType(type)}`)
      await rows(`CREATE TABLE ${table} (${wanted.join(', ')})`)
    },
    async insert(table, row) {
      const values = Object.values(row).map((value) => `'${value}'`)
      await rows(
        `INSERT INTO ${table} (${Object.keys(row)
          .map((name) => `"${name}"`)
          .join(', ')}) VALUES (${values.join(', ')})`,
      )
    },
    sql: async (table, text) => void (await rows(text.replaceAll('$T', table))),
    protect(table) {
      refused.add(`"memory"."main"."${table}"`)
      return () => refused.clear()
    },
    async remove(table, what) {
      await rows(what === 'rows' ? `DELETE FROM ${table}` : `DROP TABLE ${table}`)
    },
    close: async () => close(),
  }
}

targetSuite('a further warehouse', startBench)
