import { equal } from 'node:assert/strict'
import { isZone, quietMs } from '../../../vendor/quiet.ts'

const HOUR = 3_600_000
/** When the quiet hours end for who asks at a moment. */
const ends = (from: string, to: string, timeZone: string, at: string): string =>
  new Date(Date.parse(at) + quietMs({ from, to, timeZone }, Date.parse(at))).toISOString()

describe('quiet hours', () => {
  it('are those of any zone that Intl knows', () => {
    for (const zone of ['UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'Europe/Kyiv', 'US/Eastern', 'America/Denver'])
      equal(isZone(zone), true, zone)
    for (const none of ['Mars/Olympus', 'here']) equal(isZone(none), false)
    equal(ends('22:00', '04:00', 'Asia/Kolkata', '2026-03-02T18:00:30.500Z'), '2026-03-02T22:30:00.000Z')
  })

  it('end at the hour said when the clocks are set forward or back meanwhile', () => {
    // Europe/Paris: 29 March 2026, 02:00 becomes 03:00; 25 October, 03:00 becomes 02:00
    equal(ends('22:00', '06:00', 'Europe/Paris', '2026-03-28T21:30:00Z'), '2026-03-29T04:00:00.000Z')
    equal(ends('22:00', '06:00', 'Europe/Paris', '2026-03-29T00:30:00Z'), '2026-03-29T04:00:00.000Z')
    equal(ends('22:00', '06:00', 'Europe/Paris', '2026-10-24T20:30:00Z'), '2026-10-25T05:00:00.000Z')
    equal(ends('01:00', '04:00', 'Europe/Paris', '2026-10-25T00:30:00Z'), '2026-10-25T03:00:00.000Z')
  })

  it('end at the first of an hour that comes twice, and an hour later where it is left out', () => {
    equal(ends('22:00', '02:30', 'Europe/Paris', '2026-10-24T22:00:00Z'), '2026-10-25T00:30:00.000Z')
    equal(ends('22:00', '02:30', 'Europe/Paris', '2026-03-28T22:00:00Z'), '2026-03-29T01:30:00.000Z')
  })

  it('are over outside, and none where they begin as they end', () => {
    equal(quietMs({ from: '22:00', to: '04:00' }, Date.parse('2026-03-02T12:00:00Z')), 0)
    equal(quietMs({ from: '04:00', to: '04:00' }, Date.parse('2026-03-02T04:00:00Z')), 0)
    equal(quietMs({ from: '08:00', to: '12:00' }, Date.parse('2026-03-02T11:00:00Z')), HOUR)
  })
})
