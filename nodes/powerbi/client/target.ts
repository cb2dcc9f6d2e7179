/** What powerbi-push writes to: the tables of one entity in a push dataset. */

import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { RetryOptions } from '../../../sync/contract/retry.ts'
import type {
  FoundTable,
  Mark,
  PrepareContext,
  Prepared,
  Resolution,
  Target,
  WriteContext,
  WriteRecord,
} from '../../../sync/contract/target.ts'
import { type Connection, isNoQueries } from './connection.ts'
import { type CountDeps, rowsOfPost, rowsOfTables, whatArrived } from './counts.ts'
import { checkColumns, clearTables, findDataset, type HomeDeps, hasMarkSource, settleIn, shape } from './home.ts'
import { readMarks, writeMark } from './mark.ts'
import { type ModelTable, modelOf, tableName } from './model.ts'
import { createNotes, type Notes, type Watched } from './note.ts'
import { createPoster, type Poster, type PostLimits } from './posts.ts'
import { createRowMaker, type RowMaker } from './rows.ts'
import { storedTotals } from './totals.ts'

export interface PowerbiTargetOptions {
  readonly workspace: string
  /** `create`: a dataset of its own for each entity, by this name. `adopt`: one that is there, by its id. */
  readonly dataset: { readonly kind: 'create'; readonly name: string } | { readonly kind: 'adopt'; readonly id: string }
  /** Pattern of table names: `{entity}`. */
  readonly tables: string
  readonly amounts: readonly string[]
  readonly retention: 'None' | 'basicFIFO'
  readonly relationships: boolean
  /** A changed record is appended. `rebuild`: besides, a full refresh empties the tables and loads them anew. */
  readonly changes: 'versions' | 'rebuild'
  /** Whether Power BI may be asked by DAX what became of a post. */
  readonly ask: boolean
  /** Where it cannot be asked: `miss` sends nothing twice, `repeat` sends again; listed as in doubt either way. */
  readonly doubt: 'miss' | 'repeat'
  readonly settleMs: number
  readonly cutTexts: boolean
  readonly limits: PostLimits
  readonly retry?: Partial<RetryOptions>
}

/** A post that was sent again is looked at until so many settling waits are over. */
const WATCH_FROM = 2
const WATCH_UNTIL = 20

/** What is made once for a schema. */
interface Compiled {
  readonly tables: readonly ModelTable[]
  readonly maker: RowMaker
}

export function createPowerbiTarget(connection: Connection, options: PowerbiTargetOptions): (entity: string) => Target {
  return (entity) => entityTarget(connection, options, entity)
}

function entityTarget(connection: Connection, options: PowerbiTargetOptions, entity: string): Target {
  const { clock } = connection
  const name =
    options.dataset.kind === 'create' ? options.dataset.name.replaceAll('{entity}', entity) : options.dataset.id
  const header = tableName(options.tables, entity)
  const deps: HomeDeps = { connection, options, name }
  const compiled = new WeakMap<Schema, Compiled>()
  let notes: Notes | undefined
  let dataset: string | undefined
  /** The run for which the tables were emptied, and the full refresh that found them empty. */
  let clearedRun: string | undefined
  let admittedRun: string | undefined
  let lookAgainAt = 0
  let seen: { readonly run: string; readonly rows: string; readonly there: Promise<boolean> } | undefined
  /** Rows of each table as far as they are known; undefined: nobody can tell. */
  const counts = new Map<string, number | undefined>()

  const addressOf = (table: string): string => `${connection.address}/${options.workspace}/${name}/${table}`
  const compile = (schema: Schema): Compiled => {
    const known = compiled.get(schema)
    if (known) return known
    const tables = modelOf(schema, options)
    const made = { tables, maker: createRowMaker(schema, tables, options.cutTexts) }
    compiled.set(schema, made)
    return made
  }
  const known = (): string => {
    if (dataset !== undefined) return dataset
    throw syncError('transient', 'powerbi.not-prepared', `${entity}: the dataset was not looked for yet.`)
  }
  const counting = (): CountDeps => ({
    connection,
    workspace: options.workspace,
    dataset: known(),
    settleMs: options.settleMs,
  })

  const poster: Poster = createPoster({
    connection,
    workspace: options.workspace,
    dataset: known,
    limits: options.limits,
    big: () => [...counts.values()].some((rows) => rows === undefined || rows >= connection.limits.bigRows),
    took: (table, rows) => {
      const before = counts.get(table)
      if (before !== undefined) counts.set(table, before + rows)
    },
  })

  /** How full the tables are says whether somebody emptied them, and decides which limit holds: where nobody can tell, the slower one. */
  async function countTables(
    tables: readonly ModelTable[],
    isNew: boolean,
    context: PrepareContext,
  ): Promise<readonly FoundTable[]> {
    const asked = tables.map(({ name: table, list }) => ({ name: table, sent: context.filled.has(list) }))
    const rows = !isNew && options.ask ? await rowsOfTables(counting(), asked, context) : undefined
    return tables.map(({ name: table, list }, i): FoundTable => {
      const count = isNew ? 0 : rows?.[i]
      counts.set(table, count)
      return { list, name: `${name}/${table}`, state: isNew ? 'new' : count === 0 ? 'empty' : 'filled' }
    })
  }

  /** A full refresh sends everything once more, which nobody could take back: only what is empty may get it. */
  function admit(tables: readonly FoundTable[], { full, run }: PrepareContext): void {
    if (!full || admittedRun === run) return
    const filled = tables.filter(({ state }) => state === 'filled')
    if (filled.length > 0) throw notEmpty(name, filled, options)
    admittedRun = run
  }

  /** Posts that were sent twice because nothing was seen of the first attempt: is it there now? */
  async function lookAgain(store: Notes, context: WriteContext): Promise<Watched[]> {
    const { watch } = await store.get()
    const now = clock.now()
    if (watch.length === 0 || now < lookAgainAt) return []
    lookAgainAt = now + options.settleMs
    const twice: Watched[] = []
    const keep: Watched[] = []
    for (const post of watch) {
      const age = now - Date.parse(post.at)
      if (age < WATCH_FROM * options.settleMs) keep.push(post)
      else if ((await rowsOfPost(counting(), post.table, post.id, context)) > post.rows) twice.push(post)
      else if (age < WATCH_UNTIL * options.settleMs) keep.push(post)
    }
    if (keep.length < watch.length) await store.put({ watch: keep })
    return twice
  }

  async function resolve(batchId: string, records: number, context: WriteContext): Promise<Resolution> {
    const post = poster.pending(batchId)
    // after a crash only the header tells: it comes last, so that with it everything is in
    const question = post ?? { id: batchId, table: { name: header }, rows: records }
    const found = options.ask
      ? await whatArrived(
          counting(),
          { by: '_sync_batch', value: question.id, rows: new Map([[question.table.name, question.rows]]) },
          context,
        )
      : 'cannot'
    if (found === 'all') return post === undefined || poster.confirm(batchId) ? 'delivered' : 'absent'
    if (found === 'none') {
      if (post && notes) {
        const { watch } = await notes.get()
        const entry = {
          id: post.id,
          table: post.table.name,
          rows: post.rows,
          at: new Date(clock.now()).toISOString(),
          records: [...post.records],
        }
        await notes.put({ watch: [...watch.filter(({ id }) => id !== post.id), entry] })
      }
      return 'absent'
    }
    if (found === 'cannot' && options.doubt === 'repeat') return 'repeat'
    poster.forget(batchId)
    return 'in-doubt'
  }

  /** Asked once for all tables of a run: its totals are compared table by table at the same moment. */
  function visible(run: string, context: WriteContext): Promise<boolean> {
    const rows = poster.sent(run)
    const known = seen?.run === run && seen.rows === JSON.stringify([...rows]) ? seen.there : undefined
    if (known) return known
    const there =
      rows.size === 0
        ? Promise.resolve(true)
        : whatArrived(counting(), { by: '_sync_run', value: run, rows }, context).then((found) => found !== 'cannot')
    seen = { run, rows: JSON.stringify([...rows]), there }
    there.catch(() => {
      seen = undefined
    })
    return there
  }

  return {
    address: addressOf(header),
    mode: 'append',
    statements: connection.posts,
    tables: (schema) => compile(schema).tables.map(({ list, name: table }) => ({ list, address: addressOf(table) })),
    async hasRows(tables, schema, context) {
      const id = options.ask ? (dataset ?? (await findDataset(deps, context))) : undefined
      if (id === undefined) return !options.ask
      const asked = compile(schema)
        .tables.filter(({ list }) => tables.some((one) => one.list === list))
        .map(({ name: table }) => ({ name: table, sent: false }))
      const { workspace, settleMs } = options
      const rows = await rowsOfTables({ connection, workspace, dataset: id, settleMs }, asked, context)
      return rows === undefined || rows.some((count) => count > 0)
    },
    renew: async () => connection.renew(),
    ...(options.retry ? { retry: options.retry } : {}),

    async prepare(schema, context): Promise<Prepared> {
      notes ??= createNotes(context.note)
      const { tables } = compile(schema)
      // each time: somebody may have deleted it meanwhile
      const found = await settleIn(deps, notes, schema, tables, context)
      const notices = [...found.notices, ...(await shape(deps, notes, found.id, tables, context))]
      dataset = found.id
      const rebuild = options.changes === 'rebuild' && context.full
      if ((rebuild || (await notes.get()).clearing) && clearedRun !== context.run) {
        if (!found.created) await clearTables(deps, notes, found.id, tables, context)
        clearedRun = context.run
        return { tables: await countTables(tables, true, context), cleared: true, notices }
      }
      const there = await countTables(tables, found.created, context)
      if (!rebuild) admit(there, context)
      const twice = options.ask ? await lookAgain(notes, context).catch(ifAllowed) : []
      return { tables: there, notices, ...(twice.length > 0 ? { doubled: twice } : {}) }
    },

    parts(records, schema) {
      const { maker } = compile(schema)
      const groups: WriteRecord[][] = []
      let bytes = Number.POSITIVE_INFINITY
      for (const record of records) {
        const size = headerSize(maker, record)
        const group = groups.at(-1)
        if (group === undefined || group.length >= options.limits.rows || bytes + size > options.limits.bytes) {
          groups.push([record])
          bytes = size
        } else {
          group.push(record)
          bytes += size
        }
      }
      return groups
    },

    async write(batch, context) {
      if (notes && (await notes.get()).clearing) await notes.put({ clearing: false })
      const { tables, maker } = compile(batch.schema)
      const rows = maker.rows(batch)
      try {
        await poster.send(batch, rows, context)
      } catch (error) {
        // nobody documents how a missing column is refused: it must not pass for bad records
        if (isSyncError(error) && error.cause.class === 'data' && error.cause.httpStatus === 400 && options.ask)
          for (const table of tables) await checkColumns(deps, known(), table, context)
        throw error
      }
    },

    async findRejected(batch) {
      const { maker } = compile(batch.schema)
      return batch.records.flatMap((record, index) => {
        const error = maker.misfit(batch, record)
        return error
          ? [
              {
                index,
                code: error.code,
                message: error.message,
                ...(error.cause.field ? { field: error.cause.field } : {}),
              },
            ]
          : []
      })
    },

    resolve: (batchId, _schema, context, records) => resolve(batchId, records, context),

    async readMark(context) {
      if (!options.ask || options.changes === 'rebuild') return []
      const id = dataset ?? (await findDataset(deps, context))
      if (id === undefined) return []
      const marks = await readMarks(connection, options.workspace, id, header, context)
      // a dataset may have tables of other entities, whose marks are no matter to this one
      return marks.map(({ source, ...mark }) =>
        source !== undefined && tableName(options.tables, mark.entity) === header ? { ...mark, source } : mark,
      )
    },

    async writeMark(mark: Mark, context) {
      if (!options.ask || !notes || !(await notes.get()).owned) return
      const withSource = hasMarkSource(await notes.get())
      const { fifo, quota } = connection.line(known())
      await fifo.run(
        known(),
        () =>
          writeMark({ connection, workspace: options.workspace, dataset: known(), quota, withSource }, mark, context),
        context.signal,
      )
    },

    totals: (question, context) =>
      options.ask
        ? storedTotals(
            {
              ...counting(),
              header,
              tables: compile(question.schema).tables,
              visible: () => visible(question.run, context),
              twice: poster.twice(question.run),
            },
            question,
            context,
          )
        : Promise.resolve('queries are switched off for this node'),
  }
}

const notEmpty = (name: string, filled: readonly FoundTable[], { ask }: Pick<PowerbiTargetOptions, 'ask'>): SyncError =>
  syncError(
    'config',
    'powerbi.full',
    ask
      ? `A full refresh would send every record to the dataset "${name}" once more: ${filled.map(({ name: table }) => table).join(', ')} ${filled.length > 1 ? 'have' : 'has'} rows, or Power BI may not be asked.`
      : `A full refresh would send every record to the dataset "${name}" once more, and Power BI is not asked whether it is empty.`,
    {
      hint: 'Nothing that was pushed can be taken back one by one. Choose "rebuild" in the node, which empties the tables and loads them anew, or empty them (or delete the dataset) first; a run without "full" goes on with what changed.',
    },
  )

const ifAllowed = (error: unknown): [] => {
  if (isNoQueries(error)) return []
  throw error
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
