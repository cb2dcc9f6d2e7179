import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type ErrorClass, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { createRetryPolicy } from '../../../vendor/retry-policy.ts'

describe('a retry policy', () => {
  const bounds = {
    attempts: 6,
    down: 'warehouse is starting',
    lostSession: ({ code }: SyncError) => code === 'vendor.session',
    renewals: ({ cause }: SyncError) => (cause.httpStatus === 401 ? 4 : 1),
  }
  const failure = (cls: ErrorClass, code = 'x', details = {}) => syncError(cls, code, 'm', details)

  it('gives a lost session a new one at once, and takes a second loss for a warehouse that is starting', () => {
    const waits = createRetryPolicy({ ...bounds, baseMs: 500, coldStartMs: 60_000 }).begin()
    const lost = failure('transient', 'vendor.session')
    assert.equal(waits.after(lost)?.ms, 0)
    const second = waits.after(lost)
    assert.equal(second?.why, 'warehouse is starting')
    assert.ok((second?.ms ?? 0) >= 750)
  })

  it('waits for a starting warehouse longer than six attempts, but not for ever', () => {
    const waits = createRetryPolicy({ ...bounds, baseMs: 1, coldStartMs: 60_000 }).begin()
    const starting = failure('transient', 'vendor.http503', { httpStatus: 503 })
    for (let i = 0; i < 20; i++) assert.ok(waits.after(starting))
    assert.equal(
      createRetryPolicy({ ...bounds, baseMs: 1, coldStartMs: 0 })
        .begin()
        .after(starting),
      undefined,
    )
  })

  it('waits as long as Retry-After says, and gives a long wait to the engine', () => {
    const waits = createRetryPolicy({ ...bounds, baseMs: 500, coldStartMs: 60_000 }).begin()
    assert.equal(waits.after(failure('throttled', 'x', { retryAfterMs: 7000 }))?.ms, 7000)
    assert.equal(waits.after(failure('throttled', 'x', { retryAfterMs: 3_600_000 })), undefined)
  })

  it('never repeats what is data or config', () => {
    const policy = createRetryPolicy({ ...bounds, baseMs: 1, coldStartMs: 60_000 })
    assert.ok(policy.begin().after(failure('unknown-outcome')))
    assert.equal(policy.begin().after(failure('data')), undefined)
    assert.equal(policy.begin().after(failure('config')), undefined)
  })

  it('renews a refused token some times, and asks once more about a missing right', () => {
    const policy = createRetryPolicy({ ...bounds, baseMs: 1, coldStartMs: 60_000 })
    const [token, right] = [policy.begin(), policy.begin()]
    for (let i = 0; i < 4; i++) assert.ok(token.after(failure('auth', 'x', { httpStatus: 401 })))
    assert.equal(token.after(failure('auth', 'x', { httpStatus: 401 })), undefined)
    assert.ok(right.after(failure('auth', 'x', { httpStatus: 403 })))
    assert.equal(right.after(failure('auth', 'x', { httpStatus: 403 })), undefined)
  })
})
