import assert from 'node:assert/strict'
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { bench, counted, openHeld, supplier } from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'

const gone = (code: string): DataRecord => ({ _row: 0, _op: 'delete', source: 'x3', code })

describe('deletions at a target that cannot take back what it got', () => {
  const start = async () => {
    const b = await bench({ target: Object.assign(fakeTarget({ mode: 'append' }), { deletes: false as const }) })
    await b.begin('r1')
    return b
  }

  it('are held for a person where it has the record, and closed when the record is there again', async () => {
    const b = await start()
    await b.send('r1', [supplier('S', 'A'), supplier('T', 'A')], { read: 1 })
    assert.deepEqual(counted(await b.send('r1', [gone('S'), supplier('T', 'B')], { read: 2 })), {
      delivered: 1,
      held: 1,
    })
    const [held] = await openHeld(b)
    assert.equal(held?.key, 'x3|S')
    assert.match(held?.cause.message ?? '', /supplier x3\|S was deleted in the source, and warehouse cannot take back/)
    assert.deepEqual(
      b.target.appended.map(({ record }) => record._op),
      [undefined, undefined, undefined],
    )
    await b.send('r1', [supplier('S', 'again')], { read: 3 })
    assert.deepEqual(await openHeld(b), [])
  })

  it('are nothing to do where it never got the record, and close what was held of it', async () => {
    const b = await start()
    await b.send('r1', [supplier('S', 7 as unknown as string)], { read: 1 })
    assert.equal((await openHeld(b)).length, 1)
    assert.deepEqual(counted(await b.send('r1', [gone('S'), gone('never')], { read: 2 })), { unchanged: 2 })
    assert.deepEqual(await openHeld(b), [])
    assert.deepEqual(b.target.appended, [])
  })

  it('do not let an older read of the record through afterwards', async () => {
    const b = await start()
    await b.send('r1', [gone('S')], { read: 5 })
    assert.deepEqual(counted(await b.send('r1', [supplier('S', 'A')], { read: 4 })), { superseded: 1 })
  })
})

describe('deletions at a target that appends versions', () => {
  it('are a version of their own, written once', async () => {
    const b = await bench({ target: fakeTarget({ mode: 'append' }) })
    await b.begin('r1')
    await b.send('r1', [supplier('S', 'A')], { read: 1 })
    await b.send('r1', [gone('S')], { read: 2 })
    assert.deepEqual(counted(await b.send('r1', [gone('S')], { read: 2 })), { superseded: 1 })
    assert.deepEqual(
      b.target.appended.map(({ record }) => record._op ?? 'upsert'),
      ['upsert', 'delete'],
    )
  })
})
