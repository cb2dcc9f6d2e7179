import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { backoffMs, type Clock, systemClock, timeText, waitSaying } from '../../../../sync/contract/wait.ts'

/** A clock that goes when it is waited for. */
function quickClock(): Clock & { waited: number[] } {
  let now = 0
  const waited: number[] = []
  return {
    waited,
    now: () => now,
    async wait(ms, signal) {
      signal.throwIfAborted()
      waited.push(ms)
      now += ms
    },
  }
}

describe('waiting', () => {
  it('says every five seconds what for and how long still', async () => {
    const said: string[] = []
    const clock = quickClock()
    const context = { signal: new AbortController().signal, waiting: (what: string) => void said.push(what) }
    await waitSaying(12_500, 'throttled', context, clock)
    deepEqual(said, ['throttled, 13 s left', 'throttled, 8 s left', 'throttled, 3 s left'])
    deepEqual(clock.waited, [5000, 5000, 2500])
    await waitSaying(0, 'nothing', context, clock)
    equal(said.length, 3)
  })

  it('ends at once when it is told to, with the reason', async () => {
    const stop = new AbortController()
    const context = { signal: stop.signal, waiting: () => setImmediate(() => stop.abort(new Error('closing'))) }
    await rejects(waitSaying(60_000, 'the server', context), /closing/)
    await rejects(systemClock.wait(60_000, stop.signal), /closing/)
  })

  it('names times as people do', () => {
    deepEqual([1, 45_000, 119_001, 120_000, 2_100_000].map(timeText), ['1 s', '45 s', '120 s', '2 min', '35 min'])
  })

  it('doubles after each failure up to the most, never less than the half, and not all alike', () => {
    for (const [failures, most] of [
      [1, 500],
      [2, 1000],
      [5, 8000],
      [50, 30_000],
    ] as const) {
      const found = Array.from({ length: 200 }, () => backoffMs(failures, 500, 30_000))
      ok(found.every((ms) => ms >= most / 2 && ms <= most))
      ok(new Set(found).size > 100)
    }
  })
})
