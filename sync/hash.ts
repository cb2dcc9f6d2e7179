/**
 * Fingerprint of a record: equal for equal content, whatever the order of members and lines or the way a decimal is written.
 * The same pass sees whether every value fits the schema, so that only doubtful records are checked one by one (`values.ts`).
 */
import { hash } from 'node:crypto'
import { type DataRecord, propertyName, type Row, type Schema, type TableSchema } from './message.ts'
import { canonical, fitsPlain, isDecimal } from './money.ts'
import { isDate, isTimestamp, kindOf, type TypeKind } from './values.ts'

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
 * Rows are JSON arrays that begin with the names of the filled columns (their digest), so that no two different
 * records give the same text. JSON escapes halves of characters, which would not survive the way to bytes.
 */
export function compileFingerprint(schema: Schema): Fingerprinter {
  const lists = Object.entries(schema.lists ?? {})
    .map(([name, table]) => ({ name: propertyName(name), readRow: compileRow(table, schema.key) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const readHeader = compileRow(schema, [], new Set(lists.map(({ name }) => name)))
  return (record) => {
    if (record._op === 'delete') return { hash: '', sound: false }
    const header = readHeader(record)
    let { sound } = header
    // joined once: a text that grows is written twice
    const all = [header.text]
    for (const { name, readRow } of lists) {
      const lines = record[name]
      if (!Array.isArray(lines)) sound = false
      else if (lines.length > 0) {
        const texts: string[] = []
        const keys: (readonly unknown[])[] = []
        for (const line of lines as Row[]) {
          const row = readRow(line, header.key)
          if (!row.sound) sound = false
          keys.push(row.key)
          texts.push(row.text)
        }
        if (texts.length > 1) {
          texts.sort()
          if (sound && !areDistinct(keys)) sound = false
        }
        all.push(JSON.stringify([name, lines.length]))
        for (let i = 0; i < texts.length; i++) all.push(texts[i] as string)
      }
    }
    return { hash: hash('sha256', all.join(''), 'hex').slice(0, 32), sound }
  }
}

/** A row as it was read. */
interface RowRead {
  /** JSON: which columns are filled, then their values. */
  readonly text: string
  readonly sound: boolean
  /** Header: the document's key. Line: what tells it from the document's other lines. */
  readonly key: readonly unknown[]
}

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
  date: unknown
}

/** Columns in one word of the bit mask that says which are filled. */
const wordBits = 30
const mostDigests = 10_000

/** `documentKey`: for the lines of a list, the key of their document. `lists`: members that are no columns. */
function compileRow(
  table: TableSchema,
  documentKey: readonly string[],
  lists: ReadonlySet<string> = new Set(),
): (row: Row, shared?: readonly unknown[]) => RowRead {
  const hashed = table.columns
    .filter(({ volatile }) => !volatile)
    .map(({ name }) => name)
    .sort((a, b) => (a < b ? -1 : 1))
  const ownKey = table.key.filter((name) => !documentKey.includes(name))
  const slots = table.columns.map(
    ({ name, type }, place): Slot => ({
      ...kindOf(type),
      name: propertyName(name),
      place,
      at: hashed.indexOf(name),
      shared: table.key.includes(name) ? documentKey.indexOf(name) : -1,
      own: ownKey.indexOf(name),
      date: undefined,
    }),
  )
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
  // two arrays for all rows: they are JSON before the next row comes
  const values: unknown[] = hashed.map(() => undefined)
  const filled: unknown[] = ['']

  return (row, shared) => {
    const key: unknown[] = []
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
        key[slot.own] = value
        if (value !== '') keys++
      } else if (slot.shared >= 0 && value !== '' && value === shared?.[slot.shared]) keys++
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
    let count = 1
    let mask = ''
    let word = 0
    for (let i = 0; i < values.length; i++) {
      if (i > 0 && i % wordBits === 0) {
        mask += `${word},`
        word = 0
      }
      const value = values[i]
      if (value === undefined) continue
      values[i] = undefined
      word |= 1 << (i % wordBits)
      filled[count++] = value
    }
    filled.length = count
    filled[0] = digestOf(mask + word, row ?? {})
    const text = JSON.stringify(filled)
    // JSON writes NUL and halves of characters as escapes.
    return { text, sound: sound && keys === table.key.length && !text.includes('\\u'), key }
  }
}

/** A date or timestamp of its column; what else a text may be in there, the check says. */
function isMoment(slot: Slot, text: string): boolean {
  if (slot.kind === 'timestamp') return isTimestamp(text)
  if (slot.kind !== 'date') return false
  if (text !== slot.date && !isDate(text)) return false
  slot.date = text
  return true
}

/** Whether no two lines have one key; what only looks alike counts as alike. */
function areDistinct(keys: readonly (readonly unknown[])[]): boolean {
  const seen = new Set<string>()
  for (const key of keys) seen.add(key.length === 1 ? String(key[0]) : key.join('\0'))
  return seen.size === keys.length
}

/** JSON with the members of every object sorted by name. */
function canonicalJson(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
