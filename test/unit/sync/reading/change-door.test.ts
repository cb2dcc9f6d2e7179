import assert from 'node:assert/strict'
import type { Source } from '../../../../sync/contract/source.ts'
import { supplier } from '../../../support/fakes.ts'
import type { Rig } from '../../../support/rig.ts'
import { code, sweepRig } from '../../../support/sweep-rig.ts'

const DAILY = { sweep: { since: '2026-03-01T02:00:00.000Z' } }

describe('a source that is read by another of its interfaces', () => {
  const { start, later, fill, found, same } = sweepRig()
  let r: Rig
  const by = (door: string | undefined): { source: Source } => ({ source: door ? { ...r.source, door } : r.source })
  const asked = () => r.source.asked.splice(0)

  it('begins its window a day earlier and sweeps once, and goes on as ever from then', async () => {
    r = await start()
    fill(5)
    await r.poll({ ...by(undefined), ...DAILY })
    later()
    await r.poll({ ...by(undefined), ...DAILY })
    asked()
    // Changed within that day under a stamp that the second interface tells otherwise.
    r.source.put('supplier', supplier(code(3), 'other'), '2026-02-28T12:00:00Z')
    later()
    const run = await r.poll({ ...by('rest'), ...DAILY })
    assert.equal(asked()[0]?.from?.slice(0, 10), '2026-02-28')
    assert.equal(found(run)?.swept, 5)
    assert.match(run.notices.join(), /read by rest now, by the first interface before: the window begins a day earlier/)
    same()
    later()
    const next = await r.poll({ ...by('rest'), ...DAILY })
    assert.equal(asked()[0]?.from?.slice(0, 10), '2026-03-01')
    assert.equal(found(next), undefined)
    assert.deepEqual(next.notices, [])
  })

  it('gives up the cursor of a window that is under way, and loses nothing of it', async () => {
    r = await start()
    fill(25)
    let pages = 0
    r.source.onPage(() => {
      if (++pages === 3) throw new Error('the line broke')
      return undefined
    })
    assert.equal((await r.poll(by(undefined))).state, 'failed')
    r.source.onPage(() => undefined)
    asked()
    later()
    assert.equal((await r.poll(by('rest'))).state, 'done')
    const [first] = asked()
    assert.deepEqual([first?.from, first?.cursor], [null, null])
    same()
  })

  it('a sync that never read by another says nothing', async () => {
    r = await start()
    fill(2)
    assert.deepEqual((await r.poll(by('rest'))).notices, [])
    later()
    assert.deepEqual((await r.poll(by('rest'))).notices, [])
  })
})
