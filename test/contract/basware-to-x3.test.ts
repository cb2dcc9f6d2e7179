/** Approved invoices from Basware's sandbox to the ledger of X3's, through the engine with a ledger of its own. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLedger } from '../../ledger/open.ts'
import { createBaswareSource, createMemory } from '../../nodes/basware/client/poll.ts'
import type { PostingRules, SupplierRule, TaxRule } from '../../nodes/x3/client/posting/rules.ts'
import { createX3PostTarget } from '../../nodes/x3/client/posting/target.ts'
import { createWebServices } from '../../nodes/x3/client/soap/client.ts'
import { CASES } from '../../sandbox/basware/company/cases.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import type { BatchMessage } from '../../sync/contract/message.ts'
import { createEngine } from '../../sync/create.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'
import { overTheWire } from '../support/util.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect } from '../support/x3-client.ts'
import { handRules, taxRule } from '../support/x3-posting.ts'

const place = { sync: 'invoices', entity: 'basware_invoice' }
const anna = { by: 'anna', reason: 'looked there' }
const poster = { id: 'post', name: 'x3-post' }
/** What the node's tables leave to a person, by the case of the sandbox. */
const HELD: Readonly<Record<string, RegExp>> = {
  'payment block': /x3\.post-payment-block/,
  'unknown cost centre': /x3\.refused/,
  'inactive account': /x3\.refused/,
  'no account': /x3\.post-account/,
  'period of a year ago': /x3\.refused/,
  'rows that cancel out': /x3\.post-gross/,
  prebooked: /basware\.prebooked/,
  'voucher number typed in Basware': /basware\.voucher/,
}

describe('invoices from Basware to the ledger of X3', function () {
  this.timeout(120_000)
  let basware: BaswareRig
  let x3: X3Fixture
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    basware = await startBaswareRig()
    x3 = await startX3Fixture({ soap: { shape: 'wide', lateCommitMs: 300 } })
    closing.push(
      () => basware.close(),
      () => x3.x3.close(),
    )
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** Tables of the demo company: each account is one of its chart. */
  function tables(): PostingRules {
    const accounts = (chart: string) =>
      [...x3.books.tables.account.walk()].filter((one) => one.chart === chart && one.active).map(({ code }) => code)
    const countries = [
      { country: 'FR', own: accounts('FRA') },
      { country: 'GB', own: accounts('ENG') },
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

  async function process() {
    const folder = mkdtempSync(join(tmpdir(), 'tieout-basware-x3-'))
    const now = basware.now
    const ledger = await openLedger({ file: join(folder, 'ledger.db'), key: 'test', now })
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const retry = { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 }
    const engine = createEngine({ ledger, log, now, retry })
    const memory = createMemory()
    const source = () =>
      createBaswareSource(basware.connection, memory, {
        ...{
          source: 'basware',
          companies: ['FR10', 'GB10'],
          pageSize: 100,
          dateZone: '',
          sensitive: [],
          visibleMs: 2000,
        },
        coding: { matched: 'order', unreadable: 'row' },
      })
    const connection = connect(x3, { retry, now: x3.clock.now, timeoutMs: 2000 })
    const services = createWebServices(connection, { url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '' })
    const rules = tables()
    const [site = '', debit = '', credit = ''] = ['FR011', rules.suppliers[0]?.account, rules.companies[0]?.rounding]
    const target = createX3PostTarget(connection, services, {
      ...{ rules, publication: 'WSGAS', referenceField: '', retry, waits: { whenAbsent: 'again' } },
      test: { site, entryType: 'GEN', journal: '', currency: 'EUR', debit, credit, dimensions: {} },
    })
    const signal = new AbortController().signal
    const progress = () => undefined
    closing.push(async () => {
      await engine.close()
      await ledger.close()
      await connection.close()
      rmSync(folder, { recursive: true, force: true })
    })
    engine.attendSource({ sync: place.sync, open: async () => source() })
    engine.attendSink({ ref: poster, target: async () => target })
    const deliver = (message: BatchMessage) =>
      engine.deliver({ ref: poster, target, message: overTheWire(message), progress, signal }).catch(() => undefined)
    return {
      ...{ ledger, engine },
      run: () =>
        engine.poll({
          ...{
            name: place.sync,
            ref: { id: 'poll', name: 'basware-poll' },
            source: source(),
            entities: [place.entity],
          },
          ...{ sinks: () => [poster], mustReport: 'every', mayFilter: false, receiptSeconds: 60, progress, signal },
          send: (message) => void deliver(message),
        }),
      held: async () =>
        (await ledger.held({ states: ['open'] })).map(({ key, cause }) => ({ id: key.split('|')[1], cause })),
    }
  }
  const truth = (): readonly Json[] => (basware.sandbox.act('documents', {}) as { p2p: readonly Json[] }).p2p
  const caseOf = ({ invoiceId }: Json): string =>
    CASES[truth().findIndex((one) => one.invoiceId === invoiceId) % CASES.length]?.name ?? ''
  const posted = () => x3.x3.soap.accountant.posted()

  it('are each in it once, balanced, on account and cost centre, or held with a reason; what is final is answered', async () => {
    x3.x3.soap.accountant.closeBefore('2025-12-01')
    const { engine, run, held } = await process()
    await engine.posting.test(place, anna)
    await engine.posting.start(place, anna)
    await engine.posting.postAs(place, 'final', anna)
    const waiting = truth().filter((one) => one.processingStatus === 'WaitingForTransfer' && one.companyCode !== 'IE10')
    const summary = await run()
    const left = await held()
    const byReference = new Map(posted().map((one) => [one.header.REFINT, one]))
    strictEqual(byReference.size, posted().length, 'no reference twice')
    strictEqual(posted().length + left.length, waiting.length, JSON.stringify(summary.entities[0]))
    ok(posted().length > 30, String(posted().length))
    for (const { key } of posted()) {
      const { lines = [] } = x3.books.tables.journalEntry.get(key) ?? {}
      const sum = lines.reduce(
        (all, { sign, ledgerAmount }) => all + sign * Math.round(Number(ledgerAmount) * 10_000),
        0,
      )
      strictEqual(sum, 0, key)
      const owed = lines.filter(({ businessPartner }) => businessPartner !== null)
      strictEqual(owed.length, 1, key)
    }
    const isHeld = (one: Json): boolean => left.some(({ id }) => id === one.invoiceId)
    for (const one of waiting) {
      const words = HELD[caseOf(one)]
      const cause = left.find(({ id }) => id === one.invoiceId)?.cause
      if (words) match(cause?.code ?? 'posted', words, caseOf(one))
      // An order that Basware has twice may be that of any matched invoice.
      else strictEqual(cause?.code ?? '', isHeld(one) ? 'basware.two-orders' : '', caseOf(one))
    }
    await engine.posting.look()
    const transferred = truth().filter(
      (one) => one.processingStatus === 'Transferred' && one.voucherNumber2 === 'BPSIN',
    )
    deepStrictEqual(
      transferred.map((one) => `${one.voucherNumber2}|${one.voucherNumber1}`).sort(),
      posted()
        .map(({ key }) => key)
        .sort(),
    )
    const owes = new Map(transferred.map((one) => [`BPSIN|${one.voucherNumber1}`, one]))
    for (const { key } of posted()) {
      const owed = x3.books.tables.journalEntry.get(key)?.lines.find(({ businessPartner }) => businessPartner !== null)
      const invoice = owes.get(key)
      strictEqual(-Number(owed?.sign) * Number(owed?.amount), invoice?.grossSum, key)
      strictEqual(owed?.businessPartner, invoice?.supplierCode)
    }
  })
  it('are in it once whatever becomes of requests and answers, and none is lost', async () => {
    x3.x3.soap.accountant.closeBefore('2025-12-01')
    const { engine, ledger, run, held } = await process()
    await engine.posting.test(place, anna)
    await engine.posting.start(place, anna)
    await engine.posting.postAs(place, 'final', anna)
    const delays = { slowMs: 5, timeoutMs: 30, retryAfterSeconds: 1 }
    const plan = createFaults('hostile', 3, SOAP_SITES, delays)
    x3.x3.setFaults(plan)
    const waiting = truth().filter((one) => one.processingStatus === 'WaitingForTransfer' && one.companyCode !== 'IE10')
    let doubted = 0
    for (let round = 0; round < 12; round++) {
      await run()
      doubted += (await ledger.attempts()).length
      // Commits that come late are in long before the settling wait is over.
      await delay(400)
      basware.pass(25 * 60_000)
      await engine.posting.look()
      if ((await ledger.attempts()).length === 0 && plan.pending().length === 0) break
    }
    deepStrictEqual(await ledger.attempts(), [])
    ok(doubted > 3, `${doubted} were in doubt`)
    plan.stop()
    await run()
    await engine.posting.look()
    const references = posted().map(({ header }) => header.REFINT)
    strictEqual(new Set(references).size, references.length, 'no journal twice')
    const left = (await held()).filter(({ cause }) => /^(x3\.(post|refused)|basware)/.test(cause.code))
    strictEqual(references.length + left.length, waiting.length)
    const transferred = truth().filter(
      (one) => one.processingStatus === 'Transferred' && one.voucherNumber2 === 'BPSIN',
    )
    strictEqual(transferred.length, references.length)
  })
})
