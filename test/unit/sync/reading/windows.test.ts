import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Position } from '../../../../ledger/ledger.ts'
import { nextWindow, type WindowQuestion } from '../../../../sync/reading/windows.ts'
import { finished } from '../../../../sync/run/progress.ts'

const plan = { granularity: 'second' as const, lagSeconds: 0, overlapSeconds: 60, walks: ['stamped', 'empty'] }
const ask = (more: Partial<WindowQuestion>): WindowQuestion => ({
  plan,
  position: undefined,
  identity: 'supplier of x',
  clock: '2026-03-01T08:00:00Z',
  now: '2026-03-01T08:00:00.000Z',
  scope: { kind: 'changes' },
  ...more,
})
const done = (readThrough: string, readAt: string | null = readThrough): Position => ({
  identity: 'supplier of x',
  readThrough,
  readAt,
  window: null,
})

describe('windows', () => {
  it('the first load has no lower bound, and ends at the whole second of the source minus the lag', () => {
    const { window } = nextWindow(
      ask({ plan: { ...plan, lagSeconds: 5 }, clock: '2026-03-01T08:00:00.900Z', now: '2031-01-01T00:00:00.000Z' }),
    )
    assert.deepEqual([window.from, window.bound], [null, '2026-03-01T07:59:55Z'])
    assert.deepEqual(window.walks, { stamped: null, empty: null })
  })

  it('the next one starts at read through minus the overlap', () => {
    const { window } = nextWindow(ask({ position: done('2026-03-01T07:00:00Z') }))
    assert.deepEqual([window.from, window.bound], ['2026-03-01T06:59:00Z', '2026-03-01T08:00:00Z'])
  })

  it('a floor from a mark is an hour older than it says: nobody knows whether the clock was set back since', () => {
    const { window } = nextWindow(ask({ position: done('2026-03-01T07:00:00Z', null) }))
    assert.equal(window.from, '2026-03-01T05:59:00Z')
  })

  it('a finished window makes its bound the new read through, whatever the clock says by then', () => {
    const first = nextWindow(ask({}))
    assert.deepEqual(finished(first), {
      identity: 'supplier of x',
      readThrough: '2026-03-01T08:00:00Z',
      readAt: '2026-03-01T08:00:00.000Z',
      window: null,
    })
  })

  it('a window under way is read to its end with its own bounds and cursors, though the clock went on', () => {
    const first = nextWindow(ask({ position: done('2026-03-01T07:00:00Z') }))
    const position = { ...first, window: { ...first.window, walks: { stamped: 'K17', gone: true as const } } }
    const again = nextWindow(ask({ position, clock: '2026-03-05T08:00:00Z' }))
    assert.deepEqual([again.window.from, again.window.bound], [first.window.from, first.window.bound])
    assert.deepEqual(again.window.walks, { stamped: 'K17', empty: null })
  })

  it('ends where another entity read the same, but never behind read through nor ahead of the clock', () => {
    const bound = (until: string, position?: Position) => nextWindow(ask({ until, position })).window.bound
    assert.equal(bound('2026-03-01T07:59:30Z'), '2026-03-01T07:59:30Z')
    assert.equal(bound('2026-03-01T07:59:30Z', done('2026-03-01T07:59:30Z')), '2026-03-01T07:59:30Z')
    assert.equal(bound('2026-03-01T07:59:29Z', done('2026-03-01T07:59:30Z')), '2026-03-01T08:00:00Z')
    assert.equal(bound('2026-03-01T08:00:10Z'), '2026-03-01T08:00:00Z')
  })

  it('a window that ended earlier still tells exactly by how much the clock was set back afterwards', () => {
    const until = '2026-03-01T07:58:20Z'
    const first = finished(nextWindow(ask({ until, plan: { ...plan, lagSeconds: 40 } })))
    assert.deepEqual([first.readThrough, first.readAt], [until, '2026-03-01T07:59:00.000Z'])
    const from = (clock: string) =>
      nextWindow(ask({ plan: { ...plan, lagSeconds: 40 }, position: first, clock, now: '2026-03-01T08:30:00.000Z' }))
        .window.from
    assert.equal(from('2026-03-01T08:30:00Z'), '2026-03-01T07:57:20Z')
    assert.equal(from('2026-03-01T08:20:00Z'), '2026-03-01T07:47:20Z')
  })

  it('a full refresh starts without a lower bound, also where a window was under way', () => {
    const first = nextWindow(ask({ position: done('2026-03-01T07:00:00Z') }))
    const { window } = nextWindow(ask({ position: first, scope: { kind: 'full' } }))
    assert.deepEqual([window.from, window.walks.stamped], [null, null])
  })

  it('stamps that are dates have no bound and start at the day before', () => {
    const days = { ...plan, granularity: 'day' as const }
    const first = nextWindow(ask({ plan: days }))
    assert.deepEqual([first.window.from, first.window.bound, first.window.through], [null, null, '2026-03-01'])
    const next = nextWindow(ask({ plan: days, position: finished(first), clock: '2026-03-04T00:10:00Z' }))
    assert.deepEqual([next.window.from, next.window.bound, next.window.through], ['2026-02-28', null, '2026-03-04'])
  })

  it('an entity without a stamp is read whole every time', () => {
    const none = { ...plan, granularity: 'none' as const }
    const { window } = nextWindow(ask({ plan: none, position: done('2026-03-01T07:00:00Z') }))
    assert.deepEqual([window.from, window.bound], [null, null])
  })

  it('a clock of the source that was set back by 15 minutes is noticed: what was stamped since then lies before read through', () => {
    // An hour went by, and the source's clock shows 45 minutes more.
    const position = done('2026-03-01T08:00:00Z', '2026-03-01T08:00:00.000Z')
    const { window } = nextWindow(ask({ position, clock: '2026-03-01T08:45:00Z', now: '2026-03-01T09:00:00.000Z' }))
    assert.ok(window.from !== null && window.from <= '2026-03-01T07:44:00Z', `from is ${window.from}`)
  })

  it('a window is never upside down, even when the source shows a time before read through', () => {
    const position = done('2026-03-01T08:00:00Z', '2026-03-01T08:00:00.000Z')
    const { window } = nextWindow(ask({ position, clock: '2026-03-01T07:00:00Z', now: '2026-03-01T08:00:01.000Z' }))
    assert.ok((window.from ?? '') <= (window.bound ?? ''))
  })

  it('whatever the clocks and the lag do: each change of the source is in some window', () => {
    const step = fc.record({
      passed: fc.integer({ min: 1, max: 7200 }),
      // The source's clock is put forward or back between two runs.
      jump: fc.constantFrom(0, 0, 0, -900, 900),
      ours: fc.constantFrom(0, 0, 3600),
    })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 120 }),
        (steps, lagSeconds) => {
          const own = { ...plan, lagSeconds }
          const begin = Date.parse('2026-03-01T00:00:00Z') / 1000
          let [time, shift, ourShift] = [begin, 0, 0]
          const stamps: { stamp: number; read: boolean }[] = []
          let position: Position | undefined
          const iso = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
          const run = () => {
            const now = new Date((time + ourShift) * 1000).toISOString()
            const next = nextWindow(ask({ plan: own, position, clock: iso(time + shift), now }))
            const { from, bound } = next.window
            for (const s of stamps)
              if ((from === null || iso(s.stamp) >= from) && (bound === null || iso(s.stamp) <= bound)) s.read = true
            position = finished(next)
          }
          run()
          for (const { passed, jump, ours } of steps) {
            shift += jump
            ourShift += ours
            // A change right after the clock was moved, and one at the end.
            stamps.push({ stamp: time + shift, read: false })
            time += passed
            stamps.push({ stamp: time + shift, read: false })
            run()
          }
          // The closing run: every stamp plus lag is past.
          time += 7200
          run()
          assert.deepEqual(
            stamps.filter((s) => !s.read).map((s) => iso(s.stamp)),
            [],
          )
        },
      ),
    )
  })
})
