/** What Basware has of a record, and what of it goes along when the record is sent again: a POST replaces all of it. */
import { z } from 'zod'
import { type Place, resourceOf } from './resources.ts'
import { type Body, SCHEMAS } from './schema.ts'

/** A record as Basware's API gives it. */
export type Copy = Readonly<Record<string, unknown>> & { readonly externalCode: string }

const copy = z.looseObject({ externalCode: z.string().min(1) })
export const copyOf = (value: unknown): Copy | undefined => copy.safeParse(value).data

/** What of a copy is sent back where we do not fill it; the contract has no other fields but those that are Basware's own. */
const OWN_FIELDS = /^(text|numeric|date|int)\d+$/
const CARRIED: Readonly<Record<string, string>> = {
  vendors: `vendorParent sourceSystem description supplierAssignedAccountId eligibleForSourcing vendorClass identifiers addresses
    contacts deliveryTerm paymentMeans paymentTerms orderingDetails processingStatus tags customFields`,
  accounts: 'taxCode',
  projects: 'description',
  lists: 'listContent',
  matchingOrders: `companyName organizationElementName orderTypeCode created isClosed description purchaseOrganizationCode
    purchaseOrganizationName supplierName invoicingSupplierCode invoicingSupplierName requestedDeliveryDate actualDeliveryDate
    validFrom validTo paymentTermCode paymentTermName isInvoiced isDelivered orderReference`,
  // What was invoiced is Basware's to count: sent again it would disturb the matching.
  matchingOrderLines: `sortNumber netSum grossSum currencyCode isReceiptRequired isReceiptBasedMatching isOverreceivalAllowed
    isClosed isDeleted isSelfApproved uom subUOM netPrice grossPrice priceUnit priceUnitDescription taxCode taxPercent taxPercent2
    taxSum taxSum2 validFrom validTo productCode productName materialGroup globalTradeItemNumber unspsc buyerProductCode
    contractNumber description comment requestedDeliveryDate actualDeliveryDate orderLineCoding goodsReceipts referenceUsers`,
}

const names = new Map<string, ReadonlySet<string>>()

/** Whether a field of a copy goes back with it. */
export function isCarried(place: Place, name: string): boolean {
  const kind = place.replace(/\/.*/, '')
  if (kind === 'lists' ? /^(text|number|dateValue)_\d+$/.test(name) : OWN_FIELDS.test(name)) return true
  const known = names.get(kind) ?? new Set((CARRIED[kind] ?? '').split(/\s+/))
  names.set(kind, known)
  return known.has(name)
}

/** Lists of which a part is ours: by which member their entries are told apart. */
const MERGED: Readonly<Record<string, string>> = {
  companies: 'companyCode',
  identifiers: 'schemeId',
  accountNames: 'language',
  costCenterNames: 'language',
}

export const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

/** A body with what Basware has besides: fields that it does not fill, and entries of others in its lists. */
export function withCopy(place: Place, body: Body, known: Copy | undefined): Body {
  if (!known) return body
  const merged: Record<string, unknown> = {}
  for (const [name, theirs] of Object.entries(known)) {
    const own = body[name]
    if (isEmpty(theirs)) continue
    if (own === undefined) {
      if (isCarried(place, name)) merged[name] = theirs
    } else if (Object.hasOwn(MERGED, name)) merged[name] = mergedList(own, theirs, MERGED[name] as string)
    else if (name === 'processingStatus') merged[name] = { ...(theirs as object), ...(own as object) }
    else if (name === 'goodsReceipts') merged[name] = mergedList(own, theirs, 'externalCode')
  }
  return { ...body, ...merged }
}

function mergedList(own: unknown, theirs: unknown, by: string): unknown {
  if (!Array.isArray(own) || !Array.isArray(theirs)) return own
  const entry = (value: unknown): unknown => (value as Readonly<Record<string, unknown>> | null)?.[by]
  const ours = new Set(own.map(entry))
  return [...own, ...theirs.filter((one) => !ours.has(entry(one)))]
}

/** The whole copy with the flags of its place, for a record that is gone in the ERP. */
export function closedCopy(place: Place, known: Copy): Body {
  const filled: object = SCHEMAS[resourceOf(place).entity].shape
  const kept = Object.entries(known).filter(
    ([name, value]) => !isEmpty(value) && (Object.hasOwn(filled, name) || isCarried(place, name)),
  )
  const own = { ...Object.fromEntries(kept), externalCode: known.externalCode }
  if (place === 'vendors')
    return { ...own, processingStatus: { ...(known.processingStatus as object | undefined), active: false } }
  if (place === 'matchingOrders') return { ...own, isClosed: true }
  if (place === 'matchingOrderLines') return { ...own, isClosed: true, isDeleted: true }
  const companies = Array.isArray(known.companies) ? known.companies : []
  return { ...own, companies: companies.map((one: object) => ({ ...one, active: false })) }
}
