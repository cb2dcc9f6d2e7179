/** Over runs: a record that gets the key under which another one was delivered. */
import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import type { BatchMessage } from '../../../../sync/contract/message.ts'
import { supplier, supplierSchema } from '../../../support/fakes.ts'
import { mapping, type Rig, rig } from '../../../support/rig.ts'

describe('a key of the target that another record of the source has now', () => {
  let r: Rig
  let hour = 8
  let keys: Record<string, string> = {}
  beforeEach(async () => {
    hour = 8
    keys = {}
    const mapped = (message: BatchMessage): BatchMessage =>
      mapping(r, message, (record) => ({ ...record, code: keys[String(record.code)] ?? String(record.code) }))
    r = await rig({
      entities: { supplier: { schema: supplierSchema, overlapSeconds: 0 } },
      flow: (message) => void r.deliver(mapped(message)),
    })
  })
  afterEach(() => r.close())
  const later = () => {
    hour++
    r.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
  }
  const put = (code: string, name: string) => {
    later()
    r.source.put('supplier', supplier(code, name))
  }
  const poll = (more: Partial<PollOptions> = {}) => r.poll(more)
  const stored = () => [...r.target('supplier').stored].map(([key, { record }]) => `${key} ${record.name}`).sort()

  for (const [what, first] of [
    ['mapped', { A1: 'A' }],
    ['its own', {}],
  ] as const) {
    const old = what === 'mapped' ? 'A1' : 'A'
    it(`is refused, with both names, while the other is still in the source (${what})`, async () => {
      put(old, 'one')
      keys = first
      assert.equal((await poll()).state, 'done')
      // So that the next window does not begin with it.
      later()
      await poll()
      put('A2', 'two')
      keys = { ...first, A2: 'A' }
      const summary = await poll()
      assert.equal(summary.state, 'failed')
      const [error] = summary.errors
      assert.deepEqual([error?.class, error?.code], ['config', 'sync.key-taken'])
      assert.match(error?.message ?? '', new RegExp(`erp\\|A \\(erp\\|${old}, erp\\|A2\\)\\.$`))
      assert.deepEqual(stored(), ['erp|A one'])
      // As the hint says, where all keys are given anew.
      keys = { [old]: 'B', A2: 'A' }
      assert.equal((await poll({ scope: { kind: 'full' } })).state, 'done')
      assert.deepEqual(stored(), ['erp|A two', 'erp|B one'])
    })

    it(`is taken over where the other is gone, and its deletion takes nothing away (${what})`, async () => {
      put(old, 'one')
      keys = first
      await poll()
      r.source.remove('supplier', `erp|${old}`)
      put('A2', 'two')
      keys = { ...first, A2: 'A' }
      const summary = await poll()
      assert.deepEqual([summary.verdict, summary.errors], ['ties', []])
      assert.match(
        summary.notices.join('\n'),
        new RegExp(`erp\\|A2 has the key erp\\|A now, which erp\\|${old} had; that is gone in the source`),
      )
      // Nothing of it is read in the run that sweeps.
      later()
      await poll()
      later()
      const swept = await poll({ sweep: { since: null } })
      assert.equal(swept.state, 'done')
      assert.deepEqual(stored(), ['erp|A two'])
      put('A2', 'zwei')
      assert.equal((await poll()).verdict, 'ties')
      assert.deepEqual(stored(), ['erp|A zwei'])
    })
  }

  it('its own key from the source, where a mapping had given it to another one that is gone', async () => {
    put('A1', 'one')
    keys = { A1: 'A' }
    await poll()
    r.source.remove('supplier', 'erp|A1')
    put('A', 'two')
    assert.equal((await poll()).state, 'done')
    later()
    await poll()
    later()
    await poll({ sweep: { since: null } })
    assert.deepEqual(stored(), ['erp|A two'])
  })
})
