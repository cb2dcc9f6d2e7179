import { calculated, distinctColumns, filterOf } from './calculate.ts'
import {
  baseTab,
  type Col,
  columnArgument,
  type Env,
  isTab,
  type Tab,
  takes,
  textLiteral,
  variable,
  withRow,
} from './environment.ts'
import { type Context, columnId, tupleKey } from './model.ts'
import type { Node } from './parser.ts'
import { booleanOf, compare, DaxError, numberOf, type Value } from './values.ts'

type TableFunction = (args: readonly Node[], env: Env, name: string) => Tab

/** A table of the model as the context shows it, or a variable that holds one. */
export function namedTable(name: string, env: Env): Tab {
  const held = variable(env, name)
  if (held !== undefined) {
    if (isTab(held)) return held
    throw new DaxError(`The variable '${name}' holds a value, but a table is expected.`)
  }
  const table = env.model.table(name)
  if (!table) throw new DaxError(`Cannot find table '${name}'.`)
  return baseTab(table, env.model.visible(table, env.context))
}

const unfiltered: Context = { filters: [] }

function distinct({ columns, rows }: Tab): Tab {
  const seen = new Map<string, readonly Value[]>()
  for (const row of rows) {
    const key = tupleKey(row)
    if (!seen.has(key)) seen.set(key, row)
  }
  return { columns, rows: [...seen.values()] }
}

/** `"name", expression` pairs. */
function pairs(args: readonly Node[], name: string): { name: string; expression: Node }[] {
  if (args.length % 2 > 0)
    throw new DaxError(
      `The number of arguments is invalid. Function ${name} must have an even number of name and expression arguments.`,
    )
  const found: { name: string; expression: Node }[] = []
  for (let at = 0; at < args.length; at += 2) {
    found.push({ name: textLiteral(args[at], name), expression: args[at + 1] as Node })
  }
  return found
}

function allTab(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 1, Number.POSITIVE_INFINITY)
  const [first] = args
  if (first?.kind === 'name' && args.length === 1)
    return namedTable(first.name, { ...env, context: unfiltered, variables: undefined })
  return distinctColumns(env, args, unfiltered, name)
}

function allExcept(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 2, Number.POSITIVE_INFINITY)
  const [source, ...kept] = args
  if (source?.kind !== 'name')
    throw new DaxError(`The ${name} function expects a table reference expression for argument '1'.`)
  const table = env.model.table(source.name)
  if (!table) throw new DaxError(`Cannot find table '${source.name}'.`)
  const without = new Set(kept.map((node) => columnArgument(node, name)).map((node) => columnId(node.table, node.name)))
  const nodes = table.columns
    .filter(({ id }) => !without.has(id))
    .map((column): Node => ({ kind: 'column', table: column.table, name: column.name }))
  return distinctColumns(env, nodes, unfiltered, name)
}

function values(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 1)
  const [source] = args as [Node]
  if (source.kind === 'column') return distinctColumns(env, [source], env.context, name)
  const tab = env.engine.table(source, env)
  return name === 'DISTINCT' ? distinct(tab) : tab
}

function added(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 3, Number.POSITIVE_INFINITY)
  const tab = env.engine.table(args[0] as Node, env)
  const extra = pairs(args.slice(1), name)
  return {
    columns: [...tab.columns, ...extra.map((pair): Col => ({ name: pair.name }))],
    rows: tab.rows.map((row) => {
      const inside = withRow(env, tab, row)
      return [...row, ...extra.map(({ expression }) => env.engine.scalar(expression, inside))]
    }),
  }
}

function selected(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 3, Number.POSITIVE_INFINITY)
  const tab = env.engine.table(args[0] as Node, env)
  const chosen = pairs(args.slice(1), name).map((pair) => ({ ...pair, lineage: lineageOf(pair.expression, tab, env) }))
  // The expressions are looked at even where there is no row: a column that is not there is an error all the same.
  if (tab.rows.length === 0) for (const { expression } of chosen) check(expression, env)
  return {
    columns: chosen.map(
      ({ name: column, lineage }): Col => ({ name: column, ...(lineage === undefined ? {} : { lineage }) }),
    ),
    rows: tab.rows.map((row) => {
      const inside = withRow(env, tab, row)
      return chosen.map(({ expression }) => env.engine.scalar(expression, inside))
    }),
  }
}

/** A column that is only passed on stays the model's column. */
function lineageOf(node: Node, tab: Tab, env: Env): string | undefined {
  if (node.kind === 'column') return env.model.column(node.table, node.name).column.id
  if (node.kind !== 'bracket') return undefined
  return tab.columns.find(({ name }) => name.toLowerCase() === node.name.toLowerCase())?.lineage
}

function check(node: Node, env: Env): void {
  if (node.kind === 'column') env.model.column(node.table, node.name)
  else if (node.kind === 'binary') for (const side of [node.left, node.right]) check(side, env)
  else if (node.kind === 'call') for (const arg of node.args) if (arg.kind === 'column') check(arg, env)
}

/** The row's values as filters, for what is evaluated in its group. */
function grouped(env: Env, tab: Tab, row: readonly Value[]): Env {
  const group: Tab = { columns: tab.columns, rows: [row] }
  const filter = filterOf(group)
  const cleared = env.model.without(env.context, new Set(filter.columns))
  return { ...withRow(env, tab, row), context: { filters: [...cleared.filters, filter] } }
}

function summarized(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 1, Number.POSITIVE_INFINITY)
  const tab = env.engine.table(args[0] as Node, env)
  const firstPair = args.findIndex((node, at) => at > 0 && node.kind === 'literal')
  const groups = args.slice(1, firstPair < 0 ? undefined : firstPair).map((node) => columnArgument(node, name))
  const extra = pairs(firstPair < 0 ? [] : args.slice(firstPair), name)
  const ids = groups.map((node) => env.model.column(node.table, node.name).column)
  const rows = tab.rows.map((row) =>
    ids.map(({ id, name: column }): Value => {
      const index = tab.columns.findIndex(({ lineage }) => lineage === id)
      if (index >= 0) return row[index] ?? null
      const value = tab.base && env.model.related(tab.base, row, id)
      if (value === undefined)
        throw new DaxError(
          `The column '${column}' specified in the '${name}' function was not found in the input table.`,
        )
      return value
    }),
  )
  const keys = distinct({
    columns: ids.map(({ id, name: column, table }) => ({ name: column, table, lineage: id })),
    rows,
  })
  // What is computed in a group sees the group's rows of the table, whatever made the table.
  const source: Env = { ...env, context: { filters: [...env.context.filters, ...(tab.base ? [filterOf(tab)] : [])] } }
  return withExtra(keys, extra, (row) => grouped(source, keys, row))
}

function withExtra(
  keys: Tab,
  extra: readonly { name: string; expression: Node }[],
  inside: (row: readonly Value[]) => Env,
): Tab {
  if (extra.length === 0) return keys
  return {
    columns: [...keys.columns, ...extra.map(({ name }): Col => ({ name }))],
    rows: keys.rows.map((row) => {
      const within = inside(row)
      return [...row, ...extra.map(({ expression }) => within.engine.scalar(expression, within))]
    }),
  }
}

/** SUMMARIZECOLUMNS(groups.., filters.., "name", expression..): rows in which every expression is blank are left out. */
function summarizeColumns(args: readonly Node[], env: Env, name: string): Tab {
  const groupEnd = args.findIndex((node) => node.kind !== 'column')
  const groups = groupEnd < 0 ? args : args.slice(0, groupEnd)
  const rest = groupEnd < 0 ? [] : args.slice(groupEnd)
  const firstPair = rest.findIndex((node) => node.kind === 'literal')
  const filters = firstPair < 0 ? rest : rest.slice(0, firstPair)
  const extra = pairs(firstPair < 0 ? [] : rest.slice(firstPair), name)
  const filteredEnv = calculated(filters, env)
  const byTable = new Map<string, Node[]>()
  for (const node of groups) {
    const { table } = columnArgument(node, name)
    byTable.set(table.toLowerCase(), [...(byTable.get(table.toLowerCase()) ?? []), node])
  }
  let keys: Tab = { columns: [], rows: [[]] }
  for (const nodes of byTable.values())
    keys = cross(keys, distinctColumns(filteredEnv, nodes, filteredEnv.context, name))
  const order = groups.map((node) => {
    const { table, name: column } = columnArgument(node, name)
    const { id } = env.model.column(table, column).column
    return keys.columns.findIndex(({ lineage }) => lineage === id)
  })
  keys = {
    columns: order.map((index) => keys.columns[index] as Col),
    rows: keys.rows.map((row) => order.map((index) => row[index] ?? null)),
  }
  if (extra.length === 0) return keys
  const full = withExtra(keys, extra, (row) => ({ ...grouped(filteredEnv, keys, row), row: undefined }))
  return { ...full, rows: full.rows.filter((row) => row.slice(keys.columns.length).some((value) => value !== null)) }
}

function cross(a: Tab, b: Tab): Tab {
  return {
    columns: [...a.columns, ...b.columns],
    rows: a.rows.flatMap((left) => b.rows.map((right) => [...left, ...right])),
  }
}

/** A table whose columns are taken for columns of the model, as far as the model has their values. */
function treated(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 2, Number.POSITIVE_INFINITY)
  const tab = env.engine.table(args[0] as Node, env)
  const targets = args.slice(1).map((node) => columnArgument(node, name))
  if (targets.length !== tab.columns.length)
    throw new DaxError(`The number of columns of the table and of the arguments of ${name} must be the same.`)
  const places = targets.map((node) => env.model.column(node.table, node.name))
  const known = places.map(({ table, index }) => new Set(table.rows.map((row) => tupleKey([row[index] ?? null]))))
  const columns = places.map(({ column }) => ({ name: column.name, table: column.table, lineage: column.id }))
  return distinct({
    columns,
    rows: tab.rows.filter((row) => row.every((value, index) => known[index]?.has(tupleKey([value])))),
  })
}

function top(args: readonly Node[], env: Env, name: string): Tab {
  takes(name, args, 2, Number.POSITIVE_INFINITY)
  const count = Number(numberOf(env.engine.scalar(args[0] as Node, env)))
  const tab = env.engine.table(args[1] as Node, env)
  const orders: { expression: Node; sign: number }[] = []
  for (let at = 2; at < args.length; at += 1) {
    const direction = args[at + 1]
    const given = direction?.kind === 'name' || (direction?.kind === 'literal' && typeof direction.value === 'bigint')
    const ascending =
      direction?.kind === 'name'
        ? direction.name.toUpperCase() === 'ASC'
        : direction?.kind === 'literal' && direction.value === 1n
    orders.push({ expression: args[at] as Node, sign: given && ascending ? 1 : -1 })
    if (given) at += 1
  }
  const rows = sorted(tab, orders, env)
  const last = rows[count - 1]
  // Rows that are equal to the last one in the order asked for are given too.
  const tied = (sort: readonly Value[]): boolean =>
    orders.length > 0 && last !== undefined && sort.every((value, at) => compare(value, last.sort[at] ?? null) === 0)
  return { ...tab, rows: rows.filter(({ sort }, at) => at < count || tied(sort)).map(({ row }) => row) }
}

/** Rows in an order, with what they are ordered by. */
export function sorted(
  tab: Tab,
  orders: readonly { readonly expression: Node; readonly sign: number }[],
  env: Env,
): { row: readonly Value[]; sort: Value[] }[] {
  return tab.rows
    .map((row) => ({
      row,
      sort: orders.map(({ expression }) => env.engine.scalar(expression, withRow(env, tab, row))),
    }))
    .sort((a, b) => {
      for (const [at, { sign }] of orders.entries()) {
        const difference = sign * compare(a.sort[at] ?? null, b.sort[at] ?? null)
        if (difference !== 0) return difference
      }
      return 0
    })
}

function both(args: readonly Node[], env: Env, name: string): [Tab, Tab] {
  takes(name, args, 2)
  const [a, b] = args.map((arg) => env.engine.table(arg, env)) as [Tab, Tab]
  if (a.columns.length !== b.columns.length)
    throw new DaxError(`Each table argument of '${name}' must have the same number of columns.`)
  return [a, b]
}

function keptWhere(args: readonly Node[], env: Env, name: string, inBoth: boolean): Tab {
  const [a, b] = both(args, env, name)
  const keys = new Set(b.rows.map(tupleKey))
  return { ...a, rows: a.rows.filter((row) => keys.has(tupleKey(row)) === inBoth) }
}

export const TABLES: Readonly<Record<string, TableFunction>> = {
  ROW(args, env, name) {
    takes(name, args, 2, Number.POSITIVE_INFINITY)
    const cells = pairs(args, name)
    return {
      columns: cells.map((cell) => ({ name: cell.name })),
      rows: [cells.map(({ expression }) => env.engine.scalar(expression, env))],
    }
  },
  FILTER(args, env, name) {
    takes(name, args, 2)
    const [source, condition] = args as [Node, Node]
    const tab = env.engine.table(source, env)
    if (tab.rows.length === 0) check(condition, env)
    return { ...tab, rows: tab.rows.filter((row) => booleanOf(env.engine.scalar(condition, withRow(env, tab, row)))) }
  },
  ALL: allTab,
  ALLNOBLANKROW: allTab,
  ALLEXCEPT: allExcept,
  VALUES: values,
  DISTINCT: values,
  ADDCOLUMNS: added,
  SELECTCOLUMNS: selected,
  SUMMARIZE: summarized,
  SUMMARIZECOLUMNS: summarizeColumns,
  TREATAS: treated,
  TOPN: top,
  CALCULATETABLE(args, env, name) {
    takes(name, args, 1, Number.POSITIVE_INFINITY)
    return env.engine.table(args[0] as Node, calculated(args.slice(1), env))
  },
  RELATEDTABLE(args, env, name) {
    takes(name, args, 1)
    return env.engine.table(args[0] as Node, calculated([], env))
  },
  CROSSJOIN(args, env, name) {
    takes(name, args, 2, Number.POSITIVE_INFINITY)
    return args.map((arg) => env.engine.table(arg, env)).reduce(cross)
  },
  UNION(args, env, name) {
    takes(name, args, 2, Number.POSITIVE_INFINITY)
    const [first, ...rest] = args.map((arg) => env.engine.table(arg, env)) as [Tab, ...Tab[]]
    return { columns: first.columns, rows: [first, ...rest].flatMap(({ rows }) => rows) }
  },
  EXCEPT: (args, env, name) => keptWhere(args, env, name, false),
  INTERSECT: (args, env, name) => keptWhere(args, env, name, true),
}
