import { charts, countries, countryHabits, dimensionTypes, units } from './codes.ts'
import { decimal } from './money.ts'
import { draws, pick } from './random.ts'
import type { Base } from './table.ts'
import { companyName, goodsName, ledgerTitle } from './text.ts'
import type { Account, BusinessPartner, Customer, Dimension, Product, Stamped, Supplier, TableName } from './types.ts'
import { masterCreated, masterStamp, numberOf, pad, stampText, type World } from './world.ts'

function stamps(world: World, table: TableName, index: number): Stamped {
  const own = masterStamp(world, table, index)
  return { created: stampText(masterCreated(world, table, index)), updated: own === null ? null : stampText(own) }
}

// Of five partners three are suppliers and three are customers; the one in the middle is both.
export const partnerOfSupplier = (index: number): number => Math.floor(index / 3) * 5 + (index % 3)
export const partnerOfCustomer = (index: number): number => Math.floor(index / 3) * 5 + 2 + (index % 3)

function partnersPerCountry(world: World): number {
  return Math.ceil(world.plan.businessPartner / countries.length)
}

/** Such as `FR053`. */
export function partnerCode(world: World, index: number): string {
  const per = partnersPerCountry(world)
  return `${countries[Math.floor(index / per)]}${pad((index % per) + 1, 3)}`
}

export function supplierCode(world: World, index: number): string {
  return partnerCode(world, partnerOfSupplier(index))
}

export function customerCode(world: World, index: number): string {
  return partnerCode(world, partnerOfCustomer(index))
}

/** Code of the `serial`-th partner that comes after the base, in one of the countries. */
export function newPartnerCode(world: World, serial: number): string {
  return `${countries[serial % countries.length]}${pad(partnersPerCountry(world) + 1 + serial, 3)}`
}

export function makePartner(world: World, index: number, code: string, when: Stamped): BusinessPartner {
  const draw = draws(world.seed, numberOf.businessPartner, index)
  const country = code.slice(0, 2)
  const [language, currency] = countryHabits[country] ?? ['ENG', 'USD']
  const name = companyName(draw)
  const account = (): string => `${country}${pad(draw(100), 2)}${pad(draw(1e8), 8)}${pad(draw(1e8), 8)}`
  return {
    ...when,
    code,
    name,
    shortName: draw(4) === 0 ? '' : name.split(' ')[0]?.slice(0, 10) || code,
    vatNumber: draw(5) === 0 ? '' : `${country}${pad(draw(1e9), 9)}`,
    country,
    language,
    currency,
    isSupplier: index % 5 < 3,
    isCustomer: index % 5 >= 2,
    bankAccounts: Array.from({ length: draw(3) }, account),
  }
}

export function makeSupplier(world: World, index: number, code: string, when: Stamped): Supplier {
  const draw = draws(world.seed, numberOf.supplier, index)
  const other = supplierCode(world, draw(world.plan.supplier))
  return {
    ...when,
    code,
    category: draw(9) === 0 ? '' : pick(draw, ['ADM', 'FOR', 'LOC', 'RAW']),
    currency: countryHabits[code.slice(0, 2)]?.[1] ?? 'EUR',
    payTo: draw(6) === 0 ? other : draw(8) === 0 ? '' : code,
    billBy: code,
    active: draw(12) > 0,
  }
}

export function makeCustomer(world: World, index: number, code: string, when: Stamped): Customer {
  const draw = draws(world.seed, numberOf.customer, index)
  return {
    ...when,
    code,
    category: draw(9) === 0 ? '' : pick(draw, ['EXP', 'KEY', 'STD']),
    currency: countryHabits[code.slice(0, 2)]?.[1] ?? 'EUR',
    active: draw(12) > 0,
  }
}

export function partnerBase(world: World): Base<BusinessPartner> {
  return {
    count: world.plan.businessPartner,
    key: (i) => partnerCode(world, i),
    keyOf: (partner) => partner.code,
    own: (i) => masterStamp(world, 'businessPartner', i),
    build: (i) => makePartner(world, i, partnerCode(world, i), stamps(world, 'businessPartner', i)),
  }
}

export function supplierBase(world: World): Base<Supplier> {
  return {
    count: world.plan.supplier,
    key: (i) => supplierCode(world, i),
    keyOf: (supplier) => supplier.code,
    own: (i) => masterStamp(world, 'supplier', i),
    build: (i) => makeSupplier(world, i, supplierCode(world, i), stamps(world, 'supplier', i)),
  }
}

export function customerBase(world: World): Base<Customer> {
  return {
    count: world.plan.customer,
    key: (i) => customerCode(world, i),
    keyOf: (customer) => customer.code,
    own: (i) => masterStamp(world, 'customer', i),
    build: (i) => makeCustomer(world, i, customerCode(world, i), stamps(world, 'customer', i)),
  }
}

/** Families of products; those of the first have codes of digits only, zeros in front. */
const families = ['00', 'BMS', 'CMP', 'DIS', 'FIN', 'PAC', 'RAW', 'SER'] as const

export function productCode(world: World, index: number): string {
  const per = Math.ceil(world.plan.product / families.length)
  return `${families[Math.floor(index / per)]}${pad((index % per) + 1, String(Math.max(per, 999)).length)}`
}

export function productBase(world: World): Base<Product> {
  return {
    count: world.plan.product,
    key: (i) => productCode(world, i),
    keyOf: (product) => product.code,
    own: (i) => masterStamp(world, 'product', i),
    build(i) {
      const draw = draws(world.seed, numberOf.product, i)
      return {
        ...stamps(world, 'product', i),
        code: productCode(world, i),
        description: goodsName(draw),
        status: pick(draw, ['active', 'active', 'active', 'inDevelopment', 'notRenewed', 'obsolete']),
        stockUnit: pick(draw, units),
        upc: draw(3) === 0 ? '' : pad(draw(1e9), 13),
        basePrice: decimal(draw(5_000_000), 4),
      }
    },
  }
}

/** Codes of one chart; those of ENG and ANA are alike (leading zeros, other titles), so that a code without its chart is ambiguous. */
export function accountCode(chart: string, place: number): string {
  if (chart === 'FRA') return String(101_000 + place * 100)
  if (chart === 'IAS') return pad((place + 1) * 5, 5)
  return pad((place + 1) * 10, 4)
}

export function accountBase(world: World): Base<Account> {
  const per = world.plan.accountsPerChart
  const chartOf = (i: number): string => charts[Math.floor(i / per)] as string
  return {
    count: charts.length * per,
    key: (i) => `${chartOf(i)}|${accountCode(chartOf(i), i % per)}`,
    keyOf: (account) => `${account.chart}|${account.code}`,
    own: (i) => masterStamp(world, 'account', i),
    build(i) {
      const draw = draws(world.seed, numberOf.account, i)
      const chart = chartOf(i)
      const code = accountCode(chart, i % per)
      return { ...stamps(world, 'account', i), chart, code, title: ledgerTitle(draw), active: draw(20) > 0 }
    },
  }
}

/** Cost centres and product lines share codes with leading zeros; projects look like `P26-007`. */
export function dimensionCode(type: string, place: number): string {
  return type === 'PRO' ? `P${20 + Math.floor(place / 999)}-${pad((place % 999) + 1, 3)}` : pad((place + 1) * 10, 5)
}

export function dimensionBase(world: World): Base<Dimension> {
  const per = world.plan.codesPerType
  const typeOf = (i: number): string => dimensionTypes[Math.floor(i / per)] as string
  return {
    count: dimensionTypes.length * per,
    key: (i) => `${typeOf(i)}|${dimensionCode(typeOf(i), i % per)}`,
    keyOf: (dimension) => `${dimension.type}|${dimension.code}`,
    own: (i) => masterStamp(world, 'dimension', i),
    build(i) {
      const draw = draws(world.seed, numberOf.dimension, i)
      const type = typeOf(i)
      const code = dimensionCode(type, i % per)
      return { ...stamps(world, 'dimension', i), type, code, title: ledgerTitle(draw), active: draw(20) > 0 }
    },
  }
}
