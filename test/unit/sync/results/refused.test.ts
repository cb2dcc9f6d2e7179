import assert from 'node:assert/strict'
import { sums } from '../../../support/rig.ts'
import { eachInItsWorld, numbers, ofOrders, sender } from '../../../support/two-stages.ts'
import { order } from '../../../support/two-stages-hub.ts'

describe('two stages: what is refused', () => {
  const w = eachInItsWorld()

  it('what is refused within the run is held with the words of the target, and open', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S9'))
    const summary = await w.run()
    assert.equal(summary.says, 'open: purchase_order: 1 held, EUR 5.00')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, processed: 2, held: 1 })
    assert.deepEqual(await w.s.held(), { 'erp|O3': 'DATA_VALIDATION_FAILED: supplier S9 is unknown' })
    const [held] = await w.s.ledger.held({})
    assert.match(held?.cause.message ?? '', /purchase_order erp\|O3 was accepted and then refused: .*request q2/)
  })

  it('what is refused a day later, after a restart, is held, and the next read of it is sent again', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await w.run()
    w.pass(24 * 60)
    await w.restart()
    w.hub.fate = (_entity, key) =>
      key === 'erp|O1' ? { kind: 'failed', code: 'E1', text: 'period closed', cause: 'data' } : undefined
    w.hub.process()
    await w.s.engine.lookAtResults()
    assert.deepEqual(await w.s.held(), { 'erp|O1': 'E1: period closed' })
    w.hub.fate = () => undefined
    w.hub.slow = false
    w.hub.patience = 20
    const again = await w.run({ scope: { kind: 'keys', entity: 'purchase_order', keys: ['erp|O1'] } })
    assert.deepEqual(numbers(ofOrders(again)), { accepted: 1, processed: 1 })
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
    assert.deepEqual(await w.s.held(), {})
  })

  for (const order_ of ['the older first', 'the newer first'])
    it(`the refusal of a version that was replaced meanwhile holds nothing, ${order_}`, async () => {
      w.hub.slow = true
      w.hub.patience = 0.06
      await w.run()
      w.pass(1)
      w.hub.source.put('purchase_order', order('O1', '99.00'))
      await w.run()
      const older = w.hub.sent.find(({ key }) => key === 'erp|O1')?.request
      w.hub.fate = (_entity, key, record) =>
        key === 'erp|O1' && record.amount !== '99.00'
          ? { kind: 'failed', code: 'E1', text: 'too late', cause: 'data' }
          : undefined
      if (order_ === 'the newer first')
        w.hub.says = ({ requests }) => (requests[0]?.request === older ? { kind: 'pending' } : undefined)
      w.hub.process()
      await w.s.engine.lookAtResults()
      w.hub.says = () => undefined
      await w.s.engine.lookAtResults()
      assert.deepEqual(await w.s.held(), {})
      assert.deepEqual(await w.s.open(), [])
      assert.equal(w.hub.has('purchase_order')['erp|O1'], '99.00')
      const next = await w.run({ scope: { kind: 'keys', entity: 'purchase_order', keys: ['erp|O1'] } })
      assert.equal(sums(next, 'purchase_order', sender.name).unchanged, 1)
    })

  it('nor does one that comes while a newer version is accepted', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await w.run()
    w.hub.says = async ({ key }) => {
      if (key !== 'erp|O1') return undefined
      w.hub.says = () => undefined
      await w.s.push('purchase_order', [order('O1', '99.00')])
      return { kind: 'failed', code: 'E1', text: 'too late', cause: 'data' }
    }
    await w.s.engine.lookAtResults()
    assert.deepEqual(await w.s.held(), {})
    w.hub.process()
    assert.equal(await w.s.engine.lookAtResults(), 0)
    assert.deepEqual(await w.s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '99.00')
  })

  it('a held record that a person replays is sent as changed, and is over once it is processed', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await w.run()
    w.hub.fate = () => ({ kind: 'processed' })
    const summary = await w.s.replay()
    assert.deepEqual(numbers(sums(summary, 'purchase_order', sender.name).results), { accepted: 1, processed: 1 })
    assert.deepEqual(await w.s.held(), {})
    assert.deepEqual(w.sentOf('erp|O3'), [false, true])
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
  })

  it('a replay that is refused again leaves the record held', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await w.run()
    const summary = await w.s.replay()
    assert.equal(summary.says, 'open: purchase_order: 1 held, EUR 5.00')
    assert.deepEqual(Object.keys(await w.s.held()), ['erp|O3'])
  })

  it('a deletion that is refused is held, and goes through when it is replayed', async () => {
    await w.run({ sweep: { since: null } })
    w.pass(5)
    w.hub.source.remove('purchase_order', 'erp|O2')
    w.hub.fate = (_entity, _key, { _op }) =>
      _op === 'delete' ? { kind: 'failed', code: 'E2', text: 'has open invoices', cause: 'data' } : undefined
    await w.run({ sweep: { since: null } })
    assert.deepEqual(await w.s.held(), { 'erp|O2': 'E2: has open invoices' })
    w.hub.fate = () => undefined
    await w.s.replay()
    assert.deepEqual(await w.s.held(), {})
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10' })
  })
})
