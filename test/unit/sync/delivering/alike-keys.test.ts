/** A target that compares keys without case: what it would take for another record is held. */
import assert from 'node:assert/strict'
import { fakeTarget, supplier, supplierSchema } from '../../../support/fakes.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

describe('keys that a target takes for one', () => {
  let r: Rig
  let hour = 8
  let fold: ((key: string) => string) | undefined
  beforeEach(async () => {
    hour = 8
    fold = (key) => key.toLowerCase()
    const target = Object.assign(fakeTarget({ mode: 'append' }), { foldOf: () => fold })
    r = await rig({
      entities: { supplier: { schema: supplierSchema, overlapSeconds: 0 } },
      targets: new Map([['supplier', target]]),
    })
  })
  afterEach(() => r.close())
  const run = (...records: [code: string, name: string][]) => {
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
    for (const [code, name] of records) r.source.put('supplier', supplier(code, name))
    return r.poll()
  }
  const keys = () => r.target('supplier').batches.flatMap(({ records }) => records.map(({ key }) => key))
  const held = async () => (await r.ledger.held({})).map(({ key, cause }) => `${key}: ${cause.message}`)

  it('the later one is held, with both, in one batch and in later runs; others go on', async () => {
    const first = await run(['a1', 'one'], ['A1', 'two'], ['B', 'three'])
    assert.deepEqual([sums(first, 'supplier').delivered, sums(first, 'supplier').held], [2, 1])
    assert.match((await held())[0] ?? '', /^erp\|a1: supplier erp\|a1: .*would take it for erp\|A1, which it has/)
    const second = await run(['b', 'four'], ['C', 'five'])
    assert.equal(second.verdict, 'open')
    assert.deepEqual((await held()).map((text) => text.slice(0, 6)).sort(), ['erp|a1', 'erp|b:'])
    assert.deepEqual(keys(), ['erp|A1', 'erp|B', 'erp|C'])
    // Its own new version is no other record.
    await run(['B', 'trois'])
    assert.deepEqual(keys().slice(3), ['erp|B'])
  })

  it('comes when the other is gone, or the target tells them apart', async () => {
    await run(['a1', 'one'], ['Z', 'other'])
    r.source.remove('supplier', 'erp|a1')
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
    assert.equal((await r.poll({ sweep: { since: null } })).state, 'done')
    await run(['A1', 'two'])
    assert.deepEqual(await held(), [])
    fold = undefined
    await run(['a1', 'again'])
    assert.deepEqual(keys(), ['erp|Z', 'erp|a1', 'erp|a1', 'erp|A1', 'erp|a1'])
  })
})
