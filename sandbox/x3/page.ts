import type { BookTable, Stamped, TableName } from '../books/types.ts'
import { type Constraint, comparePositions, everything, type Filter, type Order } from './filter.ts'
import type { Context, NodeSpec, Position } from './model.ts'

/** The arguments of `query`. */
export interface PageArguments {
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}

/** One page of a query or of a nested collection; the total is counted only when asked for. */
export interface Page {
  readonly items: readonly unknown[]
  readonly hasNext: boolean
  readonly hasPrevious: boolean
  /** The first row behind the page. */
  readonly next: unknown
  cursor(item: unknown): string
  total(): number
}

/** The page size where neither `first` nor `last` is given, on nested collections too. */
export const defaultPage = 20

function refuse(message: string): never {
  throw Object.assign(new Error(message), { name: 'X3ArgumentError' })
}

/** A cursor names a place, not a number of rows: what is inserted or deleted before it moves nothing. */
function writeCursor(values: readonly unknown[]): string {
  const text = JSON.stringify(values)
  return `${text}#${checksum(text)}`
}

function readCursor(cursor: string, length: number | undefined): unknown[] {
  const at = cursor.lastIndexOf('#')
  const text = cursor.slice(0, at)
  if (at < 0 || cursor.slice(at + 1) !== `${checksum(text)}`) refuse(`Invalid cursor ${cursor}`)
  const values = JSON.parse(text) as unknown[]
  if (length !== undefined && values.length < length) refuse(`Invalid cursor ${cursor} for this orderBy`)
  return values
}

function checksum(text: string): number {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 97
  return sum
}

/** A page of rows that are already at hand in key order. */
export function pageOf(
  rows: readonly unknown[],
  args: PageArguments,
  filter: Filter,
  orders: readonly Order[] | undefined,
  spec: NodeSpec,
  context: Context,
): Page {
  const passing = filter === everything ? rows : rows.filter((row) => filter.test(row, context))
  return slice(() => passing, args, orders, spec, context)
}

/** A page of a node's rows, found through the table's stamps or keys where the filter allows it. */
export function pageOfNode(
  args: PageArguments,
  filter: Filter,
  orders: readonly Order[] | undefined,
  spec: NodeSpec,
  context: Context,
): Page {
  const page = slice((after) => rowsOf(spec, filter, context, after), args, orders, spec, context)
  const { table } = spec
  if (filter !== everything || !table || spec.rows) return page
  return { ...page, total: () => context.books.tables[table].count() - hidden(table, context) }
}

/** Records that the table has and nobody sees yet; they were stamped shortly before now. */
function hidden(name: TableName, context: Context): number {
  const table: BookTable<Stamped> = context.books.tables[name]
  let count = 0
  for (const key of table.changed({ from: iso(context.now - 7 * 86_400_000) }, 'own')) {
    const from = table.get(key)?.visibleFrom
    if (from !== undefined && Date.parse(from) > context.now) count++
  }
  return count
}

function countOf(rows: Iterable<unknown>): number {
  let count = 0
  for (const _ of rows) count++
  return count
}

function slice(
  rows: (after?: Position) => Iterable<unknown>,
  args: PageArguments,
  orders: readonly Order[] | undefined,
  spec: NodeSpec,
  context: Context,
): Page {
  const { first, last } = args
  if (typeof first === 'number' && first < 0) refuse('first must not be negative')
  if (typeof last === 'number' && last < 0) refuse('last must not be negative')
  const backward = typeof last === 'number' && typeof first !== 'number'
  const size = (backward ? last : first) ?? defaultPage
  const sorted = orders ? sortedRows(rows(), orders, spec, context) : undefined
  const width = orders?.length ?? 0
  const values = (item: unknown): unknown[] => [
    ...(orders?.map((order) => order.read(item, context)) ?? []),
    ...spec.position(item),
  ]
  const behind = (item: unknown, cursor: readonly unknown[]): number => {
    for (let i = 0; i < width; i++) {
      const order = (orders as readonly Order[])[i] as Order
      const found = order.compare(order.read(item, context), cursor[i])
      if (found !== 0) return found
    }
    return comparePositions(spec.position(item), cursor.slice(width) as (string | number)[])
  }

  const after = args.after ? readCursor(args.after, width + 1) : undefined
  const before = args.before ? readCursor(args.before, width + 1) : undefined
  const items: unknown[] = []
  let next: unknown
  let hasNext = false
  let past = after === undefined
  let hasPrevious = after !== undefined
  for (const item of sorted ?? rows(after as Position | undefined)) {
    if (!past && behind(item, after as unknown[]) <= 0) continue
    past = true
    if (before && behind(item, before) >= 0) {
      hasNext = true
      break
    }
    if (items.length < size) items.push(item)
    else if (backward) {
      // The last ones before the place: keep a window that moves on.
      if (size > 0) items.shift()
      if (size > 0) items.push(item)
      hasPrevious = true
    } else {
      next = item
      hasNext = true
      break
    }
  }
  return {
    items,
    next,
    hasNext,
    hasPrevious,
    cursor: (item) => writeCursor(values(item)),
    total: () => sorted?.length ?? countOf(rows()),
  }
}

function sortedRows(
  rows: Iterable<unknown>,
  orders: readonly Order[],
  spec: NodeSpec,
  context: Context,
): readonly unknown[] {
  const keyed = Array.from(rows, (row) => ({ row, values: orders.map((order) => order.read(row, context)) }))
  keyed.sort((a, b) => {
    for (let i = 0; i < orders.length; i++) {
      const found = (orders[i] as Order).compare(a.values[i], b.values[i])
      if (found !== 0) return found
    }
    return comparePositions(spec.position(a.row), spec.position(b.row))
  })
  return keyed.map(({ row }) => row)
}

/** The node's rows that pass the filter, in key order, from the record of `after` on. */
function* rowsOf(spec: NodeSpec, filter: Filter, context: Context, after?: Position): Generator<unknown> {
  if (spec.all) {
    for (const row of spec.all(context)) if (filter.test(row, context)) yield row
    return
  }
  const { table: name } = spec
  if (!name) return
  const { rows } = spec
  const now = context.now
  const key = after === undefined ? undefined : String(after[0])
  const table = context.books.tables[name] as BookTable<Stamped>
  if (rows && key !== undefined) {
    // The cursor may stand in the middle of this document.
    const thing = context.load(name, key)
    if (thing) for (const row of rows(thing, context)) if (filter.test(row, context)) yield row
  }
  for (const thing of things(table, name, spec, filter.constraints, context, key)) {
    if (thing.visibleFrom !== undefined && Date.parse(thing.visibleFrom) > now) continue
    if (rows) {
      for (const row of rows(thing, context)) if (filter.test(row, context)) yield row
    } else {
      const row = spec.master ? { table: name, key: table.keyOf(thing), thing } : thing
      if (filter.test(row, context)) yield row
    }
  }
}

function* things(
  table: BookTable<Stamped>,
  name: TableName,
  spec: NodeSpec,
  constraints: readonly Constraint[],
  context: Context,
  after: string | undefined,
): Generator<Stamped> {
  const keys = keysFrom(spec, constraints, name, context, after)
  if (keys === undefined) {
    yield* table.walk(after)
    return
  }
  for (const key of keys) {
    const thing = table.get(key)
    if (thing !== undefined) yield thing
  }
}

/** The keys that can pass, in key order; undefined where nothing is cheaper than looking at every record. */
function keysFrom(
  spec: NodeSpec,
  constraints: readonly Constraint[],
  name: TableName,
  context: Context,
  after: string | undefined,
): Iterable<string> | undefined {
  const named = namedKeys(spec, constraints)
  if (named) return [...new Set(named)].sort().filter((key) => after === undefined || key > after)

  const ranges = new Map<string, { from: number; to: number }>()
  for (const constraint of constraints) {
    if (constraint.kind !== 'range' || !spec.stamps[constraint.path]) continue
    const range = ranges.get(constraint.path) ?? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
    range.from = Math.max(range.from, constraint.from ?? range.from)
    range.to = Math.min(range.to, constraint.to ?? range.to)
    ranges.set(constraint.path, range)
  }
  for (const [path, { from, to }] of ranges) {
    const stamp = spec.stamps[path]
    // An open beginning takes in nearly everything (and X3's empty date): walking is cheaper then.
    if (!stamp || from < 0) continue
    const range = { from: iso(from), ...(Number.isFinite(to) ? { to: iso(to) } : {}) }
    return context.books.tables[stamp.table].changed(range, stamp.part, after)
  }
  for (const constraint of constraints) {
    if (constraint.kind === 'empty' && spec.stamps[constraint.path]?.part === 'own') {
      return context.books.tables[name].changed({}, 'empty', after)
    }
    if (constraint.kind === 'any') {
      const branches = constraint.of.map((branch) => keysFrom(spec, branch, name, context, after))
      if (branches.every((branch) => branch !== undefined)) return merge(branches)
    }
  }
  return undefined
}

const iso = (time: number): string => new Date(time).toISOString()

/** Records named by equality on their key's parts. */
function namedKeys(spec: NodeSpec, constraints: readonly Constraint[]): readonly string[] | undefined {
  for (const paths of spec.keys) {
    const parts = paths.map((path) => constraints.find((c) => c.kind === 'in' && c.path === path))
    if (parts.some((part) => part === undefined)) continue
    const values = parts.map((part) => (part?.kind === 'in' ? part.values : []))
    const keys = values.reduce((done, part) => done.flatMap((head) => part.map((value) => [...head, value])), [
      [] as string[],
    ] as string[][])
    const joined = keys.map((key) => key.join('|'))
    // A line's own `_id` begins with its document's key.
    return paths[0] === '_id' && spec.rows ? joined.map((id) => documentKey(spec, id)) : joined
  }
  return undefined
}

/** The document's key in a line's `_id`. */
export function documentKey(spec: NodeSpec, id: string): string {
  const parts = id.split('|')
  return parts.slice(0, spec.table === 'journalEntry' ? 2 : 1).join('|')
}

/** Keys of several lists, each in key order, without doubles. */
function* merge(lists: readonly Iterable<string>[]): Generator<string> {
  const heads = lists.map((list) => {
    const iterator = list[Symbol.iterator]()
    return { iterator, next: iterator.next() }
  })
  for (;;) {
    let least: string | undefined
    for (const { next } of heads) if (!next.done && (least === undefined || next.value < least)) least = next.value
    if (least === undefined) return
    yield least
    for (const head of heads) if (!head.next.done && head.next.value === least) head.next = head.iterator.next()
  }
}
