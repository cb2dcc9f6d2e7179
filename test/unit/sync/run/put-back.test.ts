/** A target that somebody put back to what it was before, its table of marks with it. */
import assert from 'node:assert/strict'
import type { StoredRecord } from '../../../support/fakes.ts'
import { supplier } from '../../../support/fakes.ts'
import { rig } from '../../../support/rig.ts'
import { code, suppliers } from '../../../support/sweep-rig.ts'

describe('a mark that went backwards', () => {
  for (const what of ['older', 'gone'] as const)
    it(`${what}: the target is doubted, told, and read again by the sweep of the same run`, async () => {
      const first = await rig({ entities: suppliers })
      const target = first.target('supplier')
      let hour = 8
      const poll = (own: typeof first) => {
        hour += 1
        own.source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
        return own.poll({
          sweep: { since: '2026-03-01T00:00:00Z' },
          targets: async (entity) => [{ ref: { id: 'write-1', name: 'databricks-write' }, target: own.target(entity) }],
        })
      }
      for (let n = 0; n < 5; n++) first.source.put('supplier', supplier(code(n), 'first'))
      await poll(first)
      const yesterday = new Map<string, StoredRecord>(target.stored)
      const marks = [...target.marks]
      for (let n = 0; n < 5; n++) first.source.put('supplier', supplier(code(n), 'second'))
      const before = await poll(first)
      assert.deepEqual(before.notices, [])
      target.stored.clear()
      for (const [key, record] of yesterday) target.stored.set(key, record)
      target.marks.splice(0, target.marks.length, ...(what === 'older' ? marks : []))
      first.source.put('supplier', supplier(code(9), 'new'))
      const found = await poll(first)
      assert.match(found.notices.join('\n'), /mark .* is older than the one that was written last, or gone/)
      assert.match(found.notices.join('\n'), /the sweep has read again/)
      assert.deepEqual([...target.stored.values()].map(({ record }) => record.name).sort(), [
        'new',
        ...Array.from({ length: 5 }, () => 'second'),
      ])
      first.source.put('supplier', supplier(code(9), 'newer'))
      assert.deepEqual((await poll(first)).notices, [], 'it is over')
      await first.close()
    })
})
