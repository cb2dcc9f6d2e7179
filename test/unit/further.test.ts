import assert from 'node:assert/strict'
import { meetFaults } from '../../demo/further.ts'

/** Runs of a demo of which each meets so many of the faults that are left; gives how many it took. */
async function runs(left: number, meets: (run: number) => number): Promise<{ runs: number; left: number }> {
  let made = 0
  await meetFaults(
    async () => (left > 0 ? [`databricks files-put/timeout, ${left} missing`] : []),
    async () => {
      left -= Math.min(left, meets(made++))
    },
  )
  return { runs: made, left }
}

describe('further runs of a demo', () => {
  it('are none where every fault was met', async () => {
    assert.deepEqual(await runs(0, () => 1), { runs: 0, left: 0 })
  })

  it('go on for as long as they meet faults, however many it takes', async () => {
    assert.deepEqual(await runs(18, () => 1), { runs: 18, left: 0 })
  })

  it('go on through a run or two that met none', async () => {
    assert.deepEqual(await runs(2, (run) => (run % 3 === 2 ? 1 : 0)), { runs: 6, left: 0 })
  })

  it('end where a fault is left that no request meets', async () => {
    assert.deepEqual(await runs(3, (run) => (run < 2 ? 1 : 0)), { runs: 8, left: 1 })
  })
})
