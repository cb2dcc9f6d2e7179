import type { Change } from './changes.ts'
import { decimal } from './money.ts'

/** An open order goes for good. Nothing is left of it, and no stamp moves. */
export const orderDeleted: Change = ({ tables, day, choose }) => {
  const order = choose('purchaseOrder', ({ closed }) => closed === 'no') ?? choose('purchaseOrder')
  if (order === undefined) return false
  tables.purchaseOrder.remove(order.number, day.at())
  return true
}

/** An invoice that is not posted goes today; tomorrow another one is made under its number. */
export const invoiceDeleted: Change = ({ tables, day, memory, choose, reserve }) => {
  const invoice = choose('supplierInvoice', ({ status }) => status === 'notPosted')
  if (invoice === undefined) return false
  tables.supplierInvoice.remove(invoice.number, day.at())
  memory.anew.push(invoice)
  reserve('supplierInvoice', invoice.number)
  return true
}

/** With other lines, and fewer of them: those of the one before must not stay. */
export const madeAnew: Change = ({ tables, day, memory }) => {
  const invoices = memory.anew.splice(0)
  for (const invoice of invoices) {
    const stamp = day.at()
    const when = { created: stamp, updated: stamp }
    const lines = invoice.lines.slice(0, Math.max(1, invoice.lines.length - 1)).map((line) => ({
      ...line,
      ...when,
      description: `Made anew on day ${day.number}`,
      quantity: decimal(day.draw(90_000) + 1_000, 3),
    }))
    tables.supplierInvoice.put({ ...invoice, ...when, headerUpdated: stamp, lines })
  }
  return invoices.length > 0
}

/** Between two runs, so that nobody sees that it was away. */
export const madeAnewAtOnce: Change = ({ tables, day, choose }) => {
  const invoice = choose('salesInvoice', ({ status }) => status === 'notPosted')
  if (invoice === undefined) return false
  const [away, back] = day.rising(2) as [string, string]
  const when = { created: back, updated: back }
  tables.salesInvoice.remove(invoice.number, away)
  const lines = invoice.lines.slice(-1).map((line) => ({ ...line, ...when, quantity: `${day.number}.500` }))
  tables.salesInvoice.put({ ...invoice, ...when, lines })
  return true
}

/** Only a journal that is not final can go. */
export const temporaryDeleted: Change = ({ tables, day, choose }) => {
  const entry = choose('journalEntry', ({ status, mustHold }) => status === 'temporary' && mustHold === undefined)
  if (entry === undefined) return false
  tables.journalEntry.remove(tables.journalEntry.keyOf(entry), day.at())
  return true
}

/** On every second day from the third on, the oldest journal that is out of balance goes: a sync holds it, no target has it. */
export const unbalancedDeleted: Change = ({ tables, day, memory }) => {
  const wrong = day.number % 2 === 1 && memory.unbalanced.length > 1 ? memory.unbalanced.shift() : undefined
  if (wrong === undefined) return false
  tables.journalEntry.remove(wrong.key, day.at())
  return true
}

/** A supplier without a movement: yesterday's new one. */
export const supplierDeleted: Change = ({ tables, day, memory }) => {
  const code = memory.newSuppliers.length > 1 ? memory.newSuppliers.shift() : undefined
  if (code === undefined || tables.supplier.get(code) === undefined) return false
  tables.supplier.remove(code, day.at())
  return true
}
