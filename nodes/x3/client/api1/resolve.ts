/** What of an entity a site publishes on api1: class, fields, the stamp that can be compared. */
import { isSyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { ColumnType } from '../../../../sync/contract/message.ts'
import { AMOUNT, type ColumnDef, type EntityDef, type ListDef } from '../entities/types.ts'
import type { FieldPath } from '../paths.ts'
import {
  type ResolvedApart,
  type ResolvedColumn,
  type ResolvedEntity,
  type ResolvedList,
  type ResolvedWatch,
  type ResolveOptions,
  type Stamp,
  withAdded,
} from '../resolve.ts'
import type { Api1Entity, Api1List } from './entities.ts'
import type { Api1Line, Body } from './line.ts'
import { fieldOf } from './nodes.ts'
import { whereOf } from './where.ts'

/** A class and the representation that it is read by. */
export interface Published {
  readonly name: string
  readonly representation: string
}

/** What the walks of api1 need besides what every door knows. */
export interface Api1Resolved extends ResolvedEntity {
  readonly api1: {
    readonly of: Api1Entity
    readonly published: Published
    /** Of each watched place, in the order of `watch`. */
    readonly watched: readonly Published[]
    /** Fields that are moments or dates. */
    readonly times: ReadonlySet<string>
  }
}

export interface Site {
  readonly line: Api1Line
  /** Which class an entity is: typed, or taken over from *Test connection*. */
  readonly classOf: (entity: string) => Published | undefined
  readonly entities: Readonly<Record<string, Api1Entity>>
  /** Days of documents that are read again where no stamp can be compared. */
  readonly dateDays: number
}

const SECOND = 'UPDDATTIM'
const DAY = 'UPDDAT'

export const queryPath = (
  line: Api1Line,
  { name, representation }: Published,
  query: Readonly<Record<string, string>>,
): string => `${line.classes}${name}?${new URLSearchParams({ representation: `${representation}.$query`, ...query })}`

export const detailsPath = (
  line: Api1Line,
  { name, representation }: Published,
  key: readonly (string | number)[],
): string =>
  `${line.classes}${name}('${encodeURIComponent(key.join('~').replaceAll("'", "''"))}')?${new URLSearchParams({ representation: `${representation}.$details` })}`

export async function resolveApi1(
  site: Site,
  def: EntityDef,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<Api1Resolved> {
  const { entity } = def
  const known = site.entities[entity]
  const published = site.classOf(entity)
  if (!known || !published)
    throw syncError('config', 'x3.api1-class', `${entity}: no class of X3 is chosen for it`, {
      entity,
      hint: 'Test connection lists what the site publishes and proposes; write CLASS.REPRESENTATION under Classes on the connection.',
    })
  const of = withExtra(known, options.extraFields)
  const notices: string[] = []
  const isDocument = Object.keys(of.lists).length > 0
  const told: string[] = []
  const [headers, lines, stamp] = await Promise.all([
    fieldsOf(site, published, '$query', entity, signal),
    isDocument ? fieldsOf(site, published, '$details', entity, signal) : undefined,
    stampOf(site, published, of, options, entity, told, signal),
  ])
  const details = isDocument ? lines : headers
  const laid: Laying = { def, options, of, published, notices }
  notices.push(...told)
  const watch = stamp?.granularity === 'second' ? watchesOf(site, def, of, notices) : []
  const only = def.only && of.columns[def.only.path.split('.').length > 0 ? 'type' : '']
  return {
    ...{
      def,
      nodes: { root: published.name, node: published.representation, operations: '' },
      queryArgs: {},
      idType: '',
    },
    columns: columnsOf(laid, def.columns, '', of.columns, details),
    lists: listsOf(laid, def.lists ?? [], of.lists, details),
    apart: (def.lists ?? []).flatMap((list) => apartOf(site, laid, list)),
    watch: watch.map(({ resolved }) => resolved),
    ...{ stamp, etag: false, dateField: of.date, notices, firstReadsAll: true as const },
    ...(only ? { only: at(fieldOf(only)) } : {}),
    api1: {
      ...{ of, published, watched: watch.map(({ published }) => published) },
      times: new Set([SECOND, DAY, ...(of.date ? [of.date] : [])]),
    },
  }
}

/** Fields that the user added are columns of the class, or of the collection of a list. */
function withExtra(of: Api1Entity, extraFields: ResolveOptions['extraFields'] = []): Api1Entity {
  const added = (list: string): Record<string, string> =>
    Object.fromEntries(
      withAdded('', [], list, extraFields).flatMap(({ name, path = '' }) => (/^\w+$/.test(path) ? [[name, path]] : [])),
    )
  const lists = (named: Readonly<Record<string, Api1List>>): Record<string, Api1List> =>
    Object.fromEntries(
      Object.entries(named).map(([name, list]) => [name, { ...list, columns: { ...list.columns, ...added(name) } }]),
    )
  return {
    ...of,
    columns: { ...of.columns, ...added('') },
    lists: lists(of.lists),
    apart: Object.fromEntries(
      Object.entries(of.apart).map(([name, list]) => [name, { ...list, columns: { ...list.columns, ...added(name) } }]),
    ),
    inner: Object.fromEntries(Object.entries(of.inner).map(([name, named]) => [name, lists(named)])),
  }
}

/** What columns and lists of an entity are laid over. */
interface Laying {
  readonly def: EntityDef
  readonly options: ResolveOptions
  readonly of: Api1Entity
  readonly published: Published
  readonly notices: string[]
}

function columnsOf(
  { def, options, published, notices }: Laying,
  defs: readonly ColumnDef[],
  list: string,
  names: Api1List['columns'],
  known: ReadonlyMap<string, string> | undefined,
): ResolvedColumn[] {
  const chosen = new Set(options.sensitive ?? [])
  return withAdded(def.entity, defs, list, options.extraFields).flatMap((given): ResolvedColumn[] => {
    if (given.sensitive && !chosen.has(given.name)) return []
    if (given.path === undefined) return [{ def: given }]
    const found = names[given.name]
    const field = found && fieldOf(found)
    if (field === undefined || (known && !known.has(field))) {
      const text = `${def.entity}: ${published.representation} of ${published.name} has no ${field ?? 'field'} for ${given.name}`
      if (def.key.includes(given.name)) throw unknownField(text, def.entity, given.name)
      notices.push(`${text}; the column is ${given.computed ? 'computed' : 'left out'}`)
      return given.computed ? [{ def: given }] : []
    }
    const sign =
      given.sign === undefined ? {} : given.sign.startsWith('^') ? { signOfParent: true } : { sign: at('sign') }
    const own = given.type === ('' as ColumnType) ? { ...given, type: typeOf(known?.get(field)) } : given
    return [{ def: own, path: at(field), ...sign }]
  })
}

function listsOf(
  laid: Laying,
  defs: readonly ListDef[],
  named: Readonly<Record<string, Api1List>>,
  known?: ReadonlyMap<string, string>,
): ResolvedList[] {
  const { def, of, published } = laid
  const inside = defs.filter(({ apart }) => !apart)
  return inside.map((list) => {
    const found = named[list.name]
    if (!found || (known && !known.has(found.collection)))
      throw unknownField(
        `${def.entity}: ${published.representation} of ${published.name} has no list ${found?.collection ?? ''} for ${list.name} in its details`,
        def.entity,
        list.name,
      )
    const dimensions =
      found.dimensions && list.dimensions
        ? { field: 'dimensions', first: 0, type: at('type'), code: at('code') }
        : undefined
    return {
      ...{ def: list, field: found.collection, nodes: undefined },
      columns: columnsOf(laid, list.columns, list.name, found.columns, undefined),
      lists: listsOf(laid, list.lists ?? [], of.inner[list.name] ?? {}),
      ...(dimensions ? { dimensions } : {}),
    }
  })
}

/** A list that is a class of its own. */
function apartOf(site: Site, laid: Laying, list: ListDef): ResolvedApart[] {
  if (!list.apart) return []
  const { entity } = laid.def
  const slot = `${entity}.${list.name}`
  const found = laid.of.apart[list.name]
  const published = site.classOf(slot)
  if (!found || !published)
    throw syncError('config', 'x3.api1-class', `${entity}: no class of X3 is chosen for ${slot}`, {
      entity,
      hint: `Write ${slot} = CLASS.REPRESENTATION under Classes on the connection, or take ${slot} out of Further columns of the node.`,
    })
  const nodes = { root: published.name, node: published.representation, operations: '' }
  const columns = columnsOf(laid, list.columns, list.name, found.columns, undefined)
  return [{ def: list, field: list.name, nodes, columns, lists: [], by: at(found.by) }]
}

/** Type of a column by that of a property (`application/x-date`). */
export function typeOf(property: string | undefined): ColumnType {
  const name = property?.replace(/^application\/x-/, '') ?? ''
  if (/^(?:decimal|real|double|number)$/.test(name)) return AMOUNT
  if (name === 'integer' || name === 'boolean' || name === 'date') return name
  return name === 'datetime' ? 'timestamp' : 'string'
}

const at = (field: string): FieldPath => ({ steps: [{ field, collection: false }], type: 'String' })

const unknownField = (text: string, entity: string, field: string): Error =>
  syncError('config', 'x3.unknown-field', `${text}. It is not read without it`, {
    entity,
    field,
    hint: 'Have the representation show it, or correct the name in the file of fields.',
  })

/** Fields of a facet, each with its type as X3 names it; undefined where the site does not describe it. */
export async function fieldsOf(
  { line }: Site,
  { name, representation }: Published,
  facet: string,
  entity: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const body = await line.again(`${line.classes}${name}/$prototypes('${representation}.${facet}')`, {
      what: `${entity}: the fields of ${name}`,
      signal,
    })
    const properties = body.$properties
    if (typeof properties !== 'object' || properties === null) return undefined
    return new Map(
      Object.entries(properties).map(([name, one]) => [name, String((one as { $type?: unknown } | null)?.$type ?? '')]),
    )
  } catch (error) {
    // Not every release describes a facet; a class that is not there is told by its first page.
    if (isSyncError(error) && error.cause.httpStatus === 404 && !/class|representation/i.test(error.message))
      return undefined
    throw error
  }
}

/** The first step that two queries prove: a stamp far ahead gives no row, one far back gives rows. */
async function stampOf(
  site: Site,
  published: Published,
  of: Api1Entity,
  options: ResolveOptions,
  entity: string,
  notices: string[],
  signal: AbortSignal,
): Promise<Stamp | undefined> {
  const named = options.stampField && options.stampField !== '_updateStamp' ? [options.stampField] : [SECOND, DAY]
  const steps: Stamp[] = [
    ...named.map((field): Stamp => ({ field, granularity: options.granularity ?? (field === DAY ? 'day' : 'second') })),
    ...(of.date ? [{ field: of.date, granularity: 'day' as const, backDays: site.dateDays }] : []),
  ]
  for (const step of steps) {
    if (!(await proves(site, published, step, entity, signal))) continue
    if (step.backDays !== undefined)
      notices.push(
        `${entity}: no change stamp can be compared; documents dated in the last ${step.backDays} days are read with every run, and changes of older ones are found by a full reading`,
      )
    return step
  }
  notices.push(`${entity}: neither a change stamp nor a date can be compared: every run reads everything`)
  return undefined
}

async function proves(
  site: Site,
  published: Published,
  step: Stamp,
  entity: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { field, granularity } = step
  const time = (date: string): string => (granularity === 'day' ? date : `${date}T00:00:00Z`)
  const rows = async (date: string): Promise<number | undefined> => {
    const where = whereOf({ [field]: { _gte: time(date) } }, new Set([field]))
    try {
      const body = await site.line.again(queryPath(site.line, published, { count: '1', where }), {
        what: `${entity}: whether ${field} can be compared`,
        signal,
      })
      return rowsOf(body).length
    } catch (error) {
      if (!isSyncError(error) || error.code !== 'x3.filter') throw error
      return undefined
    }
  }
  const [ahead, back = 0] = await Promise.all([rows('2199-01-01'), rows('1900-01-01')])
  return ahead === 0 && back > 0
}

export const rowsOf = (body: Body): Record<string, unknown>[] =>
  Array.isArray(body.$resources) ? (body.$resources as Record<string, unknown>[]) : []

function watchesOf(
  site: Site,
  def: EntityDef,
  of: Api1Entity,
  notices: string[],
): { readonly resolved: ResolvedWatch; readonly published: Published }[] {
  const wanted = of.watch.filter(({ walk }) => def.watch?.some((watch) => watch.walk === walk))
  return wanted.flatMap(({ walk, by }) => {
    const published = site.classOf(`${def.entity}.${walk}`)
    if (!published) {
      notices.push(
        `${def.entity}: no class is chosen for ${def.entity}.${walk}; changes that only it shows are found by Days read again or a full reading`,
      )
      return []
    }
    const paths = by.map(at)
    const resolved: ResolvedWatch = {
      def: { walk, package: '', node: published.name, paths: by, by: def.key.slice(1) },
      ...{ nodes: { root: '', node: published.name, operations: '' }, paths },
      stamp: { field: SECOND, granularity: 'second' },
    }
    return [{ resolved, published }]
  })
}
