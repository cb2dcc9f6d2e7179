/** The form in which the comparer is told what must be in the target. */

export type Cell = string | null | boolean | number
export type CellType = 'string' | 'integer' | 'decimal' | 'boolean' | 'date'
export type ExpectedRow = Record<string, Cell>

/** One table of the target. `rows` can be asked more than once and gives the same rows each time. */
export interface ExpectedTable {
  name: string
  /** Header and flat tables, whose rows are records; false for lists. */
  main: boolean
  key: readonly string[]
  types: Readonly<Record<string, CellType>>
  rows(): Iterable<ExpectedRow>
}

export interface ExpectedOptions {
  /** Value of the `source` column. */
  source: string
  /** Entities that were read (`supplier`, `gl_entry` ...); all by default. */
  entities?: readonly string[]
  /** Sensitive columns that were chosen, as `entity.column`. */
  sensitive?: readonly string[]
  /** Ledgers that were chosen; all by default. */
  ledgers?: readonly string[]
  /** The dimension type that makes `cost_centre`; X3's default `CCT`. */
  costCentreType?: string
  /** What the flow's mapping does to a row of a table; columns it adds count as `string`. */
  transform?(table: string, row: ExpectedRow): ExpectedRow
}

/** An empty text is null in the target. */
export function text(value: string | null): string | null {
  return value === '' ? null : value
}
