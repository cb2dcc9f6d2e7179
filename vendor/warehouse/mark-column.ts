/** The column `source` of tables of marks: those made before it was there get it when they are first read or written. */
import { isSyncError } from '../../sync/contract/errors.ts'
import type { Column } from '../../sync/contract/message.ts'
import type { WriteContext } from '../../sync/contract/target.ts'
import { MARK_COLUMNS } from './technical-columns.ts'

/** What differs from warehouse to warehouse. */
export interface MarkColumnDeps<Table> {
  /** The table of marks, as people call it. */
  readonly nameOf: (table: Table) => string
  /** Does a statement fail with this because the table lacks the column? */
  readonly isLacking: (error: unknown) => boolean
  readonly add: (table: Table, column: Column, context: WriteContext) => Promise<unknown>
  /** The statement for it, for those who may run it. */
  readonly statement: (table: Table, column: Column) => string
}

/** Runs a statement about a table of marks with the columns that it has. */
export type WithMarkColumns<Table> = <T>(
  table: Table,
  context: WriteContext,
  work: (columns: readonly Column[]) => Promise<T>,
) => Promise<T>

const SOURCE = MARK_COLUMNS.find(({ name }) => name === 'source') as Column
const OTHERS = MARK_COLUMNS.filter((column) => column !== SOURCE)

/** Tried once for each table of marks; whoever may not add the column is told, and goes on without it. */
export function markColumns<Table>(deps: MarkColumnDeps<Table>): WithMarkColumns<Table> {
  /** By table: it is getting the column, or goes on without; inside the words that nobody has heard yet. */
  const lacking = new Map<string, Promise<{ words: string | undefined } | undefined>>()

  const adding = async (table: Table, context: WriteContext): Promise<{ words: string } | undefined> => {
    try {
      await deps.add(table, SOURCE, context)
      return undefined
    } catch (error) {
      if (!isSyncError(error) || context.signal.aborted || !['config', 'auth'].includes(error.cause.class)) throw error
      return {
        words: `${deps.nameOf(table)} has no column "source", and it could not be added (${error.message}). Without it nobody sees there that two systems write one table under one source name. Have its owner run: ${deps.statement(table, SOURCE)}`,
      }
    }
  }

  return async (table, context, work) => {
    const name = deps.nameOf(table)
    const without = async () => {
      const found = await lacking.get(name)
      if (found?.words && context.tell) {
        context.tell(found.words)
        found.words = undefined
      }
      return work(found ? OTHERS : MARK_COLUMNS)
    }
    if (lacking.has(name)) return without()
    try {
      return await work(MARK_COLUMNS)
    } catch (error) {
      if (!deps.isLacking(error)) throw error
    }
    const added = lacking.get(name) ?? adding(table, context)
    lacking.set(name, added)
    // What may pass is tried again.
    const forget = () => lacking.delete(name)
    added.then((found) => found ?? forget(), forget)
    if (await added) {
      // Another process may have added it at the same moment.
      try {
        const done = await work(MARK_COLUMNS)
        forget()
        return done
      } catch (error) {
        if (!deps.isLacking(error)) throw error
      }
    }
    return without()
  }
}
