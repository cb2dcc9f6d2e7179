/** Shape of the data files: which node an entity is, and which column comes from which field. Plain data. */
import type { ColumnType } from '../options.ts'

/** One column. Exactly one of `path`, `header`, `parent`, `period`, `computed`. */
export interface ColumnDef {
  readonly name: string
  readonly type: ColumnType
  /** Field path from the node; alternatives of other releases behind `|`, the first that the system knows is taken. `[0]` behind a collection: its first element. */
  readonly path?: string
  /** Repeats the document's column of this name. */
  readonly header?: string
  /** Repeats the column of this name of the element that carries the nested list. */
  readonly parent?: string
  /** `YYYY-MM` of this date column of the same row. */
  readonly period?: string
  /** Made of other columns of the document, once they are all there; with a `path` only where X3 has nothing there. */
  readonly computed?: true
  /** Only where this option of the entity is chosen (`EntityDef.options`). */
  readonly option?: string
  /**
   * Integer field of the node (or, in a nested list, of the parent: `^sign`) that is multiplied with the amount: 1 debit, -1
   * credit. On a header it is the document's side (`EntityDef.side`): an amount whose side is not known stays empty.
   */
  readonly sign?: string
  /** The value lies on a joined node with a change stamp of its own. */
  readonly joined?: true
  readonly sensitive?: true
  readonly description?: string
}

/** The collection of a document, or a collection inside of a list. */
export interface ListDef {
  readonly name: string
  /** Field of the collection; alternatives behind `|`. */
  readonly path: string
  /** Node under which an element can be read by itself, to complete its own collections. */
  readonly node: string
  readonly key: readonly string[]
  readonly columns: readonly ColumnDef[]
  /** How many elements are asked with the document; further ones by further pages. */
  readonly first: number
  readonly lists?: readonly ListDef[]
  /** A collection of (type, code) pairs that becomes `dim_<type>` columns of this row. */
  readonly dimensions?: DimensionsDef
  /** Takes the `dim_<type>` values of the only element of this nested list, if it has exactly one. */
  readonly dimensionsOf?: string
  /** Only where this option of the entity is chosen. */
  readonly option?: string
  /** X3 has no collection of it on the document: it is read by itself, by the document that its elements name. */
  readonly apart?: { readonly package: string; readonly by: string }
}

/** Where a row's (type, code) pairs stand. */
export interface DimensionsDef {
  readonly path: string
  readonly first: number
  readonly type: string
  readonly code: string
  /** Node of an element, by which the collection is found where a release calls it otherwise. */
  readonly node?: string
  /** Node between the row and the collection; where a row has several of it, it has no dimensions of its own. */
  readonly via?: string
  readonly option?: string
}

/** A node whose own change stamp means that records of the entity must be read again. */
export interface WatchDef {
  readonly walk: string
  readonly package: string
  readonly node: string
  /** Field paths on that node that give the entity's key columns, in the order of `by`. */
  readonly paths: readonly string[]
  /** Key columns of the entity that these paths give. */
  readonly by: readonly string[]
  readonly option?: string
}

/** Columns that say whether a document is an invoice or a credit memo, and whether its amounts agree. */
export interface SideDef {
  readonly category: string
  /** 1 an invoice, -1 a credit memo; absent: the amounts of a list come signed. */
  readonly sign?: string
  readonly amounts?: { readonly list: string; readonly column: string }
}

/** Lists whose computed columns are made by `../prices.ts`. */
export interface PricesDef {
  readonly lines: string
  readonly receipts: string
  readonly option: string
}

export interface EntityDef {
  readonly entity: string
  /** Package without its prefix: `MasterData` stands for `x3MasterData` or `xtremX3MasterData`. */
  readonly package: string
  readonly node: string
  readonly key: readonly string[]
  readonly columns: readonly ColumnDef[]
  readonly lists?: readonly ListDef[]
  readonly watch?: readonly WatchDef[]
  /** Date field of the document, for date windows and backfill. */
  readonly dateField?: string
  /** Of invoices: what says on which side a document stands. */
  readonly side?: SideDef
  /** Number of the rule by which its amounts are signed, where it is not the first (`Schema.contract`). */
  readonly contract?: number
  /** Columns and lists that only who asks for them gets, since a column more is another record to every target: what each is. */
  readonly options?: Readonly<Record<string, string>>
  /** What prices, amounts and quantities are computed of where X3 does not show them: names of the lists (`./prices.ts`). */
  readonly prices?: PricesDef
  /** Fixed restriction: field path and the option that holds its value. */
  readonly only?: { readonly path: string; readonly option: 'costCentreType' }
}

export const AMOUNT = 'decimal(28,8)' as const
