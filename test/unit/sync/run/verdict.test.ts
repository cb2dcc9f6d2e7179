import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { isGood, openAt, openInWords, worstOf } from '../../../../sync/run/verdict.ts'
import { type FakeTarget, fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

const suppliers = { supplier: { schema: supplierSchema } }

describe('the word for a run', () => {
  let r: Rig
  let target: FakeTarget
  beforeEach(async () => {
    r = await rig({ entities: suppliers })
    target = r.target('supplier')
    for (const code of ['A', 'B', 'C']) r.source.put('supplier', supplier(code, 'first'))
  })
  afterEach(() => r.close())

  const told = async (options: Parameters<Rig['poll']>[0] = {}) => {
    const { verdict, state, ties, entities } = await r.poll(options)
    return { verdict, state, ties, open: entities.flatMap(({ open = [] }) => open) }
  }
  const openAlerts = async () => (await r.ledger.alerts({ open: true })).map(({ kind }) => kind)
  let minutes = 0
  /** A change at a later time. */
  const put = (code: string, name: string) => {
    minutes++
    r.source.clockIs(`2026-03-01T09:${String(minutes).padStart(2, '0')}:00Z`)
    r.source.put('supplier', supplier(code, name))
  }
  const holdingB = () =>
    target.onWrite(({ records }) => {
      if (records.some(({ record }) => record.name === 'bad'))
        throw syncError('data', 'fake.22018', 'the name is not known')
    })

  describe('ties', () => {
    it('only where what is stored was compared, and is nothing new where nothing moved', async () => {
      assert.deepEqual(await told(), { verdict: 'ties', state: 'done', ties: true, open: [] })
      assert.deepEqual(await told(), { verdict: 'nothing new', state: 'done', ties: true, open: [] })
    })

    for (const [name, totals, reason] of [
      ['cannot be asked', undefined, /^not verified: .*cannot be asked for its sums$/],
      ['says why it cannot tell', async () => 'queries are not allowed', /^not verified: queries are not allowed$/],
      [
        'fails to answer',
        () => Promise.reject(syncError('config', 'fake.403', 'no right to read')),
        /^not verified: .*could not be compared: no right to read$/,
      ],
    ] as const)
      it(`not of a target that ${name}: it is open, with the reason`, async () => {
        Object.defineProperty(target, 'totals', { value: totals })
        const { verdict, state, ties, open } = await told()
        assert.deepEqual({ verdict, state, ties }, { verdict: 'open', state: 'done', ties: false })
        assert.match(open.join(), reason)
        assert.deepEqual(await openAlerts(), [])
        // Nothing was written since: there is nothing to verify.
        assert.equal((await told()).verdict, 'nothing new')
      })
  })

  describe('what is held or left out', () => {
    beforeEach(async () => {
      holdingB()
      r.source.put('supplier', supplier('B', 'bad'))
    })

    it('is open in every run until it is over, whatever the run moved', async () => {
      const first = { verdict: 'open', state: 'done', ties: false, open: ['1 held'] }
      assert.deepEqual(await told(), first)
      assert.deepEqual(await told(), first, 'nothing was read')
      put('A', 'second')
      assert.deepEqual(await told(), first)
      put('B', 'good')
      assert.equal((await told()).verdict, 'ties')
    })

    it('stays open when a person leaves it out, with who and why, until a later version is delivered', async () => {
      await told()
      const [held] = await r.ledger.held({})
      assert.equal(await r.ledger.discardHeld([held?.id ?? ''], { by: 'anna', reason: 'a test supplier' }), 1)
      assert.deepEqual((await told()).open, ['1 left out'])
      const [left] = await r.ledger.held({ states: ['discarded'] })
      assert.deepEqual([left?.discarded?.by, left?.discarded?.reason], ['anna', 'a test supplier'])
      await r.ledger.purge(-1)
      assert.deepEqual((await told()).open, ['1 left out'], 'retention takes nothing that is open')
      const [decision] = await r.ledger.decisions({ sync: 's' })
      assert.deepEqual(
        [decision?.kind, decision?.by, decision?.reason, decision?.about],
        ['discard', 'anna', 'a test supplier', 'erp|B'],
      )
      put('B', 'good')
      assert.equal((await told()).verdict, 'ties')
      assert.deepEqual(await r.ledger.held({ states: ['discarded'] }), [])
      assert.equal((await r.ledger.decisions({})).length, 1)
    })

    it('is over when the record is gone in the ERP', async () => {
      await told()
      const [held] = await r.ledger.held({})
      await r.ledger.discardHeld([held?.id ?? ''], { by: 'anna', reason: 'a test supplier' })
      r.source.remove('supplier', 'erp|B')
      assert.deepEqual((await told({ sweep: { since: null } })).open, [])
    })

    it('stays left out where the same version is read again, and is held where another one is as bad', async () => {
      await told()
      const [held] = await r.ledger.held({})
      await r.ledger.discardHeld([held?.id ?? ''], { by: 'anna', reason: 'a test supplier' })
      const again = { scope: { kind: 'keys', entity: 'supplier', keys: ['erp|B'] } } as const
      assert.deepEqual((await told(again)).open, ['1 left out'])
      r.source.put('supplier', { ...supplier('B', 'bad'), city: 'Lyon' })
      assert.deepEqual((await told(again)).open, ['1 held'])
    })
  })

  describe('a difference', () => {
    beforeEach(async () => {
      let once = true
      target.on('totals', () => {
        if (once) target.stored.delete('erp|A')
        once = false
      })
    })

    it('stays through runs that compare nothing or other rows, and a restart of the engine would find it in the ledger', async () => {
      const first = await told()
      assert.deepEqual([first.verdict, first.state], ['differs', 'failed'])
      const again = await told()
      assert.deepEqual([again.verdict, again.state, again.ties], ['differs', 'done', false], 'nothing was read')
      put('B', 'second')
      assert.equal((await told()).verdict, 'differs', 'other rows tie')
      assert.deepEqual(await openAlerts(), ['no-tie'])
      assert.match(sums(await r.poll(), 'supplier').problem ?? '', /3 delivered, 2 stored/)
    })

    it('ends with a full reading that ties, and with nothing less', async () => {
      await told()
      await told({ scope: { kind: 'keys', entity: 'supplier', keys: ['erp|B'] } })
      assert.equal((await told()).verdict, 'differs')
      assert.equal((await told({ scope: { kind: 'full' } })).verdict, 'ties')
      assert.deepEqual(await openAlerts(), [])
      const [difference] = await r.ledger.differences({})
      assert.match(difference?.closed?.by ?? '', /^run r/)
    })

    it('ends when a person closes it, who and why are kept', async () => {
      await told()
      const [difference] = await r.ledger.differences({ open: true })
      assert.ok(await r.ledger.closeDifference(difference?.id ?? '', { by: 'anna', reason: 'taken out on purpose' }))
      assert.equal(await r.ledger.closeDifference(difference?.id ?? '', { by: 'anna', reason: 'twice' }), undefined)
      assert.equal((await told()).verdict, 'nothing new')
      const [decision] = await r.ledger.decisions({})
      assert.deepEqual([decision?.kind, decision?.by, decision?.reason], ['difference', 'anna', 'taken out on purpose'])
    })
  })

  describe('a batch in doubt', () => {
    it('that is not there is read by key in the next run and sent; the answer is kept', async () => {
      const append = fakeTarget({ address: 'fakedb://host/main.finance.versions', mode: 'append' })
      const rows: string[] = []
      let lose = true
      append.onWrite(({ records }) => {
        if (lose) throw syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
        rows.push(...records.map(({ key }) => key))
      })
      Object.assign(append, { resolve: async () => 'in-doubt' })
      await r.close()
      r = await rig({ entities: suppliers, flow: (message, self) => void self.deliver(message, undefined, append) })
      for (const code of ['A', 'B']) r.source.put('supplier', supplier(code, 'first'))
      const first = await told()
      assert.deepEqual([first.verdict, first.open], ['open', ['2 in doubt']])
      lose = false
      const quiet = await r.poll()
      const { verdict: word, open: left } = sums(quiet, 'supplier')
      assert.deepEqual([quiet.verdict, word, left], ['open', 'open', ['2 in doubt']], 'nothing reads them by itself')
      const [intent] = await r.ledger.doubtful()
      assert.ok(intent)
      await r.ledger.settleAbsent(intent, { by: 'anna', reason: 'looked there' })
      assert.deepEqual(openInWords(await r.ledger.openItems('s')), ['2 to be read again'])
      const { verdict, open } = await told()
      assert.deepEqual(rows.sort(), ['erp|A', 'erp|B'])
      assert.deepEqual([verdict, open], ['ties', []])
      assert.deepEqual(await r.ledger.keysToReadAgain('s', 'supplier'), [])
      const [decision] = await r.ledger.decisions({})
      assert.deepEqual([decision?.kind, decision?.by], ['in-doubt', 'anna'])
      assert.match(decision?.about ?? '', /it is not there/)
    })
  })
})

describe('what is open at a sink', () => {
  const item = (kind: 'held' | 'in-doubt', address: string | null, count: number) =>
    ({ entity: 'supplier', kind, address, sinkName: null, count }) as const
  const sinks = [
    { id: '1', name: 'one' },
    { id: '2', name: 'two' },
  ]
  const entity = { name: 'supplier', addresses: new Map([['1', 'db://one']]) }

  it('is what lies there, and what lies at none of them', () => {
    const items = [item('held', 'db://one', 1), item('held', null, 10), item('held', 'db://gone', 100)]
    const at = sinks.map((sink) => openInWords(openAt(items, entity, sink, sinks)))
    assert.deepEqual(at, [['111 held'], ['110 held']])
  })

  it('says of a memory that is not whole what helps: a sweep, or that what is held back is answered', () => {
    const unwhole = (count: number) => ({ entity: 'e', kind: 'unwhole', address: 'a', sinkName: null, count }) as const
    const held = { entity: 'e', kind: 'held', address: null, sinkName: null, count: 2 } as const
    const said = (...items: Parameters<typeof openInWords>[0]) => openInWords(items).at(-1)
    assert.equal(said(unwhole(0)), 'memory of the target not whole, sweep due')
    assert.equal(said(unwhole(99)), 'memory of the target not whole, 99 % read, sweep due')
    assert.equal(said(held, unwhole(40)), 'memory of the target not whole, 40 % read, sweep due')
    assert.equal(said(held, unwhole(99)), 'memory of the target not whole: 2 held')
    const other = { ...held, kind: 'left-out', count: 1 } as const
    assert.equal(said(held, other, unwhole(99)), 'memory of the target not whole: 2 held, 1 left out')
    assert.equal(said({ ...held, entity: 'f' }, unwhole(99)), 'memory of the target not whole, 99 % read, sweep due')
    // Where only a part of what is open is told, what is held back elsewhere counts all the same.
    assert.deepEqual(openInWords([unwhole(99)], [held, unwhole(99)]), ['memory of the target not whole: 2 held'])
  })

  it('in one word: the worst, and nothing new where there is nothing', () => {
    assert.equal(worstOf(['ties', 'open', 'nothing new']), 'open')
    const order = ['failed', 'differs', 'open', 'ties', 'nothing new'] as const
    for (const [i, one] of order.entries())
      for (const other of order.slice(i)) assert.deepEqual([worstOf([one, other]), worstOf([other, one])], [one, one])
    assert.equal(worstOf([]), 'nothing new')
    assert.deepEqual((['failed', 'differs', 'open', 'ties', 'nothing new'] as const).map(isGood), [
      false,
      false,
      false,
      true,
      true,
    ])
  })
})
