import { DaxError, keyOf, type Value } from './values.ts'

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

/** The model with what is worth keeping while one query runs. */
export interface Model {
  table(name: string): ModelTable | undefined
  /** Fails in the engine's words where the column is not there. */
  column(table: string, name: string): Place & { readonly column: ModelColumn }
  /** The rows that a context shows. */
  visible(table: ModelTable, context: Context): readonly (readonly Value[])[]
  /** A column's value for a row of `table`, which may lie on the one side of a relationship; undefined where it is out of reach. */
  related(table: ModelTable, row: readonly Value[], id: string): Value | undefined
  /** The context without any filter on these columns. */
  without(context: Context, ids: ReadonlySet<string>): Context
  /** Ids of the columns of a table and of the tables on the one side of its relationships. */
  expanded(table: ModelTable): ReadonlySet<string>
}

export function createModel({ tables, relationships }: ModelSource): Model {
  const byName = new Map(tables.map((table) => [table.name.toLowerCase(), table]))
  const places = new Map<string, Place>()
  for (const table of tables) for (const [index, { id }] of table.columns.entries()) places.set(id, { table, index })
  const indexes = new Map<string, Map<string, number[]>>()
  const keyColumns = new Map<string, string[]>()

  function keysOf(id: string, { table, index }: Place): string[] {
    let keys = keyColumns.get(id)
    if (!keys) {
      keys = table.rows.map((row) => keyOf(row[index] ?? null))
      keyColumns.set(id, keys)
    }
    return keys
  }

  function indexOf(id: string, place: Place): Map<string, number[]> {
    let found = indexes.get(id)
    if (!found) {
      found = new Map()
      for (const [row, key] of keysOf(id, place).entries()) {
        const rows = found.get(key)
        if (rows) rows.push(row)
        else found.set(key, [row])
      }
      indexes.set(id, found)
    }
    return found
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
      if (!there) continue
      const index = indexOf(to.id, to)
      return keysOf(from.id, from).map((key) => there[index.get(key)?.[0] ?? -1] ?? '')
    }
    return undefined
  }
  const reachedColumns = new Map<string, readonly string[] | undefined>()
  function column(table: ModelTable, id: string): readonly string[] | undefined {
    const name = `${table.name} ${id}`
    if (!reachedColumns.has(name)) reachedColumns.set(name, reached(table, id))
    return reachedColumns.get(name)
  }

  function filtered(table: ModelTable, { filters }: Context): readonly (readonly Value[])[] {
    const tests: { columns: readonly (readonly string[])[]; filter: Filter }[] = []
    for (const filter of filters) {
      const columns = filter.columns.map((id) => column(table, id))
      const inReach = columns.filter((keys) => keys !== undefined)
      if (inReach.length === columns.length) tests.push({ columns: inReach, filter })
    }
    if (tests.length === 0) return table.rows
    const [only, second] = tests
    if (only && !second && only.filter.columns.length === 1) {
      const [id = ''] = only.filter.columns
      const own = places.get(id)
      // One value of one column: the commonest case by far, in a context made for each row of something.
      if (own?.table === table && only.filter.keys.size === 1) {
        const [key = ''] = only.filter.keys
        return (indexOf(id, own).get(key) ?? []).map((row) => table.rows[row] ?? [])
      }
    }
    const [first] = tests
      .filter(({ filter }) => filter.columns.length === 1 && places.get(filter.columns[0] ?? '')?.table === table)
      .sort((a, b) => a.filter.keys.size - b.filter.keys.size)
    const passes = (row: number, { columns, filter }: (typeof tests)[number]): boolean =>
      filter.keys.has(
        columns.length === 1 ? (columns[0]?.[row] ?? '') : columns.map((keys) => keys[row]).join(SEPARATOR),
      )
    const place = first && places.get(first.filter.columns[0] ?? '')
    const candidates =
      first && place && first.filter.keys.size * 8 < table.rows.length
        ? [...first.filter.keys].flatMap((key) => indexOf(first.filter.columns[0] ?? '', place).get(key) ?? [])
        : table.rows.keys()
    const found: (readonly Value[])[] = []
    for (const row of candidates) {
      const values = table.rows[row]
      if (values && tests.every((test) => passes(row, test))) found.push(values)
    }
    return found
  }

  function related(table: ModelTable, row: readonly Value[], id: string): Value | undefined {
    const place = places.get(id)
    if (place?.table === table) return row[place.index] ?? null
    for (const { from, to } of steps(table)) {
      if (!expanded(to.table).has(id)) continue
      const partner = indexOf(to.id, to).get(keyOf(row[from.index] ?? null))?.[0]
      const values = partner === undefined ? undefined : to.table.rows[partner]
      return values ? related(to.table, values, id) : null
    }
    return undefined
  }

  return {
    table: (name) => byName.get(name.toLowerCase()),

    column(tableName, name) {
      const table = byName.get(tableName.toLowerCase())
      if (!table) throw new DaxError(`Cannot find table '${tableName}'.`)
      const place = places.get(columnId(tableName, name))
      const found = place && table.columns[place.index]
      if (!found) {
        throw new DaxError(
          `Column '${name}' in table '${tableName}' cannot be found or may not be used in this expression.`,
        )
      }
      return { ...place, column: found }
    },

    visible(table, context) {
      context.shown ??= new Map()
      let rows = context.shown.get(table)
      if (!rows) {
        rows = filtered(table, context)
        context.shown.set(table, rows)
      }
      return rows
    },

    related,

    without: ({ filters }, ids) => ({ filters: filters.flatMap((filter) => project(filter, ids)) }),

    expanded: (table) => expanded(table),
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
