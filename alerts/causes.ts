/** Alerts to causes: what began for one reason is one message that names everything it concerns. Pure. */
import type { AlertRecord } from '../ledger/ledger.ts'
import type { ErrorClass } from '../sync/contract/errors.ts'

/** What a recipient wants to hear of. `money`: held, in doubt, differs; `technical`: outages, logins, settings, what ends. */
export type Topic = 'money' | 'technical'

/** A list of the sidebar. */
export type View = 'alerts' | 'runs' | 'held' | 'inDoubt' | 'postings' | 'alignment'

export interface Cause {
  /** Equal for alerts of one cause. */
  readonly key: string
  readonly topic: Topic
  /** What it is, in a few words: `cannot be reached`. */
  readonly title: string
  /** What it is about: a connection, else a sync. */
  readonly about: string
  readonly code?: string
  readonly syncs: readonly string[]
  readonly entities: readonly string[]
  /** When the first of its alerts was raised (ISO). */
  readonly since: string
  /** When the last of them was. */
  readonly latest: string
  /** What happened, in words; nothing of a record. */
  readonly text: string
  readonly next: string
  /** The list of the sidebar in which it is answered; those told by a version before name none. */
  readonly view?: View
  /** When what it is about ends (ISO). */
  readonly until?: string
  /** Ids of its alerts. */
  readonly alerts: readonly string[]
}

interface Kind {
  readonly topic: Topic
  readonly title: string
  readonly next: string
  readonly view: View
  /** Its message names records or their values, and stays in the house. */
  readonly isPrivate?: boolean
}

const kindOf =
  (topic: Topic) =>
  (title: string, next: string, view: View = 'alerts'): Kind => ({ topic, title, next, view })
const money = kindOf('money')
const technical = kindOf('technical')

const own = (kind: Kind): Kind => ({ ...kind, isPrivate: true })

const LOOK = 'Look at the run in the sidebar Tieout'

const KINDS: Readonly<Record<string, Kind>> = {
  held: money('records are held', 'Open Held in the sidebar, mend the cause of each and replay.', 'held'),
  'in-doubt': own(
    money(
      'nobody knows whether records are in',
      'Look in the target, then say in the sidebar what is there.',
      'inDoubt',
    ),
  ),
  'no-tie': own(money('sums or counts differ', 'Open Differences in the sidebar; a full reading that ties ends it.')),
  'lost-rows': money('rows are gone from a table', 'See who emptied it; the sidebar says what brings them back.'),
  pushed: own(
    money('others wrote under its source name', 'Allow it in the sidebar, or have such records named otherwise.'),
  ),
  posting: own(money('nothing is posted', 'Open Postings in the sidebar.', 'postings')),
  answer: own(
    money('a source does not know what became of its documents', 'Open Postings in the sidebar.', 'postings'),
  ),
  unanswered: own(money('documents wait for their answer', 'Open Postings in the sidebar.', 'postings')),
  alignment: money('records are not alike on both sides', 'Open Alignment in the sidebar.', 'alignment'),
  'not-received': own(money('records never reached a sink', 'Look for the node in the flow that drops them.')),
  'zero-records': money(
    'nothing was read where there usually is something',
    'Ask whether the source is as it should be.',
  ),
  'future-stamp': money('records are stamped in the future', 'Look for a clock that is wrong.'),
  'run-failed': own(technical('failed', `${LOOK}.`, 'runs')),
  'no-success': technical('no successful run', `${LOOK}, and whether its flow is started at all.`, 'runs'),
  waiting: technical('waits', `${LOOK}; it goes on by itself once what it waits for is there.`, 'runs'),
  identity: technical(
    'another connection stands behind its name',
    'Answer in the sidebar (Alerts or Syncs): start anew, or keep the position.',
  ),
  'take-over': technical('others write its tables', 'Stop one of the two, or answer in the sidebar: take over.'),
  login: technical('a login ends', 'Open the connection and connect it again.'),
  expiry: technical('something ends and must be renewed', 'Renew it and put the new one into the connection.'),
  stopped: technical('was stopped', 'Start it again when it may run.'),
  sweep: technical('deletions were not carried out', 'Answer in the sidebar whether so much is really gone.'),
  'call-budget': technical('many billed calls are used', 'Run less often, or take objects out.'),
}

const CLASSES: Readonly<Record<ErrorClass, string>> = {
  transient: 'cannot be reached',
  throttled: 'asks for fewer calls',
  auth: 'refuses the login',
  config: 'needs to be set right',
  data: 'refuses records',
  'unknown-outcome': 'gave no answer',
}

const OTHER = own(technical('raised an alert', `${LOOK}.`, 'runs'))

/** In the place of a text that names records. */
const PRIVATE = 'Which records, and why, stands in the sidebar Tieout.'

/** What of a sync is told whom. */
export const topicOf = (kind: string): Topic => (KINDS[kind] ?? OTHER).topic

/** The causes of some alerts, oldest first. */
export function causesOf(alerts: readonly AlertRecord[]): Cause[] {
  const groups = Map.groupBy([...alerts].sort(byTime), keyOf)
  return [...groups].flatMap(([key, alike]) => {
    const [first] = alike
    if (!first) return []
    const { kind, cause } = first
    const { topic, title, next, view, isPrivate = false } = KINDS[kind] ?? OTHER
    const texts = [...new Set(alike.map((one) => one.cause?.told ?? (isPrivate ? PRIVATE : one.message)))]
    return {
      key,
      topic,
      title: kind === 'run-failed' && cause?.class ? CLASSES[cause.class] : title,
      about: cause?.connection ?? first.sync,
      ...(cause?.code === undefined ? {} : { code: cause.code }),
      syncs: [...new Set(alike.map(({ sync }) => sync))],
      entities: [...new Set(alike.flatMap(({ entity }) => entity || []))],
      since: first.raised,
      latest: alike.at(-1)?.raised ?? first.raised,
      text: few(texts),
      next: cause?.next ?? next,
      view,
      ...(cause?.until === undefined ? {} : { until: cause.until }),
      alerts: alike.map(({ id }) => id),
    }
  })
}

const byTime = (a: AlertRecord, b: AlertRecord): number => (a.raised < b.raised ? -1 : a.raised > b.raised ? 1 : 0)

/** One system that fails for one reason is one cause, whichever syncs it stops. */
const keyOf = ({ sync, kind, cause }: AlertRecord): string =>
  JSON.stringify(
    cause?.connection !== undefined && cause.code !== undefined
      ? [cause.connection, cause.class ?? '', cause.code]
      : [sync, kind, cause?.class ?? '', cause?.code ?? ''],
  )

/** Texts that are told of one cause; the others are alike, or many. */
const TOLD = 3

const few = (texts: readonly string[]): string =>
  texts.length > TOLD ? `${texts.slice(0, TOLD).join('\n')}\nand ${texts.length - TOLD} more.` : texts.join('\n')
