import assert from 'node:assert/strict'
import type { JournalEntry, PurchaseOrder, Stamped, TableName } from '../../sandbox/books/types.ts'
import { greatest, hour, unbalancedLedgers } from '../support/books.ts'
import { added, gone, iso, minute, pairs, type Told, threeDays, withoutStamps } from '../support/books-days.ts'

describe('a business day of the demo books', () => {
  for (const size of ['small', 'medium'] as const) {
    describe(`in ${size} books`, () => {
      const days = threeDays(size)
      const [first, second] = days as [Told, Told, Told]
      const everyDay = (check: (day: Told) => void): void => days.forEach(check)

      it('does every kind within three days, all but one within two, and names each once', () => {
        const names = new Set(days.flatMap(({ done }) => done))
        for (const name of [...first.done, ...second.done]) names.delete(name)
        assert.deepEqual([...names], ['unbalanced journal deleted'])
        assert.equal(new Set(days.flatMap(({ done }) => done)).size, 36)
        everyDay(({ done }) => assert.equal(new Set(done).size, done.length))
      })

      it('stamps within the day before the clock, but for what is said to be otherwise', () => {
        everyDay(({ now, before, after }) => {
          const inDay = (stamp: string): boolean => stamp > iso(now - 24 * hour) && stamp <= iso(now - 3 * minute)
          const odd: string[] = []
          for (const name of Object.keys(after) as TableName[])
            for (const [key, thing] of after[name] as Map<
              string,
              Stamped & { headerUpdated?: string; lines?: Stamped[] }
            >) {
              const old = before[name].get(key) as typeof thing | undefined
              const stamps = [thing.updated, thing.headerUpdated, ...(thing.lines ?? []).map(({ updated }) => updated)]
              const known = new Set([
                old?.updated,
                old?.headerUpdated,
                ...(old?.lines ?? []).map(({ updated }) => updated),
              ])
              for (const stamp of new Set(stamps))
                if (stamp && !known.has(stamp) && !inDay(stamp)) odd.push(`${name} ${stamp}`)
            }
          assert.equal(odd.filter((one) => one === `customer ${iso(now + 2 * hour)}`).length, 1, odd.join())
          const late = odd.filter((one) => one.startsWith('supplierInvoice '))
          assert.equal(late.length, 1, odd.join())
          assert.ok(late.every((one) => one.slice(16) > iso(now - 5 * minute) && one.slice(16) < iso(now)))
          assert.equal(odd.length, 2, odd.join())
        })
      })

      it('changes a record, and back the day after', () => {
        const there = pairs('supplier', first.before, first.after).filter(([a, b]) => a.category !== b.category)
        assert.equal(there.length, 1)
        const [was, is] = there[0] as NonNullable<(typeof there)[0]>
        const back = second.after.supplier.get(was.code)
        assert.equal(back?.category, was.category)
        assert.ok((back?.updated ?? '') > (is.updated ?? ''))
      })

      it('changes a record and changes it back within the day: only its stamp tells', () => {
        everyDay(({ before, after }) => {
          const same = pairs('dimension', before, after).filter(
            ([a, b]) => a.updated !== b.updated && withoutStamps(a) === withoutStamps(b),
          )
          assert.ok(same.length >= 1)
        })
      })

      it('changes two records in one second, one of them twice', () => {
        everyDay(({ number, before, after }) => {
          const changed = pairs('account', before, after)
            .filter(([a, b]) => a.updated !== b.updated)
            .map(([, b]) => b)
          assert.equal(changed.length, 2)
          assert.equal(changed[0]?.updated, changed[1]?.updated)
          assert.ok(changed.some(({ title }) => title === `Retitled ${number} <2>`))
        })
      })

      it('changes a line and leaves the stamp of its header', () => {
        everyDay(({ before, after }) => {
          const lines = pairs('purchaseOrder', before, after).filter(
            ([a, b]) => a.updated === b.updated && withoutStamps(a) !== withoutStamps(b),
          )
          // One received, one closed; of the third a receipt alone was corrected.
          assert.equal(lines.length, 3)
          const moved = lines.map(([was, is]) => is.lines.filter((line, k) => line.updated !== was.lines[k]?.updated))
          assert.deepEqual(moved.map(({ length }) => length).sort(), [0, 1, 1])
          for (const [line] of moved)
            assert.ok(line === undefined || lines.every(([, is]) => line.updated !== is.updated))
          const [[was, is] = []] = lines.filter(([, { receipts }]) => receipts !== undefined)
          assert.deepEqual(is?.lines, was?.lines)
          assert.ok((is?.receipts?.updated ?? '') > (is?.updated ?? ''))
        })
      })

      it('deletes the newest line: the header moves on, the greatest stamp of the lines goes back', () => {
        everyDay(({ before, after }) => {
          const shorter = pairs('purchaseOrder', before, after).filter(([a, b]) => b.lines.length < a.lines.length)
          assert.equal(shorter.length, 1)
          const [was, is] = shorter[0] as [PurchaseOrder, PurchaseOrder]
          assert.equal(is.lines.length, was.lines.length - 1)
          assert.ok((is.updated ?? '') > (was.updated ?? ''))
          assert.ok(greatest(is.lines) < greatest(was.lines))
        })
      })

      it('renames a supplier on its business partner only', () => {
        everyDay(({ before, after }) => {
          const renamed = pairs('businessPartner', before, after).filter(([a, b]) => a.name !== b.name)
          assert.equal(renamed.length, 1)
          const [was, is] = renamed[0] as NonNullable<(typeof renamed)[0]>
          assert.ok((is.updated ?? '') > (was.updated ?? ''))
          assert.deepEqual(after.supplier.get(is.code), before.supplier.get(is.code))
        })
      })

      it('changes the joined header of an invoice alone', () => {
        everyDay(({ before, after }) => {
          const joined = pairs('supplierInvoice', before, after).filter(([a, b]) => a.headerUpdated !== b.headerUpdated)
          assert.equal(joined.length, 1)
          const [was, is] = joined[0] as NonNullable<(typeof joined)[0]>
          assert.equal(is.updated, was.updated)
          assert.notEqual(is.paymentApproval, was.paymentApproval)
          assert.deepEqual(is.lines, was.lines)
        })
      })

      it('shows a document later than its stamp, inside the overlap', () => {
        everyDay(({ now, before, after }) => {
          const late = added('supplierInvoice', before, after).filter(({ visibleFrom }) => visibleFrom !== undefined)
          assert.equal(late.length, 1)
          const [invoice] = late
          assert.equal(invoice?.visibleFrom, iso(now + hour))
          assert.ok((invoice?.updated ?? '') >= iso(now - 5 * minute) && (invoice?.updated ?? '') < iso(now))
          assert.ok(invoice?.lines.every(({ visibleFrom }) => visibleFrom === invoice.visibleFrom))
        })
      })

      it('loads a bulk under one stamp', () => {
        everyDay(({ before, after }) => {
          const loaded = pairs('product', before, after).filter(([a, b]) => a.updated !== b.updated)
          assert.equal(loaded.length, size === 'small' ? 30 : 220)
          assert.equal(new Set(loaded.map(([, b]) => b.updated)).size, 1)
          assert.ok(loaded.every(([a, b]) => a.basePrice !== b.basePrice))
        })
      })

      it('gives an upgraded row its first stamp, and empties a text', () => {
        everyDay(({ before, after }) => {
          assert.ok(
            pairs('dimension', before, after).some(
              ([a, b]) => a.updated === null && b.updated !== null && withoutStamps(a) !== withoutStamps(b),
            ),
          )
          const emptied = pairs('salesInvoice', before, after).filter(
            ([a, b]) => a.internalReference !== '' && b.internalReference === '',
          )
          assert.equal(emptied.length, 1)
        })
      })

      it('changes a temporary journal, makes it final the day after, and keeps every journal in balance', () => {
        const amounts = ({ lines }: JournalEntry): string => JSON.stringify(lines.map(({ amount }) => amount))
        const changed = pairs('journalEntry', first.before, first.after).filter(([a, b]) => amounts(a) !== amounts(b))
        assert.equal(changed.length, 1)
        const [was, is] = changed[0] as [JournalEntry, JournalEntry]
        assert.deepEqual([was.status, is.status], ['temporary', 'temporary'])
        assert.equal(second.after.journalEntry.get(`${was.entryType}|${was.number}`)?.status, 'final')
        everyDay(({ after }) => {
          for (const entry of after.journalEntry.values())
            assert.equal(
              unbalancedLedgers(entry).length > 0,
              entry.mustHold !== undefined,
              `${entry.entryType} ${entry.number}`,
            )
        })
      })

      it('matches a journal line, which moves no stamp but its own', () => {
        everyDay(({ number, before, after }) => {
          const matched = pairs('journalEntry', before, after).filter(([, b]) =>
            b.lines.some((line, k) => line.matchingCode === `D${number}` && b.lines[k] === line),
          )
          assert.equal(matched.length, 1)
          const [was, is] = matched[0] as [JournalEntry, JournalEntry]
          assert.equal(is.updated, was.updated)
          assert.equal(is.status, 'final')
          assert.equal(is.lines.filter((line, k) => line.updated !== was.lines[k]?.updated).length, 1)
        })
      })

      it('adds suppliers with their partner, orders, invoices, and journals with one number under two types', () => {
        everyDay(({ before, after }) => {
          const [supplier] = added('supplier', before, after)
          assert.ok(supplier && after.businessPartner.has(supplier.code) && !before.businessPartner.has(supplier.code))
          for (const name of ['purchaseOrder', 'salesInvoice'] as const)
            assert.equal(added(name, before, after).length, 1)
          const invoices = added('supplierInvoice', before, after)
          assert.equal(invoices.filter(({ number }) => !first.before.supplierInvoice.has(number)).length, 2)
          const entries = added('journalEntry', before, after)
          assert.equal(entries.length, 5)
          assert.ok(new Set(entries.map(({ number }) => number)).size < entries.length)
        })
      })

      it('adds a journal that must be held, and puts one right on the second day', () => {
        everyDay(({ before, after }) => {
          const held = added('journalEntry', before, after).filter(({ mustHold }) => mustHold !== undefined)
          assert.equal(held.length, 1)
        })
        const right = pairs('journalEntry', second.before, second.after).filter(([a, b]) => a.mustHold && !b.mustHold)
        assert.equal(right.length, 1)
      })

      it('deletes documents and an unused supplier, which leaves nothing behind and moves no stamp', () => {
        everyDay(({ number, before, after }) => {
          const [order, ...orders] = gone('purchaseOrder', before, after)
          const [invoice, ...invoices] = gone('supplierInvoice', before, after)
          assert.deepEqual([order?.closed, orders], ['no', []])
          assert.deepEqual([invoice?.status, invoices], ['notPosted', []])
          const entries = gone('journalEntry', before, after)
          assert.ok(entries.every(({ status }) => status === 'temporary'))
          const held = entries.filter(({ mustHold }) => mustHold !== undefined)
          assert.deepEqual([entries.length, held.length], number === 3 ? [2, 1] : [1, 0])
          const suppliers = gone('supplier', before, after)
          assert.equal(suppliers.length, number === 1 ? 0 : 1)
          for (const { code } of suppliers) {
            assert.ok(!first.before.supplier.has(code))
            const used = [...after.purchaseOrder.values(), ...after.supplierInvoice.values()]
            assert.ok(!used.some(({ supplier }) => supplier === code))
          }
          for (const name of ['customer', 'product', 'account', 'dimension', 'salesInvoice'] as const)
            assert.deepEqual(gone(name, before, after), [])
        })
      })

      it('makes an invoice anew under its number: one at once, one on the next day with other lines', () => {
        everyDay(({ before, after }) => {
          const anew = pairs('salesInvoice', before, after).filter(([a, b]) => a.created !== b.created)
          assert.equal(anew.length, 1)
          const [was, is] = anew[0] as NonNullable<(typeof anew)[0]>
          assert.equal(is.lines.length, 1)
          assert.ok((is.updated ?? '') > (was.updated ?? ''))
        })
        for (const [yesterday, day] of [days.slice(0, 2), days.slice(1)] as [Told, Told][]) {
          const [deleted] = gone('supplierInvoice', yesterday.before, yesterday.after)
          const again = day.after.supplierInvoice.get(deleted?.number ?? '')
          assert.ok(deleted && again)
          assert.notEqual(withoutStamps(again.lines), withoutStamps(deleted.lines))
          assert.ok((again.updated ?? '') > iso(day.now - 24 * hour))
        }
      })

      it('loses a right on every second day', () => {
        assert.deepEqual(
          days.map(({ lost }) => lost),
          ['purchaseOrder', undefined, 'salesInvoice'],
        )
      })
    })
  }
})
