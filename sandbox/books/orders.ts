import { countryHabits, paymentTerms, sites, units } from './codes.ts'
import { productCode, supplierCode } from './masters.ts'
import { decimal } from './money.ts'
import { receiptsStamp } from './purchasing.ts'
import { draws, hash, pick } from './random.ts'
import type { Base } from './table.ts'
import { goodsName, remark } from './text.ts'
import type { PurchaseOrder, PurchaseOrderLine } from './types.ts'
import {
  type DocumentTimes,
  dateText,
  documentTimes,
  hasLateLine,
  numberOf,
  pad,
  stampText,
  type World,
} from './world.ts'

/** Where document `index` of `count` stands in the number range of its site; sites follow each other in code order. */
export function placeInSite(count: number, index: number) {
  const per = Math.ceil(count / sites.length)
  const site = sites[Math.floor(index / per)] as (typeof sites)[number]
  return { site: site.code, company: site.company, place: index % per, per }
}

/** Prefix, site and counter, as in `POFR0110113`. */
export function siteNumber(prefix: string, site: string, counter: number, count: number): string {
  return `${prefix}${site}${pad(counter, count < 20_000 ? 4 : 6)}`
}

/** Lines of a usual document: one to seven. */
export function usualLines(seed: number, table: number, index: number): number {
  return (hasLateLine(index) ? 2 : 1) + (hash(seed, table, index, 7) % 7)
}

/** A date some days away from another. */
export function dateBeside(date: number, days: number): string {
  return dateText(date + days * 86_400)
}

export function orderNumber(world: World, index: number): string {
  const { site, place } = placeInSite(world.plan.purchaseOrder, index)
  return siteNumber('PO', site, place + 1, world.plan.purchaseOrder)
}

export function orderLines(world: World, index: number): number {
  return world.plan.longOrders.get(index) ?? usualLines(world.seed, numberOf.purchaseOrder, index)
}

export function orderSupplier(world: World, index: number): string {
  return supplierCode(world, hash(world.seed, numberOf.purchaseOrder, index, 8) % world.plan.supplier)
}

function makeLine(world: World, seedIndex: number, line: number, created: string, updated: string): PurchaseOrderLine {
  const draw = draws(world.seed, numberOf.purchaseOrder * 100 + 1, seedIndex * 4_096 + line)
  const ordered = 1 + draw(900_000)
  // What the supplier takes back stands in the order of what replaces it.
  const side = seedIndex % 12 === 5 && line === 2 ? -1 : 1
  return {
    created,
    updated,
    line: line * 1_000,
    sequence: 1,
    product: productCode(world, draw(world.plan.product)),
    description: goodsName(draw),
    unit: pick(draw, units),
    quantity: decimal(ordered, 3),
    receivedQuantity: decimal(draw(3) === 0 ? 0 : draw(ordered + 1), 3),
    grossPrice: decimal(side * draw(9_000_000), 4),
    discount: draw(3) === 0 ? decimal(draw(3_000), 2) : '0',
  }
}

/** Order `index`, within the base or beyond it. */
export function makeOrder(
  world: World,
  index: number,
  number: string,
  site: string,
  times: DocumentTimes,
): PurchaseOrder {
  const draw = draws(world.seed, numberOf.purchaseOrder, index)
  const company = (sites.find(({ code }) => code === site) as (typeof sites)[number]).company
  const supplier = orderSupplier(world, index)
  const created = stampText(times.created)
  const updated = stampText(times.own)
  const count = orderLines(world, index)
  const late = times.late === undefined ? undefined : stampText(times.late)
  const lines = Array.from({ length: count }, (_, k) =>
    late !== undefined && k === count - 1
      ? makeLine(world, index, k + 1, late, late)
      : makeLine(world, index, k + 1, created, updated),
  )
  const closed = draw(3) === 0 ? 'yes' : 'no'
  return {
    created,
    updated,
    number,
    company: company.code,
    site,
    supplier,
    orderDate: dateText(times.date),
    orderType: draw(9) === 0 ? 'subcontract' : 'normal',
    currency: draw(10) === 0 ? 'CLF' : (countryHabits[supplier.slice(0, 2)]?.[1] ?? company.currency),
    internalReference: remark(draw),
    receiptSite: pick(draw, company.sites),
    invoiceSite: site,
    expectedReceiptDate: draw(4) === 0 ? null : dateBeside(times.date, 3 + draw(60)),
    paymentTerm: pick(draw, paymentTerms),
    closed,
    receiptStatus: closed === 'yes' ? 'inFull' : pick(draw, ['no', 'inPart']),
    signatureStatus: pick(draw, ['no', 'inFull', 'notManaged', 'automatic']),
    lines,
  }
}

export function orderBase(world: World): Base<PurchaseOrder> {
  const count = world.plan.purchaseOrder
  const times = (i: number): DocumentTimes => {
    const { place, per } = placeInSite(count, i)
    return documentTimes(world, 'purchaseOrder', i, place, per)
  }
  return {
    count,
    key: (i) => orderNumber(world, i),
    keyOf: (order) => order.number,
    own: (i) => times(i).own,
    lines: (i) => lineStamps(times(i)),
    linesOf: (order) => order.lines,
    joined: (i) => times(i).own,
    joinedOf: (order) => receiptsStamp(order),
    build: (i) => makeOrder(world, i, orderNumber(world, i), placeInSite(count, i).site, times(i)),
  }
}

/** Stamps on the lines of a base document: those of the header, and the late one of the last line. */
export function lineStamps({ own, late }: DocumentTimes): readonly number[] {
  return late === undefined ? [own] : [own, late]
}

/** Index of the document with the most lines. */
export function longest(lines: ReadonlyMap<number, number>): number | undefined {
  let found: number | undefined
  for (const [index, count] of lines) if (found === undefined || count > (lines.get(found) ?? 0)) found = index
  return found
}
