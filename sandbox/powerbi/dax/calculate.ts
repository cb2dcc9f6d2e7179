import { columnArgument, type Env, type Tab, takes, withRow } from './environment.ts'
import { type Context, type Filter, tupleKey } from './model.ts'
import type { Node } from './parser.ts'
import { booleanOf, DaxError, type Value } from './values.ts'

const REMOVERS = new Set(['ALL', 'REMOVEFILTERS', 'ALLEXCEPT', 'ALLNOBLANKROW'])

/** The filter that a table's rows are: the values of those of its columns that are columns of the model. */
export function filterOf({ columns, rows }: Tab): Filter {
  const places = columns.flatMap(({ lineage }, index) => (lineage === undefined ? [] : [{ lineage, index }]))
  return {
    columns: places.map(({ lineage }) => lineage),
    keys: new Set(rows.map((row) => tupleKey(places.map(({ index }) => row[index] ?? null)))),
  }
}

/** Each row at hand, that of the outer iterations included, as a filter on its values. */
export function transition({ context, row, model }: Env): Context {
  const filters: Filter[] = []
  for (let at = row; at; at = at.outer) {
    const filter = filterOf({ columns: at.tab.columns, rows: [at.values] })
    if (filter.columns.length > 0) filters.push(filter)
  }
  if (filters.length === 0) return context
  // An inner row says more than an outer one: applied last.
  return filters.reverse().reduce((made, filter) => override(model, made, filter), context)
}

function override(model: Env['model'], context: Context, filter: Filter): Context {
  return { filters: [...model.without(context, new Set(filter.columns)).filters, filter] }
}

/** Rows of distinct values of model columns, over every row of the table, or over those that the context shows. */
export function distinctColumns(env: Env, nodes: readonly Node[], context: Context, name: string): Tab {
  const columns = nodes.map((node) => {
    const { table, name: columnName } = columnArgument(node, name)
    return env.model.column(table, columnName)
  })
  const [first] = columns
  if (!first) throw new DaxError(`The ${name} function expects a column reference expression as argument.`)
  const seen = new Map<string, Value[]>()
  for (const row of env.model.visible(first.table, context)) {
    const values = columns.map(({ table, index, column }) =>
      table === first.table
        ? (row[index] ?? null)
        : reachable(env.model.related(first.table, row, column.id), column.name),
    )
    const key = tupleKey(values)
    if (!seen.has(key)) seen.set(key, values)
  }
  return {
    columns: columns.map(({ table, column }) => ({ name: column.name, table: table.name, lineage: column.id })),
    rows: [...seen.values()],
  }
}

function reachable(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new DaxError(`The column '${name}' is not in the same table or related to it.`)
  return value
}

/** Columns that a condition such as `'T'[a] = 1` is about. */
function columnsIn(node: Node): (Node & { readonly kind: 'column' })[] {
  switch (node.kind) {
    case 'column':
      return [node]
    case 'binary':
      return [...columnsIn(node.left), ...columnsIn(node.right)]
    case 'not':
    case 'negate':
      return columnsIn(node.operand)
    case 'call':
      return node.args.flatMap(columnsIn)
    case 'rows':
      return node.rows.flat().flatMap(columnsIn)
    default:
      return []
  }
}

/** A filter argument as a filter: a table, or a condition, which is short for FILTER(ALL(columns), condition). */
function argumentFilter(node: Node, env: Env): Filter {
  if (env.engine.isTable(node, env)) return filterOf(env.engine.table(node, env))
  const unique = new Map(
    columnsIn(node).map((column) => [env.model.column(column.table, column.name).column.id, column]),
  )
  if (unique.size === 0)
    throw new DaxError('A filter argument of CALCULATE must be a table or a condition on a column.')
  if (new Set([...unique.values()].map(({ table }) => table.toLowerCase())).size > 1) {
    throw new DaxError(
      'The expression contains columns from multiple tables, but only columns from a single table can be used in a True/False expression that is used as a table filter expression.',
    )
  }
  const all = distinctColumns(env, [...unique.values()], { filters: [] }, 'CALCULATE')
  return filterOf({
    ...all,
    rows: all.rows.filter((row) => booleanOf(env.engine.scalar(node, withRow(env, all, row)))),
  })
}

/** What ALL, ALLEXCEPT and REMOVEFILTERS free when they stand as filter arguments. */
function remove(node: Node & { readonly kind: 'call' }, context: Context, { model }: Env): Context {
  const [first, ...rest] = node.args
  if (!first) return { filters: [] }
  const idOf = (argument: Node): string => {
    const { table, name } = columnArgument(argument, node.name)
    return model.column(table, name).column.id
  }
  if (first.kind === 'name') {
    const table = model.table(first.name)
    if (!table) throw new DaxError(`Cannot find table '${first.name}'.`)
    const freed = new Set(model.expanded(table))
    if (node.name === 'ALLEXCEPT') for (const column of rest) freed.delete(idOf(column))
    return model.without(context, freed)
  }
  return model.without(context, new Set(node.args.map(idOf)))
}

/** The context inside CALCULATE and CALCULATETABLE: rows at hand become filters, then come the arguments. */
export function calculated(filters: readonly Node[], env: Env): Env {
  const added: { filter: Filter; keep: boolean }[] = []
  const removers: (Node & { readonly kind: 'call' })[] = []
  for (const node of filters) {
    if (node.kind === 'call' && REMOVERS.has(node.name)) removers.push(node)
    else if (node.kind === 'call' && node.name === 'KEEPFILTERS') {
      takes(node.name, node.args, 1)
      added.push({ filter: argumentFilter(node.args[0] as Node, env), keep: true })
    } else added.push({ filter: argumentFilter(node, env), keep: false })
  }
  let context = env.engine.transition(env)
  for (const node of removers) context = remove(node, context, env)
  const overriding = new Set(added.flatMap(({ filter, keep }) => (keep ? [] : filter.columns)))
  context = env.model.without(context, overriding)
  context = { filters: [...context.filters, ...added.map(({ filter }) => filter)] }
  return { ...env, context, row: undefined }
}
