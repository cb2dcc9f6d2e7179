import type { Node } from './parser.ts'
import { add, DaxError, keyOf, type Value } from './values.ts'

/** A column of the model; `id` is the same for every spelling of its name. */
export interface ModelColumn {
  readonly id: string
  readonly name: string
  readonly table: string
}

export interface ModelTable {
  readonly name: string
  readonly columns: readonly ModelColumn[]
  readonly rows: readonly (readonly Value[])[]
  /** Where alike rows are one: the place in a row of how many they are, and those of sums over them. */
  readonly alike?: { readonly count: number; readonly sums: ReadonlyMap<Node, number> } | undefined
}

/** Many-to-one: what filters the one side filters the many side. */
export interface ModelRelationship {
  readonly from: string
  readonly to: string
}

export interface ModelSource {
  readonly tables: readonly ModelTable[]
  readonly relationships: readonly ModelRelationship[]
}

/** Allowed values, as keys, of one or more columns together. */
export interface Filter {
  readonly columns: readonly string[]
  readonly keys: ReadonlySet<string>
}

/** The filters under which something is evaluated; all of them hold and none changes, so that what they show can be kept. */
export interface Context {
  readonly filters: readonly Filter[]
  /** What was looked at under them. */
  shown?: Map<ModelTable, readonly (readonly Value[])[]>
}

export const columnId = (table: string, name: string): string => `${table}\u0000${name}`.toLowerCase()

const SEPARATOR = '\u0001'
export const tupleKey = (values: readonly Value[]): string => values.map(keyOf).join(SEPARATOR)

interface Place {
  readonly table: ModelTable
  readonly index: number
}

/** A filter with more values than these is tried on rows, not looked up. */
const MOST_LOOKED_UP = 100

/** One or more columns as one key a row, and the rows of each key. */
interface Shape {
  readonly tuples: readonly string[]
  buckets(): ReadonlyMap<string, readonly number[]>
}

function createShape(columns: readonly (readonly string[] | undefined)[]): Shape | undefined {
  const [first] = columns
  if (!first || columns.includes(undefined)) return undefined
  const tuples =
    columns.length === 1 ? first : first.map((_, row) => columns.map((keys) => keys?.[row]).join(SEPARATOR))
  let buckets: Map<string, number[]> | undefined
  return {
    tuples,
    buckets() {
      if (buckets) return buckets
      buckets = new Map()
      for (const [row, key] of tuples.entries()) {
        const rows = buckets.get(key)
        if (rows) rows.push(row)
        else buckets.set(key, [row])
      }
      return buckets
    },
  }
}

/** The model with what is worth keeping while one query runs. */
export interface Model {
  table(name: string): ModelTable | undefined
  /** Fails in the engine's words where the column is not there. */
  column(table: string, name: string): Place & { readonly column: ModelColumn }
  /** The rows that a context shows. */
  visible(table: ModelTable, context: Context): readonly (readonly Value[])[]
  /** A sum over the rows that a context shows, where it was fetched with them; undefined where it has to be computed. */
  summed(node: Node, context: Context): Value | undefined
  /** A column's value for a row of `table`, which may lie on the one side of a relationship; undefined where it is out of reach. */
  related(table: ModelTable, row: readonly Value[], id: string): Value | undefined
  /** The context without any filter on these columns. */
  without(context: Context, ids: ReadonlySet<string>): Context
  /** Ids of the columns of a table and of the tables on the one side of its relationships. */
  expanded(table: ModelTable): ReadonlySet<string>
}

/** How tables reach each other over relationships. */
interface Reach {
  places: ReadonlyMap<string, Place>
  expanded(table: ModelTable): ReadonlySet<string>
  /** Columns taken together, for each row of a table; undefined where one of them is out of its reach. */
  shapeOf(table: ModelTable, ids: readonly string[]): Shape | undefined
  related(table: ModelTable, row: readonly Value[], id: string): Value | undefined
}

function createReach({ tables, relationships }: ModelSource): Reach {
  const places = new Map<string, Place>()
  for (const table of tables) for (const [index, { id }] of table.columns.entries()) places.set(id, { table, index })
  const keyColumns = new Map<string, string[]>()
  const shapes = new Map<string, Shape | undefined>()

  function keysOf(id: string, { table, index }: Place): string[] {
    let keys = keyColumns.get(id)
    if (!keys) {
      keys = table.rows.map((row) => keyOf(row[index] ?? null))
      keyColumns.set(id, keys)
    }
    return keys
  }

  /** Steps from a table to the tables on the one side, nearest first. */
  function steps(table: ModelTable): { from: Place & { id: string }; to: Place & { id: string } }[] {
    return relationships.flatMap((relationship) => {
      const from = places.get(relationship.from)
      const to = places.get(relationship.to)
      if (from?.table !== table || !to) return []
      return [{ from: { ...from, id: relationship.from }, to: { ...to, id: relationship.to } }]
    })
  }

  const expansions = new Map<ModelTable, ReadonlySet<string>>()
  function expanded(table: ModelTable, seen: ReadonlySet<ModelTable> = new Set()): ReadonlySet<string> {
    const known = expansions.get(table)
    if (known) return known
    const ids = new Set(table.columns.map(({ id }) => id))
    for (const { to } of steps(table)) {
      if (seen.has(to.table)) continue
      for (const id of expanded(to.table, new Set([...seen, table]))) ids.add(id)
    }
    // What was found within a circle of relationships may lack a part.
    if (seen.size === 0) expansions.set(table, ids)
    return ids
  }

  /** Keys of a column for every row of a table, reached over relationships; a row without a partner has BLANK. */
  function reached(table: ModelTable, id: string, depth = 0): readonly string[] | undefined {
    const place = places.get(id)
    if (!place || depth > tables.length) return undefined
    if (place.table === table) return keysOf(id, place)
    for (const { from, to } of steps(table)) {
      const there = reached(to.table, id, depth + 1)
      const partners = there && shapeOf(to.table, [to.id])?.buckets()
      if (partners) return keysOf(from.id, from).map((key) => there[partners.get(key)?.[0] ?? -1] ?? '')
    }
    return undefined
  }

  /** Columns taken together, for each row of a table; undefined where one of them is out of its reach. */
  function shapeOf(table: ModelTable, ids: readonly string[]): Shape | undefined {
    const name = `${table.name}${SEPARATOR}${ids.join(SEPARATOR)}`
    if (!shapes.has(name)) shapes.set(name, createShape(ids.map((id) => reached(table, id))))
    return shapes.get(name)
  }

  function related(table: ModelTable, row: readonly Value[], id: string): Value | undefined {
    const place = places.get(id)
    if (place?.table === table) return row[place.index] ?? null
    for (const { from, to } of steps(table)) {
      if (!expanded(to.table).has(id)) continue
      const partner = shapeOf(to.table, [to.id])
        ?.buckets()
        .get(keyOf(row[from.index] ?? null))?.[0]
      const values = partner === undefined ? undefined : to.table.rows[partner]
      return values ? related(to.table, values, id) : null
    }
    return undefined
  }

  return { places, expanded: (table) => expanded(table), shapeOf, related }
}

/** The rows of a table that filters leave. */
function filtered({ shapeOf }: Reach, table: ModelTable, { filters }: Context): readonly (readonly Value[])[] {
  const tests = filters.flatMap(({ columns, keys }) => {
    const shape = shapeOf(table, columns)
    return shape ? [{ shape, keys }] : []
  })
  // The filter that leaves the fewest rows gives them, the others are tried on each.
  let best: (typeof tests)[number] | undefined
  let least = table.rows.length
  for (const test of tests) {
    if (test.keys.size > MOST_LOOKED_UP) continue
    let count = 0
    for (const key of test.keys) count += test.shape.buckets().get(key)?.length ?? 0
    if (count < least || !best) [best, least] = [test, count]
  }
  const others = tests.filter((test) => test !== best)
  const candidates = best
    ? [...best.keys].flatMap((key) => best.shape.buckets().get(key) ?? []).sort((a, b) => a - b)
    : table.rows.keys()
  const found: (readonly Value[])[] = []
  for (const row of candidates) {
    const values = table.rows[row]
    if (values && others.every(({ shape, keys }) => keys.has(shape.tuples[row] ?? ''))) found.push(values)
  }
  return found
}

export function createModel(source: ModelSource): Model {
  const { tables } = source
  const reach = createReach(source)
  const byName = new Map(tables.map((table) => [table.name.toLowerCase(), table]))
  /** Columns by the very spelling of an expression, which is looked up again for every row. */
  const spelt = new Map<string, Map<string, Place & { readonly column: ModelColumn }>>()

  const sums = new Map<Node, Place>()
  for (const table of tables) for (const [node, index] of table.alike?.sums ?? []) sums.set(node, { table, index })

  function visible(table: ModelTable, context: Context): readonly (readonly Value[])[] {
    context.shown ??= new Map()
    let rows = context.shown.get(table)
    if (!rows) {
      rows = filtered(reach, table, context)
      context.shown.set(table, rows)
    }
    return rows
  }

  return {
    table: (name) => byName.get(name.toLowerCase()),

    column(tableName, name) {
      const known = spelt.get(tableName)?.get(name)
      if (known) return known
      const table = byName.get(tableName.toLowerCase())
      if (!table) throw new DaxError(`Cannot find table '${tableName}'.`)
      const place = reach.places.get(columnId(tableName, name))
      const found = place && table.columns[place.index]
      if (!found) {
        throw new DaxError(
          `Column '${name}' in table '${tableName}' cannot be found or may not be used in this expression.`,
        )
      }
      const made = { ...place, column: found }
      const names = spelt.get(tableName) ?? new Map()
      spelt.set(tableName, names.set(name, made))
      return made
    },

    visible,

    summed(node, context) {
      const place = sums.get(node)
      if (!place) return undefined
      return visible(place.table, context).reduce<Value>((sum, row) => add(sum, row[place.index] ?? null), null)
    },

    related: reach.related,

    without: ({ filters }, ids) => ({ filters: filters.flatMap((filter) => project(filter, ids)) }),

    expanded: (table) => reach.expanded(table),
  }
}

/** What is left of a filter when some of its columns are freed. */
function project(filter: Filter, freed: ReadonlySet<string>): Filter[] {
  if (!filter.columns.some((id) => freed.has(id))) return [filter]
  const kept = filter.columns.flatMap((id, index) => (freed.has(id) ? [] : [index]))
  if (kept.length === 0) return []
  const keys = new Set<string>()
  for (const key of filter.keys) {
    const parts = key.split(SEPARATOR)
    keys.add(kept.map((index) => parts[index]).join(SEPARATOR))
  }
  return [{ columns: kept.map((index) => filter.columns[index] ?? ''), keys }]
}
