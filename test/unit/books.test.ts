import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Stamped } from '../../sandbox/books/types.ts'
import {
  type AnyTable,
  content,
  hour,
  nextDay,
  open,
  rowsOf,
  snapshot,
  tablesOf,
  tenThousandths,
  today,
  unbalancedLedgers,
} from '../support/books.ts'

describe('the demo books', () => {
  describe('the base', () => {
    it('has about the asked number of rows', () => {
      for (const [size, wanted] of [
        ['small', 2_000],
        ['medium', 50_000],
        [8_000, 8_000],
      ] as const) {
        const rows = rowsOf(open({ size }).books)
        assert.ok(Math.abs(rows - wanted) < wanted * 0.15, `${size} has ${rows} rows`)
      }
    })

    it('walks a million rows without holding them', function () {
      this.timeout(120_000)
      const rows = rowsOf(open({ size: 'large' }).books)
      assert.ok(rows > 900_000 && rows < 1_200_000, `large has ${rows} rows`)
    })

    it('is the same for a seed whatever the clock, and another for another seed', () => {
      const late = open({ clock: { ms: Date.parse('2031-01-01T00:00:00Z') } }).books
      assert.deepEqual(snapshot(open().books), snapshot(late))
      assert.notEqual(content(open({ seed: 2 }).books), content(open().books))
    })

    it('stamps everything at least an hour before its first day', () => {
      const end = `${today}T00:00:00Z`
      const last = new Date(Date.parse(end) - hour).toISOString().replace('.000', '')
      for (const [name, table] of tablesOf(open({ size: 'medium' }).books))
        for (const thing of table.walk()) {
          const stamps = [thing.created, thing.updated ?? thing.created, thing.headerUpdated ?? thing.created]
          for (const line of thing.lines ?? []) stamps.push(line.created, line.updated ?? line.created)
          for (const stamp of stamps)
            assert.ok(stamp <= last && /:\d\dZ$/.test(stamp), `${name} ${table.keyOf(thing)}: ${stamp}`)
          assert.ok(
            thing.updated === null || thing.created <= thing.updated,
            `${name} ${table.keyOf(thing)} was changed before it was made`,
          )
        }
    })

    it('leads every reference to something that is there', () => {
      const { tables, codes } = open().books
      const known = (kind: string, code: string): void =>
        assert.ok(code === '' || codes[kind]?.[code] !== undefined, `no ${kind} ${code}`)
      for (const one of tables.supplier.walk()) {
        assert.ok(tables.businessPartner.get(one.code)?.isSupplier)
        for (const other of [one.payTo, one.billBy]) assert.ok(other === '' || tables.supplier.get(other))
        known('currency', one.currency)
        known('supplierCategory', one.category)
      }
      for (const one of tables.customer.walk()) {
        assert.ok(tables.businessPartner.get(one.code)?.isCustomer)
        known('customerCategory', one.category)
      }
      for (const one of tables.businessPartner.walk()) {
        known('country', one.country)
        known('language', one.language)
      }
      for (const order of tables.purchaseOrder.walk()) {
        assert.ok(tables.supplier.get(order.supplier))
        for (const site of [order.site, order.receiptSite, order.invoiceSite]) known('site', site)
        for (const line of order.lines) {
          assert.ok(tables.product.get(line.product))
          known('unit', line.unit)
        }
      }
      for (const invoice of tables.supplierInvoice.walk())
        for (const line of invoice.lines) {
          if (line.orderNumber === null) continue
          const order = tables.purchaseOrder.get(line.orderNumber)
          assert.ok(
            order?.lines.some((other) => other.line === line.orderLine),
            `${line.orderNumber} ${line.orderLine}`,
          )
          assert.equal(order?.supplier, invoice.supplier)
        }
      for (const invoice of tables.salesInvoice.walk()) assert.ok(tables.customer.get(invoice.customer))
      for (const entry of tables.journalEntry.walk()) {
        known('journal', entry.journal)
        known('entryType', entry.entryType)
        known('transaction', entry.transaction)
        for (const line of entry.lines) {
          assert.ok(tables.account.get(`${line.chart}|${line.account}`), `${line.chart}|${line.account}`)
          assert.ok(line.businessPartner === null || tables.businessPartner.get(line.businessPartner))
          known('ledger', line.ledger)
          known('tax', line.tax ?? '')
          for (const split of line.analytical)
            for (const [type, code] of Object.entries(split.dimensions))
              assert.ok(tables.dimension.get(`${type}|${code}`))
        }
      }
    })

    it('balances every journal in each ledger, and splits a line without losing a digit', () => {
      for (const entry of open({ size: 'medium' }).books.tables.journalEntry.walk()) {
        assert.deepEqual(unbalancedLedgers(entry), [], `${entry.entryType} ${entry.number}`)
        for (const line of entry.lines) {
          if (line.analytical.length === 0) continue
          const sum = line.analytical.reduce((total, { amount }) => total + tenThousandths(amount), 0n)
          assert.equal(sum, tenThousandths(line.amount), `${entry.entryType} ${entry.number} ${line.line}`)
        }
      }
    })

    it('has what breaks naive readers', () => {
      const { tables } = open().books
      const all = snapshot(open().books)
      const entries = [...all.journalEntry.values()]
      const lines = entries.flatMap((entry) => entry.lines)
      const names = JSON.stringify([
        ...all.businessPartner.values(),
        ...all.product.values(),
        ...all.account.values(),
        ...lines,
      ])
      for (const piece of ['<b>', ']]>', '🚚', 'ö', '\\"', "'", '\\n', '\\\\'])
        assert.ok(names.includes(piece), `no ${piece} in any text`)
      assert.ok(
        tables.account.get('ANA|0010') && tables.account.get('ENG|0010'),
        'one code in two charts, with leading zeros',
      )
      const numbers = Map.groupBy(entries, ({ number }) => number)
      assert.ok(
        [...numbers.values()].some((same) => same.length === 2),
        'one number under two entry types',
      )
      assert.deepEqual([...new Set(lines.map(({ ledger }) => ledger))].sort(), ['analytical', 'ias', 'legal'])
      assert.deepEqual(new Set(lines.map(({ analytical }) => Math.min(2, analytical.length))), new Set([0, 1, 2]))
      const medium = [...open({ size: 'medium' }).books.tables.journalEntry.walk()].flatMap((entry) => entry.lines)
      const looks = (pattern: RegExp): boolean => medium.some(({ amount }) => pattern.test(amount))
      assert.ok(looks(/\.\d{4}$/) && looks(/\.\d{3}$/) && looks(/^\d+$/), '4, 3 and no decimals')
      const others = [...open({ seed: 2 }).books.tables.journalEntry.walk()].flatMap((entry) => entry.lines)
      for (const sign of [1, -1])
        assert.ok(
          others.some((line) => line.sign === sign && tenThousandths(line.amount) / 100n > 2n ** 53n),
          `an amount beyond 2^53 cents with the sign ${sign}`,
        )
      for (const name of ['supplier', 'customer', 'product', 'account', 'dimension'] as const)
        assert.ok(
          [...all[name].values()].some(({ updated }: Stamped) => updated === null),
          `no ${name} with an empty stamp`,
        )
      for (const [name, table] of tablesOf(open().books)) {
        const stamps = [...table.walk()].map(({ updated }) => updated).filter((stamp) => stamp !== null)
        assert.ok(new Set(stamps).size < stamps.length, `no two ${name} in one second`)
      }
      assert.ok(
        [...all.supplierInvoice.values()].some(({ debitOrCredit }) => debitOrCredit === -1),
        'a credit note',
      )
      assert.ok(
        [...all.salesInvoice.values()].some(({ category }) => category === 'creditMemo'),
        'a credit note',
      )
      assert.equal(Math.max(...entries.map((entry) => entry.lines.length)), 250)
    })

    it('has documents longer than a page of 20, of 200 and of 1,000 lines', () => {
      const { tables } = open({ size: 'medium' }).books
      for (const [table, most] of [
        ['purchaseOrder', 240],
        ['supplierInvoice', 215],
        ['salesInvoice', 230],
        ['journalEntry', 1_200],
      ] as const) {
        const counts = [...(tables[table] as AnyTable).walk()].map(({ lines }) => lines?.length ?? 0)
        assert.ok(Math.max(...counts) >= most, `${table}: ${Math.max(...counts)}`)
        assert.ok(counts.filter((n) => n > 20 && n <= 200).length > 0, `${table} of 21 to 200 lines`)
      }
    })
  })

  describe('tables', () => {
    const { books, clock } = open({ size: 8_000 })
    for (let n = 0; n < 3; n++) nextDay(books, clock)

    it('walk in key order, find by key, count, and begin anywhere', () => {
      for (const [name, table] of tablesOf(books)) {
        const keys = [...table.walk()].map((thing) => table.keyOf(thing))
        assert.deepEqual(
          keys,
          [...new Set(keys)].sort((a, b) => (a < b ? -1 : 1)),
          name,
        )
        assert.equal(table.count(), keys.length)
        for (const key of keys) assert.equal(table.keyOf(table.get(key) as Stamped), key)
        assert.equal(table.get(`${keys[0]}0`), undefined)
        for (const at of [0, 7, keys.length - 2, keys.length - 1]) {
          const rest = [...table.walk(keys[at])].map((thing) => table.keyOf(thing))
          assert.deepEqual(rest, keys.slice(at + 1), `${name} behind ${keys[at]}`)
        }
        const between = `${keys[3]}!`
        assert.deepEqual(
          [...table.walk(between)].map((thing) => table.keyOf(thing)),
          keys.filter((key) => key > between),
        )
      }
    })

    it('name the changed keys as a walk over everything would', () => {
      const moments = tablesOf(books).flatMap(([, table]) =>
        [...table.walk()].flatMap((thing) => [
          thing.updated,
          thing.headerUpdated,
          thing.receipts?.updated,
          ...(thing.lines ?? []).map(({ updated }) => updated),
        ]),
      )
      const stamps = [...new Set(moments.filter((stamp) => typeof stamp === 'string'))]
      const stamp = fc.option(fc.constantFrom(...stamps), { nil: undefined })
      const tables = tablesOf(books).map(([name, table]) => ({ name, table, things: [...table.walk()] }))
      fc.assert(
        fc.property(
          fc.constantFrom(...tables),
          fc.constantFrom('own', 'lines', 'joined', 'empty' as const),
          stamp,
          stamp,
          fc.option(fc.nat(), { nil: undefined }),
          ({ name, table, things }, part, from, to, place) => {
            const inside = (at: string | null | undefined): boolean =>
              at != null && (from === undefined || at >= from) && (to === undefined || at <= to)
            const hit = (thing: (typeof things)[number]): boolean =>
              part === 'own'
                ? inside(thing.updated)
                : part === 'lines'
                  ? (thing.lines ?? []).some(({ updated }) => inside(updated))
                  : part === 'joined'
                    ? inside(
                        name === 'purchaseOrder' ? (thing.receipts?.updated ?? thing.updated) : thing.headerUpdated,
                      )
                    : thing.updated === null
            const after = place === undefined ? undefined : table.keyOf(things[place % things.length] as Stamped)
            const wanted = things
              .filter(hit)
              .map((thing) => table.keyOf(thing))
              .filter((key) => after === undefined || key > after)
            const range = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
            assert.deepEqual([...table.changed(range, part, after)], wanted)
          },
        ),
        { numRuns: 400 },
      )
    })
  })
})
