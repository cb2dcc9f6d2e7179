/** Purchase orders. Field names from Sage's reference pages (contracts/x3/graphql) and, where no page has them, X3's dictionary: see docs/entities.md. */
import { LINE, PRODUCT, repeat, SOURCE } from './parts.ts'
import { AMOUNT, type ColumnDef, type EntityDef } from './types.ts'

/** What an invoice is matched by. X3's dictionary has it; names that no page of Sage shows are looked for by `__type`. */
const matching = (columns: readonly ColumnDef[]): ColumnDef[] =>
  columns.map((column) => ({ ...column, option: 'matching' }))

const DISCOUNTS = [2, 3, 4, 5, 6, 7, 8, 9].map(
  (n): ColumnDef => ({ name: `discount_${n}`, type: AMOUNT, path: `discountOrCharge${n}` }),
)

export const purchaseOrder: EntityDef = {
  entity: 'purchase_order',
  package: 'Purchasing',
  node: 'purchaseOrder',
  key: ['source', 'number'],
  dateField: 'orderDate',
  options: {
    matching: 'prices, amounts, tax, status and dimensions of lines: what an invoice is matched by',
    receipts: 'receipts of each order, as a list of their own',
  },
  prices: { lines: 'lines', receipts: 'receipts', option: 'matching' },
  columns: [
    SOURCE,
    { name: 'number', type: 'string', path: 'id' },
    { name: 'company', type: 'string', path: 'company.code' },
    { name: 'site', type: 'string', path: 'purchaseSite.code' },
    { name: 'supplier', type: 'string', path: 'orderFromSupplier.code.code|orderFromSupplier.code' },
    { name: 'order_date', type: 'date', path: 'orderDate' },
    { name: 'order_type', type: 'string', path: 'orderType' },
    { name: 'currency', type: 'string', path: 'currency.code' },
    { name: 'internal_reference', type: 'string', path: 'internalOrderReference' },
    { name: 'receipt_site', type: 'string', path: 'receiptSite.code' },
    { name: 'invoice_site', type: 'string', path: 'invoiceSite.code' },
    { name: 'expected_receipt_date', type: 'date', path: 'expectedReceiptDate' },
    { name: 'payment_term', type: 'string', path: 'paymentTerm.code' },
    { name: 'closed', type: 'string', path: 'isClosed' },
    { name: 'receipt_status', type: 'string', path: 'receiptStatus' },
    { name: 'signature_status', type: 'string', path: 'signatureStatus' },
    ...matching([{ name: 'invoice_status', type: 'string', path: 'invoiceStatus' }]),
  ],
  lists: [
    {
      name: 'lines',
      path: 'purchaseOrderLines|purchaseOrderQuantityLines',
      node: 'purchaseOrderLine|purchaseOrderQuantityLine',
      key: ['source', 'number', 'line', 'sequence'],
      first: 200,
      columns: [
        ...repeat({ source: 'string', number: 'string' }),
        LINE,
        { name: 'sequence', type: 'integer', path: 'sequenceNumber' },
        ...repeat({ company: 'string', supplier: 'string', order_date: 'date', currency: 'string' }),
        ...PRODUCT,
        { name: 'unit', type: 'string', path: 'orderUnit.code' },
        { name: 'quantity', type: AMOUNT, path: 'quantityInOrderUnitOrdered' },
        { name: 'received_quantity', type: AMOUNT, path: 'quantityInStockUnitReceived' },
        { name: 'gross_price', type: AMOUNT, path: 'grossPrice' },
        { name: 'discount', type: AMOUNT, path: 'discountOrCharge1' },
        ...matching([
          ...DISCOUNTS,
          { name: 'net_price', type: AMOUNT, path: 'netPrice', description: 'Without tax, after discounts' },
          { name: 'net_price_from', type: 'string', computed: true, description: 'X3 or computed' },
          { name: 'net_amount', type: AMOUNT, path: 'lineAmountExcludingTax', description: 'Without tax' },
          { name: 'net_amount_from', type: 'string', computed: true, description: 'X3 or computed' },
          { name: 'tax', type: 'string', path: 'tax.code|tax1.code|taxes[0].tax.code' },
          { name: 'stock_unit', type: 'string', path: 'stockUnit.code' },
          { name: 'quantity_stock', type: AMOUNT, path: 'quantityInStockUnitOrdered' },
          {
            name: 'received',
            type: AMOUNT,
            computed: true,
            description: "In the order's unit; empty where it cannot be converted",
          },
          { name: 'received_from', type: 'string', computed: true, description: 'X3 or converted' },
          { name: 'line_status', type: 'string', path: 'lineStatus' },
          { name: 'line_closed', type: 'string', path: 'isClosed|isLineClosed' },
        ]),
      ],
      dimensions: {
        ...{ path: 'dimensions', node: 'purchaseOrderLineDimensionDimensions', via: 'purchaseOrderLineDimension' },
        ...{ first: 50, type: 'dimensionType.code', code: 'dimension.code|dimension.dimension', option: 'matching' },
      },
    },
    {
      name: 'receipts',
      path: '',
      node: 'purchaseReceiptLine',
      apart: { package: 'Purchasing', by: 'purchaseOrder.id|purchaseOrder._id' },
      option: 'receipts',
      key: ['source', 'number', 'receipt', 'receipt_line'],
      first: 500,
      columns: [
        ...repeat({ source: 'string', number: 'string' }),
        { name: 'receipt', type: 'string', path: 'purchaseReceipt.id|purchaseReceipt._id' },
        { name: 'receipt_line', type: 'integer', path: 'lineNumber' },
        { name: 'line', type: 'integer', path: 'purchaseOrderLine.lineNumber|purchaseOrderLineNumber' },
        { name: 'sequence', type: 'integer', path: 'purchaseOrderLine.sequenceNumber' },
        ...repeat({ company: 'string', supplier: 'string', currency: 'string' }),
        { name: 'receipt_date', type: 'date', path: 'receiptDate' },
        { name: 'site', type: 'string', path: 'receiptSite.code' },
        { name: 'delivery_note', type: 'string', path: 'purchaseReceipt.supplierPackingSlip' },
        { name: 'product', type: 'string', path: 'product.code' },
        { name: 'unit', type: 'string', path: 'receiptUnit.code' },
        { name: 'quantity', type: AMOUNT, path: 'quantityInReceiptUnitReceived' },
        { name: 'quantity_stock', type: AMOUNT, path: 'quantityInStockUnitReceived' },
        { name: 'net_price', type: AMOUNT, path: 'netPrice', description: 'Without tax, in the unit of the receipt' },
        ...matching([
          {
            name: 'received',
            type: AMOUNT,
            computed: true,
            description: "In the order's unit; empty where it cannot be converted",
          },
          { name: 'received_from', type: 'string', computed: true, description: 'X3 or converted' },
        ]),
      ],
    },
  ],
  watch: [
    {
      walk: 'lines',
      package: 'Purchasing',
      node: 'purchaseOrderLine|purchaseOrderQuantityLine',
      paths: ['purchaseOrder.id'],
      by: ['number'],
    },
    {
      walk: 'receipts',
      package: 'Purchasing',
      node: 'purchaseReceiptLine',
      paths: ['purchaseOrder.id|purchaseOrder._id'],
      by: ['number'],
      option: 'receipts',
    },
  ],
}
