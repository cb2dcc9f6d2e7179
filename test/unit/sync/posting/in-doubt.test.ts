import { deepStrictEqual, equal, match, rejects } from 'node:assert/strict'
import { recordKey } from '../../../support/posting-erp.ts'
import { anna, eachInItsWorld } from '../../../support/posting-rig.ts'

const A = recordKey('A')
const B = recordKey('B')
const place = { sync: 's', entity: 'invoice' }

describe('a post in doubt', () => {
  const w = eachInItsWorld()

  it('still absent after the settling wait: a person is asked; posted once more if he says so', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push('never')
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    const [attempt] = await node.ledger.attempts()
    await rejects(node.engine.posting.settle(attempt?.id ?? '', 'again', anna), /still be on its way/)
    w.pass(21)
    await node.engine.posting.look()
    deepStrictEqual(await node.alerts(), ['in-doubt'])
    await node.run()
    const [alert] = await node.ledger.alerts({ open: true })
    match(alert?.message ?? '', /^invoice: nobody knows whether hub\|A\|0 was posted to .* in the sidebar \(Postings\)/)
    equal(w.erp.received.length, 2, 'not before he says so')
    await node.engine.posting.settle(attempt?.id ?? '', 'again', anna)
    await node.run()
    deepStrictEqual(w.numbers().sort(), [`${A} V3`, `${B} V2`])
    deepStrictEqual(await node.alerts(), [])
  })

  it('absent by a look-up that is blind: nobody is asked, nothing is posted once more', async () => {
    for (const whenAbsent of ['ask', 'again'] as const) {
      const node = await w.node({ rules: { whenAbsent } })
      if (whenAbsent === 'ask') await node.start()
      w.erp.fates.push('posted', 'lost')
      const [first, second] = [`1${whenAbsent}`, `2${whenAbsent}`]
      w.hub.put(first, '10')
      await node.run()
      w.hub.put(second, '20')
      w.beforePost(() => {
        w.erp.isBlind = true
      })
      await node.run()
      w.pass(21)
      await node.engine.posting.look()
      deepStrictEqual(
        (await node.ledger.attempts()).map(({ key, state }) => [key, state]),
        [[recordKey(second), 'open']],
      )
      const received = w.erp.received.length
      await node.run()
      equal(w.erp.received.length, received)
      w.erp.isBlind = false
      await node.engine.posting.look()
      deepStrictEqual(await node.ledger.attempts(), [])
      await node.stop()
    }
    equal(new Set(w.erp.vouchers.map(({ key }) => key)).size, w.erp.vouchers.length)
  })

  it('post once more finds it in that moment: it is shown and not sent', async () => {
    const node = await w.node()
    await node.start()
    w.erp.fates.push('late')
    w.hub.put('A', '10')
    w.hub.put('B', '20')
    await node.run()
    w.pass(21)
    await node.engine.posting.look()
    await w.erp.commitLate()
    const [attempt] = await node.ledger.attempts()
    match(await node.engine.posting.settle(attempt?.id ?? '', 'again', anna), /stands there as V1/)
    await node.run()
    equal(w.erp.received.length, 2)
  })

  it('a person says the number it has there, or has it held', async () => {
    const node = await w.node()
    await node.start()
    await node.engine.posting.postAs(place, 'final', anna)
    w.erp.fates.push('never', 'never')
    for (const id of ['A', 'B', 'C']) w.hub.put(id, '10')
    await node.run()
    w.pass(21)
    await node.engine.posting.look()
    const [a, b] = await node.ledger.attempts()
    await rejects(node.engine.posting.settle(a?.id ?? '', { posted: {} }, anna), /does not find/)
    await node.engine.posting.settle(a?.id ?? '', { posted: { number: 'HAND-1', type: 'GEN' } }, anna)
    const answer = w.hub.answers.at(-1)
    deepStrictEqual(answer && 'posted' in answer.say && answer.say.posted.number, 'HAND-1')
    await node.engine.posting.settle(b?.id ?? '', 'held', anna)
    deepStrictEqual(await node.held(), { [B]: 'sync.post-held' })
    await node.run()
    equal(w.erp.received.length, 3)
    await node.replay()
    deepStrictEqual(w.numbers().at(-1), `${B} V4`, 'a replay asks both witnesses and posts it')
  })

  it('two journals for one record are found by the second look-up, and an alert names both', async () => {
    const node = await w.node()
    await node.start()
    w.beforePost(() => {
      w.erp.vouchers.push({ key: A, number: 'OTHER', status: 'draft', amount: '10', currency: 'EUR' })
    })
    w.hub.put('A', '10')
    await node.run()
    const [alert] = await node.ledger.alerts({ open: true })
    equal(alert?.kind, 'posted-aside')
    match(alert?.message ?? '', /OTHER.* and .*V1/)
    equal(w.hub.answers.length, 0)
    w.erp.change('OTHER', 'deleted')
    await node.engine.posting.accept(node.target.address, A, anna)
    deepStrictEqual(await node.alerts(), [])
  })

  it('killed between intent and reply: nothing is sent again, and what stands there is found', async () => {
    const node = await w.node()
    await node.start()
    w.hub.put('A', '10')
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    w.beforePost(() => {
      reached.resolve()
      return released.promise
    })
    const running = node.run()
    await reached.promise
    const next = await w.node({ file: w.remains() })
    deepStrictEqual((await next.run()).open, ['invoice: 1 in doubt, EUR 10.00'])
    w.erp.vouchers.push({ key: A, number: 'V9', status: 'draft', amount: '10', currency: 'EUR', party: 'S1' })
    await next.engine.posting.look()
    deepStrictEqual(
      (await next.ledger.listPostings({})).map(({ result }) => result.number),
      ['V9'],
    )
    await next.run()
    equal(w.erp.received.length, 0)
    w.erp.fates.push('broken')
    w.pass(5)
    released.resolve()
    await running
  })
})
