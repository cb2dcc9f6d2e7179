/** Headers of documents: the next ones of a walk, by number, and which of them changed while their lines were read. */
import type { PageRequest } from '../../../sync/contract/source.ts'
import type { Zone } from './clock.ts'
import type { Fields } from './convert.ts'
import { compareKeys, type PageQuery, type Pages, type QueryPage, type Reading } from './pages.ts'
import { and, anyOf, type Condition, or } from './request.ts'

/** How headers are asked for. */
export interface HeaderQuery {
  readonly object: string
  readonly record: string
  readonly stamp: string | undefined
  readonly select: readonly string[]
  /** Fields that say which document a row is. */
  readonly keys: readonly string[]
  readonly pages: Pages
}

export type WindowFilter = () => Promise<Condition | undefined>

/** Headers that come next in the walk. */
interface Next {
  readonly filter: WindowFilter
  readonly after: string
}

interface Checked {
  readonly changed: ReadonlySet<string>
  /** The headers that come next, which were asked for with the same question. */
  readonly next: QueryPage | undefined
}

export interface Headers {
  numberOf(header: Fields): string
  /** What `keep` put aside for this request, once. */
  kept(request: PageRequest): QueryPage | undefined
  /** Headers that were read already and come next, behind the number `after`. */
  keep(request: PageRequest, after: string, page: QueryPage): void
  /** The page behind the request's cursor. */
  page(filter: WindowFilter, request: PageRequest): Promise<QueryPage>
  byNumber(numbers: readonly string[], reading: Reading): ReturnType<Pages['all']>
  /** Documents among these (in the order of their numbers) that changed since `at`; with `next`, also the headers behind. */
  check(headers: readonly Fields[], at: number, reading: Reading, next?: Next): Promise<Checked>
}

/** Stamps are exact to the second, and the clocks of Intacct's machines differ. */
const MARGIN_MS = 5_000

export function createHeaders(query: HeaderQuery, zone: () => Promise<Zone>): Headers {
  const { object, select, keys, record, pages } = query
  const recordField = record.toUpperCase()
  const numberOf = (row: Fields): string => row[recordField] ?? ''
  const question = (filter: PageQuery['filter']) => ({ object, select, keys, filter, orderBy: [record] })
  /** Headers that were read along with the last check, or whose lines did not fit. */
  let ahead: { readonly window: string; readonly after: string; readonly page: QueryPage } | undefined

  return {
    numberOf,
    kept(request) {
      const found = ahead
      ahead = undefined
      return found && found.after === request.cursor && found.window === windowText(request) ? found.page : undefined
    },
    keep(request, after, page) {
      ahead = { window: windowText(request), after, page }
    },
    page: (filter, request) =>
      pages.page({ ...question(filter), after: request.cursor === null ? null : [request.cursor] }, request),
    byNumber: (numbers, reading) =>
      pages.all(
        question(() => anyOf(record, numbers)),
        reading,
      ),
    async check(headers, at, reading, next) {
      const changed = new Set<string>()
      const { stamp } = query
      if (stamp === undefined) return { changed, next: undefined }
      const stampField = stamp.toUpperCase()
      const stamps = new Map(headers.map((row) => [numberOf(row), row[stampField]]))
      const [first, last] = [numberOf(headers[0] as Fields), numberOf(headers.at(-1) as Fields)]
      const since = new Date(at - MARGIN_MS).toISOString()
      const filter = async (): Promise<Condition> =>
        or(
          and(
            { op: 'between', field: record, values: [first, last] },
            { op: 'greaterthanorequalto', field: stamp, value: (await zone()).local(since) },
          ),
          next && and({ op: 'greaterthan', field: record, value: next.after }, await next.filter()),
        )
      const isBehind = (row: Fields): boolean => compareKeys([numberOf(row)], [last]) > 0
      for (let after: readonly string[] | null = null; ; ) {
        const page: QueryPage = await pages.page({ ...question(filter), after }, reading)
        const { unreadable } = page
        for (const row of unreadable ? [unreadable.row] : page.rows) {
          const number = numberOf(row)
          if (stamps.has(number) && stamps.get(number) !== row[stampField]) changed.add(number)
        }
        const behind = page.rows.filter(isBehind)
        if (next && (behind.length > 0 || (unreadable && isBehind(unreadable.row))))
          return { changed, next: { ...page, rows: behind } }
        if (page.remaining === 0 || page.last === null) return { changed, next: undefined }
        after = page.last
      }
    },
  }
}

const windowText = ({ walk, window }: PageRequest): string => `${walk} ${window.from} ${window.bound}`
