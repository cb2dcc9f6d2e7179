import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import type { SyncError } from '../../../../sync/contract/errors.ts'
import { recordKey } from '../../../support/posting-erp.ts'
import { anna, eachInItsWorld } from '../../../support/posting-rig.ts'

const A = recordKey('A')
const B = recordKey('B')
const place = { sync: 's', entity: 'invoice' }

describe('answers to the source', () => {
  const w = eachInItsWorld()

  it('an answer is given again under its id until it is confirmed; an alert of the source is for a person', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10')
    w.hub.says.push('lost', 'answered', { alert: 'another voucher stands there' })
    await node.run()
    for (let n = 0; n < 2; n++) await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), ['answer'])
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      w.hub.answers.map(({ answered }) => answered),
      [false, false, true, true],
    )
    equal(new Set(w.hub.answers.map(({ answerId }) => answerId)).size, 1)
    await node.engine.posting.look()
    equal(w.hub.answers.length, 4)
  })

  it('sent back by a person: looked up first, told to the source, never while in doubt', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push({ refused: 'no' })
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    const { id } = await node.heldOf(A)
    match(await node.engine.posting.sendBack(id, anna), /sent back/)
    deepStrictEqual(
      w.hub.answers.map(({ key, say }) => [key, say]),
      [[A, { sentBack: 'looked there' }]],
    )
    deepStrictEqual([await node.held(), (await node.run()).open?.includes('invoice: 1 held, EUR 10.00')], [{}, false])
    w.hub.put('C', '1')
    w.erp.fates.push({ refused: 'no' })
    await node.run()
    w.erp.vouchers.push({ key: recordKey('C'), number: 'HAND', status: 'final' })
    const held = await node.heldOf(recordKey('C'))
    await rejects(node.engine.posting.sendBack(held.id, anna), ({ message }: SyncError) =>
      /stands there as HAND/.test(message),
    )
    await node.engine.posting.stands(held.id, { number: 'HAND' }, anna)
    const last = w.hub.answers.at(-1)
    deepStrictEqual(last && 'posted' in last.say && last.say.posted.number, 'HAND')
  })

  it('a refusal whose words are on the list goes back by itself, held first and looked up once more; no other does', async () => {
    const node = await w.node({ rules: { sendBackWhen: ['period*closed'] } })
    await node.start()
    w.erp.fates.push({ refused: 'ACCDAT: Period 2026-02 CLOSED' }, { refused: 'account 4 unknown' })
    for (const id of ['A', 'B', 'C']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual([run.entities[0]?.held, w.numbers().length], [2, 1])
    deepStrictEqual(
      w.hub.answers.flatMap(({ key, say }) => ('sentBack' in say ? [[key, say.sentBack]] : [])),
      [[A, 'ACCDAT: Period 2026-02 CLOSED']],
    )
    deepStrictEqual(Object.keys(await node.held()), [B])
    const [decision] = (await node.ledger.decisions({})).filter(({ about }) => about.includes(A))
    equal(decision?.by, 'erp-post')
    // It stands there after all: not sent, and held.
    w.erp.fates.push({ refused: 'Period closed' })
    w.hub.put('D', '10')
    w.beforePost(() => void w.erp.vouchers.push({ key: recordKey('D'), number: 'HAND', status: 'final' }))
    await node.run()
    equal(w.hub.answers.filter(({ say }) => 'sentBack' in say).length, 1)
    equal(Object.keys(await node.held()).includes(recordKey('D')), true)
  })

  it('acknowledged and not answered for more than a day: an alert names it until it is answered', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push({ refused: 'no' })
    w.hub.put('A', '10')
    await node.run()
    w.pass(23 * 60)
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), [])
    w.pass(2 * 60)
    await node.engine.posting.look()
    const [alert] = await node.ledger.alerts({ open: true })
    match(
      `${alert?.kind} ${alert?.message}`,
      /^unanswered 1 document\(s\) were acknowledged more than a day ago .*hub\|A/,
    )
    await node.engine.posting.sendBack((await node.heldOf(A)).id, anna)
    deepStrictEqual(await node.alerts(), [])
  })

  it('handed over once more as it was: answered again with the old voucher', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.hub.put('A', '10')
    await node.run()
    w.hub.put('A', '10')
    await node.run()
    equal(w.erp.received.length, 1)
    deepStrictEqual(
      w.hub.answers.map(({ say }) => 'posted' in say && say.posted.number),
      ['V1', 'V1'],
    )
    equal(new Set(w.hub.answers.map(({ answerId }) => answerId)).size, 2)
  })
})
