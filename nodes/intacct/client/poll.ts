/** Sage Intacct as a source of the engine: which walks an entity has, and what one page of each is. */

import { syncError } from '../../../sync/contract/errors.ts'
import { keyText, type Row } from '../../../sync/contract/message.ts'
import type { EntityPlan, Page, PageRequest, Source } from '../../../sync/contract/source.ts'
import { compileBalance, imbalanceText } from '../../../sync/values/balance.ts'
import { createAudit } from './audit.ts'
import type { Zone } from './clock.ts'
import type { IntacctConnection } from './connection.ts'
import { compileRecord, compileRow, type RecordConverter, stampOf } from './convert.ts'
import { createDocuments, type Documents } from './documents.ts'
import { dimensionOf, entityDef } from './entities.ts'
import { deletedPage, essentials, isLate, isNumber, listing, readerOf, splitKey } from './flat.ts'
import { createPages } from './pages.ts'
import { GREATEST_PAGE } from './request.ts'
import { type ResolvedEntity, type ResolvedObject, resolveEntity } from './resolve.ts'
import type { IntacctSchema } from './schema.ts'
import { createShared } from './shared.ts'
import { BACKFILL, type IntacctSourceOptions, NOTHING, type SourceParts } from './source.ts'
import { datesFilter, windowFilter } from './windows.ts'

export type { IntacctSourceOptions } from './source.ts'

/** Walks beside those of the objects: changed lines, and what the audit history tells of deletions. */
export const LINES = 'lines'
export const DELETED = 'deleted'
/** Keys remembered of one window, so that a bulk change costs no memory without end. */
const MOST_REMEMBERED = 200_000

/** `schema` is shared by all sources of a connection, so that fields are asked once. */
export function createIntacctSource(
  connection: IntacctConnection,
  schema: IntacctSchema,
  options: IntacctSourceOptions,
): Source {
  const unlisten = options.waiting && connection.listen(options.waiting)
  let clockAsked = false
  const pagesOf = (what: string, object = '', essential: readonly string[] = []) =>
    createPages(connection, {
      what,
      pageSize: options.pageSize ?? GREATEST_PAGE,
      ...(options.waiting ? { waiting: options.waiting } : {}),
      refused: refusedOf(schema, object),
      essential,
    })
  const audit = createAudit(pagesOf('the audit history'), schema, (signal) => objectsOf(schema, options, signal))
  const shared = createShared(options.entities, options.objects)
  return {
    address: connection.address,
    async clock(signal) {
      // One look at the server's clock for a run; each later reply carries it too.
      if (!clockAsked) await connection.askClock(signal)
      clockAsked = true
      return new Date(Math.floor(connection.clock.now() / 1000) * 1000).toISOString().replace('.000Z', 'Z')
    },
    plan: (entity, signal) => planOf({ connection, schema, options, audit, shared, pagesOf }, entity, signal),
    requests: () => connection.requests(),
    budget: () => ({
      meter: connection.address,
      calls: connection.takeCalls(),
      at: connection.clock.now(),
      ...(options.budget ?? { allowance: 0, alertShare: 1 }),
    }),
    async close() {
      unlisten?.()
    },
  }
}

/** Every object whose deletions a run wants to know. */
async function objectsOf(
  schema: IntacctSchema,
  { entities, objects }: IntacctSourceOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const own = entities.flatMap((entity) => entityDef(entity)?.of?.object ?? objects?.[entity] ?? [])
  if (!entities.includes('dimension')) return own
  const axes = await schema.dimensions(signal)
  return [
    ...own,
    ...axes.filter(({ object, userDefined }) => dimensionOf(object, userDefined)).map(({ object }) => object),
  ]
}

/** Fields of an object that queries refuse; shared by all that ask for it. */
function refusedOf(schema: IntacctSchema, object: string): Set<string> {
  const known = schema.refused.get(object) ?? new Set<string>()
  schema.refused.set(object, known)
  return known
}

async function planOf(common: SourceParts, entity: string, signal: AbortSignal): Promise<EntityPlan> {
  const { connection, schema, options } = common
  const resolved = await resolveEntity(
    schema,
    entity,
    {
      sensitive: options.sensitive?.[entity] ?? [],
      extraFields: options.extraFields?.[entity] ?? [],
      object: options.objects?.[entity],
    },
    signal,
  )
  const zone = await connection.zone(signal)
  const readers = resolved.objects.map((object) => readerOf(common, resolved, object, zone))
  const [first] = readers
  if (!first)
    throw syncError('config', 'intacct.dimensions', `${entity}: Intacct lists no dimension that can be read`, {
      entity,
    })
  const documents = resolved.lines ? documentsOf(common, resolved, zone) : undefined
  const lines = resolved.lines && documents ? changedLines(common, resolved, documents) : undefined
  const isDimension = !resolved.def.of
  /** Documents read of one window: a changed line of theirs would find nothing newer. */
  const seen = new Set<string>()
  let bound: string | null = null
  const stamped = readers.some(({ object }) => object.stamp !== undefined)
  const withDeletions = stamped && options.deletions !== 'off'

  const readPage = async (request: PageRequest): Promise<Page> => {
    const { walk, window } = request
    if (window.bound !== bound) seen.clear()
    bound = window.bound
    if (walk === DELETED) return deletedPage(common, resolved, request)
    if (walk === LINES) return lines ? lines(request, seen) : NOTHING
    const reader = isDimension ? readers.find(({ object }) => object.object === walk.replace(/^.*:/, '')) : first
    if (!reader) return NOTHING
    const filter = async () => filterOf(connection, resolved, reader.object, request)
    if (!documents) return reader.page(filter, request)
    let future = 0
    const page = await documents.page(filter, request, (row) => {
      const late = walk !== BACKFILL && isLate(stampOf(row, reader.object.stamp, zone), window.bound)
      if (late) future++
      return !late
    })
    if (window.from !== null && seen.size < MOST_REMEMBERED) {
      for (const record of page.records) seen.add(String(record.number))
      for (const { record } of page.refused ?? []) seen.add(String(record.number))
    }
    return future > 0 ? { ...page, future } : page
  }

  const walks = isDimension ? readers.map(({ object }) => object.object) : ['changed']
  return {
    entity,
    schema: resolved.schema,
    walks: [...walks, ...(lines ? [LINES] : []), ...(withDeletions ? [DELETED] : [])],
    backfill: isDimension ? readers.map(({ object }) => `${BACKFILL}:${object.object}`) : [BACKFILL],
    granularity: stamped ? 'second' : 'none',
    lagSeconds: options.lagSeconds ?? 60,
    overlapSeconds: options.overlapSeconds ?? 7200,
    notices: resolved.notices,
    async readPage(request) {
      return named(await readPage(request), schema, resolved)
    },
    until: () =>
      resolved.objects.map(({ object }) => common.shared.bound(entity, object)).find((bound) => bound !== undefined),
    list: (request) => listing(common, resolved, zone, request),
    async readKeys(keys, nextRead, stop) {
      const reading = { nextRead, signal: stop }
      const codes = keys.map((key) => splitKey(key))
      if (documents) return documents.byNumbers(codes.map((parts) => parts.at(-1) ?? '').filter(isNumber), reading)
      const pages: Page[] = []
      for (const reader of readers) {
        const wanted = codes
          .filter((parts) => !isDimension || parts[1] === reader.object.object.toUpperCase())
          .map((parts) => parts.at(-1) ?? '')
        pages.push(
          await reader.byCodes(reader.object.code === reader.object.record ? wanted.filter(isNumber) : wanted, reading),
        )
      }
      return joined(pages)
    },
  }
}

/** Fields that Intacct refused while a page was read are told with it. */
function named(page: Page, schema: IntacctSchema, { objects, lines }: ResolvedEntity): Page {
  const found = [...objects, ...(lines ? [lines] : [])].flatMap(({ object, select }) =>
    [...(schema.refused.get(object) ?? [])]
      .filter((field) => select.some((one) => one.toUpperCase() === field))
      .map((field) => `${object} lists the field ${field} but refuses to give it: it was left out`),
  )
  return found.length === 0 ? page : { ...page, notices: [...(page.notices ?? []), ...found] }
}

async function filterOf(
  connection: IntacctConnection,
  { def }: ResolvedEntity,
  object: ResolvedObject,
  { walk, window, signal }: PageRequest,
) {
  if (walk.startsWith(BACKFILL) && def.dateField) return datesFilter(def.dateField, window)
  return windowFilter(object, window, await connection.zone(signal), connection.clock.now())
}

function documentsOf(
  { connection, options, pagesOf }: SourceParts,
  { def, objects, lines, schema }: ResolvedEntity,
  zone: Zone,
): Documents {
  const head = objects[0] as ResolvedObject
  const list = lines as NonNullable<typeof lines>
  const convert: RecordConverter = compileRecord(head.columns, head.stamp, { source: options.source, zone })
  const convertLine = compileRow(list.columns, { source: options.source, zone })
  const balance = compileBalance(schema)
  const statistical = new Set(options.statisticalJournals ?? [])
  return createDocuments({
    header: { ...head, keys: essentials(head), pages: pagesOf(def.entity, head.object, essentials(head)) },
    lines: {
      ...list,
      keys: [...essentials(list), list.parent],
      pages: pagesOf(`${def.entity}, ${list.object}`, list.object, [...essentials(list), list.parent]),
    },
    zone: () => connection.zone(new AbortController().signal),
    assemble(row, rows) {
      const record = convert(row)
      record.lines = rows.map((line): Row => convertLine(line, record))
      return record
    },
    faultOf: (record) => (statistical.has(String(record.journal)) ? undefined : imbalanceText(balance(record))),
    nameOf: (record) => `${def.entity} ${keyText(schema, record)}`,
  })
}

/** The walk of changed lines: it leads to their documents, which are read whole. */
function changedLines({ connection, pagesOf }: SourceParts, { def, lines }: ResolvedEntity, documents: Documents) {
  const list = lines as NonNullable<typeof lines>
  if (list.stamp === undefined) return undefined
  const pages = pagesOf(`${def.entity}, ${list.object}`)
  const parent = list.parent.toUpperCase()
  return async (request: PageRequest, seen: ReadonlySet<string>): Promise<Page> => {
    const { window, cursor, signal } = request
    if (window.from === null) return NOTHING
    const filter = async () =>
      windowFilter(
        { stamp: list.stamp, created: list.created },
        window,
        await connection.zone(signal),
        connection.clock.now(),
      )
    const after = cursor === null ? null : [cursor]
    const found = await pages.page(
      { object: list.object, select: [list.parent], filter, orderBy: [list.record], after },
      request,
    )
    const numbers = [...new Set(found.rows.map((row) => row[parent] ?? ''))].filter(
      (number) => number !== '' && !seen.has(number),
    )
    const page = numbers.length === 0 ? NOTHING : await documents.byNumbers(numbers, request)
    return { ...page, cursor: found.remaining > 0 ? (found.last?.[0] ?? null) : null }
  }
}

const joined = (pages: readonly Page[]): Page => ({
  records: pages.flatMap((page) => page.records),
  refused: pages.flatMap((page) => page.refused ?? []),
  notices: pages.flatMap((page) => page.notices ?? []),
  cursor: null,
})
