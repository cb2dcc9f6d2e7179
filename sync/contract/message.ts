/** The message between nodes: one message is one batch, plain JSON on Node-RED's own conventions (docs/architecture.md, "The message"). */

/** Logical type of a column. Decimals travel as strings, integers as JS integers, dates `YYYY-MM-DD`, timestamps ISO 8601 with `Z`. */
export type ColumnType =
  | 'string'
  | 'integer'
  | `decimal(${number},${number})`
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'json'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly description?: string
  /** Bank and personal data: never in debug, status or logs. */
  readonly sensitive?: boolean
  /** Left out of the hash: it changes without meaning (a counter, a print date). */
  readonly volatile?: boolean
}

/** One table: the header of an entity, or one of its lists. */
export interface TableSchema {
  readonly entity: string
  /** Names of the key columns; the first is `source`. A list's key begins with its document's key. */
  readonly key: readonly string[]
  readonly columns: readonly Column[]
}

/** A record's shape: its header, and for a document the table of each list. */
export interface Schema extends TableSchema {
  readonly lists?: Readonly<Record<string, TableSchema>>
  /** Number of the rule by which the amounts of this entity are signed (docs/entities.md, "Contracts"); absent: the first. */
  readonly contract?: number
}

export type Value = string | number | boolean | null | object
export type Row = Record<string, Value | undefined>

/**
 * One record: a master record or a whole document with its lists (arrays under the lists' names).
 * The members that begin with `_` are Tieout's own; sinks remove them.
 */
export interface DataRecord extends Row {
  /** Position in the batch as the source sent it; settlement is counted by it. */
  _row: number
  /** Number of the request that began the read: the version of the record. Absent: `msg.sync.readNumber`. */
  _read?: number
  /** The ERP's own change stamp as received. */
  _stamp?: string | null
  /** A deletion: only the key is filled. */
  _op?: 'delete'
}

/**
 * A member of a row of any shape. Each entity brings shapes of its own, and code that names a member itself is compiled for those
 * that it has met: at the next it is thrown away. Whoever takes hundreds of thousands of rows reads members through here.
 */
export const memberOf = <R extends object, N extends keyof R>(row: R, name: N): R[N] => row[name]

/** Whether the record says that it was deleted in the source. */
export const isDeletion = (record: DataRecord): boolean => memberOf(record, '_op') === 'delete'

/** Who sent a batch and how it is counted. */
export interface SyncInfo {
  /** Name of the sync, chosen by the user. */
  readonly name: string
  readonly run: string
  readonly entity: string
  /** Number of the batch within run and entity, from 0. */
  readonly batch: number
  readonly readNumber: number
  /** Id of the ledger that counts. */
  readonly ledger: string
  readonly mode: 'poll' | 'replay' | 'push'
  /** Replay: the sink (its `SinkRef.key`) that the batch is for; others ignore it. */
  readonly to?: string
}

/**
 * `msg` as sources send it. `parts.count` stands on the last batch. `msg.complete` does not: a split node copies it onto each
 * of its messages, and the join behind it would give up its group at the first.
 */
export interface BatchMessage {
  topic: string
  payload: DataRecord[]
  schema: Schema
  parts: { id: string; index: number; type: 'array'; count?: number }
  sync: SyncInfo
}

/** What became of a record at a sink. */
export type Outcome = 'delivered' | 'unchanged' | 'superseded' | 'held' | 'inDoubt' | 'filtered'

/** Name of the table of a list. */
export const listTable = (entity: string, list: string): string => `${entity}_${list === 'lines' ? 'line' : list}`

/** Key of a record as text, `|` between the parts (a `|` or `\` inside a part gets a `\`); unique within entity. */
export function keyText(schema: Pick<TableSchema, 'key'>, record: Row): string {
  const names = memberOf(schema, 'key')
  let all = ''
  for (let i = 0; i < names.length; i++) {
    if (i > 0) all += '|'
    const part = memberOf(record, names[i] as string)
    if (part === null || part === undefined) continue
    const text = typeof part === 'object' ? JSON.stringify(part) : String(part)
    all += /[|\\]/.test(text) ? text.replace(/[|\\]/g, '\\$&') : text
  }
  return all
}

/** The first part of a `keyText` as it stands there. */
export const keyBeginning = (key: string): string => /^(?:[^|\\]|\\.)*/s.exec(key)?.[0] ?? ''

/** The parts of a `keyText`. */
export function keyParts(key: string): string[] {
  const parts: string[] = ['']
  for (let at = 0; at < key.length; at++) {
    if (key[at] === '|') parts.push('')
    else parts.push(`${parts.pop()}${key[at] === '\\' ? (key[++at] ?? '') : key[at]}`)
  }
  return parts
}

/** The deletion of the record with this key, as of a read: its key columns and nothing else. */
export function deletionOf(schema: TableSchema, key: string, read: number): DataRecord {
  const parts = keyParts(key)
  const record: DataRecord = { _row: 0, _read: read, _op: 'delete' }
  for (const [index, name] of schema.key.entries()) {
    const type = schema.columns.find((column) => column.name === name)?.type
    const part = parts[index] ?? ''
    record[name] = type === 'integer' ? Number(part) : type === 'boolean' ? part === 'true' : part
  }
  return record
}

/**
 * A text as the engine keeps the names of properties. A name that was cut or put together (`dim_` and a code) is another
 * string with the same characters: each access by it looks the name up first, and code compiled for it is thrown away
 * again and again. Whoever compiles accesses by name for many rows passes the names through here.
 */
export const propertyName = (name: string): string => Object.keys({ [name]: 0 })[0] as string
