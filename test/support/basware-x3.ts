/** Approved invoices of Basware's sandbox on their way to X3's, through an engine with a ledger of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../ledger/open.ts'
import { createBaswareSource, createMemory } from '../../nodes/basware/client/poll.ts'
import type { X3Connection } from '../../nodes/x3/client/connection.ts'
import type { PostingRules, SupplierRule, TaxRule } from '../../nodes/x3/client/posting/rules.ts'
import { createX3PostTarget, type X3PostOptions } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices, type WebServices } from '../../nodes/x3/client/soap/client.ts'
import { CASES } from '../../sandbox/basware/company/cases.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books } from '../../sandbox/books/types.ts'
import type { BatchMessage } from '../../sync/contract/message.ts'
import { createEngine } from '../../sync/create.ts'
import type { Json } from './basware.ts'
import { type BaswareRig, startBaswareRig } from './basware-client.ts'
import { overTheWire } from './util.ts'
import { startX3Fixture, type X3Fixture } from './x3.ts'
import { connect } from './x3-client.ts'
import { handRules, taxRule } from './x3-posting.ts'

export const place = { sync: 'invoices', entity: 'basware_invoice' }
export const anna = { by: 'anna', reason: 'looked there' }
const poster = { id: 'post', name: 'x3-post' }
const RETRY = { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 }

/** The demo company's books, as both sides have them at the beginning. */
export const booksOf = (): Books =>
  createBooks({ seed: 1, size: 'small', today: '2026-03-10', now: () => Date.parse('2026-03-10T09:00:00Z') })

/** Active accounts of a chart, as the tables below take them: the second for tax, the fourth for what is owed. */
const accountsOf = ({ tables }: Books, chart: string): string[] =>
  [...tables.account.walk()].filter((one) => one.chart === chart && one.active).map(({ code }) => code)

/** Tables of the demo company: each account is one of its chart. */
export function tablesOf(books: Books): PostingRules {
  const countries = [
    { country: 'FR', own: accountsOf(books, 'FRA') },
    { country: 'GB', own: accountsOf(books, 'ENG') },
  ]
  const taxesOf = (country: string, [, tax = '', owed = '']: readonly string[]): TaxRule[] => [
    taxRule(`${country}-S20`, { account: tax }),
    taxRule(`${country}-R05`, { account: tax, x3Code: 'RED' }),
    taxRule(`${country}-E00`, { treatment: 'none', x3Code: 'EXO' }),
    taxRule(`${country}-RC20`, { treatment: 'reverse', account: tax, owedAccount: owed, rate: '20' }),
    taxRule(`${country}-PD20`, { account: tax, deductible: '50' }),
  ]
  const suppliers: SupplierRule[] = countries.map(({ country, own }) => ({
    ...{ company: `${country}10`, supplier: '*', account: own[3] ?? '' },
  }))
  return {
    ...handRules,
    taxes: countries.flatMap(({ country, own }) => taxesOf(country, own)),
    companies: countries.map(({ country, own }) => ({
      ...{ company: `${country}10`, site: `${country}011`, accrual: '', rounding: own[4] ?? '' },
    })),
    suppliers,
  }
}

export interface InvoicesOptions {
  readonly companies?: readonly string[]
  readonly rules?: Partial<PostingRules>
  /** Absent: the web services. */
  readonly services?: (connection: X3Connection) => WebServices
  readonly post?: (connection: X3Connection) => Partial<X3PostOptions>
}

export interface InvoicesRig {
  readonly basware: BaswareRig
  readonly x3: X3Fixture
  process(options?: InvoicesOptions): Promise<Invoices>
  /** Invoices as P2P has them. */
  truth(): readonly Json[]
  caseOf(invoice: Json): string
  posted(): ReturnType<X3Fixture['x3']['soap']['accountant']['posted']>
  close(): Promise<void>
}

export type Invoices = Awaited<ReturnType<typeof startProcess>>

export async function startInvoicesRig(
  x3Options: NonNullable<Parameters<typeof startX3Fixture>[0]> = {},
  baswareOptions: Parameters<typeof startBaswareRig>[0] = {},
): Promise<InvoicesRig> {
  const basware = await startBaswareRig(baswareOptions)
  const x3 = await startX3Fixture({ ...x3Options, soap: { shape: 'wide', lateCommitMs: 300, ...x3Options.soap } })
  const closing: (() => Promise<unknown>)[] = [() => basware.close(), () => x3.x3.close()]
  const truth = (): readonly Json[] => (basware.sandbox.act('documents', {}) as { p2p: readonly Json[] }).p2p
  return {
    ...{ basware, x3, truth },
    process: (options = {}) => startProcess(basware, x3, options, closing),
    caseOf: ({ invoiceId }) =>
      CASES[truth().findIndex((one) => one.invoiceId === invoiceId) % CASES.length]?.name ?? '',
    posted: () => x3.x3.soap.accountant.posted(),
    async close() {
      for (const close of closing.splice(0).reverse()) await close()
    },
  }
}

async function startProcess(
  basware: BaswareRig,
  x3: X3Fixture,
  options: InvoicesOptions,
  closing: (() => Promise<unknown>)[],
) {
  const folder = mkdtempSync(join(tmpdir(), 'tieout-basware-x3-'))
  const { now } = basware
  const ledger = await openLedger({ file: join(folder, 'ledger.db'), key: 'test', now })
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const engine = createEngine({ ledger, log, now, retry: RETRY })
  const connection = connect(x3, { retry: RETRY, now: x3.clock.now, timeoutMs: 2000 })
  closing.push(async () => {
    await engine.close()
    await ledger.close()
    await connection.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const memory = createMemory()
  const source = () =>
    createBaswareSource(basware.connection, memory, {
      ...{ source: 'basware', companies: options.companies ?? ['FR10', 'GB10'], pageSize: 100, dateZone: '' },
      ...{ sensitive: [], visibleMs: 2000, coding: { matched: 'order', unreadable: 'row' } },
    })
  const target = targetOf(connection, x3.books, options)
  const signal = new AbortController().signal
  const progress = () => undefined
  engine.attendSource({ sync: place.sync, open: async () => source() })
  engine.attendSink({ ref: poster, target: async () => target })
  const deliver = (message: BatchMessage) =>
    engine.deliver({ ref: poster, target, message: overTheWire(message), progress, signal }).catch(() => undefined)
  return {
    ...{ ledger, engine },
    /** Test posting, start, and final vouchers from now on. */
    async begin() {
      await engine.posting.test(place, anna)
      await engine.posting.start(place, anna)
      await engine.posting.postAs(place, 'final', anna)
    },
    run: () =>
      engine.poll({
        ...{ name: place.sync, ref: { id: 'poll', name: 'basware-poll' }, source: source(), entities: [place.entity] },
        ...{ sinks: () => [poster], mustReport: 'every', mayFilter: false, receiptSeconds: 60, progress, signal },
        send: (message) => void deliver(message),
      }),
    held: async () =>
      (await ledger.held({ states: ['open'] })).map(({ key, cause }) => ({ id: key.split('|')[1], cause })),
  }
}

function targetOf(connection: X3Connection, books: Books, options: InvoicesOptions) {
  const rules = { ...tablesOf(books), ...options.rules }
  const [debit = '', credit = ''] = [rules.suppliers[0]?.account, rules.companies[0]?.rounding]
  const services =
    options.services ??
    ((own) => createWebServices(own, { url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '' }))
  return createX3PostTarget(connection, services(connection), {
    ...{ rules, publication: 'WSGAS', referenceField: '', retry: RETRY, waits: { whenAbsent: 'again' } },
    test: { site: 'FR011', entryType: 'GEN', journal: '', currency: 'EUR', debit, credit, dimensions: {} },
    ...options.post?.(connection),
  })
}
