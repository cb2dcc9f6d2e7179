import { run, type Work } from '../sql/engine.ts'
import { quote } from '../sql/reader.ts'
import { alter } from './alter.ts'
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
import { columnOf, definition, type Ground, withCollation } from './columns.ts'
import { createErrorTable } from './error-log.ts'
import { noSuch } from './errors.ts'
import { type Outcome, status, TYPE_IDS, typeOf } from './results.ts'
import { engineCollation } from './sql/collation.ts'
import type { CreateTable, Definition } from './sql/ddl.ts'
import { originalName, shown } from './sql/names.ts'
import { assignTo } from './sql/types.ts'

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
