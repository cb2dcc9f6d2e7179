/** Reads pages and whole documents of one entity: page size, retries, completion, checks, duplicates. */
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { type DataRecord, keyText, type Schema } from '../../../sync/contract/message.ts'
import type { Page, PageRequest, RefusedRecord, StampWindow } from '../../../sync/contract/source.ts'
import { isTooDeep } from '../../../vendor/json.ts'
import { DEPTH, overDepth } from '../../../vendor/limits.ts'
import type { X3Connection } from './connection.ts'
import { type Converter, getter, INEXACT, type Numbers, type Raw } from './convert.ts'
import { pageOf, type QueryPage } from './dimensions.ts'
import { complete, type Fault, isWhole } from './documents.ts'
import { tooMuch } from './errors.ts'
import { allOf, type Filter, keysFilter } from './filter.ts'
import type { FieldPath } from './paths.ts'
import { patience } from './patience.ts'
import type { ResolvedEntity, ResolvedWatch } from './resolve.ts'
import { pageQuery, readQuery, selectKey, selectPaths, selectRecord } from './select.ts'

type Reading = Pick<PageRequest, 'nextRead' | 'signal'>
type PagePlace = Reading & Pick<PageRequest, 'cursor'>

export interface Reader {
  /** One page of the entity's node; `future` is the filter of stamps that lie ahead of X3's clock. */
  page(filter: string | undefined, request: PagePlace, future?: string): Promise<Page>
  /** Records with these keys, whole. Missing ones are left out. */
  byKeys(
    paths: readonly FieldPath[],
    tuples: readonly (readonly unknown[])[],
    fixed: readonly (Filter | undefined)[],
    reading: Reading,
  ): Promise<Page>
  /** Keys of documents that a watched node names, and the cursor behind them. */
  named(
    watch: ResolvedWatch,
    filter: string | undefined,
    request: PageRequest,
  ): Promise<{ tuples: unknown[][]; cursor: string | null }>
}

export interface ReaderOptions {
  readonly schema: Schema
  readonly convert: Converter
  /** The converter's own. */
  readonly numbers: Numbers
  readonly pageSize: number
  /** What is wrong with a whole record (a journal that does not balance), in words. */
  readonly faultOf: (record: DataRecord) => string | undefined
  readonly waiting?: (what: string) => void
}

type Converted =
  | { readonly record: DataRecord; readonly fault?: undefined }
  | { readonly record?: DataRecord; readonly fault: Fault }

const ORDER = '{"_id":1}'
/** Documents asked by key in one request. */
const KEYS_AT_ONCE = 50
/** How often a document is read before it is refused. */
const READINGS = 3
export function createReader(connection: X3Connection, entity: ResolvedEntity, options: ReaderOptions): Reader {
  const { schema, convert, numbers } = options
  const name = entity.def.entity
  const selection = selectRecord(entity)
  const plainQuery = pageQuery(entity.nodes, entity.queryArgs, selection)
  const futureQuery = pageQuery(entity.nodes, entity.queryArgs, selection, 'future')
  const keyQuery = pageQuery(entity.nodes, entity.queryArgs, selectKey(entity))
  const oneQuery = readQuery(entity.nodes, entity.idType, selection)

  /** A reply that waits to be read, and its read number. */
  const send = async (text: string, variables: Raw, what: string, reading: Reading) => {
    let read = 0
    const onAttempt = () => {
      read = reading.nextRead()
    }
    return { unread: await connection.send(text, variables, { what, signal: reading.signal, onAttempt }), read }
  }
  const once = async (text: string, variables: Raw, what: string, reading: Reading) => {
    const { unread, read } = await send(text, variables, what, reading)
    return { data: unread.read(numbers.exact).data as Raw, bytes: unread.bytes, read }
  }
  const { again, sized } = patience(connection, {
    pageSize: options.pageSize,
    ...(options.waiting ? { waiting: options.waiting } : {}),
  })

  type Place = readonly [filter: string | undefined, cursor: string | null]
  const sendPage = (first: number, [filter, after]: Place, reading: Reading, future?: string) =>
    send(
      future === undefined ? plainQuery : futureQuery,
      { first, after, filter: filter ?? null, orderBy: ORDER, ...(future === undefined ? {} : { future }) },
      name,
      reading,
    )
  /**
   * The page behind the last one: it is on its way while that one is taken apart and delivered. It is parsed in its turn, since
   * objects that wait are moved and marked again and again by the collector.
   */
  let ahead: { readonly of: string; readonly sent: ReturnType<typeof send> } | undefined
  const sendAhead = (first: number, place: Place, reading: Reading): void => {
    const sent = sendPage(first, place, reading)
    // What failed is told in its turn.
    sent.catch(() => undefined)
    ahead = { of: JSON.stringify(place), sent }
  }
  const takeAhead = (place: Place): ReturnType<typeof send> | undefined => {
    const sent = ahead?.of === JSON.stringify(place) ? ahead.sent : undefined
    ahead = undefined
    return sent
  }

  const readPage = (place: Place, reading: Reading, future?: string) =>
    sized(async (first) => {
      const { unread, read } = await (takeAhead(place) ?? sendPage(first, place, reading, future))
      const { exact } = numbers
      const { data, notices } = unread.read(exact)
      return { first, data, exact, unread, notices, read, page: pageOf(data, entity.nodes.root, entity.nodes.node) }
    }, reading.signal)

  const ask = (what: string, reading: Reading) => (text: string, variables: Raw) =>
    again(() => once(text, variables, what, reading), reading.signal)

  /** A whole document as a record, or what is wrong with it. */
  const toRecord = (document: Raw, read: number): Converted => {
    let record: DataRecord | undefined
    try {
      record = convert(document)
      record._read = read
      const wrong = options.faultOf(record)
      if (wrong === undefined) return { record }
      const hint = 'Correct the entry in X3; it is read again when it changes.'
      return { record, fault: { code: 'x3.unbalanced', message: wrong, hint, again: true } }
    } catch (error) {
      if (!isSyncError(error) || error.cause.class !== 'data' || error.code === INEXACT) throw error
      const fault = { code: error.code, message: error.message, hint: 'Read it again with the next run.', again: true }
      return { ...(record ? { record } : {}), fault }
    }
  }

  /** A document as a record, or the reason why it may not go on; neither when it was deleted meanwhile. */
  const settle = async (
    node: Raw,
    read: number,
    reading: Reading,
  ): Promise<{ record?: DataRecord; refused?: RefusedRecord }> => {
    let document: Raw | null | undefined = node
    for (let reading_ = 1; ; reading_++) {
      const missing: Fault | undefined = isWhole(document, entity.lists)
        ? undefined
        : await complete(entity, document, ask(name, reading)).catch(beyond)
      const converted: Converted = missing ? { fault: missing } : toRecord(document, read)
      const { fault } = converted
      if (!fault) return { record: converted.record }
      if (!fault.again || reading_ === READINGS)
        return { refused: refusal(converted.record ?? headerOnly(document), read, fault) }
      const reply = await again(() => once(oneQuery, { id: document?._id }, name, reading), reading.signal).catch(
        beyond,
      )
      if ('code' in reply) return { refused: refusal(converted.record ?? headerOnly(document), read, reply) }
      document = (reply.data[entity.nodes.root] as Record<string, { read?: Raw | null }> | undefined)?.[
        entity.nodes.node
      ]?.read
      if (!document) return {}
      read = reply.read
    }
  }

  /** Without its lists, and without what no record can hold. */
  const headerOnly = (document: Raw): DataRecord => {
    const kept = Object.entries(document).map(([field, value]) => [field, isTooDeep(value) ? null : value])
    return convert({
      ...Object.fromEntries(kept),
      ...Object.fromEntries(entity.lists.map((list) => [list.field, null])),
    })
  }

  const refusal = (record: DataRecord, read: number, fault: Fault): RefusedRecord => {
    record._read = read
    const message = `${name} ${keyText(schema, record)}: ${fault.message}`
    return { record, code: fault.code, message, ...(fault.hint ? { hint: fault.hint } : {}) }
  }

  const toPage = async (found: Awaited<ReturnType<typeof readPage>>, reading: Reading): Promise<Page> => {
    const { unread, read } = found
    try {
      return await collect(found.page, read, found.notices, reading)
    } catch (error) {
      if (!isSyncError(error) || error.code !== INEXACT || found.exact) throw error
      // From now on replies are parsed from their source text.
      numbers.exact = true
      const { data, notices } = unread.read(true)
      return await collect(pageOf(data, entity.nodes.root, entity.nodes.node), read, notices, reading)
    } finally {
      unread.drop()
    }
  }

  const collect = async (page: QueryPage, read: number, said: readonly string[], reading: Reading): Promise<Page> => {
    const records: DataRecord[] = []
    const cursors: string[] = []
    const refused: RefusedRecord[] = []
    const notices = [...said]
    const places = new Map<string, number>()
    for (const edge of page.edges) {
      const { cursor, node } = edge
      if (!node)
        throw syncError('transient', 'x3.shape', `${name}: X3 gave an empty record in a page`, { entity: name })
      // Its nodes are the greatest part of a page, and garbage once they are records.
      edge.node = null
      // Most came whole, and there is nothing to wait for.
      const now = isWhole(node, entity.lists) ? toRecord(node, read) : undefined
      const settled = now && !now.fault ? now : await settle(node, read, reading)
      if ('refused' in settled && settled.refused) refused.push(settled.refused)
      const { record } = settled
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
  const unreadableOne = async (filter: string | undefined, request: PagePlace, error: SyncError): Promise<Page> => {
    const variables = { first: 1, after: request.cursor, filter: filter ?? null, orderBy: ORDER }
    const { data, read } = await again(() => once(keyQuery, variables, name, request), request.signal)
    const page = pageOf(data, entity.nodes.root, entity.nodes.node)
    const node = page.edges[0]?.node
    if (!node) throw error
    const fault = {
      code: 'x3.unreadable',
      message: error.message,
      again: false,
      ...(error.cause.hint ? { hint: error.cause.hint } : {}),
    }
    return { records: [], refused: [refusal(headerOnly(node), read, fault)], cursor: nextCursor(page) }
  }

  const pageAt: Reader['page'] = async (filter, request, future) => {
    try {
      const found = await readPage([filter, request.cursor], request, future)
      const next = nextCursor(found.page)
      if (next !== null) sendAhead(found.first, [filter, next], request)
      const page = await toPage(found, request)
      const later = future === undefined ? 0 : futureCount(found.data, entity.nodes.root)
      return later > 0 ? { ...page, future: later } : page
    } catch (error) {
      if (isSyncError(error) && error.code === 'x3.unreadable') return unreadableOne(filter, request, error)
      // The stack ended in something deeply nested.
      throw error instanceof RangeError ? tooMuch(overDepth(DEPTH), name) : error
    }
  }

  return {
    page: pageAt,
    async byKeys(paths, tuples, fixed, reading) {
      const pages: Page[] = []
      for (let at = 0; at < tuples.length; at += KEYS_AT_ONCE) {
        const filter = allOf([keysFilter(paths, tuples.slice(at, at + KEYS_AT_ONCE)), ...fixed])
        let cursor: string | null = null
        do {
          const page: Page = await pageAt(filter, { ...reading, cursor })
          pages.push(page)
          cursor = page.cursor
        } while (cursor !== null)
      }
      return {
        records: pages.flatMap((page) => page.records),
        refused: pages.flatMap((page) => page.refused ?? []),
        notices: pages.flatMap((page) => page.notices ?? []),
        cursor: null,
      }
    },
    async named(watch, filter, request) {
      const paths = [...watch.paths, ...(watch.documentStamp ? [watch.documentStamp] : [])]
      const text = pageQuery(watch.nodes, {}, selectPaths(paths))
      const { page } = await sized(async (first) => {
        const { data } = await once(
          text,
          { first, after: request.cursor, filter: filter ?? null, orderBy: ORDER },
          `${name}, ${watch.def.node}`,
          request,
        )
        return { page: pageOf(data, watch.nodes.root, watch.nodes.node) }
      }, request.signal)
      return { tuples: distinct(page, watch, request.window), cursor: nextCursor(page) }
    },
  }
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

/** A single document that is over a limit of size will not come within it. */
function beyond(error: unknown): Fault {
  if (!isSyncError(error) || (error.code !== 'x3.too-large' && error.code !== 'x3.depth')) throw error
  const hint = 'Leave it out with a filter on the entity, and load it by an export of X3.'
  return { code: error.code, message: error.message, hint, again: false }
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
