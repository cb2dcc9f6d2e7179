import { deepStrictEqual, equal, match } from 'node:assert/strict'
import { syncError } from '../../../../sync/contract/errors.ts'
import type { Target } from '../../../../sync/contract/target.ts'
import { type Bench, bench, supplier } from '../../../support/deliveries.ts'
import { fakeTarget } from '../../../support/fake-target.ts'

const lost = syncError('unknown-outcome', 'fake.timeout', 'no answer')
const busy = syncError('transient', 'fake.503', 'busy')
const ref = { id: 'w2', name: 'fake-write' }

describe('batches of unknown outcome at sinks that append, when the sink is deployed', () => {
  let b: Bench
  let warned: readonly string[] = []
  /** Asks as a process that was started anew does. */
  const resume = async (target: Target | undefined): Promise<void> => {
    const again = await b.restart()
    await again.resumeAppends({ ref, target: async () => target, signal: new AbortController().signal })
    warned = again.warned
  }
  const open = async () => (await b.ledger.intents(b.target.address)).map(({ state }) => state)

  beforeEach(async () => {
    b = await bench({ target: fakeTarget({ mode: 'append' }) })
    await b.begin('r1')
    const { resolve } = b.target
    // The batch arrives, its answer does not, and the process ends while it asks.
    b.target.accident = () => ({ after: lost })
    b.target.resolve = async () => {
      throw busy
    }
    await b.send('r1', [supplier('S', 'A')]).catch(() => undefined)
    deepStrictEqual(await open(), ['open'])
    b.target.accident = () => undefined
    if (resolve) b.target.resolve = resolve
  })

  it('are asked about at once, and what arrived counts as delivered without a run', async () => {
    const writes = b.target.counts.write
    await resume(b.target)
    deepStrictEqual([await open(), b.target.counts.write, warned], [[], writes, []])
    await b.begin('r2')
    const { unchanged } = await b.send('r2', [supplier('S', 'A')], { read: 2 })
    equal(unchanged, 1)
  })

  it('are in doubt where the target cannot tell', async () => {
    b.target.resolve = async () => 'in-doubt'
    await resume(b.target)
    deepStrictEqual(await open(), ['in-doubt'])
  })

  it('stay as they are where the sink writes elsewhere or not that entity, or cannot be asked now', async () => {
    const { resolve } = b.target.counts
    await resume(fakeTarget({ mode: 'append', address: 'fake://elsewhere/t' }))
    await resume(undefined)
    equal(b.target.counts.resolve, resolve)
    deepStrictEqual([await open(), warned], [['open'], []])
    b.target.resolve = async () => {
      throw busy
    }
    await resume(b.target)
    deepStrictEqual(await open(), ['open'])
    match(warned.join(), /could not be asked what became of the last batch: busy/)
  })
})
