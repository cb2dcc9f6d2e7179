import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import type { Account } from './account.ts'
import {
  type Column,
  engineTable,
  errorTable,
  keyOf,
  mayCreate,
  nameOf,
  type Place,
  partsOf,
  type Table,
} from './catalog.ts'
import { createErrorTable } from './error-log.ts'
import { invalidIdentifier, noSuch, SqlError } from './errors.ts'
import { type Outcome, status, TYPE_IDS, typeOf } from './results.ts'
import type { Session } from './session.ts'
import { engineCollation } from './sql/collation.ts'
import type { AlterAction, CreateTable, Definition } from './sql/ddl.ts'
import { column as inEngine } from './sql/dml.ts'
import { originalName, shown } from './sql/names.ts'
import { assignTo, type SqlType, typeName } from './sql/types.ts'

interface Ground {
  account: Account
  session: Session
  work: Work
}

const ok = (text: string): Outcome => status(text, TYPE_IDS.ddl)

/** CREATE, DROP, ALTER and COMMENT: the catalogue and the engine's tables. What is permanent is saved by the caller. */
export async function runDefinition(ground: Ground, statement: Definition): Promise<Outcome> {
  const { account, session } = ground
  const { catalog, rights } = account
  switch (statement.kind) {
    case 'create-table':
      return await createTable(ground, statement)
    case 'create-schema': {
      rights.check('CREATE SCHEMA', 'database', catalog.database)
      if (!mayCreate(catalog.schemas.has(statement.name), statement, statement.name))
        return ok(`${statement.name} already exists, statement succeeded.`)
      if (statement.replace) await dropSchema(ground, statement.name)
      catalog.schemas.set(statement.name, { comment: statement.comment, created: Date.now() })
      // It is the session's schema from now on.
      session.database = catalog.database
      session.schema = statement.name
      return ok(`Schema ${statement.name} successfully created.`)
    }
    case 'create-stage': {
      const { place, temporary } = statement
      catalog.checkSchema(place.database, place.schema)
      rights.check('CREATE STAGE', 'schema', place.database, place.schema)
      const stages = temporary ? session.stages : catalog.stages
      const before = stages.get(keyOf(place))
      if (!mayCreate(before !== undefined, statement, place.name))
        return ok(`${place.name} already exists, statement succeeded.`)
      if (before) await account.stages.removeStage(before.id)
      const { format, comment } = statement
      stages.set(keyOf(place), { ...place, format, comment, created: Date.now(), id: account.stages.newId() })
      return ok(`Stage area ${place.name} successfully created.`)
    }
    case 'create-format': {
      const { place, format } = statement
      catalog.checkSchema(place.database, place.schema)
      rights.check('CREATE FILE FORMAT', 'schema', place.database, place.schema)
      if (!mayCreate(catalog.formats.has(keyOf(place)), statement, place.name))
        return ok(`${place.name} already exists, statement succeeded.`)
      catalog.formats.set(keyOf(place), { ...place, format })
      return ok(`File format ${place.name} successfully created.`)
    }
    case 'drop-table': {
      const table = catalog.find(statement.place, session)
      if (!table) return absent(ground, 'Table', statement.place, statement.ifExists)
      rights.check('OWNERSHIP', 'table', ...partsOf(table))
      await dropTable(ground, table)
      return ok(`${table.name} successfully dropped.`)
    }
    case 'drop-schema': {
      if (!catalog.schemas.has(statement.name)) {
        if (statement.ifExists) return ok('Drop statement executed successfully.')
        throw noSuch('Schema', shown(catalog.database, statement.name))
      }
      rights.check('OWNERSHIP', 'schema', catalog.database, statement.name)
      await dropSchema(ground, statement.name)
      return ok(`${statement.name} successfully dropped.`)
    }
    case 'drop-stage': {
      const stages = [session.stages, catalog.stages].find((one) => one.has(keyOf(statement.place)))
      const stage = stages?.get(keyOf(statement.place))
      if (!stage) return absent(ground, 'Stage', statement.place, statement.ifExists)
      stages?.delete(keyOf(statement.place))
      await account.stages.removeStage(stage.id)
      return ok(`${stage.name} successfully dropped.`)
    }
    case 'drop-format':
      if (!catalog.formats.delete(keyOf(statement.place)))
        return absent(ground, 'File format', statement.place, statement.ifExists)
      return ok(`${statement.place.name} successfully dropped.`)
    case 'alter-missing':
      return ok('Statement executed successfully.')
    case 'comment': {
      const { table, column, comment } = statement
      if (column === undefined) table.comment = comment
      else columnOf(table, column).comment = comment
      return ok('Statement executed successfully.')
    }
    case 'default-collation': {
      const [database = '', schema] = statement.of
      if (schema !== undefined) catalog.checkSchema(database, schema)
      engineCollation(statement.collation)
      catalog.collations.set(JSON.stringify(statement.of), statement.collation)
      return ok('Statement executed successfully.')
    }
    case 'alter':
      await alter(ground, statement.table, statement.change)
      return ok('Statement executed successfully.')
  }
}

function absent({ account }: Ground, kind: string, place: Place, ifExists: boolean): Outcome {
  if (ifExists) return ok(`Drop statement executed successfully (${place.name} already dropped).`)
  account.catalog.checkSchema(place.database, place.schema)
  throw noSuch(kind, nameOf(place))
}

async function dropTable({ account, session, work }: Ground, table: Table): Promise<void> {
  await run(work, `DROP TABLE IF EXISTS ${table.engine}`)
  if (table.kind !== 'TEMPORARY') await run(work, `DROP TABLE IF EXISTS ${errorTable(table)}`)
  ;(table.kind === 'TEMPORARY' ? session.temporary : account.catalog.tables).delete(keyOf(table))
}

async function dropSchema(ground: Ground, name: string): Promise<void> {
  const { catalog, stages } = ground.account
  for (const table of [...catalog.tables.values()]) if (table.schema === name) await dropTable(ground, table)
  for (const [key, stage] of catalog.stages) {
    if (stage.schema !== name) continue
    catalog.stages.delete(key)
    await stages.removeStage(stage.id)
  }
  catalog.schemas.delete(name)
}

async function createTable(ground: Ground, made: CreateTable): Promise<Outcome> {
  const { account, session, work } = ground
  const { catalog, rights } = account
  const { place, type } = made
  catalog.checkSchema(place.database, place.schema)
  const isTemporary = type === 'TEMPORARY'
  // A temporary table needs no right on the schema.
  if (!isTemporary) rights.check('CREATE TABLE', 'schema', place.database, place.schema)
  const own = isTemporary ? session.temporary : catalog.tables
  const before = own.get(keyOf(place))
  if (!mayCreate(before !== undefined, made, place.name))
    return ok(`${place.name} already exists, statement succeeded.`)
  const engine = engineTable(place, isTemporary)
  const given = made.query === undefined ? made.columns : await columnsFrom(work, made)
  const columns = given.map((column) => withCollation(account, column, place, made.defaultCollation))
  const table: Table = {
    ...place,
    kind: type,
    engine,
    columns,
    primaryKey: made.primaryKey,
    clusterBy: made.clusterBy,
    comment: made.comment,
    errorLogging: made.errorLogging,
    defaultCollation: made.defaultCollation,
    created: Date.now(),
    loads: {},
  }
  if (made.query !== undefined) await run(work, `CREATE OR REPLACE TEMPORARY TABLE as_select AS ${made.query}`)
  if (before) await dropTable(ground, before)
  const definitions = columns.map((column) => definition(column))
  await run(work, `CREATE ${isTemporary ? 'TEMPORARY ' : ''}TABLE ${engine} (${definitions.join(', ')})`)
  if (made.errorLogging) await run(work, createErrorTable(table))
  if (made.query !== undefined) {
    const names = columns.map((_, index) => quote(`v${index}`))
    const values = columns.map((column, index) => assignTo(names[index] ?? '', column.type))
    await run(
      work,
      `INSERT INTO ${engine} SELECT ${values.join(', ')} FROM temp.as_select AS source(${names.join(', ')})`,
    )
    await run(work, 'DROP TABLE temp.as_select')
  }
  own.set(keyOf(place), table)
  return ok(`Table ${place.name} successfully created.`)
}

/** The columns of CREATE TABLE .. AS: those given, else those of the query. */
async function columnsFrom(work: Work, made: CreateTable): Promise<Column[]> {
  if (made.columns.length > 0) return made.columns
  const reader = await run(work, `SELECT * FROM (${made.query}) LIMIT 0`)
  return reader.columnNames().map((name, index) => ({
    name: originalName(name),
    type: typeOf(reader.columnType(index)),
    nullable: true,
    comment: null,
  }))
}

/** A text column without a collation of its own has the default of its table, schema, database or account. */
function withCollation(
  { catalog, parameters, keepsDefaultCollation }: Account,
  column: Column,
  { database, schema }: Place,
  ofTable: string | undefined,
): Column {
  const { collation, ...rest } = column
  if (column.type.kind !== 'text') return rest
  const given = collation === '' && keepsDefaultCollation() ? undefined : collation
  const found =
    given ??
    ofTable ??
    catalog.collations.get(JSON.stringify([database, schema])) ??
    catalog.collations.get(JSON.stringify([database])) ??
    parameters.account.get('DEFAULT_DDL_COLLATION') ??
    ''
  return found === '' ? rest : { ...rest, collation: found }
}

function engineType({ type, collation = '' }: Column): string {
  const engine = engineCollation(collation)
  return engine === undefined ? type.engine : `${type.engine} COLLATE ${engine}`
}

function definition(column: Column): string {
  const given = column.default === undefined ? '' : ` DEFAULT ${column.default}`
  return `${inEngine(column.name)} ${engineType(column)}${given}${column.nullable ? '' : ' NOT NULL'}`
}

function columnOf(table: Table, name: string): Column {
  const found = table.columns.find((column) => column.name === name)
  if (!found) throw invalidIdentifier(shown(name))
  return found
}

async function alter(ground: Ground, table: Table, change: AlterAction): Promise<void> {
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
