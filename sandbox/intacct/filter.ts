import { errors, FunctionError } from './errors.ts'
import type { DataType, Entry, Field, Row } from './model.ts'
import { readDate, type Wire } from './zones.ts'

export type Comparison =
  | 'equalto'
  | 'notequalto'
  | 'lessthan'
  | 'lessthanorequalto'
  | 'greaterthan'
  | 'greaterthanorequalto'
  | 'like'
  | 'notlike'
  | 'between'
  | 'in'
  | 'notin'
  | 'isnull'
  | 'isnotnull'

/** What a filter says, before fields are looked up. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'test'; readonly op: Comparison; readonly field: string; readonly values: readonly string[] }

/** A field as a filter reaches it: here, or on a related object. */
export interface Reached {
  readonly field: Field
  get(row: Row): string | null
}

export interface FilterOptions {
  reach(name: string): Reached
  readonly wire: Wire
  readonly caseSensitive: boolean
}

export interface Filter {
  /** `row` is asked only where the index does not say enough. */
  test(entry: Entry, row: () => Row | undefined): boolean
  /** Whether every condition stands on what the index knows. */
  readonly indexed: boolean
  /** No record with this RECORDNO or a lower one can pass. */
  readonly above: number
  /** Only records of these documents can pass. */
  readonly parents?: readonly number[]
}

type Value = number | string | bigint

const numeric: readonly DataType[] = ['INTEGER', 'DECIMAL', 'CURRENCY', 'PERCENT', 'SEQUENCE']
const all: Filter = { test: () => true, indexed: true, above: Number.NEGATIVE_INFINITY }

/** Throws FunctionError where a value does not suit its field. */
export function compile(condition: Condition | undefined, options: FilterOptions): Filter {
  if (condition === undefined) return all
  if (condition.kind !== 'test') {
    const parts = condition.of.map((one) => compile(one, options)).sort((a, b) => Number(b.indexed) - Number(a.indexed))
    const indexed = parts.every((part) => part.indexed)
    if (condition.kind === 'or') {
      const above = Math.min(...parts.map((part) => part.above))
      return { test: (entry, row) => parts.some((part) => part.test(entry, row)), indexed, above }
    }
    const parents = parts.find((part) => part.parents)?.parents
    return {
      test: (entry, row) => parts.every((part) => part.test(entry, row)),
      indexed,
      above: Math.max(...parts.map((part) => part.above)),
      ...(parents ? { parents } : {}),
    }
  }
  return compileTest(condition, options)
}

function compileTest(test: Condition & { kind: 'test' }, options: FilterOptions): Filter {
  const { op } = test
  const reached = options.reach(test.field)
  const { field } = reached
  const type = field.index === 'modified' || field.index === 'created' ? 'TIMESTAMP' : field.type
  const values = test.values.map((text) => wantedValue(text, type, field, options))
  const passes = comparison(op, values, type, options)
  const above = field.index === 'no' ? lowest(op, values) : Number.NEGATIVE_INFINITY
  const { index } = field
  if (index !== undefined) {
    const parents =
      index === 'parent' && (op === 'equalto' || op === 'in') ? values.map((value) => Number(value)) : undefined
    return {
      test: (entry) => passes(indexValue(entry, index)),
      indexed: true,
      above,
      ...(parents ? { parents } : {}),
    }
  }
  return {
    test(_, row) {
      const found = row()
      if (found === undefined) return false
      const text = reached.get(found)
      return passes(text === null ? null : storedValue(text, type, options))
    },
    indexed: false,
    above,
  }
}

function lowest(op: Comparison, values: readonly Value[]): number {
  const [first] = values
  if (first === undefined) return Number.NEGATIVE_INFINITY
  if (op === 'greaterthan') return Number(first)
  return op === 'greaterthanorequalto' || op === 'between' || op === 'equalto'
    ? Number(first) - 1
    : Number.NEGATIVE_INFINITY
}

function indexValue(entry: Entry, index: NonNullable<Field['index']>): Value | null {
  switch (index) {
    case 'no':
      return entry.no
    case 'modified':
      return entry.modified
    case 'created':
      return entry.created
    case 'parent':
      return entry.parent
    default:
      return entry.entity
  }
}

/** A value of a request in the form in which the field's own is compared. Stamps are seconds. */
function wantedValue(text: string, type: DataType, field: Field, options: FilterOptions): Value {
  if (type === 'TIMESTAMP') {
    const at = options.wire.instant(text, field.id)
    if (at === undefined) throw errors.generic(`Invalid date ${text} for ${field.id}`)
    return at / 1000
  }
  if (type === 'DATE') {
    const date = readDate(text)
    if (date === undefined) throw errors.generic(`Invalid date ${text} for ${field.id}`)
    return date
  }
  if (numeric.includes(type)) {
    if (!/^-?\d+(\.\d+)?$/.test(text)) throw errors.generic(`Invalid number ${text} for ${field.id}`)
    return Number(text)
  }
  return options.caseSensitive ? text : text.toLowerCase()
}

function storedValue(text: string, type: DataType, options: FilterOptions): Value {
  if (type === 'TIMESTAMP') return Date.parse(text) / 1000
  if (type === 'DATE') return text
  if (numeric.includes(type)) return Number(text)
  return options.caseSensitive ? text : text.toLowerCase()
}

/** Null passes nothing but `isnull`, as in SQL. */
function comparison(
  op: Comparison,
  values: readonly Value[],
  type: DataType,
  options: FilterOptions,
): (value: Value | null) => boolean {
  const [first, second] = values as [Value, Value]
  const known = (passes: (value: Value) => boolean) => (value: Value | null) => value !== null && passes(value)
  switch (op) {
    case 'isnull':
      return (value) => value === null
    case 'isnotnull':
      return (value) => value !== null
    case 'equalto':
      return known((value) => value === first)
    case 'notequalto':
      return known((value) => value !== first)
    case 'lessthan':
      return known((value) => value < first)
    case 'lessthanorequalto':
      return known((value) => value <= first)
    case 'greaterthan':
      return known((value) => value > first)
    case 'greaterthanorequalto':
      return known((value) => value >= first)
    case 'between':
      return known((value) => value >= first && value <= second)
    case 'in':
    case 'notin': {
      const set = new Set(values)
      return known((value) => set.has(value) === (op === 'in'))
    }
    default: {
      if (type === 'TIMESTAMP' || type === 'DATE') throw new FunctionError(errors.generic('like needs a text').errors)
      const pattern = new RegExp(
        `^${String(first)
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('%', '.*')
          .replaceAll('_', '.')}$`,
        options.caseSensitive ? 's' : 'si',
      )
      return known((value) => pattern.test(String(value)) === (op === 'like'))
    }
  }
}
