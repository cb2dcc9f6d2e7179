/** The server's clock, and the times of its texts: how stamps of the API user's zone become UTC and back. */
import { syncError } from '../../../sync/contract/errors.ts'

/** Counted from the last reply by a clock that nobody sets, so that a change of ours does not move it. */
export interface ServerClock {
  /** Milliseconds since 1970, as the server would say now. Before anything was learnt: our own. */
  now(): number
  known(): boolean
  /** From a reply's `Date`, or any other time that it names; text that is none is passed over. */
  learn(text: string | undefined): void
  /** Seconds by which it is ahead of ours, as of the last reply. */
  differenceSeconds(): number | undefined
}

export function serverClock(ours: () => number = Date.now, ticks: () => number = () => performance.now()): ServerClock {
  let learnt: { readonly server: number; readonly tick: number; readonly difference: number } | undefined
  return {
    now: () => (learnt ? learnt.server + ticks() - learnt.tick : ours()),
    known: () => learnt !== undefined,
    learn(text) {
      const server = text === undefined ? Number.NaN : Date.parse(text)
      if (!Number.isNaN(server)) learnt = { server, tick: ticks(), difference: Math.round((server - ours()) / 1000) }
    },
    differenceSeconds: () => learnt?.difference,
  }
}

/** How the gateway writes dates for the API user. */
export interface Formatting {
  readonly locale: string
  /** A separator and the order, such as `/mdY`. */
  readonly dateformat: string
  /** `-08:00` */
  readonly gmtoffset: string
  /** `12` or `24` */
  readonly clock: string
}

export const sameFormatting = (a: Formatting, b: Formatting): boolean =>
  a.locale === b.locale && a.dateformat === b.dateformat && a.gmtoffset === b.gmtoffset && a.clock === b.clock

/** What of the API user's settings keeps its dates from being read for certain; undefined where all is well. */
export function unreadableFormat({ dateformat, clock }: Formatting): string | undefined {
  const wrong = [
    ...(dateformat === '/mdY' ? [] : [`the date format "${dateformat}" instead of MM/DD/YYYY`]),
    ...(clock === '24' ? [] : [`a ${clock || 'twelve'} hour clock instead of 24 hours`]),
  ]
  return wrong.length === 0 ? undefined : wrong.join(' and ')
}

/** Texts of one time zone: `mm/dd/yyyy HH:MM:SS` (intacct.md facts, 5). */
export interface Zone {
  /** As people know it: `GMT-08:00`, `America/Los_Angeles`. */
  readonly name: string
  /** `2026-03-10T08:59:00Z` for a stamp, undefined for a text that is none; a bare date is its first second. */
  utc(text: string): string | undefined
  /** The text of a moment (ISO). */
  local(iso: string): string
}

const STAMP = /^(\d{2})\/(\d{2})\/(\d{4})(?: (\d{2}):(\d{2}):(\d{2}))?$/
const two = (n: number): string => String(n).padStart(2, '0')

/** `-08:00` as minutes. */
const offsetMinutes = (text: string): number | undefined => {
  const parts = /^(?:GMT|UTC)?([+-])(\d{1,2}):?(\d{2})$/.exec(text.trim())
  if (!parts) return /^(?:UTC|GMT|Z)$/i.test(text.trim()) ? 0 : undefined
  return (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3]))
}

/** `UTC`, an offset or an IANA name; throws a `config` error for anything else. */
export function zoneOf(text: string): Zone {
  const fixed = offsetMinutes(text)
  if (fixed !== undefined)
    return zone(fixed === 0 ? 'GMT' : `GMT${text.trim().replace(/^(?:GMT|UTC)/, '')}`, () => fixed)
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: text.trim(),
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch {
    throw syncError('config', 'intacct.zone', `"${text.slice(0, 60)}" is no time zone`, {
      field: 'timeZone',
      hint: 'Write auto, UTC, an offset such as -08:00, or a name such as America/Los_Angeles.',
    })
  }
  return zone(text.trim(), (utc) => {
    const parts: Record<string, string> = {}
    for (const { type, value } of format.formatToParts(utc)) parts[type] = value
    const { year, month, day, hour, minute, second } = parts
    const shown = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
    return Math.round((shown - Math.floor(utc / 1000) * 1000) / 60_000)
  })
}

/** `minutes`: how far the zone is ahead of UTC at a moment. */
function zone(name: string, minutes: (utc: number) => number): Zone {
  return {
    name,
    utc(text) {
      const parts = STAMP.exec(text)
      if (!parts) return undefined
      const [, month, day, year, hour = '0', minute = '0', second = '0'] = parts.map(Number) as (number | undefined)[]
      const shown = Date.UTC(
        Number(year),
        Number(month) - 1,
        Number(day),
        Number(hour) || 0,
        Number(minute) || 0,
        Number(second) || 0,
      )
      if (new Date(shown).getUTCDate() !== Number(day) || new Date(shown).getUTCMonth() + 1 !== month) return undefined
      // The hour that comes twice in autumn is taken as the earlier of the two: reading it again does no harm.
      const guess = shown - minutes(shown) * 60_000
      const earlier = shown - minutes(guess - 3_600_000) * 60_000
      const at = minutes(earlier) === minutes(guess - 3_600_000) ? earlier : shown - minutes(guess) * 60_000
      return `${new Date(at).toISOString().slice(0, 19)}Z`
    },
    local(iso) {
      const utc = Date.parse(iso)
      const at = new Date(utc + minutes(utc) * 60_000)
      return `${two(at.getUTCMonth() + 1)}/${two(at.getUTCDate())}/${at.getUTCFullYear()} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
    },
  }
}

/** `mm/dd/yyyy` (with or without a time) as `yyyy-mm-dd`; undefined for a text that is none. Dates have no zone. */
export function isoDate(text: string): string | undefined {
  const parts = STAMP.exec(text)
  return parts ? `${parts[3]}-${parts[1]}-${parts[2]}` : undefined
}

/** `yyyy-mm-dd` as `mm/dd/yyyy`. */
export const localDate = (iso: string): string => `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)}`
