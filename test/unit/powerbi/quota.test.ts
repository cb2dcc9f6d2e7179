import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { createQuota, PUBLISHED } from '../../../nodes/powerbi/client/quota.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

describe('the quota book of a push dataset', () => {
  const book = () => {
    let now = 1_000_000
    const quota = createQuota(PUBLISHED, { now: () => now })
    /** Waits as long as the book says, then posts. */
    const post = (rows: number, big = false): { waited: number; why: string | undefined } => {
      const began = now
      let why: string | undefined
      for (let pause = quota.pause(rows, big); pause; pause = quota.pause(rows, big)) {
        now += pause.ms
        why = pause.why
      }
      quota.took(rows)
      return { waited: now - began, why }
    }
    return { quota, post, now: () => now, pass: (ms: number) => (now += ms) }
  }

  it('lets a million rows through at once, and the next ones when the first are an hour old', () => {
    const { post } = book()
    for (let i = 0; i < 100; i++) deepEqual(post(10_000), { waited: 0, why: undefined })
    const { waited, why } = post(10_000)
    ok(waited >= HOUR && waited < HOUR + 1000, String(waited))
    equal(why, 'limit of 1,000,000 rows an hour')
  })

  it('lets 120 posts through in a minute, and the next one after it', () => {
    const { post } = book()
    for (let i = 0; i < 120; i++) equal(post(1).waited, 0)
    const { waited, why } = post(1)
    ok(waited >= MINUTE && waited < MINUTE + 1000)
    equal(why, 'limit of 120 posts a minute')
  })

  it('once a table is big, lets 120 posts through in an hour', () => {
    const { post } = book()
    for (let i = 0; i < 120; i++) equal(post(1, true).waited, 0)
    const { waited, why } = post(1, true)
    ok(waited >= HOUR && waited < HOUR + 1000)
    equal(why, 'limit of 120 posts an hour (a table with 250,000 rows)')
  })

  it('never breaks a limit in any window, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            rows: fc.integer({ min: 1, max: 10_000 }),
            pass: fc.integer({ min: 0, max: 40_000 }),
            big: fc.boolean(),
          }),
          { maxLength: 400 },
        ),
        (posts) => {
          const { post, now, pass } = book()
          const done: { at: number; rows: number; big: boolean }[] = []
          for (const { rows, pass: ms, big } of posts) {
            pass(ms)
            post(rows, big)
            done.push({ at: now(), rows, big })
          }
          for (const [i, { at, big }] of done.entries()) {
            const within = (ms: number) => done.slice(0, i + 1).filter((one) => one.at > at - ms)
            ok(within(HOUR).reduce((sum, one) => sum + one.rows, 0) <= 1_000_000)
            ok(within(MINUTE).length <= 120)
            if (big) ok(within(HOUR).length <= 120)
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})
