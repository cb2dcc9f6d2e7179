/** Hours in which nothing is asked. */

/** `HH:MM` by the clocks of `timeZone` (any name that Intl knows; default UTC); may pass midnight. */
export interface QuietHours {
  readonly from: string
  readonly to: string
  readonly timeZone?: string
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** Milliseconds until the quiet hours end, by the clocks on the wall there, also over a change of summer time; 0 outside of them. */
export function quietMs({ from, to, timeZone = 'UTC' }: QuietHours, now: number): number {
  const wall = wallTime(now, timeZone)
  const minutes = Math.floor((wall % DAY_MS) / MINUTE_MS)
  const begins = clockMinutes(from)
  const ends = clockMinutes(to)
  if (begins === ends) return 0
  const inside = begins < ends ? minutes >= begins && minutes < ends : minutes >= begins || minutes < ends
  if (!inside) return 0
  const target = wall - (wall % DAY_MS) + ends * MINUTE_MS + (minutes < ends ? 0 : DAY_MS)
  const before = wall - now
  const after = wallTime(target - before + DAY_MS, timeZone) - (target - before + DAY_MS)
  // That hour comes twice when clocks are set back: its first time. It is left out when they are set forward: as if they were not.
  const found = [before, after]
    .map((ahead) => target - ahead)
    .filter((at) => at > now && wallTime(at, timeZone) === target)
  return Math.min(...(found.length > 0 ? found : [target - before])) - now
}

const clockMinutes = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}

/** What the clocks there show, as if it were UTC. */
function wallTime(now: number, timeZone: string): number {
  const parts: Record<string, string> = {}
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  for (const { type, value } of format.formatToParts(now)) parts[type] = value
  const { year, month, day, hour, minute, second } = parts
  return (
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) + (now % 1000)
  )
}

/** Whether Intl knows a zone, under any of its names: `Asia/Kolkata` and `Asia/Calcutta`, `US/Eastern`. */
export function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
