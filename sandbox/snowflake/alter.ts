import { run } from '../sql/engine.ts'
import { type Column, engineTable, keyOf, mayCreate, type Place, type Table } from './catalog.ts'
import { columnOf, engineType, type Ground, withCollation } from './columns.ts'
import { createErrorTable } from './error-log.ts'
import { SqlError } from './errors.ts'
import type { AlterAction } from './sql/ddl.ts'
import { column as inEngine } from './sql/dml.ts'
import { shown } from './sql/names.ts'
import type { SqlType } from './sql/sql-type.ts'
import { typeName } from './sql/types.ts'

/** ALTER TABLE. */
export async function alter(ground: Ground, table: Table, change: AlterAction): Promise<void> {
  const { account, session, work } = ground
  const alterTable = (what: string) => run(work, `ALTER TABLE ${table.engine} ${what}`)
  switch (change.action) {
    case 'add':
      return await addColumns(ground, table, change.columns, change.ifNotExists)
    case 'drop':
      for (const name of change.columns) {
        if (change.ifExists && !table.columns.some((column) => column.name === name)) continue
        columnOf(table, name)
        await alterTable(`DROP COLUMN ${inEngine(name)}`)
        table.columns = table.columns.filter((column) => column.name !== name)
      }
      return
    case 'type': {
      const column = columnOf(table, change.column)
      if (!isWider(column.type, change.type))
        throw new SqlError(
          '002262',
          '0A000',
          `SQL compilation error: cannot change column ${column.name} from type ${typeName(column.type)} to ${typeName(change.type)}`,
        )
      if (change.type.engine !== column.type.engine)
        await alterTable(`ALTER COLUMN ${inEngine(column.name)} TYPE ${change.type.engine}`)
      column.type = change.type
      return
    }
    case 'nullable': {
      const column = columnOf(table, change.column)
      await alterTable(`ALTER COLUMN ${inEngine(column.name)} ${change.nullable ? 'DROP' : 'SET'} NOT NULL`)
      column.nullable = change.nullable
      return
    }
    case 'comment':
      columnOf(table, change.column).comment = change.comment
      return
    case 'cluster':
      table.clusterBy = change.by
      return
    case 'key':
      for (const name of change.columns) columnOf(table, name)
      table.primaryKey = change.columns
      return
    case 'set':
      if (change.options.DEFAULT_DDL_COLLATION !== undefined)
        table.defaultCollation = change.options.DEFAULT_DDL_COLLATION
      if (change.options.COMMENT !== undefined) table.comment = change.options.COMMENT
      if (change.options.ERROR_LOGGING !== undefined) {
        table.errorLogging = change.options.ERROR_LOGGING === 'TRUE'
        if (table.errorLogging) await run(work, createErrorTable(table))
      }
      return
    case 'rename': {
      const own = table.kind === 'TEMPORARY' ? session.temporary : account.catalog.tables
      mayCreate(own.has(keyOf(change.to)), { replace: false, ifNotExists: false }, change.to.name)
      const engine = engineTable(change.to, table.kind === 'TEMPORARY')
      await alterTable(`RENAME TO ${engine.slice(engine.indexOf('"'))}`)
      own.delete(keyOf(table))
      Object.assign(table, change.to, { engine })
      own.set(keyOf(table), table)
      return
    }
    case 'swap': {
      const { tables } = account.catalog
      const [one, other] = [{ ...partsAsPlace(table) }, { ...partsAsPlace(change.with) }]
      Object.assign(table, other)
      Object.assign(change.with, one)
      tables.set(keyOf(table), table)
      tables.set(keyOf(change.with), change.with)
    }
  }
}

const partsAsPlace = ({ database, schema, name }: Place): Place => ({ database, schema, name })

async function addColumns(
  { account, work }: Ground,
  table: Table,
  columns: readonly Column[],
  ifNotExists: boolean,
): Promise<void> {
  const there = (name: string) => table.columns.some((column) => column.name === name)
  const wanted = columns
    .filter((column) => !(ifNotExists && there(column.name)))
    .map((column) => withCollation(account, column, table, table.defaultCollation))
  for (const column of wanted) {
    if (there(column.name))
      throw new SqlError('001430', '42601', `SQL compilation error:\ncolumn '${shown(column.name)}' already exists`)
    if (!column.nullable && column.default === undefined) {
      const filled = (await run(work, `SELECT 1 FROM ${table.engine} LIMIT 1`)).currentRowCount > 0
      if (filled)
        throw new SqlError(
          '002006',
          '42601',
          `SQL compilation error:\nNon-nullable column '${shown(column.name)}' cannot be added to non-empty table '${shown(table.name)}' unless it has a non-null default value.`,
        )
    }
    const given = column.default === undefined ? '' : ` DEFAULT ${column.default}`
    await run(work, `ALTER TABLE ${table.engine} ADD COLUMN ${inEngine(column.name)} ${engineType(column)}${given}`)
    if (!column.nullable)
      await run(work, `ALTER TABLE ${table.engine} ALTER COLUMN ${inEngine(column.name)} SET NOT NULL`)
    table.columns.push(column)
  }
}

/** Snowflake lets a text grow, and a number gain digits without changing its scale. */
function isWider(from: SqlType, to: SqlType): boolean {
  if (from.kind !== to.kind) return false
  if (from.kind === 'fixed') return from.scale === to.scale && to.precision >= from.precision
  return to.length >= from.length
}
