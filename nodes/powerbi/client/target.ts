/** What powerbi-push writes to: the tables of one entity in a push dataset. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { Mark, Rejection, Target, WriteBatch, WriteContext, WriteRecord } from '../../../sync/contract/target.ts'
import { createVisible, resolvePost } from './arrival.ts'
import type { Connection } from './connection.ts'
import { rowsOfTables } from './counts.ts'
import { checkColumns, findDataset, hasMarkSource } from './entity-dataset.ts'
import { addressOf, counting, createState, type EntityState, knownId } from './entity-state.ts'
import { readMarks, writeMark } from './mark.ts'
import { tableName } from './model.ts'
import type { PostLimits } from './post.ts'
import { createPoster, type Poster } from './posts.ts'
import { createPrepare } from './prepare.ts'
import { foldKey, type RowMaker } from './rows.ts'
import { standingVersion } from './standing.ts'
import type { PowerbiTargetOptions } from './target-options.ts'
import { NO_QUERIES, SWITCHED_OFF, storedTotals } from './totals.ts'
import { wholeTables } from './whole.ts'

export function createPowerbiTarget(connection: Connection, options: PowerbiTargetOptions): (entity: string) => Target {
  return (entity) => entityTarget(createState(connection, options, entity))
}

function entityTarget(state: EntityState): Target {
  const { connection, options, header } = state
  const poster = posterOf(state)
  const visible = createVisible(state, poster)
  let lastRun: string | undefined
  return {
    address: addressOf(state, header),
    mode: 'append',
    statements: connection.posts,
    foldOf: () => (state.apart ? undefined : foldKey),
    tables: (schema) =>
      state.compile(schema).tables.map(({ list, name }) => ({ list, address: addressOf(state, name) })),
    hasRows: (tables, schema, context) => hasRows(state, tables, schema, context),
    renew: async () => connection.renew(),
    ...(options.retry ? { retry: options.retry } : {}),
    prepare: createPrepare(state),
    parts: (records, schema) => posts(records, state.compile(schema).maker, options.limits),
    write(batch, context) {
      lastRun = batch.run
      return write(state, poster, batch, context)
    },
    findRejected: async (batch) => misfits(batch, state.compile(batch.schema).maker),
    resolve: (batchId, _schema, context, records) => resolvePost(state, poster, batchId, records, context),
    readMark: (context) => marksOf(state, context),
    writeMark: (mark, context) => setMark(state, mark, context),
    totals: async (question, context) =>
      options.ask
        ? storedTotals(
            {
              ...counting(state),
              header,
              tables: state.compile(question.schema).tables,
              visible: () => visible(question.run, context),
              twice: poster.twice(question.run),
            },
            question,
            context,
          )
        : SWITCHED_OFF,
    standing: (key, schema, most, context) => standingVersion(state, { key, schema, most }, context),
    countsOnly: true,
    async whole(schema, source, context) {
      if (!options.ask) return SWITCHED_OFF
      if (lastRun !== undefined && !(await visible(lastRun, context))) return NO_QUERIES
      return wholeTables(counting(state), state.compile(schema).tables, source, context)
    },
  }
}

function posterOf(state: EntityState): Poster {
  const { connection, options, rows: counts } = state
  return createPoster({
    connection,
    workspace: options.workspace,
    dataset: () => knownId(state),
    limits: options.limits,
    big: () => [...counts.values()].some((rows) => rows === undefined || rows >= connection.limits.bigRows),
    took: (table, rows) => {
      const before = counts.get(table)
      if (before !== undefined) counts.set(table, before + rows)
    },
  })
}

async function hasRows(
  state: EntityState,
  tables: Parameters<NonNullable<Target['hasRows']>>[0],
  schema: Schema,
  context: WriteContext,
): Promise<boolean> {
  const { ask } = state.options
  const id = ask ? (state.id ?? (await findDataset(state, context))) : undefined
  if (id === undefined) return !ask
  const asked = state
    .compile(schema)
    .tables.filter(({ list }) => tables.some((one) => one.list === list))
    .map(({ name }) => ({ name, sent: false }))
  const rows = await rowsOfTables(counting(state, id), asked, context)
  return rows === undefined || rows.some((count) => count > 0)
}

/** Records of which each group's header rows fit into one post. */
function posts(records: readonly WriteRecord[], maker: RowMaker, limits: PostLimits): WriteRecord[][] {
  const groups: WriteRecord[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = headerSize(maker, record)
    const group = groups.at(-1)
    if (group === undefined || group.length >= limits.rows || bytes + size > limits.bytes) {
      groups.push([record])
      bytes = size
    } else {
      group.push(record)
      bytes += size
    }
  }
  return groups
}

/** Sizes only: a record that does not fit is found when it is sent. The post's id comes on top. */
function headerSize(maker: RowMaker, record: WriteRecord): number {
  const room = 400
  try {
    return maker.headerBytes({ run: '', at: '' }, record) + room
  } catch {
    return room
  }
}

async function write(state: EntityState, poster: Poster, batch: WriteBatch, context: WriteContext): Promise<void> {
  const { notes, options } = state
  if (notes && (await notes.get()).clearing) await notes.put({ clearing: false })
  const { tables, maker } = state.compile(batch.schema)
  const rows = maker.rows(batch)
  try {
    await poster.send(batch, rows, context)
  } catch (error) {
    // nobody documents how a missing column is refused: it must not pass for bad records
    if (isSyncError(error) && error.cause.class === 'data' && error.cause.httpStatus === 400 && options.ask)
      for (const table of tables) await checkColumns(state, knownId(state), table, context)
    throw error
  }
}

const misfits = (batch: WriteBatch, maker: RowMaker): Rejection[] =>
  batch.records.flatMap((record, index) => {
    const error = maker.misfit(batch, record)
    if (!error) return []
    const { field } = error.cause
    return [{ index, code: error.code, message: error.message, ...(field ? { field } : {}) }]
  })

async function marksOf(state: EntityState, context: WriteContext): Promise<readonly Mark[]> {
  const { connection, options, header } = state
  if (!options.ask || options.changes === 'rebuild') return []
  const id = state.id ?? (await findDataset(state, context))
  if (id === undefined) return []
  const marks = await readMarks(connection, options.workspace, id, header, context)
  // a dataset may have tables of other entities, whose marks are no matter to this one
  return marks.map(({ source, ...mark }) =>
    source !== undefined && tableName(options.tables, mark.entity) === header ? { ...mark, source } : mark,
  )
}

async function setMark(state: EntityState, mark: Mark, context: WriteContext): Promise<void> {
  const { connection, options, notes } = state
  if (!options.ask || !notes || !(await notes.get()).owned) return
  const withSource = hasMarkSource(await notes.get())
  const dataset = knownId(state)
  const { fifo, quota } = connection.line(dataset)
  const deps = { connection, workspace: options.workspace, dataset, quota, withSource }
  await fifo.run(dataset, () => writeMark(deps, mark, context), context.signal)
}
