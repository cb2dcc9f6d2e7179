import type { Change, Desk } from './changes.ts'
import { add } from './changes.ts'
import { entryTypes, sites } from './codes.ts'
import { makeSalesInvoice, makeSupplierInvoice } from './invoices.ts'
import { entryNumber, makeEntry } from './journals.ts'
import { makePartner, makeSupplier, newPartnerCode } from './masters.ts'
import { scaleOf } from './money.ts'
import { makeOrder, placeInSite, siteNumber } from './orders.ts'
import type { JournalEntry, TableName } from './types.ts'
import { type DocumentTimes, stampText } from './world.ts'

/** The next one of a table beyond the base: its index, and a site for it. */
function next({ tables, memory }: Desk, table: TableName) {
  const serial = memory.serial.get(table) ?? 0
  memory.serial.set(table, serial + 1)
  const count = tables[table].base.count
  const site = (sites[serial % sites.length] as (typeof sites)[number]).code
  const number = (prefix: string): string => siteNumber(prefix, site, placeInSite(count, 0).per + 1 + serial, count)
  return { serial, index: count + serial, site, number }
}

function timesOf(desk: Desk, stamp: string): DocumentTimes {
  const own = Date.parse(stamp) / 1000
  return { date: desk.day.date, created: own, own, late: undefined }
}

export const newSupplier: Change = (desk) => {
  const { world, tables, day } = desk
  // The next index that is a supplier and no customer.
  const { serial } = next(desk, 'supplier')
  const code = newPartnerCode(world, serial)
  const stamp = day.at()
  const when = { created: stamp, updated: stamp }
  tables.businessPartner.put(makePartner(world, world.plan.businessPartner + serial * 5, code, when))
  tables.supplier.put(makeSupplier(world, world.plan.supplier + serial, code, when))
  desk.memory.newSuppliers.push(code)
  return true
}

export const newOrder: Change = (desk) => {
  const { index, site, number } = next(desk, 'purchaseOrder')
  desk.tables.purchaseOrder.put(makeOrder(desk.world, index, number('PO'), site, timesOf(desk, desk.day.at())))
  return true
}

export const newSupplierInvoice: Change = (desk) => {
  const { index, site, number } = next(desk, 'supplierInvoice')
  const times = timesOf(desk, desk.day.at())
  desk.tables.supplierInvoice.put(makeSupplierInvoice(desk.world, index, number('PI'), site, times, times.own))
  return true
}

/** Committed an hour after the run that should have seen it, under a stamp that lies before that run, inside the overlap. */
export const visibleLate: Change = (desk) => {
  const { index, site, number } = next(desk, 'supplierInvoice')
  const own = desk.day.now - 30 - desk.day.draw(120)
  const times = timesOf(desk, stampText(own))
  const visibleFrom = stampText(desk.day.now + 3_600)
  const invoice = makeSupplierInvoice(desk.world, index, number('PI'), site, times, own)
  const lines = invoice.lines.map((line) => ({ ...line, visibleFrom }))
  desk.tables.supplierInvoice.put({ ...invoice, lines, visibleFrom })
  return true
}

export const newSalesInvoice: Change = (desk) => {
  const { index, site, number } = next(desk, 'salesInvoice')
  const times = timesOf(desk, desk.day.at())
  desk.tables.salesInvoice.put(makeSalesInvoice(desk.world, index, number('INV'), site, times))
  return true
}

function nextEntry(desk: Desk, stamp: string, status: 'temporary' | 'final') {
  const { serial, index } = next(desk, 'journalEntry')
  const entryType = entryTypes[serial % entryTypes.length] as string
  const counter = desk.world.plan.entriesPerType + 1 + Math.floor(serial / entryTypes.length)
  const number = entryNumber(desk.world, entryType, counter)
  return { index, entry: makeEntry(desk.world, index, entryType, number, status, timesOf(desk, stamp)) }
}

/** One of each entry type, so that the day has one number under two types as well. */
export const newEntries: Change = (desk) => {
  for (const _ of entryTypes) {
    const { entry } = nextEntry(desk, desk.day.at(), desk.day.draw(2) === 0 ? 'temporary' : 'final')
    desk.tables.journalEntry.put(entry)
  }
  return true
}

export const unbalanced: Change = (desk) => {
  const { index, entry } = nextEntry(desk, desk.day.at(), 'temporary')
  desk.tables.journalEntry.put(outOfBalance(entry))
  desk.memory.unbalanced.push({ key: desk.tables.journalEntry.keyOf(entry), index })
  desk.reserve('journalEntry', desk.tables.journalEntry.keyOf(entry))
  return true
}

function outOfBalance(entry: JournalEntry): JournalEntry {
  const [first, ...rest] = entry.lines
  if (first === undefined) throw new Error(`Journal ${entry.entryType} ${entry.number} of the demo books has no line.`)
  const ledgerAmount = add(first.ledgerAmount, 1, scaleOf(first.ledgerCurrency))
  return {
    ...entry,
    lines: [{ ...first, ledgerAmount }, ...rest],
    mustHold: `ledger ${first.ledger} is out of balance by one unit of the last digit`,
  }
}

/** On every second day an unbalanced journal of the days before is put right; the others stay wrong. */
export const balancedAgain: Change = (desk) => {
  const { world, tables, day, memory } = desk
  const wrong = day.number % 2 === 0 ? memory.unbalanced.shift() : undefined
  const entry = wrong && tables.journalEntry.get(wrong.key)
  if (wrong === undefined || entry === undefined) return false
  const times = { ...timesOf(desk, day.at()), created: Date.parse(entry.created) / 1000 }
  const date = Date.parse(`${entry.accountingDate}T00:00:00Z`) / 1000
  const right = makeEntry(world, wrong.index, entry.entryType, entry.number, entry.status, { ...times, date })
  tables.journalEntry.put(right)
  return true
}
