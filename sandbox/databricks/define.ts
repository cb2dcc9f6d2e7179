import { randomUUID } from 'node:crypto'
import { run, type Work } from '../sql/engine.ts'
import { literal, quote } from '../sql/reader.ts'
import { BINARY, collated } from './collations.ts'
import { quoted, SqlError, schemaNotFound, type TableName, tableNotFound, unresolved } from './errors.ts'
import { engineName, LAKE, OWN } from './sql/cursor.ts'
import {
  type AlterAction,
  type ColumnDefinition,
  type CreateTable,
  checkColumnNames,
  type Definition,
} from './sql/ddl.ts'
import type { SqlType } from './sql/types.ts'
import { atomically, columnsOf, hasSchema, hasTable, hasVolume } from './store.ts'
import type { Volumes } from './volumes.ts'

const own = (table: string) => `${LAKE}.${OWN}.${table}`
const text = (value: string | null) => (value === null ? 'NULL' : literal(value))
const texts = (values: readonly string[]) => `[${values.map(literal).join(', ')}]::VARCHAR[]`

/** Runs CREATE, DROP, ALTER and COMMENT ON: the engine's object and its description change together. */
export async function runDefinition(work: Work, definition: Definition, volumes: Volumes): Promise<void> {
  await atomically(work, async () => {
    switch (definition.kind) {
      case 'create-schema':
        return await createSchema(work, definition.schema, definition)
      case 'create-volume':
        await createVolume(work, definition.volume, definition.ifNotExists, definition.comment)
        return volumes.create(definition.volume)
      case 'create-table':
        return await createTable(work, definition)
      case 'drop':
        return await drop(work, definition.table, definition.what, definition.ifExists)
      case 'drop-schema':
        return await dropSchema(work, definition.schema, definition.ifExists, definition.cascade)
      case 'alter':
        return await alter(work, definition.table, definition.change)
      case 'comment':
        return await setTable(work, definition.table, 'comment', literal(definition.comment))
    }
  })
}

export async function createSchema(
  work: Work,
  schema: string,
  options: { ifNotExists: boolean; comment: string | null; collation: string | undefined },
): Promise<void> {
  const { ifNotExists, comment } = options
  if (await hasSchema(work, schema)) {
    if (ifNotExists) return
    throw new SqlError(
      'SCHEMA_ALREADY_EXISTS',
      '42P06',
      `Cannot create schema \`${schema}\` because it already exists.`,
    )
  }
  await run(work, `CREATE SCHEMA ${LAKE}.${quote(schema)}`)
  // the schema `default` has been there from the start, with the catalog's
  const collation = options.collation ?? (await collationOf(work, 'schemas', `name = 'default'`))
  await run(
    work,
    `INSERT INTO ${own('schemas')} (name, comment, compares_by) VALUES (${literal(schema)}, ${text(comment)}, ${literal(collation)})`,
  )
}

export async function createVolume(
  work: Work,
  volume: TableName,
  ifNotExists: boolean,
  comment: string | null,
): Promise<void> {
  if (!(await hasSchema(work, volume.schema))) throw schemaNotFound(volume.catalog, volume.schema)
  if (await hasVolume(work, volume)) {
    if (ifNotExists) return
    throw new SqlError(
      'VOLUME_ALREADY_EXISTS',
      '42000',
      `Cannot create volume ${quoted(volume)} because it already exists.`,
    )
  }
  await run(
    work,
    `INSERT INTO ${own('volumes')} VALUES (${[volume.schema, volume.name].map(literal).join(', ')}, ${text(comment)})`,
  )
}

async function createTable(work: Work, definition: CreateTable): Promise<void> {
  const { table } = definition
  if (!(await hasSchema(work, table.schema))) throw schemaNotFound(table.catalog, table.schema)
  if (await hasTable(work, table)) {
    if (definition.ifNotExists) return
    if (!definition.replace) {
      throw new SqlError(
        'TABLE_OR_VIEW_ALREADY_EXISTS',
        '42P07',
        `Cannot create table or view ${quoted(table)} because it already exists. Choose a different name, drop or replace the existing object, or add the IF NOT EXISTS clause.`,
      )
    }
    await dropTable(work, table)
  }
  const collation = definition.collation ?? (await collationOf(work, 'schemas', `name = ${literal(table.schema)}`))
  const columns = collate(definition.columns, collation)
  await run(work, `CREATE TABLE ${engineName(table)} (${columns.map(engineColumn).join(', ')})`)
  const { comment, clusterBy, primaryKey, properties } = definition
  await run(
    work,
    `INSERT INTO ${own('tables')} VALUES (${literal(table.schema)}, ${literal(table.name)}, ${text(comment)}, ${texts(clusterBy)}, ${texts(primaryKey)}, ${literal(JSON.stringify(properties))}, ${literal(randomUUID())}, now(), ${literal(collation)})`,
  )
  await describeColumns(work, table, columns, 1)
}

/** The default collation of a schema or a table. */
async function collationOf(work: Work, of: 'schemas' | 'tables', where: string): Promise<string> {
  const reader = await run(work, `SELECT compares_by FROM ${own(of)} WHERE ${where}`)
  return String(reader.getRowsJson()[0]?.[0] ?? BINARY)
}

async function propertiesOf(work: Work, where: string): Promise<Record<string, string>> {
  const reader = await run(work, `SELECT properties FROM ${own('tables')} WHERE ${where}`)
  return JSON.parse(String(reader.getRowsJson()[0]?.[0] ?? '{}'))
}

const collate = (columns: readonly ColumnDefinition[], otherwise: string): ColumnDefinition[] =>
  columns.map((column) => ({ ...column, type: collated(column.type, column.collation ?? otherwise) }))

function engineColumn({ name, type, nullable }: ColumnDefinition): string {
  const limit = type.limit === undefined ? '' : ` CHECK (length(${quote(name)}) <= ${type.limit})`
  return `${quote(name)} ${type.engine}${nullable ? '' : ' NOT NULL'}${limit}`
}

async function describeColumns(
  work: Work,
  table: TableName,
  columns: readonly ColumnDefinition[],
  from: number,
): Promise<void> {
  const rows = columns.map(({ name, type, nullable, comment }, index) => {
    const values = [
      literal(table.schema),
      literal(table.name),
      from + index,
      literal(name),
      literal(type.name),
      nullable,
      text(comment),
    ]
    return `(${values.join(', ')})`
  })
  await run(work, `INSERT INTO ${own('columns')} VALUES ${rows.join(', ')}`)
}

const rowsOf = (table: TableName) => `schema = ${literal(table.schema)} AND table_name = ${literal(table.name)}`

async function dropTable(work: Work, table: TableName): Promise<void> {
  await run(work, `DROP TABLE ${engineName(table)}`)
  await run(
    work,
    `DELETE FROM ${own('tables')} WHERE schema = ${literal(table.schema)} AND name = ${literal(table.name)}`,
  )
  await run(work, `DELETE FROM ${own('columns')} WHERE ${rowsOf(table)}`)
  await run(work, `DELETE FROM ${own('copied')} WHERE ${rowsOf(table)}`)
}

async function drop(work: Work, table: TableName, what: 'TABLE' | 'VOLUME', ifExists: boolean): Promise<void> {
  const exists = what === 'TABLE' ? await hasTable(work, table) : await hasVolume(work, table)
  if (!exists) {
    if (ifExists) return
    throw what === 'TABLE'
      ? tableNotFound(table)
      : new SqlError('VOLUME_NOT_FOUND', '42704', `The volume ${quoted(table)} cannot be found.`)
  }
  if (what === 'TABLE') return await dropTable(work, table)
  await run(
    work,
    `DELETE FROM ${own('volumes')} WHERE schema = ${literal(table.schema)} AND name = ${literal(table.name)}`,
  )
}

async function dropSchema(work: Work, schema: string, ifExists: boolean, cascade: boolean): Promise<void> {
  if (!(await hasSchema(work, schema))) {
    if (ifExists) return
    throw schemaNotFound('', schema)
  }
  const tables = await run(work, `SELECT name FROM ${own('tables')} WHERE schema = ${literal(schema)}`)
  if (tables.currentRowCount > 0 && !cascade) {
    throw new SqlError(
      'SCHEMA_NOT_EMPTY',
      '2BP01',
      `Cannot drop a schema \`${schema}\` because it contains objects. Use DROP SCHEMA ... CASCADE to drop the schema and all its objects.`,
    )
  }
  for (const [name] of tables.getRowsJson()) await dropTable(work, { catalog: '', schema, name: String(name) })
  await run(work, `DELETE FROM ${own('volumes')} WHERE schema = ${literal(schema)}`)
  await run(work, `DELETE FROM ${own('schemas')} WHERE name = ${literal(schema)}`)
  await run(work, `DROP SCHEMA ${LAKE}.${quote(schema)}`)
}

async function setTable(work: Work, table: TableName, column: string, value: string): Promise<void> {
  await run(
    work,
    `UPDATE ${own('tables')} SET ${column} = ${value} WHERE schema = ${literal(table.schema)} AND name = ${literal(table.name)}`,
  )
}

async function alter(work: Work, table: TableName, change: AlterAction): Promise<void> {
  const columns = await columnsOf(work, table)
  const find = (name: string) => {
    const column = columns.find((known) => known.name.toLowerCase() === name.toLowerCase())
    if (!column) throw unresolved(name)
    return column
  }
  const setColumn = (name: string, assignment: string) =>
    run(
      work,
      `UPDATE ${own('columns')} SET ${assignment} WHERE ${rowsOf(table)} AND name = ${literal(find(name).name)}`,
    )
  const engine = `ALTER TABLE ${engineName(table)}`

  switch (change.action) {
    case 'add': {
      const known = columns.map((column) => column.name.toLowerCase())
      const twice = change.columns.find((column) => known.includes(column.name.toLowerCase()))
      if (twice) {
        throw new SqlError(
          'FIELD_ALREADY_EXISTS',
          '42710',
          `Cannot add column, because \`${twice.name}\` already exists in the table.`,
        )
      }
      // The engine cannot add a column together with its CHECK, so a length limit is not enforced on a late column.
      const at = `schema = ${literal(table.schema)} AND name = ${literal(table.name)}`
      checkColumnNames(change.columns, await propertiesOf(work, at))
      const added = collate(change.columns, await collationOf(work, 'tables', at))
      for (const { name, type } of added) await run(work, `${engine} ADD COLUMN ${quote(name)} ${type.engine}`)
      return await describeColumns(work, table, added, columns.length + 1)
    }
    case 'type': {
      const { name, type } = find(change.column)
      if (!isWider(type, change.type)) {
        throw new SqlError(
          'DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP',
          '0AKDC',
          `ALTER TABLE ALTER/CHANGE COLUMN is not supported for changing column ${name} from ${type} to ${change.type.name}.`,
        )
      }
      const wanted = collated(change.type, change.collation ?? BINARY)
      await run(work, `${engine} ALTER COLUMN ${quote(name)} TYPE ${wanted.engine}`)
      return void (await setColumn(name, `type = ${literal(wanted.name)}`))
    }
    case 'comment':
      return void (await setColumn(change.column, `comment = ${literal(change.comment)}`))
    case 'nullable':
      await run(
        work,
        `${engine} ALTER COLUMN ${quote(find(change.column).name)} ${change.nullable ? 'DROP' : 'SET'} NOT NULL`,
      )
      return void (await setColumn(change.column, `nullable = ${change.nullable}`))
    case 'properties':
      return await setTable(
        work,
        table,
        'properties',
        `json_merge_patch(properties, ${literal(JSON.stringify(change.properties))})`,
      )
    case 'cluster':
      for (const name of change.columns) find(name)
      return await setTable(work, table, 'cluster_by', texts(change.columns))
    case 'key':
      return await setKey(work, table, change.columns.map(find))
  }
}

async function setKey(
  work: Work,
  table: TableName,
  columns: readonly { name: string; nullable: boolean }[],
): Promise<void> {
  const nullable = columns.filter((column) => column.nullable)
  if (nullable.length > 0) {
    throw new SqlError(
      'INVALID_PARAMETER_VALUE',
      '22023',
      `Cannot create the primary key because its child column(s) ${nullable.map((column) => `\`${column.name}\``).join(', ')} is nullable. Please change the column nullability and retry.`,
    )
  }
  await setTable(work, table, 'primary_key', texts(columns.map((column) => column.name)))
}

const WIDTH = ['tinyint', 'smallint', 'int', 'bigint']

function isWider(declared: string, { name: to }: SqlType): boolean {
  const from = declared.replace(/ collate .*/, '')
  if (from === to) return true
  if (WIDTH.includes(from) && WIDTH.includes(to)) return WIDTH.indexOf(from) < WIDTH.indexOf(to)
  const [precision = 0, scale = 0] = (from.match(/\d+/g) ?? []).map(Number)
  const [toPrecision = 0, toScale = 0] = (to.match(/\d+/g) ?? []).map(Number)
  if (/^(varchar|char)\(/.test(from)) return to === 'string' || (to.startsWith('varchar') && toPrecision >= precision)
  return (
    from.startsWith('decimal') &&
    to.startsWith('decimal') &&
    toScale >= scale &&
    toPrecision - toScale >= precision - scale
  )
}
