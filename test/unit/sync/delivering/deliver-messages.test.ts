import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { SUMS_OF_RUN } from '../../../../sync/run/verdict.ts'
import {
  type Bench,
  bench,
  counted,
  failing,
  journal,
  journalSchema,
  names,
  openHeld,
  ref,
  supplier,
  supplierSchema,
  tallied,
} from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'

const never = new AbortController().signal

describe('deliver: edits and replay', () => {
  it("does not undo a person's edit when the same original is read again", async () => {
    const b = await bench()
    await b.begin('r1')
    b.target.refuses = ({ name }) => (name === 'bad' ? 'too long' : undefined)
    await b.send('r1', [supplier('S', 'bad')], { read: 5 })
    const [held] = await openHeld(b)
    assert.ok(held)
    await b.ledger.editHeld(held.id, { ...held.record, name: 'edited' }, { by: 'anna', reason: 'the name was wrong' })
    await b.begin('replay', { mode: 'replay' })
    await b.ledger.claimHeld({ ids: [held.id] }, 'replay')
    const replayed = await b.send('replay', [supplier('S', 'edited', { _read: 5 })], {
      mode: 'replay',
      to: b.target.address,
    })
    assert.deepEqual(counted(replayed), { delivered: 1 })
    assert.deepEqual(names(b), ['edited'])

    b.target.refuses = () => undefined
    await b.begin('r2')
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'bad')], { read: 9 })), { unchanged: 1 })
    assert.deepEqual(names(b), ['edited'])
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'new in the ERP')], { read: 10 })), { delivered: 1 })
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'bad')], { read: 11 })), { delivered: 1 })
    assert.deepEqual(names(b), ['bad'])
  })

  it('ignores a replay that is for another sink', async () => {
    const b = await bench()
    await b.begin('r1', { mode: 'replay' })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { mode: 'replay', to: 'other://sink' })), {})
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { mode: 'replay', to: ref.id })), {
      delivered: 1,
    })
  })
})

describe('deliver: messages', () => {
  const message = (payload: unknown, more: object = {}) => ({ payload, schema: supplierSchema, ...more }) as never
  const push = (b: Bench, payload: unknown, more: object = {}, target = b.target) =>
    b.deliver({ ref, target, message: message(payload, more), progress: () => {}, signal: never })

  it('takes a message without msg.sync as a run of its own', async () => {
    const b = await bench()
    const counts = await push(b, [supplier('S', 'A'), supplier('T', 7 as unknown as string)])
    assert.deepEqual(counted(counts), { delivered: 1, held: 1 })
    const [run] = await b.ledger.runs({})
    assert.equal(run?.mode, 'push')
    assert.equal(run?.entities[0]?.read, 2)
    assert.equal(run?.entities[0]?.delivered, 1)
    assert.equal(run?.state, 'done')
    assert.deepEqual(counted(await push(b, [supplier('S', 'B')])), { delivered: 1 })
    assert.deepEqual(names(b), ['B'])
  })

  it('records a push that failed as a failed run', async () => {
    const b = await bench()
    b.target.accident = () => ({ before: syncError('config', 'fake.42P01', 'no such schema') })
    assert.equal((await failing(push(b, [supplier('S', 'A')]))).code, 'fake.42P01')
    assert.equal((await b.ledger.runs({}))[0]?.state, 'failed')
  })

  it('refuses a push to a sink that only appends: sent twice it would be in twice', async () => {
    const b = await bench()
    const error = await failing(push(b, [supplier('S', 'A')], {}, fakeTarget({ mode: 'append' })))
    assert.equal(error.code, 'sync.append-push')
    assert.equal(error.cause.class, 'config')
  })

  it('takes the single record of a split as a batch of one', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    await b.send('r1', [])
    run.entities
      .get('supplier')
      ?.batches.push({ ...run.entities.get('supplier')?.batches[0], index: 1, count: 2 } as never)
    const sync = {
      name: 'x',
      run: 'r1',
      entity: 'supplier',
      batch: 1,
      readNumber: 1,
      ledger: b.ledger.id,
      mode: 'poll',
    }
    await push(b, supplier('T', 'B', { _row: 1 }), { sync })
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 1 })
    await push(b, supplier('S', 'A', { _row: 0 }), { sync })
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 2 })
  })

  it('names a batch so that it can name a file, whatever the message calls its entity', async () => {
    const b = await bench()
    await b.begin('r1')
    const schema = { ...supplierSchema, entity: "../../etc/x'; DROP" }
    await b.send('r1', [supplier('S', 'A')], { schema })
    await b.send('r1', [supplier('S', 'B')], { schema, read: 2 })
    const ids = b.target.batches.map(({ id }) => id)
    for (const id of ids) assert.match(id, /^[\w-]+$/)
    assert.equal(new Set(ids).size, 2)
  })

  it('refuses a batch of another ledger', async () => {
    const b = await bench()
    const sync = { name: 'x', run: 'r1', entity: 'supplier', batch: 0, readNumber: 1, ledger: 'other', mode: 'poll' }
    assert.equal((await failing(push(b, [supplier('S', 'A')], { sync }))).code, 'sync.ledger')
  })

  it('gives a record of no run its version itself: what the message says of it beats no later read', async () => {
    const b = await bench()
    const future = Number.MAX_SAFE_INTEGER
    const forged = { _read: future, _row: 7, _stamp: '2099-01-01T00:00:00Z' }
    for (const more of [{}, { sync: { name: 'x', run: 'never', entity: 'supplier', batch: 0, readNumber: future } }]) {
      const sync = 'sync' in more ? { sync: { ...more.sync, ledger: b.ledger.id, mode: 'poll' } } : {}
      assert.deepEqual(counted(await push(b, [supplier('S', `forged ${'sync' in more}`, forged)], sync)), {
        delivered: 1,
      })
      const [stored] = [...b.target.stored.values()]
      assert.ok((stored?.read ?? future) <= b.ledger.lastRead())
      assert.equal(stored?.record._stamp, undefined)
    }
    await b.begin('r1')
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'ERP')], { read: b.ledger.nextRead() })), {
      delivered: 1,
    })
    assert.deepEqual(names(b), ['ERP'])
  })

  it('refuses a batch of a run with a version that was never given', async () => {
    const b = await bench()
    await b.begin('r1')
    const number = b.ledger.lastRead() + 60_000_000
    for (const work of [
      b.send('r1', [supplier('S', 'A'), supplier('T', 'B', { _read: number })]),
      b.send('r1', [supplier('S', 'A')], { read: number }),
    ])
      assert.equal((await failing(work)).code, 'sync.read-number')
    assert.deepEqual(names(b), [])
  })

  it('takes a deletion from a message only where the sink allows it, and writes none as a record', async () => {
    const b = await bench()
    await push(b, [supplier('S', 'A'), supplier('T', 'B')])
    const gone = [supplier('U', 'C'), { source: 'x3', code: 'S', _op: 'delete' }]
    assert.equal((await failing(push(b, gone))).code, 'sync.push-deletion')
    assert.deepEqual(names(b), ['A', 'B'])
    const allowed = {
      ref,
      target: b.target,
      message: message(gone),
      progress: () => {},
      signal: never,
      mayDelete: true,
    }
    await b.deliver(allowed)
    assert.deepEqual(names(b).sort(), ['B', 'C'])
  })

  it('records what a batch of an ended run still delivers', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    b.settlement.end(run)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')])), { delivered: 1 })
    assert.equal((await b.ledger.deliveries(b.target.address, ['x3|S'])).size, 1)
  })
})

describe('deliver: control totals', () => {
  const check = async (run: Awaited<ReturnType<Bench['begin']>>) => {
    const reached = await run.entities.get('gl_entry')?.reached.get(ref.id)
    assert.ok(reached?.check)
    return reached.check({ signal: never, waiting: () => {} })
  }
  const send = (b: Bench, run: string, records: Parameters<Bench['send']>[1], read: number) =>
    b.send(run, records, { schema: journalSchema, read })

  it('tie when what is stored is what was delivered, a later version in the same run taking the place of the first', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    await send(b, 'r1', [journal('J1', '10.10'), journal('J2', '0.20')], 1)
    await send(b, 'r1', [journal('J1', '30.00')], 2)
    assert.deepEqual(await check(run), {
      kind: 'ties',
      amounts: { EUR: { debit: '30.2', credit: '30.2' } },
      by: [SUMS_OF_RUN],
    })
    assert.equal(b.target.counts.totals, 2)
  })

  it('count an unchanged record in no run, and a deletion as nothing', async () => {
    const b = await bench()
    await b.begin('r1')
    await send(b, 'r1', [journal('J1', '10'), journal('J2', '20')], 1)
    const run = await b.begin('r2')
    await send(b, 'r2', [journal('J1', '10'), journal('J3', '5')], 2)
    await send(b, 'r2', [journal('J1', '11'), { _row: 0, _op: 'delete', source: 'x3', number: 'J3' }], 3)
    assert.deepEqual(await check(run), {
      kind: 'ties',
      amounts: { EUR: { debit: '11', credit: '11' } },
      by: [SUMS_OF_RUN],
    })
  })

  it('take off the run beside it what another run has delivered anew', async () => {
    const b = await bench()
    const poll = await b.begin('r1')
    const replay = await b.begin('r2')
    await send(b, 'r1', [journal('J1', '10'), journal('J2', '20')], 1)
    await send(b, 'r2', [journal('J1', '11')], 2)
    assert.deepEqual((await check(poll)).amounts, { EUR: { debit: '20', credit: '20' } })
    assert.deepEqual((await check(poll)).kind, 'ties')
    assert.deepEqual((await check(replay)).kind, 'ties')
  })

  it('find one cent that the target rounded away, and one line that it lost', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    await send(b, 'r1', [journal('J1', '10.01'), journal('J2', '20')], 1)
    const stored = b.target.stored.get('x3|J1')
    assert.ok(stored)
    b.target.stored.set('x3|J1', { ...stored, record: journal('J1', '10.00') })
    const cent = await check(run)
    assert.equal(cent.kind, 'differs')
    assert.match(
      cent.problem ?? '',
      /gl_entry\.lines, company C1, ledger legal, currency EUR: debit amount 30\.01 delivered, 30 stored/,
    )
    b.target.stored.set('x3|J1', { ...stored, record: { ...stored.record, lines: [] } })
    assert.match((await check(run)).problem ?? '', /count 4 delivered, 2 stored/)
  })
})
