import { companies } from '../../books/codes.ts'
import type { PurchaseOrder, PurchaseOrderLine } from '../../books/types.ts'
import { CASES } from './cases.ts'
import { codingsOf, netOf } from './coding.ts'
import { draftOf } from './drafts.ts'
import { amount, type Ground, UNMAPPED } from './ground.ts'
import { dateAs, type Habits } from './habits.ts'
import { type Json, orderIdOf } from './invoice.ts'

/** Key of the list that has the projects of the ERP. */
export const PROJECTS = 'ACC_LIST_21'
/** Companies that the tenant has. */
export const CODES = [...companies.map(({ code }) => code), UNMAPPED.code]

export const namesOf = (translation: string): Json[] => [
  { language: 'en-US', translation: translation.trim().length < 2 ? `${translation}..` : translation },
]

/** A record's moment, which lies before the books' first day: a third of a kind share theirs. */
export const stamp = (ground: Ground, code: string): string =>
  new Date(ground.today - 86_400_000 - ground.drawFor(`stamp ${code}`, 400) * 3_600_000).toISOString()

export function vendorsOf(ground: Ground): Json[] {
  return ground.suppliers.map(({ code, active }) => ({
    externalCode: `X3_${code}`,
    vendorCode: code,
    name: ground.books.tables.businessPartner.get(code)?.name ?? code,
    sourceSystem: 'X3',
    paymentTerms: { paymentTermCode: 'CH60NET' },
    processingStatus: { active, paymentDenied: false },
    companies: CODES.map((companyCode) => ({ companyCode, inheritToChildUnits: false })),
    lastUpdated: stamp(ground, `vendor ${code}`),
  }))
}

export function accountsOf(ground: Ground): Json[] {
  return companies.flatMap((company) => {
    const { active, inactive } = ground.accounts(company.code)
    return [...active, ...inactive].map(({ code, title, active: is }) => ({
      externalCode: `X3_${company.code}_${code}`,
      accountCode: code,
      accountNames: namesOf(title),
      companies: [{ companyCode: company.code, inherit: false, active: is }],
      lastUpdated: stamp(ground, `account ${company.code} ${code}`),
    }))
  })
}

export function costCentersOf(ground: Ground): Json[] {
  const { active, inactive } = ground.dimensions('CCT')
  return [...active, ...inactive].map(({ code, title, active: is }) => ({
    externalCode: `X3_CCT_${code}`,
    costCenterCode: code,
    costCenterNames: namesOf(title),
    companies: CODES.map((companyCode) => ({ companyCode, active: is })),
    lastUpdated: stamp(ground, `centre ${code}`),
  }))
}

export function projectsOf(ground: Ground): Json[] {
  const { active, inactive } = ground.dimensions('PRO')
  return [...active, ...inactive].map(({ code, title, active: is }) => ({
    externalCode: `X3_PRO_${code}`,
    text_1: code,
    text_2: title,
    companies: CODES.map((companyCode) => ({ companyCode, active: is })),
    lastUpdated: stamp(ground, `project ${code}`),
  }))
}

/** Orders as the ERP's interface would have sent them; `count` invoices say which are missing and which are there twice. */
export function ordersOf(ground: Ground, habits: Habits, count: number): Json[] {
  const odd = new Map<string, string>()
  for (let index = 0; index < count; index++) {
    const { twist } = CASES[index % CASES.length] ?? {}
    if (twist !== 'unreadOrder' && twist !== 'twoOrders') continue
    const order = draftOf(ground, index).rows[0]?.match?.order
    if (order !== undefined && !odd.has(order)) odd.set(order, twist)
  }
  return ground.orders.flatMap((number) => {
    const twist = odd.get(number)
    if (twist === 'unreadOrder') return []
    const order = headerOf(ground, habits, ground.order(number))
    if (twist !== 'twoOrders') return [order]
    return [order, { ...order, externalCode: `OLD_${String(order.externalCode)}`, sourceSystem: 'OLDERP' }]
  })
}

function headerOf(ground: Ground, habits: Habits, order: PurchaseOrder): Json {
  return {
    externalCode: orderIdOf(order.company, order.number),
    orderNumber: order.number,
    sourceSystem: 'X3',
    companyCode: order.company,
    organizationElementCode: order.company,
    currencyCode: order.currency,
    supplierCode: order.supplier,
    created: dateAs(habits, order.orderDate),
    isClosed: order.closed === 'yes',
    paymentTermCode: order.paymentTerm,
    description: order.internalReference,
    lastUpdated: stamp(ground, `order ${order.number}`),
  }
}

/** Lines of an order by its `externalCode`; none where the ERP's interface has sent no such order. */
export function linesOf(ground: Ground, externalCode: string): Json[] {
  const number = externalCode.split('_').at(-1) ?? ''
  const order = ground.books.tables.purchaseOrder.get(number)
  if (!order || !externalCode.endsWith(orderIdOf(order.company, number))) return []
  return order.lines.map((line) => lineOf(ground, externalCode, order, line))
}

function lineOf(ground: Ground, externalCode: string, order: PurchaseOrder, line: PurchaseOrderLine): Json {
  const net = netOf(line, order.currency)
  const money = (minor: number): number => amount(Math.round(minor), order.currency)
  const price = Number((Number(line.grossPrice) * (1 - Number(line.discount) / 100)).toFixed(6))
  const received = Number(line.receivedQuantity)
  const id = `${externalCode}_${line.line}`
  return {
    externalCode: id,
    orderExternalCode: externalCode,
    lineNumber: String(line.line),
    sortNumber: line.line,
    quantity: Number(line.quantity),
    netSum: money(net),
    netPrice: price,
    currencyCode: order.currency,
    matchingMode: 'Standard',
    ...{ isReceiptRequired: received > 0, isReceiptBasedMatching: false, isClosed: false, isDeleted: false },
    uom: line.unit,
    buyerProductCode: line.product,
    description: line.description,
    orderLineCoding: codingsOf(ground, order.company, order.number, line.line).map((coding, k) => ({
      externalCode: `${id}_${k}`,
      rowIndex: k,
      allocatedQuantity: Number((Number(line.quantity) * coding.share * 0.01).toFixed(3)),
      netTotal: money((net * coding.share) / 100),
      accountCode: coding.account.code,
      costCenterCode: coding.costCentre.code,
      ...(coding.project ? { projectCode: coding.project.code, dimCode1: coding.project.code } : {}),
    })),
    ...(received > 0
      ? {
          goodsReceipts: [
            {
              ...{ externalCode: `R${ground.drawFor(id, 1e9)}`, goodsReceiptNumber: `PTH${order.number.slice(2)}` },
              ...{ quantity: received, netPrice: price },
            },
          ],
        }
      : {}),
    lastUpdated: stamp(ground, `order ${order.number}`),
  }
}
