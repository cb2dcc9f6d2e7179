/** What of Basware's replies is looked at besides the columns: parsed at the border, everything else goes through as it came. */
import { z } from 'zod'
import { bodyError } from './errors.ts'

const textOrNull = z.string().nullish()
const response = z.looseObject({
  externalCode: textOrNull,
  success: z.boolean().nullish(),
  voucherNumber1: textOrNull,
  sourceSystem: textOrNull,
})
const responses = z.array(response).nullish()

const invoice = z.looseObject({
  invoiceId: z.string().min(1),
  companyCode: z.string(),
  processingStatus: z.string(),
  prebooked: z.boolean().nullish(),
  voucherNumber1: textOrNull,
  voucherNumber2: textOrNull,
  lastUpdated: textOrNull,
  codingRows: z.array(z.looseObject({ externalCode: z.string().min(1) })).nullish(),
  transferResponses: responses,
  prebookResponses: responses,
})
export type Invoice = z.output<typeof invoice>
export type CodingRow = NonNullable<Invoice['codingRows']>[number]

const order = z.looseObject({
  externalCode: z.string().min(1),
  orderNumber: z.string().min(1),
  companyCode: z.string(),
  lastUpdated: textOrNull,
})
export type Order = z.output<typeof order>

const orderCoding = z.looseObject({
  accountCode: textOrNull,
  costCenterCode: textOrNull,
  rowIndex: z.number().nullish(),
})
const orderLine = z.looseObject({ lineNumber: z.string(), orderLineCoding: z.array(orderCoding).nullish() })
export type OrderLine = z.output<typeof orderLine>
export type OrderCoding = z.output<typeof orderCoding>

const item = z.looseObject({
  externalCode: textOrNull,
  parentExternalCode: textOrNull,
  status: z.string(),
  errors: z.array(z.looseObject({ message: textOrNull, category: textOrNull })).nullish(),
})
const request = z.looseObject({
  requestId: z.string(),
  requestStatus: z.string(),
  systems: z.array(z.looseObject({ systemStatus: textOrNull, items: z.array(item).nullish() })).nullish(),
})
export type RequestStatus = z.output<typeof request>

const envelopes = {
  accountingDocuments: z.object({ accountingDocuments: z.array(invoice) }),
  matchingOrders: z.object({ matchingOrders: z.array(order) }),
  matchingOrderLines: z.object({ matchingOrderLines: z.array(orderLine) }),
  requestStatus: z.object({ requestStatus: z.array(request) }),
} as const
type Name = keyof typeof envelopes
export type Records<N extends Name> = z.output<(typeof envelopes)[N]>[N extends keyof z.output<(typeof envelopes)[N]>
  ? N
  : never]

/** The records of a reply. Throws a `transient` error for a body that is not what the contract says. */
export function recordsIn<N extends Name>(name: N, data: unknown, what: string): Records<N> {
  const parsed = envelopes[name].safeParse(data)
  if (parsed.success) return (parsed.data as Record<string, unknown>)[name] as Records<N>
  const issue = parsed.error.issues[0]
  throw bodyError(what, `is not what its contract says (${issue?.path.join('.') || name}: ${issue?.message})`)
}

/** An invoice that was written down by an earlier run. */
export const storedInvoice = (document: unknown): Invoice | undefined => invoice.safeParse(document).data
