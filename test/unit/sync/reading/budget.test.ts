import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Budget, createBudget, type May, type Share } from '../../../../sync/reading/budget.ts'

const KB = 1 << 10
/** 64 MB of memory are counted as so much. */
const BYTES = 16 << 20
const THIRD = Math.floor(BYTES / 3)

/** A run that holds what it was granted until it gives it back. */
function runOf(budget: Budget, sync: string) {
  let held = 0
  let may: May | undefined
  const stop = new AbortController()
  const share: Share = budget.join(sync, () => held)
  const own = (): May => may ?? (held === 0 ? 'now' : 'turn')
  return {
    share,
    stop,
    held: () => held,
    take: (bytes: number, signal = stop.signal) =>
      share.take(
        bytes,
        own,
        () => {
          held += bytes
        },
        signal,
      ),
    give(bytes: number) {
      held -= bytes
      share.changed()
    },
    rule(next: May | undefined) {
      may = next
      share.changed()
    },
  }
}

/** Everything that follows by itself has followed. */
const quiet = () => new Promise((resolve) => setImmediate(resolve))

describe('the budget for what is on its way', () => {
  it('gives no more than there is, and goes on when something is given back', async () => {
    const budget = createBudget(64)
    const [a, b] = [runOf(budget, 'a'), runOf(budget, 'b')]
    await a.take(BYTES - KB)
    await b.take(KB)
    let more = false
    const waiting = b.take(KB).then(() => {
      more = true
    })
    await quiet()
    assert.equal(more, false)
    a.give(KB)
    await waiting
  })

  it('lets a run that has nothing on its way pass, however much others hold', async () => {
    const budget = createBudget(64)
    await runOf(budget, 'a').take(BYTES)
    await runOf(budget, 'b').take(KB)
  })

  it('goes round by sync, however much one of them asks for', async () => {
    const budget = createBudget(64)
    const order: string[] = []
    const [greedy, modest] = [runOf(budget, 'greedy'), runOf(budget, 'modest')]
    const other = runOf(budget, 'other')
    await greedy.take(KB)
    await modest.take(KB)
    await other.take(BYTES)
    const asked = [greedy, greedy, greedy, modest].map((run, i) =>
      run.take(KB).then(() => order.push(`${run === greedy ? 'greedy' : 'modest'} ${i}`)),
    )
    await quiet()
    assert.deepEqual(order, [])
    other.give(BYTES)
    await Promise.all(asked)
    assert.deepEqual(order, ['greedy 0', 'modest 3', 'greedy 1', 'greedy 2'])
  })

  it('lets nobody who fits go before the one whose turn it is', async () => {
    const budget = createBudget(64)
    const [large, small, other] = [runOf(budget, 'large'), runOf(budget, 'small'), runOf(budget, 'other')]
    for (const run of [large, small]) await run.take(KB)
    await other.take(BYTES - 3 * KB)
    const order: string[] = []
    const first = large.take(4 * KB).then(() => order.push('large'))
    const second = small.take(KB).then(() => order.push('small'))
    await quiet()
    assert.deepEqual(order, [])
    other.give(4 * KB)
    await Promise.all([first, second])
    assert.deepEqual(order, ['large', 'small'])
  })

  it('makes no other run wait behind one that may not go on for a reason of its own', async () => {
    const budget = createBudget(64)
    const [stuck, other] = [runOf(budget, 'stuck'), runOf(budget, 'other')]
    await stuck.take(KB)
    stuck.rule('no')
    let went = false
    const waiting = stuck.take(KB).then(() => {
      went = true
    })
    await other.take(KB)
    await other.take(KB)
    assert.equal(went, false)
    stuck.rule(undefined)
    await waiting
  })

  it('a batch is an equal part of it at most, and never less than is worth sending', () => {
    const budget = createBudget(64)
    const [first] = Array.from({ length: 4 }, (_, i) => runOf(budget, `s${i}`).share)
    assert.equal(first?.mostOfBatch(), BYTES / 4)
    const last = Array.from({ length: 96 }, (_, i) => runOf(budget, `t${i}`).share).at(-1)
    assert.equal(first?.mostOfBatch(), 256 * KB)
    last?.leave()
    assert.equal(first?.mostOfBatch(), 256 * KB)
  })

  it('never stands still: random syncs, sinks that wait for ever, stops and ends', async () => {
    const actions = fc.array(
      fc.record({
        run: fc.nat(7),
        what: fc.constantFrom('take', 'take', 'take', 'settle', 'settle', 'hang', 'stop'),
        bytes: fc.integer({ min: 1, max: THIRD }),
      }),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(actions, async (steps) => {
        const budget = createBudget(64)
        const runs = Array.from({ length: 8 }, (_, i) => ({ ...runOf(budget, `s${i % 5}`), hangs: false, over: false }))
        const waiting = new Set<{ readonly of: number }>()
        for (const { run: of, what, bytes } of steps) {
          const run = runs[of]
          if (!run || run.over) continue
          if (what === 'take') {
            const one = { of }
            waiting.add(one)
            const isOver = () => waiting.delete(one)
            run.take(bytes).then(isOver, isOver)
          } else if (what === 'settle' && !run.hangs) run.give(run.held())
          else if (what === 'hang') {
            run.hangs = true
            run.rule(run.held() > 0 ? 'no' : undefined)
          } else if (what === 'stop') {
            run.over = true
            run.stop.abort(new Error('stopped'))
            run.share.leave()
          }
          await Promise.resolve()
          const total = runs.filter(({ over }) => !over).reduce((sum, one) => sum + one.held(), 0)
          // Beyond it is only what passed because nothing of its run was on its way.
          assert.ok(total <= BYTES + 8 * THIRD, `${total}`)
        }
        await quiet()
        // Sinks that do not hang settle whatever comes: every run with such a sink gets all that it asked for.
        for (let i = 0; i < 200; i++) {
          for (const run of runs) if (!run.hangs && !run.over && run.held() > 0) run.give(run.held())
          await Promise.resolve()
        }
        await quiet()
        const left = [...waiting].filter(({ of }) => !runs[of]?.hangs)
        assert.deepEqual(left, [], 'somebody waits for ever')
      }),
    )
  })
})
