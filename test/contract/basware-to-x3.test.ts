/** Approved invoices from Basware's sandbox to the ledger of X3's, through the engine with a ledger of its own. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { createFaults } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import type { Json } from '../support/basware.ts'
import { type InvoicesRig, startInvoicesRig } from '../support/basware-x3.ts'

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
  let rig: InvoicesRig
  beforeEach(async () => {
    rig = await startInvoicesRig()
  })
  afterEach(() => rig.close())

  it('are each in it once, balanced, on account and cost centre, or held with a reason; what is final is answered', async () => {
    const { x3, truth, posted, caseOf } = rig
    x3.x3.soap.accountant.closeBefore('2025-12-01')
    const { engine, run, held, begin } = await rig.process()
    await begin()
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
    const { x3, basware, truth, posted } = rig
    x3.x3.soap.accountant.closeBefore('2025-12-01')
    const { engine, ledger, run, held, begin } = await rig.process()
    await begin()
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
