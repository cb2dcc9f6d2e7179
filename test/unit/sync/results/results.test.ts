import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { syncError } from '../../../../sync/contract/errors.ts'
import { fakeTarget, supplier } from '../../../support/fakes.ts'
import { mapping } from '../../../support/rig.ts'
import { eachInItsWorld, numbers, ofOrders, sender } from '../../../support/two-stages.ts'
import { order } from '../../../support/two-stages-hub.ts'
import { waitFor } from '../../../support/wait.ts'

describe('two stages: accepted, then processed', () => {
  const w = eachInItsWorld()

  it('a run waits for the results, says so with numbers, and ties by them', async () => {
    const summary = await w.run()
    assert.match(summary.says ?? '', /^ties: results of the target, /)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.equal(ofOrders(summary)?.processed.sums.EUR, '30.3')
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
    assert.ok(w.s.told.some((text) => text.startsWith('purchase_order: 0 of 2 processed, 2 open, ')))
    assert.deepEqual(await w.s.open(), [])
  })

  it('what has no result when the time is up is open, with its number and amount, and is processed later without a run', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    const summary = await w.run({ entities: ['supplier', 'purchase_order'] })
    assert.equal(
      summary.says,
      'open: supplier: 1 accepted, result pending; purchase_order: 2 accepted, result pending, EUR 30.30',
    )
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, pending: 2 })
    assert.equal(await w.s.engine.lookAtResults('s'), 3)
    w.hub.process()
    assert.equal(await w.s.engine.lookAtResults('s'), 0)
    const next = await w.run()
    assert.equal(next.says, 'nothing new')
    assert.equal(w.hub.sent.length, 3)
  })

  it('what was open when the process ended is followed by the next one at once', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await w.run()
    w.hub.slow = false
    w.hub.patience = 20
    await w.restart()
    await waitFor(async () => (await w.s.open()).length === 0)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
  })

  it('is kept encrypted while its result is open, and not after it', async () => {
    w.hub.source.put('purchase_order', order('O3', '1.00', 'SECRET-SUPPLIER'))
    w.hub.slow = true
    w.hub.patience = 0.06
    await w.run()
    const [open] = await w.s.ledger.pendingResults('hub://host/purchase_order', 10)
    assert.equal(open?.key, 'erp|O1')
    await w.s.close()
    assert.ok(!readFileSync(w.file).includes('SECRET-SUPPLIER'))
  })

  it('a target that takes long to answer for its results does not keep the run', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    w.hub.says = () => promise
    w.hub.patience = 0.06
    const summary = await w.run()
    assert.equal(summary.verdict, 'open')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, pending: 2 })
    resolve(undefined)
    assert.equal(await w.s.engine.lookAtResults(), 0)
  })

  it('of two versions in one run the first is superseded, in the figures too', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    w.hub.source.onList((entity) => {
      if (entity === 'purchase_order') w.hub.source.put('purchase_order', order('O1', '77.00'), '2026-03-01T07:59:00Z')
      return undefined
    })
    const summary = await w.run({ sweep: { since: null } })
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, superseded: 1, pending: 2 })
    assert.deepEqual(ofOrders(summary)?.superseded.sums, { EUR: '10.1' })
    w.hub.process()
    await w.s.engine.lookAtResults()
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '77.00')
  })

  it('a deletion is accepted and processed like any record', async () => {
    await w.run({ sweep: { since: null } })
    w.pass(5)
    w.hub.source.put('purchase_order', order('O3', '3.00'))
    w.hub.source.remove('purchase_order', 'erp|O2')
    const summary = await w.run({ sweep: { since: null } })
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O3': '3.00' })
  })

  it('a warning is open with its words until a later version is processed, or a person has seen it', async () => {
    w.hub.fate = (_entity, key, record) =>
      record.amount === '11.00'
        ? undefined
        : key.startsWith('erp|O')
          ? { kind: 'warning', text: 'no such tax code' }
          : undefined
    const summary = await w.run()
    assert.equal(summary.says, 'open: purchase_order: 2 processed with a warning, EUR 30.30 (erp|O1: no such tax code)')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, warned: 2 })
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '11.00'))
    await w.run()
    assert.deepEqual(await w.s.open(), ['1 warned purchase_order'])
    const who = { by: 'anna', reason: 'the tax code is made' }
    assert.equal(await w.s.ledger.seenWarnings('hub://host/purchase_order', ['erp|O2'], who), 1)
    assert.deepEqual(await w.s.open(), [])
    const [decision] = await w.s.ledger.decisions({ sync: 's' })
    assert.equal(`${decision?.kind} ${decision?.about} ${decision?.by}`, 'warning erp|O2 anna')
  })

  it('orders are not written before the results of their suppliers are there, or were waited for', async () => {
    w.hub.slow = true
    w.hub.patience = 1
    let asked = 0
    w.hub.says = () => {
      if (++asked === 1) w.hub.process()
      return undefined
    }
    const summary = await w.run()
    assert.deepEqual(await w.s.held(), {})
    assert.ok(summary.verdict === 'open' || summary.verdict === 'ties')
    await w.restart({ needs: [] })
    const places = w.hub.sent.map(({ entity }) => entity)
    assert.deepEqual(places, ['supplier', 'purchase_order', 'purchase_order'])
    assert.equal(w.hub.ready.get('purchase_order'), 1)
  })

  it('results that cannot be asked for fail nothing: the run says so, and they are asked for later', async () => {
    w.hub.says = () => {
      throw syncError('config', 'hub.403', 'requestStatus.read was not granted')
    }
    const summary = await w.run()
    assert.equal(summary.state, 'done')
    assert.match(summary.notices.join(), /could not be asked for its results \(requestStatus.read was not granted\)/)
    assert.equal(summary.verdict, 'open')
    w.hub.says = () => undefined
    assert.equal(await w.s.engine.lookAtResults(), 0)
  })

  it('a message of the flow is followed like any, and what has no key at a source is held when it is lost', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|P1' ? 'lost' : undefined)
    w.hub.patience = 0.06
    await w.run({ entities: ['supplier'] })
    await w.s.push('purchase_order', [order('P1', '1.00'), order('P2', '2.00')])
    await w.s.engine.lookAtResults()
    assert.equal(w.hub.has('purchase_order')['erp|P2'], '2.00')
    w.pass(3 * 24 * 60 + 1)
    await w.s.engine.lookAtResults()
    assert.match((await w.s.held())['erp|P1'] ?? '', /^sync.no-result: .*has no result after 72 hours/)
  })

  it('a record under another key takes the old one away, in no figure, and both are followed', async () => {
    await w.run()
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '12.00'))
    w.s.flow = (message) =>
      mapping(w.s, message, (record) => (record.number === 'O1' ? { ...record, number: 'NEW-O1' } : record))
    const summary = await w.run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 1, processed: 1 })
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|NEW-O1': '12.00', 'erp|O2': '20.20' })
    assert.deepEqual(await w.s.open(), [])
  })

  it('what there was nothing to send for is processed at once', async () => {
    await w.s.push('purchase_order', [{ source: 'erp', number: 'NEVER', _op: 'delete' }])
    assert.equal(w.hub.sent.length, 0)
    assert.equal(await w.s.ledger.countResults(), 0)
    const [push] = await w.s.ledger.runs({ limit: 1 })
    assert.equal(push?.verdict, 'ties', push?.says)
  })

  it('nothing of this is on the way of a target with one stage', async () => {
    const asked: string[] = []
    for (const name of ['lastSent', 'sending', 'pendingResults', 'resultFigures', 'endResults'] as const) {
      const own = w.s.ledger[name] as (...given: unknown[]) => unknown
      Object.assign(w.s.ledger, {
        [name]: (...given: unknown[]) => {
          asked.push(name)
          return own(...given)
        },
      })
    }
    const { signal } = new AbortController()
    const target = fakeTarget({ address: 'fakedb://host/main.finance.supplier' })
    const { schema } = await w.hub.source.plan('supplier', signal)
    const message = { payload: [{ ...supplier('S7', 'Nut'), _row: 0 }], schema }
    await w.s.engine.deliver({ ref: sender, target, message, progress: () => undefined, signal })
    assert.equal(target.stored.size, 1)
    assert.deepEqual(asked, [])
  })

  it('a record that the books of results lost fails the run', async () => {
    const { resultFigures } = w.s.ledger
    Object.assign(w.s.ledger, {
      async resultFigures(...place: Parameters<typeof resultFigures>) {
        const figures = await resultFigures(...place)
        const { records } = figures.processed
        return { ...figures, processed: { ...figures.processed, records: records === 2 ? 1 : records } }
      },
    })
    const summary = await w.run()
    assert.equal(summary.verdict, 'failed')
    assert.match(summary.says ?? '', /2 record\(s\) were accepted .*, and 1 are accounted for/)
  })

  it('a target that does not say which request took a record is at fault', async () => {
    const summary = await w.run({ entities: ['supplier'] })
    assert.equal(summary.verdict, 'ties')
    const target = { ...w.hub.target('supplier'), write: async () => undefined }
    const { signal } = new AbortController()
    const message = {
      payload: [{ ...supplier('S7', 'Nut'), _row: 0 }],
      schema: (await w.hub.source.plan('supplier', signal)).schema,
    }
    await assert.rejects(
      w.s.engine.deliver({ ref: sender, target, message, progress: () => undefined, signal }),
      /did not say which request took supplier erp\|S7/,
    )
  })
})
