import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createPushBook, createWindow, LIMITS, overrun } from '../../../sandbox/powerbi/limits.ts'

const HOUR = 3_600_000

describe('Power BI sandbox: books of limits', () => {
  it('lets through exactly what fits into every stretch of time, and says when the next fits', () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 40_000 }), size: fc.integer({ min: 1, max: 50 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = createWindow(HOUR)
        const taken: { at: number; size: number }[] = []
        const fits = (now: number, size: number) =>
          taken.filter(({ at }) => at > now - 60_000).reduce((sum, each) => sum + each.size, size) <= 100
        let now = 0
        for (const { after, size } of steps) {
          now += after
          const seconds = window.wait(now, 60_000, 100, size)
          assert.equal(seconds === 0, fits(now, size))
          if (seconds === 0) {
            window.add(now, size)
            taken.push({ at: now, size })
          } else {
            assert.ok(fits(now + seconds * 1000, size), 'it fits after the wait')
            assert.ok(
              seconds === 1 || !fits(now + (seconds - 1) * 1000 - 1, size),
              'the wait is not longer than needed',
            )
          }
        }
      }),
    )
  })

  it('never lets through what no wait makes fit, and has no end where there is no limit', () => {
    const window = createWindow(HOUR)
    assert.equal(window.wait(0, 60_000, 10, 11), 60)
    assert.equal(window.wait(0, 60_000, null, 1_000_000), 0)
  })

  it('names the limit of rows before that of posts', () => {
    const full = (rows: number) => {
      const book = createPushBook()
      for (let n = 0; n < 120; n += 1) {
        book.posts.add(n)
        book.rows.add(n, rows)
      }
      return book
    }
    assert.deepEqual(overrun(full(10_000), 200, 1, LIMITS, false), { what: 'rows', seconds: 3600 })
    assert.deepEqual(overrun(full(100), 200, 1, LIMITS, false), { what: 'posts', seconds: 60 })
    assert.deepEqual(overrun(full(100), 60_200, 1, LIMITS, true), { what: 'posts', seconds: 3540 })
    assert.equal(overrun(full(10_000), HOUR + 200, 10_000, LIMITS, true), undefined)
  })
})
