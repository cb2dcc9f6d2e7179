import { deepEqual, equal, match } from 'node:assert/strict'
import { nextStart, scheduleOf } from '../../../nodes/operations/schedule.ts'
import { type Facts, findings } from '../../../nodes/operations/watch.ts'

/** Of a Monday, 07:00. */
const MONDAY = '2026-11-30T07:00:00.000Z'
const later = (hours: number): string => new Date(Date.parse(MONDAY) + hours * 3_600_000).toISOString()

describe('no success for', () => {
  const inject = (fields: object) => [scheduleOf(fields)].filter((next) => next !== undefined)
  const overdue = (hours: number, fields: object, more: Partial<Facts> = {}): boolean => {
    const facts: Facts = {
      ...{ sync: 'books', held: 0, runs: [], lastSuccess: MONDAY, now: later(hours) },
      nextStart: (moment) => nextStart(inject(fields), moment),
      ...more,
    }
    return findings(facts, { heldOver: 0, successHours: 26 }).some(({ kind, on }) => kind === 'no-success' && on)
  }

  it('goes by the hours set where a sync starts more often', () => {
    for (const fields of [
      { repeat: '3600', crontab: '' },
      { repeat: '', crontab: '*/5 * * * *' },
      { crontab: '0 7 * * *' },
      {},
    ])
      deepEqual([overdue(25.9, fields), overdue(26.1, fields)], [false, true], JSON.stringify(fields))
  })

  it('waits for the next start of one that starts more seldom, and two hours for its run', () => {
    const weekly = { repeat: '', crontab: '0 7 * * 1' }
    deepEqual(
      [26.1, 100, 169.9, 170.1].map((hours) => overdue(hours, weekly)),
      [false, false, false, true],
    )
    deepEqual([overdue(73, { repeat: String(72 * 3600) }), overdue(74.1, { repeat: String(72 * 3600) })], [false, true])
    const [found] = findings(
      {
        sync: 'books',
        held: 0,
        runs: [],
        lastSuccess: MONDAY,
        now: later(171),
        nextStart: (at) => nextStart(inject(weekly), at),
      },
      { heldOver: 0, successHours: 26 },
    ).filter(({ kind }) => kind === 'no-success')
    match(found?.message ?? '', /no successful run since 2026-11-30T07.*it was to start at 2026-12-07T07/)
  })

  it('the earliest of several counts, and what no cron can read is no schedule', () => {
    equal(nextStart([...inject({ crontab: '0 7 * * 1' }), ...inject({ repeat: '60' })], MONDAY), later(1 / 60))
    deepEqual(
      [scheduleOf({ crontab: 'at noon' }), scheduleOf({ repeat: '', crontab: '' }), scheduleOf({})],
      [undefined, undefined, undefined],
    )
  })

  it('0 hours watch nothing', () => {
    const facts: Facts = {
      sync: 'books',
      held: 0,
      runs: [],
      lastSuccess: MONDAY,
      now: later(999),
      nextStart: () => undefined,
    }
    deepEqual(
      findings(facts, { heldOver: 0, successHours: 0 }).map(({ kind }) => kind),
      ['held'],
    )
  })
})
