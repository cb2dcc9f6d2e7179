import assert from 'node:assert/strict'
import { entry, entrySchema } from '../../../support/fakes.ts'
import { anna, putting, suppliers } from '../../../support/left-open.ts'
import { type Rig, rig, sums } from '../../../support/rig.ts'

describe('no green while something is open', () => {
  let r: Rig
  afterEach(() => r.close())

  const put = putting(() => r)

  describe('a deletion that is held', () => {
    const deleted = async () => {
      r = await rig({ entities: suppliers })
      Object.assign(r.target('supplier'), { deletes: false })
      put('A', 'first')
      put('B', 'first')
      await r.poll()
      r.source.remove('supplier', 'erp|A')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(sums(run, 'supplier').open, ['1 held'])
      const [held] = await r.ledger.held({})
      return held?.id ?? ''
    }
    const decided = async () => {
      const [decision] = await r.ledger.decisions({})
      return [decision?.kind, decision?.by, decision?.reason, decision?.about]
    }

    it('is told with the amount that stands in the target, as too many too', async () => {
      r = await rig({ entities: { gl_entry: { schema: entrySchema } } })
      Object.assign(r.target('gl_entry'), { deletes: false })
      for (const [number, amount] of [
        ['1', '10.50'],
        ['2', '20.00'],
      ] as const)
        r.source.put('gl_entry', entry(number, amount, `-${amount}`))
      await r.poll()
      r.source.remove('gl_entry', 'erp|1')
      const run = await r.poll({ sweep: { since: null } })
      assert.deepEqual(sums(run, 'gl_entry').open, ['1 held, EUR 10.50'])
      const [held] = await r.ledger.held({})
      await r.ledger.discardHeld([held?.id ?? ''], anna, 'stays')
      assert.deepEqual((await r.poll()).open, ['gl_entry: 1 too many in the target, EUR 10.50'])
      assert.deepEqual((await r.ledger.decisions({}))[0]?.amounts, { EUR: '10.5' })
    })

    it('has two answers, and takes none for granted', async () => {
      const id = await deleted()
      await assert.rejects(r.ledger.discardHeld([id], anna), /which has two answers/)
      assert.equal((await r.ledger.held({})).length, 1)
      assert.deepEqual(await r.ledger.decisions({}), [])
    })

    it('is over when it was taken back by hand: its record is gone in the source, and nothing later would end it', async () => {
      const id = await deleted()
      assert.equal(await r.ledger.discardHeld([id], anna, 'taken-back'), 1)
      assert.equal((await r.poll()).verdict, 'nothing new')
      assert.deepEqual(await decided(), ['deletion-taken-back', 'anna', anna.reason, 'erp|A'])
    })

    it('is one too many in the target where it stays there, until its key is delivered again', async () => {
      const id = await deleted()
      assert.equal(await r.ledger.discardHeld([id], anna, 'stays'), 1)
      const run = await r.poll()
      assert.deepEqual([run.verdict, run.open], ['open', ['supplier: 1 too many in the target']])
      assert.deepEqual(await decided(), ['deletion-stays', 'anna', anna.reason, 'erp|A'])
      await r.ledger.purge(-1)
      assert.deepEqual((await r.poll()).open, ['supplier: 1 too many in the target'])
      put('A', 'again')
      assert.equal((await r.poll()).verdict, 'ties')
    })

    it('is no more too many once the target was emptied', async () => {
      const id = await deleted()
      await r.ledger.discardHeld([id], anna, 'stays')
      await r.ledger.forgetAddress(r.target('supplier').address)
      assert.deepEqual(await r.ledger.openItems('s'), [])
    })
  })
})
