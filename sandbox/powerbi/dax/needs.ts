import { columnId, type ModelRelationship } from './model.ts'
import type { Node, Query, Variable } from './parser.ts'

/** What a query looks at: columns by table and name in lower case, and tables of which whole rows count. */
export interface Needs {
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>
  readonly whole: ReadonlySet<string>
  /** Tables that are named at all. */
  readonly tables: ReadonlySet<string>
  /** Names in brackets that are no measures: columns of some row at hand. */
  readonly loose: ReadonlySet<string>
  /** Ids of the columns over which filters come from one table to another; none where the query has no use for them. */
  readonly keys: ReadonlySet<string>
  /** Tables whose rows only count and are only summed, with these sums: alike rows need not be told apart. */
  readonly alike: ReadonlyMap<string, readonly Node[]>
}

/** The table, in lower case, that a sum is over which another can compute from its rows alone. */
export type Summed = (node: Node) => string | undefined

/** Functions of a table whose rows they only count. */
const COUNTING = new Set(['COUNTROWS', 'ISEMPTY'])
/** As filters of CALCULATE these only take filters away. */
const REMOVING = new Set(['ALL', 'ALLEXCEPT', 'ALLNOBLANKROW', 'REMOVEFILTERS'])
const CALCULATING = new Set(['CALCULATE', 'CALCULATETABLE'])
/** Functions that go through a table's rows; what they compute tells which columns count. */
const ITERATING = new Set(['FILTER', 'SUMX', 'AVERAGEX', 'MINX', 'MAXX', 'COUNTX', 'CONCATENATEX', 'SELECTCOLUMNS'])
/** Where the outcome of FILTER may stand without its rows being taken for filters. */
const CONSUMING = new Set([
  'COUNTROWS',
  'ISEMPTY',
  'SUMX',
  'AVERAGEX',
  'MINX',
  'MAXX',
  'COUNTX',
  'CONCATENATEX',
  'SELECTCOLUMNS',
  'FILTER',
])
/** Functions of a column whose outcome depends on how many rows have a value. */
const WEIGHING = new Set(['SUM', 'AVERAGE', 'COUNT', 'COUNTA', 'COUNTBLANK'])
/** Functions that neither filter what others see nor look into a related table. */
const ON_THEIR_OWN = new Set(['ROW', 'COUNTROWS', 'ISEMPTY', 'FILTER', 'SELECTCOLUMNS'])
const PASSING = new Set([...COUNTING, ...REMOVING, ...CONSUMING])

/**
 * Reads off a query, and the measures it uses, what has to be fetched. A row at hand becomes a filter on all its columns inside
 * CALCULATE, so a table whose rows are gone through is needed whole unless what is computed for them is plain.
 */
export function needsOf(
  query: Query,
  measure: (name: string) => Node | undefined,
  relationships: readonly ModelRelationship[],
  summed: Summed = () => undefined,
): Needs {
  const columns = new Map<string, Set<string>>()
  const whole = new Set<string>()
  const tables = new Set<string>()
  const loose = new Set<string>()
  const seen = new Set<string>()
  const sums = new Map<string, Node[]>()
  const counted = new Set<string>()
  /** Tables whose single rows matter, and what hides a table's name. */
  const single = new Set<string>()
  let crosses = false

  const column = (table: string, name: string): void => {
    const lower = table.toLowerCase()
    const known = columns.get(lower) ?? new Set()
    columns.set(lower, known.add(name.toLowerCase()))
  }

  /** `inside` is the function whose first argument this is, or CALCULATE where it is one of its filters. */
  function walk(node: Node, inside?: string): void {
    switch (node.kind) {
      case 'name': {
        const name = node.name.toLowerCase()
        tables.add(name)
        if (inside === undefined || !PASSING.has(inside)) whole.add(name)
        else if (COUNTING.has(inside)) counted.add(name)
        else if (!REMOVING.has(inside)) single.add(name)
        return
      }
      case 'column':
        column(node.table, node.name)
        return
      case 'bracket': {
        const name = node.name.toLowerCase()
        const found = measure(name)
        if (!found) loose.add(name)
        else crosses = true
        if (found && !seen.has(name)) {
          seen.add(name)
          walk(found)
        }
        return
      }
      case 'binary':
        walk(node.left)
        walk(node.right)
        return
      case 'not':
      case 'negate':
        walk(node.operand)
        return
      case 'rows':
        for (const cell of node.rows.flat()) walk(cell)
        return
      case 'block':
        variables(node.variables)
        walk(node.result)
        return
      case 'call': {
        const of = summed(node)
        if (of !== undefined) {
          crosses = true
          tables.add(of)
          sums.set(of, [...(sums.get(of) ?? []), node])
          return
        }
        call(node, inside)
        return
      }
      default:
    }
  }

  function call(node: Node & { readonly kind: 'call' }, inside?: string): void {
    const [first, ...rest] = node.args
    if (!ON_THEIR_OWN.has(node.name)) crosses = true
    if (WEIGHING.has(node.name) && first?.kind === 'column') single.add(first.table.toLowerCase())
    const passes =
      COUNTING.has(node.name) ||
      (ITERATING.has(node.name) && rest.every(isPlain)) ||
      (REMOVING.has(node.name) && inside === 'CALCULATE')
    const consumed = node.name !== 'FILTER' || (inside !== undefined && CONSUMING.has(inside))
    // What is only filtered to be counted is counted.
    const use = node.name === 'FILTER' && inside !== undefined && COUNTING.has(inside) ? inside : node.name
    if (first) walk(first, passes && consumed ? use : undefined)
    for (const arg of rest) walk(arg, CALCULATING.has(node.name) ? 'CALCULATE' : undefined)
  }

  function variables(defined: readonly Variable[]): void {
    for (const { name, expression } of defined) {
      single.add(name.toLowerCase())
      walk(expression)
    }
  }

  variables(query.variables)
  for (const { expression } of query.measures) walk(expression)
  for (const { expression } of query.orderBy) walk(expression)
  walk(query.evaluate)
  const alike = new Map<string, readonly Node[]>()
  for (const table of new Set([...counted, ...sums.keys()])) {
    const nodes = sums.get(table) ?? []
    if (!whole.has(table) && !single.has(table)) alike.set(table, nodes)
    else for (const node of nodes) if (node.kind === 'call') call(node)
  }
  // A filter that comes from nowhere, or goes nowhere, needs no way.
  const ways = crosses && new Set([...tables, ...columns.keys()]).size > 1 ? relationships : []
  return { columns, whole, tables, loose, keys: new Set(ways.flatMap(({ from, to }) => [from, to])), alike }
}

/** Without CALCULATE in it, hidden or not. */
function isPlain(node: Node): boolean {
  switch (node.kind) {
    case 'literal':
    case 'column':
      return true
    case 'binary':
      return isPlain(node.left) && isPlain(node.right)
    case 'not':
    case 'negate':
      return isPlain(node.operand)
    case 'call':
      return (
        (node.name === 'TRUE' || node.name === 'FALSE' || node.name === 'ISBLANK' || node.name === 'BLANK') &&
        node.args.every(isPlain)
      )
    default:
      return false
  }
}

/** Names of a table's columns that a query looks at, all of them where whole rows count; undefined where it does not look at the table. */
export function neededColumns(
  { columns, whole, tables, loose, keys }: Needs,
  table: string,
  all: readonly string[],
): string[] | undefined {
  const lower = table.toLowerCase()
  const named = columns.get(lower)
  const names = all.filter((name) => {
    const column = name.toLowerCase()
    return whole.has(lower) || named?.has(column) || loose.has(column) || keys.has(columnId(table, name))
  })
  return names.length > 0 || tables.has(lower) ? names : undefined
}
