/** The approved invoice: which column comes from which field of Basware (docs/entities.md). Plain data. */
import type { Column, ColumnType, Schema, TableSchema } from '../../../sync/contract/message.ts'

/** One column. Exactly one of `field` and `from`; neither: the source fills it. */
export interface ColumnDef extends Column {
  /** Field of the document or of its coding row. */
  readonly field?: string
  /** Repeats the document's column of this name. */
  readonly header?: string
  /** Custom fields (`text1` ...) that hold something, by their own names. */
  readonly custom?: RegExp
}

export const ENTITY = 'basware_invoice'
export const AMOUNT = 'decimal(28,8)' as const

const of =
  (type: ColumnType) =>
  (name: string, field: string, more: Partial<ColumnDef> = {}): ColumnDef => ({ name, type, field, ...more })
const text = of('string')
const amount = of(AMOUNT)
const date = of('date')
const flag = of('boolean')
const integer = of('integer')
/** It moves with the states of the invoice at Basware, and says nothing of what is to be posted. */
const volatile = { volatile: true } as const
const sensitive = { sensitive: true } as const

const SOURCE: ColumnDef = { name: 'source', type: 'string', description: 'Name of the connection' }
const REVISION: ColumnDef = {
  name: 'revision',
  type: 'integer',
  description: '0; raised by a person alone, once an earlier posting is reversed',
}

export const HEADER: readonly ColumnDef[] = [
  SOURCE,
  text('id', 'invoiceId', { description: "Basware's own id of the invoice" }),
  REVISION,
  text('number', 'invoiceNumber', { description: "The supplier's number" }),
  text('company', 'companyCode'),
  text('organization', 'organizationElementCode'),
  text('supplier', 'supplierCode'),
  text('supplier_name', 'supplierName'),
  text('supplier_system', 'supplierSourceSystemId'),
  text('invoice_type', 'invoiceTypeCode'),
  date('invoice_date', 'invoiceDate'),
  date('voucher_date', 'voucherDate', { description: 'Says the period' }),
  text('accounting_period', 'accountingPeriod'),
  date('base_date', 'baseLineDate'),
  date('due_date', 'dueDate'),
  date('discount_date', 'cashDate'),
  amount('discount_percent', 'cashPercent'),
  amount('discount_amount', 'cashSum'),
  text('currency', 'currencyCode'),
  amount('net_amount', 'netSum'),
  amount('tax_amount', 'taxSum1', { description: 'Tax to be paid to the supplier' }),
  amount('tax_amount_2', 'taxSum2', { description: 'Tax that is not paid to the supplier, or not deducted' }),
  amount('gross_amount', 'grossSum'),
  text('tax_code', 'taxCode'),
  amount('tax_percent', 'taxPercent1'),
  amount('tax_percent_2', 'taxPercent2'),
  text('company_currency', 'currencyCodeCompany'),
  of('decimal(28,10)')('exchange_rate', 'exchangeRateCompany'),
  date('exchange_rate_date', 'exchangeRateBaseDate'),
  amount('net_amount_company', 'netSumCompany'),
  amount('tax_amount_company', 'taxSum1Company'),
  amount('tax_amount_2_company', 'taxSum2Company'),
  amount('gross_amount_company', 'grossSumCompany'),
  text('payment_term', 'paymentTermCode'),
  text('payment_method', 'paymentMethod'),
  flag('payment_block', 'paymentBlock', volatile),
  text('payment_reference', 'referenceNumber'),
  text('contract', 'contractNumber'),
  text('description', 'description'),
  {
    name: 'orders',
    type: 'json',
    field: 'orderNumbers',
    description: 'Numbers of the orders that it was matched with',
  },
  {
    name: 'custom',
    type: 'json',
    custom: /^(text|numeric|date)\d+$/,
    description: "The tenant's own fields that hold something",
  },
  text('bank_account', 'supplierBankIBAN', sensitive),
  text('bank_account_local', 'supplierBankBBAN', sensitive),
  flag('prebooked', 'prebooked', volatile),
  text('voucher_1', 'voucherNumber1', volatile),
  text('voucher_2', 'voucherNumber2', volatile),
  text('status', 'processingStatus', volatile),
  of('timestamp')('updated', 'lastUpdated', volatile),
  {
    name: 'coding_differences',
    type: 'integer',
    description: 'Matched rows whose approved account or cost centre is not that of the order',
  },
  { name: 'orders_not_readable', type: 'integer', description: "Matched rows whose order's coding could not be read" },
]

const header = (names: Readonly<Record<string, ColumnType>>): ColumnDef[] =>
  Object.entries(names).map(([name, type]) => ({ name, type, header: name }))
const dims = Array.from({ length: 10 }, (_, k) => text(`dim_${k + 1}`, `dimCode${k + 1}`))

export const ROW: readonly ColumnDef[] = [
  ...header({ source: 'string', id: 'string', revision: 'integer' }),
  text('row', 'externalCode', { description: "Basware's own id of the coding row" }),
  integer('line', 'rowIndex', { description: 'Its number, with gaps' }),
  ...header({ company: 'string', supplier: 'string', currency: 'string', voucher_date: 'date' }),
  { name: 'account', type: 'string', description: 'To be posted to: of the row or of the order, see coding' },
  { name: 'cost_centre', type: 'string', description: 'Likewise' },
  {
    name: 'coding',
    type: 'string',
    description: '`row`, `order`, or `order not readable`: where account and cost centre are from',
  },
  text('row_account', 'accountCode', { description: 'As approved' }),
  text('row_cost_centre', 'costCenterCode', { description: 'As approved' }),
  { name: 'order_account', type: 'string', description: 'Of the order line that it was matched with' },
  { name: 'order_cost_centre', type: 'string', description: 'Likewise' },
  text('account_name', 'accountName'),
  text('project', 'projectCode'),
  text('profit_centre', 'profitCenterCode'),
  text('business_unit', 'businessUnitCode'),
  text('internal_order', 'internalOrderCode'),
  text('fixed_asset', 'fixedAssetCode'),
  text('employee', 'employeeCode'),
  text('customer', 'customerCode'),
  text('plant', 'plant'),
  ...dims,
  text('description', 'orderLineDescription'),
  text('comment', 'lastComment'),
  amount('net_amount', 'netTotal'),
  amount('tax_amount', 'taxSum', { description: 'Tax to be paid to the supplier' }),
  amount('tax_amount_2', 'taxSum2', { description: 'Tax that is not paid to the supplier, or not deducted' }),
  amount('gross_amount', 'grossTotal'),
  text('tax_code', 'taxCode'),
  amount('tax_percent', 'taxPercent'),
  amount('tax_percent_2', 'taxPercent2'),
  amount('net_amount_company', 'netTotalCompany'),
  amount('tax_amount_company', 'taxSumCompany'),
  amount('tax_amount_2_company', 'taxSum2Company'),
  amount('gross_amount_company', 'grossTotalCompany'),
  text('order_number', 'orderNumber'),
  text('order_line', 'orderLineNumber'),
  text('order_item', 'orderItemNumber'),
  text('order_coding_row', 'orderCodingRowNumber'),
  text('receipt', 'goodsReceiptNumber'),
  text('receipt_item', 'goodsReceiptItemNumber'),
  text('delivery_note', 'deliveryNoteNumber'),
  integer('matching_type', 'matchingType', {
    description: '0 regular, 1 framework, 2 return, 3 service, 4 many, 5 subsequent',
  }),
  amount('matched_quantity', 'matchedQuantity'),
  amount('matched_amount', 'matchedNetSum'),
  amount('ordered_quantity', 'orderedQuantity'),
  amount('received_quantity', 'receivedQuantity'),
  text('product', 'productCode'),
  text('material_group', 'materialGroup'),
  {
    name: 'custom',
    type: 'json',
    custom: /^(text|num|date)\d+$/,
    description: "The tenant's own fields that hold something",
  },
]

const columnOf = ({ field: _, header: __, custom: ___, ...column }: ColumnDef): Column => column
const table = (entity: string, key: readonly string[], columns: readonly ColumnDef[]): TableSchema => ({
  ...{ entity, key },
  columns: columns.map(columnOf),
})
const KEY = ['source', 'id', 'revision']

/** `sensitive`: names of the sensitive columns that were chosen. */
export const schemaOf = (sensitive: readonly string[]): Schema => ({
  ...table(ENTITY, KEY, chosen(sensitive)),
  lists: { lines: table(`${ENTITY}_line`, [...KEY, 'row'], ROW) },
})

/** The header's columns without the sensitive ones that nobody chose. */
export const chosen = (names: readonly string[]): readonly ColumnDef[] =>
  HEADER.filter(({ sensitive, name }) => !sensitive || names.includes(name))
