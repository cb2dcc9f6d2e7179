/** Invoices that a run before left on their way, or somebody else did: taken over, asked about, or left alone. */
import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type DataRecord, keyText } from '../../sync/contract/message.ts'
import { takenInvoices } from '../support/basware-taken.ts'

describe('invoices of Basware that are on their way already', function () {
  this.timeout(120_000)
  const own = takenInvoices()
  const { plan, run, settle, truth, states, ids, approve, key, acknowledges } = own

  it('return to a run that goes on after each point at which one may end', async () => {
    await run()
    settle()
    const [recorded, lost, acknowledged, onItsWay] = [
      'coded by hand',
      'coded by hand',
      'coded by hand',
      'coded by hand',
    ].map(approve) as [string, string, string, string]
    const document = (id: string) => truth().find(({ invoiceId }) => invoiceId === id)
    own.inbox.move(key(recorded), 'recorded', { document: document(recorded) })
    // Its acknowledgement was begun and never arrived.
    own.inbox.move(key(lost), 'recorded', { document: document(lost), acknowledging: '2026-03-10T08:00:00Z' })
    await own.rig.acknowledge(acknowledged)
    own.inbox.move(key(acknowledged), 'acknowledged', { document: document(acknowledged) })
    await own.rig.acknowledge(onItsWay)
    own.inbox.move(key(onItsWay), 'handed on', { document: document(onItsWay), revision: 2 })
    const { records, refused } = await run()
    deepStrictEqual(ids(records), [recorded, lost, acknowledged, onItsWay].sort())
    deepStrictEqual(
      refused.filter(({ code }) => !/prebooked|voucher|codings|two-orders/.test(code)),
      [],
    )
    const schema = (await plan()).schema
    strictEqual(keyText(schema, records.find(({ id }) => id === onItsWay) as DataRecord), `basware|${onItsWay}|2`)
  })

  it('are asked about where the reply to an acknowledgement was lost and it is in transfer now', async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    own.rig.sandbox.inject('no-request-id', { site: 'acknowledge' })
    const before = acknowledges()
    const first = await run()
    deepStrictEqual(ids(first.records), [])
    strictEqual(acknowledges(), before + 1)
    const item = own.inbox.items.get(key(id))
    deepStrictEqual([item?.state, /the reply never came/.test(item?.why ?? '')], ['asked', true])
    deepStrictEqual(ids((await run()).records), [])
    // A person says that it is ours.
    own.inbox.move(key(id), 'acknowledged')
    deepStrictEqual(ids((await run()).records), [id])
  })

  it('are asked for once more where an acknowledgement was lost and did not arrive', async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    own.rig.sandbox.inject('html-502', { site: 'acknowledge' })
    deepStrictEqual(ids((await run()).records), [id])
  })

  it("are somebody else's where a request of ours was the first and was refused", async () => {
    await run()
    settle()
    const id = approve('coded by hand')
    const { connection } = own.rig
    const { records } = await run(
      {},
      {
        ...connection,
        async post(path, body, ask) {
          if (path.endsWith(`${id}/acknowledge`)) await own.rig.acknowledge(id)
          return connection.post(path, body, ask)
        },
      },
    )
    deepStrictEqual(records, [])
    strictEqual(own.inbox.items.get(key(id))?.state, 'asked')
    match(own.inbox.items.get(key(id))?.why ?? '', /in transfer at Basware, not by us/)
  })

  it('that are in transfer by others are listed for a person, and nothing else is done with them', async () => {
    await run()
    const others = truth().filter(
      (one) => one.processingStatus === 'TransferInProgress' && own.inbox.keys('asked').includes(key(one.invoiceId)),
    )
    ok(others.length > 0)
    for (const one of others)
      match(own.inbox.items.get(key(one.invoiceId))?.why ?? '', /in transfer at Basware, not by us/)
    // Taken over by a person.
    const id = String(others[0]?.invoiceId)
    own.inbox.move(key(id), 'acknowledged')
    ok(ids((await run()).records).includes(id))
  })

  it('that were returned, or are gone, go no further', async () => {
    await run()
    settle()
    const [before, after] = ['coded by hand', 'coded by hand'].map(approve) as [string, string]
    const document = (id: string) => truth().find(({ invoiceId }) => invoiceId === id)
    own.inbox.move(key(before), 'recorded', { document: document(before) })
    own.inbox.move(key('nobody'), 'recorded', { document: { ...document(before), invoiceId: 'nobody' } })
    own.rig.sandbox.act('return', { invoiceId: before })
    await own.rig.acknowledge(after)
    own.inbox.move(key(after), 'acknowledged', { document: document(after) })
    own.rig.sandbox.act('return', { invoiceId: after })
    const { records, refused } = await run()
    deepStrictEqual(ids(records), [])
    match(own.inbox.items.get(key(before))?.why ?? '', /It is Returned at Basware, and was not acknowledged/)
    match(own.inbox.items.get(key('nobody'))?.why ?? '', /not at Basware any more/)
    const held = refused.find(({ record }) => record.id === after)
    strictEqual(held?.code, 'basware.moved')
    match(held?.message ?? '', /acknowledged and not answered, but is Returned there now/)
  })

  it('that are transferred anew are acknowledged and handed on once more, under the key that they had', async () => {
    await run()
    settle()
    for (const keepsVoucher of [true, false]) {
      own.rig.sandbox.tune({ keepsVoucher })
      const id = approve('coded by hand')
      deepStrictEqual(ids((await run()).records), [id])
      await own.rig.transfer(id, {
        externalCode: `answer-${keepsVoucher}`,
        voucherNumber1: 'V1',
        sourceSystem: 'Tieout',
      })
      own.inbox.move(key(id), 'confirmed', { answerId: `answer-${keepsVoucher}` })
      own.rig.sandbox.act('retransfer', { invoiceId: id })
      const { records } = await run()
      deepStrictEqual(
        records.map((record) => [record.id, record.revision]),
        [[id, 0]],
      )
      strictEqual(states().get(id), 'TransferInProgress')
      own.inbox.move(key(id), 'settled')
    }
  })

  it('tell a ledger that is an old copy', async () => {
    const id = approve('coded by hand')
    await own.rig.acknowledge(id)
    own.inbox.move(key(id), 'acknowledged', { document: truth().find(({ invoiceId }) => invoiceId === id) })
    await own.rig.transfer(id, { voucherNumber1: 'V1', sourceSystem: 'Tieout' })
    await run()
    deepStrictEqual(own.inbox.old, [`Basware has an answer of ours for invoice ${id} that this ledger never gave`])
  })
})
