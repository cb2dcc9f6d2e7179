/** What a SQL warehouse says of itself: its words, its statements, and what it guarantees. The target that is made of it asks for no vendor's name. */
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Column, ColumnType } from '../../sync/contract/message.ts'
import type { WriteBatch, WriteContext } from '../../sync/contract/target.ts'
import type { StoredRow } from './technical-columns.ts'

/** A table's name in the three parts that warehouses have, each as it is stored. Snowflake calls the first one database. */
export interface TableName {
  readonly catalog: string
  readonly schema: string
  readonly table: string
}

/** A table as it should be. The key's columns are not null, and the informational primary key but where every version is kept. */
export interface WantedTable {
  readonly kind: 'header' | 'list' | 'versions' | 'marks'
  readonly name: TableName
  readonly comment: string
  readonly columns: readonly Column[]
  readonly key: readonly string[]
}

/** A type as a table declares it, taken apart. */
export interface FoundType {
  /** In the vendor's words; all kinds of texts are one. */
  readonly kind: string
  readonly precision: number
  readonly scale: number
  /** Characters of a text column. */
  readonly length: number
  /** What a text column compares by; empty where it compares by bytes, as the ledger does. */
  readonly collation: string
}

/** A column as a table has it. */
export interface FoundColumn {
  /** Exactly, to be quoted. */
  readonly name: string
  /** As the table declares it: `NUMBER(18,2)`, `decimal(18,2)`. */
  readonly declared: string
  readonly type: FoundType
  readonly nullable: boolean
  readonly comment: string
}

/** Finds a column of a table by the schema's name for it; undefined where there is none. */
export type FindColumn = (name: string) => FoundColumn | undefined

/** Values never stand in a statement's text. They travel as texts, in the order in which `parameter` numbered them. */
export interface Statement {
  readonly sql: string
  readonly values?: readonly (readonly [name: string, value: string])[]
  /** What it does, in the error's words: `MERGE into main.finance.gl_entry`. */
  readonly what: string
  /** `read`: gives rows. `write`: done twice it changes nothing more, because it is repeated when its outcome is unknown. */
  readonly kind: 'read' | 'write'
  /** In a session in which nothing was written, so that it sees what everybody does. */
  readonly apart?: true
}

/** How texts become SQL. */
export interface DialectText {
  /** A statement finds a column by its name in whatever case it was made. Without: tables are looked at for the names they store. */
  readonly anyCase: boolean
  /** A stored name in quotes, the inner ones doubled. */
  readonly quote: (name: string) => string
  /** A table as people call it; part of its address and of its mark, so that it stays what it is. */
  readonly plain: (name: TableName) => string
  /** The name that a column or table of the schema gets when Tieout makes it. */
  readonly newName: (name: string) => string
  /** A name of a result's own, short and of letters and digits, so that its row has it as it is. */
  readonly alias: (name: string) => string
  /** The types of any text and, without digits, of a decimal. */
  readonly textType: string
  readonly decimalType: string
  /** The `place`th parameter of a statement, from 1 on. */
  readonly parameter: (name: string, place: number) => string
  /** In the SET of a MERGE a column is named with the target's alias; else without, as the standard has it. */
  readonly qualifiedSet: boolean
  /** The value of a column's type in a text; one that does not fit raises. */
  readonly cast: (text: string, type: ColumnType) => string
  /** The whole number that hexadecimal digits in a text stand for; null where it has others. */
  readonly fromHex: (text: string) => string
  /** A stored value as a message has it, where that is no plain cast to text. */
  readonly told?: (expression: string, found: FoundColumn) => string | undefined
  /** A text column compared by its bytes whatever its collation; absent: no statement can say so, and the columns themselves are looked at. */
  readonly exact?: (expression: string) => string
}

/** How tables are made, looked at and told about. */
export interface DialectTables {
  /** Columns of each table; undefined where it is not there or may not be seen. */
  columns(names: readonly TableName[], context: WriteContext): Promise<readonly (readonly FoundColumn[] | undefined)[]>
  /** Makes a table that is missing; whether it did. */
  create(wanted: WantedTable, context: WriteContext): Promise<boolean>
  addColumns(name: TableName, columns: readonly Column[], context: WriteContext): Promise<unknown>
  /** The same as a statement for people. */
  readonly addColumnsText: (name: TableName, columns: readonly Column[]) => string
  /** Whether every value of the column's type has a place in the type found, without rounding. */
  readonly holds: (found: FoundColumn, type: ColumnType) => boolean
  readonly sqlType: (type: ColumnType) => string
  /** The statement that widens a column to a type, for people. */
  readonly widen: (table: TableName, column: FoundColumn, type: string) => string
  /** Key columns compare otherwise than by their bytes: what is wrong and what to do. */
  collated(
    table: WantedTable,
    columns: readonly FoundColumn[],
    keys: readonly [FoundColumn, ...FoundColumn[]],
    context: WriteContext,
  ): Promise<SyncError>
}

/** What holds in a warehouse; what does not is made up for. */
export interface Guarantees {
  /** One question tells the columns of many tables, and tables are made side by side. Without: one after another. */
  readonly manyAtOnce: boolean
  /** Who asks for a mark finds an empty warehouse at once. Without: all entities share one question which tables have marks. */
  readonly cheapMisses: boolean
}

/** Statements of one session, one after another. */
export interface Work {
  readonly context: WriteContext
  run(statement: Statement): Promise<readonly StoredRow[]>
  /** The session is not to be used again: what it has open is not known. */
  discard(): void
}

/** For the query history: sync, run, entity. */
export type Tags = Readonly<Record<string, string>>

export const tagsOf = ({ sync, run, entity }: Pick<WriteBatch, 'sync' | 'run' | 'entity'>): Tags => ({
  sync,
  run,
  entity,
})

/** Several tables are written together or not at all. */
export interface Transaction {
  readonly begin: string
  readonly commit: string
  readonly rollback: string
  /** The session is gone, and with it what it had open. */
  readonly isLost: (error: unknown) => boolean
}

export interface SqlDialect extends DialectText, DialectTables, Guarantees {
  /** The vendor's name, and what its codes of errors begin with. */
  readonly vendor: string
  readonly code: string
  /** What tells the warehouse from all others: `databricks://host`. */
  readonly address: string
  /** Statements sent so far. */
  statements(): number
  /** One statement, in any session. */
  run(statement: Statement, context: WriteContext): Promise<readonly StoredRow[]>
  /**
   * Several statements in one session that nobody else uses meanwhile. When the session is lost everything is done again in a
   * new one, so that it must be a whole that changes nothing more when it is done twice.
   */
  session<T>(what: string, tags: Tags, task: (work: Work) => Promise<T>, context: WriteContext): Promise<T>
  /**
   * Absent: each statement stands for itself. All lists are written first, side by side, and the header, which says that they
   * are in, last.
   */
  readonly transaction?: Transaction
  /** A table that a statement names is not there, or may not be seen. */
  readonly isMissing: (error: unknown) => boolean
  /** A column that a statement names is not there. */
  readonly lacksColumn: (error: unknown) => boolean
}
