import type { Change } from './changes.ts'
import { isPostedTo } from './purchase-accounts.ts'

/** A supplier that is changed back tomorrow: the two states are seen by two runs. */
export const thereToday: Change = ({ tables, day, memory, choose, reserve }) => {
  const supplier = choose('supplier')
  if (supplier === undefined) return false
  const { code, category } = supplier
  tables.supplier.put({ ...supplier, category: category === 'LOC' ? 'FOR' : 'LOC', updated: day.at() })
  reserve('supplier', code)
  memory.back.push((updated) => {
    const now = tables.supplier.get(code)
    if (now) tables.supplier.put({ ...now, category, updated })
  })
  return true
}

export const backFromYesterday: Change = ({ day, memory }) => {
  const back = memory.back.splice(0)
  for (const undo of back) undo(day.at())
  return back.length > 0
}

export const thereAndBackInOneDay: Change = ({ tables, day, choose }) => {
  const dimension = choose('dimension', ({ updated }) => updated !== null)
  if (dimension === undefined) return false
  const [there, back] = day.rising(2) as [string, string]
  tables.dimension.put({ ...dimension, title: `${dimension.title} (B)`, updated: there })
  tables.dimension.put({ ...dimension, updated: back })
  return true
}

/** One is retitled; another is closed, and opened again by the next day: a company does not close more and more of its accounts. */
export const twoInOneSecond: Change = ({ tables, day, memory, choose, reserve }) => {
  const one = choose('account')
  const turned = memory.turnedAccount
  const other =
    turned === undefined ? choose('account', (account) => !isPostedTo(tables, account)) : tables.account.get(turned)
  if (one === undefined || other === undefined) return false
  const key = tables.account.keyOf(other)
  memory.turnedAccount = turned === undefined ? key : undefined
  if (turned === undefined) reserve('account', key)
  const updated = day.at()
  const retitled = { ...one, title: `Retitled ${day.number} <1>`, updated }
  tables.account.put(retitled)
  tables.account.put({ ...other, active: !other.active, updated })
  tables.account.put({ ...retitled, title: `Retitled ${day.number} <2>` })
  return true
}

export const partnerRenamed: Change = ({ tables, day, choose }) => {
  const supplier = choose('supplier', ({ code }) => tables.businessPartner.get(code)?.isSupplier === true)
  const partner = supplier && tables.businessPartner.get(supplier.code)
  if (partner === undefined) return false
  const name = `${partner.name.replace(/ \(renamed \d+\)$/, '')} (renamed ${day.number})`
  tables.businessPartner.put({ ...partner, name, shortName: partner.shortName === '' ? 'New' : '', updated: day.at() })
  return true
}

/** More than a page of products with new prices, all under one stamp. */
export const bulkLoad: Change = ({ world, tables, day, choose }) => {
  const updated = day.at()
  const wanted = world.plan.rows >= 20_000 ? 220 : 30
  for (let k = 0; k < wanted; k++) {
    const product = choose('product')
    if (product === undefined) return false
    const cents = String(day.draw(10_000)).padStart(4, '0')
    tables.product.put({ ...product, basePrice: `${day.number * 1_000 + k}.${cents}`, updated })
  }
  return true
}

export const stampedInTheFuture: Change = ({ tables, day, choose }) => {
  const customer = choose('customer')
  if (customer === undefined) return false
  const updated = new Date((day.now + 7_200) * 1000).toISOString().replace('.000Z', 'Z')
  tables.customer.put({ ...customer, active: !customer.active, updated })
  return true
}

/** A row that an upgrade had left without a stamp gets its first. A cost centre that costs are coded to is retitled, others end. */
export const firstStamp: Change = ({ tables, day, choose }) => {
  const dimension = choose('dimension', ({ updated }) => updated === null)
  if (dimension !== undefined) {
    const change = dimension.type === 'CCT' ? { title: `${dimension.title} (A)` } : { active: !dimension.active }
    tables.dimension.put({ ...dimension, ...change, updated: day.at() })
    return true
  }
  const customer = choose('customer', ({ updated }) => updated === null)
  if (customer === undefined) return false
  tables.customer.put({ ...customer, category: customer.category === 'KEY' ? 'STD' : 'KEY', updated: day.at() })
  return true
}
