import { enums } from './enums.ts'
import { parseRelaxed, type Relaxed } from './json.ts'
import type { Context, Field, NodeSpec } from './model.ts'
import { type ValueType, valueType } from './values.ts'

/** Nodes by type name, without the suffix. */
export type Specs = ReadonlyMap<string, NodeSpec>

export type Test = (source: unknown, context: Context) => boolean

/**
 * What a filter demands of one field, for finding the records without looking at all of them. Every record that passes the filter meets
 * every constraint; the reverse need not hold. Times in ms since 1970.
 */
export type Constraint =
  | { kind: 'in'; path: string; values: readonly string[] }
  | { kind: 'range'; path: string; from?: number; to?: number }
  | { kind: 'empty'; path: string }
  | { kind: 'any'; of: readonly (readonly Constraint[])[] }

export interface Filter {
  test: Test
  constraints: readonly Constraint[]
}

/** Sort by one field, in the order given. */
export interface Order {
  read: (source: unknown, context: Context) => unknown
  compare: (a: unknown, b: unknown) => number
}

/** The argument does not fit the node; the message is for the caller. */
export const ArgumentError = 'X3ArgumentError'
function refuse(message: string): never {
  throw Object.assign(new Error(message), { name: ArgumentError })
}

/** X3's empty date is earlier than any stamp: a bound below this one finds the records without a stamp. */
const emptyBelow = Date.UTC(1800, 0, 1)

/** The filter that was not given. */
export const everything: Filter = { test: () => true, constraints: [] }
const regexLimit = 200

type Children = Record<string, Relaxed>

/** `dollars`: as in 2021, when operators were written `$in` and `$gt`. */
export function compileFilter(text: string | null | undefined, spec: NodeSpec, specs: Specs, dollars = false): Filter {
  if (text === null || text === undefined || text.trim() === '') return everything
  const parsed = parse(text, 'filter')
  return onNode(dollars ? withoutDollars(parsed) : parsed, spec, specs)
}

const OPERATORS = new Set(['_eq', '_ne', '_gt', '_gte', '_lt', '_lte', '_in', '_nin', '_and', '_or', '_not', '_regex'])

function withoutDollars(value: Relaxed): Relaxed {
  if (Array.isArray(value)) return value.map(withoutDollars)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (OPERATORS.has(name)) refuse(`Invalid filter: unknown operator ${name}`)
      return [name.replace(/^\$/, '_'), withoutDollars(inner)]
    }),
  )
}

function parse(text: string, argument: string): Relaxed {
  try {
    return parseRelaxed(text)
  } catch (error) {
    refuse(`Invalid ${argument}: ${(error as Error).message}`)
  }
}

function isObject(value: Relaxed): value is Children {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function all(parts: readonly Filter[]): Filter {
  const [only] = parts
  if (parts.length === 1 && only) return only
  const tests = parts.map((part) => part.test)
  return {
    test: (source, context) => tests.every((test) => test(source, context)),
    constraints: parts.flatMap((part) => part.constraints),
  }
}

function any(parts: readonly Filter[]): Filter {
  return {
    test: (source, context) => parts.some((part) => part.test(source, context)),
    constraints: [{ kind: 'any', of: parts.map((part) => part.constraints) }],
  }
}

/** A filter on a node: an object of fields, or an array that means AND. */
function onNode(filter: Relaxed, spec: NodeSpec, specs: Specs): Filter {
  if (Array.isArray(filter)) return all(filter.map((part) => onNode(part, spec, specs)))
  if (!isObject(filter)) refuse(`Invalid filter on ${spec.type}: an object or an array is expected`)
  return all(Object.entries(filter).map(([name, condition]) => onEntry(name, condition, spec, specs)))
}

function onEntry(name: string, condition: Relaxed, spec: NodeSpec, specs: Specs): Filter {
  if (name === '_and' || name === '_or') {
    if (!Array.isArray(condition)) refuse(`Invalid filter on ${spec.type}: ${name} takes an array`)
    const parts = condition.map((part) => onNode(part, spec, specs))
    return name === '_and' ? all(parts) : any(parts)
  }
  if (name === '_not') {
    const { test } = onNode(condition, spec, specs)
    return { test: (source, context) => !test(source, context), constraints: [] }
  }
  const field = spec.fields[name] ?? refuse(`Property not found: ${spec.type}.${name}`)
  const inner = onField(name, field, condition, spec, specs)
  return { ...inner, constraints: inner.constraints.map((constraint) => underField(constraint, name, spec)) }
}

/** Constraints come up with the path below the field; put the field before it, and say `_id` for a field that is the key. */
function underField(constraint: Constraint, name: string, spec: NodeSpec): Constraint {
  if (constraint.kind === 'any') {
    return { kind: 'any', of: constraint.of.map((part) => part.map((inner) => underField(inner, name, spec))) }
  }
  const path = constraint.path === '' ? name : `${name}.${constraint.path}`
  const isKey = spec.keyFields.includes(name) && (constraint.path === '' || constraint.path === '_id')
  return { ...constraint, path: isKey ? '_id' : path }
}

function onField(name: string, field: Field, condition: Relaxed, spec: NodeSpec, specs: Specs): Filter {
  const where = `${spec.type}.${name}`
  if (field.type.endsWith('_Collection')) {
    return onCollection(field, condition, target(field, specs, '_Collection'), specs, where)
  }
  if (!field.type.endsWith('_node')) {
    const members = (enums as Record<string, readonly string[]>)[field.type]
    return onValue(field.get, condition, valueType(field.type, members), where)
  }
  const to = target(field, specs, '_node')
  const operators = isObject(condition) && Object.keys(condition).every((key) => key in comparisons || key === '_regex')
  if (!isObject(condition) || operators) {
    // A reference by its key.
    const key = (source: unknown, context: Context): unknown => {
      const reference = field.get(source, context)
      return reference === null || reference === undefined ? null : to.position(reference).join('|')
    }
    const byKey = onValue(key, condition, valueType('Id', undefined), where)
    return { ...byKey, constraints: byKey.constraints.map((c) => (c.kind === 'any' ? c : { ...c, path: '_id' })) }
  }
  const inner = onNode(condition, to, specs)
  return {
    test(source, context) {
      const reference = field.get(source, context)
      return reference !== null && reference !== undefined && inner.test(reference, context)
    },
    constraints: inner.constraints,
  }
}

function target(field: Field, specs: Specs, suffix: string): NodeSpec {
  const type = field.type.slice(0, -suffix.length)
  return specs.get(type) ?? refuse(`No filter on ${type}`)
}

function onCollection(field: Field, condition: Relaxed, to: NodeSpec, specs: Specs, where: string): Filter {
  if (!isObject(condition)) refuse(`Invalid filter on ${where}: an object with a quantifier is expected`)
  const { _atLeast, _atMost, _every, _none, ...fields } = condition
  if (_atLeast === undefined && _atMost === undefined && _every === undefined && _none === undefined) {
    refuse(`Invalid filter on ${where}: one of _atLeast, _atMost, _every, _none is expected`)
  }
  for (const count of [_atLeast, _atMost]) {
    if (count !== undefined && !Number.isInteger(count))
      refuse(`Invalid filter on ${where}: a whole number is expected`)
  }
  const { test } = onNode(fields, to, specs)
  return {
    test(source, context) {
      const elements = field.get(source, context) as readonly unknown[]
      const matching = elements.filter((element) => test(element, context)).length
      return (
        (_atLeast === undefined || matching >= Number(_atLeast)) &&
        (_atMost === undefined || matching <= Number(_atMost)) &&
        (_every === undefined || (matching === elements.length) === (_every === true)) &&
        (_none === undefined || (matching === 0) === (_none === true))
      )
    },
    constraints: [],
  }
}

type Comparable = string | number | boolean
const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  _eq: (order) => order === 0,
  _ne: (order) => order !== 0,
  _gt: (order) => order > 0,
  _gte: (order) => order >= 0,
  _lt: (order) => order < 0,
  _lte: (order) => order <= 0,
  _in: () => false,
  _nin: () => false,
}

/** A condition on a scalar: a literal (equality) or an object of operators. X3 keeps no nulls: null means empty, "" included. */
function onValue(get: Field['get'], condition: Relaxed, type: ValueType, where: string): Filter {
  if (Array.isArray(condition)) refuse(`Invalid filter on ${where}: use _in for a list`)
  if (!isObject(condition)) return compare(get, '_eq', condition, type, where)
  return all(Object.entries(condition).map(([operator, operand]) => compare(get, operator, operand, type, where)))
}

function compare(get: Field['get'], operator: string, operand: Relaxed, type: ValueType, where: string): Filter {
  const read = (literal: Relaxed): Comparable | null => {
    if (literal === null) return null
    try {
      return type.parse(literal)
    } catch (error) {
      refuse(`Invalid filter on ${where}: ${(error as Error).message}`)
    }
  }
  const value = (source: unknown, context: Context): Comparable | null => {
    const wire = get(source, context)
    return wire === null || wire === undefined ? null : type.of(wire)
  }
  const same = (a: Comparable | null, b: Comparable | null): boolean =>
    a === null || b === null ? (a ?? '') === (b ?? '') : type.compare(a, b) === 0

  if (operator === '_in' || operator === '_nin') {
    if (!Array.isArray(operand)) refuse(`Invalid filter on ${where}: ${operator} takes an array`)
    const list = operand.map(read)
    const wanted = operator === '_in'
    return {
      test(source, context) {
        const found = value(source, context)
        return list.some((one) => same(found, one)) === wanted
      },
      constraints:
        wanted && list.every((one) => one !== null) ? [{ kind: 'in', path: '', values: list.map(String) }] : [],
    }
  }
  if (operator === '_regex') {
    if (typeof operand !== 'string' || operand.length > regexLimit)
      refuse(`Invalid filter on ${where}: _regex takes a text`)
    const pattern = regex(operand, where)
    return { test: (source, context) => pattern.test(String(value(source, context) ?? '')), constraints: [] }
  }
  const passes = comparisons[operator] ?? refuse(`Invalid filter on ${where}: unknown operator ${operator}`)
  const bound = read(operand)
  if (operator === '_eq' || operator === '_ne' || bound === null) {
    if (bound === null && operator !== '_eq' && operator !== '_ne') return { test: () => false, constraints: [] }
    const wanted = operator === '_eq'
    return {
      test: (source, context) => same(value(source, context), bound) === wanted,
      constraints: wanted ? [equality(bound)] : [],
    }
  }
  return {
    test(source, context) {
      const found = value(source, context)
      return found !== null && passes(type.compare(found, bound))
    },
    constraints: typeof bound === 'number' ? [range(operator, bound)] : [],
  }
}

function regex(text: string, where: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    refuse(`Invalid filter on ${where}: ${JSON.stringify(text)} is not a regular expression`)
  }
}

function equality(bound: Comparable | null): Constraint {
  if (bound === null) return { kind: 'empty', path: '' }
  // A number is a time (or an Int, for which no path is looked up): an equal time is a range too.
  return typeof bound === 'number'
    ? { kind: 'range', path: '', from: bound, to: bound }
    : { kind: 'in', path: '', values: [String(bound)] }
}

function range(operator: string, bound: number): Constraint {
  if (operator === '_gt' || operator === '_gte') return { kind: 'range', path: '', from: bound }
  return bound < emptyBelow ? { kind: 'empty', path: '' } : { kind: 'range', path: '', to: bound }
}

/** `{purchaseSite:{_id:-1},_id:-1}`; an array of such objects too. Empty: undefined, which means `{_id:1}`. */
export function compileOrder(
  text: string | null | undefined,
  spec: NodeSpec,
  specs: Specs,
): readonly Order[] | undefined {
  if (text === null || text === undefined || text.trim() === '') return undefined
  const orders = ordersOf(parse(text, 'orderBy'), spec, specs)
  const [first] = orders
  return orders.length === 0 || first === byKey ? undefined : orders
}

const byKey: Order = { read: () => null, compare: () => 0 }

function ordersOf(order: Relaxed, spec: NodeSpec, specs: Specs): Order[] {
  if (Array.isArray(order)) return order.flatMap((part) => ordersOf(part, spec, specs))
  if (!isObject(order)) refuse(`Invalid orderBy on ${spec.type}: an object is expected`)
  return Object.entries(order).flatMap(([name, direction]): Order[] => {
    const field = spec.fields[name] ?? refuse(`Property not found: ${spec.type}.${name}`)
    if (field.type.endsWith('_node') && isObject(direction)) {
      return ordersOf(direction, target(field, specs, '_node'), specs).map((inner) => ({
        read(source, context) {
          const reference = field.get(source, context)
          return reference === null || reference === undefined ? null : inner.read(reference, context)
        },
        compare: inner.compare,
      }))
    }
    if (direction !== 1 && direction !== -1) refuse(`Invalid orderBy on ${spec.type}.${name}: 1 or -1 is expected`)
    if (field.type.endsWith('_Collection')) refuse(`Invalid orderBy on ${spec.type}.${name}: a collection has no order`)
    if (name === '_id') return direction === 1 ? [byKey] : [backwards(spec)]
    return [byField(field, direction, specs)]
  })
}

function byField(field: Field, direction: 1 | -1, specs: Specs): Order {
  const to = field.type.endsWith('_node') ? target(field, specs, '_node') : undefined
  const type = valueType(to ? 'Id' : field.type, (enums as Record<string, readonly string[]>)[field.type])
  return {
    read(source, context) {
      const wire = field.get(source, context)
      if (wire === null || wire === undefined) return null
      return to ? to.position(wire).join('|') : wire
    },
    compare(a, b) {
      if (a === null || b === null) return direction * (Number(a !== null) - Number(b !== null))
      return direction * type.compare(type.of(a), type.of(b))
    },
  }
}

function backwards(spec: NodeSpec): Order {
  return {
    read: (source) => spec.position(source),
    compare: (a, b) => comparePositions(b as readonly (string | number)[], a as readonly (string | number)[]),
  }
}

export function comparePositions(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]]
    if (x === y) continue
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    return x < y ? -1 : 1
  }
  return 0
}
