import assert from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import { supplier } from '../../../support/fakes.ts'
import type { Rig } from '../../../support/rig.ts'
import { code, suppliers, sweepRig } from '../../../support/sweep-rig.ts'

describe('the sweep, when it runs and when it is believed', () => {
  const { start, later, fill, sweep, found, same, alerts } = sweepRig()
  let r: Rig

  describe('a lost right looks like deletion', () => {
    it('an incomplete listing deletes nothing and alerts, until the next sweep is fine', async () => {
      r = await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S020')
      // The second page never comes, though the source says that there is more.
      r.source.onList(() => ({ cursor: null }))
      const run = await sweep()
      assert.equal(run.state, 'done')
      assert.match(found(run)?.problem ?? '', /^supplier: the source's listing of keys was incomplete twice \(10 keys/)
      assert.match(run.notices.join(), /incomplete/)
      assert.equal(r.target('supplier').stored.size, 25)
      assert.deepEqual(await alerts(), ['sweep supplier'])
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.match(found(confirmed)?.problem ?? '', /incomplete/, 'nobody can confirm what a listing with holes lacks')
      assert.equal(r.target('supplier').stored.size, 25)
      r.source.onList(() => undefined)
      await sweep()
      same()
      assert.deepEqual(await alerts(), [])
    })

    it('records that come and go while it lists make it list once more', async () => {
      r = await start()
      fill(25)
      await r.poll()
      let pages = 0
      r.source.onList((_, cursor) => {
        if (pages++ !== 1) return undefined
        // Behind the cursor, and ahead of it.
        r.source.put('supplier', supplier('A', 'new'), '2026-03-01T09:00:00Z')
        r.source.remove('supplier', 'erp|S015')
        assert.equal(cursor, 'erp|S009')
        return { total: 25 }
      })
      const run = await sweep()
      assert.deepEqual(found(run), { swept: 25, missed: 0, gone: 1, foundAgain: 0 })
      assert.equal(r.target('supplier').stored.has('erp|S015'), false)
    })

    it('more than 100 and 5 % gone deletes nothing, names the message that confirms it, and obeys it', async () => {
      r = await start({ entities: { supplier: { ...suppliers.supplier, pageSize: 100 } } })
      fill(400)
      await r.poll()
      for (let i = 0; i < 101; i++) r.source.remove('supplier', `erp|${code(i)}`)
      const run = await sweep()
      assert.match(
        found(run)?.problem ?? '',
        /101 of 400 .* nothing was deleted.*\{"sweep": \{"confirm": "supplier"\}\}/,
      )
      assert.equal(r.target('supplier').stored.size, 400)
      assert.deepEqual(await alerts(), ['sweep supplier'])
      const other = await sweep({ sweep: { since: null, confirm: ['customer'] } })
      assert.equal(found(other)?.gone, 0, 'a word about another entity is none about this one')
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.equal(found(confirmed)?.gone, 101)
      same()
      assert.deepEqual(await alerts(), [])
    })

    it('100 gone are believed', async () => {
      r = await start({ entities: { supplier: { ...suppliers.supplier, pageSize: 100 } } })
      fill(400)
      await r.poll()
      for (let i = 0; i < 100; i++) r.source.remove('supplier', `erp|${code(i)}`)
      assert.equal(found(await sweep())?.gone, 100)
      same()
    })

    it('an empty listing is never believed unless a person says so, however few were known', async () => {
      r = await start()
      fill(2)
      await r.poll()
      r.source.onList(() => ({ keys: [], total: 0, cursor: null }))
      assert.match(found(await sweep())?.problem ?? '', /lists no record at all, while 2 are known/)
      assert.equal(r.target('supplier').stored.size, 2)
      const confirmed = await sweep({ sweep: { since: null, confirm: ['supplier'] } })
      assert.deepEqual(
        [found(confirmed)?.gone, found(confirmed)?.foundAgain],
        [0, 2],
        'and a read by key has the last word',
      )
      same()
    })

    it('an error while listing fails the entity and deletes nothing; the next run sweeps', async () => {
      r = await start()
      fill(25)
      await r.poll()
      r.source.remove('supplier', 'erp|S007')
      const since = new Date(Date.now() + 1e6).toISOString()
      r.source.onList((_, cursor) => {
        if (cursor !== null) throw syncError('config', 'x3.right', 'the right is lost')
        return undefined
      })
      const run = await sweep({ sweep: { since } })
      assert.equal(run.state, 'failed')
      assert.equal(r.target('supplier').stored.size, 25)
      r.source.onList(() => undefined)
      await sweep({ sweep: { since } })
      same()
    })
  })

  describe('when', () => {
    const before = '2026-03-01T02:00:00.000Z'

    it('once after the hour, also when the run that should have swept died', async () => {
      let now = Date.parse('2026-03-01T00:00:00Z')
      r = await start({ now: () => now })
      fill(5)
      await r.poll({ sweep: { since: before } })
      now = Date.parse('2026-03-01T03:00:00Z')
      r.source.remove('supplier', 'erp|S001')
      r.target('supplier').onWrite(() => {
        throw syncError('config', 'test.fault', 'the warehouse is down')
      })
      later()
      assert.equal((await r.poll({ sweep: { since: before } })).state, 'failed')
      r.target('supplier').onWrite(() => undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } }))?.gone, 1)
      same()
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
    })

    it('not right after the first load, which has just read everything', async () => {
      r = await start()
      fill(5)
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: before } })), undefined)
      later()
      assert.equal(found(await r.poll({ sweep: { since: '2099-01-01T00:00:00.000Z' } }))?.swept, 5)
    })

    it('another folder under the same name: what the old one left is not taken for deleted', async () => {
      r = await start()
      fill(5)
      await r.poll()
      const other = { ...r.source, address: 'fake://erp/LIVE' }
      r.source.remove('supplier', 'erp|S001')
      later()
      const run = await r.poll({ source: other, identityChange: 'anew', sweep: { since: null } })
      const { problem, ...counts } = found(run) ?? {}
      assert.deepEqual(counts, { swept: 4, missed: 0, gone: 0, foundAgain: 0 })
      assert.match(
        problem ?? '',
        /1 record\(s\) that were read as supplier of fake:\/\/erp\/SEED are not in what is read now/,
      )
    })
  })
})
