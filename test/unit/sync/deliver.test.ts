import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSyncError, type SyncError, syncError } from '../../../sync/errors.ts'
import {
  type Bench,
  bench,
  counted,
  journal,
  journalSchema,
  ref,
  supplier,
  supplierSchema,
  tallied,
} from '../../support/deliveries.ts'
import { fakeTarget } from '../../support/fake-target.ts'
import { waitFor } from '../../support/wait.ts'

const failing = async (work: Promise<unknown>): Promise<SyncError> => {
  const error = await work.then(
    () => assert.fail('it should have failed'),
    (e: unknown) => e,
  )
  assert.ok(isSyncError(error), String(error))
  return error
}
const names = ({ target }: Bench) => [...target.stored.values()].map(({ record }) => record.name)
const openHeld = ({ ledger }: Bench) => ledger.held({ states: ['open'] })
const gone = syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
const busy = syncError('transient', 'fake.503', 'the warehouse is starting')
const never = new AbortController().signal

describe('deliver: which version is written', () => {
  it('writes A, B, A again: the second A is not "unchanged" though A was delivered once', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    await b.send('r1', [supplier('S', 'B')], { read: 2 })
    const counts = await b.send('r1', [supplier('S', 'A')], { read: 3 })
    assert.deepEqual(counted(counts), { delivered: 1 })
    assert.deepEqual(names(b), ['A'])
  })

  it('keeps the newest of two versions in one batch, though the older one stands behind it', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    const counts = await b.send('r1', [supplier('S', 'new', { _read: 9 }), supplier('S', 'old', { _read: 8 })])
    assert.deepEqual(counted(counts), { delivered: 1, superseded: 1 })
    assert.deepEqual(names(b), ['new'])
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 1, superseded: 1 })
  })

  it('lets the later position win between two of one read number', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'first'), supplier('S', 'second')], { read: 5 })
    assert.deepEqual(names(b), ['second'])
  })

  it('says so when one answer has a key twice with different content: the key may be too narrow', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    await b.send('r1', [supplier('S', 'A'), supplier('S', 'A'), supplier('T', 'A', { _read: 2 })])
    assert.deepEqual(run.notices, [])
    await b.send('r1', [supplier('S', 'B'), supplier('S', 'C')], { read: 3 })
    assert.match(run.notices.join(), /supplier: 1 record\(s\) came twice.*x3\|S.*Check that the key \(source, code\)/)
  })

  it('closes as superseded what a slow path brings late, with a lower or the same read number', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'new')], { read: 7 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'late')], { read: 6 })), { superseded: 1 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'same')], { read: 7 })), { superseded: 1 })
    assert.deepEqual(names(b), ['new'])
  })

  it('sends nothing for what is unchanged, and counts it with its higher read number', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    const statements = b.target.statements()
    const counts = await b.send('r1', [supplier('S', 'A', { seen: 77, _stamp: 'later' })], { read: 5 })
    assert.deepEqual(counted(counts), { unchanged: 1 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'B')], { read: 4 })), { superseded: 1 })
    assert.equal(b.target.statements(), statements)
  })

  it('sends the target no statement in a run that has nothing new', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A'), supplier('T', 'B')], { read: 1 })
    const statements = b.target.statements()
    const run = await b.begin('r2')
    await b.send('r2', [supplier('S', 'A'), supplier('T', 'B')], { read: 2 })
    assert.equal(b.target.statements(), statements)
    assert.equal(run.entities.get('supplier')?.reached.size, 0)
  })

  it('writes a deletion, and the same record again when it comes back', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    await b.send('r1', [{ _row: 0, _op: 'delete', source: 'x3', code: 'S' }], { read: 2 })
    assert.equal(b.target.stored.size, 0)
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 3 })), { delivered: 1 })
    assert.deepEqual(names(b), ['A'])
  })

  it('writes everything in a full refresh, though the memory says unchanged', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A'), supplier('T', 'B')], { read: 1 })
    b.target.stored.delete('x3|S')
    await b.begin('r2', { full: true })
    assert.deepEqual(counted(await b.send('r2', [supplier('S', 'A')], { read: 2 })), { delivered: 1 })
    assert.deepEqual(counted(await b.send('r2', [supplier('T', 'B')], { read: 3 })), { delivered: 1 })
    assert.deepEqual(counted(await b.send('r2', [supplier('T', 'B')], { read: 4 })), { unchanged: 1 })
  })

  it('writes again what it delivered to a table that was emptied since', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A'), supplier('T', 'B')], { read: 1 })
    b.target.stored.clear()
    b.target.empty = true
    const run = await b.begin('r2')
    const counts = await b.send('r2', [supplier('S', 'A'), supplier('T', 'changed')], { read: 2 })
    assert.deepEqual(counted(counts), { delivered: 2 })
    assert.match(run.notices.join(), /is empty, though records were delivered there before.*full refresh/)
  })

  it('asks for the mark before it calls anything unchanged after a start: the ledger may be an old copy', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    // The ledger was copied here; later it delivered B, then the copy was put back, and the ERP is at A again.
    b.target.stored.set('x3|S', { record: supplier('S', 'B'), key: 'x3|S', read: 2, hash: 'b', run: 'r2' })
    b.target.marks.push({
      sync: 'books of r3',
      entity: 'supplier',
      sourceAddress: 'x3://host/SEED',
      ledger: b.ledger.id,
      run: 'r2',
      read: 2,
      floor: null,
    })
    const again = await b.restart()
    await again.begin('r3')
    const counts = await again.send('r3', [supplier('S', 'A')], { read: 3 })
    assert.deepEqual(counted(counts), { delivered: 1 })
    assert.deepEqual(names(again), ['A'])
  })
})

describe('deliver: any history', () => {
  const version = fc.record({ key: fc.constantFrom('S', 'T', 'U'), name: fc.constantFrom('A', 'B', 'bad', 7) })
  const step = fc.record({
    versions: fc.array(version, { minLength: 1, maxLength: 5 }),
    /** Behind how many later steps the batch arrives. */
    late: fc.nat({ max: 2 }),
    accident: fc.constantFrom('none', 'none', 'before', 'after', 'down', 'crash'),
  })

  it('ends with the newest version of each key in the target, or that version held, whatever is late, lost or repeated', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        let b = await bench()
        b.target.refuses = ({ name }) => (name === 'bad' ? 'too long' : undefined)
        let read = 0
        const sendings = steps.map(({ versions, late, accident }, at) => ({
          order: at + late,
          accident,
          records: versions.map(({ key, name }) => supplier(key, name as string, { _read: ++read })),
        }))
        const newest = new Map(sendings.flatMap(({ records }) => records.map((r) => [r.code, r] as const)))
        let runs = 0
        for (const { records, accident } of [...sendings].sort((x, y) => x.order - y.order)) {
          let calls = 0
          b.target.accident = () => {
            calls++
            if (accident === 'down') return { before: busy }
            return accident === 'none' || calls > 1
              ? undefined
              : accident === 'before'
                ? { before: busy }
                : { after: gone }
          }
          if (accident === 'crash') {
            const dying = await bench({
              target: b.target,
              ledger: { ...b.ledger, commit: () => Promise.reject(new Error('killed')) },
            })
            await dying.begin(`r${++runs}`)
            await failing(dying.send(`r${runs}`, records))
            b = await b.restart()
          }
          // What failed is read again: later, so with higher numbers and the same content.
          await b.begin(`r${++runs}`)
          if (accident === 'down') await b.send(`r${runs}`, records).catch(() => undefined)
          b.target.accident = () => undefined
          await b.begin(`r${++runs}`)
          await b.send(`r${runs}`, records)
        }
        const held = new Map((await openHeld(b)).map((one) => [one.key, one.record.name]))
        for (const [code, { name }] of newest) {
          const fits = name === 'A' || name === 'B'
          const key = `x3|${code}`
          if (fits) assert.equal(b.target.stored.get(key)?.record.name, name)
          assert.equal(held.get(key), fits ? undefined : name)
        }
      }),
      { numRuns: 60 },
    )
  })
})

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

describe('deliver: records that do not fit', () => {
  const bad = (code: string) => supplier(code, 'bad')
  const refuseBad = (b: Bench) => {
    b.target.refuses = ({ name }) => (name === 'bad' ? 'Invalid UTF-8 in column name' : undefined)
  }

  it('holds a value that does not fit the schema and delivers the rest', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    const counts = await b.send('r1', [supplier('S', 'A'), supplier('T', 7 as unknown as string)], { read: 3 })
    assert.deepEqual(counted(counts), { delivered: 1, held: 1 })
    const [held] = await openHeld(b)
    assert.equal(held?.key, 'x3|T')
    assert.equal(held?.sink, b.target.address)
    assert.equal(held?.read, 3)
    assert.equal(held?.stage, 'sink')
    assert.equal(held?.sourceAddress, 'x3://host/SEED')
    assert.equal(held?.record.name, 7)
    assert.match(held?.cause.message ?? '', /supplier x3\|T, field name: the value 7 is not a string/)
    assert.equal(b.heldNow.length, 1)
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 1, held: 1 })
  })

  it('holds both of two records that lack their key: one must not pass for a newer version of the other', async () => {
    const b = await bench()
    await b.begin('r1')
    const counts = await b.send('r1', [supplier('', 'first'), supplier('', 'second'), supplier('S', 'A')])
    assert.deepEqual(counted(counts), { delivered: 1, held: 2 })
    assert.deepEqual((await openHeld(b)).map(({ record }) => record.name).sort(), ['first', 'second'])
  })

  it('closes a held record when a newer read of its key is delivered', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 7 as unknown as string)], { read: 3 })
    await b.send('r1', [supplier('S', 'A')], { read: 4 })
    assert.deepEqual(await openHeld(b), [])
    assert.equal((await b.ledger.held({ states: ['superseded'] })).length, 1)
  })

  it('does not deliver an older read past a held record', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 7 as unknown as string)], { read: 5 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 4 })), { superseded: 1 })
    assert.equal(b.target.stored.size, 0)
    assert.equal((await openHeld(b)).length, 1)
  })

  it('closes a held record when the ERP goes back to what is in the target: unchanged', async () => {
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 3 })
    await b.send('r1', [supplier('S', 7 as unknown as string)], { read: 4 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 5 })), { unchanged: 1 })
    assert.deepEqual(await openHeld(b), [])
  })

  it('finds the one bad row among 10,000 within 40 statements, and writes the other 9,999', async () => {
    const b = await bench()
    await b.begin('r1')
    refuseBad(b)
    const records = Array.from({ length: 10_000 }, (_, i) => (i === 6789 ? bad('B') : supplier(`S${i}`, 'good')))
    const counts = await b.send('r1', records)
    assert.deepEqual(counted(counts), { delivered: 9_999, held: 1 })
    assert.ok(b.target.counts.write + b.target.counts.find <= 40, `${b.target.counts.write} writes`)
    const [held] = await openHeld(b)
    assert.equal(held?.key, 'x3|B')
    assert.match(held?.cause.message ?? '', /supplier x3\|B: Invalid UTF-8/)
    assert.equal(held?.cause.vendorCode, 'fake.22018')
    assert.equal(b.target.stored.size, 9_999)
  })

  it('asks the target once where it can tell, and needs two writes', async () => {
    const b = await bench()
    await b.begin('r1')
    refuseBad(b)
    b.target.tells = true
    const records = Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? bad(`B${i}`) : supplier(`S${i}`, 'good')))
    assert.deepEqual(counted(await b.send('r1', records)), { delivered: 90, held: 10 })
    assert.equal(b.target.counts.find, 1)
    assert.equal(b.target.counts.write, 2)
  })

  for (const [where, tells] of [
    ['at the target', true],
    ['by the schema', false],
  ] as const)
    it(`takes 101 failures of one code over 5 % for a matter of configuration ${where}: nothing is held`, async () => {
      const b = await bench()
      const run = await b.begin('r1')
      b.target.tells = tells
      if (tells) refuseBad(b)
      const wrong = (i: number) => (tells ? bad(`B${i}`) : supplier(`B${i}`, i as unknown as string))
      const records = Array.from({ length: 2_000 }, (_, i) => (i < 101 ? wrong(i) : supplier(`S${i}`, 'good')))
      const error = await failing(b.send('r1', records))
      assert.equal(error.cause.class, 'config')
      assert.match(error.message, /101 of 2000 records of a batch fail alike/)
      assert.deepEqual(await openHeld(b), [])
      assert.equal(run.entities.get('supplier')?.error, error)
    })

  it('still holds 100 failures of one code, and 101 that are under 5 %', async () => {
    const b = await bench()
    await b.begin('r1')
    const batch = (bads: number, size: number, name: string) =>
      Array.from({ length: size }, (_, i) => supplier(`${name}${i}`, i < bads ? (i as unknown as string) : 'good'))
    assert.equal((await b.send('r1', batch(100, 200, 'a'))).held, 100)
    assert.equal((await b.send('r1', batch(101, 2_100, 'b'))).held, 101)
  })

  it('records what halving has written when it fails then, and holds nothing', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    refuseBad(b)
    b.target.accident = (_, attempt) =>
      attempt === 3 ? { before: syncError('auth', 'fake.401', 'the token was refused') } : undefined
    const error = await failing(b.send('r1', [supplier('S', 'A'), supplier('T', 'B'), bad('X'), supplier('U', 'C')]))
    assert.equal(error.cause.class, 'auth')
    assert.deepEqual(names(b), ['A', 'B'])
    assert.deepEqual(tallied(run, 'supplier'), { delivered: 2 })
    assert.deepEqual(await openHeld(b), [])
  })

  it('shows nothing of a sensitive value in the reason of a held record', async () => {
    const schema = {
      ...supplierSchema,
      columns: [...supplierSchema.columns, { name: 'iban', type: 'date' as const, sensitive: true }],
    }
    const b = await bench()
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A', { iban: 'DE8937040044' })], { schema })
    assert.doesNotMatch(JSON.stringify((await openHeld(b))[0]?.cause), /DE89/)
  })
})

describe('deliver: edits and replay', () => {
  it("does not undo a person's edit when the same original is read again", async () => {
    const b = await bench()
    await b.begin('r1')
    b.target.refuses = ({ name }) => (name === 'bad' ? 'too long' : undefined)
    await b.send('r1', [supplier('S', 'bad')], { read: 5 })
    const [held] = await openHeld(b)
    assert.ok(held)
    await b.ledger.editHeld(held.id, { ...held.record, name: 'edited' }, 'anna')
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
    assert.deepEqual(await check(run), { ties: true, amounts: { EUR: { debit: '30.2', credit: '30.2' } } })
    assert.equal(b.target.counts.totals, 2)
  })

  it('count an unchanged record in no run, and a deletion as nothing', async () => {
    const b = await bench()
    await b.begin('r1')
    await send(b, 'r1', [journal('J1', '10'), journal('J2', '20')], 1)
    const run = await b.begin('r2')
    await send(b, 'r2', [journal('J1', '10'), journal('J3', '5')], 2)
    await send(b, 'r2', [journal('J1', '11'), { _row: 0, _op: 'delete', source: 'x3', number: 'J3' }], 3)
    assert.deepEqual(await check(run), { ties: true, amounts: { EUR: { debit: '11', credit: '11' } } })
  })

  it('take off the run beside it what another run has delivered anew', async () => {
    const b = await bench()
    const poll = await b.begin('r1')
    const replay = await b.begin('r2')
    await send(b, 'r1', [journal('J1', '10'), journal('J2', '20')], 1)
    await send(b, 'r2', [journal('J1', '11')], 2)
    assert.deepEqual((await check(poll)).amounts, { EUR: { debit: '20', credit: '20' } })
    assert.deepEqual((await check(poll)).ties, true)
    assert.deepEqual((await check(replay)).ties, true)
  })

  it('find one cent that the target rounded away, and one line that it lost', async () => {
    const b = await bench()
    const run = await b.begin('r1')
    await send(b, 'r1', [journal('J1', '10.01'), journal('J2', '20')], 1)
    const stored = b.target.stored.get('x3|J1')
    assert.ok(stored)
    b.target.stored.set('x3|J1', { ...stored, record: journal('J1', '10.00') })
    const cent = await check(run)
    assert.equal(cent.ties, false)
    assert.match(
      cent.problem ?? '',
      /gl_entry\.lines, company C1, ledger legal, currency EUR: debit amount 30\.01 delivered, 30 stored/,
    )
    b.target.stored.set('x3|J1', { ...stored, record: { ...stored.record, lines: [] } })
    assert.match((await check(run)).problem ?? '', /count 4 delivered, 2 stored/)
  })
})
