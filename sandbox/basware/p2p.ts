import type { Json } from './company/invoice.ts'
import type { BaswareSettings } from './options.ts'
import type { Shelf } from './shelf.ts'

/** What P2P has, as far as records refer to it. */
export interface World {
  shelf(collection: string): Shelf
  lines(orderExternalCode: string): readonly Json[]
  readonly companies: readonly string[]
  readonly currencies: readonly string[]
  readonly paymentTerms: readonly string[]
  readonly settings: BaswareSettings
}

/** What P2P makes of a record. */
export interface Judgement {
  /** Why it is not saved; nothing where it is. */
  readonly errors: readonly string[]
  /** It names something that may still come: P2P tries again before it says so. */
  readonly waits: boolean
  /** What of it is not saved. */
  readonly warnings: readonly string[]
  /** The record as it is saved. */
  readonly saved: Json
}

type Rule = (record: Json, world: World) => readonly string[]

const list = (record: Json, name: string): readonly Json[] => (record[name] as readonly Json[] | null | undefined) ?? []
const given = (value: unknown): boolean => value !== undefined && value !== null
const text = (value: unknown): string => (given(value) ? String(value) : '')
const twice = (values: readonly string[]): string | undefined => values.find((value, k) => values.indexOf(value) !== k)

/** Codes of the companies that a record belongs to. */
const companiesOf = (record: Json): readonly string[] =>
  given(record.companyCode)
    ? [text(record.companyCode)]
    : list(record, 'companies').map(({ companyCode }) => text(companyCode))

const knownCompany: Rule = (record, { companies }) =>
  companiesOf(record)
    .filter((code) => !companies.includes(code))
    .map((code) => `Record skipped due to wrong or missing CompanyCode: ${code}`)

const knownTerm = (code: unknown, { paymentTerms }: World): readonly string[] =>
  given(code) && !paymentTerms.includes(text(code)) ? [`Payment term ${text(code)} does not exist`] : []

const knownCurrency = (code: unknown, { currencies }: World): readonly string[] =>
  given(code) && !currencies.includes(text(code)) ? [`Currency ${text(code)} is not active`] : []

/** Another record of a company they share must not have its code. */
const ownCode =
  (collection: string, field: string): Rule =>
  (record, { shelf, settings }) => {
    if (settings.sameRecordCode === 'taken') return []
    const companies = companiesOf(record)
    const other = shelf(collection)
      .by(field, record[field])
      .find(
        (one) => one.externalCode !== record.externalCode && companiesOf(one).some((code) => companies.includes(code)),
      )
    return other ? [`${field} ${text(record[field])} is in use by record ${text(other.externalCode)}`] : []
  }

const vendorRules: readonly Rule[] = [
  knownCompany,
  ownCode('vendors', 'vendorCode'),
  (vendor, world) => knownTerm((vendor.paymentTerms as Json | null | undefined)?.paymentTermCode, world),
  (vendor, world) => list(vendor, 'paymentMeans').flatMap(({ currencyCode }) => knownCurrency(currencyCode, world)),
  (vendor) => {
    const accounts = list(vendor, 'paymentMeans')
      .flatMap((means) => list(means, 'financialAccounts'))
      .flatMap((account) => list(account, 'financialAccountIdentifiers'))
      .map(({ id }) => text(id))
    const again = twice(accounts.filter(Boolean))
    return again === undefined ? [] : [`Bank account ${again} is on the vendor twice`]
  },
]

/** A vendor of the order's company under this code. */
const hasVendor = (order: Json, { shelf }: World): boolean =>
  shelf('vendors')
    .by('vendorCode', order.supplierCode)
    .some((vendor) => companiesOf(vendor).includes(text(order.companyCode)))

const IDENTITY = ['orderNumber', 'sourceSystem', 'companyCode', 'organizationElementCode']

const orderRules: readonly Rule[] = [
  knownCompany,
  (order, world) => knownTerm(order.paymentTermCode, world),
  (order, world) => knownCurrency(order.currencyCode, world),
  (order, { shelf, settings }) => {
    const other = shelf('matchingOrders')
      .by('orderNumber', order.orderNumber)
      .find((one) => one.externalCode !== order.externalCode && IDENTITY.every((name) => one[name] === order[name]))
    return other && settings.sameRecordCode === 'refused'
      ? [`Order ${text(order.orderNumber)} is in use by record ${text(other.externalCode)}`]
      : []
  },
]

const amountsOf = (line: Json, kind: 'net' | 'gross'): boolean =>
  given(line[`${kind}Sum`]) || given(line[`${kind}Price`])

/** What the contract says of each mode of matching. */
const MODES: Readonly<Record<string, (line: Json) => boolean>> = {
  Standard: () => true,
  Blanket: (line) => line.quantity === 1 && line.isReceiptRequired !== true,
  Service: (line) => line.quantity === 1 && line.isReceiptRequired === true && line.isReceiptBasedMatching === true,
  Return: (line) => Number(line.netPrice ?? line.grossPrice ?? -1) < 0,
}

const lineRules: readonly Rule[] = [
  (line) => (Number(line.quantity) > 0 ? [] : [`Quantity ${text(line.quantity)} is not above zero`]),
  (line) =>
    MODES[text(line.matchingMode)]?.(line) === false
      ? [`Quantity, price or receipts do not go with matching mode ${text(line.matchingMode)}`]
      : [],
  (line, world) => knownCurrency(line.currencyCode, world),
  (line, { lines, settings }) => {
    const others = lines(text(line.orderExternalCode)).filter(({ externalCode }) => externalCode !== line.externalCode)
    const all = [line, ...others]
    const amounts = (['net', 'gross'] as const).some((kind) => all.every((one) => amountsOf(one, kind)))
    const same = others.find(({ lineNumber, isDeleted }) => lineNumber === line.lineNumber && isDeleted !== true)
    return [
      ...(amounts ? [] : ['Net or gross amounts are needed on every line of the order']),
      ...(same && line.isDeleted !== true && settings.sameRecordCode === 'refused'
        ? [`Line ${text(line.lineNumber)} is in use by record ${text(same.externalCode)}`]
        : []),
    ]
  },
  (line) => {
    const receipts = list(line, 'goodsReceipts')
    const codes = receipts.map(({ externalCode }) => text(externalCode))
    const rows = list(line, 'orderLineCoding').map(({ externalCode }) => text(externalCode))
    const again = twice(codes) ?? twice(rows)
    return [
      ...(again === undefined ? [] : [`${again} is on the line twice`]),
      ...receipts
        .filter(
          ({ quantity, referenceGRExternalCode }) =>
            Number(quantity) < 0 && !codes.includes(text(referenceGRExternalCode)),
        )
        .map(({ goodsReceiptNumber }) => `Receipt ${text(goodsReceiptNumber)} takes back a receipt that is not here`),
    ]
  },
]

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  vendors: vendorRules,
  accounts: [knownCompany, ownCode('accounts', 'accountCode')],
  costCenters: [knownCompany, ownCode('costCenters', 'costCenterCode')],
  projects: [knownCompany, ownCode('projects', 'projectCode')],
  matchingOrders: orderRules,
  matchingOrderLines: lineRules,
  purchaseRequisitions: [
    ({ externalCode }, { shelf }) =>
      shelf('purchaseRequisitions').get(text(externalCode))
        ? ['A requisition that was imported cannot be updated']
        : [],
    (requisition, world) =>
      list(requisition, 'lines').flatMap(({ currencyCode }) => knownCurrency(currencyCode, world)),
  ],
}

/** What a record refers to and P2P does not have. */
function missing(collection: string, record: Json, world: World): readonly string[] {
  if (collection === 'matchingOrders')
    return hasVendor(record, world)
      ? []
      : [`Supplier ${text(record.supplierCode)} does not exist in company ${text(record.companyCode)}`]
  if (collection === 'matchingOrderLines') {
    const order = text(record.orderExternalCode)
    return world.shelf('matchingOrders').get(order) ? [] : [`Order ${order} of the line does not exist`]
  }
  if (collection !== 'purchaseRequisitions') return []
  return list(record, 'lines')
    .filter(
      ({ supplierCode }) => given(supplierCode) && world.shelf('vendors').by('vendorCode', supplierCode).length === 0,
    )
    .map(({ supplierCode }) => `Supplier ${text(supplierCode)} does not exist`)
}

/** Where a field of a coding row is kept, and the field of that record that it names. */
const CODED = [
  ['accountCode', 'accounts', 'accountCode'],
  ['costCenterCode', 'costCenters', 'costCenterCode'],
] as const

/** A line without the codes of its coding rows that P2P does not have, and what they were. */
function codingKnown(line: Json, world: World): { readonly saved: Json; readonly unknown: readonly string[] } {
  const unknown: string[] = []
  const rows = list(line, 'orderLineCoding').map((row) => {
    const lost = CODED.filter(
      ([field, collection, own]) => text(row[field]) !== '' && world.shelf(collection).by(own, row[field]).length === 0,
    )
    for (const [field] of lost) unknown.push(`${field} ${text(row[field])} of coding row ${text(row.externalCode)}`)
    return { ...row, ...Object.fromEntries(lost.map(([field]) => [field, null])) }
  })
  return { saved: unknown.length === 0 ? line : { ...line, orderLineCoding: rows }, unknown }
}

/** What P2P makes of a whole record that the API layer has handed on. */
export function judge(collection: string, record: Json, world: World): Judgement {
  const { unknownCoding } = world.settings
  const rules = collection.startsWith('lists/') ? [knownCompany] : (RULES[collection] ?? [])
  const broken = rules.flatMap((rule) => rule(record, world))
  const { saved, unknown } =
    collection === 'matchingOrderLines' && unknownCoding !== 'saved'
      ? codingKnown(record, world)
      : { saved: record, unknown: [] }
  const lost = unknown.map((what) => `Not saved, since it does not exist: ${what}`)
  const refused = unknownCoding === 'refused'
  return {
    errors: [...broken, ...missing(collection, record, world), ...(refused ? lost : [])],
    waits: broken.length === 0,
    warnings: refused ? [] : lost,
    saved,
  }
}
