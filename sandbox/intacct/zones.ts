import type { IntacctSettings } from './options.ts'

type Preferences = Pick<IntacctSettings, 'timeZone' | 'fieldZones' | 'dateFormat' | 'clock'>

const formatters = (zone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })

/** How one user's preferences put dates on the wire and understand them. */
export interface Wire {
  /** `YYYY-MM-DD` in the user's format. */
  date(iso: string): string
  /** ISO UTC as the local time of the field's zone. */
  timestamp(iso: string, field: string): string
  /** Milliseconds of `mm/dd/yyyy HH:MM:SS` (or a bare date) in the field's zone; undefined where it is nothing of the sort. */
  instant(text: string, field: string): number | undefined
  /** Such as `-08:00`: of the user's zone at a moment. */
  gmtOffset(now: number): string
}

/** `mm/dd/yyyy` as `YYYY-MM-DD`; undefined where it is no date. */
export function readDate(text: string): string | undefined {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text.trim())
  if (!match) return undefined
  const [, month = '', day = '', year = ''] = match
  const iso = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  return Number.isNaN(Date.parse(iso)) || new Date(iso).toISOString().slice(0, 10) !== iso ? undefined : iso
}

export function createWire(preferences: Preferences): Wire {
  const made = new Map<string, Intl.DateTimeFormat>()
  // The audit history tells its times in GMT, whatever anybody prefers.
  const zoneOf = (field: string): string =>
    preferences.fieldZones[field] ?? (field === 'ACCESSTIME' ? '+00:00' : preferences.timeZone)
  const [separator = '/', ...order] = preferences.dateFormat

  /** Minutes east of Greenwich at a moment. */
  function offset(zone: string, at: number): number {
    const fixed = /^([+-])(\d{2}):(\d{2})$/.exec(zone)
    if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3]))
    const formatter = made.get(zone) ?? formatters(zone)
    made.set(zone, formatter)
    const parts = Object.fromEntries(formatter.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000) / 60_000)
  }

  function date(iso: string): string {
    const parts: Readonly<Record<string, string>> = { y: iso.slice(0, 4), m: iso.slice(5, 7), d: iso.slice(8, 10) }
    return order.map((letter) => parts[letter.toLowerCase()] ?? '').join(separator)
  }

  function time(hours: string, rest: string): string {
    if (preferences.clock === '24') return `${hours}${rest}`
    const hour = Number(hours)
    return `${String(hour % 12 || 12).padStart(2, '0')}${rest} ${hour < 12 ? 'AM' : 'PM'}`
  }

  return {
    date,
    timestamp(iso, field) {
      const at = Date.parse(iso)
      const local = new Date(at + offset(zoneOf(field), at) * 60_000).toISOString()
      return `${date(local)} ${time(local.slice(11, 13), local.slice(13, 19))}`
    },
    instant(text, field) {
      const match = /^(\d{1,2}\/\d{1,2}\/\d{4})(?: (\d{2}):(\d{2}):(\d{2}))?$/.exec(text.trim())
      const day = match?.[1] === undefined ? undefined : readDate(match[1])
      if (!match || day === undefined) return undefined
      const [hour, minute, second] = [match[2], match[3], match[4]].map((part) => Number(part ?? 0)) as [
        number,
        number,
        number,
      ]
      if (hour > 23 || minute > 59 || second > 59) return undefined
      const local = Date.parse(`${day}T00:00:00Z`) + ((hour * 60 + minute) * 60 + second) * 1000
      const zone = zoneOf(field)
      // A local time that summer time skips or repeats belongs to the offset that is found first.
      const first = local - offset(zone, local) * 60_000
      return local - offset(zone, first) * 60_000
    },
    gmtOffset(now) {
      const minutes = offset(preferences.timeZone, now)
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
      return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`
    },
  }
}
