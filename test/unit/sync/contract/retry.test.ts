import assert from 'node:assert/strict'
import { type ErrorClass, type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import { type RetryContext, type RetryOptions, withRetry } from '../../../../sync/contract/retry.ts'
import { waitFor } from '../../../support/wait.ts'

const tiny: Partial<RetryOptions> = { attempts: 5, firstDelayMs: 1, maxDelayMs: 2 }

/** Work that fails with these errors in turn, then succeeds. */
function failingWith(errors: readonly unknown[]) {
  const left = [...errors]
  const state = { calls: 0, waits: [] as string[], renewals: 0 }
  const context: RetryContext & { stop: AbortController } = (() => {
    const stop = new AbortController()
    return { stop, signal: stop.signal, waiting: (what: string) => void state.waits.push(what), idempotent: true }
  })()
  const work = async () => {
    state.calls++
    if (left.length > 0) throw left.shift()
    return 'done'
  }
  return { state, context, work }
}
const error = (cls: ErrorClass, details: Partial<SyncError['cause']> = {}) =>
  syncError(cls, `test.${cls}`, `it was ${cls}`, details)
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (value) => String(value),
    (e: { code?: string; message: string }) => e.code ?? e.message,
  )

describe('retry', () => {
  it('tries transient and throttled again until it succeeds', async () => {
    const { state, context, work } = failingWith([error('transient'), error('throttled'), error('transient')])
    assert.equal(await withRetry(work, context, tiny), 'done')
    assert.equal(state.calls, 4)
    assert.deepEqual(state.waits, [
      'it was transient; trying again, 1 s left',
      'throttled, 1 s left',
      'it was transient; trying again, 1 s left',
    ])
  })

  it('gives the last error up with its class when the attempts are used up', async () => {
    const { state, context, work } = failingWith(Array.from({ length: 9 }, () => error('transient')))
    await assert.rejects(withRetry(work, context, tiny), (e: SyncError) => e.cause.class === 'transient')
    assert.equal(state.calls, 5)
  })

  it('throws data, config and what is not ours at once', async () => {
    for (const fault of [error('data'), error('config'), new TypeError('a bug')]) {
      const { state, context, work } = failingWith([fault])
      await assert.rejects(withRetry(work, context, tiny), fault)
      assert.equal(state.calls, 1)
    }
  })

  it('renews the token once for auth, and gives the second refusal up', async () => {
    const first = failingWith([error('auth')])
    const renew = async () => void first.state.renewals++
    assert.equal(await withRetry(first.work, { ...first.context, renew }, tiny), 'done')
    assert.equal(first.state.renewals, 1)
    const second = failingWith([error('auth'), error('auth')])
    assert.equal(await codeOf(withRetry(second.work, { ...second.context, renew }, tiny)), 'test.auth')
    assert.equal(second.state.calls, 2)
    const none = failingWith([error('auth')])
    assert.equal(await codeOf(withRetry(none.work, none.context, tiny)), 'test.auth')
    assert.equal(none.state.calls, 1)
  })

  it('repeats an unknown outcome only where twice does no harm', async () => {
    const merge = failingWith([error('unknown-outcome')])
    assert.equal(await withRetry(merge.work, merge.context, tiny), 'done')
    const append = failingWith([error('unknown-outcome')])
    const context = { ...append.context, idempotent: false }
    assert.equal(await codeOf(withRetry(append.work, context, tiny)), 'test.unknown-outcome')
    assert.equal(append.state.calls, 1)
  })

  it('waits as long as the vendor asks, beyond its own bound of time', async () => {
    const { state, context, work } = failingWith([error('throttled', { retryAfterMs: 60 })])
    const started = performance.now()
    assert.equal(await withRetry(work, context, { ...tiny, totalMs: 20 }), 'done')
    assert.ok(performance.now() - started >= 59)
    assert.deepEqual(state.waits, ['throttled, 1 s left'])
  })

  it('does not wait for a vendor who asks for more than the bound', async () => {
    const { state, context, work } = failingWith([error('throttled', { retryAfterMs: 5000 })])
    assert.equal(await codeOf(withRetry(work, context, { ...tiny, maxRetryAfterMs: 1000 })), 'test.throttled')
    assert.equal(state.calls, 1)
  })

  it('ends when the bound of time would be passed', async () => {
    const { state, context, work } = failingWith(Array.from({ length: 99 }, () => error('transient')))
    const options = { attempts: 99, firstDelayMs: 100, maxDelayMs: 100, totalMs: 500 }
    assert.equal(await codeOf(withRetry(work, context, options)), 'test.transient')
    // A busy machine has fewer of them, never more.
    assert.ok(state.calls >= 2 && state.calls <= 11, `${state.calls} calls`)
  })

  it('wakes at once when stopped in the middle of a wait, and says what it waited for', async () => {
    const { state, context, work } = failingWith([error('throttled', { retryAfterMs: 60_000 })])
    const running = withRetry(work, context, tiny)
    await waitFor(() => state.waits.length > 0)
    context.stop.abort()
    await assert.rejects(running, (e: SyncError) => e.code === 'sync.stopped' && /it was throttled/.test(e.message))
    assert.equal(await codeOf(withRetry(work, context, tiny)), 'sync.stopped')
    assert.equal(state.calls, 1)
  })
})
