import { deepEqual, equal, fail, match, ok } from 'node:assert/strict'
import { causesOf, type Topic } from '../../../alerts/causes.ts'
import { causeMessage, linkOf } from '../../../alerts/message.ts'
import { tellingOf } from '../../../alerts/tell.ts'
import type { AlertRecord, ToldCause } from '../../../ledger/ledger.ts'

const HOUR = 3_600_000
const start = Date.parse('2026-11-30T08:00:00Z')
const at = (hours: number): string => new Date(start + hours * HOUR).toISOString()

let made = 0
const alert = (more: Partial<AlertRecord> = {}): AlertRecord => ({
  ...{ id: `a${++made}`, sync: 'books', kind: 'run-failed', entity: 'supplier', message: 'down', raised: at(0) },
  ...more,
})
const down = {
  connection: 'x3://erp/SEED',
  class: 'transient',
  code: 'x3.network',
  told: 'X3 is down',
  next: 'Start it.',
} as const

describe('causes of alerts', () => {
  it('one connection that fails for one reason is one cause, over entities and syncs', () => {
    const [cause, ...more] = causesOf([
      alert({ cause: down }),
      alert({ entity: 'gl_entry', cause: down }),
      alert({ sync: 'payroll', entity: 'gl_entry', cause: down }),
    ])
    equal(more.length, 0)
    deepEqual([cause?.about, cause?.title, cause?.code], ['x3://erp/SEED', 'cannot be reached', 'x3.network'])
    deepEqual(
      [cause?.syncs, cause?.entities],
      [
        ['books', 'payroll'],
        ['supplier', 'gl_entry'],
      ],
    )
    deepEqual([cause?.text, cause?.next], ['X3 is down', 'Start it.'])
  })

  it('another connection, class or code is another one; without a connection the sync is', () => {
    equal(
      causesOf([
        alert({ cause: down }),
        alert({ cause: { ...down, connection: 'x3://erp/OTHER' } }),
        alert({ cause: { ...down, class: 'auth' } }),
        alert({ cause: { ...down, code: 'x3.timeout' } }),
        alert({ kind: 'held' }),
        alert({ kind: 'held', sync: 'payroll' }),
      ]).length,
      6,
    )
  })

  it('what names records is told without them, and all of a hundred texts are not told', () => {
    for (const kind of ['in-doubt', 'no-tie', 'pushed', 'answer', 'unanswered', 'posting', 'run-failed', 'made-up']) {
      const [cause] = causesOf([alert({ kind, message: 'VFR00004 over EUR 12.50' })])
      ok(!JSON.stringify(cause).includes('VFR00004'), kind)
    }
    const many = Array.from({ length: 100 }, (_, n) => alert({ kind: 'sweep', entity: `e${n}`, message: `text ${n}` }))
    match(causesOf(many)[0]?.text ?? '', /^text 0\ntext 1\ntext 2\nand 97 more\.$/)
  })
})

describe('what a recipient is told', () => {
  let known: ToldCause[]
  beforeEach(() => {
    known = []
  })
  /** As the ledger keeps it. */
  const look = (
    alerts: readonly AlertRecord[],
    hours: number,
    topics: readonly Topic[] = ['money', 'technical'],
  ): string[] => {
    const { told, over, messages } = tellingOf(alerts, known, {
      now: at(hours),
      topics: new Set(topics),
      link: undefined,
    })
    known = known.filter(({ cause }) => !over.includes(cause) && !told.some((one) => one.cause === cause)).concat(told)
    return messages.map(({ state, title }) => `${state} ${title}`)
  }
  const failed = 'x3://erp/SEED: cannot be reached'

  it('once when it begins, once a day while it lasts, once when it is over', () => {
    const one = alert({ cause: down })
    deepEqual(look([one], 0), [], 'the run may have more to say')
    deepEqual(look([one], 0.001), [`begins ${failed}`])
    deepEqual(look([one], 5), [])
    deepEqual(
      look([one, alert({ sync: 'payroll', cause: down, raised: at(6) })], 7),
      [],
      'the same cause, found once more',
    )
    deepEqual(look([one], 24.1), [`lasts Still: ${failed}`])
    deepEqual(look([one], 30), [])
    const over = { ...one, cleared: at(31) }
    deepEqual(look([over], 31), [`over Over: ${failed}`])
    deepEqual(look([over], 60), [])
  })

  it('is over only when each alert of it is, also those that came later', () => {
    const first = alert({ cause: down })
    look([first], 1)
    const later = alert({ sync: 'payroll', cause: down, raised: at(2) })
    look([first, later], 3)
    deepEqual(look([{ ...first, cleared: at(4) }, later], 4), [])
    equal(
      look(
        [
          { ...first, cleared: at(4) },
          { ...later, cleared: at(5) },
        ],
        5,
      ).length,
      1,
    )
  })

  it('a reason that changes to and fro is told once each, and both are over together', () => {
    const one = alert({ cause: down })
    const other = { ...one, cause: { ...down, code: 'x3.timeout' } }
    look([one], 1)
    equal(look([other], 2).length, 1)
    deepEqual([look([one], 3), look([other], 4), look([one], 5)], [[], [], []])
    equal(look([{ ...one, cleared: at(6) }], 6).filter((text) => text.startsWith('over')).length, 2)
  })

  it('only what he picked', () => {
    const both = [alert({ cause: down }), alert({ kind: 'held', message: '3 held' })]
    deepEqual(look(both, 1, ['money']), ['begins books: records are held'])
    deepEqual(look(both, 2, ['money', 'technical']), [`begins ${failed}`])
    deepEqual(
      look(
        both.map((one) => ({ ...one, cleared: at(3) })),
        3,
        ['technical'],
      ),
      [`over Over: ${failed}`],
    )
  })

  it('what a person must renew 30, 7 and 1 days before its end, at its end, and not in between', () => {
    const one = alert({ kind: 'expiry', sync: 'Power BI', cause: { until: at(30 * 24) } })
    const days: number[] = []
    for (let hour = 1; hour < 40 * 24; hour += 6) if (look([one], hour).length > 0) days.push(Math.floor(hour / 24))
    deepEqual(days, [0, 23, 29, 30])
  })

  it('a node that is new tells what is open, not what is over', () => {
    deepEqual(look([alert({ cause: down, cleared: at(1) })], 2), [])
  })
})

it('the link opens the list of the sidebar in which the cause is answered, for the sync alone that it concerns', () => {
  const linkTo = (...alerts: AlertRecord[]): string | undefined => {
    const [cause] = causesOf(alerts)
    return cause && causeMessage('begins', cause, at(0), 'https://tieout.example.com/erp/').link
  }
  const base = 'https://tieout.example.com/erp/#tieout/'
  equal(linkTo(alert({ kind: 'held', sync: 'A & B #1' })), `${base}held?sync=A+%26+B+%231`)
  equal(linkTo(alert({ cause: down }), alert({ sync: 'payroll', cause: down })), `${base}runs`)
  equal(linkTo(alert({ kind: 'sweep' })), `${base}alerts?sync=books`)
  const { view: _view, ...before } = causesOf([alert({ kind: 'held' })])[0] ?? fail('no cause')
  equal(
    causeMessage('over', before, at(1), 'https://t').link,
    'https://t/#tieout/alerts?sync=books',
    'told by a version before',
  )
})

it('the link is the first address that people come by', () => {
  equal(linkOf('https://tieout.example.com/, http://books'), 'https://tieout.example.com/')
  deepEqual([linkOf(undefined), linkOf(''), linkOf('javascript:alert(1)')], [undefined, undefined, undefined])
})
