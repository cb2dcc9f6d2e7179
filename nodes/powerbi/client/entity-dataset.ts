/** The dataset of an entity: found, made or taken, its tables given the columns they need. */
import { classOf, isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { PrepareContext, WriteContext } from '../../../sync/contract/target.ts'
import { type Connection, isNoQueries } from './connection.ts'
import { createDataset, datasetPath, deleteRows, listDatasets, putTable, readDataset, tableNames } from './datasets.ts'
import { probeColumns } from './dax.ts'
import { MARKS, type ModelTable, textDecimals } from './model.ts'
import type { Note, Notes } from './note.ts'
import type { PowerbiTargetOptions } from './target-options.ts'

export interface DatasetDeps {
  readonly connection: Connection
  readonly options: PowerbiTargetOptions
  /** Name of the dataset to make, with the entity put in. */
  readonly name: string
}

export interface Found {
  readonly id: string
  /** Made just now: nothing is in it. */
  readonly created: boolean
  readonly notices: readonly string[]
}

/** The id of the dataset by the note, the settings or its name; undefined where there is none yet. */
export async function findDataset(
  { connection, options, name }: DatasetDeps,
  context: Pick<WriteContext, 'signal'>,
): Promise<string | undefined> {
  if (options.dataset.kind === 'adopt') return options.dataset.id
  const alike = (await listDatasets(connection, options.workspace, context)).filter((one) => one.name === name)
  if (alike.length > 1)
    throw syncError(
      'config',
      'powerbi.two-datasets',
      `The workspace has ${alike.length} datasets named "${name}" (${alike.map(({ id }) => id).join(', ')}).`,
      {
        hint: 'Names tell nothing apart: choose "an existing dataset" by its id, or another name.',
      },
    )
  return alike[0]?.id
}

/** Finds or makes the dataset, and says what of it there was. */
export async function findOrCreate(
  deps: DatasetDeps,
  notes: Notes,
  schema: Schema,
  tables: readonly ModelTable[],
  context: PrepareContext,
): Promise<Found> {
  const { connection, options, name } = deps
  const note = await notes.get()
  if (note.id !== undefined && (options.dataset.kind === 'create' || note.id === options.dataset.id)) {
    const there = await isThere(deps, note.id, context)
    if (there) return { id: note.id, created: false, notices: [] }
    if (!context.full || options.dataset.kind === 'adopt') throw gone(name, note)
    await notes.put({ id: undefined, owned: false, creating: false, tables: {}, watch: [] })
    return findOrCreate(deps, notes, schema, tables, context)
  }
  const found = await findDataset(deps, context)
  if (found !== undefined) {
    const ours = note.creating
    if (!(await isThere(deps, found, context))) throw gone(name, note)
    await notes.put({ id: found, owned: ours, creating: false, ...(ours ? {} : { tables: {}, keys: 'plain' }) })
    return {
      id: found,
      created: ours,
      notices: ours
        ? []
        : [`${schema.entity}: the dataset "${name}" (${found}) was there already; its columns are taken as they are.`],
    }
  }
  await notes.put({ creating: true, tables: columnsOf([...tables, MARKS]), keys: 'apart' })
  const { retention, relationships } = options
  const wanted = { name, tables, retention, relationships }
  const id = await createDataset(connection, options.workspace, wanted, context).catch(async (error: unknown) => {
    // refused: a dataset of this name that comes later is somebody else's
    if (classOf(error) === 'config') await notes.put({ creating: false, tables: {}, keys: 'plain' })
    throw error
  })
  await notes.put({ id, owned: true, creating: false })
  const texts = textDecimals(schema, options)
  return {
    id,
    created: true,
    notices: [
      `${schema.entity}: created the dataset "${name}" (${id}).`,
      ...(texts.length > 0
        ? [
            `${schema.entity}: written as text, since Power BI's Decimal has 4 places: ${texts.join(', ')}. Name them in "Amounts" to have numbers.`,
          ]
        : []),
    ],
  }
}

async function isThere({ connection, options }: DatasetDeps, id: string, context: PrepareContext): Promise<boolean> {
  const { workspace, dataset } = options
  const found =
    dataset.kind === 'adopt'
      ? await readDataset(connection, workspace, id, context)
      : (await listDatasets(connection, workspace, context)).find((one) => one.id === id)
  if (!found) return false
  if (found.addRowsAPIEnabled) return true
  throw syncError(
    'config',
    'powerbi.not-push',
    `The dataset "${found.name}" (${id}) is no push dataset: rows cannot be sent to it.`,
    {
      hint: 'Choose another, or let this node create one. For a dataset on a warehouse use the mode "refresh".',
    },
  )
}

const gone = (name: string, note: Note) =>
  syncError(
    'config',
    'powerbi.dataset-gone',
    `The dataset "${name}" (${note.id}) that was written before is gone, or the app may not see it any more.`,
    {
      hint: 'If it was deleted on purpose, start a full refresh: it is made anew and loaded whole. Else give the app its role on the workspace back.',
    },
  )

const columnsOf = (tables: readonly ModelTable[]): Note['tables'] =>
  Object.fromEntries(
    tables.map(({ name, columns }) => [name, columns.map((column) => `${column.name} ${column.dataType}`)]),
  )

/** Adds new columns to tables that this ledger made; refuses every other difference, and tables that it did not make, with what to do. */
export async function addColumns(
  deps: DatasetDeps,
  notes: Notes,
  id: string,
  tables: readonly ModelTable[],
  context: WriteContext,
): Promise<readonly string[]> {
  const note = await notes.get()
  if (!note.owned) {
    await checkAdopted(deps, id, tables, context)
    return []
  }
  const notices: string[] = []
  for (const table of tables) {
    const known = note.tables[table.name]
    if (known === undefined) throw noTable(table.name, Object.keys(note.tables))
    const types = new Map(
      known.map((text) => [text.slice(0, text.lastIndexOf(' ')), text.slice(text.lastIndexOf(' ') + 1)]),
    )
    const other = table.columns.find((column) => (types.get(column.name) ?? column.dataType) !== column.dataType)
    if (other)
      throw syncError(
        'config',
        'powerbi.type',
        `Column ${other.name} of ${table.name} was made as ${types.get(other.name)}, and would now be ${other.dataType}. Power BI changes no type of a table with rows.`,
        {
          field: other.name,
          hint: 'Keep the type in the mapping and in "Amounts", give the column another name, or let the node create a dataset of another name.',
        },
      )
    const added = table.columns.filter((column) => !types.has(column.name))
    if (added.length === 0) continue
    const kept = [...types].filter(([name]) => !table.columns.some((column) => column.name === name))
    const whole = {
      ...table,
      columns: [
        ...table.columns,
        ...kept.map(([name, dataType]) => ({ name, dataType }) as ModelTable['columns'][number]),
      ],
    }
    await putTable(deps.connection, deps.options.workspace, id, whole, context)
    const { tables: made } = await notes.get()
    await notes.put({ tables: { ...made, ...columnsOf([whole]) } })
    notices.push(`Added to ${table.name}: ${added.map(({ name }) => name).join(', ')}.`)
  }
  return [...notices, ...(await addMarkColumn(deps, notes, id, context))]
}

/** Whether the table of marks has the column that was not there from the beginning. */
export const hasMarkSource = ({ tables }: Note): boolean => tables[MARKS.name]?.includes('source String') ?? false

/** A dataset that was made before gets it once; whoever may not add it goes on without. */
async function addMarkColumn(
  { connection, options }: DatasetDeps,
  notes: Notes,
  id: string,
  context: WriteContext,
): Promise<readonly string[]> {
  const { tables } = await notes.get()
  if (tables[MARKS.name]) return []
  try {
    await putTable(connection, options.workspace, id, MARKS, context)
    await notes.put({ tables: { ...tables, ...columnsOf([MARKS]) } })
    return []
  } catch (error) {
    if (!isSyncError(error) || !['config', 'auth', 'data'].includes(error.cause.class)) throw error
    await notes.put({ tables: { ...tables, [MARKS.name]: [] } })
    return [
      `The table ${MARKS.name} of the dataset has no column "source", and it could not be added (${error.message}). Without it nobody sees there that two systems write one dataset under one source name.`,
    ]
  }
}

async function checkAdopted(
  { connection, options }: DatasetDeps,
  id: string,
  tables: readonly ModelTable[],
  context: WriteContext,
): Promise<void> {
  const names = await tableNames(connection, options.workspace, id, context)
  for (const { name } of tables) if (!names.includes(name)) throw noTable(name, names)
  if (!options.ask) return
  for (const table of tables) await checkColumns({ connection, options }, id, table, context)
}

/** Asks for a table's columns by DAX; the answer names the first that is missing. Where queries are not allowed nothing is found. */
export async function checkColumns(
  { connection, options }: Pick<DatasetDeps, 'connection' | 'options'>,
  id: string,
  table: ModelTable,
  context: WriteContext,
): Promise<void> {
  try {
    const dax = probeColumns(
      table.name,
      table.columns.map(({ name }) => name),
    )
    await connection.query(
      `${datasetPath(options.workspace, id)}/executeQueries`,
      dax,
      `Columns of ${table.name}`,
      context,
    )
  } catch (error) {
    if (!isSyncError(error) || !isNoQueries(error)) throw error
    const words = error.cause.vendorText ?? ''
    const missing = table.columns.find(({ name }) => words.includes(`'${name}'`) || words.includes(`[${name}]`))
    if (missing) throw noColumn(table.name, missing.name, words)
  }
}

const noTable = (name: string, names: readonly string[]) => {
  const alike = names.find((one) => one.toLowerCase() === name.toLowerCase())
  return syncError(
    'config',
    'powerbi.no-table',
    alike === undefined
      ? `The dataset has no table "${name}"; it has ${names.filter((one) => one !== MARKS.name).join(', ') || 'none'}.`
      : `The dataset has no table "${name}", but "${alike}": names are case-sensitive.`,
    {
      hint: 'No table can be added to a dataset: correct "Table names" of the node, or let it create a dataset of its own.',
    },
  )
}

const noColumn = (table: string, name: string, words: string) =>
  syncError('config', 'powerbi.no-column', `Table ${table} has no column ${name}.`, {
    field: name,
    ...(words ? { vendorText: words } : {}),
    hint: `Add ${name} to the table where the dataset was made, or drop it in the mapping. Tieout adds columns only to tables that it made itself, since adding one replaces the whole list.`,
  })

/** Empties all tables of the entity; until `told` nothing in them counts. */
export async function clearTables(
  { connection, options }: DatasetDeps,
  notes: Notes,
  id: string,
  tables: readonly ModelTable[],
  context: WriteContext,
): Promise<void> {
  await notes.put({ clearing: true, watch: [] })
  for (const { name } of [...tables].reverse()) await deleteRows(connection, options.workspace, id, name, context)
}
