/** REST api1 of Syracuse (x3.md facts, section 3): classes by representation, sessions by cookie, `$diagnoses` beside or instead of rows. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Books, Stamped } from '../../books/types.ts'
import type { FaultPlan, SiteFaults } from '../../faults.ts'
import { DropNow, deliver, type Exchange, json, meetFault, type Refusals, type Reply, ReplyNow } from '../../http.ts'
import type { Folder } from '../folder.ts'
import { compareKeys, Digits, EMPTY_DATE, type PublishedClass, type PublishedRow, publishedClasses } from './classes.ts'
import { parseWhere, type Test, WhereError } from './where.ts'

export interface Api1Options {
  /** Greatest page, whatever `count` asks for, 100. */
  readonly mostItems?: number
  /** Sessions at a time, 4. */
  readonly sessions?: number
  /** A session that nobody uses for so long ends, ms; 20 minutes. */
  readonly idleMs?: number
  /** Which stamps a `where` may name: both, the one of the day only, or none of them; `second`. */
  readonly stamps?: 'second' | 'day' | 'none'
  /** `UPDDATTIM` where it is empty: the database's empty date, null, or nothing at all; `date`. */
  readonly emptyStamp?: 'date' | 'null' | 'absent'
  /** Classes that are not published, and columns of classes (`BPSUPPLIER.CUR`) that their representation lacks. */
  readonly hidden?: readonly string[]
  /** A page repeats its last row at the beginning of the next; `skip` leaves one out; `unordered` turns its rows round. */
  readonly paging?: 'repeat' | 'skip' | 'unordered'
  /** Where the link to the next page leads, in the place of this server. */
  readonly nextOrigin?: string
  /** What is published is not told to this user. */
  readonly noLookup?: boolean
  /** A diagnosis of this severity beside rows. */
  readonly notices?: 'warning' | 'error'
  /** Conditions are taken and not obeyed, as by a representation with a filter of its own. */
  readonly ignoresWhere?: boolean
}

export interface Api1Door {
  isMine(path: string): boolean
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  setFaults(plan: FaultPlan | undefined): void
  /** Sessions that are open now, and the most that ever were. */
  sessions(): { readonly open: number; readonly most: number }
  /** X3 ends every session, as after its time-out. */
  endSessions(): void
  /** Requests by kind: `query`, `details`, `lookup`, `prototype`, `logout`. */
  requests(): Readonly<Record<string, number>>
  /** Changes how the site is set up. */
  set(options: Api1Options): void
}

export const API1_SITES: Readonly<Record<string, SiteFaults>> = {
  'api1:query': {
    kinds: [
      'throttled',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'cut-body',
      'broken-body',
      'slow',
    ],
  },
  'api1:details': {
    kinds: [
      'throttled',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'cut-body',
      'broken-body',
      'slow',
    ],
  },
}

interface Surroundings {
  readonly folder: (name: string) => Pick<Folder, 'books' | 'refuses'> | undefined
  readonly now: () => number
  readonly origin: () => string
  /** The condition of each listing, as it was asked. */
  readonly listed: (where: string) => void
  readonly basic: { readonly user: string; readonly password: string } | undefined
}

const diagnosis = (severity: string, message: string) => ({ $severity: severity, $message: message })
const refusal = (status: number, message: string, headers: Record<string, string> = {}): Reply =>
  json(status, { $diagnoses: [diagnosis('error', message)] }, headers)

const REFUSALS: Refusals = {
  expired: () => refusal(401, 'Authentication failed'),
  unauthorized: () => refusal(401, 'Authentication failed'),
  throttled: (wait) => refusal(503, 'Maximum number of sessions reached', wait),
  serverError: () => refusal(500, 'Internal error'),
  unavailable: (wait) => refusal(503, 'Service Unavailable', wait),
}
const NO_FAULTS = { delays: { slowMs: 0, timeoutMs: 0, retryAfterSeconds: 0 } } as FaultPlan
const PREFIX = '/api1/x3/erp/'
const LOOKUP = '/sdata/syracuse/collaboration/syracuse/representationProxies'
const ENDPOINTS = '/api1/syracuse/collaboration/syracuse/endPoints'
const DEFAULT_COUNT = 20
const IDLE_MS = 20 * 60_000

export function createApi1Door(around: Surroundings, given: Api1Options = {}): Api1Door {
  let options = given
  let faults: FaultPlan | undefined
  const all = publishedClasses()
  const facets = createFacets(around, () => options)
  /** When each was used last. */
  const sessions = new Map<string, number>()
  const counts: Record<string, number> = {}
  let most = 0

  const count = (kind: string): void => {
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  const published = (): PublishedClass[] => all.filter(({ name }) => !options.hidden?.includes(name))

  /** The session of a request: that of its cookie, or a new one; undefined: there is none left. */
  const enter = (request: IncomingMessage): { readonly cookie: string; readonly isNew: boolean } | undefined => {
    const now = Date.now()
    for (const [one, used] of sessions) if (now - used > (options.idleMs ?? IDLE_MS)) sessions.delete(one)
    const known = /syracuse\.sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
    if (known !== undefined && sessions.has(known)) {
      sessions.set(known, now)
      return { cookie: known, isNew: false }
    }
    if (sessions.size >= (options.sessions ?? 4)) return undefined
    const cookie = randomUUID()
    sessions.set(cookie, now)
    most = Math.max(most, sessions.size)
    return { cookie, isNew: true }
  }

  const serve = async (request: IncomingMessage, exchange: Exchange): Promise<Reply> => {
    const url = new URL(request.url ?? '/', 'http://x3')
    const { basic } = around
    const expected = basic && `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}`
    if (!expected || request.headers.authorization !== expected) return refusal(401, 'Authentication failed')
    if (url.pathname === '/logout') {
      count('logout')
      const known = /syracuse\.sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
      if (known) sessions.delete(known)
      return json(200, {})
    }
    const session = enter(request)
    if (!session) return refusal(503, 'Maximum number of sessions reached')
    const reply = await inSession(url, exchange)
    if (session.isNew) reply.headers['set-cookie'] = `syracuse.sid=${session.cookie}; Path=/; HttpOnly`
    return reply
  }

  const inSession = async (url: URL, exchange: Exchange): Promise<Reply> => {
    if (url.pathname === LOOKUP) {
      count('lookup')
      if (options.noLookup) return refusal(403, 'representationProxies is not authorized for this user')
      const proxies = published().map(({ name, representation }) => ({ entity: `${name}.${representation}` }))
      return json(200, { $resources: proxies })
    }
    if (url.pathname === ENDPOINTS) return json(200, { $resources: [{ name: 'SEED' }] })
    const [, folder = '', rest = ''] =
      /^([^/]+)\/(.+)$/.exec(decodeURIComponent(url.pathname.slice(PREFIX.length))) ?? []
    const at = around.folder(folder)
    if (!at) return refusal(404, `Endpoint ${folder} does not exist`)
    const [, name = '', key, prototypes] = /^(\w+)(?:\('(.*)'\)|\/\$prototypes\('(\w+\.\$\w+)'\))?$/.exec(rest) ?? []
    const found = published().find((one) => one.name === name)
    if (!found) return refusal(404, `Class ${name || rest} does not exist`)
    const representation = prototypes ?? url.searchParams.get('representation') ?? ''
    const [, own = '', facet = ''] = /^(\w+)\.\$(\w+)$/.exec(representation) ?? []
    if (own !== found.representation) return refusal(404, `Representation ${representation} does not exist`)
    if (found.right && at.refuses(found.right))
      return refusal(403, `${found.right}.read is not authorized for this user`)
    const { books } = at
    if (prototypes) {
      count('prototype')
      return json(200, { $properties: facets.properties(found, books) })
    }
    if (key !== undefined && facet === 'details') {
      if (faults) await meetFault(faults, 'api1:details', exchange, REFUSALS)
      count('details')
      return facets.details(found, books, key.replaceAll("''", "'"))
    }
    if (key !== undefined || facet !== 'query') return refusal(400, `Facet ${facet} is not supported here`)
    if (faults) await meetFault(faults, 'api1:query', exchange, REFUSALS)
    count('query')
    around.listed(url.searchParams.get('where') ?? '')
    return facets.query(found, books, url)
  }

  return {
    isMine: (path) => path.startsWith('/api1/') || path.startsWith('/sdata/') || path === '/logout',
    async answer(request, response) {
      response.sendDate = false
      const exchange: Exchange = { aftermath: undefined, revoke: () => undefined }
      const plan = faults ?? NO_FAULTS
      const dated = (reply: Reply): Reply => ({
        ...reply,
        headers: { date: new Date(around.now()).toUTCString(), ...reply.headers },
      })
      try {
        await deliver(response, dated(await serve(request, exchange)), exchange, plan, REFUSALS)
      } catch (error) {
        if (error instanceof DropNow) request.socket.destroy()
        else if (error instanceof ReplyNow) await deliver(response, dated(error.reply), exchange, plan, REFUSALS)
        else throw error
      }
    },
    setFaults(plan) {
      faults = plan
    },
    sessions: () => ({ open: sessions.size, most }),
    endSessions: () => sessions.clear(),
    requests: () => ({ ...counts }),
    set(next) {
      options = next
    },
  }
}

/** What a class answers to each of its facets. */
function createFacets(around: Surroundings, optionsNow: () => Api1Options) {
  const isHidden = ({ name }: PublishedClass, column: string): boolean =>
    optionsNow().hidden?.includes(`${name}.${column}`) ?? false

  const shown = (of: PublishedClass, { item, lists, stamp }: PublishedRow, withLists: boolean) => ({
    $uuid: '00000000-0000-0000-0000-000000000000',
    $etag: stamp.updated ?? stamp.created,
    ...Object.fromEntries(Object.entries(item).filter(([column]) => !isHidden(of, column))),
    ...stampsOf(stamp),
    ...(withLists ? lists : {}),
  })

  const stampsOf = ({ updated }: Pick<Stamped, 'updated'>): Record<string, unknown> => {
    const { stamps = 'second', emptyStamp = 'date' } = optionsNow()
    const day = { UPDDAT: updated?.slice(0, 10) ?? EMPTY_DATE }
    if (stamps === 'none') return {}
    if (stamps === 'day') return day
    const empty =
      emptyStamp === 'date'
        ? { UPDDATTIM: `${EMPTY_DATE}T00:00:00Z` }
        : emptyStamp === 'null'
          ? { UPDDATTIM: null }
          : {}
    return { ...day, ...(updated === null ? empty : { UPDDATTIM: updated }) }
  }

  const visible = function* (of: PublishedClass, books: Books): Iterable<PublishedRow> {
    for (const row of of.rows(books)) {
      const from = row.stamp.visibleFrom
      if (from === undefined || Date.parse(from) <= around.now()) yield row
    }
  }

  const properties = (of: PublishedClass, books: Books): Record<string, unknown> => {
    const [row] = of.rows(books)
    const example = { ...(row ? shown(of, row, true) : {}), ...stampsOf({ updated: '2026-01-01T00:00:00Z' }) }
    return Object.fromEntries(
      Object.entries(example)
        .filter(([column]) => !column.startsWith('$'))
        .map(([column, value]) => [column, { $type: `application/x-${typeName(value)}` }]),
    )
  }

  const partsOf = (of: PublishedClass, key: string): Record<string, unknown> => {
    const parts = key.split('~')
    const last = of.key.length - 1
    return Object.fromEntries(
      of.key.map((column, i) => [column, i === last ? parts.slice(i).join('~') : (parts[i] ?? '')]),
    )
  }

  const details = (of: PublishedClass, books: Books, key: string): Reply => {
    const wanted = partsOf(of, key)
    const isSeen = ({ stamp: { visibleFrom: from } }: PublishedRow): boolean =>
      from === undefined || Date.parse(from) <= around.now()
    const row = of.find
      ? of.find(
          of.key.map((column) => String(wanted[column])),
          books,
        )
      : [...of.rows(books)].find(({ item }) => of.key.every((column) => String(item[column]) === wanted[column]))
    if (row && isSeen(row)) return written(shown(of, row, true))
    return json(200, { $diagnoses: [diagnosis('error', '721 : Record does not exist')] })
  }

  const query = (of: PublishedClass, books: Books, url: URL): Reply => {
    const { searchParams } = url
    const size = Math.min(
      Number(searchParams.get('count') ?? DEFAULT_COUNT) || DEFAULT_COUNT,
      optionsNow().mostItems ?? 100,
    )
    const after = searchParams.get('key')
    const where = searchParams.get('where')
    let test: Test = () => true
    try {
      const [first] = of.rows(books)
      const columns = first ? Object.keys(shown(of, first, false)) : []
      if (where && !optionsNow().ignoresWhere)
        test = parseWhere(where, new Set([...columns, ...Object.keys(stampsOf({ updated: 'x' }))]))
    } catch (error) {
      if (error instanceof WhereError) return refusal(400, error.message)
      throw error
    }
    if (after !== null && !after.startsWith('gt.')) return refusal(400, `key=${after} is not supported`)
    const from = after === null ? undefined : partsOf(of, after.slice(3))
    const found: unknown[] = []
    let more = false
    for (const row of sorted(of, visible(of, books))) {
      const item = shown(of, row, false)
      if (!test(item)) continue
      if (from && compareKeys(of.key, typed(from, row.item), row.item) >= 0) continue
      if (found.length === size) {
        more = true
        break
      }
      found.push(item)
    }
    const spoilt = more && optionsNow().paging === 'skip' ? found.filter((_, i) => i !== 1) : found
    const repeated = from && optionsNow().paging === 'repeat' && found.length > 0 ? [found[0], ...found] : spoilt
    const inOrder = optionsNow().paging === 'unordered' ? [...repeated].reverse() : repeated
    const last = found.at(-1) as Record<string, unknown> | undefined
    const next = new URL(url.pathname + url.search, optionsNow().nextOrigin ?? around.origin())
    if (last) next.searchParams.set('key', `gt.${of.key.map((column) => String(last[column])).join('~')}`)
    return written({
      $itemsPerPage: size,
      $resources: inOrder,
      $links: more ? { $next: { $url: next.href } } : {},
      ...(optionsNow().notices
        ? { $diagnoses: [diagnosis(optionsNow().notices ?? '', 'Some fields are not visible')] }
        : {}),
    })
  }

  return { properties, details, query }
}

/** `x-string`, `x-date` and `x-array` are Sage's; the others follow them. */
function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value instanceof Digits) return 'decimal'
  if (typeof value === 'number') return 'integer'
  const found = /^\d{4}-\d\d-\d\d(T.*)?$/.exec(String(value))
  return !found ? 'string' : found[1] ? 'datetime' : 'date'
}

/** Line classes come document by document, whose order is not always that of the key. */
function* sorted(of: PublishedClass, rows: Iterable<PublishedRow>): Iterable<PublishedRow> {
  if (of.key.length === 1) return yield* rows
  yield* [...rows].sort((a, b) => compareKeys(of.key, a.item, b.item))
}

/** Parts of a key from an address, as numbers where the columns are. */
const typed = (from: Readonly<Record<string, unknown>>, like: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(from).map(([name, value]) => [name, typeof like[name] === 'number' ? Number(value) : value]),
  )

/** JSON whose decimals have the digits of the books. */
function written(value: unknown): Reply {
  const marked = JSON.stringify(value, (_key, part) => (part instanceof Digits ? `\u0001${part.text}\u0001` : part))
  const body = marked.replaceAll('"\\u0001', '').replaceAll('\\u0001"', '')
  return { status: 200, headers: { 'content-type': 'application/json;vnd.sage=syracuse' }, body: Buffer.from(body) }
}
