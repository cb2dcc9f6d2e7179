import assert from 'node:assert/strict'
import { lastTime, sweepOf } from '../../../nodes/kit/sweep.ts'

const local = (text: string): Date => new Date(text)
const daily = { sweep: 'daily', sweepAt: '02:00' } as const

describe('when a source sweeps', () => {
  it('from the time of day on, by the clock on the wall of this machine', () => {
    assert.equal(lastTime('02:00', local('2026-03-10T02:00:00')), local('2026-03-10T02:00:00').toISOString())
    assert.equal(lastTime('02:00', local('2026-03-10T14:30:00')), local('2026-03-10T02:00:00').toISOString())
    assert.equal(lastTime('23:30', local('2026-03-01T14:30:00')), local('2026-02-28T23:30:00').toISOString())
    assert.equal(lastTime('02:00', local('2026-01-01T01:59:59')), local('2025-12-31T02:00:00').toISOString())
  })

  it('which TZ sets', () => {
    const before = process.env.TZ
    try {
      process.env.TZ = 'Asia/Tokyo'
      assert.equal(lastTime('02:00', new Date('2026-03-10T12:00:00Z')), '2026-03-09T17:00:00.000Z')
      process.env.TZ = 'America/New_York'
      assert.equal(lastTime('02:00', new Date('2026-03-10T12:00:00Z')), '2026-03-10T06:00:00.000Z')
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  })

  it('daily unless set otherwise; when told, whatever the setting', () => {
    const now = local('2026-03-10T14:30:00')
    assert.deepEqual(sweepOf(daily, {}, now), { since: local('2026-03-10T02:00:00').toISOString() })
    assert.deepEqual(sweepOf({ ...daily, sweep: 'always' }, {}, now), { since: null })
    assert.equal(sweepOf({ ...daily, sweep: 'never' }, {}, now), undefined)
    assert.deepEqual(sweepOf({ ...daily, sweep: 'never' }, { sweep: true }, now), { since: null })
  })

  it('with everything anew, so that what is gone goes too', () => {
    assert.deepEqual(sweepOf(daily, { full: true }, new Date()), { since: null })
    assert.equal(sweepOf({ ...daily, sweep: 'never' }, { full: true }, new Date()), undefined)
  })

  it('a person confirms by the name of the entity', () => {
    const order = { sweep: { confirm: 'supplier' } }
    assert.deepEqual(sweepOf(daily, order, new Date()), { since: null, confirm: ['supplier'] })
  })
})
