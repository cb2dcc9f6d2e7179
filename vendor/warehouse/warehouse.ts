/** What the targets of one connection share, and what all of them can. */
import type { Mark, PrepareContext, Prepared, Target, WriteContext } from '../../sync/contract/target.ts'
import { createQueue, type Queue } from '../../sync/values/queue.ts'
import type { SqlDialect, TableName, WantedTable } from './dialect.ts'
import { createMarks, type Marks } from './marks.ts'
import { createShaper, type Shaped, type ShapeTables } from './shape.ts'
import { addressOf, filledTables } from './tables.ts'
import { findTables } from './technical-columns.ts'

export interface Warehouse {
  readonly dialect: SqlDialect
  readonly shape: ShapeTables
  readonly marks: Marks
  /** Looks at whole tables go one after another: so they share one session, which never writes. */
  readonly looks: Queue
}

export const createWarehouse = (dialect: SqlDialect, marks: Marks = createMarks(dialect)): Warehouse => ({
  dialect,
  marks,
  shape: createShaper(dialect),
  looks: createQueue(),
})

/** What the engine may ask of every table of a warehouse; `test/support/target-suite.ts` does. */
type Asked = Required<
  Pick<Target, 'isLost' | 'hasRows' | 'keys' | 'standing' | 'totals' | 'whole' | 'readMark' | 'writeMark'>
>

export type MergeTarget = Target &
  Asked &
  Required<Pick<Target, 'tables' | 'stage' | 'findRejected' | 'lines'>> & { readonly mode: 'merge' }
export type AppendTarget = Target & Asked & Required<Pick<Target, 'resolve'>> & { readonly mode: 'append' }
export type SqlTarget = MergeTarget | AppendTarget

/** One for each connection, as long as there is that: its marks have one writer. */
export function eachConnection<C extends object, T>(make: (connection: C) => T): (connection: C) => T {
  const made = new WeakMap<C, T>()
  return (connection) => {
    const known = made.get(connection) ?? make(connection)
    made.set(connection, known)
    return known
  }
}

/** What is alike for all tables: where they are, and their marks. */
export const atTable = ({ dialect, marks }: Warehouse, table: TableName) => ({
  address: addressOf(dialect, table),
  statements: dialect.statements,
  isLost: dialect.isMissing,
  readMark: (context: WriteContext) => marks.read(table, context),
  writeMark: (mark: Mark, context: WriteContext, replaced?: readonly Mark[]) =>
    marks.write({ table, mark, context, replaced }),
})

/** A table that was brought into shape, as `prepare` tells it. */
interface Told {
  readonly list: string
  readonly wanted: WantedTable
  readonly shaped: Shaped | undefined
}

export async function preparedOf(
  { dialect }: Warehouse,
  told: readonly Told[],
  context: PrepareContext,
): Promise<Prepared> {
  const tables = told.map(({ list, wanted, shaped }) => ({
    list,
    name: dialect.plain(wanted.name),
    table: wanted.name,
    made: shaped?.created ?? false,
  }))
  return {
    tables: await findTables(tables, context.filled, (names) => filledTables(dialect, names, context)),
    notices: told.flatMap(({ shaped }) => shaped?.notices ?? []),
  }
}
