import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import {
  type Bench,
  bench,
  counted,
  failing,
  names,
  openHeld,
  supplier,
  supplierSchema,
  tallied,
} from '../../../support/deliveries.ts'

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
    assert.equal(held?.heldBy, b.target.address)
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
