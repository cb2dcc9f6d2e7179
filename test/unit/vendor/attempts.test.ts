import assert from 'node:assert/strict'
import { syncError } from '../../../sync/contract/errors.ts'
import { orAborted, retrying, within } from '../../../vendor/attempts.ts'
import { createRetryPolicy } from '../../../vendor/retry-policy.ts'

const never = () => new Promise<never>(() => undefined)

describe('attempts', () => {
  it('take the work or the abort, whichever is sooner, one that came before included', async () => {
    const stop = new AbortController()
    assert.equal(await orAborted(Promise.resolve('done'), stop.signal), 'done')
    const waiting = orAborted(never(), stop.signal)
    stop.abort(new Error('closed'))
    await assert.rejects(waiting, /closed/)
    await assert.rejects(orAborted(never(), stop.signal), /closed/)
    await assert.rejects(orAborted(Promise.reject(new Error('nobody asks')), stop.signal), /closed/)
  })

  it('are over in time, and tell whether the work was', async () => {
    assert.equal(await within(Promise.resolve(), 60_000), true)
    assert.equal(await within(Promise.reject(new Error('failed')), 60_000), true)
    assert.equal(await within(never(), 5), false)
  })

  it('are made as long as patience lasts, and end at once in the middle of a wait', async () => {
    const limits = { attempts: 3, baseMs: 1, coldStartMs: 60_000, down: 'starting', lostSession: () => false }
    const stop = new AbortController()
    const said: string[] = []
    const options = {
      context: { signal: stop.signal, waiting: (what: string) => void said.push(what) },
      log: () => undefined,
    }
    const failure = (retryAfterMs: number) => syncError('transient', 'vendor.busy', 'busy', { retryAfterMs })
    let calls = 0
    const failing = (times: number, ms: number) => async () => {
      if (calls++ < times) throw failure(ms)
      return calls
    }
    assert.equal(await retrying(createRetryPolicy(limits), failing(2, 1), options), 3)
    calls = 0
    await assert.rejects(retrying(createRetryPolicy(limits), failing(9, 1), options), /busy/)
    assert.equal(calls, 3)
    calls = 0
    said.length = 0
    const waiting = retrying(createRetryPolicy(limits), failing(9, 60_000), options)
    while (said.length === 0) await new Promise(setImmediate)
    stop.abort(new Error('closed'))
    await assert.rejects(waiting, /closed/)
    assert.equal(calls, 1)
  })
})
