/** Reads pages and whole documents of one entity: page size, retries, completion, checks, duplicates. */
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { type DataRecord, keyText } from '../../../sync/contract/message.ts'
import type { Page, PageRequest, RefusedRecord, StampWindow } from '../../../sync/contract/source.ts'
import { DEPTH, overDepth } from '../../../vendor/limits.ts'
import type { ReadApart } from './apart.ts'
import { type ByKeys, readByKeys } from './by-keys.ts'
import type { X3Connection } from './connection.ts'
import { getter, INEXACT, type Numbers, type Raw } from './convert.ts'
import { pageOf, type QueryPage } from './dimensions.ts'
import { tooMuch } from './errors.ts'
import { keysFilter } from './filter.ts'
import { createRecords, type RecordOptions, type Records } from './records.ts'
import { createRequests, type EntityPage, type Place, type Reading, type Requests } from './requests.ts'
import type { ResolvedApart, ResolvedEntity, ResolvedWatch } from './resolve.ts'
import { pageQuery, pathsOf, selectPaths } from './select.ts'

type PagePlace = Reading & Pick<PageRequest, 'cursor'>

export interface Reader {
  /** One page of the entity's node; `future` is the filter of stamps that lie ahead of X3's clock. */
  page(filter: string | undefined, request: PagePlace, future?: string): Promise<Page>
  readonly byKeys: ByKeys
  readonly apart: ReadApart
  /** Keys of documents that a watched node names, and the cursor behind them. */
  named(
    watch: ResolvedWatch,
    filter: string | undefined,
    request: PageRequest,
  ): Promise<{ tuples: unknown[][]; cursor: string | null }>
}

export interface ReaderOptions extends RecordOptions {
  /** The converter's own. */
  readonly numbers: Numbers
  readonly pageSize: number
  readonly waiting?: (what: string) => void
}

/** How often elements are asked for that do not come to their count. */
const READINGS = 3
/** Documents asked by key in one request. */
const KEYS_AT_ONCE = 50

/** What the parts of a reader need. */
interface Parts {
  readonly entity: ResolvedEntity
  readonly options: ReaderOptions
  readonly requests: Requests
  readonly records: Records
}

export function createReader(connection: X3Connection, entity: ResolvedEntity, options: ReaderOptions): Reader {
  const requests = createRequests(connection, entity, options)
  const parts: Parts = { entity, options, requests, records: createRecords(entity, options, requests) }
  const page: Reader['page'] = (filter, request, future) => readPage(parts, [filter, request.cursor], request, future)
  return {
    page,
    byKeys: readByKeys(page, KEYS_AT_ONCE),
    apart: readApart(entity, requests),
    async named(watch, filter, request) {
      const paths = [...watch.paths, ...(watch.documentStamp ? [watch.documentStamp] : [])]
      const text = pageQuery(watch.nodes, {}, selectPaths(paths))
      const what = `${entity.def.entity}, ${watch.def.node}`
      const found = await requests.pageOfNode(text, watch.nodes, [filter, request.cursor], request, what)
      return { tuples: distinct(found, watch, request.window), cursor: nextCursor(found) }
    },
  }
}

/** Elements by so many documents at once; the pages of one question must come to the count that X3 names. */
function readApart({ def }: ResolvedEntity, requests: Requests): ReadApart {
  const once = async (filter: string, text: string, what: string, { nodes }: ResolvedApart, reading: Reading) => {
    const found = new Map<unknown, Raw>()
    let cursor: string | null = null
    let total = 0
    do {
      const page: QueryPage = await requests.pageOfNode(text, nodes, [filter, cursor], reading, what)
      for (const { node } of page.edges) if (node) found.set(node._id, node)
      total = page.totalCount ?? 0
      cursor = nextCursor(page)
    } while (cursor !== null)
    return { found: [...found.values()], total }
  }
  const whole = async (...asked: Parameters<typeof once>): Promise<Raw[]> => {
    for (let time = 1; ; time++) {
      const { found, total } = await once(...asked)
      if (found.length === total) return found
      if (time < READINGS) continue
      throw syncError('transient', 'x3.incomplete', `${asked[2]}: ${found.length} came, and X3 counts ${total}`, {
        entity: def.entity,
        hint: 'If it stays, somebody changes them all the time, or the right to read some of them is missing.',
      })
    }
  }
  return async (list, numbers, reading) => {
    const text = pageQuery(list.nodes, {}, selectPaths([list.by, ...pathsOf(list.columns)], ['_id']), 'total')
    const what = `${def.entity}, ${list.def.name}`
    const filters: string[] = []
    for (let at = 0; at < numbers.length; at += KEYS_AT_ONCE) {
      const asked = numbers.slice(at, at + KEYS_AT_ONCE).map((number) => [number])
      filters.push(JSON.stringify(keysFilter([list.by], asked)))
    }
    // As many at a time as the connection allows.
    const found = await Promise.all(filters.map((filter) => whole(filter, text, what, list, reading)))
    return found.flat()
  }
}

async function readPage(parts: Parts, place: Place, reading: Reading, future: string | undefined): Promise<Page> {
  const { entity, requests } = parts
  try {
    const found = await requests.page(place, reading, future)
    const next = nextCursor(found.page)
    if (next !== null) requests.sendAhead(found.first, [place[0], next], reading)
    const page = await toPage(parts, found, reading)
    const later = future === undefined ? 0 : futureCount(found.data, entity.nodes.root)
    const total = future === undefined ? undefined : found.page.totalCount
    return { ...page, ...(later > 0 && { future: later }), ...(total !== undefined && { total }) }
  } catch (error) {
    if (isSyncError(error) && error.code === 'x3.unreadable') return unreadableOne(parts, place, reading, error)
    // The stack ended in something deeply nested.
    throw error instanceof RangeError ? tooMuch(overDepth(DEPTH), entity.def.entity) : error
  }
}

async function toPage(parts: Parts, found: EntityPage, reading: Reading): Promise<Page> {
  const { unread } = found
  const { numbers } = parts.options
  const { root, node } = parts.entity.nodes
  try {
    return await collect(parts, found, reading)
  } catch (error) {
    if (!isSyncError(error) || error.code !== INEXACT || found.exact) throw error
    // From now on replies are parsed from their source text.
    numbers.exact = true
    const { data, notices } = unread.read(true)
    return await collect(parts, { page: pageOf(data, root, node), notices, read: found.read }, reading)
  } finally {
    unread.drop()
  }
}

/** The records of a page. */
async function collect(
  { entity, options, records: making }: Parts,
  { page, read, notices: said }: Pick<EntityPage, 'page' | 'read' | 'notices'>,
  reading: Reading,
): Promise<Page> {
  const { schema } = options
  const name = entity.def.entity
  const records: DataRecord[] = []
  const cursors: string[] = []
  const refused: RefusedRecord[] = []
  const notices = [...said]
  const places = new Map<string, number>()
  for (const edge of page.edges) {
    const { cursor, node } = edge
    if (!node) throw syncError('transient', 'x3.shape', `${name}: X3 gave an empty record in a page`, { entity: name })
    // Its nodes are the greatest part of a page, and garbage once they are records.
    edge.node = null
    // Most came whole, and there is nothing to wait for.
    let record = making.atOnce(node, read)
    if (!record) {
      const settled = await making.settle(node, read, reading)
      if (settled.refused) refused.push(settled.refused)
      record = settled.record
    }
    if (!record) continue
    const key = keyText(schema, record)
    const place = places.get(key)
    if (place !== undefined) {
      notices.push(`${name} ${key} came twice in one page; the newer of the two was kept`)
      if (stampMs(record) >= stampMs(records[place] as DataRecord)) records[place] = record
      continue
    }
    places.set(key, records.length)
    records.push(record)
    cursors.push(cursor ?? '')
  }
  return {
    records,
    ...(cursors.every((cursor) => cursor !== '') ? { cursors } : {}),
    ...(refused.length > 0 ? { refused } : {}),
    ...(notices.length > 0 ? { notices } : {}),
    cursor: nextCursor(page),
  }
}

/** The one record of a page of one that X3 cannot give: refused by its key, so that the others go on. */
async function unreadableOne(
  { requests, records }: Parts,
  place: Place,
  reading: Reading,
  error: SyncError,
): Promise<Page> {
  const { page, read } = await requests.key(place, reading)
  const node = page.edges[0]?.node
  if (!node) throw error
  const { message, cause } = error
  const fault = { code: 'x3.unreadable', message, again: false, ...(cause.hint ? { hint: cause.hint } : {}) }
  return { records: [], refused: [records.refuse(node, read, fault)], cursor: nextCursor(page) }
}

/** Distinct keys; documents whose own stamp is in the window were read by the walk `changed`. */
function distinct(page: QueryPage, watch: ResolvedWatch, window: StampWindow): unknown[][] {
  const getters = watch.paths.map(getter)
  const stampOf = watch.documentStamp && getter(watch.documentStamp)
  const from = window.from === null ? Number.NEGATIVE_INFINITY : Date.parse(window.from)
  const bound = window.bound === null ? Number.POSITIVE_INFINITY : Date.parse(window.bound)
  const found = new Map<string, unknown[]>()
  for (const { node } of page.edges) {
    if (!node) continue
    const stamp = stampOf ? Date.parse(String(stampOf(node))) : Number.NaN
    if (stamp >= from && stamp <= bound) continue
    const tuple = getters.map((get) => get(node))
    if (tuple.every((part) => part !== null && part !== undefined && part !== ''))
      found.set(JSON.stringify(tuple), tuple)
  }
  return [...found.values()]
}

const stampMs = (record: DataRecord): number => Date.parse(record._stamp ?? '') || 0

function nextCursor(page: QueryPage): string | null {
  if (!page.pageInfo?.hasNextPage) return null
  return page.pageInfo.endCursor ?? page.edges.at(-1)?.cursor ?? null
}

function futureCount(data: Raw, root: string): number {
  const count = (data[root] as { future?: { query?: { totalCount?: number } } } | undefined)?.future?.query?.totalCount
  return typeof count === 'number' ? count : 0
}
