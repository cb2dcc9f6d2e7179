import assert from 'node:assert/strict'
import { isoDate, serverClock, unreadableFormat, zoneOf } from '../../../nodes/intacct/client/clock.ts'
import { windowFilter } from '../../../nodes/intacct/client/windows.ts'

describe('times of Intacct', () => {
  it('turns stamps of a fixed offset into UTC and back', () => {
    const zone = zoneOf('-08:00')
    assert.equal(zone.utc('09/16/2013 15:50:21'), '2013-09-16T23:50:21Z')
    assert.equal(zone.local('2013-09-16T23:50:21Z'), '09/16/2013 15:50:21')
    assert.equal(zone.utc('09/16/2013'), '2013-09-16T08:00:00Z')
    assert.equal(zoneOf('+09:30').local('2026-12-31T23:00:00Z'), '01/01/2027 08:30:00')
  })

  it('follows the summer time of a named zone, each hour of a year there and back', () => {
    const zone = zoneOf('America/Los_Angeles')
    assert.equal(zone.utc('09/16/2013 15:50:21'), '2013-09-16T22:50:21Z')
    assert.equal(zone.utc('01/16/2014 15:50:21'), '2014-01-16T23:50:21Z')
    let twice = 0
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 3_600_000) {
      const iso = `${new Date(at).toISOString().slice(0, 19)}Z`
      const back = zone.utc(zone.local(iso)) as string
      // The hour that comes twice is taken as the earlier: nothing is skipped.
      if (back !== iso) {
        twice++
        assert.equal(Date.parse(iso) - Date.parse(back), 3_600_000)
      }
    }
    assert.equal(twice, 1)
  })

  it('takes what is no stamp for none', () => {
    for (const text of ['', '2026-03-10', '13/01/2026', '02/30/2026', '1/2/2026', 'soon'])
      assert.equal(zoneOf('UTC').utc(text), undefined, text)
    assert.equal(isoDate('03/31/2026'), '2026-03-31')
    assert.equal(isoDate('31.03.2026'), undefined)
    assert.throws(() => zoneOf('Mars/Olympus'), { code: 'intacct.zone' })
  })

  it('says which of the settings of a user keep its dates from being read', () => {
    assert.equal(unreadableFormat({ locale: 'en_US', dateformat: '/mdY', gmtoffset: '-08:00', clock: '24' }), undefined)
    assert.match(
      unreadableFormat({ locale: 'de_DE', dateformat: '.dmY', gmtoffset: '+01:00', clock: '12' }) ?? '',
      /"\.dmY".*12 hour/,
    )
  })

  it("keeps the server's time although our clock is set", () => {
    let [ours, ticks] = [1_000_000, 0]
    const clock = serverClock(
      () => ours,
      () => ticks,
    )
    assert.equal(clock.known(), false)
    clock.learn('Tue, 10 Mar 2026 09:00:00 GMT')
    ours += 86_400_000
    ticks += 5000
    assert.equal(new Date(clock.now()).toISOString(), '2026-03-10T09:00:05.000Z')
    clock.learn('no time')
    assert.equal(clock.known(), true)
  })

  it('finds in one question what changed, what has no stamp, and what is stamped ahead', () => {
    const now = Date.parse('2026-03-10T09:00:00Z')
    const window = { from: '2026-03-10T06:00:00Z', bound: '2026-03-10T08:59:00Z' }
    const filter = windowFilter({ stamp: 'WHENMODIFIED', created: 'WHENCREATED' }, window, zoneOf('-08:00'), now)
    assert.deepEqual(filter, {
      op: 'or',
      of: [
        { op: 'between', field: 'WHENMODIFIED', values: ['03/09/2026 22:00:00', '03/10/2026 00:59:00'] },
        {
          op: 'and',
          of: [
            { op: 'isnull', field: 'WHENMODIFIED' },
            { op: 'greaterthanorequalto', field: 'WHENCREATED', value: '03/08/2026 22:00:00' },
          ],
        },
        { op: 'greaterthan', field: 'WHENMODIFIED', value: '03/10/2026 01:01:00' },
      ],
    })
    assert.equal(
      windowFilter({ stamp: 'W', created: undefined }, { from: null, bound: null }, zoneOf('UTC'), now),
      undefined,
    )
  })
})
