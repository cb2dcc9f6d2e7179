/** What the tables of every warehouse have besides the columns of their records, and how it is written and read. */
import { type Column, isDeletion } from '../../sync/contract/message.ts'
import type { FoundTable, Mark, StoredTotal, TotalsQuestion, WriteBatch } from '../../sync/contract/target.ts'
import { recordText } from './staged-rows.ts'

/** Columns that sinks add to the table of a list, in docs/entities.md. */
export const LIST_COLUMNS: readonly Column[] = [
  { name: '_sync_run', type: 'string', description: 'Run that wrote the row' },
  { name: '_sync_read', type: 'integer', description: 'Read number: the version of the document' },
  { name: '_sync_at', type: 'timestamp', description: 'When the row was written' },
]
/** The same for the table of a header. */
export const HEADER_COLUMNS: readonly Column[] = [
  ...LIST_COLUMNS,
  { name: '_source_stamp', type: 'string', description: "The source's change stamp as received" },
  { name: '_row_hash', type: 'string', description: 'Hash of the document with its lists' },
]

/** The table of marks. */
export const MARK_TABLE = '_tieout_mark'
export const MARK_COMMENT = 'Tieout: up to where the tables of this schema are complete, and by which ledger'
export const MARK_COLUMNS: readonly Column[] = [
  { name: 'table_name', type: 'string', description: 'Table that the mark belongs to' },
  { name: 'sync', type: 'string', description: 'Name of the sync' },
  { name: 'entity', type: 'string' },
  { name: 'source_address', type: 'string', description: 'System and folder that was read' },
  {
    name: 'source',
    type: 'string',
    description: 'Source name of these records; empty: a version before wrote the mark',
  },
  { name: 'ledger', type: 'string', description: 'Ledger that counts what was delivered' },
  { name: 'run', type: 'string', description: 'Last run that delivered' },
  { name: 'read', type: 'integer', description: 'Highest read number delivered' },
  { name: 'floor', type: 'string', description: "Everything changed up to this stamp of the source's clock is in" },
  { name: 'at', type: 'timestamp', description: 'When the mark was written' },
]
/** The ledger is no part of it: a new ledger takes the place of the one before, and whoever is replaced sees it. */
export const MARK_KEY = ['table_name', 'sync', 'entity', 'source_address']

/** A row as a driver gives it, its columns named as asked for. */
export type StoredRow = Readonly<Record<string, unknown>>

/** Values of a mark's columns as texts; a floor or a source name that is not there yet is the empty text. */
export const markValues = (table: string, mark: Mark): Readonly<Record<string, string>> => ({
  table_name: table,
  sync: mark.sync,
  entity: mark.entity,
  source_address: mark.sourceAddress,
  source: mark.source ?? '',
  ledger: mark.ledger,
  run: mark.run,
  read: String(mark.read),
  floor: mark.floor ?? '',
  at: new Date().toISOString(),
})

/** A mark of a row that has its columns by their names. */
export const toMark = (row: StoredRow): Mark => ({
  sync: String(row.sync),
  entity: String(row.entity),
  sourceAddress: String(row.source_address),
  ...sourceOf(textOf(row.source)),
  ledger: String(row.ledger),
  run: String(row.run),
  read: Number(row.read),
  floor: textOf(row.floor),
})

const sourceOf = (source: string | null): Pick<Mark, 'source'> => (source ? { source } : {})

/** Sums of rows with the group columns as `g0`, `g1`, ..., the count as `n`, debits as `d0`, ... and credits as `c0`, ... */
export const toTotals = (rows: readonly StoredRow[], question: TotalsQuestion): readonly StoredTotal[] =>
  rows
    .filter((row) => String(row.n) !== '0')
    .map((row) => ({
      list: question.list,
      group: question.by.map((_, i) => textOf(row[`g${i}`])),
      count: Number(row.n),
      debit: Object.fromEntries(question.amounts.map((name, i) => [name, textOf(row[`d${i}`]) ?? '0'])),
      credit: Object.fromEntries(question.amounts.map((name, i) => [name, textOf(row[`c${i}`]) ?? '0'])),
    }))

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))

/** Why a table of versions cannot be verified by its sums. */
export const VERSIONS_UNTOLD = 'records are kept whole, as JSON, which is not added up'

/** A table to which every version of every record is appended, as JSON. */
export const VERSION_COLUMNS: readonly Column[] = [
  { name: 'source', type: 'string', description: 'Name of the source, as on its connection' },
  { name: 'entity', type: 'string' },
  { name: 'key', type: 'string', description: 'Key of the record as text, the parts separated by |' },
  { name: 'operation', type: 'string', description: 'upsert, or delete (only the key is filled)' },
  { name: 'record', type: 'json', description: 'The record with its lists as JSON' },
  ...HEADER_COLUMNS,
  { name: '_sync_batch', type: 'string', description: 'Batch that brought the row: its file was loaded once' },
  {
    name: '_contract',
    type: 'integer',
    description: 'Contract of the entity that the record was read under (how amounts are signed); empty: the first',
  },
]

/** One object of texts for each record of a batch, under the names of `VERSION_COLUMNS`; `record` is JSON text, and `_contract` is there only where it is not the first. */
export const versionRows = (batch: WriteBatch): readonly Readonly<Record<string, string>>[] =>
  batch.records.map((item) => {
    const { record } = item
    return {
      source: String(record.source ?? ''),
      entity: batch.entity,
      key: item.key,
      operation: isDeletion(record) ? 'delete' : 'upsert',
      record: recordText(item),
      _sync_run: batch.run,
      _sync_read: String(item.read),
      _sync_at: batch.at,
      _source_stamp: record._stamp ?? '',
      _row_hash: item.hash,
      _sync_batch: batch.id,
      ...(batch.schema.contract && { _contract: String(batch.schema.contract) }),
    }
  })

/** Digits behind the point of a decimal column; 8 where it is something else. */
export const scaleOf = (columns: readonly Column[], name: string): number =>
  Number(/^decimal\(\d+,\s*(\d+)\)$/.exec(columns.find((column) => column.name === name)?.type ?? '')?.[1] ?? 8)

/** What a table lacks of the columns that it should have, and the first that could not hold every value. */
export interface ColumnPlan<Found> {
  readonly missing: readonly Column[]
  readonly narrow?: { readonly column: Column; readonly found: Found }
}

export function planColumns<Found>(
  wanted: readonly Column[],
  find: (name: string) => Found | undefined,
  holds: (found: Found, column: Column) => boolean,
): ColumnPlan<Found> {
  const missing: Column[] = []
  for (const column of wanted) {
    const found = find(column.name)
    if (found === undefined) missing.push(column)
    else if (!holds(found, column)) return { missing, narrow: { column, found } }
  }
  return { missing }
}

/** A table of an entity that was brought into shape. */
export interface ShapedTable<T> extends Pick<FoundTable, 'list' | 'name'> {
  readonly table: T
  /** It was not there. */
  readonly made: boolean
}

/**
 * Which tables have a row; one statement at most, since `ask` gets all of them and says which places have one. A table that
 * was made just now is asked too where the ledger knows of rows (`filled`): whoever may not see a table takes it for missing.
 */
export async function findTables<T>(
  tables: readonly ShapedTable<T>[],
  filled: ReadonlySet<string>,
  ask: (tables: readonly T[]) => Promise<ReadonlySet<number>>,
): Promise<readonly FoundTable[]> {
  const asked = tables.filter(({ made }) => !made || filled.size > 0)
  const places = asked.length === 0 ? new Set<number>() : await ask(asked.map(({ table }) => table))
  const full = new Set(asked.filter((_, place) => places.has(place)))
  return tables.map((one) => ({
    list: one.list,
    name: one.name,
    state: full.has(one) ? 'filled' : one.made ? 'new' : 'empty',
  }))
}

/** The statement for it: a row for each table that has one, with its place in `column`, a name as it stands in a statement. */
export const filledQuery = (tables: readonly string[], column: string): string =>
  tables
    .map((table, place) => `SELECT '${place}' AS ${column} FROM (SELECT 1 AS one FROM ${table} LIMIT 1) AS t${place}`)
    .join(' UNION ALL ')
