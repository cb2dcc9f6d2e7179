/** Pages of one object, each proven whole: as many rows as Intacct counts, in the order of their key, none twice. */
import { isSyncError, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { withRetry } from '../../../sync/contract/retry.ts'
import { type IntacctConnection, retryContext } from './connection.ts'
import type { Fields } from './convert.ts'
import { asClass } from './errors.ts'
import type { FunctionResult } from './reply.ts'
import { and, type Condition, GREATEST_PAGE, type Query } from './request.ts'

export interface Reading {
  readonly nextRead: () => number
  readonly signal: AbortSignal
}

export interface PageQuery {
  readonly object: string
  readonly select: readonly string[]
  /** Conditions of this page; made anew for each attempt, since the zone of stamps may turn out to be another. */
  readonly filter: () => Promise<Condition | undefined> | Condition | undefined
  /** Key in whose order the page comes: the first field alone, or a parent and its child. */
  readonly orderBy: readonly string[]
  /** Keys behind which the page begins; null: from the start. */
  readonly after: readonly string[] | null
  /** Fields that say which row it is, for one that cannot be had whole; without them such a row is an error. */
  readonly keys?: readonly string[]
}

/** A single row whose answer is over a limit: by its keys, and why. */
export interface UnreadableRow {
  readonly row: Fields
  readonly message: string
}

export interface QueryPage {
  readonly rows: readonly Fields[]
  /** How many rows Intacct counts from here on, these among them. */
  readonly total: number
  readonly remaining: number
  /** Key of the last row. */
  readonly last: readonly string[] | null
  /** Read number of the request that gave the page. */
  readonly read: number
  /** The server's time when it was asked. */
  readonly at: number
  readonly notices: readonly string[]
  /** The one row of this page, which cannot be had whole: the page has no others. */
  readonly unreadable?: UnreadableRow
}

export interface Pages {
  page(query: PageQuery, reading: Reading): Promise<QueryPage>
  /** All pages of a query that is known to be small. */
  all(
    query: Omit<PageQuery, 'after'>,
    reading: Reading,
  ): Promise<{
    readonly rows: readonly Fields[]
    readonly read: number
    readonly at: number
    readonly notices: readonly string[]
    readonly unreadable: readonly UnreadableRow[]
  }>
}

/** Answers over a limit: a smaller page may cure them, asking again will not. */
const OVER = new Set(['intacct.too-large', 'intacct.depth'])
/** How often a page of one row is asked for before that row counts as unreadable. */
const ATTEMPTS_ON_ONE = 3
/** Answers that a smaller page may cure. */
const SIZE = new Set([
  'intacct.timeout',
  'intacct.504',
  'intacct.524',
  'intacct.cut',
  'intacct.processing',
  'intacct.malformed',
  'intacct.network',
])
/** Answers that come again just so if they are no chance: not asked for until the patience with outages ends. */
const STUBBORN = new Set([
  'intacct.processing',
  'intacct.malformed',
  'intacct.doctype',
  'intacct.incomplete',
  'intacct.no-total',
  'intacct.foreign',
  'intacct.text',
  'intacct.shape',
  'intacct.rows',
  'intacct.silent',
])
const STUBBORN_ATTEMPTS = 6
/** How often more a missing right is asked about: it would still be missing. */
const RIGHT_ASKED = 2
const PAGES_TO_GROW = 10
const FIELD_CODES = new Set(['intacct.processing', 'intacct.unknown-field', 'intacct.refused'])

export function createPages(
  connection: IntacctConnection,
  options: {
    readonly what: string
    readonly pageSize: number
    readonly waiting?: ((what: string) => void) | undefined
    /** Fields (in capitals) that queries refuse though lookup lists them; grows as Intacct names more of them. */
    readonly refused?: Set<string>
    /** Fields that cannot be left out. */
    readonly essential?: readonly string[]
  },
): Pages {
  const greatest = Math.min(GREATEST_PAGE, Math.max(1, options.pageSize))
  let size = greatest
  let answered = 0

  /** A refusal names the field it does not take in its words: from then on it is left out. */
  const leaveOut = (error: SyncError, select: readonly string[]): boolean => {
    const words = new Set((error.cause.vendorText ?? '').match(/\b[A-Z_][A-Z0-9_]*(?:\.[A-Z0-9_]+)*\b/g))
    const named = select.filter(
      (field) => words.has(field) && !options.essential?.includes(field) && !options.refused?.has(field),
    )
    for (const field of named) options.refused?.add(field)
    return options.refused !== undefined && named.length > 0
  }

  const shrink = (asked: number): void => {
    size = Math.max(1, Math.floor(asked / 2))
    answered = 0
  }

  /** The class of a failure for the next attempt. */
  const judge =
    (failures: Map<string, number>, asked: number, select: readonly string[]) =>
    (error: unknown): unknown => {
      if (!isSyncError(error)) return error
      const { code } = error
      if (FIELD_CODES.has(code) && leaveOut(error, select)) return asClass('transient', error)
      const kind = OVER.has(code) ? `over a limit, ${asked}` : code
      const times = (failures.get(kind) ?? 0) + 1
      failures.set(kind, times)
      if (code === 'intacct.right') return times <= RIGHT_ASKED ? asClass('transient', error) : error
      if (error.cause.class !== 'transient') return error
      if (OVER.has(code)) {
        if (asked === 1 && times >= ATTEMPTS_ON_ONE) return asClass('config', error)
        shrink(asked)
      }
      // A single one is often chance: the page shrinks from the second on.
      if (SIZE.has(code) && times > 1) shrink(asked)
      return STUBBORN.has(code) && times >= STUBBORN_ATTEMPTS ? asClass('config', error) : error
    }

  const ask = async (query: PageQuery, { nextRead, signal }: Reading, most = greatest): Promise<QueryPage> => {
    const failures = new Map<string, number>()
    let read = 0
    const attempt = async (): Promise<QueryPage> => {
      const asked = Math.min(size, most)
      const at = connection.clock.now()
      try {
        const filter = and(await query.filter(), query.after ? behind(query.orderBy, query.after) : undefined)
        const { object, select, orderBy } = query
        const question: Query = {
          object,
          select: [...new Set([...orderBy, ...select.filter((field) => !options.refused?.has(field.toUpperCase()))])],
          filter,
          orderBy,
          pageSize: asked,
        }
        const reply = await connection.call([{ name: 'query', query: question }], {
          what: options.what,
          signal,
          onAttempt: () => {
            read = nextRead()
          },
        })
        const found = whole(reply.results[0] as FunctionResult, query, asked, options.what)
        answered++
        if (answered % PAGES_TO_GROW === 0) size = Math.min(greatest, size * 2)
        return { ...found, read, at, notices: reply.notices }
      } catch (error) {
        throw judge(failures, asked, query.select)(error)
      }
    }
    return withRetry(attempt, retryContext(signal, options.waiting), connection.retry)
  }

  const page = async (query: PageQuery, reading: Reading): Promise<QueryPage> => {
    try {
      return await ask(query, reading)
    } catch (error) {
      if (!isSyncError(error) || !OVER.has(error.code) || !query.keys) throw error
      // By then a page has one row, and this is it.
      const found = await ask({ ...query, select: query.keys }, reading, 1)
      const [row] = found.rows
      return row ? { ...found, rows: [], unreadable: { row, message: error.message } } : found
    }
  }

  return {
    page,
    async all(query, reading) {
      const rows: Fields[] = []
      const notices: string[] = []
      const unreadable: UnreadableRow[] = []
      let first: QueryPage | undefined
      for (let after: readonly string[] | null = null; ; ) {
        const found: QueryPage = await page({ ...query, after }, reading)
        first ??= found
        rows.push(...found.rows)
        notices.push(...found.notices)
        if (found.unreadable) unreadable.push(found.unreadable)
        if (found.remaining === 0 || found.last === null)
          return { rows, read: first.read, at: first.at, notices, unreadable }
        after = found.last
      }
    },
  }
}

/** Everything behind a key: (a, b) > (x, y) is a > x, or a = x and b > y. */
function behind(fields: readonly string[], key: readonly string[]): Condition {
  const [field = '', second] = fields
  const [value = '', other] = key
  const further: Condition = { op: 'greaterthan', field, value }
  if (second === undefined || other === undefined) return further
  return {
    op: 'or',
    of: [further, and({ op: 'equalto', field, value }, { op: 'greaterthan', field: second, value: other })],
  }
}

/** Proves that a page is whole, or says what is wrong with it. */
function whole(
  { data, rows }: FunctionResult,
  { orderBy, after, object }: PageQuery,
  size: number,
  what: string,
): Pick<QueryPage, 'rows' | 'total' | 'remaining' | 'last'> {
  const [total, remaining, count] = [data?.totalcount, data?.numremaining, data?.count].map((text) =>
    /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN,
  ) as [number, number, number]
  if (Number.isNaN(total) || Number.isNaN(remaining))
    throw broken(
      'no-total',
      `${what}: Intacct did not say how many rows of ${object} there are, so that it cannot be known whether they are all`,
    )
  const expected = Math.min(size, total)
  if (rows.length !== expected || remaining !== total - expected || (!Number.isNaN(count) && count !== rows.length))
    throw broken(
      'incomplete',
      `${what}: Intacct counts ${total} rows of ${object} and ${remaining} after this page, but gave ${rows.length} where ${expected} are due`,
    )
  const names = orderBy.map((name) => name.toUpperCase())
  let last = after
  for (const { fields } of rows) {
    const key = names.map((name) => fields[name] ?? '')
    if (key.some((one) => one === ''))
      throw broken('incomplete', `${what}: a row of ${object} came without its ${orderBy.join(' and ')}`)
    if (last !== null && compareKeys(key, last) <= 0)
      throw broken(
        'incomplete',
        `${what}: rows of ${object} came twice or out of order (${orderBy.join(', ')} ${key.join(', ')} behind ${last.join(', ')})`,
      )
    last = key
  }
  return { rows: rows.map((row) => row.fields), total, remaining, last }
}

const broken = (code: string, text: string) =>
  syncError('transient', `intacct.${code}`, text, {
    hint: 'Nothing of the page was used; it is asked for again. If it stays, tell the support of Sage.',
  })

/** By number where both are numbers, else by text. */
export function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [index, one] of a.entries()) {
    const other = b[index] ?? ''
    if (one === other) continue
    const [x, y] = [Number(one), Number(other)]
    const numbers = Number.isFinite(x) && Number.isFinite(y)
    if (numbers ? x !== y : one !== other) return (numbers ? x < y : one < other) ? -1 : 1
  }
  return 0
}
