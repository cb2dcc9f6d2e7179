import type { Column, Table } from './catalog.ts'
import { keyOf } from './catalog.ts'
import type { Scope } from './sql/cursor.ts'
import { MAX_TEXT } from './sql/types.ts'

type Cell = string | number | boolean | null
type Row = Record<string, Cell>
interface View {
  columns: Record<string, 'VARCHAR' | 'BIGINT' | 'TIMESTAMP'>
  rows(scope: Scope): Row[]
}

export const stamp = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '')

/** The tables that a session sees: temporary ones hide permanent ones of the same name. */
export function visibleTables({ catalog, session }: Scope): Table[] {
  const all = new Map([...catalog.tables, ...session.temporary])
  return [...all.values()].filter((table) => catalog.find(table, session) !== undefined)
}

function columnRow(table: Table, column: Column, index: number): Row {
  const { kind, precision, scale, length } = column.type
  const isNumber = kind === 'fixed'
  const isText = kind === 'text' || kind === 'binary'
  return {
    TABLE_CATALOG: table.database,
    TABLE_SCHEMA: table.schema,
    TABLE_NAME: table.name,
    COLUMN_NAME: column.name,
    ORDINAL_POSITION: index + 1,
    COLUMN_DEFAULT: column.default ?? null,
    IS_NULLABLE: column.nullable ? 'YES' : 'NO',
    DATA_TYPE: { fixed: 'NUMBER', real: 'FLOAT' }[kind as 'fixed' | 'real'] ?? kind.toUpperCase(),
    CHARACTER_MAXIMUM_LENGTH: isText ? length : null,
    CHARACTER_OCTET_LENGTH: isText ? Math.min(length * 4, MAX_TEXT) : null,
    NUMERIC_PRECISION: isNumber ? precision : null,
    NUMERIC_PRECISION_RADIX: isNumber ? 10 : null,
    NUMERIC_SCALE: isNumber ? scale : null,
    DATETIME_PRECISION: kind.startsWith('time') ? scale : null,
    COLLATION_NAME: column.collation ?? null,
    COMMENT: column.comment,
  }
}

const text = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'VARCHAR'] as const))
const number = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 'BIGINT'] as const))

const VIEWS: Readonly<Record<string, View>> = {
  COLUMNS: {
    columns: {
      ...text('TABLE_CATALOG', 'TABLE_SCHEMA', 'TABLE_NAME', 'COLUMN_NAME'),
      ...number('ORDINAL_POSITION'),
      ...text('COLUMN_DEFAULT', 'IS_NULLABLE', 'DATA_TYPE'),
      ...number('CHARACTER_MAXIMUM_LENGTH', 'CHARACTER_OCTET_LENGTH', 'NUMERIC_PRECISION', 'NUMERIC_PRECISION_RADIX'),
      ...number('NUMERIC_SCALE', 'DATETIME_PRECISION'),
      ...text('COLLATION_NAME', 'COMMENT'),
    },
    rows: (scope) =>
      visibleTables(scope).flatMap((table) => table.columns.map((column, index) => columnRow(table, column, index))),
  },
  TABLES: {
    columns: {
      ...text(
        'TABLE_CATALOG',
        'TABLE_SCHEMA',
        'TABLE_NAME',
        'TABLE_OWNER',
        'TABLE_TYPE',
        'IS_TRANSIENT',
        'CLUSTERING_KEY',
      ),
      CREATED: 'TIMESTAMP',
      ...text('COMMENT', 'IS_TEMPORARY'),
    },
    rows: (scope) =>
      visibleTables(scope).map((table) => ({
        TABLE_CATALOG: table.database,
        TABLE_SCHEMA: table.schema,
        TABLE_NAME: table.name,
        TABLE_OWNER: scope.session.role,
        TABLE_TYPE: table.kind === 'TEMPORARY' ? 'LOCAL TEMPORARY' : 'BASE TABLE',
        IS_TRANSIENT: table.kind === 'TABLE' ? 'NO' : 'YES',
        CLUSTERING_KEY: table.clusterBy === '' ? null : table.clusterBy,
        CREATED: stamp(table.created),
        COMMENT: table.comment === '' ? null : table.comment,
        IS_TEMPORARY: table.kind === 'TEMPORARY' ? 'YES' : 'NO',
      })),
  },
  SCHEMATA: {
    columns: { ...text('CATALOG_NAME', 'SCHEMA_NAME', 'SCHEMA_OWNER'), CREATED: 'TIMESTAMP', ...text('COMMENT') },
    rows: ({ catalog, session }) =>
      [...catalog.schemas]
        .filter(([name]) => !catalog.rights.isDenied('USAGE', catalog.database, name))
        .map(([name, { comment, created }]) => ({
          CATALOG_NAME: catalog.database,
          SCHEMA_NAME: name,
          SCHEMA_OWNER: session.role,
          CREATED: stamp(created),
          COMMENT: comment === '' ? null : comment,
        })),
  },
  STAGES: {
    columns: text('STAGE_CATALOG', 'STAGE_SCHEMA', 'STAGE_NAME', 'STAGE_TYPE', 'STAGE_OWNER', 'COMMENT'),
    rows: ({ catalog, session }) =>
      [...catalog.stages.values()].map((stage) => ({
        STAGE_CATALOG: stage.database,
        STAGE_SCHEMA: stage.schema,
        STAGE_NAME: stage.name,
        STAGE_TYPE: 'Internal Named',
        STAGE_OWNER: session.role,
        COMMENT: stage.comment === '' ? null : stage.comment,
      })),
  },
  TABLE_CONSTRAINTS: {
    columns: text(
      'CONSTRAINT_CATALOG',
      'CONSTRAINT_SCHEMA',
      'CONSTRAINT_NAME',
      'TABLE_CATALOG',
      'TABLE_SCHEMA',
      'TABLE_NAME',
      'CONSTRAINT_TYPE',
      'ENFORCED',
    ),
    rows: (scope) =>
      visibleTables(scope)
        .filter((table) => table.primaryKey.length > 0)
        .map((table) => ({
          CONSTRAINT_CATALOG: table.database,
          CONSTRAINT_SCHEMA: table.schema,
          CONSTRAINT_NAME: `SYS_CONSTRAINT_${keyOf(table).length}_${table.created}`,
          TABLE_CATALOG: table.database,
          TABLE_SCHEMA: table.schema,
          TABLE_NAME: table.name,
          CONSTRAINT_TYPE: 'PRIMARY KEY',
          ENFORCED: 'NO',
        })),
  },
  LOAD_HISTORY: {
    columns: { ...text('SCHEMA_NAME', 'FILE_NAME', 'TABLE_NAME'), LAST_LOAD_TIME: 'TIMESTAMP', ...text('STATUS') },
    rows: (scope) =>
      visibleTables(scope).flatMap((table) =>
        Object.entries(table.loads).map(([file, { at }]) => ({
          SCHEMA_NAME: table.schema,
          FILE_NAME: file,
          TABLE_NAME: table.name,
          LAST_LOAD_TIME: stamp(at),
          STATUS: 'LOADED',
        })),
      ),
  },
}

export const isInformationView = (name: string) => name in VIEWS

/** A view of INFORMATION_SCHEMA as a relation of the engine; its rows are bound as one text. */
export function viewOf(name: string, scope: Scope): string {
  const view = VIEWS[name]
  if (!view) return '(SELECT 1)'
  const bound = `bound_info_${name.toLowerCase()}`
  scope.bound.set(bound, JSON.stringify(view.rows(scope)))
  const columns = Object.entries(view.columns).map(
    ([column, type]) => `CAST(r ->> '$.${column}' AS ${type}) AS "${column}"`,
  )
  return `(SELECT ${columns.join(', ')} FROM (SELECT unnest(from_json((SELECT CAST($${bound} AS VARCHAR)), '["JSON"]')) AS r))`
}
