/** What a warehouse says to merge: how rows are staged, and the statements. */
import type { TableSchema } from '../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import type { FindColumn, Statement, TableName, WantedTable, Work } from './dialect.ts'
import type { StoredRow } from './technical-columns.ts'

/** A table of an entity: the header, or one list. */
export interface Part {
  /** `''` the header, else the list's name. */
  readonly list: string
  readonly wanted: WantedTable
  /** Without the technical ones. */
  readonly columns: TableSchema['columns']
  readonly key: readonly string[]
}

/** A statement's text and its values. */
export type Text = Pick<Statement, 'sql' | 'values'>

/** How the rows of a batch come to where statements can read them; `R` is what stands for them. */
export interface Staging<R> {
  /** In no table yet. `purpose` keeps the files of a check apart from those of the batch. */
  stage(batch: WriteBatch, purpose: '' | '-check', context: WriteContext): Promise<R>
  /** Makes them readable in the session of the statements; absent: they are. */
  load?(work: Work, rows: R): Promise<void>
  /** Takes away what is left of them, without waiting; done twice it does nothing more. */
  drop(rows: R): void
  /**
   * A further attempt at a batch puts its rows where the failed one had them: they are overwritten then and not taken away,
   * which might meet the new ones.
   */
  readonly samePlace: boolean
  /** The statements, `found` being the columns of each part's table as they are stored. */
  statements(found: readonly FindColumn[]): MergeStatements<R>
}

/** The statements of an entity's tables; `place` is that of the part. */
export interface MergeStatements<R> {
  /** Insert, update, delete, of the header or of the lines of documents: nothing older than what is there, an exact repeat changes nothing. */
  merge(place: number, rows: R, batch: WriteBatch): Text
  /** The rows whose values do not fit: `n` index in the batch, `field` the first such (`c0`, `c1`, ...). Undefined: any value fits. */
  rejected(place: number, rows: R): Text | undefined
  /** For tables that may leave rows out without an error, and a transaction that takes the others back; absent: there are none. */
  readonly leftOut?: LeftOut<R>
}

export interface LeftOut<R> {
  readonly code: string
  readonly why: (table: TableName) => string
  /** Rows that the MERGE must touch, and did. */
  expected(place: number, rows: R, batch: WriteBatch): number
  touched(result: StoredRow | undefined): number
  /** After the MERGE: the documents (`n`) of which the table does not have every row that it should. */
  query(place: number): Text
}
