/** What the targets of one connection share, and what all of them can. */
import type { Target } from '../../sync/contract/target.ts'
import type { SqlDialect } from './dialect.ts'
import { createMarks, type Marks } from './marks.ts'
import { createShaper, type ShapeTables } from './shape.ts'

export interface Warehouse {
  readonly dialect: SqlDialect
  readonly shape: ShapeTables
  readonly marks: Marks
}

export const createWarehouse = (dialect: SqlDialect, marks: Marks = createMarks(dialect)): Warehouse => ({
  dialect,
  marks,
  shape: createShaper(dialect),
})

/** What the engine may ask of every table of a warehouse; `test/support/target-suite.ts` does. */
type Asked = Required<Pick<Target, 'isLost' | 'hasRows' | 'keys' | 'totals' | 'readMark' | 'writeMark'>>

export type MergeTarget = Target &
  Asked &
  Required<Pick<Target, 'tables' | 'stage' | 'findRejected'>> & { readonly mode: 'merge' }
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
