/** A flow drawn anew on a new ledger: what the old one left in a table that nothing reaches any more is never called right. */
import assert from 'node:assert/strict'
import type { PollOptions, SinkRef } from '../../../../sync/contract/engine.ts'
import { countedTarget } from '../../../support/counted-target.ts'
import { entry, entrySchema, fakeSource } from '../../../support/fakes.ts'
import { type Rig, rig, warehouse } from '../../../support/rig.ts'

const second: SinkRef = { id: 'write-2', name: 'snowflake-merge' }

describe('a row left behind in a table that the flow does not reach any more', () => {
  it('keeps the state open through sweeps, is told, and is over once somebody has deleted it', async () => {
    const entities = { gl_entry: { schema: entrySchema } }
    const source = fakeSource(entities)
    const targets = new Map(['gl_entry', 'second'].map((name) => [name, countedTarget(name)]))
    let hour = 8
    const poll = (made: Rig, more: Partial<PollOptions> = {}) => {
      hour += 1
      source.clockIs(`2026-03-01T${String(hour).padStart(2, '0')}:00:00Z`)
      const sinks = [warehouse, second]
      const wired = sinks.map((ref, place) => ({ ref, target: made.target(place === 0 ? 'gl_entry' : 'second') }))
      return made.poll({ sinks: () => sinks, targets: async () => wired, mustReport: 'one', ...more })
    }
    const before = await rig({ entities, source, targets })
    source.put('gl_entry', entry('4', '1', '-1'))
    assert.equal((await poll(before)).verdict, 'ties')
    await before.close()

    const made = await rig({
      ...{ entities, source, targets },
      flow: (message, self) => void self.deliver(message, second, self.target('second')),
    })
    source.put('gl_entry', entry('4', '2', '-2'))
    const drawnAnew = await poll(made)
    assert.equal(drawnAnew.verdict, 'open')
    assert.match(drawnAnew.says ?? '', /memory of the target not whole/)
    const sweep = { since: null }
    for (const count of [1, 2, 3]) {
      const swept = await poll(made, { sweep })
      assert.equal(swept.verdict, 'open', `sweep ${count}`)
      if (count > 1) assert.match(swept.notices.join('\n'), /gl_entry, where this run wrote nothing, has 1 row\(s\)/)
    }
    made.target('gl_entry').stored.clear()
    const cleared = await poll(made, { sweep })
    assert.deepEqual([cleared.verdict, cleared.ties], ['nothing new', true])
    await made.close()
  })
})
