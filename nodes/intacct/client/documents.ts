/** Whole documents: headers with all their lines, proven not to have changed between the first and the last of them. */
import { isSyncError } from '../../../sync/contract/errors.ts'
import type { DataRecord } from '../../../sync/contract/message.ts'
import type { Page, PageRequest, RefusedRecord } from '../../../sync/contract/source.ts'
import type { Zone } from './clock.ts'
import type { Fields } from './convert.ts'
import { CHANGED, EMPTY, type Fault, unbalanced, unreadable } from './document-faults.ts'
import { createHeaders, type HeaderQuery, type Headers, type WindowFilter } from './document-headers.ts'
import { createLines, type LineQuery, type Lines, type LinesRead, noLines } from './document-lines.ts'
import { compareKeys, type QueryPage, type Reading, type UnreadableRow } from './pages.ts'

/** How rows become records. */
interface Making {
  /** A document as a record; throws a `data` error where a value spoils it. */
  readonly assemble: (header: Fields, lines: readonly Fields[]) => DataRecord
  /** What is wrong with a whole document (a journal that does not balance), in words. */
  readonly faultOf: (record: DataRecord) => string | undefined
  /** Name of a document for messages. */
  readonly nameOf: (record: DataRecord) => string
}

export interface DocumentsOptions extends Making {
  readonly header: HeaderQuery
  readonly lines: LineQuery
  readonly zone: () => Promise<Zone>
}

export interface Documents {
  /** A page of documents in the order of their record numbers; `keep` leaves those out that are not of the window. */
  page(filter: WindowFilter, request: PageRequest, keep: (header: Fields) => boolean): Promise<Page>
  /** Documents by record number, whole. Missing ones are left out. */
  byNumbers(numbers: readonly string[], reading: Reading): Promise<Page>
}

/** How often a document is read before it is refused. */
const READINGS = 3

interface Parts {
  readonly headers: Headers
  readonly lines: Lines
  readonly making: Making
}

/** A page that grows. */
interface Whole extends Page {
  readonly records: DataRecord[]
  readonly refused: RefusedRecord[]
  readonly notices: string[]
}

export function createDocuments(options: DocumentsOptions): Documents {
  const headers = createHeaders(options.header, options.zone)
  const lines = createLines(options.lines, headers.numberOf)
  const parts: Parts = { headers, lines, making: options }
  return {
    byNumbers: (numbers, reading) => readByNumber(parts, numbers, reading),
    page: (filter, request, keep) => readPage(parts, filter, request, keep),
  }
}

async function readPage(
  parts: Parts,
  filter: WindowFilter,
  request: PageRequest,
  keep: (header: Fields) => boolean,
): Promise<Page> {
  const { headers, lines, making } = parts
  const kept = headers.kept(request)
  if (!kept) lines.restart()
  const found = kept ?? (await headers.page(filter, request))
  if (found.unreadable) {
    const { row } = found.unreadable
    const refused = keep(row) ? [refusedHeader(making, found.unreadable, found.read)] : []
    const cursor = found.remaining > 0 ? headers.numberOf(row) : null
    return { records: [], refused, notices: found.notices, cursor }
  }
  if (found.rows.length === 0) return { records: [], notices: [...found.notices], cursor: null }
  const wanted = found.rows.filter(keep)
  const read = wanted.length === 0 ? noLines() : await linesOf(lines, wanted, request)
  const done = read.headers.length < wanted.length ? read.headers : found.rows
  const last = headers.numberOf(done.at(-1) as Fields)
  const rest = found.rows.filter((row) => compareKeys([headers.numberOf(row)], [last]) > 0)
  const whole = newWhole(found.notices, read.notices)
  const changed = await checkAndKeep(headers, { found, read, rest, last, filter }, request)
  const again = addDocuments(parts, whole, read, { changed, read: found.read, time: 1 })
  if (again.length > 0) {
    const second = await readByNumber(parts, again, request)
    whole.records.push(...second.records)
    whole.refused.push(...second.refused)
    whole.notices.push(...second.notices)
  }
  const total = request.cursor === null ? { total: found.total } : {}
  return { ...inOrder(whole), ...total, cursor: rest.length > 0 || found.remaining > 0 ? last : null }
}

const linesOf = (lines: Lines, headers: readonly Fields[], request: PageRequest): Promise<LinesRead> =>
  request.window.from === null && request.walk === 'changed'
    ? lines.inOrder(headers, request)
    : lines.byNumber(headers, request)

/** Which documents changed since their headers were read; keeps the headers that come next. */
async function checkAndKeep(
  headers: Headers,
  {
    found,
    read,
    rest,
    last,
    filter,
  }: {
    readonly found: QueryPage
    readonly read: LinesRead
    readonly rest: readonly Fields[]
    readonly last: string
    readonly filter: WindowFilter
  },
  request: PageRequest,
): Promise<ReadonlySet<string>> {
  if (rest.length > 0) headers.keep(request, last, { ...found, rows: rest })
  if (read.headers.length === 0) return new Set()
  const next = rest.length === 0 && found.remaining > 0 ? { filter, after: last } : undefined
  const checked = await headers.check(read.headers, found.at, request, next)
  if (checked.next) headers.keep(request, last, checked.next)
  return checked.changed
}

/** In the order of their numbers: a resumed walk goes on behind the last one settled. */
function inOrder(whole: Whole): Page {
  const records = whole.records
    .map((record) => ({ record, number: String(record.number) }))
    .sort((a, b) => compareKeys([a.number], [b.number]))
  return { ...whole, records: records.map(({ record }) => record), cursors: records.map(({ number }) => number) }
}

async function readByNumber(parts: Parts, numbers: readonly string[], reading: Reading): Promise<Whole> {
  const { headers, lines, making } = parts
  const whole = newWhole()
  let left: readonly string[] = [...new Set(numbers)]
  for (let time = 1; left.length > 0; time++) {
    const found = await headers.byNumber(left, reading)
    whole.refused.push(...found.unreadable.map((row) => refusedHeader(making, row, found.read)))
    const again: string[] = []
    for (let rest = found.rows; rest.length > 0; ) {
      const read = await lines.byNumber(rest, reading)
      rest = rest.slice(read.headers.length)
      const { changed } = await headers.check(read.headers, found.at, reading)
      whole.notices.push(...read.notices)
      again.push(...addDocuments(parts, whole, read, { changed, read: found.read, time }))
    }
    whole.notices.push(...found.notices)
    left = again
  }
  return whole
}

/** Adds what is whole, and what cannot be had; gives the numbers of the documents to be read once more. */
function addDocuments(
  { headers, making }: Parts,
  whole: Whole,
  lines: LinesRead,
  { changed, read, time }: { readonly changed: ReadonlySet<string>; readonly read: number; readonly time: number },
): string[] {
  const again: string[] = []
  for (const header of lines.headers) {
    const number = headers.numberOf(header)
    const rows = lines.rows.get(number)
    // Without lines it may have been deleted since its header was read.
    const missing = time === 1 && rows === undefined ? EMPTY : undefined
    const before = lines.unfit.get(number) ?? (changed.has(number) ? CHANGED : missing)
    const { record, fault } = toRecord(making, header, rows ?? [], before)
    record._read = read
    if (!fault) whole.records.push(record)
    else if (fault.final || time === READINGS) whole.refused.push(refusal(making, record, fault))
    else again.push(number)
  }
  return again
}

/** A document as a record, and what is wrong with it. */
function toRecord(
  { assemble, faultOf }: Making,
  header: Fields,
  lines: readonly Fields[],
  before: Fault | undefined,
): { record: DataRecord; fault: Fault | undefined } {
  let record: DataRecord
  try {
    record = assemble(header, before?.final ? [] : lines)
  } catch (error) {
    if (!isSyncError(error) || error.cause.class !== 'data') throw error
    const { code, message } = error
    const hint = 'Correct it in Intacct; it is read again when it changes.'
    return { record: assemble(header, []), fault: { code, message, hint } }
  }
  const wrong = before ? undefined : faultOf(record)
  return { record, fault: wrong === undefined ? before : unbalanced(wrong) }
}

const refusal = ({ nameOf }: Making, record: DataRecord, { code, message, hint }: Fault): RefusedRecord => ({
  record,
  code,
  message: `${nameOf(record)}: ${message}`,
  ...(hint ? { hint } : {}),
})

/** A header that cannot be had whole, by its number. */
function refusedHeader(making: Making, header: UnreadableRow, read: number): RefusedRecord {
  const record = making.assemble(header.row, [])
  record._read = read
  return refusal(making, record, unreadable(header))
}

const newWhole = (...notices: (readonly string[])[]): Whole => ({
  records: [],
  refused: [],
  notices: notices.flat(),
  cursor: null,
})
