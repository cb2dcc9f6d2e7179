/** Before a run writes: dataset and tables as they must be, and whether anything is in them. */
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { Schema } from '../../../sync/contract/message.ts'
import type { FoundTable, PrepareContext, Prepared } from '../../../sync/contract/target.ts'
import { isNoQueries } from './connection.ts'
import { rowsOfTables } from './counts.ts'
import { addColumns, clearTables, findOrCreate } from './entity-dataset.ts'
import { counting, type EntityState } from './entity-state.ts'
import type { ModelTable } from './model.ts'
import { createNotes } from './note.ts'
import { createWatch } from './watch.ts'

export function createPrepare(state: EntityState): (schema: Schema, context: PrepareContext) => Promise<Prepared> {
  const { options } = state
  const watch = createWatch(state)
  /** The run for which the tables were emptied, and the full refresh that found them empty. */
  let clearedRun: string | undefined
  let admittedRun: string | undefined

  /** A full refresh sends everything once more, which nobody could take back: only what is empty may get it. */
  function admit(tables: readonly FoundTable[], { full, run }: PrepareContext): void {
    if (!full || admittedRun === run) return
    const filled = tables.filter((table) => table.state === 'filled')
    if (filled.length > 0) throw notEmpty(state, filled)
    admittedRun = run
  }

  return async (schema, context) => {
    state.notes ??= createNotes(context.note)
    const { notes } = state
    const { tables } = state.compile(schema)
    // each time: somebody may have deleted it meanwhile
    const found = await findOrCreate(state, notes, schema, tables, context)
    const notices = [...found.notices, ...(await addColumns(state, notes, found.id, tables, context))]
    state.id = found.id
    state.apart = (await notes.get()).keys === 'apart'
    const rebuild = context.full && (options.changes === 'rebuild' || context.clear === true)
    if ((rebuild || (await notes.get()).clearing) && clearedRun !== context.run) {
      if (!found.created) await clearTables(state, notes, found.id, tables, context)
      clearedRun = context.run
      return { tables: await countTables(state, tables, true, context), cleared: true, notices }
    }
    const there = await countTables(state, tables, found.created, context)
    if (!rebuild) admit(there, context)
    const twice = options.ask ? await watch.lookAgain(notes, context).catch(ifAllowed) : []
    return { tables: there, notices, ...(twice.length > 0 ? { doubled: twice } : {}) }
  }
}

/** How full the tables are says whether somebody emptied them, and decides which limit holds: where nobody can tell, the slower one. */
async function countTables(
  state: EntityState,
  tables: readonly ModelTable[],
  isNew: boolean,
  context: PrepareContext,
): Promise<readonly FoundTable[]> {
  const asked = tables.map(({ name, list }) => ({ name, sent: context.filled.has(list) }))
  const rows = !isNew && state.options.ask ? await rowsOfTables(counting(state), asked, context) : undefined
  return tables.map(({ name, list }, i): FoundTable => {
    const count = isNew ? 0 : rows?.[i]
    state.rows.set(name, count)
    return { list, name: `${state.name}/${name}`, state: isNew ? 'new' : count === 0 ? 'empty' : 'filled' }
  })
}

const notEmpty = ({ name, options }: EntityState, filled: readonly FoundTable[]): SyncError =>
  syncError(
    'config',
    'powerbi.full',
    options.ask
      ? `A full refresh would send every record to the dataset "${name}" once more: ${filled.map((table) => table.name).join(', ')} ${filled.length > 1 ? 'have' : 'has'} rows, or Power BI may not be asked.`
      : `A full refresh would send every record to the dataset "${name}" once more, and Power BI is not asked whether it is empty.`,
    {
      hint: 'Nothing that was pushed can be taken back one by one. Send msg.tieout = {"full": true, "clear": true, "by": ..., "reason": ...}, which empties the tables and loads them anew ("rebuild" in the node does so with every full refresh), or empty them (or delete the dataset) first; a run without "full" goes on with what changed.',
    },
  )

const ifAllowed = (error: unknown): [] => {
  if (isNoQueries(error)) return []
  throw error
}
