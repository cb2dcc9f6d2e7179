import { companies } from '../../books/codes.ts'
import type { PurchaseOrder } from '../../books/types.ts'
import type { Ground } from './ground.ts'
import { dateAs, type Habits } from './habits.ts'
import type { Json } from './invoice.ts'
import { namesOf, stamp } from './masters.ts'

/** Code of a vendor that people keep in Basware and the ERP does not have. */
export const OWN_VENDOR = 'BW-LOCAL'

const CODES = companies.map(({ code }) => code)
const active = CODES.map((companyCode) => ({ companyCode, active: true }))
const inherited = CODES.map((companyCode) => ({ companyCode, inheritToChildUnits: false }))

/** A bank account that somebody typed. */
const bank = (id: string): Json => ({
  paymentMeansCode: 'TRF',
  currencyCode: 'EUR',
  default: true,
  financialAccounts: [
    {
      financialInstitution: { name: 'Bank of the Harbour', id: 'HARBFRPP', schemeId: 'BIC' },
      financialAccountIdentifiers: [{ schemeId: 'IBAN', id, default: true }],
    },
  ],
})

/** What one thing of the ERP is called here, where somebody typed it before there was an interface. */
const third = <T>(things: readonly T[]): T | undefined => things[2] ?? things[0]

const vendors = (ground: Ground): Json[] => {
  const known = third(ground.suppliers.filter((supplier) => supplier.active))
  const typed = {
    sourceSystem: 'MANUAL',
    paymentMeans: [bank('FR7630006000011234567890189')],
    contacts: [{ name: 'Jeanne Martin', role: 'PrimaryContact', email: 'jeanne@harbour.example' }],
    orderingDetails: { orderingFormat: 'email', orderEmail: 'orders@harbour.example' },
    companies: inherited,
  }
  return [
    ...(known
      ? [{ ...typed, externalCode: 'MAN-V1', vendorCode: known.code, name: `${known.code} (typed by hand)` }]
      : []),
    { ...typed, externalCode: 'MAN-V2', vendorCode: OWN_VENDOR, name: 'A supplier of Basware alone' },
  ].map((vendor) => ({ ...vendor, lastUpdated: stamp(ground, vendor.externalCode) }))
}

const accounts = (ground: Ground): Json[] => {
  const known = third(ground.accounts('FR10').active)
  const one = {
    accountNames: namesOf('Typed by hand'),
    companies: [{ companyCode: 'FR10', inherit: false, active: true }],
  }
  return [
    ...(known ? [{ ...one, externalCode: 'MAN-A1', accountCode: known.code }] : []),
    { ...one, externalCode: 'MAN-A2', accountCode: 'BW-9999' },
  ].map((account) => ({ ...account, lastUpdated: stamp(ground, account.externalCode) }))
}

const costCenters = (ground: Ground): Json[] => {
  const known = third(ground.dimensions('CCT').active)
  const one = { costCenterNames: namesOf('Typed by hand'), companies: active }
  return known
    ? [{ ...one, externalCode: 'MAN-C1', costCenterCode: known.code, lastUpdated: stamp(ground, 'MAN-C1') }]
    : []
}

/** The open order that the interface before this one sent. */
function sentBefore(ground: Ground): PurchaseOrder | undefined {
  const number = ground.orders.find((one) => ground.order(one).closed === 'no' && ground.order(one).lines.length > 1)
  return number === undefined ? undefined : ground.order(number)
}

const ORDER = 'MAN-O1'

const orders = (ground: Ground, habits: Habits): Json[] => {
  const order = sentBefore(ground)
  if (!order) return []
  const { number, company, currency, supplier, orderDate } = order
  return [
    {
      ...{ externalCode: ORDER, orderNumber: number, sourceSystem: 'X3', companyCode: company },
      ...{ organizationElementCode: company, currencyCode: currency, supplierCode: supplier },
      created: dateAs(habits, orderDate),
      lastUpdated: stamp(ground, ORDER),
    },
  ]
}

/** Its first line, and one that the ERP does not have. */
export function linesByHand(ground: Ground, orderExternalCode: string): Json[] {
  const [first] = sentBefore(ground)?.lines ?? []
  if (!first || orderExternalCode !== ORDER) return []
  return [String(first.line), '99000'].map((lineNumber) => ({
    ...{ externalCode: `${ORDER}_${lineNumber}`, orderExternalCode, lineNumber, matchingMode: 'Standard' },
    ...{ quantity: 1, netPrice: 5, netSum: 5, isClosed: false, isDeleted: false, comment: 'Typed by hand' },
    lastUpdated: stamp(ground, ORDER),
  }))
}

/** What people had typed into Basware before the ERP's interface was there: some of it stands in the ERP too, under a code of its own here. */
export const byHand: Readonly<Record<string, (ground: Ground, habits: Habits) => Json[]>> = {
  vendors,
  accounts,
  costCenters,
  matchingOrders: orders,
}
