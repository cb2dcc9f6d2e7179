/** The shipped flow from Basware to X3 in a real Node-RED: what a person does, and that each invoice stands in X3 once and is answered. */

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type FlowNode, readTemplate } from '../../demo/job.ts'
import type { Json } from '../support/basware.ts'
import { type InvoiceThread, LEDGER, startInvoiceThread } from '../support/invoice-thread.ts'

describe('invoices from Basware in a real Node-RED', function () {
  this.timeout(180_000)
  let thread: InvoiceThread
  const ledger = LEDGER(readTemplate('basware-to-x3'))
  const place = { ledger, sync: 'basware-to-x3', entity: 'basware_invoice' }
  const reason = 'the first day'
  before(async () => {
    thread = await startInvoiceThread()
  })
  after(() => thread?.end())

  const truth = (): readonly Json[] => (thread.basware.act('documents', {}) as { p2p: readonly Json[] }).p2p
  const posted = () => thread.x3.soap.accountant.posted()
  const transferred = () =>
    truth().filter((one) => one.processingStatus === 'Transferred' && one.voucherNumber2 === 'BPSIN')
  const heldNow = async () =>
    (await thread.ask('GET', `/tieout/held?ledger=${ledger}&limit=500`)) as { key: string; cause: { code: string } }[]

  it('posts nothing before a person has started it, and says so', async () => {
    const run = await thread.run()
    equal(posted().length, 0)
    const [entity] = run.entities
    deepEqual([run.verdict, entity?.delivered, entity?.held], ['open', 0, entity?.read])
    ok(
      (await heldNow()).some(({ cause }) => cause.code.startsWith('sync.post')),
      JSON.stringify(await heldNow()),
    )
    deepEqual(transferred(), [])
  })

  it('posts each invoice once when it has, and Basware has its voucher', async () => {
    await thread.ask('POST', '/tieout/posting/test', { ...place, reason })
    await thread.ask('POST', '/tieout/posting/start', { ...place, reason })
    await thread.ask('POST', '/tieout/posting/as', { ...place, as: 'final', reason })
    await thread.run()
    await thread.ask('POST', '/tieout/posting/look', { ledger, sync: place.sync })
    const waiting = truth().filter((one) => one.processingStatus === 'WaitingForTransfer' && one.companyCode !== 'IE10')
    const references = posted().map(({ header }) => header.REFINT)
    ok(references.length > 25, String(references.length))
    equal(new Set(references).size, references.length)
    deepEqual(
      transferred()
        .map((one) => `${one.voucherNumber2}|${one.voucherNumber1}`)
        .sort(),
      posted()
        .map(({ key }) => key)
        .sort(),
    )
    const codes = new Set((await heldNow()).map(({ cause }) => cause.code))
    for (const { invoiceId } of waiting)
      ok(
        (await heldNow()).some(({ key }) => key === `basware|${invoiceId}|0`),
        String(invoiceId),
      )
    ok(codes.has('basware.prebooked') && codes.has('basware.voucher'), [...codes].join())
  })

  it('takes what comes later, and changes nothing of what was before', async () => {
    const before = posted().length
    const [id] = (thread.basware.act('approve', { like: 'coded by hand' }) as { invoiceIds: string[] }).invoiceIds
    await thread.run()
    await thread.ask('POST', '/tieout/posting/look', { ledger, sync: place.sync })
    equal(posted().length, before + 1)
    const invoice = truth().find(({ invoiceId }) => invoiceId === id)
    equal(invoice?.processingStatus, 'Transferred')
    match(String(invoice?.voucherNumber1), /^\w+/)
  })

  it('let no secret out', () => {
    const said = thread.red.output()
    for (const secret of [thread.basware.clientSecret, thread.basware.password, thread.x3.secret])
      ok(!said.includes(secret))
  })
})

describe('a copy of the flow that was shipped before, in a real Node-RED', function () {
  this.timeout(180_000)
  const saved: FlowNode[] = JSON.parse(readFileSync('test/fixtures/basware-to-x3.json', 'utf8'))
  let thread: InvoiceThread
  before(async () => {
    thread = await startInvoiceThread({}, saved)
  })
  after(() => thread?.end())

  it('goes on as it was: invoices are taken over, wait for a person, are posted once, and answered', async () => {
    const place = { ledger: LEDGER(saved), sync: 'basware-to-x3', entity: 'basware_invoice' }
    const first = await thread.run()
    ok((first.entities[0]?.read ?? 0) > 25)
    equal(first.entities[0]?.delivered, 0)
    await thread.ask('POST', '/tieout/posting/test', { ...place, reason: 'the first day' })
    await thread.ask('POST', '/tieout/posting/start', { ...place, reason: 'it ran before' })
    await thread.ask('POST', '/tieout/posting/as', { ...place, as: 'final', reason: 'it ran before' })
    const { entities } = await thread.run()
    const posted = thread.x3.soap.accountant.posted()
    ok((entities[0]?.delivered ?? 0) > 25)
    equal(new Set(posted.map(({ header }) => header.REFINT)).size, posted.length)
  })
})
