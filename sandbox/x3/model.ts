import type { Books, BookTables, Stamped, TableName } from '../books/types.ts'

/**
 * Which release's names the server speaks: today's, those before the order's lines were renamed, those of 2022 under
 * `xtremX3` (`2021`), or the form of 2021: everything under `sage`, pages without `query`, and no `read`.
 */
export type Generation = 'current' | 'quantityLines' | '2021' | 'sage'

/** Before a supplier's code became a reference. */
export const isOld = (generation: Generation): boolean => generation === '2021' || generation === 'sage'

/** A key part, in the order of the part in the key. */
export type Position = readonly (string | number)[]

/** A reference to a master record: the record itself is looked up when a field beyond its key is asked for. */
export interface Ref<N extends TableName = TableName> {
  readonly table: N
  readonly key: string
  readonly thing?: BookTables[N]
}

/** A code that has a title and nothing else: a site, a currency, a unit. */
export interface Code {
  readonly code: string
  readonly title: string
}

/** What the fields of a node are read with; one for each request. */
export interface Context {
  readonly books: Books
  /** The ERP's clock at the beginning of the request, ms since 1970. */
  readonly now: number
  /** The record with this key as far as it is visible now, read once per request. */
  load<N extends TableName>(table: N, key: string): BookTables[N] | undefined
  /** Null for an empty key. */
  ref<N extends TableName>(table: N, key: string | null): Ref<N> | null
  /** Null for an empty code. */
  code(kind: string, code: string | null): Code | null
  /** The wire's form of a change stamp; an empty one is null or X3's empty date. */
  stamp(stamp: string | null | undefined, key: string): string | null
  /** True where `guard` may refuse something. */
  readonly guarded: boolean
  /** Throws where the user may not read this node. */
  guard(type: string): void
  /** Some lines of this document were served and more remain. */
  paused(table: TableName, key: string): void
  readonly maxFirst: number
}

/** A field of a node. `type` is the contract's text: `String`, `Site_node`, `JournalEntryLine_Collection`, an enum's name. */
export interface Field {
  readonly type: string
  get(source: unknown, context: Context): unknown
}

/** A node: its fields and, where it can be queried, where its rows come from. */
export interface NodeSpec {
  /** Without the suffix, such as `JournalEntry`. */
  readonly type: string
  /** Absent: only reached by reference. */
  readonly package?: string
  readonly fields: Readonly<Record<string, Field>>
  readonly table?: TableName
  /** Its sources are references to the table's records, not the records. */
  readonly master: boolean
  /** Every source that one record of the table holds, in key order; absent: the record itself. */
  rows?(thing: unknown, context: Context): readonly unknown[]
  /** Sources of a node that comes from a list of codes. */
  all?(context: Context): readonly unknown[]
  /** The key: the record's own first, then the parts of a line. Joined with `|` it is `_id`. */
  position(source: unknown): Position
  /** Fields that say the same as `_id`. */
  readonly keyFields: readonly string[]
  /** Ways to name the record by equality: paths whose values joined with `|` are the record's key. */
  readonly keys: readonly (readonly string[])[]
  /** Paths of stamps by which the table finds its records without building them. */
  readonly stamps: Readonly<Record<string, { table: TableName; part: 'own' | 'lines' | 'joined' }>>
}

/** `[type, how to read it]` by name. */
export type Fields<S> = Readonly<Record<string, readonly [type: string, get: (source: S, context: Context) => unknown]>>

/** What a node is made from; see NodeSpec. */
export interface NodeHead<S> {
  type: string
  package?: string
  table?: TableName
  master?: boolean
  rows?: (thing: never, context: Context) => readonly S[]
  all?: (context: Context) => readonly S[]
  position: (source: S) => Position
  /** The record's stamps; undefined where there is none. */
  stamped: (source: S, context: Context) => Pick<Stamped, 'created' | 'updated'> | undefined
  keyFields?: readonly string[]
  keys?: readonly (readonly string[])[]
  stamps?: NodeSpec['stamps']
  /** Denormalised and line nodes have `_sortValue`. */
  sortValue?: (source: S) => number
}

const user: Code = { code: 'ADMIN', title: 'Super administrator' }

/** `blank` lists fields of the contract that the books have nothing for, as `name:Type` words; they answer null. */
export function node<S>(head: NodeHead<S>, fields: Fields<S>, blank = ''): NodeSpec {
  const { sortValue } = head
  const system: Fields<S> = {
    _access: ['[_OutputAccessBinding]', () => []],
    _updateUser: ['SysUser_node', () => user],
    _createUser: ['SysUser_node', () => user],
    _id: ['Id', (source) => head.position(source).join('|')],
    ...(sortValue ? { _sortValue: ['Int', sortValue] as const } : {}),
    _etag: ['String', (source, context) => etag(head.stamped(source, context))],
    _createStamp: ['Datetime', (source, context) => head.stamped(source, context)?.created ?? null],
    _updateStamp: [
      'Datetime',
      (source, context) => context.stamp(head.stamped(source, context)?.updated, String(head.position(source)[0])),
    ],
  }
  const spec: Record<string, Field> = {}
  for (const word of blank.split(/\s+/).filter(Boolean)) {
    const [name = '', type = ''] = word.split(':')
    spec[name] = { type, get: () => null }
  }
  for (const [name, [type, get]] of Object.entries({ ...system, ...fields })) {
    spec[name] = { type, get: get as Field['get'] }
  }
  return {
    type: head.type,
    ...(head.package ? { package: head.package } : {}),
    fields: spec,
    ...(head.table ? { table: head.table } : {}),
    master: head.master ?? false,
    ...(head.rows ? { rows: head.rows as NonNullable<NodeSpec['rows']> } : {}),
    ...(head.all ? { all: head.all } : {}),
    position: head.position as NodeSpec['position'],
    keyFields: head.keyFields ?? [],
    keys: [['_id'], ...(head.keys ?? [])],
    stamps: head.stamps ?? {},
  }
}

/** X3's `_etag` hides the row's revision: another text whenever the row itself was written, whether its stamp moved or not. */
function etag(stamped: object | undefined): string | null {
  if (!stamped) return null
  let hash = 2166136261
  for (const value of Object.values(stamped)) {
    if (typeof value === 'object' && value !== null) continue
    const text = `${value}`
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
  }
  return (hash >>> 0).toString(16)
}

/** X3 answers a decimal without needless zeros. */
export function decimal(value: string): string {
  return value.includes('.') ? value.replace(/\.?0+$/, '') : value
}

/** X3's columns are never null; an empty date comes as null from some fields and as this date from others. */
export const emptyDate = '1599-12-31'

/** The node's name in a query: `journalEntry` for `JournalEntry`. */
export function pathOf(type: string): string {
  return type.charAt(0).toLowerCase() + type.slice(1)
}
