/** What is known of one entity and its dataset as long as the node lives. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { Connection } from './connection.ts'
import type { CountDeps } from './counts.ts'
import type { DatasetDeps } from './entity-dataset.ts'
import { type ModelTable, modelOf, tableName } from './model.ts'
import type { Notes } from './note.ts'
import { apartKey, createRowMaker, type RowMaker } from './rows.ts'
import type { PowerbiTargetOptions } from './target-options.ts'

/** What is made once for a schema. */
export interface Compiled {
  readonly tables: readonly ModelTable[]
  readonly maker: RowMaker
}

export interface EntityState extends DatasetDeps {
  readonly entity: string
  /** Name of the header's table. */
  readonly header: string
  /** Id of the dataset, once it was looked for. */
  id: string | undefined
  /** What the ledger keeps of it, from the first run on. */
  notes: Notes | undefined
  /** Whether its keys are written in the form in which no two are alike for DAX (`Note.keys`). */
  apart: boolean
  /** Rows of each table as far as they are known; undefined: nobody can tell. */
  readonly rows: Map<string, number | undefined>
  compile(schema: Schema): Compiled
}

export function createState(connection: Connection, options: PowerbiTargetOptions, entity: string): EntityState {
  const compiled = new WeakMap<Schema, Compiled>()
  const state: EntityState = {
    connection,
    options,
    entity,
    name: options.dataset.kind === 'create' ? options.dataset.name.replaceAll('{entity}', entity) : options.dataset.id,
    header: tableName(options.tables, entity),
    id: undefined,
    notes: undefined,
    apart: false,
    rows: new Map(),
    compile(schema) {
      const known = compiled.get(schema)
      if (known) return known
      const tables = modelOf(schema, options)
      const made = {
        tables,
        maker: createRowMaker(schema, tables, options.cutTexts, (key) => (state.apart ? apartKey(key) : key)),
      }
      compiled.set(schema, made)
      return made
    },
  }
  return state
}

export const addressOf = ({ connection, options, name }: EntityState, table: string): string =>
  `${connection.address}/${options.workspace}/${name}/${table}`

/** The dataset's id; a `transient` error before it was looked for. */
export function knownId({ id, entity }: EntityState): string {
  if (id !== undefined) return id
  throw syncError('transient', 'powerbi.not-prepared', `${entity}: the dataset was not looked for yet.`)
}

/** What counting its rows needs. */
export const counting = (state: EntityState, dataset = knownId(state)): CountDeps => {
  const { workspace, settleMs } = state.options
  return { connection: state.connection, workspace, dataset, settleMs }
}
