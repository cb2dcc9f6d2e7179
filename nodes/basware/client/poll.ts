/** Basware as a source of the engine: approved invoices that are taken over, and answered when they are posted. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { Inbox } from '../../../sync/contract/inbox.ts'
import type { DataRecord } from '../../../sync/contract/message.ts'
import type { EntityPlan, Page, RefusedRecord, Source } from '../../../sync/contract/source.ts'
import type { Preview } from '../../../vendor/report.ts'
import { answerAll, type Requests, stillOurs } from './answer.ts'
import { approved, type CodingRules, codingsOf } from './coding.ts'
import type { BaswareConnection } from './connection.ts'
import { type Converter, compileConverter } from './convert.ts'
import { ENTITY, schemaOf } from './entities.ts'
import { heldAt, movedTo } from './gate.ts'
import { listInvoices, type Reading, readInvoice } from './invoices.ts'
import { idOf, keyOf, revisionOf } from './keys.ts'
import { createOrderBook, createOrders, type OrderBook, type Orders } from './orders.ts'
import { storedInvoice } from './replies.ts'
import { createHaulage, type Haul, type Haulage, type Kept, type Taken } from './take.ts'

export interface BaswareSourceOptions {
  /** Value of the `source` column. */
  readonly source: string
  /** Company codes of Basware that are read, and no others. */
  readonly companies: readonly string[]
  /** Invoices of a page, at most 100. */
  readonly pageSize: number
  readonly coding: CodingRules
  /** IANA name of the zone whose day a date with a time of day means; empty: as it stands there. */
  readonly dateZone: string
  /** Names of sensitive columns that were chosen. */
  readonly sensitive: readonly string[]
  /** Longest wait, ms, until Basware shows what it has acknowledged. */
  readonly visibleMs: number
  /** Told what a retry waits for. */
  readonly waiting?: (what: string) => void
}

const PREVIEWED = 10

/** What runs of a connection share. */
export interface BaswareMemory {
  readonly orders: OrderBook
  readonly requests: Requests
  /** Of the run that goes on, or the last one: matched rows whose order's coding could not be read, and their invoices. */
  unreadable: { rows: number; invoices: number }
}

export const createMemory = (): BaswareMemory => ({
  ...{ orders: createOrderBook(), requests: new Map(), unreadable: { rows: 0, invoices: 0 } },
})

/** What a person should see to, in words; undefined: every order could be read. */
export const unreadableText = ({ unreadable: { rows, invoices } }: BaswareMemory): string | undefined =>
  rows === 0
    ? undefined
    : `order not readable: ${rows} matched row${rows === 1 ? '' : 's'} of ${invoices} invoice${invoices === 1 ? '' : 's'} took the coding that was approved`

/** Differences between a row and its order that are told one by one. */
const TOLD = 20

export function createBaswareSource(
  connection: BaswareConnection,
  memory: BaswareMemory,
  options: BaswareSourceOptions,
): Source {
  const { waiting } = options
  const reading = (signal: AbortSignal): Reading => ({ connection, signal, waiting })
  return {
    address: connection.address,
    async clock(signal) {
      // Any reply tells the time.
      await connection.get('/v1/requestStatus', {
        ...{ what: 'The clock of Basware', scope: 'requestStatus.read', signal, query: { pageSize: '1' }, waiting },
      })
      return new Date(Math.floor(connection.clock.now() / 1000) * 1000).toISOString().replace('.000Z', 'Z')
    },
    async plan(entity, _signal, inbox) {
      if (entity !== ENTITY) throw syncError('config', 'basware.entity', `There is no entity ${entity}`, { entity })
      if (!inbox)
        throw syncError(
          'config',
          'basware.inbox',
          `${ENTITY}: invoices are taken over only where they are posted and answered`,
          {
            hint: 'Wire the node to one that posts, such as x3-post.',
          },
        )
      return planOf(connection, memory, options, inbox)
    },
    stillOurs: (keys, signal) => stillOurs(keys, reading(signal)),
    answer: (answers, signal) => answerAll(answers, reading(signal), memory.requests),
    requests: () => connection.requests(),
  }
}

/** Up to ten invoices as they would be handed on, and what would be held; nothing is acknowledged. */
export async function previewInvoices(
  connection: BaswareConnection,
  options: BaswareSourceOptions,
  signal: AbortSignal,
): Promise<Preview> {
  const reading: Reading = { connection, signal }
  const orders = createOrders(createOrderBook())
  const convert = compileConverter(options)
  const records: DataRecord[] = []
  const notices: string[] = []
  for (const company of options.companies) {
    const { value: page = [] } = await listInvoices(reading, company, 'WaitingForTransfer', PREVIEWED).next()
    for (const invoice of page) {
      const { of, held, differences } = await codingsOf(invoice, options.coding, orders, reading)
      const why = heldAt(invoice, undefined) ?? held
      records.push(convert(invoice, 0, of))
      notices.push(...differences, ...(why ? [`${why.message}. It would be held`] : []))
    }
    if (records.length >= PREVIEWED) break
  }
  return { schema: schemaOf(options.sensitive), records: records.slice(0, PREVIEWED), notices }
}

/** An invoice of the inbox with the columns of its record, as it was written down; undefined: it is none. */
export function storedRecord(document: unknown, dateZone: string): DataRecord | undefined {
  const invoice = storedInvoice(document)
  return invoice && compileConverter({ source: '', sensitive: [], dateZone })(invoice, 0, approved)
}

/** What the pages of a run are made with. */
interface Pages {
  readonly options: BaswareSourceOptions
  readonly convert: Converter
  readonly orders: Orders
  readonly notices: string[]
  readonly memory: BaswareMemory
}

function planOf(
  connection: BaswareConnection,
  memory: BaswareMemory,
  options: BaswareSourceOptions,
  inbox: Inbox,
): EntityPlan {
  const { source, companies, pageSize, visibleMs, waiting } = options
  const notices: string[] = []
  memory.unreadable = { rows: 0, invoices: 0 }
  const pages: Pages = {
    options,
    notices,
    memory,
    convert: compileConverter(options),
    orders: createOrders(memory.orders),
  }
  const haulage = createHaulage({
    ...{ inbox, companies, pageSize, visibleMs, lanes: connection.concurrency },
    keyOf: (id) => keyOf(source, id),
    note: (text) => void notices.push(text),
  })
  const schema = schemaOf(options.sensitive)
  return {
    ...{ entity: ENTITY, schema, source, walks: ['approved'], granularity: 'none', lagSeconds: 0, overlapSeconds: 0 },
    totals: { list: '', amounts: ['net_amount', 'tax_amount', 'gross_amount'], by: ['company', 'currency'] },
    readPage: pageReader(haulage, pages, (signal) => ({ connection, signal, waiting })),
    readKeys: keyReader(pages, (signal) => ({ connection, signal, waiting })),
  }
}

/** Invoices by their key, as they are now: those that are ours and in transfer go on, of the others it is said why not. */
const keyReader =
  (pages: Pages, readingOf: (signal: AbortSignal) => Reading): NonNullable<EntityPlan['readKeys']> =>
  async (keys, nextRead, signal) => {
    const reading = readingOf(signal)
    const taken: Taken[] = []
    const kept: Kept[] = []
    for (const key of keys) {
      let read = 0
      const invoice = await readInvoice(reading, idOf(key), () => {
        read = nextRead()
      })
      const revision = revisionOf(key)
      const held = movedTo(invoice, key)
      if (held) kept.push({ ...held, key, revision, invoice })
      else if (invoice) taken.push({ invoice, revision, read })
    }
    const page = await pageOf({ taken, kept }, pages, reading)
    return { ...page, notices: pages.notices.splice(0), cursor: null }
  }

/** A cursor means nothing but *there is more*: after a crash the inbox says where to go on, not a token of Basware. */
function pageReader(
  haulage: Haulage,
  pages: Pages,
  readingOf: (signal: AbortSignal) => Reading,
): EntityPlan['readPage'] {
  let count = 0
  const begun = Date.now()
  return async ({ nextRead, signal }) => {
    const reading = readingOf(signal)
    const haul = await haulage(reading, nextRead)
    const page = haul ? await pageOf(haul, pages, reading) : { records: [] }
    const unreadable = haul ? undefined : unreadableText(pages.memory)
    if (unreadable) pages.notices.push(unreadable)
    count += 1
    return { ...page, notices: pages.notices.splice(0), cursor: haul ? `${begun}:${count}` : null }
  }
}

async function pageOf(
  { taken, kept }: Haul,
  pages: Pages,
  reading: Reading,
): Promise<Pick<Page, 'records' | 'refused'>> {
  const { options, convert, orders, notices, memory } = pages
  const records: DataRecord[] = []
  const refused = kept.map((one) => refusedOf(one, pages))
  for (const { invoice, revision, read } of taken) {
    const { of, held, differences } = await codingsOf(invoice, options.coding, orders, reading)
    const record: DataRecord = { ...convert(invoice, revision, of), _read: read }
    if (held) refused.push({ record, ...held })
    else {
      records.push(record)
      const rows = Number(record.orders_not_readable)
      memory.unreadable.rows += rows
      memory.unreadable.invoices += rows > 0 ? 1 : 0
    }
    notices.push(...differences.slice(0, TOLD))
    if (differences.length > TOLD)
      notices.push(`... and ${differences.length - TOLD} more rows of ${invoice.invoiceId}`)
  }
  return { records, refused }
}

function refusedOf({ invoice, key, revision, ...held }: Kept, { convert, options }: Pages): RefusedRecord {
  const bare = { _row: 0, source: options.source, id: idOf(key), revision, lines: [] }
  return { record: invoice ? convert(invoice, revision, approved) : bare, ...held }
}
