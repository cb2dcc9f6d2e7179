/** Sage X3 as a source of the engine: which walks an entity has, and what one page of each is. */

import { isSyncError, syncError } from '../../../sync/contract/errors.ts'
import type { DataRecord, Row, Schema, TableSchema } from '../../../sync/contract/message.ts'
import { keyParts, listTable } from '../../../sync/contract/message.ts'
import type { EntityPlan, Page, PageRequest, Source, StampWindow } from '../../../sync/contract/source.ts'
import { compileBalance, imbalanceText } from '../../../sync/values/balance.ts'
import { apartFiller } from './apart.ts'
import type { X3Connection } from './connection.ts'
import { type Converter, compileConverter } from './convert.ts'
import { dimensionColumns } from './dimensions.ts'
import { type Door, graphqlDoor } from './door.ts'
import { ENTITIES, entityDef, withOptions } from './entities/index.ts'
import type { EntityDef } from './entities/types.ts'
import { allOf, atPath, emptyStampFilter, type Filter, parseFilter, stampFilter } from './filter.ts'
import { priceFault, priceLines, priceReceipts } from './prices.ts'
import type { Reader } from './reader.ts'
import type { RecordFault } from './records.ts'
import type { Reading } from './requests.ts'
import type { ExtraField, ResolvedEntity, ResolvedList, ResolvedWatch } from './resolve.ts'
import type { X3Schema } from './schema.ts'
import { sideFault } from './side.ts'

export interface X3SourceOptions {
  /** Value of the `source` column. */
  readonly source: string
  /** Records of one page, default 200; halved while X3 cannot answer. */
  readonly pageSize?: number
  /** Change stamp, default `_updateStamp`; any that `__type` shows. */
  readonly stampField?: string
  /** Default: by the type of the stamp field. */
  readonly granularity?: 'second' | 'day'
  /** Default 60 and 600 seconds. */
  readonly lagSeconds?: number
  readonly overlapSeconds?: number
  /** Documents dated in the last N days are read again with every run; 0: off. */
  readonly dateWindowDays?: number
  /** Ledger types whose journal lines are kept; empty: all. */
  readonly ledgers?: readonly string[]
  /** Ledgers that need not balance. */
  readonly statisticalLedgers?: readonly string[]
  /** Dimension types that become columns; empty: all that the folder has. */
  readonly dimensionTypes?: readonly string[]
  /** Default CCT. */
  readonly costCentreType?: string
  /** By entity: names of sensitive columns that were chosen. */
  readonly sensitive?: Readonly<Record<string, readonly string[]>>
  readonly extraFields?: Readonly<Record<string, readonly ExtraField[]>>
  /** By entity: options that were chosen (`EntityDef.options`). */
  readonly further?: Readonly<Record<string, readonly string[]>>
  /** By entity: relaxed JSON as in X3's own explorer. */
  readonly filters?: Readonly<Record<string, string>>
  /** Told what a retry waits for. */
  readonly waiting?: (what: string) => void
}

/** The walk of a backfill: documents dated within the window's dates; masters by their stamp. */
export const BACKFILL = 'backfill'
/** Further than this ahead of X3's clock a stamp counts as from the future. */
const FUTURE_MS = 60_000
const DAY_MS = 86_400_000
/** So long a reply's `Date` counts as the time of now: the window ends so much earlier. */
const RECENT_MS = 5000
/** Keys remembered of one run, so that a bulk change costs no memory without end. */
const MOST_REMEMBERED = 200_000

/** A source by GraphQL. `schema` is shared by all sources of a connection, so that fields are asked once. */
export const createX3Source = (connection: X3Connection, schema: X3Schema, options: X3SourceOptions): Source =>
  sourceThrough(graphqlDoor(connection, schema), connection, options)

/** A source that reads by a door; whichever it is, the records are the same. */
export function sourceThrough(door: Door, connection: X3Connection, options: X3SourceOptions): Source {
  const unlisten = options.waiting && connection.listen(options.waiting)
  // What an earlier run heard is no clock of this one: what changed since would wait for the next.
  const began = performance.now()
  const heard = (): number | undefined => connection.clock.heard(Math.min(RECENT_MS, performance.now() - began))
  return {
    address: connection.address,
    ...(door.name ? { door: door.name } : {}),
    readsAhead: connection.concurrency > 1,
    async close() {
      unlisten?.()
      await door.leave?.()
    },
    async clock(signal) {
      // A reply that has just come told it too, if a little less.
      if (heard() === undefined) await door.ask(signal, options.waiting)
      const time = heard() ?? connection.clock.now()
      return new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z')
    },
    plan: (entity, signal) => planOf(door, connection, options, entity, signal),
    requests: () => connection.requests(),
  }
}

async function planOf(
  door: Door,
  connection: X3Connection,
  options: X3SourceOptions,
  entity: string,
  signal: AbortSignal,
): Promise<EntityPlan> {
  const whole = entityDef(entity)
  if (!whole) {
    throw syncError('config', 'x3.entity', `Sage X3 has no entity "${entity}"`, {
      entity,
      hint: `Choose from: ${ENTITIES.map((known) => known.entity).join(', ')}.`,
    })
  }
  const def = withOptions(whole, options.further?.[entity] ?? [])
  const resolved = await door.resolve(
    def,
    {
      stampField: options.stampField || '_updateStamp',
      sensitive: options.sensitive?.[entity] ?? [],
      extraFields: options.extraFields?.[entity] ?? [],
      ...(options.granularity ? { granularity: options.granularity } : {}),
    },
    signal,
  )
  const chosen = options.dimensionTypes ?? []
  const types = !hasDimensions(resolved.lists)
    ? []
    : chosen.length > 0
      ? chosen
      : await door.dimensionTypes(entity, signal)
  const dimensions = dimensionColumns(types, entity)
  const table = schemaOf(resolved, [...dimensions.values()], dimensions)
  const ledgers = options.ledgers ?? []
  const numbers = { exact: false }
  const converting = {
    numbers,
    source: options.source,
    dimensions,
    chosenDimensionsOnly: chosen.length > 0,
    ...(ledgers.length > 0 ? { ledgers: new Set(ledgers) } : {}),
  }
  const convert = pricing(compileConverter(resolved, converting), def)
  const fixed = [
    parseFilter(options.filters?.[entity] ?? '', entity),
    resolved.only && def.only ? atPath(resolved.only, options[def.only.option] || 'CCT') : undefined,
  ]
  const balance = compileBalance(table, options.statisticalLedgers)
  const reader = door.reader(resolved, {
    schema: table,
    convert,
    numbers,
    pageSize: options.pageSize ?? 200,
    ...(options.waiting ? { waiting: options.waiting } : {}),
    faultOf: faultFinder(balance, def),
  })
  const fill = apartFiller(resolved, converting, reader.apart)
  const { prices } = def
  const filled = async (page: Page, reading: Reading): Promise<Page> => {
    if (resolved.apart.length === 0) return page
    await fill(page.records, reading)
    if (prices) for (const record of page.records) priceReceipts(prices, record)
    return page
  }
  /** Documents read of one window: its later walks would find nothing newer in them. */
  const seen = new Set<string>()
  let bound: string | null = null
  const readPage = async (request: PageRequest): Promise<Page> => {
    if (request.window.bound !== bound) seen.clear()
    bound = request.window.bound
    const watch = resolved.watch.find((one) => one.def.walk === request.walk)
    const page = watch
      ? await watched(reader, watch, resolved, fixed, seen, request)
      : await walked(reader, resolved, fixed, options, connection.clock.now(), request)
    if (resolved.watch.length > 0 && request.window.from !== null && seen.size < MOST_REMEMBERED) {
      for (const record of page.records) seen.add(tupleText(def, record))
      for (const { record } of page.refused ?? []) seen.add(tupleText(def, record))
    }
    return page
  }
  return {
    entity,
    schema: table,
    source: options.source,
    walks: walksOf(resolved, options),
    backfill: [BACKFILL],
    granularity: resolved.stamp?.granularity ?? 'none',
    lagSeconds: options.lagSeconds ?? 60,
    overlapSeconds: options.overlapSeconds ?? 600,
    notices: resolved.notices,
    readPage: (request) => {
      const page = readPage(request).then((found) => filled(found, request))
      // X3 was updated under us: its fields are asked anew by the next run.
      page.catch((error: unknown) => isSyncError(error) && error.code === 'x3.unknown-field' && door.forget())
      return page
    },
    list: door.listing(resolved, {
      schema: table,
      source: options.source,
      filter: allOf(fixed),
      ...(options.waiting ? { waiting: options.waiting } : {}),
    }),
    async readKeys(keys, nextRead, stop) {
      const parts = keys.map((key) => keyParts(key).slice(1))
      const reading = { nextRead, signal: stop }
      return filled(await reader.byKeys(keyPaths(resolved), parts, fixed, reading), reading)
    },
  }
}

/** The converter of an entity, with what is computed of other columns. */
function pricing(convert: Converter, { prices }: EntityDef): Converter {
  if (!prices) return convert
  return (node) => {
    const record = convert(node)
    priceLines(prices, record)
    return record
  }
}

/** A journal must balance, the side of an invoice be known, and a line of an order have a price. */
function faultFinder(
  balance: ReturnType<typeof compileBalance>,
  { side, prices }: EntityDef,
): (record: DataRecord) => RecordFault | undefined {
  return (record) => {
    const unbalanced = imbalanceText(balance(record))
    if (unbalanced !== undefined) return { code: 'x3.unbalanced', message: unbalanced }
    const unpriced = prices && priceFault(prices, record)
    if (unpriced !== undefined) return { code: 'x3.price', message: unpriced }
    const wrong = side && sideFault(side, record)
    return wrong === undefined ? undefined : { code: 'x3.side', message: wrong }
  }
}

/** First load and full refresh need only `changed` and `empty`; the others answer at once without a request then. */
function walksOf(entity: ResolvedEntity, options: X3SourceOptions): string[] {
  if (!entity.stamp) return ['changed']
  const dates = options.dateWindowDays && entity.dateField ? ['dates'] : []
  return ['changed', 'empty', ...entity.watch.map((watch) => watch.def.walk), ...dates]
}

const NOTHING: Page = { records: [], cursor: null }

/** A page of the entity's own node. */
async function walked(
  reader: Reader,
  entity: ResolvedEntity,
  fixed: readonly (Filter | undefined)[],
  options: X3SourceOptions,
  now: number,
  request: PageRequest,
): Promise<Page> {
  const { walk, window } = request
  const stamp = entity.stamp
  const first = window.from === null
  let filter: Filter | undefined
  let future: string | undefined
  if (entity.firstReadsAll && first && walk !== BACKFILL) {
    // Stamps that are empty, or that the door cannot compare, are among them.
    if (walk !== 'changed') return NOTHING
  } else if (walk === 'empty' && stamp) {
    // Later ones come with the sweep, or with the date window: here they would be read anew with every run.
    // Without a bound, everything was in `changed`.
    if (!first || window.bound === null || stamp.granularity === 'day') return NOTHING
    filter = emptyStampFilter(stamp.field)
  } else if (walk === 'dates' && entity.dateField) {
    if (first) return NOTHING
    filter = { [entity.dateField]: { _gte: isoDate(now - (options.dateWindowDays ?? 0) * DAY_MS) } }
  } else if (walk === BACKFILL) {
    filter = backfillFilter(entity, window)
  } else if (stamp) {
    filter = stampFilter(stamp.field, stamp.granularity, earlier(window, stamp.backDays))
    if (stamp.granularity === 'second' && window.bound !== null && request.cursor === null) {
      future = allOf([
        { [stamp.field]: { _gt: new Date(now + FUTURE_MS).toISOString().replace(/\.\d+Z/, 'Z') } },
        ...fixed,
      ])
    }
  }
  return reader.page(allOf([filter, ...fixed]), request, future)
}

const earlier = (window: StampWindow, days = 0): StampWindow =>
  days === 0 || window.from === null ? window : { ...window, from: isoDate(Date.parse(window.from) - days * DAY_MS) }

function backfillFilter(entity: ResolvedEntity, window: StampWindow): Filter | undefined {
  if (!entity.dateField) return entity.stamp && stampFilter(entity.stamp.field, entity.stamp.granularity, window)
  const from = window.from === null ? [] : [{ [entity.dateField]: { _gte: window.from.slice(0, 10) } }]
  const to = window.bound === null ? [] : [{ [entity.dateField]: { _lte: window.bound.slice(0, 10) } }]
  return { _and: [...from, ...to] }
}

/** A page of a watched node (lines, a joined node): the documents it names are read whole. */
async function watched(
  reader: Reader,
  watch: ResolvedWatch,
  entity: ResolvedEntity,
  fixed: readonly (Filter | undefined)[],
  seen: ReadonlySet<string>,
  request: PageRequest,
): Promise<Page> {
  if (request.window.from === null) return NOTHING
  const filter = allOf([stampFilter(watch.stamp.field, watch.stamp.granularity, request.window)])
  const { tuples: named, cursor } = await reader.named(watch, filter, request)
  const tuples = named.filter((tuple) => !seen.has(JSON.stringify(tuple)))
  const paths = watch.def.by.map((name) => pathOfColumn(entity, name))
  const found = tuples.length === 0 ? NOTHING : await reader.byKeys(paths, tuples, fixed, request)
  return { ...found, cursor }
}

/** The key without its source, as watched nodes name it. */
const tupleText = (def: EntityDef, record: Row): string => JSON.stringify(def.key.slice(1).map((name) => record[name]))

const keyPaths = (entity: ResolvedEntity) =>
  entity.def.key.filter((name) => name !== 'source').map((name) => pathOfColumn(entity, name))

function pathOfColumn(entity: ResolvedEntity, name: string) {
  const path = entity.columns.find((column) => column.def.name === name)?.path
  if (!path)
    throw syncError('config', 'x3.unknown-field', `${entity.def.entity}: the key column ${name} has no field in X3`, {
      entity: entity.def.entity,
    })
  return path
}

const isoDate = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const hasDimensions = (lists: readonly ResolvedList[]): boolean =>
  lists.some((list) => list.dimensions !== undefined || hasDimensions(list.lists))

function schemaOf(entity: ResolvedEntity, dimensions: readonly string[], types: ReadonlyMap<string, string>): Schema {
  const { def } = entity
  const titles = new Map([...types].map(([type, column]) => [column, `Dimension ${type}`]))
  const extra = dimensions.map((name) => ({ name, type: 'string' as const, description: titles.get(name) ?? name }))
  const columns = (list: Pick<ResolvedEntity, 'columns'>) =>
    list.columns.map(({ def: { name, type, description, sensitive } }) => ({
      name,
      type,
      ...(description ? { description } : {}),
      ...(sensitive ? { sensitive } : {}),
    }))
  const tables = (lists: readonly ResolvedList[]): [string, TableSchema][] =>
    lists.flatMap((list) => [
      [
        list.def.name,
        {
          entity: listTable(def.entity, list.def.name),
          key: list.def.key,
          columns: [...columns(list), ...(list.dimensions || list.def.dimensionsOf ? extra : [])],
        },
      ] as [string, TableSchema],
      ...tables(list.lists),
    ])
  const lists = Object.fromEntries(tables([...entity.lists, ...entity.apart]))
  return {
    entity: def.entity,
    key: def.key,
    columns: columns(entity),
    ...(def.contract ? { contract: def.contract } : {}),
    ...(Object.keys(lists).length > 0 ? { lists } : {}),
  }
}
