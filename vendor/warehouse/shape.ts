/** Brings tables into shape: created, extended, checked, never narrowed; what was made is read back. */
import { isSyncError, type SyncError, syncError } from '../../sync/contract/errors.ts'
import type { Column } from '../../sync/contract/message.ts'
import type { WriteContext } from '../../sync/contract/target.ts'
import type { FindColumn, FoundColumn, SqlDialect, WantedTable } from './dialect.ts'
import { findColumn, wantedMarks } from './tables.ts'
import { planColumns } from './technical-columns.ts'

/** What was done to bring a table into shape, and what it is now. */
export interface Shaped {
  readonly created: boolean
  readonly notices: readonly string[]
  readonly find: FindColumn
}

/**
 * Creates the tables that are missing, adds the columns that are missing, and refuses a column that could not hold every
 * value, naming it with both types.
 */
export type ShapeTables = (wanted: readonly WantedTable[], context: WriteContext) => Promise<readonly Shaped[]>

/** A table as it was found; undefined: it is not there. */
interface Found {
  readonly columns: readonly FoundColumn[] | undefined
  readonly created: boolean
}

export const createShaper = (dialect: SqlDialect): ShapeTables =>
  dialect.manyAtOnce ? (wanted, context) => shapeTogether(dialect, wanted, context) : oneAfterAnother(dialect)

/** One question about all of them, and of those that are made or extended one each, side by side. */
async function shapeTogether(
  dialect: SqlDialect,
  wanted: readonly WantedTable[],
  context: WriteContext,
): Promise<readonly Shaped[]> {
  const marks = dialect.exact ? [] : wanted.slice(0, 1).map(({ name }) => wantedMarks(dialect, name))
  const tables = [...wanted, ...marks]
  const found = await dialect.columns(
    tables.map(({ name }) => name),
    context,
  )
  for (const [i, table] of marks.entries())
    await checkCollations(dialect, table, found[wanted.length + i] ?? [], context)
  // All have ended before the first error goes on.
  const done = await Promise.allSettled(
    wanted.map((table, i) => shape(dialect, table, { columns: found[i], created: false }, context)),
  )
  return done.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Where one was missing the next is too: it is created without being looked for first. */
function oneAfterAnother(dialect: SqlDialect): ShapeTables {
  /** Schemas where the table that was looked for last was missing. */
  const bare = new Set<string>()

  async function look(table: WantedTable, context: WriteContext): Promise<Found> {
    const place = dialect.plain({ ...table.name, table: '' })
    // the role may not create: that is no matter where the table is there
    const created = bare.has(place) && (await dialect.create(table, context).catch(() => false))
    const [columns] = await dialect.columns([table.name], context)
    if (columns === undefined) bare.add(place)
    else if (!created) bare.delete(place)
    return { columns, created }
  }

  return async (wanted, context) => {
    const shaped: Shaped[] = []
    for (const table of wanted) shaped.push(await shape(dialect, table, await look(table, context), context))
    return shaped
  }
}

async function shape(dialect: SqlDialect, table: WantedTable, found: Found, context: WriteContext): Promise<Shaped> {
  const name = dialect.plain(table.name)
  const read = async () => (await dialect.columns([table.name], context))[0] ?? []
  let { columns, created } = found
  if (columns === undefined) {
    await dialect.create(table, context)
    created = true
    columns = await read()
  }
  const notices = created ? [`Created ${name}.`] : []
  let collated = await checkCollations(dialect, table, columns, context)
  // what was made just now has what it was made with, and a role may be kept from seeing it
  const missing = columns.length === 0 ? [] : missingColumns(dialect, table, columns)
  if (missing.length > 0) {
    columns = await extend(dialect, table, missing, read, context)
    collated = await checkCollations(dialect, table, columns, context)
    notices.push(`Added to ${name}: ${missing.map((column) => column.name).join(', ')}.`)
  }
  return { created, notices: [...notices, ...collated], find: findColumn(dialect.newName, columns) }
}

/** Another writer may add the same columns at the same moment, or an attempt whose answer was lost. */
async function extend(
  dialect: SqlDialect,
  table: WantedTable,
  missing: readonly Column[],
  read: () => Promise<readonly FoundColumn[]>,
  context: WriteContext,
): Promise<readonly FoundColumn[]> {
  const failed = await dialect.addColumns(table.name, missing, context).then(
    () => undefined,
    (error: unknown) => {
      if (!isSyncError(error) || context.signal.aborted) throw error
      return error
    },
  )
  const columns = await read()
  if (missingColumns(dialect, table, columns).length > 0 && failed) throw failed
  return columns
}

/** The columns to add; a `config` error for the first that is too narrow. */
function missingColumns(dialect: SqlDialect, table: WantedTable, columns: readonly FoundColumn[]): readonly Column[] {
  const find = findColumn(dialect.newName, columns)
  const { missing, narrow } = planColumns(table.columns, find, (found, { type }) => dialect.holds(found, type))
  if (narrow) throw tooNarrow(dialect, table, narrow.column, narrow.found)
  return missing
}

function tooNarrow(dialect: SqlDialect, { name }: WantedTable, column: Column, found: FoundColumn): SyncError {
  const type = dialect.sqlType(column.type)
  return syncError(
    'config',
    `${dialect.code}.narrow`,
    `Column ${found.name} of ${dialect.plain(name)} is ${found.declared}, which cannot hold every ${column.type} (${type}) that is sent.`,
    {
      field: column.name,
      hint: `Widen it in ${dialect.vendor} (${dialect.widen(name, found, type)}, or add it anew as ${type}), or round or retype it in the mapping. It is never narrowed or rounded by itself.`,
    },
  )
}

/**
 * The ledger compares keys by their characters. A column with a collation may take two of them for one (`abc` and `ABC`), and
 * then one record overwrites the other. Throws where a key column has one; gives a notice of other text columns that do.
 */
async function checkCollations(
  dialect: SqlDialect,
  table: WantedTable,
  columns: readonly FoundColumn[],
  context: WriteContext,
): Promise<readonly string[]> {
  const find = findColumn(dialect.newName, columns)
  const collated = (names: readonly string[]): readonly FoundColumn[] =>
    names.flatMap((name) => find(name) ?? []).filter(({ type }) => type.collation !== '')
  const [key, ...keys] = collated(table.key)
  if (key) throw await dialect.collated(table, columns, [key, ...keys], context)
  const others = collated(table.columns.map(({ name }) => name))
  if (others.length === 0) return []
  const list = others.map(({ name, type }) => `${name} (${type.collation})`).join(', ')
  return [
    `Columns of ${dialect.plain(table.name)} with a collation: ${list}. Their values are kept as they are, but whoever compares or groups by them takes different texts for one.`,
  ]
}
