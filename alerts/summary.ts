/** The daily summary: what was moved, whether it ties, what is held. Pure. */
import type { Message } from './message.ts'

/** How it stands with one sync. */
export interface Day {
  readonly sync: string
  readonly runs: number
  readonly failed: number
  /** Records delivered. */
  readonly moved: number
  /** The word of its last run; undefined: there was none. */
  readonly word: string | undefined
  /** What is open, in words: `gl_entry: 52 held, EUR 468,962.42`. */
  readonly open: readonly string[]
}

const numbers = new Intl.NumberFormat('en-US')
const counted = (n: number, one: string): string => `${numbers.format(n)} ${one}${n === 1 ? '' : 's'}`

const isWell = ({ word, open }: Day): boolean => (word === 'ties' || word === 'nothing new') && open.length === 0

/** @param since in words */
export function summaryMessage(days: readonly Day[], since: string, link: string | undefined): Message {
  const moved = days.reduce((sum, day) => sum + day.moved, 0)
  const odd = days.filter((day) => !isWell(day))
  const state =
    days.length === 0
      ? 'no sync'
      : odd.length === 0
        ? `${counted(days.length, 'sync')}, all well`
        : `look at ${odd.map(({ sync }) => sync).join(', ')}`
  return {
    state: 'summary',
    title: `Daily summary: ${counted(moved, 'record')} moved, ${state}`,
    facts: [['Since', since]],
    text: days.map(lineOf).join('\n'),
    ...(link === undefined ? {} : { link }),
  }
}

function lineOf({ sync, runs, failed, moved, word, open }: Day): string {
  if (runs === 0) return [`${sync}: no run`, ...open].join('; ')
  const ended = failed > 0 ? `${counted(runs, 'run')} (${failed} failed)` : counted(runs, 'run')
  return [`${sync}: ${counted(moved, 'record')} moved in ${ended}, ${word ?? 'ended'}`, ...open].join('; ')
}

/** The last time at or before `now` that the clocks of this machine showed this time of day. */
export function lastAt(time: string, now: Date): Date {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const at = new Date(now)
  at.setHours(hours, minutes, 0, 0)
  if (at > now) {
    at.setDate(at.getDate() - 1)
    at.setHours(hours, minutes, 0, 0)
  }
  return at
}
