/** What Basware has of a record, and what of it goes along when the record is sent again: a POST replaces all of it. */
import { z } from 'zod'
import type { Place } from './resources.ts'
import type { Body } from './schema.ts'

/** A record as Basware's API gives it. */
export type Copy = Readonly<Record<string, unknown>> & { readonly externalCode: string }

const copy = z.looseObject({ externalCode: z.string().min(1) })
export const copyOf = (value: unknown): Copy | undefined => copy.safeParse(value).data

/** Basware's own, and what disturbs its matching when it is sent again. */
const NEVER = /^(lastUpdated|buvid|invoicedQuantity|invoicedNetSum|invoicedGrossSum)$/

/** Lists of which a part is ours: by which member their entries are told apart. */
const MERGED: Readonly<Record<string, string>> = {
  companies: 'companyCode',
  identifiers: 'schemeId',
  accountNames: 'language',
  costCenterNames: 'language',
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

/** A body with what Basware has besides: fields that it does not fill, and entries of others in its lists. */
export function withCopy(body: Body, known: Copy | undefined): Body {
  if (!known) return body
  const merged: Record<string, unknown> = {}
  for (const [name, theirs] of Object.entries(known)) {
    const own = body[name]
    if (NEVER.test(name) || isEmpty(theirs)) continue
    if (own === undefined) merged[name] = theirs
    else if (Object.hasOwn(MERGED, name)) merged[name] = mergedList(own, theirs, MERGED[name] as string)
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
  const rest = Object.fromEntries(Object.entries(known).filter(([name, value]) => !NEVER.test(name) && !isEmpty(value)))
  const own = { ...rest, externalCode: known.externalCode }
  if (place === 'vendors')
    return { ...own, processingStatus: { ...(known.processingStatus as object | undefined), active: false } }
  if (place === 'matchingOrders') return { ...own, isClosed: true }
  if (place === 'matchingOrderLines') return { ...own, isClosed: true, isDeleted: true }
  const companies = Array.isArray(known.companies) ? known.companies : []
  return { ...own, companies: companies.map((one: object) => ({ ...one, active: false })) }
}
