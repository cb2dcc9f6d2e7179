/** Whole documents: headers with all their lines, proven not to have changed between the first and the last of them. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { DataRecord } from '../../../sync/contract/message.ts'
import type { Page, PageRequest, RefusedRecord } from '../../../sync/contract/source.ts'
import type { Zone } from './clock.ts'
import type { Fields } from './convert.ts'
import { add, type Fault, type Gathered, newGathered, type Stock, unreadable } from './gathered.ts'
import { compareKeys, type Pages, type QueryPage, type Reading, type Spoilt } from './pages.ts'
import { and, anyOf, type Condition, or } from './request.ts'

export interface DocumentsOptions {
  readonly header: {
    readonly object: string
    readonly record: string
    readonly stamp: string | undefined
    readonly select: readonly string[]
    /** Fields that say which document a row is. */
    readonly keys: readonly string[]
    readonly pages: Pages
  }
  readonly lines: {
    readonly object: string
    readonly record: string
    readonly parent: string
    readonly select: readonly string[]
    /** Fields that say whose line a row is. */
    readonly keys: readonly string[]
    readonly pages: Pages
  }
  readonly zone: () => Promise<Zone>
  /** A document as a record; throws a `data` error where a value spoils it. */
  readonly assemble: (header: Fields, lines: readonly Fields[]) => DataRecord
  /** What is wrong with a whole document (a journal that does not balance), in words. */
  readonly faultOf: (record: DataRecord) => string | undefined
  /** Name of a document for messages. */
  readonly nameOf: (record: DataRecord) => string
}

export interface Documents {
  /** A page of documents in the order of their record numbers; `keep` leaves those out that are not of the window. */
  page(
    filter: () => Promise<Condition | undefined>,
    request: PageRequest,
    keep: (header: Fields) => boolean,
  ): Promise<Page>
  /** Documents by record number, whole. Missing ones are left out. */
  byNumbers(numbers: readonly string[], reading: Reading): Promise<Page>
}

/** Rows of lines held at a time; one document may be longer. */
const MOST_LINES = 20_000
/** How often a document is read before it is refused. */
const READINGS = 3
/** Stamps are exact to the second, and the clocks of Intacct's machines differ. */
const MARGIN_MS = 5_000

interface Found {
  readonly header: Fields
  readonly lines: readonly Fields[]
  readonly read: number
}

export function createDocuments(options: DocumentsOptions): Documents {
  const { header, lines, zone, assemble, faultOf, nameOf } = options
  const recordOf = upper(header.record)
  const stampOf = header.stamp === undefined ? undefined : upper(header.stamp)
  const parentOf = upper(lines.parent)
  const numberOf = (row: Fields): string => row[recordOf] ?? ''
  /** Headers that were read along with the last check, or whose lines did not fit. */
  let ahead: { readonly window: string; readonly after: string; readonly page: QueryPage } | undefined
  /** Lines read beyond the documents that are done, in a load of everything. */
  let stock: Stock | undefined

  const headersOf = async (filter: () => Promise<Condition | undefined>, request: PageRequest): Promise<QueryPage> => {
    const kept = ahead
    ahead = undefined
    if (kept && kept.after === request.cursor && kept.window === windowText(request)) return kept.page
    stock = undefined
    const after = request.cursor === null ? null : [request.cursor]
    return header.pages.page(
      { object: header.object, select: header.select, keys: header.keys, filter, orderBy: [header.record], after },
      request,
    )
  }

  /** Lines of the headers by their numbers; of as many headers, from the first on, as fit. */
  const linesByNumber = async (headers: readonly Fields[], reading: Reading): Promise<Gathered> => {
    let some = headers
    for (;;) {
      const numbers = some.map(numberOf)
      const gathered = newGathered()
      let tooMany = false
      for (let after: readonly string[] | null = null; ; ) {
        const page: QueryPage = await lines.pages.page(
          {
            object: lines.object,
            select: lines.select,
            keys: lines.keys,
            filter: () => anyOf(lines.parent, numbers),
            orderBy: [lines.record],
            after,
          },
          reading,
        )
        tooMany = after === null && page.total > MOST_LINES && some.length > 1
        if (tooMany) {
          some = some.slice(0, Math.max(1, Math.floor((some.length * MOST_LINES) / page.total)))
          break
        }
        add(gathered, page, parentOf)
        if (page.remaining === 0 || page.last === null) return { ...gathered, headers: some }
        after = page.last
      }
    }
  }

  /** In a load of everything lines are walked beside their headers, in the order of these, on full pages. */
  const linesInOrder = async (headers: readonly Fields[], request: PageRequest): Promise<Gathered> => {
    const first = numberOf(headers[0] as Fields)
    const last = numberOf(headers.at(-1) as Fields)
    stock ??= { from: first, after: null, done: false, gathered: newGathered() }
    const current = stock
    const { gathered } = current
    const isComplete = (number: string): boolean =>
      current.done || (current.after !== null && compareKeys([number], [current.after[0] ?? '']) < 0)
    while (!isComplete(last) && !(gathered.count >= MOST_LINES && isComplete(first))) {
      const page = await lines.pages.page(
        {
          object: lines.object,
          select: lines.select,
          keys: lines.keys,
          filter: () => ({ op: 'greaterthanorequalto', field: lines.parent, value: current.from }),
          orderBy: [lines.parent, lines.record],
          after: current.after,
        },
        request,
      )
      add(gathered, page, parentOf)
      current.after = page.last
      current.done = page.remaining === 0
    }
    const some = headers.filter((row) => isComplete(numberOf(row)))
    const taken = newGathered()
    taken.notices.push(...gathered.notices.splice(0))
    const end = numberOf(some.at(-1) as Fields)
    for (const [parent, rows] of gathered.rows) {
      if (compareKeys([parent], [end]) > 0) continue
      taken.rows.set(parent, rows)
      gathered.rows.delete(parent)
      gathered.count -= rows.length
    }
    for (const [parent, fault] of gathered.unfit) {
      if (compareKeys([parent], [end]) > 0) continue
      taken.unfit.set(parent, fault)
      gathered.unfit.delete(parent)
    }
    return { ...taken, headers: some }
  }

  /** Documents among these that changed since `at`, and with the same question the headers that come next. */
  const check = async (
    headers: readonly Fields[],
    at: number,
    reading: Reading,
    next?: { readonly filter: () => Promise<Condition | undefined>; readonly after: string },
  ): Promise<{ changed: Set<string>; next: QueryPage | undefined }> => {
    const changed = new Set<string>()
    if (stampOf === undefined || header.stamp === undefined) return { changed, next: undefined }
    const stamp = header.stamp
    const stamps = new Map(headers.map((row) => [numberOf(row), row[stampOf]]))
    const [first, last] = [numberOf(headers[0] as Fields), numberOf(headers.at(-1) as Fields)]
    const since = new Date(at - MARGIN_MS).toISOString()
    const filter = async (): Promise<Condition> =>
      or(
        and(
          { op: 'between', field: header.record, values: [first, last] },
          { op: 'greaterthanorequalto', field: stamp, value: (await zone()).local(since) },
        ),
        next && and({ op: 'greaterthan', field: header.record, value: next.after }, await next.filter()),
      )
    for (let after: readonly string[] | null = null; ; ) {
      const page: QueryPage = await header.pages.page(
        { object: header.object, select: header.select, keys: header.keys, filter, orderBy: [header.record], after },
        reading,
      )
      const isBehind = (row: Fields): boolean => compareKeys([numberOf(row)], [last]) > 0
      const behind = page.rows.filter(isBehind)
      const { spoilt } = page
      for (const row of spoilt ? [spoilt.row] : page.rows) {
        const before = stamps.get(numberOf(row))
        if (stamps.has(numberOf(row)) && before !== row[stampOf]) changed.add(numberOf(row))
      }
      if (next && (behind.length > 0 || (spoilt && isBehind(spoilt.row))))
        return { changed, next: { ...page, rows: behind } }
      if (page.remaining === 0 || page.last === null) return { changed, next: undefined }
      after = page.last
    }
  }

  /** A document as a record, or what is wrong with it. */
  const settle = (
    { header: row, lines: rows, read }: Found,
    fault: Fault | undefined,
  ): { record: DataRecord; fault: Fault | undefined } => {
    let record: DataRecord
    try {
      record = assemble(row, fault?.final ? [] : rows)
    } catch (error) {
      if (!isSyncError(error) || error.cause.class !== 'data') throw error
      record = assemble(row, [])
      return {
        record: numbered(record, read),
        fault: {
          code: error.code,
          message: error.message,
          hint: 'Correct it in Intacct; it is read again when it changes.',
        },
      }
    }
    const wrong = fault ? undefined : faultOf(record)
    const found =
      wrong === undefined
        ? fault
        : {
            code: 'intacct.unbalanced',
            message: wrong,
            hint: 'Correct the entry in Intacct; it is read again when it changes.',
          }
    return { record: numbered(record, read), fault: found }
  }

  const faultsOf = (
    number: string,
    { rows, unfit }: Pick<Gathered, 'rows' | 'unfit'>,
    changed: ReadonlySet<string>,
    final: boolean,
  ): Fault | undefined => {
    const fault = unfit.get(number)
    if (fault) return fault
    if (changed.has(number))
      return {
        code: 'intacct.changed',
        message: 'changed each time while it was read',
        hint: 'It is read again with the next run.',
      }
    // Without lines it may have been deleted since its header was read.
    return !final && !rows.has(number) ? { code: 'intacct.empty', message: 'has no lines' } : undefined
  }

  const refusal = (record: DataRecord, { code, message, hint }: Fault): RefusedRecord => ({
    record,
    code,
    message: `${nameOf(record)}: ${message}`,
    ...(hint ? { hint } : {}),
  })

  /** A header that cannot be had whole, by its number. */
  const refusedHeader = (spoilt: Spoilt, read: number): RefusedRecord =>
    refusal(numbered(assemble(spoilt.row, []), read), unreadable(spoilt))

  const byNumbers = async (numbers: readonly string[], reading: Reading): Promise<Whole> => {
    const whole: Whole = { records: [], refused: [], notices: [], cursor: null }
    let left = [...new Set(numbers)]
    for (let time = 1; left.length > 0; time++) {
      const question = {
        object: header.object,
        select: header.select,
        keys: header.keys,
        filter: () => anyOf(header.record, left),
        orderBy: [header.record],
      }
      const found = await header.pages.all(question, reading)
      whole.refused.push(...found.spoilt.map((spoilt) => refusedHeader(spoilt, found.read)))
      const again: string[] = []
      for (let rest = found.rows; rest.length > 0; ) {
        const gathered = await linesByNumber(rest, reading)
        rest = rest.slice(gathered.headers.length)
        const { changed } = await check(gathered.headers, found.at, reading)
        whole.notices.push(...gathered.notices)
        for (const row of gathered.headers) {
          const number = numberOf(row)
          const last = time === READINGS
          const { record, fault } = settle(
            { header: row, lines: gathered.rows.get(number) ?? [], read: found.read },
            faultsOf(number, gathered, changed, time > 1),
          )
          if (fault && !last && !fault.final) again.push(number)
          else if (fault) whole.refused.push(refusal(record, fault))
          else whole.records.push(record)
        }
      }
      whole.notices.push(...found.notices)
      left = again
    }
    return whole
  }

  return {
    byNumbers,
    async page(filter, request, keep) {
      const found = await headersOf(filter, request)
      const { spoilt, read, notices } = found
      if (spoilt) {
        const refused = keep(spoilt.row) ? [refusedHeader(spoilt, read)] : []
        return { records: [], refused, notices, cursor: found.remaining > 0 ? numberOf(spoilt.row) : null }
      }
      if (found.rows.length === 0) return { records: [], notices: [...found.notices], cursor: null }
      const all = found.rows
      const wanted = all.filter(keep)
      const full = request.window.from === null && request.walk === 'changed'
      const gathered =
        wanted.length === 0
          ? { ...newGathered(), headers: wanted }
          : full
            ? await linesInOrder(wanted, request)
            : await linesByNumber(wanted, request)
      const done = gathered.headers.length
      const last = done === wanted.length ? numberOf(all.at(-1) as Fields) : numberOf(gathered.headers.at(-1) as Fields)
      const rest = all.filter((row) => compareKeys([numberOf(row)], [last]) > 0)
      const window = windowText(request)
      let changed: ReadonlySet<string> = new Set()
      if (rest.length > 0) ahead = { window, after: last, page: { ...found, rows: rest } }
      if (gathered.headers.length > 0) {
        const more = rest.length === 0 && found.remaining > 0
        const checked = await check(gathered.headers, found.at, request, more ? { filter, after: last } : undefined)
        changed = checked.changed
        if (checked.next) ahead = { window, after: last, page: checked.next }
      }
      const again: string[] = []
      const whole: Whole = { records: [], refused: [], notices: [...found.notices, ...gathered.notices], cursor: null }
      for (const row of gathered.headers) {
        const number = numberOf(row)
        const { record, fault } = settle(
          { header: row, lines: gathered.rows.get(number) ?? [], read: found.read },
          faultsOf(number, gathered, changed, false),
        )
        if (!fault) whole.records.push(record)
        else if (fault.final) whole.refused.push(refusal(record, fault))
        else again.push(number)
      }
      if (again.length > 0) {
        const second = await byNumbers(again, request)
        whole.records.push(...second.records)
        whole.refused.push(...second.refused)
        whole.notices.push(...second.notices)
      }
      // In the order of their numbers: a resumed walk goes on behind the last one settled.
      const records = whole.records
        .map((record) => ({ record, number: String(record.number) }))
        .sort((a, b) => compareKeys([a.number], [b.number]))
      return {
        ...whole,
        records: records.map(({ record }) => record),
        cursors: records.map(({ number }) => number),
        cursor: rest.length > 0 || found.remaining > 0 ? last : null,
      }
    },
  }
}

interface Whole extends Page {
  readonly records: DataRecord[]
  readonly refused: RefusedRecord[]
  readonly notices: string[]
}

const upper = (field: string): string => field.toUpperCase()
const windowText = ({ walk, window }: PageRequest): string => `${walk} ${window.from} ${window.bound}`
const numbered = (record: DataRecord, read: number): DataRecord => {
  record._read = read
  return record
}
