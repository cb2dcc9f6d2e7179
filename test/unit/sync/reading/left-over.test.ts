/** Another filter or folder behind the name: what the one before left in the target. */
import assert from 'node:assert/strict'
import type { PollOptions } from '../../../../sync/contract/engine.ts'
import { supplier } from '../../../support/fakes.ts'
import type { Rig } from '../../../support/rig.ts'
import { code, sweepRig } from '../../../support/sweep-rig.ts'

describe('what another filter or folder left', () => {
  const { start, later, fill, found, same, alerts } = sweepRig()
  let r: Rig
  beforeEach(async () => {
    r = await start()
    fill(300)
    await r.poll()
  })
  /** As if the node's filter left out the first of them. */
  const narrow = (n: number) => {
    for (let i = 0; i < n; i++) r.source.remove('supplier', `erp|${code(i)}`)
    later()
  }
  const poll = (more: Partial<PollOptions> = {}) => r.poll({ filters: { supplier: 'another' }, ...more })
  const confirm = { sweep: { since: null, confirm: ['supplier'] } }

  it('is listed with its number, and nothing of it is taken away before a person has confirmed that', async () => {
    narrow(3)
    const anew = await poll({ identityChange: 'anew' })
    assert.deepEqual(anew.open, ['supplier: 3 left by what was read before'])
    assert.match(
      anew.notices.join('\n'),
      /supplier: 3 record\(s\) that were read as supplier of \S+ are not in what is read now.*Among them: erp\|S000, erp\|S001, erp\|S002\./,
    )
    assert.deepEqual(await alerts(), ['sweep supplier'])
    // As few as would be taken for deleted at once.
    later()
    const swept = await poll({ sweep: { since: null } })
    assert.deepEqual([found(swept)?.gone, swept.verdict, r.target('supplier').stored.size], [0, 'open', 300])
    later()
    const over = await poll(confirm)
    assert.deepEqual([found(over)?.gone, over.open], [3, undefined])
    same()
    assert.deepEqual(await alerts(), [])
    // From now on what is gone is taken away as ever.
    r.source.remove('supplier', `erp|${code(9)}`)
    later()
    assert.equal(found(await poll({ sweep: { since: null } }))?.gone, 1)
    same()
  })

  it('is not taken away by a confirmation that came before the number was told; with it goes what was deleted besides', async () => {
    narrow(2)
    const early = await poll({ identityChange: 'anew', ...confirm })
    assert.match(found(early)?.problem ?? '', /^supplier: 2 record\(s\) that were read as/)
    assert.equal(r.target('supplier').stored.size, 300)
    r.source.remove('supplier', `erp|${code(7)}`)
    later()
    assert.equal(found(await poll(confirm))?.gone, 3)
    same()
  })

  it('is nothing where everything is read again', async () => {
    later()
    const anew = await poll({ identityChange: 'anew' })
    assert.deepEqual([anew.open, await alerts()], [undefined, []])
    r.source.put('supplier', supplier(code(1), 'changed'))
    later()
    assert.equal((await poll()).verdict, 'ties')
  })
})
