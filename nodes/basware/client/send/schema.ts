/** What Basware takes: the fields that are sent, with their lengths, as its published file says. Validated before anything goes. */
import { z } from 'zod'
import { type ExactNumber, isExactNumber } from '../../../../vendor/json.ts'

const text = (max: number, min = 0) => z.string().min(min).max(max)
const code = text(36, 1).regex(/^[A-Za-z0-9_-]+$/)
/** A decimal with all its digits, or an integer. */
const decimal = z.custom<ExactNumber>(isExactNumber, 'must be a number').meta({ kind: 'number' })
const day = z.iso.date()
const flag = z.boolean()

/** `text1`, `text2` ... */
const numbered = <T extends z.ZodType>(name: string, count: number, type: T): Record<string, z.ZodOptional<T>> =>
  Object.fromEntries(Array.from({ length: count }, (_, k) => [`${name}${k + 1}`, type.optional()]))

const names = z.array(z.strictObject({ language: text(10, 2), translation: text(2000, 2) })).min(1)
const inCompany = z.strictObject({ companyCode: text(32, 1), active: flag })

export const vendor = z.strictObject({
  externalCode: code,
  vendorCode: text(25, 1),
  name: text(250, 1),
  sourceSystem: text(36).optional(),
  description: text(250).optional(),
  vendorClass: text(100).optional(),
  identifiers: z.array(z.strictObject({ id: text(36, 1), schemeId: text(32, 1) })).optional(),
  processingStatus: z.strictObject({ active: flag, paymentDenied: flag.optional() }),
  companies: z.array(z.strictObject({ companyCode: text(32, 1), inheritToChildUnits: flag })).min(1),
})

export const account = z.strictObject({
  externalCode: code,
  accountCode: text(25, 1),
  accountNames: names,
  ...numbered('text', 5, text(250)),
  companies: z.array(z.strictObject({ companyCode: text(32, 1), inherit: flag, active: flag })).min(1),
})

export const costCenter = z.strictObject({
  externalCode: code,
  costCenterCode: text(25, 1),
  costCenterNames: names,
  ...numbered('text', 10, text(250)),
  companies: z.array(inCompany).min(1),
})

export const project = z.strictObject({
  externalCode: code,
  projectCode: text(25, 1),
  projectName: text(100, 1),
  description: text(500).optional(),
  validFrom: day,
  validUntil: day,
  companies: z.array(inCompany).min(1),
})

export const listItem = z.strictObject({
  externalCode: code,
  ...numbered('text_', 25, text(250)),
  companies: z.array(inCompany).min(1),
})

export const order = z.strictObject({
  externalCode: code,
  orderNumber: text(100, 1),
  sourceSystem: text(36, 1),
  companyCode: text(25, 1),
  organizationElementCode: text(25, 2),
  currencyCode: text(3, 2),
  supplierCode: text(25, 1),
  created: day.optional(),
  requestedDeliveryDate: day.optional(),
  description: text(1000).optional(),
  paymentTermCode: text(25).optional(),
  ...numbered('text', 10, text(250)),
  isClosed: flag,
})

const dimensions = [
  ...['projectSubCode', 'profitCenterCode', 'businessUnitCode', 'internalOrderCode', 'employeeCode', 'customerCode'],
  ...['salesOrderCode', 'budgetCode', 'serviceCode', 'businessAreaCode', 'workOrderCode', 'accAssignmentCategoryCode'],
] as const

const coding = z.strictObject({
  externalCode: code,
  rowIndex: z.int().min(0).max(100_000),
  allocatedQuantity: decimal,
  netTotal: decimal.optional(),
  accountCode: text(50).optional(),
  costCenterCode: text(200).optional(),
  projectCode: text(25).optional(),
  fixedAssetCode: text(250).optional(),
  taxCode: text(25).optional(),
  ...Object.fromEntries(dimensions.map((name) => [name, text(50).optional()])),
  ...numbered('dimCode', 10, text(100)),
})

/** Fields of a coding row that an axis may feed. */
export const CODING_FIELDS: readonly string[] = [
  ...['costCenterCode', 'projectCode', 'fixedAssetCode', ...dimensions],
  ...Array.from({ length: 10 }, (_, k) => `dimCode${k + 1}`),
]

const receipt = z.strictObject({
  externalCode: code,
  goodsReceiptNumber: text(100, 1),
  goodsReceiptLineNumber: text(25).optional(),
  deliveryNoteNumber: text(250).optional(),
  quantity: decimal,
  netPrice: decimal,
  netSum: decimal,
  unitOfMeasure: text(25).optional(),
  deliveryDate: day.optional(),
  isDeleted: flag,
})

export const orderLine = z.strictObject({
  externalCode: code,
  orderExternalCode: code,
  lineNumber: text(100, 1),
  sortNumber: z.int().optional(),
  quantity: decimal,
  netSum: decimal,
  netPrice: decimal,
  currencyCode: text(3, 2).optional(),
  matchingMode: z.enum(['Standard', 'Blanket', 'Return', 'Service']),
  isReceiptRequired: flag,
  isReceiptBasedMatching: flag,
  isClosed: flag,
  isDeleted: flag,
  uom: text(25).optional(),
  taxCode: text(25).optional(),
  buyerProductCode: text(250).optional(),
  description: text(1000).optional(),
  ...numbered('text', 10, text(250)),
  orderLineCoding: z.array(coding).optional(),
  goodsReceipts: z.array(receipt).optional(),
})

const requisitionCoding = z.strictObject({
  externalCode: code,
  ...Object.fromEntries(
    ['accountCode', 'costCenterCode', 'projectCode', 'fixedAssetCode', ...dimensions].map((name) => [
      name,
      text(25).optional(),
    ]),
  ),
  ...numbered('dimCode', 10, text(25)),
})

const requisitionLine = z.strictObject({
  externalCode: code,
  extRequisitionLineNumber: text(100, 1),
  supplierCode: text(32).optional(),
  buyerProductCode: text(250).optional(),
  description: text(2000).optional(),
  quantity: decimal,
  quantityUnitCode: text(10).optional(),
  unitPrice: decimal,
  priceType: z.enum(['Net', 'Gross']),
  refundLine: flag,
  currencyCode: text(25, 1),
  taxCode: text(32).optional(),
  codingRows: z.array(requisitionCoding).max(1).optional(),
})

export const requisition = z.strictObject({
  externalCode: code,
  extDocumentNumber: text(100, 2),
  sendToProcess: flag,
  organizationUnitCode: text(100),
  ownerLogin: text(100).optional(),
  orderType: z.enum(['Standard', 'Blanket']),
  purpose: text(2000, 1),
  desiredDeliveryDate: day.optional(),
  ...numbered('headerDataText', 5, text(250)),
  lines: z.array(requisitionLine).min(1).max(200),
})

/** By the name of the entity in the published file. */
export const SCHEMAS = {
  VendorEntity: vendor,
  AccountEntity: account,
  CostCenterEntity: costCenter,
  ProjectEntityV2: project,
  GenericListEntity: listItem,
  OrderEntity: order,
  OrderLineEntity: orderLine,
  OrderLineCodingEntity: coding,
  GoodsReceiptEntity: receipt,
  PurchaseRequisitionEntity: requisition,
  RequisitionLine: requisitionLine,
  RequisitionCodingRow: requisitionCoding,
} as const
export type EntityName = keyof typeof SCHEMAS

/** A body that is built to be sent. */
export type Body = Readonly<Record<string, unknown>> & { readonly externalCode: string }

/** What of a body Basware would refuse: the first fault. */
export function faultOf(name: EntityName, body: Body): { readonly field: string; readonly text: string } | undefined {
  const parsed = SCHEMAS[name].safeParse(body)
  if (parsed.success) return undefined
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') ?? ''
  return { field: field || (issue && 'keys' in issue ? String(issue.keys) : ''), text: issue?.message ?? 'not valid' }
}
