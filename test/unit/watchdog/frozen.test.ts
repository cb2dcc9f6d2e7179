import { deepStrictEqual } from 'node:assert'
import { frozenAfter } from '../../../watchdog/frozen.ts'

describe('the watchdog', () => {
  const seen = (turns: readonly number[], busy: readonly number[] = []): boolean[] => {
    const isFrozen = frozenAfter(3)
    return turns.map((turn, at) => isFrozen(turn, busy.includes(at)))
  }

  it('takes a thread for frozen that has not turned for as many turns of its own, and no sooner', () => {
    deepStrictEqual(seen([5, 5, 5, 5]), [false, false, false, true])
    deepStrictEqual(seen([5, 5, 5, 6, 6, 6, 6]), [false, false, false, false, false, false, true])
  })

  it('counts no pause: whoever was paused with it goes on at the count where it was', () => {
    // between the second and the third look may lie a night
    deepStrictEqual(seen([5, 6, 6, 7, 8]), [false, false, false, false, false])
  })

  it('lets work that says so take its time, and begins anew behind it', () => {
    deepStrictEqual(seen([5, 5, 5, 5, 5, 5, 5], [2, 3]), [false, false, false, false, false, false, true])
  })
})
