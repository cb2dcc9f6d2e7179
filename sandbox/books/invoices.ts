import { countryHabits, paymentTerms, sites, units } from './codes.ts'
import { customerCode, productCode } from './masters.ts'
import { convert, decimal, scaleOf } from './money.ts'
import {
  dateBeside,
  lineStamps,
  orderLines,
  orderNumber,
  orderSupplier,
  placeInSite,
  siteNumber,
  usualLines,
} from './orders.ts'
import { draws, hash, pick } from './random.ts'
import type { Base } from './table.ts'
import { goodsName, remark } from './text.ts'
import type { SalesInvoice, SalesInvoiceLine, SupplierInvoice, SupplierInvoiceLine } from './types.ts'
import { type DocumentTimes, dateText, documentTimes, numberOf, stampText, type World } from './world.ts'

const companyOf = (site: string) => (sites.find(({ code }) => code === site) as (typeof sites)[number]).company

/** Quantity (3 decimals) times price (4 decimals) in minor units of a currency. */
function extended(quantity: number, price: number, currency: string): number {
  return Math.round((quantity * price) / 10 ** (7 - scaleOf(currency)))
}

export function supplierInvoiceNumber(world: World, index: number): string {
  const { site, place } = placeInSite(world.plan.supplierInvoice, index)
  return siteNumber('PI', site, place + 1, world.plan.supplierInvoice)
}

export function supplierInvoiceLines(world: World, index: number): number {
  return world.plan.longSupplierInvoices.get(index) ?? usualLines(world.seed, numberOf.supplierInvoice, index)
}

/** The joined header of an invoice often changes later than the invoice: approval, payment. */
function joinedStamp(world: World, index: number, own: number): number {
  return index % 8 === 5
    ? Math.min(world.end, own + (hash(world.seed, numberOf.supplierInvoice, index, 95) % 864_000))
    : own
}

/** Invoice `index`, within the base or beyond it; `joined` is the stamp of its joined header. */
export function makeSupplierInvoice(
  world: World,
  index: number,
  number: string,
  site: string,
  times: DocumentTimes,
  joined: number,
): SupplierInvoice {
  const draw = draws(world.seed, numberOf.supplierInvoice, index)
  const company = companyOf(site)
  const order = draw(world.plan.purchaseOrder)
  const ordered = draw(10) < 7
  const supplier = orderSupplier(world, order)
  const currency =
    draw(9) === 0 ? pick(draw, ['CLF', 'JPY']) : (countryHabits[supplier.slice(0, 2)]?.[1] ?? company.currency)
  const scale = scaleOf(currency)
  const created = stampText(times.created)
  const updated = stampText(times.own)
  const late = times.late === undefined ? undefined : stampText(times.late)
  const count = supplierInvoiceLines(world, index)
  let net = 0
  const lines = Array.from({ length: count }, (_, k): SupplierInvoiceLine => {
    const last = late !== undefined && k === count - 1 ? late : undefined
    const quantity = 1 + draw(500_000)
    const price = draw(2_000_000)
    net += extended(quantity, price, currency)
    const fromOrder = ordered && k < orderLines(world, order)
    return {
      created: last ?? created,
      updated: last ?? updated,
      line: (k + 1) * 1_000,
      site: draw(7) === 0 ? pick(draw, company.sites) : site,
      product: productCode(world, draw(world.plan.product)),
      description: goodsName(draw),
      unit: pick(draw, units),
      quantity: decimal(quantity, 3),
      grossPrice: decimal(price, 4),
      orderNumber: fromOrder ? orderNumber(world, order) : null,
      orderLine: fromOrder ? (k + 1) * 1_000 : null,
    }
  })
  if (draw(40) === 0) net = 1e12 * 10 ** Math.min(scale, 2) + draw(1e9)
  const gross = net + Math.round(net / 5)
  const inCompany = (minor: number): string =>
    decimal(convert(minor, currency, company.currency), scaleOf(company.currency))
  const credit = draw(8) === 0
  return {
    created,
    updated,
    number,
    headerUpdated: stampText(joined),
    category: credit ? 'creditMemo' : 'invoice',
    invoiceType: credit ? 'SUCRN' : 'SUINV',
    company: company.code,
    site,
    supplier,
    payTo: draw(9) === 0 ? '' : supplier,
    accountingDate: dateText(times.date),
    sourceDocument: draw(7) === 0 ? '' : draw(6) === 0 ? remark(draw) : `000${draw(1e7)}`,
    sourceDocumentDate: dateBeside(times.date, -draw(20)),
    currency,
    paymentTerm: pick(draw, paymentTerms),
    status: pick(draw, ['posted', 'posted', 'notPosted']),
    paymentApproval: pick(draw, ['pending', 'conflict', 'delayed', 'authorizedToPay']),
    debitOrCredit: credit ? -1 : 1,
    amountWithoutTax: decimal(net, scale),
    amountWithTax: decimal(gross, scale),
    amountWithoutTaxCompany: inCompany(net),
    amountWithTaxCompany: inCompany(gross),
    lines,
  }
}

export function supplierInvoiceBase(world: World): Base<SupplierInvoice> {
  const count = world.plan.supplierInvoice
  const times = (i: number): DocumentTimes => {
    const { place, per } = placeInSite(count, i)
    return documentTimes(world, 'supplierInvoice', i, place, per)
  }
  return {
    count,
    key: (i) => supplierInvoiceNumber(world, i),
    keyOf: (invoice) => invoice.number,
    own: (i) => times(i).own,
    lines: (i) => lineStamps(times(i)),
    joined: (i) => joinedStamp(world, i, times(i).own),
    linesOf: (invoice) => invoice.lines,
    joinedOf: (invoice) => invoice.headerUpdated,
    build(i) {
      const at = times(i)
      const { site } = placeInSite(count, i)
      return makeSupplierInvoice(world, i, supplierInvoiceNumber(world, i), site, at, joinedStamp(world, i, at.own))
    },
  }
}

export function salesInvoiceNumber(world: World, index: number): string {
  const { site, place } = placeInSite(world.plan.salesInvoice, index)
  return siteNumber('INV', site, place + 1, world.plan.salesInvoice)
}

export function salesInvoiceLines(world: World, index: number): number {
  return world.plan.longSalesInvoices.get(index) ?? usualLines(world.seed, numberOf.salesInvoice, index)
}

/** Invoice `index`, within the base or beyond it. */
export function makeSalesInvoice(
  world: World,
  index: number,
  number: string,
  site: string,
  times: DocumentTimes,
): SalesInvoice {
  const draw = draws(world.seed, numberOf.salesInvoice, index)
  const company = companyOf(site)
  const customer = customerCode(world, draw(world.plan.customer))
  const currency = draw(10) === 0 ? 'CLF' : (countryHabits[customer.slice(0, 2)]?.[1] ?? company.currency)
  const created = stampText(times.created)
  const updated = stampText(times.own)
  const late = times.late === undefined ? undefined : stampText(times.late)
  const count = salesInvoiceLines(world, index)
  const credit = draw(8) === 0
  const lines = Array.from({ length: count }, (_, k): SalesInvoiceLine => {
    const last = late !== undefined && k === count - 1 ? late : undefined
    const quantity = 1 + draw(500_000)
    const price = draw(2_000_000)
    const net = extended(quantity, price, currency)
    return {
      created: last ?? created,
      updated: last ?? updated,
      line: (k + 1) * 1_000,
      product: productCode(world, draw(world.plan.product)),
      description: goodsName(draw),
      unit: pick(draw, units),
      quantity: decimal(quantity, 3),
      grossPrice: decimal(price, 4),
      amountWithoutTax: decimal(credit ? -net : net, scaleOf(currency)),
    }
  })
  return {
    created,
    updated,
    number,
    category: credit ? 'creditMemo' : 'invoice',
    invoiceType: credit ? 'CUCRN' : 'CUINV',
    company: company.code,
    site,
    customer,
    soldTo: draw(6) === 0 ? customerCode(world, draw(world.plan.customer)) : customer,
    invoiceDate: dateText(times.date),
    currency,
    status: pick(draw, ['posted', 'posted', 'notPosted']),
    internalReference: remark(draw),
    sourceDocument: draw(4) === 0 ? '' : `DN${site}${draw(9_000) + 1_000}`,
    lines,
  }
}

export function salesInvoiceBase(world: World): Base<SalesInvoice> {
  const count = world.plan.salesInvoice
  const times = (i: number): DocumentTimes => {
    const { place, per } = placeInSite(count, i)
    return documentTimes(world, 'salesInvoice', i, place, per)
  }
  return {
    count,
    key: (i) => salesInvoiceNumber(world, i),
    keyOf: (invoice) => invoice.number,
    own: (i) => times(i).own,
    lines: (i) => lineStamps(times(i)),
    linesOf: (invoice) => invoice.lines,
    build: (i) => makeSalesInvoice(world, i, salesInvoiceNumber(world, i), placeInSite(count, i).site, times(i)),
  }
}
