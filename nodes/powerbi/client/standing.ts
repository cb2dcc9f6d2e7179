/** One record as it stands in its dataset now, for a person who asks: the newest version of its key, by DAX. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Column, Row, Schema } from '../../../sync/contract/message.ts'
import type { StandingContext, StandingRecord } from '../../../sync/contract/target.ts'
import type { QueryRow } from './connection.ts'
import { datasetPath } from './datasets.ts'
import { newestOfKey, rowsOfVersion } from './dax.ts'
import { findDataset } from './entity-dataset.ts'
import type { EntityState } from './entity-state.ts'
import { readNote } from './note.ts'
import { apartKey } from './rows.ts'
import { SWITCHED_OFF } from './totals.ts'

interface Asked {
  readonly key: string
  readonly schema: Schema
  /** Rows of a list at most. */
  readonly most: number
}

const STAMPS = ['_sync_version', '_sync_read', '_sync_run', '_sync_at', '_sync_deleted'] as const

/** Undefined: there is no dataset, no row with this key, or the newest one is a deletion. */
export async function standingVersion(
  state: EntityState,
  { key, schema, most }: Asked,
  context: StandingContext,
): Promise<StandingRecord | undefined> {
  const { connection, options, header } = state
  const what = `${schema.entity} ${key} as it stands in the dataset`
  if (!options.ask)
    throw syncError('config', 'powerbi.no-queries', `${what}: ${SWITCHED_OFF}`, {
      hint: 'Tick "Ask Power BI" in the node, or look in a report.',
    })
  const place = await placeOf(state, context)
  if (!place) return undefined
  const path = `${datasetPath(options.workspace, place.id)}/executeQueries`
  const ask = (dax: string): Promise<readonly QueryRow[]> => connection.query(path, dax, what, context)
  const names = schema.columns.map(({ name }) => name)
  const text = place.apart ? apartKey(key) : key
  const [row] = await ask(newestOfKey(header, text, [...names, ...STAMPS]))
  if (!row) return undefined
  const [version, read, run, at, isDeleted] = STAMPS.map((_, i) => row[`[c${names.length + i}]`])
  if (isDeleted === true) return undefined
  const record: Row = rowOf(row, schema.columns)
  const cut: string[] = []
  for (const { list, name } of state.compile(schema).tables) {
    const table = schema.lists?.[list]
    if (!table) continue
    const columns = table.columns.map((column) => column.name)
    const order = table.key.slice(schema.key.length).filter((one) => columns.includes(one))
    const rows = await ask(rowsOfVersion(name, String(version), columns, order, most + 1))
    if (rows.length > most) cut.push(list)
    record[list] = rows.slice(0, most).map((line) => rowOf(line, table.columns))
  }
  return {
    record,
    ...{ read: textOf(read), run: textOf(run), at: inUtc(textOf(at)), cut },
    versions: Number(row['[n]']),
  }
}

/** The dataset, and how its keys are written: as the ledger keeps it where no run has looked for it yet. */
async function placeOf(
  state: EntityState,
  context: StandingContext,
): Promise<{ readonly id: string; readonly apart: boolean } | undefined> {
  const { dataset } = state.options
  const kept = await (state.notes ? state.notes.get() : readNote(context.note))
  const id = dataset.kind === 'adopt' ? dataset.id : (state.id ?? kept.id ?? (await findDataset(state, context)))
  return id === undefined ? undefined : { id, apart: kept.id === id && kept.keys === 'apart' }
}

const rowOf = (row: QueryRow, columns: readonly Column[]): Row =>
  Object.fromEntries(columns.map(({ name, type }, i) => [name, shownOf(row[`[c${i}]`], type)])) as Row

/** Power BI keeps no zone and no days without a time: what was sent was UTC. */
function shownOf(value: unknown, type: Column['type']): unknown {
  const text = textOf(value)
  if (type === 'date') return text?.slice(0, 10) ?? null
  return type === 'timestamp' ? inUtc(text) : text
}

const textOf = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))

const inUtc = (text: string | null): string | null => (text === null || /Z$/.test(text) ? text : `${text}Z`)
