import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import { recordKey } from '../../../support/posting-erp.ts'
import { anna, eachInItsWorld } from '../../../support/posting-rig.ts'

const A = recordKey('A')
const B = recordKey('B')

describe('what stands at the target', () => {
  const w = eachInItsWorld()

  it('a draft is answered when it is final, set aside when it is deleted or changed in amount', async () => {
    const node = await w.node()
    await node.start()
    for (const id of ['A', 'B', 'C', 'D']) w.hub.put(id, '10')
    const run = await node.run()
    deepStrictEqual(run.open, ['invoice: 4 posted as a draft'])
    equal(w.hub.answers.length, 0)
    w.erp.change('V1', { status: 'final' })
    w.erp.change('V2', 'deleted')
    w.erp.change('V3', { status: 'final', amount: '12' })
    await node.engine.posting.look()
    deepStrictEqual(
      w.hub.answers.map(({ key }) => key),
      [A],
    )
    const asides = (await node.ledger.listPostings({})).filter(({ aside }) => aside !== null)
    deepStrictEqual(asides.map(({ result, aside }) => [result.number, aside]).sort(), [
      ['V2', 'the draft V2 was deleted there'],
      ['V3', 'GEN V3 (final) has its reference, and the amount 12 instead of 10'],
    ])
    await rejects(node.engine.posting.accept(node.target.address, B, anna), /does not stand there/)
    match(await node.engine.posting.revise(node.target.address, B, anna), /revision 1/)
    for (const decide of [node.engine.posting.revise, node.engine.posting.sendBackPosted])
      await rejects(decide(node.target.address, A, anna), /may stand there/)
    await node.run()
    deepStrictEqual(w.numbers().at(-1), `${recordKey('B', 1)} V5`)
    await node.engine.posting.accept(node.target.address, recordKey('C'), anna)
    w.erp.change('V4', { status: 'reversed' })
    await node.engine.posting.look()
    await node.engine.posting.sendBackPosted(node.target.address, recordKey('D'), anna)
    deepStrictEqual(w.hub.answers.pop()?.say, { sentBack: 'looked there' })
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      w.hub.answers.map(({ key }) => key),
      [A, recordKey('C')],
    )
  })

  it('no draft counts as deleted where the look-up finds no other', async () => {
    const node = await w.node()
    await node.start()
    w.hub.put('A', '10')
    await node.run()
    w.erp.change('V1', 'deleted')
    await node.engine.posting.look()
    deepStrictEqual(
      (await node.ledger.listPostings({})).map(({ aside }) => aside),
      [null],
    )
  })

  it('something else has its reference, or a reversed voucher: held, and an alert until a person says what holds', async () => {
    const node = await w.node()
    await node.start()
    w.erp.vouchers.push({ key: A, number: 'O1', status: 'final', amount: '10', currency: 'EUR', party: 'S2' })
    w.erp.vouchers.push({ key: B, number: 'O2', status: 'reversed', amount: '10.00', currency: 'EUR', party: 'S1' })
    w.hub.put('A', '10')
    w.hub.put('B', '10')
    await node.run()
    deepStrictEqual(await node.held(), { [A]: 'sync.post-other', [B]: 'sync.post-other' })
    match((await node.heldOf(A)).cause.message, /the partner S2 instead of S1/)
    match((await node.heldOf(B)).cause.message, /was reversed/)
    deepStrictEqual([await node.alerts(), w.erp.received], [['posted-aside', 'posted-aside'], []])
    for (const decide of [node.engine.posting.sendBack, node.engine.posting.anew])
      await rejects(decide((await node.heldOf(A)).id, anna), /not sent back/)
    await node.engine.posting.stands((await node.heldOf(A)).id, { number: 'HAND' }, anna)
    match(await node.engine.posting.anew((await node.heldOf(B)).id, anna), /revision 1/)
    deepStrictEqual([await node.alerts(), await node.held()], [[], {}])
    await node.run()
    deepStrictEqual(w.numbers().at(-1), `${recordKey('B', 1)} V1`)
  })

  it('left out while it stands there: an alert names it, until a person says what holds', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push({ refused: 'no' }, { refused: 'never' })
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    w.erp.vouchers.push({ key: A, number: 'HAND', status: 'final', amount: '10', currency: 'EUR', party: 'S1' })
    const ids = [(await node.heldOf(A)).id, (await node.heldOf(B)).id]
    await node.ledger.discardHeld(ids, anna)
    await node.engine.posting.leftOut(ids)
    const alerts = await node.ledger.alerts({ open: true })
    deepStrictEqual(
      alerts.map(({ kind, entity }) => [kind, entity]),
      [['posted-aside', `invoice ${A}`]],
    )
    match(alerts[0]?.message ?? '', /left out by anna, and it stands there as HAND; its source is not told/)
    await node.engine.posting.stands(ids[0] ?? '', { number: 'HAND' }, anna)
    await node.engine.posting.sendBack(ids[1] ?? '', anna)
    deepStrictEqual(
      w.hub.answers.map(({ say }) => ('posted' in say ? say.posted.number : say.sentBack)),
      ['HAND', 'looked there'],
    )
    deepStrictEqual(await node.alerts(), [])
    deepStrictEqual(
      (await node.ledger.held({ states: ['discarded'] })).map(({ key }) => key),
      [B],
    )
  })

  it('held before the sink, and a person says that it stands there: it is answered', async () => {
    const node = await w.node()
    await node.start()
    const cause = { class: 'data' as const, code: 'map.unmapped', message: 'no such cost centre' }
    node.flow = async (message) => {
      const records = message.payload.map((record) => ({ record, cause }))
      await node.engine.hold({
        ref: { id: 'map-1', name: 'map-gl' },
        sinks: [node.sink],
        message,
        stage: 'map',
        records,
      })
    }
    w.hub.put('A', '10')
    await node.run()
    await node.engine.posting.stands((await node.heldOf(A)).id, { number: 'HAND' }, anna)
    deepStrictEqual([w.hub.answers.map(({ key }) => key), await node.held()], [[A], {}])
  })
})
