/** Which messages are due: a cause is told when it begins, once a day while it lasts, and when it is over. Pure. */
import type { AlertRecord, ToldCause } from '../ledger/ledger.ts'
import { type Cause, causesOf, type Topic } from './causes.ts'
import { causeMessage, type Message } from './message.ts'

export interface Telling {
  readonly told: readonly ToldCause[]
  readonly over: readonly string[]
  readonly messages: readonly Message[]
}

export interface Moment {
  /** ISO. */
  readonly now: string
  /** What the recipient picked. */
  readonly topics: ReadonlySet<Topic>
  readonly link: string | undefined
}

const DAY_MS = 86_400_000
/** The end of a run raises what it has to raise one after the other: a cause is told when it names everything. */
const COMPLETE_MS = 2000
/** Days before its end at which what a person must renew is told, and when it has ended. */
const BEFORE_END = [30, 7, 1, 0]

/** @param alerts those that concern the recipient, open and over */
export function tellingOf(alerts: readonly AlertRecord[], before: readonly ToldCause[], moment: Moment): Telling {
  const { now, topics, link } = moment
  const all = alerts.filter(({ cleared }) => cleared === undefined)
  const open = causesOf(all).filter(({ topic }) => topics.has(topic))
  const known = new Map(before.map((one) => [one.cause, one]))
  const due = open.flatMap((cause) => {
    const told = known.get(cause.key)
    const isComplete = Date.parse(now) - Date.parse(cause.latest) >= COMPLETE_MS
    const state = told === undefined ? isComplete && 'begins' : isDue(cause, told.told, now) && 'lasts'
    return state === false ? [] : [{ cause, state, began: told?.began ?? cause.since } as const]
  })
  const seen = new Set(open.map(({ key }) => key))
  const stillOpen = new Set(all.map(({ id }) => id))
  // One whose alerts go on for another reason is not over; should it come back meanwhile, it is not told anew.
  const over = before.filter(({ cause, alerts: ids }) => !seen.has(cause) && !ids.some((id) => stillOpen.has(id)))
  const grown = open.flatMap((cause) => {
    const told = known.get(cause.key)
    return told && cause.alerts.some((id) => !told.alerts.includes(id)) ? [toldOf(cause, told.began, told.told)] : []
  })
  return {
    told: [...grown, ...due.map(({ cause, began }) => toldOf(cause, began, now))],
    over: over.map(({ cause }) => cause),
    messages: [
      ...due.map(({ cause, state }) => causeMessage(state, cause, now, link)),
      ...over
        .map(({ facts }) => JSON.parse(facts) as Cause)
        .filter(({ topic }) => topics.has(topic))
        .map((cause) => causeMessage('over', cause, now, link)),
    ],
  }
}

const toldOf = (cause: Cause, began: string, told: string): ToldCause => ({
  ...{ cause: cause.key, alerts: cause.alerts, began, told },
  facts: JSON.stringify({ ...cause, since: began }),
})

/** Told once more: a day after the last time, or where an end comes nearer. */
function isDue({ until }: Cause, told: string, now: string): boolean {
  if (until === undefined) return Date.parse(now) - Date.parse(told) >= DAY_MS
  const daysTo = (at: string): number => (Date.parse(until) - Date.parse(at)) / DAY_MS
  return BEFORE_END.some((days) => daysTo(told) > days && daysTo(now) <= days)
}
