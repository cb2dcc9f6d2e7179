import assert from 'node:assert/strict'
import fc from 'fast-check'
import { syncError } from '../../../../sync/contract/errors.ts'
import { bench, counted, failing, names, openHeld, supplier, tallied } from '../../../support/deliveries.ts'

const gone = syncError('unknown-outcome', 'fake.reset', 'the connection was reset')
const busy = syncError('transient', 'fake.503', 'the warehouse is starting')

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

  it('ends with the newest version of each key in the target, or that version held, whatever is late, lost or repeated', async function () {
    this.timeout(120_000)
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
