import { type Change, shiftAmounts } from './changes.ts'
import { dimensionCode } from './masters.ts'
import { decimal, scaleOf } from './money.ts'
import { receiptsOf } from './purchasing.ts'
import { dateText } from './world.ts'

export const lineAlone: Change = ({ tables, day, choose }) => {
  const order = choose('purchaseOrder')
  const line = order?.lines[day.draw(order.lines.length)]
  if (order === undefined || line === undefined) return false
  const changed = {
    ...line,
    receivedQuantity: decimal(day.draw(900_000) + day.number * 1_000_000, 3),
    updated: day.at(),
  }
  tables.purchaseOrder.put({ ...order, lines: order.lines.map((one) => (one === line ? changed : one)) })
  return true
}

/** An order gets a line, the newest of all its lines; tomorrow it is deleted again. */
export const lineAdded: Change = ({ tables, day, memory, choose, reserve }) => {
  const order = choose('purchaseOrder')
  const last = order?.lines.at(-1)
  if (order === undefined || last === undefined) return false
  const stamp = day.at()
  const added = {
    ...last,
    line: last.line + 1_000,
    description: `Added on day ${day.number}`,
    created: stamp,
    updated: stamp,
  }
  tables.purchaseOrder.put({ ...order, updated: stamp, lines: [...order.lines, added] })
  memory.addedLine = { number: order.number, line: added.line }
  reserve('purchaseOrder', order.number)
  return true
}

/** The header's stamp moves on while the greatest stamp of its lines goes back. */
export const newestLineDeleted: Change = ({ tables, day, memory, choose }) => {
  const yesterday = memory.addedLine
  memory.addedLine = undefined
  const order =
    yesterday === undefined
      ? choose('purchaseOrder', ({ lines }) => {
          const newest = lines.at(-1)?.updated ?? ''
          return lines.length > 1 && lines.slice(0, -1).every(({ updated }) => (updated ?? '') < newest)
        })
      : tables.purchaseOrder.get(yesterday.number)
  if (order === undefined) return false
  const line = yesterday?.line ?? order.lines.at(-1)?.line
  tables.purchaseOrder.put({ ...order, updated: day.at(), lines: order.lines.filter((one) => one.line !== line) })
  return true
}

/** What is still to come of one line is not wanted any more. */
export const lineClosed: Change = ({ tables, day, choose }) => {
  const order = choose('purchaseOrder', ({ lines }) => lines.some(({ closed }) => closed === undefined))
  const line = order?.lines.find(({ closed }) => closed === undefined)
  if (order === undefined || line === undefined) return false
  const closed = { ...line, closed: 'yes' as const, updated: day.at() }
  tables.purchaseOrder.put({ ...order, lines: order.lines.map((one) => (one === line ? closed : one)) })
  return true
}

/** Some are opened again later. */
export const orderClosed: Change = ({ tables, day, choose }) => {
  const order = choose('purchaseOrder', ({ closed }) => closed === 'no') ?? choose('purchaseOrder')
  if (order === undefined) return false
  tables.purchaseOrder.put({ ...order, closed: order.closed === 'yes' ? 'no' : 'yes', updated: day.at() })
  return true
}

/** The delivery note of what was received is corrected; neither the order nor a line of it knows. */
export const receiptAlone: Change = ({ tables, day, choose }) => {
  const order = choose('purchaseOrder', (one) => receiptsOf(one).length > 0)
  if (order === undefined) return false
  tables.purchaseOrder.put({ ...order, receipts: { updated: day.at(), note: `Corrected on day ${day.number}` } })
  return true
}

export const joinedHeaderAlone: Change = ({ tables, day, choose }) => {
  const invoice = choose('supplierInvoice')
  if (invoice === undefined) return false
  const paymentApproval = invoice.paymentApproval === 'conflict' ? 'authorizedToPay' : 'conflict'
  tables.supplierInvoice.put({ ...invoice, paymentApproval, headerUpdated: day.at() })
  return true
}

/** A text that becomes empty must become null in the target. */
export const textEmptied: Change = ({ tables, day, choose }) => {
  const invoice = choose('salesInvoice', ({ internalReference }) => internalReference !== '')
  if (invoice === undefined) return false
  tables.salesInvoice.put({ ...invoice, internalReference: '', updated: day.at() })
  return true
}

export const temporaryChanged: Change = ({ world, tables, day, memory, choose, reserve }) => {
  const entry = choose('journalEntry', ({ status, mustHold }) => status === 'temporary' && mustHold === undefined)
  if (entry === undefined) return false
  const centre = dimensionCode('CCT', day.draw(world.plan.codesPerType))
  tables.journalEntry.put(shiftAmounts(entry, 10 ** scaleOf(entry.currency) + day.number, centre, day.at()))
  const key = tables.journalEntry.keyOf(entry)
  memory.temporary.push(key)
  reserve('journalEntry', key)
  return true
}

/** What was changed yesterday while temporary is final today. */
export const madeFinal: Change = ({ tables, day, memory }) => {
  const keys = memory.temporary.splice(0)
  for (const key of keys) {
    const entry = tables.journalEntry.get(key)
    if (entry) tables.journalEntry.put({ ...entry, status: 'final', updated: day.at() })
  }
  return keys.length > 0
}

/** Matching touches a line of a final journal and nothing else. */
export const matched: Change = ({ tables, day, choose }) => {
  const entry = choose('journalEntry', ({ status, lines }) => status === 'final' && lines.some(open))
  const line = entry?.lines.find(open)
  if (entry === undefined || line === undefined) return false
  const changed = { ...line, matchingCode: `D${day.number}`, matchingDate: dateText(day.date), updated: day.at() }
  tables.journalEntry.put({ ...entry, lines: entry.lines.map((one) => (one === line ? changed : one)) })
  return true
}

function open(line: { businessPartner: string | null; matchingCode: string | null }): boolean {
  return line.businessPartner !== null && line.matchingCode === null
}
