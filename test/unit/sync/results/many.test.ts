import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { supplier } from '../../../support/fakes.ts'
import { type Stages, type World, world } from '../../../support/two-stages.ts'
import { order } from '../../../support/two-stages-hub.ts'

const MANY = 10_000

describe('ten thousand open results', function () {
  this.timeout(120_000)
  let w: World
  let s: Stages
  beforeEach(async () => {
    w = world()
    s = await w.start({ follows: false })
  })
  afterEach(() => w.remove())

  it('are followed by one question, within seconds and a few megabytes', async () => {
    w.hub.source.put('supplier', supplier('S1', 'Acme'))
    for (let i = 0; i < MANY; i++) w.hub.source.put('purchase_order', order(`O${i}`, '1.01'))
    w.pass(1)
    w.hub.slow = true
    w.hub.patience = 0.06
    const summary = await s.run()
    assert.match(summary.says ?? '', /10000 accepted, result pending, EUR 10,100.00/)
    s.engine.followResults({ ref: { id: 'send-1', name: 'hub-send' }, target: async (entity) => s.target(entity) })
    await s.engine.lookAtResults()
    w.hub.process()
    const asked = w.hub.asked
    const heap = process.memoryUsage().heapUsed
    let most = heap
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().heapUsed)
    }, 5)
    const began = performance.now()
    assert.equal(await s.engine.lookAtResults(), 0)
    const seconds = (performance.now() - began) / 1000
    clearInterval(watch)
    // One for the supplier, one for all orders.
    assert.equal(w.hub.asked - asked, 2)
    assert.ok(seconds < 20, `${seconds} s`)
    assert.ok(most - heap < 200e6, `${(most - heap) / 1e6} MB`)
    assert.equal(Object.keys(w.hub.has('purchase_order')).length, MANY)
  })

  it('are found by an index, however many were sent before', async () => {
    await s.close()
    const db = new DatabaseSync(w.file)
    const plan = db
      .prepare(
        "EXPLAIN QUERY PLAN SELECT key FROM result WHERE state = 'pending' AND address = ? AND (since, key) > (?, ?) ORDER BY since, key LIMIT ?",
      )
      .all('a', '', '', 1) as { detail: string }[]
    db.close()
    assert.match(plan.map(({ detail }) => detail).join(), /^SEARCH result USING (COVERING )?INDEX result_open/)
  })
})
