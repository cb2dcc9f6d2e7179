import { deepEqual, equal, match } from 'node:assert/strict'
import { type Day, lastAt, summaryMessage } from '../../../alerts/summary.ts'

const day = (more: Partial<Day>): Day => ({
  sync: 'books',
  runs: 24,
  failed: 0,
  moved: 12_400,
  word: 'ties',
  open: [],
  ...more,
})

describe('the daily summary', () => {
  it('says how much was moved, whether it ties, and what is held with its sums', () => {
    const odd = day({
      sync: 'payroll',
      runs: 2,
      failed: 1,
      moved: 1,
      word: 'open',
      open: ['gl_entry: 52 held, EUR 468,962.42'],
    })
    const { title, text, link } = summaryMessage(
      [day({}), odd, day({ sync: 'cash', runs: 0, moved: 0, word: undefined })],
      'yesterday',
      'https://t',
    )
    equal(title, 'Daily summary: 12,401 records moved, look at payroll, cash')
    deepEqual(text.split('\n'), [
      'books: 12,400 records moved in 24 runs, ties',
      'payroll: 1 record moved in 2 runs (1 failed), open; gl_entry: 52 held, EUR 468,962.42',
      'cash: no run',
    ])
    equal(link, 'https://t')
    match(summaryMessage([day({})], 'yesterday', undefined).title, /12,400 records moved, 1 sync, all well$/)
  })

  it('comes at its time of day, by the clocks of this machine', () => {
    const at = (text: string): string => lastAt('07:00', new Date(text)).toString().slice(0, 21)
    equal(at('2026-11-30T07:00:00'), 'Mon Nov 30 2026 07:00')
    equal(at('2026-11-30T06:59:59'), 'Sun Nov 29 2026 07:00')
    equal(at('2026-11-30T23:00:00'), 'Mon Nov 30 2026 07:00')
  })
})
