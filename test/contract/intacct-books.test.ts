import assert from 'node:assert/strict'
import { compare } from '../../demo/compare.ts'
import { expectedIntacctTables } from '../../demo/expected-intacct.ts'
import { startIntacctFixture } from '../support/intacct.ts'
import { intacctReader } from '../support/intacct-tables.ts'

const dayMs = 86_400_000

describe('Intacct sandbox and the books', () => {
  for (const days of [0, 3]) {
    it(`tells the books after ${days} days as the comparer expects them, row by row`, async () => {
      const fixture = await startIntacctFixture()
      const { books, clock, intacct } = fixture
      try {
        // Asked before the days as well: what was looked through once must follow the changes.
        await fixture.query('APBILL', ['RECORDNO'])
        await fixture.query('GLENTRY', ['RECORDNO'])
        await fixture.query('VENDOR', ['RECORDNO'])
        for (let day = 0; day < days; day++) {
          clock.time += dayMs
          books.day()
          intacct.newDay()
        }
        books.finish()
        clock.time = Date.parse(books.lastStamp()) + 3_600_000
        await fixture.signIn()
        const held = new Set<string>()
        for (const entry of books.tables.journalEntry.walk()) {
          const key = books.tables.journalEntry.keyOf(entry)
          if (entry.mustHold) held.add(String(books.tables.journalEntry.numberOf(key)))
        }
        const expected = expectedIntacctTables(books, { source: 'demo' })
        const found = await compare(
          expected,
          intacctReader(fixture, 'demo', (header) => held.has(header)),
        )
        assert.deepEqual(found.examples, [])
        const { missing, extra, different } = found
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
        assert.equal(Object.keys(found.tables).length, 13)
        for (const [table, { rows }] of Object.entries(found.tables)) assert.ok(rows > 2, `${table} has ${rows} rows`)
      } finally {
        await intacct.close()
      }
    })
  }

  it('gives a bill that is made anew under its reference a number of its own', async () => {
    const fixture = await startIntacctFixture()
    const { books, clock, intacct } = fixture
    try {
      const table = books.tables.supplierInvoice as typeof books.tables.supplierInvoice & {
        remove(key: string, at: string): void
        put(thing: object): void
      }
      const [bill] = [...table.walk()]
      assert.ok(bill)
      const ask = () =>
        fixture.query(
          'APBILL',
          ['RECORDNO'],
          `<filter><equalto><field>DOCNUMBER</field><value>${bill.number}</value></equalto></filter><options><showprivate>true</showprivate></options>`,
        )
      const [before] = (await ask()).rows
      const at = (ms: number): string => `${new Date(clock.time + ms).toISOString().slice(0, 19)}Z`
      table.remove(bill.number, at(-60_000))
      assert.deepEqual((await ask()).rows, [])
      table.put({ ...bill, created: at(0), updated: at(0), headerUpdated: at(0) })
      const [anew] = (await ask()).rows
      assert.equal(Number(anew?.RECORDNO), table.count() + 1)
      const trail = await fixture.query(
        'AUDITHISTORY',
        ['OBJECTKEY', 'ACCESSMODE', 'ACCESSTIME'],
        '<filter><and><equalto><field>OBJECTTYPE</field><value>apbill</value></equalto><equalto><field>ACCESSMODE</field><value>D</value></equalto></and></filter>',
      )
      assert.deepEqual(trail.rows, [
        { OBJECTKEY: before?.RECORDNO, ACCESSMODE: 'D', ACCESSTIME: '03/10/2026 08:59:00' },
      ])
    } finally {
      await intacct.close()
    }
  })
})
