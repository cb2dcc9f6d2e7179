/** Checks values against the types of `msg.schema`: compiled once for a schema, one pass over what a record holds. */
import { type ErrorCause, type SyncError, syncError } from '../contract/errors.ts'
import {
  type ColumnType,
  type DataRecord,
  isDeletion,
  keyText,
  type Row,
  type Schema,
  type TableSchema,
} from '../contract/message.ts'
import { fitsDecimal, isDecimal } from './money.ts'

export type ValueChecker = (record: DataRecord) => SyncError | undefined

/** A fault of one value: stable code, what is wrong (after "the value X"), what to do next. */
interface Fault {
  readonly code: string
  readonly text: string
  readonly hint: string
}

export type TypeKind = 'string' | 'integer' | 'decimal' | 'boolean' | 'date' | 'timestamp' | 'json'

const decimalType = /^decimal\((\d+),\s*(\d+)\)$/

/** A column's type in parts; precision and scale are 0 for what is no decimal. */
export function kindOf(type: ColumnType): {
  readonly kind: TypeKind
  readonly precision: number
  readonly scale: number
} {
  const [, precision, scale] = decimalType.exec(type) ?? []
  if (precision === undefined) return { kind: type as TypeKind, precision: 0, scale: 0 }
  return { kind: 'decimal', precision: Number(precision), scale: Number(scale) }
}

interface ColumnCheck {
  readonly name: string
  readonly type: ColumnType
  readonly sensitive: boolean
  readonly kind: TypeKind
  readonly precision: number
  readonly scale: number
}

interface TableCheck {
  readonly table: TableSchema
  readonly columns: ReadonlyMap<string, ColumnCheck>
  /** The same in the schema's order, in which most rows have them. */
  readonly inOrder: readonly ColumnCheck[]
}

interface ListCheck extends TableCheck {
  readonly list: string
  /** Key columns that repeat the document's key, and those that tell its lines apart. */
  readonly shared: readonly string[]
  readonly own: readonly string[]
}

/**
 * Compiles the check of one schema. The checker gives a `data` error that names the record's key, the list and line,
 * the field, the value (shortened; not for sensitive columns) and what to do; or nothing when the record fits.
 * A deletion (`_op: 'delete'`) needs only its key.
 */
export function compileChecker(schema: Schema): ValueChecker {
  const header = compileTable(schema)
  const lists = new Map<string, ListCheck>()
  for (const [list, table] of Object.entries(schema.lists ?? {})) {
    const shared = table.key.filter((name) => schema.key.includes(name))
    lists.set(list, {
      ...compileTable(table),
      list,
      shared,
      own: table.key.filter((name) => !schema.key.includes(name)),
    })
  }
  return (record) => {
    const missing = missingKey(header, record)
    if (missing !== undefined) return problem(schema, record, missing, null, faults.keyNull(missing))
    const remove = isDeletion(record)
    for (const name in record) {
      if (remove && !schema.key.includes(name)) continue
      const value = record[name]
      const column = header.columns.get(name)
      if (column !== undefined) {
        if (value === null || value === undefined) continue
        const fault = check(column, value)
        if (fault !== undefined) return problem(schema, record, name, value, fault, column)
      } else if (!lists.has(name) && name.charCodeAt(0) !== 95 && value !== undefined)
        return problem(schema, record, name, null, faults.unknown(name, schema.entity))
    }
    if (remove) return undefined
    for (const list of lists.values()) {
      const error = checkList(schema, list, record)
      if (error !== undefined) return error
    }
    return undefined
  }
}

function compileTable(table: TableSchema): TableCheck {
  const columns = new Map<string, ColumnCheck>()
  for (const { name, type, sensitive = false } of table.columns)
    columns.set(name, { name, type, sensitive, ...kindOf(type) })
  return { table, columns, inOrder: [...columns.values()] }
}

function checkList(schema: Schema, list: ListCheck, record: DataRecord): SyncError | undefined {
  const lines = record[list.list]
  // A list that a function node dropped would delete every line of the document in the target.
  if (!Array.isArray(lines)) return problem(schema, record, list.list, null, faults.noList(list.list, lines))
  const seen = lines.length > 1 ? new Set<string>() : undefined
  for (const item of lines as unknown[]) {
    if (item === null || typeof item !== 'object' || Array.isArray(item))
      return problem(schema, record, list.list, null, faults.noLine(list.list))
    const line = item as Row
    let place = 0
    for (const name in line) {
      const value = line[name]
      const next = list.inOrder[place++]
      const column = next?.name === name ? next : list.columns.get(name)
      if (column !== undefined) {
        if (value === null || value === undefined) continue
        const fault = check(column, value)
        if (fault !== undefined) return problem(schema, record, name, value, fault, column, list, line)
      } else if (name.charCodeAt(0) !== 95 && value !== undefined)
        return problem(schema, record, name, null, faults.unknown(name, list.table.entity), undefined, list, line)
    }
    const missing = missingKey(list, line)
    if (missing !== undefined) return problem(schema, record, missing, null, faults.keyNull(missing), undefined, list)
    for (const name of list.shared)
      if (line[name] !== record[name])
        return problem(schema, record, name, line[name], faults.otherKey(name), list.columns.get(name), list, line)
    if (seen === undefined) continue
    const key = lineKey(list, line)
    if (seen.has(key)) return problem(schema, record, list.own.at(-1), null, faults.twice, undefined, list, line)
    seen.add(key)
  }
  return undefined
}

/** What tells the lines of a document apart. The values are checked: texts without NUL, nothing empty. */
function lineKey({ own }: ListCheck, line: Row): string {
  let key = ''
  for (const name of own) {
    const part = line[name]
    key += `${typeof part === 'object' ? JSON.stringify(part) : part}\0`
  }
  return key
}

function missingKey({ table }: TableCheck, row: Row): string | undefined {
  for (const name of table.key) {
    const part = row[name]
    if (part === null || part === undefined || part === '') return name
  }
  return undefined
}

/** The fault of one value that is not null, if any. */
function check(column: ColumnCheck, value: unknown): Fault | undefined {
  switch (column.kind) {
    case 'string':
      if (typeof value !== 'string') return faults.type(column, value, 'write it as text')
      return badText(value)
    case 'decimal':
      if (typeof value === 'number') return faults.number(column)
      if (typeof value !== 'string' || !isDecimal(value))
        return faults.type(column, value, 'write it as text in plain notation, such as "1234.50"')
      return fitsDecimal(value, column.precision, column.scale) ? undefined : faults.fit(column)
    case 'integer':
      return Number.isSafeInteger(value) ? undefined : faults.type(column, value, 'write it as a whole number')
    case 'boolean':
      return typeof value === 'boolean' ? undefined : faults.type(column, value, 'write true or false')
    case 'date':
      if (typeof value === 'string' && isDate(value)) return undefined
      return faults.type(column, value, 'write a date of the calendar as YYYY-MM-DD')
    case 'timestamp':
      if (typeof value === 'string' && isTimestamp(value)) return undefined
      return faults.type(column, value, 'write it in UTC as YYYY-MM-DDTHH:MM:SSZ')
    case 'json':
      return badJson(column, value)
  }
}

function badText(text: string): Fault | undefined {
  if (!text.isWellFormed()) return faults.surrogate
  return text.includes('\0') ? faults.nul : undefined
}

function badJson(column: ColumnCheck, value: unknown): Fault | undefined {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // A circle or a bigint: reported below like anything else that is no JSON.
  }
  if (text === undefined) return faults.type(column, '', 'write plain JSON')
  // JSON.stringify writes lone surrogates and NUL as escapes; a backslash before makes it mere text.
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)) return faults.surrogate
  return /(?<!\\)(?:\\\\)*\\u0000/.test(text) ? faults.nul : undefined
}

const digit = (text: string, at: number): number => {
  const value = text.charCodeAt(at) - 48
  return value >= 0 && value <= 9 ? value : Number.NaN
}
const pair = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

/** A day of the Gregorian calendar as `YYYY-MM-DD`, years 0001 to 9999; looks at the first ten characters. */
function isDay(text: string): boolean {
  const year = pair(text, 0) * 100 + pair(text, 2)
  const month = pair(text, 5)
  const day = pair(text, 8)
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return false
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return false
  if (day <= 28) return true
  if (month === 2) return day === 29 && (year % 400 === 0 || (year % 4 === 0 && year % 100 !== 0))
  return day <= 30 || (month !== 4 && month !== 6 && month !== 9 && month !== 11)
}

export const isDate = (text: string): boolean => text.length === 10 && isDay(text)

const clock = /^T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/

export const isTimestamp = (text: string): boolean => isDay(text) && clock.test(text.slice(10))

const faults = {
  surrogate: { code: 'values.surrogate', text: 'holds half a character', hint: 'Correct the text in the source.' },
  nul: { code: 'values.nul', text: 'holds a NUL character', hint: 'Correct the text in the source.' },
  twice: {
    code: 'values.line-twice',
    text: 'two lines have the same key',
    hint: 'Check what in the flow adds or copies lines.',
  },
  type: ({ type }: ColumnCheck, value: unknown, cure: string): Fault => ({
    code: 'values.type',
    text: `is not a ${type}${typeof value === 'string' ? '' : ` but a JavaScript ${typeof value}`}`,
    hint: `Correct it in the source or the mapping: ${cure}.`,
  }),
  number: ({ type }: ColumnCheck): Fault => ({
    code: 'values.number',
    text: `is a JavaScript number in a ${type} column, which may have lost digits`,
    hint: 'Keep the amount as text, and calculate with $add, $sub, $mul and $round.',
  }),
  fit: ({ type }: ColumnCheck): Fault => ({
    code: 'values.fit',
    text: `has more digits than ${type} holds`,
    hint: 'Round it in the mapping with $round, or widen the column. It is never rounded unasked.',
  }),
  keyNull: (name: string): Fault => ({
    code: 'values.key-null',
    text: 'is a part of the key and empty',
    hint: `Fill ${name} in the source or the mapping.`,
  }),
  otherKey: (name: string): Fault => ({
    code: 'values.key-differs',
    text: "is not the document's own",
    hint: `Change ${name} on the document and on its lines alike.`,
  }),
  unknown: (name: string, table: string): Fault => ({
    code: 'values.unknown-field',
    text: `is no column of ${table}`,
    hint: `Add ${name} to msg.schema where the flow adds it, or delete it from the record.`,
  }),
  noList: (list: string, value: unknown): Fault => ({
    code: 'values.list',
    text: value === undefined || value === null ? 'is missing' : 'is not a list of lines',
    hint: `Send ${list} as an array of objects, an empty one where the document has none.`,
  }),
  noLine: (list: string): Fault => ({
    code: 'values.list',
    text: 'holds something that is no line',
    hint: `Send ${list} as an array of objects.`,
  }),
}

/** The value as people may see it: quoted, 40 characters at most, never of a sensitive column. */
function shown(value: unknown, column: ColumnCheck | undefined): string {
  if (column?.sensitive) return '(hidden)'
  let text: string
  try {
    text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value))
  } catch {
    text = `a ${typeof value}`
  }
  return text.length > 42 ? `${text.slice(0, 40)}…` : text
}

function problem(
  schema: Schema,
  record: Row,
  field: string | undefined,
  value: unknown,
  fault: Fault,
  column?: ColumnCheck,
  list?: ListCheck,
  line?: Row,
): SyncError {
  const key = keyText(schema, record)
  const place = [`${schema.entity} ${key}`]
  if (list !== undefined) place.push(line === undefined ? list.list : `${list.list} ${keyText(list.table, line)}`)
  if (field !== undefined) place.push(`field ${field}`)
  const what = value === null || value === undefined ? fault.text : `the value ${shown(value, column)} ${fault.text}`
  const details: Omit<ErrorCause, 'class' | 'code'> = { entity: schema.entity, key, hint: fault.hint }
  if (field !== undefined) details.field = list === undefined ? field : `${list.list}.${field}`
  if (list !== undefined && line !== undefined) details.line = (record[list.list] as unknown as Row[]).indexOf(line)
  if (typeof record._row === 'number') details.row = record._row
  return syncError('data', fault.code, `${place.join(', ')}: ${what}. ${fault.hint}`, details)
}
