/** Basware's sandbox, the real ledger and engine, and an ERP in memory: each approved invoice posted once, and answered. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ledger } from '../../ledger/ledger.ts'
import { openLedger } from '../../ledger/open.ts'
import { createBaswareSource, createMemory } from '../../nodes/basware/client/poll.ts'
import { BASWARE_SITES } from '../../sandbox/basware/server.ts'
import { createFaults } from '../../sandbox/faults.ts'
import type { Engine } from '../../sync/contract/engine.ts'
import type { BatchMessage } from '../../sync/contract/message.ts'
import type { PostTarget } from '../../sync/contract/posting.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import type { WriteRecord } from '../../sync/contract/target.ts'
import { createEngine } from '../../sync/create.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'
import { createErp, type Erp } from '../support/posting-erp.ts'
import { overTheWire } from '../support/util.ts'

const COMPANIES = ['FR10', 'FR20', 'GB10', 'US10', 'DE10', 'ZA10', 'CA10']
const place = { sync: 'basware-to-erp', entity: 'basware_invoice' }
const anna = { by: 'anna', reason: 'looked there' }

describe('invoices of Basware through the engine', function () {
  this.timeout(120_000)
  let folder: string
  let rig: BaswareRig
  let erp: Erp
  let ledger: Ledger
  let engine: Engine
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tieout-basware-'))
    rig = await startBaswareRig()
    erp = createErp()
    ledger = await openLedger({ file: join(folder, 'ledger.db'), key: 'test', now: rig.now })
    await begin()
    await engine.posting.test(place, anna)
    await engine.posting.start(place, anna)
    await engine.posting.postAs(place, 'final', anna)
  })
  afterEach(async () => {
    await engine.close()
    await rig.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const { signal } = new AbortController()
  const ref = { id: 'post-1', name: 'erp-post' }
  /** The ERP in memory takes what it posts from a column `amount`. */
  const target = (): PostTarget => {
    const one = erp.target()
    const priced = (record: WriteRecord): WriteRecord => ({
      ...record,
      record: { ...record.record, amount: record.record.gross_amount ?? null },
    })
    return {
      ...one,
      check: (record, context) => one.check(priced(record), context),
      post: (record, intent, context) => one.post(priced(record), intent, context),
    }
  }
  const source = () =>
    createBaswareSource(rig.connection, createMemory(), {
      ...{ source: 'basware', companies: COMPANIES, pageSize: 100, dateZone: '', sensitive: [], visibleMs: 500 },
      coding: { matched: 'order', unreadable: 'row' },
    })
  async function begin(): Promise<void> {
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const retry = { attempts: 3, firstDelayMs: 1, maxDelayMs: 2 }
    engine = createEngine({ ledger, log: quiet, now: rig.now, retry })
    engine.attendSource({ sync: place.sync, open: async () => source() })
    engine.attendSink({ ref, target: async () => target() })
  }
  const deliver = (message: BatchMessage): Promise<unknown> =>
    engine
      .deliver({ ref, target: target(), message: overTheWire(message), progress: () => undefined, signal })
      .catch(() => undefined)
  const run = (): Promise<RunSummary> =>
    engine.poll({
      ...{ name: place.sync, ref: { id: 'poll-1', name: 'basware-poll' }, source: source(), entities: [place.entity] },
      ...{ sinks: () => [ref], mustReport: 'every', mayFilter: false, receiptSeconds: 5, progress: () => undefined },
      ...{ send: (message: BatchMessage) => void deliver(message), signal },
    })
  /** A run, and what is done without one: looking up and answering. */
  const round = async (): Promise<void> => {
    await run()
    rig.pass(400_000)
    await engine.posting.look()
    await engine.posting.look()
  }
  const truth = (): readonly Json[] => (rig.sandbox.act('documents', {}) as { p2p: readonly Json[] }).p2p
  const invoice = (id: unknown): Json => truth().find(({ invoiceId }) => invoiceId === id) as Json
  const approve = (like = 'coded by hand'): string =>
    (rig.sandbox.act('approve', { like }) as { invoiceIds: [string] }).invoiceIds[0]
  const item = async (id: string) => (await ledger.inboxEntries({ keys: [`basware|${id}`] }))[0]
  const vouchers = (id: string) => erp.vouchers.filter(({ key }) => key === `basware|${id}|0`)

  it('is posted once and answered with its voucher, until P2P has confirmed it', async () => {
    const waiting = truth().filter(
      (one) => one.processingStatus === 'WaitingForTransfer' && COMPANIES.includes(String(one.companyCode)),
    )
    await round()
    await round()
    const held = new Set((await ledger.held({ states: ['open'] })).map(({ key }) => key))
    for (const { invoiceId } of waiting) {
      const id = String(invoiceId)
      if (held.has(`basware|${id}|0`)) continue
      strictEqual(vouchers(id).length, 1, id)
      deepStrictEqual(
        [invoice(id).processingStatus, invoice(id).voucherNumber1, invoice(id).voucherNumber2],
        ['Transferred', vouchers(id)[0]?.number, 'GEN'],
      )
      strictEqual((await item(id))?.state, 'confirmed')
    }
    ok(waiting.length - held.size > 30)
    ok([...held].every((key) => vouchers(key.split('|')[1] ?? '').length === 0))
  })

  it('that is transferred anew is answered again with the voucher that it has, and never posted twice', async () => {
    const [same, changed] = [approve(), approve()]
    await round()
    const before = vouchers(same)[0]?.number
    for (const id of [same, changed]) rig.sandbox.act('retransfer', { invoiceId: id })
    rig.sandbox.act('change', { invoiceId: changed, fields: { grossSum: 4711 } })
    await round()
    await round()
    deepStrictEqual([vouchers(same).length, vouchers(changed).length], [1, 1])
    deepStrictEqual([invoice(same).processingStatus, invoice(same).voucherNumber1], ['Transferred', before])
    const answers = (await rig.invoice(same)).transferResponses as readonly Json[]
    strictEqual(new Set(answers.map(({ externalCode }) => externalCode)).size, 2)
    strictEqual(invoice(changed).processingStatus, 'TransferInProgress')
    const held = await ledger.held({ states: ['open'] })
    match(held.find(({ key }) => key === `basware|${changed}|0`)?.cause.message ?? '', /chang/i)
  })

  it('that somebody took away between reading and posting is not posted', async () => {
    const id = approve()
    const own = target()
    const { check } = own
    const taken = {
      ...own,
      check: async (...args: Parameters<typeof check>) => {
        if (args[0].record.id === id && invoice(id).processingStatus === 'TransferInProgress')
          rig.sandbox.act('return', { invoiceId: id })
        return check(...args)
      },
    }
    await engine.poll({
      ...{ name: place.sync, ref: { id: 'poll-1', name: 'basware-poll' }, source: source(), entities: [place.entity] },
      ...{
        sinks: () => [ref],
        mustReport: 'every',
        mayFilter: false,
        receiptSeconds: 5,
        progress: () => undefined,
        signal,
      },
      send: (message) =>
        void engine
          .deliver({ ref, target: taken, message: overTheWire(message), progress: () => undefined, signal })
          .catch(() => undefined),
    })
    strictEqual(invoice(id).processingStatus, 'Returned')
    deepStrictEqual(vouchers(id), [])
    const held = await ledger.held({ states: ['open'] })
    match(held.find(({ key }) => key === `basware|${id}|0`)?.cause.message ?? '', /Returned at Basware/)
  })

  it('loses none and doubles none whatever goes wrong at Basware', async () => {
    for (const seed of [1, 2, 3]) {
      rig.sandbox.setFaults(
        createFaults('hostile', seed, BASWARE_SITES, { slowMs: 5, timeoutMs: 20, retryAfterSeconds: 0 }),
      )
      for (let count = 0; count < 6; count++) approve()
      for (let count = 0; count < 4; count++) {
        await round()
        // The person says that what nobody knows is ours; what others took is not.
        for (const { key, acknowledging } of await ledger.inboxEntries({ states: ['asked'] }))
          await ledger.decideInbox(rig.connection.address, key, acknowledging ? 'ours' : 'not-ours', anna)
      }
    }
    rig.sandbox.setFaults(createFaults('calm', 0, BASWARE_SITES))
    await round()
    await round()
    const counts = new Map<string, number>()
    for (const { key } of erp.vouchers) counts.set(key, (counts.get(key) ?? 0) + 1)
    deepStrictEqual(
      [...counts].filter(([, count]) => count !== 1),
      [],
    )
    const held = new Set((await ledger.held({ states: ['open'] })).map(({ key }) => key))
    for (const { invoiceId, companyCode, processingStatus, voucherNumber1 } of truth()) {
      if (!COMPANIES.includes(String(companyCode)) || held.has(`basware|${invoiceId}|0`)) continue
      ok(processingStatus !== 'WaitingForTransfer', String(invoiceId))
      const own = vouchers(String(invoiceId))[0]
      if (own) deepStrictEqual([processingStatus, voucherNumber1], ['Transferred', own.number])
    }
  })
})
