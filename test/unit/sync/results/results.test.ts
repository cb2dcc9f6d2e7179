import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { syncError } from '../../../../sync/contract/errors.ts'
import { fakeTarget, supplier } from '../../../support/fakes.ts'
import { mapping, sums } from '../../../support/rig.ts'
import { order, type Stages, sender, type World, world } from '../../../support/two-stages.ts'
import { waitFor } from '../../../support/wait.ts'

type Figures = NonNullable<ReturnType<typeof sums>['results']>
const numbers = (one: Figures | undefined) =>
  Object.fromEntries(Object.entries(one ?? {}).flatMap(([name, { records }]) => (records > 0 ? [[name, records]] : [])))
const ofOrders = (summary: Awaited<ReturnType<Stages['run']>>): Figures | undefined =>
  sums(summary, 'purchase_order', sender.name).results

describe('two stages: accepted, then processed', () => {
  let w: World
  let s: Stages
  beforeEach(async () => {
    w = world()
    s = await w.start()
    w.hub.source.put('supplier', supplier('S1', 'Acme'))
    w.hub.source.put('purchase_order', order('O1', '10.10'))
    w.hub.source.put('purchase_order', order('O2', '20.20'))
  })
  afterEach(() => w.remove())

  /** The next process on the same ledger. */
  const restart = async (options: Parameters<World['start']>[0] = {}): Promise<void> => {
    await s.close()
    s = await w.start(options)
  }
  const run = (options: Parameters<Stages['run']>[0] = {}, of = s) => {
    w.pass(1)
    return of.run(options)
  }
  const sentOf = (key: string): boolean[] => w.hub.sent.filter((one) => one.key === key).map(({ again }) => again)

  it('a run waits for the results, says so with numbers, and ties by them', async () => {
    const summary = await run()
    assert.match(summary.says ?? '', /^ties: results of the target, /)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.equal(ofOrders(summary)?.processed.sums.EUR, '30.3')
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
    assert.ok(s.told.some((text) => text.startsWith('purchase_order: 0 of 2 processed, 2 open, ')))
    assert.deepEqual(await s.open(), [])
  })

  it('what has no result when the time is up is open, with its number and amount, and is processed later without a run', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    const summary = await run({ entities: ['supplier', 'purchase_order'] })
    assert.equal(
      summary.says,
      'open: supplier: 1 accepted, result pending; purchase_order: 2 accepted, result pending, EUR 30.30',
    )
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, pending: 2 })
    assert.equal(await s.engine.lookAtResults('s'), 3)
    w.hub.process()
    assert.equal(await s.engine.lookAtResults('s'), 0)
    const next = await run()
    assert.equal(next.says, 'nothing new')
    assert.equal(w.hub.sent.length, 3)
  })

  it('what was open when the process ended is followed by the next one at once', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await run()
    w.hub.slow = false
    w.hub.patience = 20
    await restart()
    await waitFor(async () => (await s.open()).length === 0)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
  })

  it('is kept encrypted while its result is open, and not after it', async () => {
    w.hub.source.put('purchase_order', order('O3', '1.00', 'SECRET-SUPPLIER'))
    w.hub.slow = true
    w.hub.patience = 0.06
    await run()
    const [open] = await s.ledger.pendingResults('hub://host/purchase_order', 10)
    assert.equal(open?.key, 'erp|O1')
    await s.close()
    assert.ok(!readFileSync(w.file).includes('SECRET-SUPPLIER'))
  })

  it('what is refused within the run is held with the words of the target, and open', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S9'))
    const summary = await run()
    assert.equal(summary.says, 'open: purchase_order: 1 held, EUR 5.00')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, processed: 2, held: 1 })
    assert.deepEqual(await s.held(), { 'erp|O3': 'DATA_VALIDATION_FAILED: supplier S9 is unknown' })
    const [held] = await s.ledger.held({})
    assert.match(held?.cause.message ?? '', /purchase_order erp\|O3 was accepted and then refused: .*request q2/)
  })

  it('what is refused a day later, after a restart, is held, and the next read of it is sent again', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await run()
    w.pass(24 * 60)
    await restart()
    w.hub.fate = (_entity, key) =>
      key === 'erp|O1' ? { kind: 'failed', code: 'E1', text: 'period closed', cause: 'data' } : undefined
    w.hub.process()
    await s.engine.lookAtResults()
    assert.deepEqual(await s.held(), { 'erp|O1': 'E1: period closed' })
    w.hub.fate = () => undefined
    w.hub.slow = false
    w.hub.patience = 20
    const again = await run({ scope: { kind: 'keys', entity: 'purchase_order', keys: ['erp|O1'] } })
    assert.deepEqual(numbers(ofOrders(again)), { accepted: 1, processed: 1 })
    assert.deepEqual(sentOf('erp|O1'), [false, true])
    assert.deepEqual(await s.held(), {})
  })

  for (const order_ of ['the older first', 'the newer first'])
    it(`the refusal of a version that was replaced meanwhile holds nothing, ${order_}`, async () => {
      w.hub.slow = true
      w.hub.patience = 0.06
      await run()
      w.pass(1)
      w.hub.source.put('purchase_order', order('O1', '99.00'))
      await run()
      const older = w.hub.sent.find(({ key }) => key === 'erp|O1')?.request
      w.hub.fate = (_entity, key, record) =>
        key === 'erp|O1' && record.amount !== '99.00'
          ? { kind: 'failed', code: 'E1', text: 'too late', cause: 'data' }
          : undefined
      if (order_ === 'the newer first')
        w.hub.says = ({ requests }) => (requests[0]?.request === older ? { kind: 'pending' } : undefined)
      w.hub.process()
      await s.engine.lookAtResults()
      w.hub.says = () => undefined
      await s.engine.lookAtResults()
      assert.deepEqual(await s.held(), {})
      assert.deepEqual(await s.open(), [])
      assert.equal(w.hub.has('purchase_order')['erp|O1'], '99.00')
      const next = await run({ scope: { kind: 'keys', entity: 'purchase_order', keys: ['erp|O1'] } })
      assert.equal(sums(next, 'purchase_order', sender.name).unchanged, 1)
    })

  it('nor does one that comes while a newer version is accepted', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await run()
    w.hub.says = async ({ key }) => {
      if (key !== 'erp|O1') return undefined
      w.hub.says = () => undefined
      await s.push('purchase_order', [order('O1', '99.00')])
      return { kind: 'failed', code: 'E1', text: 'too late', cause: 'data' }
    }
    await s.engine.lookAtResults()
    assert.deepEqual(await s.held(), {})
    w.hub.process()
    assert.equal(await s.engine.lookAtResults(), 0)
    assert.deepEqual(await s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '99.00')
  })

  it('a target that takes long to answer for its results does not keep the run', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    w.hub.says = () => promise
    w.hub.patience = 0.06
    const summary = await run()
    assert.equal(summary.verdict, 'open')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, pending: 2 })
    resolve(undefined)
    assert.equal(await s.engine.lookAtResults(), 0)
  })

  it('of two versions in one run the first is superseded, in the figures too', async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    w.hub.source.onList((entity) => {
      if (entity === 'purchase_order') w.hub.source.put('purchase_order', order('O1', '77.00'), '2026-03-01T07:59:00Z')
      return undefined
    })
    const summary = await run({ sweep: { since: null } })
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, superseded: 1, pending: 2 })
    assert.deepEqual(ofOrders(summary)?.superseded.sums, { EUR: '10.1' })
    w.hub.process()
    await s.engine.lookAtResults()
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '77.00')
  })

  it('an order whose supplier is unknown goes through once that is there, although it did not change', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await run()
    assert.deepEqual(Object.keys(await s.held()), ['erp|O3'])
    w.pass(5)
    await run()
    assert.deepEqual(sentOf('erp|O3'), [false], 'nothing that it waits for came')
    w.hub.source.put('supplier', supplier('S2', 'Bolt'))
    w.pass(5)
    const last = await run()
    assert.deepEqual(await s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
    assert.deepEqual(sentOf('erp|O3'), [false, true])
    assert.equal(last.verdict, 'ties', last.says)
  })

  it('what the target took without something that it does not have is sent again once that is there, although it did not change', async () => {
    const knows = (code: string): boolean => Object.hasOwn(w.hub.has('supplier'), `erp|${code}`)
    w.hub.fate = (entity, key) =>
      entity === 'purchase_order' && key === 'erp|O1' && !knows('S9')
        ? { kind: 'warning', text: 'Not saved, since it does not exist: S9' }
        : undefined
    await run()
    w.hub.source.put('supplier', supplier('S1', 'Acme renamed'))
    w.pass(5)
    const before = await run()
    assert.deepEqual(sentOf('erp|O1'), [false], 'a change of what was there before brings nothing that it lacked')
    assert.equal(before.verdict, 'open', before.says)
    w.hub.source.put('supplier', supplier('S9', 'Zorn'))
    w.pass(5)
    const last = await run()
    assert.deepEqual(sentOf('erp|O1'), [false, true])
    assert.deepEqual(sentOf('erp|O2'), [false], 'what the target took whole is not sent again')
    assert.equal(last.verdict, 'ties', last.says)
    w.pass(5)
    await run()
    assert.deepEqual(sentOf('erp|O1'), [false, true])
  })

  it('is tried once a day too, since what it waits for may be made by hand', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await run()
    w.hub.fate = () => ({ kind: 'processed' })
    w.pass(23 * 60)
    await run()
    assert.deepEqual(Object.keys(await s.held()), ['erp|O3'])
    w.pass(2 * 60)
    await run()
    assert.deepEqual(await s.held(), {})
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
  })

  it('what the target failed of itself is sent again after an hour', async () => {
    w.hub.fate = (_entity, key) =>
      key === 'erp|O1' ? { kind: 'failed', code: 'T1', text: 'internal error', cause: 'technical' } : undefined
    await run()
    w.hub.fate = () => undefined
    w.pass(30)
    await run()
    assert.deepEqual(Object.keys(await s.held()), ['erp|O1'])
    w.pass(31)
    await run()
    assert.deepEqual(await s.held(), {})
    assert.deepEqual(sentOf('erp|O1'), [false, true])
  })

  it('a held record that a person replays is sent as changed, and is over once it is processed', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await run()
    w.hub.fate = () => ({ kind: 'processed' })
    const summary = await s.replay()
    assert.deepEqual(numbers(sums(summary, 'purchase_order', sender.name).results), { accepted: 1, processed: 1 })
    assert.deepEqual(await s.held(), {})
    assert.deepEqual(sentOf('erp|O3'), [false, true])
    assert.equal(w.hub.has('purchase_order')['erp|O3'], '5.00')
  })

  it('a replay that is refused again leaves the record held', async () => {
    w.hub.source.put('purchase_order', order('O3', '5.00', 'S2'))
    await run()
    const summary = await s.replay()
    assert.equal(summary.says, 'open: purchase_order: 1 held, EUR 5.00')
    assert.deepEqual(Object.keys(await s.held()), ['erp|O3'])
  })

  it('what is skipped as identical with what came through is unchanged: a full reading sends nothing as changed', async () => {
    await run()
    w.pass(5)
    const full = await run({ scope: { kind: 'full' } })
    assert.deepEqual(numbers(ofOrders(full)), { accepted: 2, processed: 2 })
    assert.deepEqual(sentOf('erp|O1'), [false, false])
    assert.deepEqual(await s.held(), {})
  })

  it('what is skipped and nobody knows that it came through is sent once more as changed, in the same run', async () => {
    await run()
    const other = world(w.hub)
    const fresh = await other.start()
    try {
      w.pass(5)
      const summary = await run({}, fresh)
      assert.deepEqual(numbers(ofOrders(summary)), { accepted: 4, processed: 2, again: 2 })
      assert.deepEqual(sentOf('erp|O1'), [false, false, true])
      assert.deepEqual(await fresh.open(), [])
    } finally {
      await other.remove()
    }
  })

  it('what is skipped although it was sent as changed is held for a person, and not sent for ever', async () => {
    w.hub.says = ({ key }) => (key === 'erp|O1' ? { kind: 'unchanged' } : undefined)
    await run()
    assert.deepEqual(Object.keys(await s.held()), ['erp|O1'])
    assert.deepEqual(sentOf('erp|O1'), [false, true])
    w.pass(5)
    await run()
    assert.deepEqual(sentOf('erp|O1'), [false, true])
  })

  it('what is skipped in part needs a success before it', async () => {
    w.hub.says = ({ key, again }) => (key === 'erp|O1' && !again ? { kind: 'processed', skipped: true } : undefined)
    await run()
    assert.deepEqual(sentOf('erp|O1'), [false, true])
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '11.00'))
    await run()
    assert.deepEqual(sentOf('erp|O1'), [false, true, false], 'the version before came through')
    assert.deepEqual(await s.open(), [])
  })

  it('what the target calls overtaken, by nothing of ours, is sent again', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|O1' && sentOf(key).length === 1 ? { kind: 'superseded' } : undefined)
    const summary = await run()
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 3, processed: 2, again: 1 })
    assert.equal(w.hub.has('purchase_order')['erp|O1'], '10.10')
  })

  it('what has no result after three days is sent again', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|O1' ? 'lost' : undefined)
    w.hub.patience = 0.06
    await run()
    w.pass(3 * 24 * 60 - 5)
    await run()
    assert.deepEqual(await s.open(), ['1 pending purchase_order'])
    w.pass(10)
    await s.engine.lookAtResults()
    assert.deepEqual(await s.open(), ['1 again purchase_order'])
    w.hub.fate = () => undefined
    await run()
    assert.deepEqual(await s.open(), [])
    assert.deepEqual(sentOf('erp|O1'), [false, true])
  })

  it('a request that is not known there is waited for an hour, then its records are sent again', async () => {
    w.hub.says = ({ key, again }) => (key === 'erp|O1' && !again ? { kind: 'unknown' } : undefined)
    w.hub.patience = 0.06
    await run()
    assert.deepEqual(await s.open(), ['1 pending purchase_order'])
    w.pass(61)
    await s.engine.lookAtResults()
    await run()
    assert.deepEqual(await s.open(), [])
    assert.deepEqual(sentOf('erp|O1'), [false, true])
  })

  it('what was taken when the process died, and its number lost with it, is sent again as changed', async () => {
    await run({ entities: ['supplier'] })
    let left = ''
    w.hub.answer = ({ entity }) => {
      if (entity === 'purchase_order' && left === '') left = w.remains()
    }
    await run()
    const next = await w.start({ file: left })
    w.hub.answer = () => undefined
    w.pass(1)
    const summary = await run({}, next)
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.deepEqual(sentOf('erp|O1'), [false, true])
    assert.deepEqual(await next.held(), {})
  })

  it('an answer that is lost and tried again proves nothing of what is skipped then', async () => {
    await run({ entities: ['supplier'] })
    let lost = false
    w.hub.answer = () => {
      if (lost) return
      lost = true
      throw syncError('unknown-outcome', 'hub.reset', 'the connection was reset')
    }
    const summary = await run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O2': '20.20' })
    assert.deepEqual(sentOf('erp|O1'), [false, false, true])
  })

  it("yesterday's copy of the ledger catches up, and nothing older takes the place of what is there", async () => {
    w.hub.slow = true
    w.hub.patience = 0.06
    await run()
    await s.close()
    w.copy()
    w.hub.slow = false
    w.hub.patience = 20
    s = await w.start()
    w.pass(10)
    w.hub.source.put('purchase_order', order('O1', '55.00'))
    w.hub.source.put('purchase_order', order('O2', '66.00'))
    await run()
    await s.close()
    w.restore()
    s = await w.start()
    w.pass(24 * 60)
    // Back to what the copy knows as delivered.
    w.hub.source.put('purchase_order', order('O2', '20.20'))
    const summary = await run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '55.00', 'erp|O2': '20.20' })
    assert.deepEqual(await s.open(), [])
    assert.deepEqual(await s.held(), {})
  })

  it('a deletion is accepted and processed like any record', async () => {
    await run({ sweep: { since: null } })
    w.pass(5)
    w.hub.source.put('purchase_order', order('O3', '3.00'))
    w.hub.source.remove('purchase_order', 'erp|O2')
    const summary = await run({ sweep: { since: null } })
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, processed: 2 })
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10', 'erp|O3': '3.00' })
  })

  it('a deletion that is refused is held, and goes through when it is replayed', async () => {
    await run({ sweep: { since: null } })
    w.pass(5)
    w.hub.source.remove('purchase_order', 'erp|O2')
    w.hub.fate = (_entity, _key, { _op }) =>
      _op === 'delete' ? { kind: 'failed', code: 'E2', text: 'has open invoices', cause: 'data' } : undefined
    await run({ sweep: { since: null } })
    assert.deepEqual(await s.held(), { 'erp|O2': 'E2: has open invoices' })
    w.hub.fate = () => undefined
    await s.replay()
    assert.deepEqual(await s.held(), {})
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|O1': '10.10' })
  })

  it('a warning is open with its words until a later version is processed, or a person has seen it', async () => {
    w.hub.fate = (_entity, key, record) =>
      record.amount === '11.00'
        ? undefined
        : key.startsWith('erp|O')
          ? { kind: 'warning', text: 'no such tax code' }
          : undefined
    const summary = await run()
    assert.equal(summary.says, 'open: purchase_order: 2 processed with a warning, EUR 30.30 (erp|O1: no such tax code)')
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 2, warned: 2 })
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '11.00'))
    await run()
    assert.deepEqual(await s.open(), ['1 warned purchase_order'])
    const who = { by: 'anna', reason: 'the tax code is made' }
    assert.equal(await s.ledger.seenWarnings('hub://host/purchase_order', ['erp|O2'], who), 1)
    assert.deepEqual(await s.open(), [])
    const [decision] = await s.ledger.decisions({ sync: 's' })
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
    const summary = await run()
    assert.deepEqual(await s.held(), {})
    assert.ok(summary.verdict === 'open' || summary.verdict === 'ties')
    await restart({ needs: [] })
    const places = w.hub.sent.map(({ entity }) => entity)
    assert.deepEqual(places, ['supplier', 'purchase_order', 'purchase_order'])
    assert.equal(w.hub.ready.get('purchase_order'), 1)
  })

  it('results that cannot be asked for fail nothing: the run says so, and they are asked for later', async () => {
    w.hub.says = () => {
      throw syncError('config', 'hub.403', 'requestStatus.read was not granted')
    }
    const summary = await run()
    assert.equal(summary.state, 'done')
    assert.match(summary.notices.join(), /could not be asked for its results \(requestStatus.read was not granted\)/)
    assert.equal(summary.verdict, 'open')
    w.hub.says = () => undefined
    assert.equal(await s.engine.lookAtResults(), 0)
  })

  it('a message of the flow is followed like any, and what has no key at a source is held when it is lost', async () => {
    w.hub.fate = (_entity, key) => (key === 'erp|P1' ? 'lost' : undefined)
    w.hub.patience = 0.06
    await run({ entities: ['supplier'] })
    await s.push('purchase_order', [order('P1', '1.00'), order('P2', '2.00')])
    await s.engine.lookAtResults()
    assert.equal(w.hub.has('purchase_order')['erp|P2'], '2.00')
    w.pass(3 * 24 * 60 + 1)
    await s.engine.lookAtResults()
    assert.match((await s.held())['erp|P1'] ?? '', /^sync.no-result: .*has no result after 72 hours/)
  })

  it('a record under another key takes the old one away, in no figure, and both are followed', async () => {
    await run()
    w.pass(5)
    w.hub.source.put('purchase_order', order('O1', '12.00'))
    s.flow = (message) =>
      mapping(s, message, (record) => (record.number === 'O1' ? { ...record, number: 'NEW-O1' } : record))
    const summary = await run()
    assert.equal(summary.verdict, 'ties', summary.says)
    assert.deepEqual(numbers(ofOrders(summary)), { accepted: 1, processed: 1 })
    assert.deepEqual(w.hub.has('purchase_order'), { 'erp|NEW-O1': '12.00', 'erp|O2': '20.20' })
    assert.deepEqual(await s.open(), [])
  })

  it('what there was nothing to send for is processed at once', async () => {
    await s.push('purchase_order', [{ source: 'erp', number: 'NEVER', _op: 'delete' }])
    assert.equal(w.hub.sent.length, 0)
    assert.equal(await s.ledger.countResults(), 0)
    const [push] = await s.ledger.runs({ limit: 1 })
    assert.equal(push?.verdict, 'ties', push?.says)
  })

  it('nothing of this is on the way of a target with one stage', async () => {
    const asked: string[] = []
    for (const name of ['lastSent', 'sending', 'pendingResults', 'resultFigures', 'endResults'] as const) {
      const own = s.ledger[name] as (...given: unknown[]) => unknown
      Object.assign(s.ledger, {
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
    await s.engine.deliver({ ref: sender, target, message, progress: () => undefined, signal })
    assert.equal(target.stored.size, 1)
    assert.deepEqual(asked, [])
  })

  it('a record that the books of results lost fails the run', async () => {
    const { resultFigures } = s.ledger
    Object.assign(s.ledger, {
      async resultFigures(...place: Parameters<typeof resultFigures>) {
        const figures = await resultFigures(...place)
        const { records } = figures.processed
        return { ...figures, processed: { ...figures.processed, records: records === 2 ? 1 : records } }
      },
    })
    const summary = await run()
    assert.equal(summary.verdict, 'failed')
    assert.match(summary.says ?? '', /2 record\(s\) were accepted .*, and 1 are accounted for/)
  })

  it('a target that does not say which request took a record is at fault', async () => {
    const summary = await run({ entities: ['supplier'] })
    assert.equal(summary.verdict, 'ties')
    const target = { ...w.hub.target('supplier'), write: async () => undefined }
    const { signal } = new AbortController()
    const message = {
      payload: [{ ...supplier('S7', 'Nut'), _row: 0 }],
      schema: (await w.hub.source.plan('supplier', signal)).schema,
    }
    await assert.rejects(
      s.engine.deliver({ ref: sender, target, message, progress: () => undefined, signal }),
      /did not say which request took supplier erp\|S7/,
    )
  })
})
