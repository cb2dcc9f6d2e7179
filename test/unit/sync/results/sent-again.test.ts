import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { supplier } from '../../../support/fakes.ts'
import { eachInItsWorld, numbers, ofOrders, world } from '../../../support/two-stages.ts'
import { order } from '../../../support/two-stages-hub.ts'

describe('two stages: what is sent again', () => {
  const w = eachInItsWorld()

  it('an order whose supplier is unknown goes through once that is there, although it did not change', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await w.run()
    assert.deepEqual(Object.keys(await w.s.held()), ['erp|O3'])
    w.pass(5)
    await w.run()
    assert.deepEqual(w.sentOf('erp|O3'), [false], 'nothing that it waits for came')
    w.hub.source.put('supplier', supplier('S2', 'Bolt'))
    w.pass(5)
    const last = await w.run()
    assert.deepEqual(await w.s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
    assert.deepEqual(w.sentOf('erp|O3'), [false, true])
    assert.equal(last.verdict, 'ties', last.says)
  })

  it('what the target took without something that it does not have is sent again once that is there, although it did not change', async () => {
    const knows = (code: string): boolean => Object.hasOwn(w.hub.has('supplier'), `erp|${code}`)
    w.hub.fate = (entity, key) =>
      entity === 'purchase_order' && key === 'erp|O1' && !knows('S9')
        ? { kind: 'warning', text: 'Not saved, since it does not exist: S9' }
        : undefined
    await w.run()
    w.hub.source.put('supplier', supplier('S1', 'Acme renamed'))
    w.pass(5)
    const before = await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false], 'a change of what was there before brings nothing that it lacked')
    assert.equal(before.verdict, 'open', before.says)
    w.hub.source.put('supplier', supplier('S9', 'Zorn'))
    w.pass(5)
    const last = await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
    assert.deepEqual(w.sentOf('erp|O2'), [false], 'what the target took whole is not sent again')
    assert.equal(last.verdict, 'ties', last.says)
    w.pass(5)
    await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
  })

  it('is tried once a day too, since what it waits for may be made by hand', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await w.run()
    w.hub.fate = () => ({ kind: 'processed' })
    w.pass(23 * 60)
    await w.run()
    assert.deepEqual(Object.keys(await w.s.held()), ['erp|O3'])
    w.pass(2 * 60)
    await w.run()
    assert.deepEqual(await w.s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
  })

  it('what the target failed of itself is sent again after an hour', async () => {
    w.hub.fate = (_entity, key) =>
      key === 'erp|O1' ? { kind: 'failed', code: 'T1', text: 'internal error', cause: 'technical' } : undefined
    await w.run()
    w.hub.fate = () => undefined
    w.pass(30)
    await w.run()
    assert.deepEqual(Object.keys(await w.s.held()), ['erp|O1'])
    w.pass(31)
    await w.run()
    assert.deepEqual(await w.s.held(), {})
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
  })

  it('what is skipped as identical with what came through is unchanged: a full reading sends nothing as changed', async () => {
    await w.run()
    w.pass(5)
    const full = await w.run({ scope: { kind: 'full' } })
    assert.deepEqual(numbers(ofOrders(full)), { accepted: 2, processed: 2 })
    assert.deepEqual(w.sentOf('erp|O1'), [false, false])
    assert.deepEqual(await w.s.held(), {})
  })

  it('what is skipped and nobody knows that it came through is sent once more as changed, in the same run', async () => {
    await w.run()
    const other = world(w.hub)
    const fresh = await other.start()
    try {
      w.pass(5)
      const summary = await w.run({}, fresh)
      assert.deepEqual(numbers(ofOrders(summary)), { accepted: 4, processed: 2, again: 2 })
      assert.deepEqual(w.sentOf('erp|O1'), [false, false, true])
      assert.deepEqual(await fresh.open(), [])
    } finally {
      await other.remove()
    }
  })

  it('what is skipped although it was sent as changed is held for a person, and not sent for ever', async () => {
    w.hub.says = ({ key }) => (key === 'erp|O1' ? { kind: 'unchanged' } : undefined)
    await w.run()
    assert.deepEqual(Object.keys(await w.s.held()), ['erp|O1'])
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
    w.pass(5)
    await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
  })

  it('what is skipped in part needs a success before it', async () => {
    w.hub.says = ({ key, again }) => (key === 'erp|O1' && !again ? { kind: 'processed', skipped: true } : undefined)
    await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '11.00'))
    await w.run()
    assert.deepEqual(w.sentOf('erp|O1'), [false, true, false], 'the version before came through')
    assert.deepEqual(await w.s.open(), [])
  })

  it('what the target calls overtaken, by nothing of ours, is sent again', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|O1' && w.sentOf(key).length === 1 ? { kind: 'superseded' } : undefined)
    const summary = await w.run()
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, processed: 2, again: 1 })
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '10.10')
  })

  it('what has no result after three days is sent again', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|O1' ? 'lost' : undefined)
    w.hub.patience = 0.06
    await w.run()
    w.pass(3 * 24 * 60 - 5)
    await w.run()
    assert.deepEqual(await w.s.open(), ['1 pending purchase_order'])
    w.pass(10)
    await w.s.engine.lookAtResults()
    assert.deepEqual(await w.s.open(), ['1 again purchase_order'])
    w.hub.fate = () => undefined
    await w.run()
    assert.deepEqual(await w.s.open(), [])
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
  })

  it('a request that is not known there is waited for an hour, then its records are sent again', async () => {
    w.hub.says = ({ key, again }) => (key === 'erp|O1' && !again ? { kind: 'unknown' } : undefined)
    w.hub.patience = 0.06
    await w.run()
    assert.deepEqual(await w.s.open(), ['1 pending purchase_order'])
    w.pass(61)
    await w.s.engine.lookAtResults()
    await w.run()
    assert.deepEqual(await w.s.open(), [])
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
  })

  it('what was taken when the process died, and its number lost with it, is sent again as changed', async () => {
    await w.run({ entities: ['supplier'] })
    let left = ''
    w.hub.answer = ({ entity }) => {
      if (entity === 'purchase_order' && left === '') left = w.remains()
    }
    await w.run()
    const next = await w.start({ file: left })
    w.hub.answer = () => undefined
    w.pass(1)
    const summary = await w.run({}, next)
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.deepEqual(w.sentOf('erp|O1'), [false, true])
    assert.deepEqual(await next.held(), {})
  })

  it('an answer that is lost and tried again proves nothing of what is skipped then', async () => {
    await w.run({ entities: ['supplier'] })
    let lost = false
    w.hub.answer = () => {
      if (lost) return
      lost = true
      throw syncError('unknown-outcome', 'hub.reset', 'the connection was reset')
    }
    const summary = await w.run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
    assert.deepEqual(w.sentOf('erp|O1'), [false, false, true])
  })

  it("yesterday's copy of the ledger catches up, and nothing older takes the place of what is there", async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await w.run()
    await w.s.close()
    w.copy()
    w.hub.slow = false
    w.hub.patience = 20
    w.s = await w.start()
    w.pass(10)
    w.hub.source.put('purchase_order', order('O1', '55.00'))
    w.hub.source.put('purchase_order', order('O2', '66.00'))
    await w.run()
    await w.s.close()
    w.restore()
    w.s = await w.start()
    w.pass(24 * 60)
    // Back to what the copy knows as delivered.
    w.hub.source.put('purchase_order', order('O2', '20.20'))
    const summary = await w.run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '55.00', 'erp|O2': '20.20' })
    assert.deepEqual(await w.s.open(), [])
    assert.deepEqual(await w.s.held(), {})
  })
})
