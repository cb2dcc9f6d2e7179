import { calculated, transition } from './calculate.ts'
import { type Col, type Engine, type Env, isTab, type Tab, type Variables, variable } from './environment.ts'
import { createModel, type ModelSource, tupleKey } from './model.ts'
import { type Node, parseExpression, type Query, type Variable } from './parser.ts'
import { SCALARS } from './scalars.ts'
import { namedTable, sorted, TABLES } from './tables.ts'
import {
  add,
  booleanOf,
  compare,
  DaxError,
  divide,
  keyOf,
  multiply,
  negate,
  numberOf,
  real,
  textOf,
  type Value,
} from './values.ts'

/** A measure of the model, as the dataset has it. */
export interface MeasureSource {
  readonly name: string
  readonly expression: string
}

/** Rows with their names as executeQueries gives them: `T[Column]` for columns of the model, `[name]` for others. */
export interface Outcome {
  readonly names: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/** Runs a query on a model. Throws `DaxError` in the engine's words. */
export function runQuery(query: Query, source: ModelSource, measures: readonly MeasureSource[]): Outcome {
  const known = new Map<string, Node | string>(measures.map(({ name, expression }) => [name.toLowerCase(), expression]))
  for (const { name, expression } of query.measures) known.set(name.toLowerCase(), expression)
  const engine: Engine = {
    scalar,
    table,
    isTable,
    transition,
    measure(name) {
      const found = known.get(name.toLowerCase())
      if (typeof found !== 'string') return found
      const node = parseExpression(found)
      known.set(name.toLowerCase(), node)
      return node
    },
  }
  const start: Env = {
    model: createModel(source),
    context: { filters: [] },
    row: undefined,
    variables: undefined,
    engine,
  }
  const env = { ...start, variables: defined(query.variables, start) }
  const tab = table(query.evaluate, env)
  const orders = query.orderBy.map(({ expression, descending }) => ({ expression, sign: descending ? -1 : 1 }))
  return {
    names: tab.columns.map(({ name, table: of }) => `${of ?? ''}[${name}]`),
    rows: orders.length === 0 ? tab.rows : sorted(tab, orders, env).map(({ row }) => row),
  }
}

function defined(variables: readonly Variable[], env: Env): Variables | undefined {
  return variables.reduce<Variables | undefined>((outer, { name, expression }) => {
    const at = { ...env, variables: outer }
    return { name, value: isTable(expression, at) ? table(expression, at) : scalar(expression, at), outer }
  }, env.variables)
}

/** Whether an expression gives a table, as its form says. */
function isTable(node: Node, env: Env): boolean {
  switch (node.kind) {
    case 'name': {
      const held = variable(env, node.name)
      return held === undefined || isTab(held)
    }
    case 'call':
      return Object.hasOwn(TABLES, node.name)
    case 'rows':
      return true
    case 'block': {
      // A variable may be named like nothing else: what it holds is looked at in its place.
      const last = node.result
      const own =
        last.kind === 'name' && node.variables.findLast(({ name }) => name.toLowerCase() === last.name.toLowerCase())
      return own ? isTable(own.expression, env) : isTable(last, env)
    }
    default:
      return false
  }
}

function table(node: Node, env: Env): Tab {
  switch (node.kind) {
    case 'name':
      return namedTable(node.name, env)
    case 'block':
      return table(node.result, { ...env, variables: defined(node.variables, env) })
    case 'rows':
      return constructed(node, env)
    case 'call': {
      const run = Object.hasOwn(TABLES, node.name) ? TABLES[node.name] : undefined
      if (run) return run(node.args, env, node.name)
      if (!Object.hasOwn(SCALARS, node.name) && node.name !== 'CALCULATE') throw unknownFunction(node.name)
      break
    }
    default:
  }
  throw new DaxError('The expression specified in the query is not a valid table expression.')
}

function constructed(node: Node & { readonly kind: 'rows' }, env: Env): Tab {
  const rows = node.rows.map((cells) => cells.map((cell) => scalar(cell, env)))
  const width = rows[0]?.length ?? 0
  if (rows.some((row) => row.length !== width))
    throw new DaxError(
      'The number of arguments is invalid. All rows of a table constructor must have the same number of values.',
    )
  return {
    columns: Array.from({ length: width }, (_, at): Col => ({ name: width === 1 ? 'Value' : `Value${at + 1}` })),
    rows,
  }
}

function unknownFunction(name: string): DaxError {
  return new DaxError(`Failed to resolve name '${name}'. It is not a valid table, variable, or function name.`)
}

function scalar(node: Node, env: Env): Value {
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'column':
      return columnValue(node, env)
    case 'bracket':
      return bracketValue(node.name, env)
    case 'binary':
      return binary(node, env)
    case 'not':
      return !booleanOf(scalar(node.operand, env))
    case 'negate':
      return negate(scalar(node.operand, env))
    case 'block':
      return scalar(node.result, { ...env, variables: defined(node.variables, env) })
    case 'call': {
      if (node.name === 'CALCULATE') {
        const [expression, ...filters] = node.args
        if (!expression)
          throw new DaxError(
            'Too few arguments were passed to the CALCULATE function. The minimum argument count for the function is 1.',
          )
        return scalar(expression, calculated(filters, env))
      }
      const summed = node.name === 'SUMX' ? env.model.summed(node, env.context) : undefined
      if (summed !== undefined) return summed
      const run = Object.hasOwn(SCALARS, node.name) ? SCALARS[node.name] : undefined
      if (run) return run(node.args, env, node.name)
      break
    }
    case 'name': {
      const held = variable(env, node.name)
      if (held !== undefined && !isTab(held)) return held
      break
    }
    default:
  }
  const tab = table(node, env)
  if (tab.columns.length !== 1)
    throw new DaxError(
      'The expression refers to multiple columns. Multiple columns cannot be converted to a scalar value.',
    )
  if (tab.rows.length > 1)
    throw new DaxError('A table of multiple values was supplied where a single value was expected.')
  return tab.rows[0]?.[0] ?? null
}

function columnValue(node: Node & { readonly kind: 'column' }, env: Env): Value {
  const { column } = env.model.column(node.table, node.name)
  for (let row = env.row; row; row = row.outer) {
    const index = row.tab.columns.findIndex(({ lineage, table: of }) => lineage === column.id && of !== undefined)
    if (index >= 0) return row.values[index] ?? null
  }
  throw new DaxError(
    `A single value for column '${column.name}' in table '${column.table}' cannot be determined. This can happen when a measure formula refers to a column that contains many values without specifying an aggregation such as min, max, count, or sum to get a single result.`,
  )
}

/** `[name]`: a measure, which sees the rows at hand as filters, or a column of a row at hand. */
function bracketValue(name: string, env: Env): Value {
  const measure = env.engine.measure(name)
  if (measure) return scalar(measure, { ...env, context: transition(env), row: undefined, variables: undefined })
  for (let row = env.row; row; row = row.outer) {
    const index = row.tab.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase())
    if (index >= 0) return row.values[index] ?? null
  }
  throw new DaxError(
    `The value for '${name}' cannot be determined. Either the column doesn't exist, or there is no current row for this column.`,
  )
}

function binary({ op, left, right }: Node & { readonly kind: 'binary' }, env: Env): Value {
  if (op === 'IN') {
    const cells = left.kind === 'rows' ? (left.rows[0] ?? []) : [left]
    const key = tupleKey(cells.map((cell) => scalar(cell, env)))
    return table(right, env).rows.some((row) => tupleKey(row) === key)
  }
  const a = scalar(left, env)
  if (op === '&&') return booleanOf(a) && booleanOf(scalar(right, env))
  if (op === '||') return booleanOf(a) || booleanOf(scalar(right, env))
  const b = scalar(right, env)
  switch (op) {
    case '+':
      return add(a, b)
    case '-':
      return add(a, b, -1)
    case '*':
      return multiply(a, b)
    case '/':
      return divide(a, b)
    case '^':
      return real(numberOf(a)) ** real(numberOf(b))
    case '&':
      return textOf(a) + textOf(b)
    case '==':
      return keyOf(a) === keyOf(b)
    case '=':
      return compare(a, b) === 0
    case '<>':
      return compare(a, b) !== 0
    case '<':
      return compare(a, b) < 0
    case '>':
      return compare(a, b) > 0
    case '<=':
      return compare(a, b) <= 0
    default:
      return compare(a, b) >= 0
  }
}
