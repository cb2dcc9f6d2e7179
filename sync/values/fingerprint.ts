/**
 * Fingerprint of a record: equal for equal content, whatever the order of members and lines or the way a decimal is written.
 * The same pass sees whether every value fits the schema, so that only doubtful records are checked one by one (`values.ts`).
 */
import { hash } from 'node:crypto'
import {
  type DataRecord,
  isDeletion,
  memberOf,
  propertyName,
  type Row,
  type Schema,
  type TableSchema,
} from '../contract/message.ts'
import { canonical, fitsPlain, isDecimal } from './money.ts'
import { isDate, isTimestamp, kindOf, type TypeKind } from './types.ts'

export type Hasher = (record: DataRecord) => string

export interface Fingerprint {
  readonly hash: string
  /** The record certainly passes `compileChecker`; where not, that has to be asked. */
  readonly sound: boolean
}

export type Fingerprinter = (record: DataRecord) => Fingerprint

/** The hash alone. */
export function compileHasher(schema: Schema): Hasher {
  const fingerprint = compileFingerprint(schema)
  return (record) => fingerprint(record).hash
}

/**
 * Compiles the fingerprint of one schema: 128 bit (32 hex digits, SHA-256 cut) over the non-null columns sorted by
 * name and the lists in any order of their lines; without volatile columns and `_` members. A column that is added to
 * the schema and null everywhere changes no hash. A deletion has the empty hash.
 *
 * It is taken of one JSON array. Each row begins with the names of its filled columns (their digest), each list with its name
 * and number of lines, so that no two different records give the same text. JSON escapes halves of characters, which would
 * not survive the way to bytes.
 */
export function compileFingerprint(schema: Schema): Fingerprinter {
  const lists = Object.entries(schema.lists ?? {})
    .map(
      ([name, table]): HashedList => ({
        name: propertyName(name),
        readRow: compileRow(table, schema.key),
        ownKey: ownKeyOf(table, schema.key).map(propertyName),
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const readHeader = compileRow(schema, [], new Set(lists.map(({ name }) => name)))
  return (record) => {
    if (isDeletion(record)) return { hash: '', sound: false }
    const key: unknown[] = new Array(schema.key.length)
    let most = readHeader.most
    for (let at = 0; at < lists.length; at++) {
      const { name, readRow } = lists[at] as HashedList
      const lines = memberOf(record, name)
      if (Array.isArray(lines)) most += 2 + lines.length * readRow.most
    }
    const all: Hashed = { values: new Array(most), count: 0 }
    let sound = readHeader(record, key, all)
    for (let at = 0; at < lists.length; at++) {
      const { name, readRow, ownKey } = lists[at] as HashedList
      const lines = memberOf(record, name) as Row[]
      if (!Array.isArray(lines)) sound = false
      else if (lines.length > 0) {
        all.values[all.count++] = name
        all.values[all.count++] = lines.length
        const inOrder = byKey(lines, ownKey)
        if (inOrder === undefined) {
          sound = false
          readUnordered(lines, readRow, key, all)
        } else for (let i = 0; i < inOrder.length; i++) if (!readRow(inOrder[i] as Row, key, all)) sound = false
      }
    }
    all.values.length = all.count
    const text = JSON.stringify(all.values)
    // JSON writes NUL and halves of characters as escapes.
    return { hash: hash('sha256', text, 'hex').slice(0, 32), sound: sound && !text.includes('\\u') }
  }
}

/** Lines that no key puts in order stand in the order of their texts. */
function readUnordered(lines: readonly Row[], readRow: RowReader, key: unknown[], all: Hashed): void {
  const rows = lines.map((line) => {
    const row: Hashed = { values: [], count: 0 }
    readRow(line, key, row)
    return JSON.stringify(row.values)
  })
  for (const row of rows.sort()) all.values[all.count++] = row
}

/** What tells a line from the document's other lines. */
const ownKeyOf = (table: TableSchema, documentKey: readonly string[]): readonly string[] =>
  table.key.filter((name) => !documentKey.includes(name))

interface Slot {
  readonly name: string
  /** Place in the schema. */
  readonly place: number
  /** Place among the hashed columns; -1 for a volatile one. */
  readonly at: number
  readonly kind: TypeKind
  readonly precision: number
  readonly scale: number
  /** Place in the document's key that a line repeats; -1. */
  readonly shared: number
  /** Place in the row's own part of the key; -1. */
  readonly own: number
  /** The last date that was seen to be one: they repeat. */
  date: string
}

/** Columns in one word of the bit mask that says which are filled. */
const wordBits = 30
const mostDigests = 10_000

/** What is hashed of a document, in an array that is long enough from the start. */
interface Hashed {
  readonly values: unknown[]
  count: number
}

interface HashedList {
  readonly name: string
  readonly readRow: RowReader
  readonly ownKey: readonly string[]
}

interface RowReader {
  /** Appends what is hashed of a row; gives whether it is sound. `key`: the values of the document's key, which a header fills in and a line must have. */
  (row: Row, key: unknown[], all: Hashed): boolean
  /** How many values a row has at most. */
  readonly most: number
}

/** `documentKey`: for the lines of a list, the key of their document. `lists`: members that are no columns. */
function compileRow(
  table: TableSchema,
  documentKey: readonly string[],
  lists: ReadonlySet<string> = new Set(),
): RowReader {
  const hashed = table.columns
    .filter(({ volatile }) => !volatile)
    .map(({ name }) => name)
    .sort((a, b) => (a < b ? -1 : 1))
  const ownKey = ownKeyOf(table, documentKey)
  const isHeader = documentKey.length === 0
  const slots = table.columns.map(({ name, type }, place): Slot => {
    const { kind, precision, scale } = kindOf(type)
    const at = hashed.indexOf(name)
    const shared = table.key.includes(name) ? documentKey.indexOf(name) : -1
    // One literal, so that all slots have one shape.
    return {
      name: propertyName(name),
      place,
      at,
      kind,
      precision,
      scale,
      shared,
      own: ownKey.indexOf(name),
      date: '',
    }
  })
  const byName = new Map(slots.map((slot) => [slot.name, slot]))
  /** Digests of the names of filled columns, by mask. Few combinations occur. */
  const digests = new Map<string, string>()
  const digestOf = (mask: string, row: Row): string => {
    const known = digests.get(mask)
    if (known !== undefined) return known
    const filled = hashed.filter((name) => row[name] !== null && row[name] !== undefined)
    const digest = hash('sha256', JSON.stringify(filled), 'base64').slice(0, 22)
    if (digests.size >= mostDigests) digests.clear()
    digests.set(mask, digest)
    return digest
  }
  const values: unknown[] = hashed.map(() => undefined)

  const read = (row: Row, key: unknown[], all: Hashed): boolean => {
    let keys = 0
    let sound = true
    let place = 0
    // Read in the row's own order, which engines do several times faster than by name.
    for (const name in row) {
      const value = row[name]
      const next = slots[place]
      const slot = next !== undefined && next.name === name ? next : byName.get(name)
      if (slot === undefined) {
        if (value !== undefined && name.charCodeAt(0) !== 95 && !lists.has(name)) sound = false
        continue
      }
      place = slot.place + 1
      if (value === null || value === undefined) continue
      if (slot.own >= 0) {
        if (isHeader) key[slot.own] = value
        if (value !== '') keys++
      } else if (slot.shared >= 0 && value !== '' && value === key[slot.shared]) keys++
      let hashable: unknown = value
      if (typeof value === 'string') {
        if (slot.kind === 'decimal' && isDecimal(value)) {
          hashable = canonical(value)
          if (!fitsPlain(value, slot.precision, slot.scale)) sound = false
        } else if (slot.kind !== 'string' && !isMoment(slot, value)) sound = false
        if (slot.at < 0 && (!value.isWellFormed() || value.includes('\0'))) sound = false
      } else if (typeof value === 'object') {
        hashable = [canonicalJson(value)]
        sound = false
      } else if (
        slot.kind === 'integer' ? !Number.isSafeInteger(value) : slot.kind !== 'boolean' || typeof value !== 'boolean'
      )
        sound = false
      if (slot.at >= 0) values[slot.at] = hashable
    }
    let mask = ''
    let word = 0
    const first = all.count++
    for (let i = 0; i < values.length; i++) {
      if (i > 0 && i % wordBits === 0) {
        mask += `${word},`
        word = 0
      }
      const value = values[i]
      if (value === undefined) continue
      values[i] = undefined
      word |= 1 << (i % wordBits)
      all.values[all.count++] = value
    }
    all.values[first] = digestOf(mask + word, row ?? {})
    return sound && keys === table.key.length
  }
  return Object.assign(read, { most: hashed.length + 1 })
}

/** A date or timestamp of its column; what else a text may be in there, the check says. */
function isMoment(slot: Slot, text: string): boolean {
  if (slot.kind === 'timestamp') return isTimestamp(text)
  if (slot.kind !== 'date') return false
  if (text !== slot.date && !isDate(text)) return false
  slot.date = text
  return true
}

/** Lines in the order of their keys, in which most come; undefined where two have one key or keys that cannot be compared. */
function byKey(lines: readonly Row[], ownKey: readonly string[]): readonly Row[] | undefined {
  if (isAscending(lines, ownKey)) return lines
  const sorted = [...lines].sort((a, b) => order(a, b, ownKey))
  return isAscending(sorted, ownKey) ? sorted : undefined
}

function isAscending(lines: readonly Row[], ownKey: readonly string[]): boolean {
  for (let i = 1; i < lines.length; i++) if (order(lines[i] as Row, lines[i - 1] as Row, ownKey) <= 0) return false
  return true
}

/** Above 0: `row` comes after `other`; 0 where they are alike or cannot be compared. */
function order(row: Row | null | undefined, other: Row | null | undefined, key: readonly string[]): number {
  if (!row || !other) return 0
  for (let i = 0; i < key.length; i++) {
    const one = memberOf(row, key[i] as string)
    const before = memberOf(other, key[i] as string)
    if (one === before) continue
    if (typeof one === 'number' && typeof before === 'number') return one > before ? 1 : one < before ? -1 : 0
    if (typeof one === 'string' && typeof before === 'string') return one > before ? 1 : -1
    return 0
  }
  return 0
}

/** JSON with the members of every object sorted by name. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
