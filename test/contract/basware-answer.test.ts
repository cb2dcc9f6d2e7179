/** What Basware is told of invoices, and whether it came to be. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import { createBaswareSource, createMemory } from '../../nodes/basware/client/poll.ts'
import type { Answer, Answered } from '../../sync/contract/posting.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'

const signal = new AbortController().signal

describe('the answer to Basware', () => {
  let rig: BaswareRig
  let source: Source
  /** The same source in a process that was started anew. */
  const restarted = (connection = rig.connection): Source =>
    createBaswareSource(connection, createMemory(), {
      ...{ source: 'basware', companies: ['FR10'], pageSize: 100, dateZone: '', sensitive: [], visibleMs: 1000 },
      coding: { matched: 'row', unreadable: 'row' },
    })
  beforeEach(async () => {
    rig = await startBaswareRig()
    source = restarted()
  })
  afterEach(() => rig.close())

  /** One that was acknowledged. */
  const inTransfer = async (like = 'coded by hand'): Promise<string> => {
    const [id] = (rig.sandbox.act('approve', { like }) as { invoiceIds: [string] }).invoiceIds
    await rig.acknowledge(id)
    return id
  }
  const key = (id: string, revision = 0): string => `basware|${id}|${revision}`
  const posted = (id: string, more: Partial<Answer> = {}): Answer => ({
    ...{ key: key(id), answerId: `answer-${id}`.slice(0, 36), answered: false },
    say: { posted: { number: 'FAC-2026-000123', type: 'FACHA', status: 'final' } },
    ...more,
  })
  const answer = async (one: Answer, from = source): Promise<Answered | undefined> =>
    (await from.answer?.([one], signal))?.get(one.key)
  const again = (id: string): Promise<Answered | undefined> => answer(posted(id, { answered: true }))
  const responses = (invoice: Json) => (invoice.transferResponses ?? []) as readonly Json[]

  it('has number, type and block of the voucher, is taken once, and is confirmed when P2P has it', async () => {
    rig.sandbox.tune({ p2pMs: 1000 })
    const id = await inTransfer('payment block')
    strictEqual(await answer(posted(id)), 'answered')
    strictEqual(await again(id), 'answered')
    rig.pass(2000)
    strictEqual(await again(id), 'confirmed')
    const invoice = await rig.invoice(id)
    deepStrictEqual(
      [invoice.processingStatus, invoice.voucherNumber1, invoice.voucherNumber2, invoice.paymentBlock],
      ['Transferred', 'FAC-2026-000123', 'FACHA', true],
    )
    deepStrictEqual(
      responses(invoice).map(({ success, responseMessage, sourceSystem }) => [success, responseMessage, sourceSystem]),
      [[true, 'Posted as FACHA FAC-2026-000123', 'Tieout']],
    )
    const unblocked = await inTransfer('payment block')
    const say = { posted: { number: 'N2', status: 'final', paymentBlock: false } } as const
    strictEqual(await answer(posted(unblocked, { say })), 'answered')
    strictEqual((await rig.invoice(unblocked)).paymentBlock, false)
  })

  it('is given again under its id after a lost reply, and stands there once', async () => {
    for (const [fault, settings] of [
      ['no-request-id', {}],
      ['no-request-id', { transferredAgain: 409 }],
      ['no-request-id', { responded: 'afterP2p', p2pMs: 1000 }],
      ['html-502', {}],
    ] as const) {
      rig.sandbox.tune({ p2pMs: 0, responded: 'atOnce', ...settings })
      const id = await inTransfer()
      rig.sandbox.inject(fault, { site: 'transfer' })
      strictEqual(await answer(posted(id)), undefined)
      strictEqual(await answer(posted(id), restarted()), 'answered')
      rig.pass(2000)
      strictEqual(await again(id), 'confirmed')
      const invoice = await rig.invoice(id)
      deepStrictEqual([invoice.processingStatus, responses(invoice).length], ['Transferred', 1])
    }
  })

  it('is an alert where another voucher stands there, and where P2P does not take it', async () => {
    const other = await inTransfer()
    await rig.transfer(other, { voucherNumber1: 'BY-HAND' })
    match(
      ((await answer(posted(other))) as { alert: string }).alert,
      /has the voucher BY-HAND at Basware, and was posted as FAC-2026-000123/,
    )
    const same = await inTransfer()
    await rig.transfer(same, { voucherNumber1: 'FAC-2026-000123' })
    strictEqual(await answer(posted(same)), 'answered')
    const returned = await inTransfer()
    rig.sandbox.act('return', { invoiceId: returned })
    match(
      ((await answer(posted(returned))) as { alert: string }).alert,
      /was posted as FAC-2026-000123, and is Returned at Basware/,
    )
    rig.sandbox.tune({ p2pMs: 1000 })
    const late = await inTransfer()
    rig.pass(2000)
    strictEqual(await answer(posted(late)), 'answered')
    rig.sandbox.act('return', { invoiceId: late })
    rig.pass(2000)
    match(((await again(late)) as { alert: string }).alert, /P2P did not take the answer \(Error\): .*Returned in P2P/)
    match(((await answer(posted('nobody'))) as { alert: string }).alert, /not at Basware any more/)
    const long = { posted: { number: 'N'.repeat(26), status: 'final' } } as const
    match(
      ((await answer(posted(await inTransfer(), { say: long }))) as { alert: string }).alert,
      /longer than the 25 characters/,
    )
  })

  it('sends back with its reason', async () => {
    const id = await inTransfer()
    const say = { sentBack: `Cost centre 99999-X\nis not in X3. ${'x'.repeat(300)}` }
    strictEqual(await answer(posted(id, { say })), 'answered')
    strictEqual(await answer(posted(id, { say, answered: true })), 'confirmed')
    const invoice = await rig.invoice(id)
    strictEqual(invoice.processingStatus, 'TransferFailed')
    const [response] = responses(invoice)
    strictEqual(response?.success, false)
    match(String(response?.responseMessage), /^Cost centre 99999-X is not in X3\. x+$/)
    strictEqual(String(response?.responseMessage).length, 250)
  })

  it('is followed by another process too, and where the status of its request is not kept any more', async () => {
    rig.sandbox.tune({ p2pMs: 1000, statusMs: 500 })
    const [id, old] = [await inTransfer(), await inTransfer()]
    rig.pass(2000)
    strictEqual(await answer(posted(id)), 'answered')
    const elsewhere = restarted()
    strictEqual(await answer(posted(id, { answered: true }), elsewhere), 'answered')
    rig.pass(600)
    strictEqual(await answer(posted(id, { answered: true }), elsewhere), 'answered')
    rig.pass(1000)
    strictEqual(await answer(posted(id, { answered: true }), elsewhere), 'confirmed')
    strictEqual(await answer(posted(old), elsewhere), 'answered')
    rig.pass(2000)
    const { connection } = rig
    const forgetful = restarted({
      ...connection,
      get: (path, ask) =>
        path.startsWith('/v1/requestStatus') ? Promise.resolve(undefined) : connection.get(path, ask),
    })
    strictEqual(await answer(posted(old, { answered: true }), forgetful), 'answered')
    rig.pass(4_000_000)
    strictEqual(await answer(posted(old, { answered: true }), forgetful), 'confirmed')
  })

  it('waits for a Basware that cannot be reached, and stops when told to', async () => {
    const id = await inTransfer()
    rig.sandbox.inject('html-502', { site: 'document-get', times: 500 })
    const hasty = restarted(rig.connect({ retry: { attempts: 1 } }))
    strictEqual(await answer(posted(id), hasty), undefined)
    await rejects(async () => hasty.answer?.([posted(id)], AbortSignal.abort()))
  })

  it('has a witness: an invoice is ours while it is in transfer without a successful answer', async () => {
    const [ours, waiting, answered, returned, ownAnswer] = [
      await inTransfer(),
      await rig.waiting(),
      await inTransfer(),
      await inTransfer(),
      await inTransfer(),
    ]
    await rig.transfer(answered, { voucherNumber1: 'V9' })
    rig.sandbox.act('return', { invoiceId: returned })
    await answer(posted(ownAnswer))
    rig.sandbox.act('retransfer', { invoiceId: ownAnswer })
    await rig.acknowledge(ownAnswer)
    rig.sandbox.act('retransfer', { invoiceId: answered })
    await rig.acknowledge(answered)
    const keys = [ours, String(waiting.invoiceId), answered, returned, 'nobody'].map((id) => key(id))
    const found = await source.stillOurs?.([...keys, key(ownAnswer), key(ownAnswer, 1), key(answered, 1)], signal)
    const told = [...(found?.values() ?? [])]
    const gross = async (id: string) => ({ amount: String((await rig.invoice(id)).grossSum) })
    deepStrictEqual(told[0], await gross(ours))
    const texts = [
      /WaitingForTransfer/,
      /the voucher V9/,
      /Returned/,
      /not at Basware any more/,
      /the voucher FAC-2026/,
    ]
    for (const [at, text] of texts.entries()) match(String(told[at + 1]), text)
    // A person raised the revision, since the voucher of our own answer was reversed.
    deepStrictEqual(told[6], await gross(ownAnswer))
    match(String(told[7]), /the voucher V9/)
    ok(told.length === 8)
  })
})
