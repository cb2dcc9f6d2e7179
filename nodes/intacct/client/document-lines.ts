/** Lines of documents, by the document that they belong to: asked for by number, or walked beside the headers. */
import type { PageRequest } from '../../../sync/contract/source.ts'
import type { Fields } from './convert.ts'
import { type Fault, LONGEST, TOO_LONG, unreadable } from './document-faults.ts'
import { compareKeys, type PageQuery, type Pages, type QueryPage, type Reading } from './pages.ts'
import { anyOf } from './request.ts'

/** How lines are asked for. */
export interface LineQuery {
  readonly object: string
  readonly record: string
  readonly parent: string
  readonly select: readonly string[]
  /** Fields that say whose line a row is. */
  readonly keys: readonly string[]
  readonly pages: Pages
}

/** Lines as they were read. */
export interface LinesRead {
  /** The documents whose lines are all here. */
  readonly headers: readonly Fields[]
  readonly rows: Map<string, Fields[]>
  /** Documents that cannot be moved, whose lines were let go. */
  readonly unfit: Map<string, Fault>
  readonly notices: string[]
  count: number
}

/** Where the walk beside the headers stands, and what it read beyond the documents that are done. */
interface Walk {
  /** Record number of the first document. */
  readonly from: string
  after: readonly string[] | null
  done: boolean
  readonly read: LinesRead
}

export interface Lines {
  /** Lines of the headers by their numbers; of as many headers, from the first on, as fit. */
  byNumber(headers: readonly Fields[], reading: Reading): Promise<LinesRead>
  /** In a load of everything lines are walked beside their headers, in the order of these, on full pages. */
  inOrder(headers: readonly Fields[], request: PageRequest): Promise<LinesRead>
  /** The walk begins anew with the headers that come next. */
  restart(): void
}

/** Rows of lines held at a time; one document may be longer. */
const MOST_LINES = 20_000

export const noLines = (headers: readonly Fields[] = []): LinesRead => ({
  headers,
  rows: new Map(),
  unfit: new Map(),
  notices: [],
  count: 0,
})

export function createLines(query: LineQuery, numberOf: (header: Fields) => string): Lines {
  const parent = query.parent.toUpperCase()
  let walk: Walk | undefined
  const pageOf = (question: Pick<PageQuery, 'filter' | 'orderBy' | 'after'>, reading: Reading): Promise<QueryPage> =>
    query.pages.page({ object: query.object, select: query.select, keys: query.keys, ...question }, reading)

  /** All lines of these, or how many of the headers are likely to fit. */
  const readAll = async (headers: readonly Fields[], reading: Reading): Promise<LinesRead | number> => {
    const numbers = headers.map(numberOf)
    const read = noLines(headers)
    for (let after: readonly string[] | null = null; ; ) {
      const page: QueryPage = await pageOf(
        { filter: () => anyOf(query.parent, numbers), orderBy: [query.record], after },
        reading,
      )
      if (after === null && page.total > MOST_LINES && headers.length > 1)
        return Math.max(1, Math.floor((headers.length * MOST_LINES) / page.total))
      add(read, page, parent)
      if (page.remaining === 0 || page.last === null) return read
      after = page.last
    }
  }

  return {
    async byNumber(headers, reading) {
      for (let some = headers; ; ) {
        const read = await readAll(some, reading)
        if (typeof read !== 'number') return read
        some = some.slice(0, read)
      }
    },
    async inOrder(headers, request) {
      const [first, last] = [numberOf(headers[0] as Fields), numberOf(headers.at(-1) as Fields)]
      walk ??= { from: first, after: null, done: false, read: noLines() }
      const current = walk
      const { read } = current
      const isComplete = (number: string): boolean =>
        current.done || (current.after !== null && compareKeys([number], [current.after[0] ?? '']) < 0)
      while (!isComplete(last) && !(read.count >= MOST_LINES && isComplete(first))) {
        const page = await pageOf(
          {
            filter: () => ({ op: 'greaterthanorequalto', field: query.parent, value: current.from }),
            orderBy: [query.parent, query.record],
            after: current.after,
          },
          request,
        )
        add(read, page, parent)
        current.after = page.last
        current.done = page.remaining === 0
      }
      const some = headers.filter((row) => isComplete(numberOf(row)))
      return takeUntil(read, numberOf(some.at(-1) as Fields), some)
    },
    restart() {
      walk = undefined
    },
  }
}

function add(read: LinesRead, page: QueryPage, parent: string): void {
  read.notices.push(...page.notices)
  if (page.unreadable) letGo(read, page.unreadable.row[parent] ?? '', unreadable(page.unreadable))
  for (const row of page.rows) {
    const number = row[parent] ?? ''
    if (read.unfit.has(number)) continue
    const known = read.rows.get(number)
    if (known) known.push(row)
    else read.rows.set(number, [row])
    read.count++
    if (known && known.length > LONGEST) letGo(read, number, TOO_LONG)
  }
}

function letGo(read: LinesRead, number: string, fault: Fault): void {
  read.count -= read.rows.get(number)?.length ?? 0
  read.rows.delete(number)
  read.unfit.set(number, fault)
}

/** Takes out what belongs to documents up to this number. */
function takeUntil(read: LinesRead, end: string, headers: readonly Fields[]): LinesRead {
  const taken = noLines(headers)
  taken.notices.push(...read.notices.splice(0))
  for (const [parent, rows] of read.rows) {
    if (compareKeys([parent], [end]) > 0) continue
    taken.rows.set(parent, rows)
    read.rows.delete(parent)
    read.count -= rows.length
  }
  for (const [parent, fault] of read.unfit) {
    if (compareKeys([parent], [end]) > 0) continue
    taken.unfit.set(parent, fault)
    read.unfit.delete(parent)
  }
  return taken
}
