import { alreadyExists, noObject, noSuch } from './errors.ts'
import type { Rights } from './rights.ts'
import { engineName, shown } from './sql/names.ts'
import type { SqlType } from './sql/sql-type.ts'

/** Where an object is; names as Snowflake stores them. */
export interface Place {
  database: string
  schema: string
  name: string
}

export interface Column {
  name: string
  type: SqlType
  nullable: boolean
  comment: string | null
  /** As it was asked for; what a column compares by where it is there and not empty. */
  collation?: string | undefined
  /** In the engine's SQL. */
  default?: string | undefined
}

/** Files that COPY INTO has loaded into a table, by place, and when: 64 days they are not loaded again. */
export type Loads = Record<string, { etag: string; at: number }>

export interface Table extends Place {
  kind: 'TABLE' | 'TRANSIENT' | 'TEMPORARY'
  /** The table in the engine's SQL. */
  engine: string
  columns: Column[]
  primaryKey: string[]
  clusterBy: string
  comment: string
  /** Rows that do not fit go into its error table instead of failing the statement. */
  errorLogging: boolean
  created: number
  loads: Loads
  /** DEFAULT_DDL_COLLATION of the table, for the columns that it gets later. */
  defaultCollation?: string | undefined
}

export interface StageFormat {
  type: string
  options: Record<string, string>
}

export interface Stage extends Place {
  format: StageFormat | undefined
  comment: string
  created: number
  /** Folder of its files. */
  id: string
}

/** What a session adds to the catalogue. */
export interface Own {
  temporary: ReadonlyMap<string, Table>
}

export const keyOf = ({ database, schema, name }: Place) => JSON.stringify([database, schema, name])
export const nameOf = ({ database, schema, name }: Place) => shown(database, schema, name)

/** The engine's name for a permanent table; a temporary one is in the connection's own schema. */
export function engineTable({ database, schema, name }: Place, temporary: boolean): string {
  const whole = `"${[database, schema, name].map(engineName).join('.').replaceAll('"', '""')}"`
  return temporary ? `temp.${whole}` : `lake.main.${whole}`
}

export const errorTable = (table: Table) => table.engine.replace(/"$/, '#errors"')

/** What survives a restart. */
export interface Snapshot {
  schemas: [string, { comment: string; created: number }][]
  tables: Table[]
  stages: Stage[]
  formats: (Place & { format: StageFormat })[]
  collations?: [string, string][]
}

export interface Catalog {
  readonly database: string
  readonly rights: Rights
  schemas: Map<string, { comment: string; created: number }>
  tables: Map<string, Table>
  stages: Map<string, Stage>
  formats: Map<string, Place & { format: StageFormat }>
  /** DEFAULT_DDL_COLLATION of the database and of schemas, by `DATABASE` or `DATABASE.SCHEMA` as JSON lists. */
  collations: Map<string, string>
  /** The table, a temporary one first; 002003 where there is none or the role may not see it. */
  table(place: Place, own: Own): Table
  find(place: Place, own: Own): Table | undefined
  /** 002003 where the schema is absent or hidden. */
  checkSchema(database: string, schema: string): void
  snapshot(): Snapshot
}

/** The one database with its schemas; everything in it is kept here, the rows in the engine. */
export function createCatalog(database: string, rights: Rights, schemas: readonly string[], saved?: Snapshot): Catalog {
  const byKey = <P extends Place>(items: readonly P[] = []) => new Map(items.map((item) => [keyOf(item), item]))
  const catalog: Catalog = {
    database,
    rights,
    schemas: new Map(saved?.schemas),
    tables: byKey(saved?.tables),
    stages: byKey(saved?.stages),
    formats: byKey(saved?.formats),
    collations: new Map(saved?.collations),
    find(place, own) {
      const table = own.temporary.get(keyOf(place)) ?? catalog.tables.get(keyOf(place))
      if (!table || table.kind === 'TEMPORARY') return table
      const hidden = rights.isDenied('USAGE', place.database, place.schema) || rights.isDenied('ALL', ...partsOf(place))
      return hidden ? undefined : table
    },
    table(place, own) {
      catalog.checkSchema(place.database, place.schema)
      const table = catalog.find(place, own)
      if (!table) throw noObject('Object', nameOf(place))
      return table
    },
    checkSchema(name, schema) {
      if (name !== database || rights.isDenied('USAGE', database)) throw noSuch('Database', shown(name))
      if (schema === 'INFORMATION_SCHEMA') return
      if (!catalog.schemas.has(schema) || rights.isDenied('USAGE', database, schema))
        throw noSuch('Schema', shown(name, schema))
    },
    snapshot: () => ({
      schemas: [...catalog.schemas],
      tables: [...catalog.tables.values()],
      stages: [...catalog.stages.values()],
      formats: [...catalog.formats.values()],
      collations: [...catalog.collations],
    }),
  }
  for (const schema of new Set(['PUBLIC', ...schemas])) {
    if (!catalog.schemas.has(schema)) catalog.schemas.set(schema, { comment: '', created: Date.now() })
  }
  return catalog
}

export const partsOf = ({ database, schema, name }: Place): [string, string, string] => [database, schema, name]

/** Whether something shall be made: false where it is there and that is fine, 002002 where it is not. */
export function mayCreate(exists: boolean, flags: { replace: boolean; ifNotExists: boolean }, name: string): boolean {
  if (!exists || flags.replace) return true
  if (flags.ifNotExists) return false
  throw alreadyExists(name)
}
