import assert from 'node:assert/strict'
import Big from 'big.js'
import { createBooks } from '../../sandbox/books/books.ts'
import { billLines, billTotals, isPaid, paymentOf } from '../../sandbox/books/payables.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { SupplierInvoice } from '../../sandbox/books/types.ts'

const now = Date.parse('2026-03-10T09:00:00Z')
const books = (seed = 1) => createBooks({ seed, size: 'small', today: '2026-03-10', now: () => now })

describe('numbers of things in the books', () => {
  it('count from 1 in key order, go on for what comes, and are never given twice', () => {
    const table = books().tables.supplierInvoice as ChangingTable<SupplierInvoice>
    const keys = [...table.walk()].map((invoice) => table.keyOf(invoice))
    assert.deepEqual(
      keys.map((key) => table.numberOf(key)),
      keys.map((_, k) => k + 1),
    )
    const [first, second] = [...table.walk()]
    assert.ok(first && second)
    table.put({ ...first, status: 'posted' })
    assert.equal(table.numberOf(first.number), 1)
    table.put({ ...first, number: 'ZZ1' })
    assert.equal(table.numberOf('ZZ1'), keys.length + 1)
    table.remove(second.number, '2026-03-10T08:00:00Z')
    assert.equal(table.numberOf(second.number), undefined)
    assert.equal(table.get(second.number), undefined)
    table.put(second)
    assert.equal(table.numberOf(second.number), keys.length + 2)
    table.remove('ZZ1', '2026-03-10T08:30:00Z')
    table.put({ ...first, number: 'ZZ1' })
    assert.equal(table.numberOf('ZZ1'), keys.length + 3)
    assert.equal(table.count(), keys.length + 1)
    assert.deepEqual(
      table.events().map(({ key, number, removed }) => [key, number, removed ?? 'put']),
      [
        [first.number, 1, 'put'],
        ['ZZ1', keys.length + 1, 'put'],
        [second.number, 2, '2026-03-10T08:00:00Z'],
        [second.number, keys.length + 2, 'put'],
        ['ZZ1', keys.length + 1, '2026-03-10T08:30:00Z'],
        ['ZZ1', keys.length + 3, 'put'],
      ],
    )
    assert.equal(table.events(4).length, 2)
  })

  it('removing what is not there changes nothing', () => {
    const table = books().tables.supplier as ChangingTable<never>
    const count = table.count()
    table.remove('nobody', '2026-03-10T08:00:00Z')
    assert.equal(table.count(), count)
    assert.deepEqual(table.events(), [])
  })
})

describe('bills and payments made from invoices', () => {
  it('have lines that add up to the cent, in both currencies, credit notes negative', () => {
    let credits = 0
    for (const seed of [1, 2, 3]) {
      for (const invoice of books(seed).tables.supplierInvoice.walk()) {
        const lines = billLines(invoice)
        const totals = billTotals(invoice)
        const sum = (pick: (line: (typeof lines)[number]) => string): Big =>
          lines.reduce((all, line) => all.plus(pick(line)), new Big(0))
        assert.ok(sum((line) => line.amount).eq(totals.amount), invoice.number)
        assert.ok(sum((line) => line.amountCompany).eq(totals.amountCompany), invoice.number)
        if (invoice.debitOrCredit === -1) {
          credits++
          assert.ok(new Big(totals.amount).lte(0))
        }
      }
    }
    assert.ok(credits > 0)
  })

  it('pay posted bills alone, in full; a dispute voids the payment', () => {
    const invoices = [...books().tables.supplierInvoice.walk()]
    const paid = invoices.filter(isPaid)
    assert.ok(paid.length > 2 && paid.length < invoices.length)
    for (const invoice of paid) {
      assert.equal(invoice.status, 'posted')
      assert.equal(paymentOf(invoice)?.amount, billTotals(invoice).amount)
      assert.equal(paymentOf({ ...invoice, paymentApproval: 'conflict' })?.voided, true)
      assert.equal(paymentOf({ ...invoice, status: 'notPosted' }), undefined)
    }
  })

  it('keep the numbers of lines when one in the middle goes', () => {
    const long = [...books().tables.supplierInvoice.walk()].find(({ lines }) => lines.length > 3)
    assert.ok(long)
    const lines = long.lines.toSpliced(1, 1)
    assert.deepEqual(
      billLines({ ...long, lines }).map(({ line }) => line),
      [1, 3, 4, ...long.lines.slice(4).map((_, k) => k + 5)],
    )
  })
})
