/** Rows of push tables: POST and DELETE. */
import type { DuckDBValue } from '@duckdb/node-api'
import { json, type Reply } from '../http.ts'
import type { Dataset, Table } from './api.ts'
import { badRequest, type Detail, failure, messageOnly, refuse } from './errors.ts'
import { beyond, createPushBook, type Overrun, overrun, type PushBook } from './limits.ts'
import { pushTable, rowCount } from './models.ts'
import { type Call, countKey, nothing, type Service } from './service.ts'
import { type DataType, dataType, stored, wrong } from './values.ts'

type Place = readonly [dataset: string, table: string]

function bookOf(service: Service, dataset: string): PushBook {
  let book = service.books.get(dataset)
  if (!book) {
    book = createPushBook()
    service.books.set(dataset, book)
  }
  return book
}

/** `POST .../tables/{t}/rows`: all rows are taken, or none. */
export async function postRows(service: Service, workspace: string, place: Place, call: Call): Promise<Reply> {
  const { dataset, table } = pushTable(service, workspace, ...place)
  const book = bookOf(service, dataset.id)
  const { limits, assumed } = service.tuning
  book.pending += 1
  try {
    if (beyond(book.pending, limits.pendingPosts)) {
      throw refuse(
        messageOnly(assumed.tooOften.status, 'Too many POST rows requests are pending for this dataset.', {
          'retry-after': '1',
        }),
      )
    }
    if (beyond(call.body.length, limits.bytesPerPost)) {
      const { status, code } = assumed.tooLarge
      throw refuse(
        failure(status, code, `The request has ${call.body.length} bytes; the limit is ${limits.bytesPerPost}.`),
      )
    }
    const rows = readRows(call.body)
    checkSize(service, rows.length, dataset, table)
    const columns = readColumns(rows, table, service)
    await service.pause()
    const sequence = sequenceOf(service, countKey(dataset.id, table.name), call)
    checkRates(service, dataset, book, rows.length)
    // It counts from now on: what comes meanwhile must find it in the books.
    const now = service.now()
    book.posts.add(now)
    book.rows.add(now, rows.length)
    await keep(service, { dataset, table, rows: rows.length, bytes: call.body.length, columns })
    if (sequence !== undefined) service.sequences.set(countKey(dataset.id, table.name), sequence)
    await service.pause()
    return nothing()
  } finally {
    book.pending -= 1
  }
}

async function keep(
  service: Service,
  made: {
    dataset: Dataset
    table: Table
    rows: number
    bytes: number
    columns: ReadonlyMap<string, readonly DuckDBValue[]>
  },
): Promise<void> {
  const { dataset, table, rows, bytes, columns } = made
  const at = Math.floor(service.now())
  const { visibleAfterMs, limits } = service.tuning
  const [least, most] = typeof visibleAfterMs === 'number' ? [visibleAfterMs, visibleAfterMs] : visibleAfterMs
  const visibleAt = Math.ceil(at + least + Math.random() * (most - least))
  await service.store.append({ post: { at, dataset: dataset.id, table: table.name, rows, bytes, visibleAt }, columns })
  service.totals.posts += 1
  service.totals.rows += rows
  const key = countKey(dataset.id, table.name)
  const count = (service.counts.get(key) ?? 0) + rows
  service.counts.set(key, count)
  if (dataset.retention === 'basicFIFO' && count > limits.fifoUpper) {
    await service.store.clear(dataset.id, table.name, at, limits.fifoRows)
    service.counts.set(key, limits.fifoRows)
  }
}

function readRows(body: Buffer): Record<string, unknown>[] {
  const parsed = parse(body.toString())
  const rows = typeof parsed === 'object' && parsed !== null && 'rows' in parsed ? parsed.rows : undefined
  const isRow = (row: unknown): row is Record<string, unknown> =>
    typeof row === 'object' && row !== null && !Array.isArray(row)
  if (!Array.isArray(rows) || !rows.every(isRow)) {
    throw refuse(badRequest("The body must have the property 'rows' with a list of objects.", 'rows'))
  }
  return rows
}

/** Whole numbers beyond 2^53 keep their digits, as Int64 does. */
function parse(text: string): unknown {
  try {
    if (!/[:\s]-?(?:9\d{15}|\d{17})/.test(text)) return JSON.parse(text)
    const reviver = (_: string, value: unknown, context?: { source?: string }): unknown =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
        ? context?.source
        : value
    return JSON.parse(text, reviver)
  } catch {
    throw refuse(failure(400, 'BadRequest', 'The request body is not valid JSON.'))
  }
}

function checkSize(service: Service, rows: number, dataset: Dataset, table: Table): void {
  const { limits, assumed } = service.tuning
  const refused = ({ status, code }: { status: number; code: string }, message: string) =>
    refuse(failure(status, code, 'Bad Request', [{ message, target: 'rows' }]))
  if (beyond(rows, limits.rowsPerPost)) {
    throw refused(assumed.tooMuch, `The request has ${rows} rows; the limit is ${limits.rowsPerPost} rows per request.`)
  }
  const full = rowCount(service, dataset.id, table.name) + rows
  if (dataset.retention === 'None' && beyond(full, limits.rowsPerTable)) {
    throw refused(assumed.tableFull, `Table '${table.name}' can hold ${limits.rowsPerTable} rows.`)
  }
}

function readColumns(
  rows: readonly Record<string, unknown>[],
  table: Table,
  service: Service,
): Map<string, DuckDBValue[]> {
  const { assumed, limits } = service.tuning
  const columns = new Map<string, { reading: Reading; values: DuckDBValue[]; last: unknown; made: DuckDBValue }>()
  for (const { name, dataType: spelling } of table.columns) {
    const reading = { type: dataType(spelling) ?? 'String', limits, assumed } as const
    columns.set(name, { reading, values: Array<null>(rows.length).fill(null), last: null, made: null })
  }
  for (const [index, row] of rows.entries()) {
    for (const name in row) {
      const column = columns.get(name)
      if (!column) {
        if (assumed.unknownColumn === 'ignore') continue
        throw refuse(
          badRequest(`The property '${name}' of row ${index} does not exist on table '${table.name}'.`, 'rows'),
        )
      }
      const value = row[name]
      // Columns repeat themselves: what was read once need not be read again.
      if (value !== column.last) {
        column.made = readValue(value, name, index, column.reading)
        column.last = value
      }
      column.values[index] = column.made
    }
  }
  return new Map([...columns].map(([name, { values }]) => [name, values]))
}

type Reading = Pick<Service['tuning'], 'limits' | 'assumed'> & { type: DataType }

function readValue(value: unknown, name: string, index: number, { type, limits, assumed }: Reading): DuckDBValue {
  const made = stored(value, type)
  if (made === wrong) {
    if (assumed.wrongType === 'blank') return null
    throw refuse(badRequest(`The value of '${name}' in row ${index} cannot be converted to ${type}.`, 'rows'))
  }
  if (typeof made === 'string' && beyond(made.length, limits.textLength)) {
    const { status, code } = assumed.tooMuch
    const detail: Detail = {
      message: `The value of '${name}' in row ${index} has ${made.length} characters; the limit is ${limits.textLength}.`,
      target: 'rows',
    }
    throw refuse(failure(status, code, 'Bad Request', [detail]))
  }
  return made
}

function checkRates(service: Service, dataset: Dataset, book: PushBook, rows: number): void {
  const { limits, assumed } = service.tuning
  const big = dataset.tables.some(({ name }) => rowCount(service, dataset.id, name) >= limits.bigTableRows)
  const over = overrun(book, service.now(), rows, limits, big)
  if (over) throw refuse(tooMany(over, assumed.tooOften.status))
}

function tooMany({ what, seconds }: Overrun, status: number): Reply {
  const wait = { 'retry-after': String(seconds) }
  if (what === 'posts')
    return messageOnly(status, 'Too many POST rows requests for this dataset. Please retry later.', wait)
  const reply = failure(
    429,
    'TooManyRequests',
    'You are over your rows per hour limit for this dataset. To push more rows per hour, upgrade your account to Power BI Pro or retry your push later.',
  )
  return { ...reply, headers: { ...reply.headers, ...wait } }
}

/** `X-PowerBI-PushData-SequenceNumber`, where the sandbox plays a service that knows it. */
function sequenceOf(service: Service, key: string, { headers }: Call): number | undefined {
  const given = headers['x-powerbi-pushdata-sequencenumber']
  const mode = service.tuning.assumed.sequenceNumbers
  if (mode === 'off' || typeof given !== 'string') return undefined
  const number = Number(given)
  const before = service.sequences.get(key)
  if (!Number.isInteger(number))
    throw refuse(badRequest('The sequence number must be a whole number.', 'X-PowerBI-PushData-SequenceNumber'))
  if (mode === 'refuses' && before !== undefined && number <= before) {
    throw refuse(
      badRequest(`The sequence number ${number} is not above ${before}.`, 'X-PowerBI-PushData-SequenceNumber'),
    )
  }
  return number
}

/** `GET .../sequenceNumbers`: not in today's contract; off unless told. */
export function sequenceNumbers(service: Service, workspace: string, place: Place): Reply {
  const { dataset, table } = pushTable(service, workspace, ...place)
  if (service.tuning.assumed.sequenceNumbers === 'off')
    throw refuse(failure(404, 'ItemNotFound', 'No HTTP resource was found.'))
  const last = service.sequences.get(countKey(dataset.id, table.name))
  return json(200, { value: last === undefined ? [] : [{ clientId: service.clientId, sequenceNumber: last }] })
}

/** `DELETE .../tables/{t}/rows`: all of them. */
export async function deleteRows(service: Service, workspace: string, place: Place): Promise<Reply> {
  const { dataset, table } = pushTable(service, workspace, ...place)
  await service.store.clear(dataset.id, table.name, Math.floor(service.now()))
  service.counts.set(countKey(dataset.id, table.name), 0)
  return nothing()
}
