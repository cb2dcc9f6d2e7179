import assert from 'node:assert/strict'
import { COMPANIES } from '../../demo/ends/basware.ts'
import { chartAccounts } from '../../demo/ends/x3-ledger.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import { CHARTS } from '../../sandbox/books/purchase-accounts.ts'
import type { Books, JournalEntry, PurchaseOrder } from '../../sandbox/books/types.ts'
import { content, greatest, hour, nextDay, open, tablesOf, today, unbalancedLedgers } from '../support/books.ts'
import { iso, minute, withoutStamps } from '../support/books-days.ts'

/** Accounts and cost centres in use that invoices of Basware are coded to. */
const codedTo = ({ tables }: Books): string[] => [
  ...[...tables.account.walk()].flatMap(({ chart, code, active }) =>
    active && COMPANIES.some((company) => CHARTS[company] === chart) ? [`${chart}|${code}`] : [],
  ),
  ...[...tables.dimension.walk()].flatMap(({ type, code, active }) =>
    active && type === 'CCT' ? [`CCT|${code}`] : [],
  ),
]

describe('the demo books after their business days', () => {
  it('has the same content whatever the clock, and whenever an ambush is sprung', () => {
    const one = open({ size: 'medium' })
    const other = open({ size: 'medium', clock: { ms: Date.parse('2026-05-05T05:05:05.555Z') } })
    for (let n = 0; n < 4; n++) {
      assert.deepEqual(nextDay(one.books, one.clock), nextDay(other.books, other.clock))
      for (const ambush of one.books.ambushes()) ambush.apply()
    }
    one.books.finish()
    other.books.finish()
    assert.equal(content(one.books), content(other.books))
  })

  it('goes on for a month, until there is nothing left to stamp first or to empty', () => {
    const { books, clock } = open()
    const usual = new Set([...nextDay(books, clock), ...nextDay(books, clock)])
    for (let n = 3; n <= 31; n++) {
      const done = new Set([...nextDay(books, clock), ...nextDay(books, clock)])
      const idle = [...usual].filter((kind) => !done.has(kind))
      const mayRest = ['first stamp on an upgraded row', 'text emptied']
      assert.deepEqual(
        idle.filter((kind) => !mayRest.includes(kind)),
        [],
        `days ${2 * n - 3} and ${2 * n - 2}`,
      )
    }
    for (const entry of books.tables.journalEntry.walk())
      assert.equal(unbalancedLedgers(entry).length > 0, entry.mustHold !== undefined)
    const first = chartAccounts(open().books)
    for (const company of COMPANIES)
      assert.deepEqual(chartAccounts(books)(company), first(company), 'what every invoice is posted to is never closed')
  })

  it('closes an account now and then, and never so many that the ERP refuses more than a few invoices', () => {
    const { books, clock } = open()
    const coded = codedTo(books)
    const closed: number[] = []
    for (let day = 1; day <= 35; day++) {
      nextDay(books, clock)
      const still = codedTo(books)
      closed.push(coded.filter((code) => !still.includes(code)).length)
    }
    assert.ok(Math.max(...closed) > 0, 'what is closed in the ERP is still coded in Basware')
    const share = closed.reduce((sum, count) => sum + count, 0) / closed.length / coded.length
    assert.ok(share < 0.03, `${Math.round(share * 100)} % of accounts and cost centres are closed on a day`)
    assert.ok((closed.at(-1) ?? 0) <= 1, 'they do not add up')
  })

  it('waits in the longest document for a reader between two pages, and keeps it in balance', () => {
    const { books, clock } = open({ size: 'medium' })
    nextDay(books, clock)
    const longest = Math.max(...[...books.tables.journalEntry.walk()].map(({ lines }) => lines.length))
    assert.deepEqual(
      books
        .ambushes()
        .map(({ table }) => table)
        .sort(),
      ['journalEntry', 'purchaseOrder'],
    )
    clock.ms += minute
    for (const ambush of books.ambushes()) {
      const table = books.tables[ambush.table]
      const held = table.get(ambush.key) as JournalEntry | PurchaseOrder
      const copy = structuredClone(held)
      assert.ok(held.lines.length > 200)
      assert.ok((held.updated ?? '') > iso(clock.ms - 25 * hour), 'the next run reads it')
      ambush.apply()
      const now = table.get(ambush.key) as JournalEntry | PurchaseOrder
      assert.deepEqual(held, copy, 'who holds a page keeps what it was')
      assert.equal(now.updated, iso(clock.ms))
      const moved = now.lines.flatMap((line, k) => (withoutStamps(line) === withoutStamps(held.lines[k]) ? [] : [k]))
      assert.ok(moved.some((k) => k < 200) && moved.some((k) => k >= 200), `lines ${moved.join()}`)
      if ('entryType' in now) {
        assert.equal(now.lines.length, longest)
        assert.deepEqual(unbalancedLedgers(now), [])
      }
      ambush.apply()
      assert.equal(table.get(ambush.key), now, 'an ambush is sprung once')
    }
    assert.deepEqual(books.ambushes(), [])
  })

  it('ends: ambushes sprung, the right given back, and the last stamp known', () => {
    const { books, clock } = open()
    nextDay(books, clock)
    assert.equal(books.lostRight(), 'purchaseOrder')
    assert.equal(books.ambushes().length, 1)
    books.finish()
    assert.equal(books.lostRight(), undefined)
    assert.equal(books.ambushes().length, 0)
    let last = ''
    for (const [, table] of tablesOf(books))
      for (const thing of table.walk())
        for (const stamp of [thing.updated, thing.visibleFrom, thing.headerUpdated, greatest(thing.lines ?? [])])
          if (stamp && stamp > last) last = stamp
    assert.equal(books.lastStamp(), last)
    assert.equal(last, iso(clock.ms + 2 * hour))
    assert.equal(open().books.lastStamp(), iso(Date.parse(today) - hour), 'before any day')
  })

  it('refuses a first day that is no date', () => {
    assert.throws(
      () => createBooks({ seed: 1, size: 'small', today: 'soon', now: () => 0 }),
      /first day must be YYYY-MM-DD, not soon/,
    )
  })
})
