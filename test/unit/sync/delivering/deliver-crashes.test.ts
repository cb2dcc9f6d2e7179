import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import {
  bench,
  counted,
  failing,
  journal,
  journalSchema,
  names,
  openHeld,
  ref,
  supplier,
  tallied,
} from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'
import { waitFor } from '../../../support/wait.ts'

const gone = syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
const busy = syncError('transient', 'fake.503', 'the warehouse is starting')

describe('deliver: crashes and resets', () => {
  it('repeats a write whose connection was reset after the commit: a merge does nothing twice', async () => {
    const b = await bench()
    await b.begin('r1')
    b.target.accident = (_, attempt) => (attempt === 1 ? { after: gone } : undefined)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')])), { delivered: 1 })
    assert.equal(b.target.counts.write, 2)
    assert.equal(b.target.batches[0]?.id, b.target.batches[1]?.id)
    assert.equal(b.target.stored.size, 1)
  })

  it('sends again what was in the target when the process died before it was settled, and ends with the same rows', async () => {
    const b = await bench()
    await b.begin('r1')
    const died = { ...b.ledger, commit: async () => Promise.reject(new Error('killed')) }
    const dying = await bench({ target: b.target, ledger: died })
    await dying.begin('r2')
    await failing(dying.send('r2', [journal('J1', '10.00')], { schema: journalSchema, read: 1 }))
    const hash = b.target.stored.get('x3|J1')?.hash
    const again = await b.restart()
    await again.begin('r3')
    const counts = await again.send('r3', [journal('J1', '10.000')], { schema: journalSchema, read: 2 })
    assert.deepEqual(counted(counts), { delivered: 1 })
    assert.equal(again.target.stored.size, 1)
    assert.equal(again.target.stored.get('x3|J1')?.hash, hash)
  })

  it('writes A again after B was in the target and the ledger never heard of it', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    const commit = b.ledger.commit
    b.ledger.commit = async () => {
      throw syncError('config', 'ledger.full', 'the disk is full')
    }
    await failing(b.send('r1', [supplier('S', 'B')], { read: 2 }))
    b.ledger.commit = commit
    assert.deepEqual(names(b), ['B'])
    await b.begin('r2')
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'A')], { read: 3 })), { delivered: 1 })
    assert.deepEqual(names(b), ['A'])
  })

  it('holds nothing and fails the entity when the warehouse is down: an outage must not drain the ERP into the held list', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    b.target.accident = () => ({ before: busy })
    const error = await failing(b.send('r1', [supplier('S', 'A'), supplier('T', 'B')]))
    assert.equal(error.cause.class, 'transient')
    assert.equal(error.cause.entity, 'supplier')
    assert.equal(b.target.counts.write, 4)
    assert.deepEqual(await openHeld(b), [])
    assert.deepEqual(tallied(run, 'supplier'), {})
    assert.equal(run.entities.get('supplier')?.error?.code, 'fake.503')
  })

  it('gives up the batches behind one that failed the entity, so that nothing is written past the gap', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    b.target.accident = () => ({ before: syncError('config', 'fake.42501', 'no right to write') })
    await failing(b.send('r1', [supplier('S', 'A')]))
    const statements = b.target.statements()
    assert.deepEqual(counted(await b.send('r1', [supplier('T', 'B')])), {})
    assert.equal(b.target.statements(), statements)
    assert.equal(run.entities.get('supplier')?.error?.code, 'fake.42501')
  })

  it('fails the batch when the ledger cannot be written: what is in the target is not yet called delivered', async () => {
    const b = await bench()
    const full = {
      ...b.ledger,
      commit: async () => Promise.reject(syncError('config', 'ledger.full', 'the disk is full')),
    }
    const broken = await bench({ target: b.target, ledger: full })
    const run = await broken.begin('r1')
    assert.equal((await failing(broken.send('r1', [supplier('S', 'A')]))).code, 'ledger.full')
    assert.deepEqual(tallied(run, 'supplier'), {})
    assert.equal((await b.ledger.deliveries(b.target.address, ['x3|S'])).size, 0)
  })

  it('stops at once when aborted while it waits for its turn or for the vendor', async () => {
    const b = await bench()
    await b.begin('r1')
    const stop = new AbortController()
    const patient = await bench({
      target: b.target,
      ledger: b.ledger,
      deps: { retry: { firstDelayMs: 60_000, maxDelayMs: 60_000 } },
    })
    await patient.begin('r2')
    b.target.accident = () => ({ before: busy })
    const first = failing(patient.send('r2', [supplier('S', 'A')], { signal: stop.signal }))
    const second = failing(patient.send('r2', [supplier('T', 'A')], { signal: stop.signal }))
    await waitFor(() => patient.progress.some(({ waiting }) => waiting?.includes('s left')))
    stop.abort()
    assert.equal((await first).code, 'sync.stopped')
    assert.match((await first).message, /the warehouse is starting/)
    assert.equal((await second).code, 'sync.stopped')
    assert.equal(b.target.counts.write, 1)
  })

  it('shows signs of life while a write takes long', async () => {
    const target = fakeTarget()
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const write = target.write.bind(target)
    target.write = async (batch, context) => {
      context.waiting('the warehouse is starting')
      await gate
      return write(batch, context)
    }
    const b = await bench({ target, deps: { signMs: 5 } })
    const run = await b.begin('r1')
    const sent = b.send('r1', [supplier('S', 'A')])
    const side = () => run.entities.get('supplier')?.batches[0]?.sinks.get(ref.id)
    await waitFor(() => side()?.lastSign !== undefined)
    const first = side()?.lastSign ?? 0
    await waitFor(() => (side()?.lastSign ?? 0) > first + 20)
    assert.equal(side()?.waiting, 'the warehouse is starting')
    open()
    assert.deepEqual(counted(await sent), { delivered: 1 })
  })

  it('never lets two writes to one address meet', async () => {
    const target = fakeTarget()
    let inside = 0
    let most = 0
    const write = target.write.bind(target)
    target.write = async (batch, context) => {
      most = Math.max(most, ++inside)
      await new Promise(setImmediate)
      await write(batch, context)
      inside--
    }
    const b = await bench({ target })
    await b.begin('r1')
    await Promise.all([1, 2, 3].map((read) => b.send('r1', [supplier('S', `v${read}`)], { read })))
    assert.equal(most, 1)
    assert.deepEqual(names(b), ['v3'])
  })
})
