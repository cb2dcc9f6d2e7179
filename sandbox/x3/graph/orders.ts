import { invoiceStatus, lineDetails, type Receipt, receiptsOf } from '../../books/purchasing.ts'
import type { PurchaseOrder, PurchaseOrderLine } from '../../books/types.ts'
import type { Context, Fields, Generation, NodeSpec } from '../model.ts'
import { decimal, emptyDate, node } from '../model.ts'
import { type LineOf, linesOf } from './lines.ts'

type OrderLine = LineOf<PurchaseOrder, PurchaseOrderLine>

const orderLines = (doc: PurchaseOrder): readonly OrderLine[] => linesOf(doc, (l) => l.line * 1e6 + l.sequence)

/** A dimension of a line, on the place that its type has; X3 has as many as the folder has axes, filled or not. */
interface Place extends OrderLine {
  readonly index: number
  readonly axis: string
  readonly code: string | null
}
interface ReceiptLine {
  readonly doc: PurchaseOrder
  readonly receipt: Receipt
}

function places({ doc, line }: OrderLine, context: Context): readonly Place[] {
  const { dimensions } = lineDetails(doc, line)
  const axes = Object.keys(context.books.codes.dimensionType ?? {})
  return axes.map((axis, i) => ({ doc, line, index: i + 1, axis, code: dimensions[axis] ?? null }))
}

/** What releases before today's do not show: prices, amounts, units of the stock and dimensions behind a node of their own. */
function newerFields(generation: Generation): Fields<OrderLine> {
  if (generation !== 'current') return { dimensions: ['PurchaseOrderLineDimensionDimensions_Collection', places] }
  return {
    netPrice: ['Decimal', ({ doc, line }) => lineDetails(doc, line).netPrice],
    lineAmountExcludingTax: ['Decimal', ({ doc, line }) => lineDetails(doc, line).netAmount],
    stockUnit: ['UnitOfMeasure_node', ({ doc, line }, c) => c.code('unit', lineDetails(doc, line).stockUnit)],
    quantityInStockUnitOrdered: ['Decimal', ({ doc, line }) => lineDetails(doc, line).quantityStock],
    lineDimensions: ['PurchaseOrderLineDimension_Collection', (line) => [line]],
  }
}

export function orderNodes(generation: Generation): NodeSpec[] {
  const lines = generation === 'current' ? 'purchaseOrderLines' : 'purchaseOrderQuantityLines'
  return [
    node<PurchaseOrder>(
      {
        type: 'PurchaseOrder',
        package: 'x3Purchasing',
        table: 'purchaseOrder',
        position: (o) => [o.number],
        stamped: (o) => o,
        keyFields: ['id'],
        stamps: { _updateStamp: { table: 'purchaseOrder', part: 'own' } },
      },
      {
        id: ['String', (o) => o.number],
        company: ['Company_node', (o, c) => c.code('company', o.company)],
        purchaseSite: ['Site_node', (o, c) => c.code('site', o.site)],
        orderType: ['PurchaseOrderType', (o) => o.orderType],
        revisionNumber: ['Int', () => 0],
        orderDate: ['Date', (o) => o.orderDate],
        internalOrderReference: ['String', (o) => o.internalReference],
        orderFromSupplier: ['Supplier_node', (o, c) => c.ref('supplier', o.supplier)],
        invoiceSite: ['Site_node', (o, c) => c.code('site', o.invoiceSite)],
        receiptSite: ['Site_node', (o, c) => c.code('site', o.receiptSite)],
        expectedReceiptDate: ['Date', (o) => o.expectedReceiptDate ?? emptyDate],
        paymentTerm: ['PaymentTerm_node', (o, c) => c.code('paymentTerm', o.paymentTerm)],
        currency: ['Currency_node', (o, c) => c.code('currency', o.currency)],
        isClosed: ['LineStatus', (o) => o.closed],
        receiptStatus: ['ReceiptStatus', (o) => o.receiptStatus],
        signatureStatus: ['SignatureStatus', (o) => o.signatureStatus],
        invoiceStatus: ['ReceiptStatus', (o) => invoiceStatus(o)],
        [lines]: ['PurchaseOrderLine_Collection', (o) => orderLines(o)],
      },
      `project:ProjectLink_node orderFromSupplierAddress:SupplierAddress_node orderFromSupplierAddressZipCode:String
       orderFromSupplierAddressCity:String orderFromSupplierAddressState:String orderFromSupplierAddressCountry:Country_node
       orderFromSupplierAddressCountryName:String shipFromSupplierAddress:SupplierAddress_node
       earlyDiscountOrLateCharge:EarlyDiscountLateCharge_node deliveryMode:DeliveryMode_node carrier:Carrier_node`,
    ),
    node<OrderLine>(
      {
        type: 'PurchaseOrderLine',
        package: 'x3Purchasing',
        table: 'purchaseOrder',
        rows: orderLines,
        position: ({ doc, line }) => [doc.number, line.line, line.sequence],
        stamped: ({ line }) => line,
        keys: [['purchaseOrder._id']],
        stamps: {
          _updateStamp: { table: 'purchaseOrder', part: 'lines' },
          'purchaseOrder._updateStamp': { table: 'purchaseOrder', part: 'own' },
        },
        sortValue: ({ line }) => line.line,
      },
      {
        purchaseOrder: ['PurchaseOrder_node', ({ doc }) => doc],
        lineNumber: ['Int', ({ line }) => line.line],
        sequenceNumber: ['Int', ({ line }) => line.sequence],
        company: ['Company_node', ({ doc }, c) => c.code('company', doc.company)],
        orderType: ['PurchaseOrderType', ({ doc }) => doc.orderType],
        revisionNumber: ['Int', () => 0],
        product: ['Product_node', ({ line }, c) => c.ref('product', line.product)],
        productDescriptionInUserLanguage: ['String', ({ line }) => line.description],
        productDescriptionInSupplierLanguage: ['String', ({ line }) => line.description],
        orderUnit: ['UnitOfMeasure_node', ({ line }, c) => c.code('unit', line.unit)],
        quantityInOrderUnitOrdered: ['Decimal', ({ line }) => decimal(line.quantity)],
        quantityInStockUnitReceived: ['Decimal', ({ line }) => decimal(line.receivedQuantity)],
        grossPrice: ['Decimal', ({ line }) => decimal(line.grossPrice)],
        ...discounts(),
        tax: ['Tax_node', ({ doc, line }, c) => c.code('tax', lineDetails(doc, line).tax)],
        lineStatus: ['PurchaseOrderLineStatus', ({ doc, line }) => lineDetails(doc, line).status],
        isClosed: ['LineStatus', ({ doc, line }) => lineDetails(doc, line).closed],
        ...newerFields(generation),
      },
      'priceReason:PurchasePriceReason_node',
    ),
    ...dimensionNodes(),
    ...receiptNodes(),
  ]
}

const discounts = (): Fields<OrderLine> =>
  Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [
      `discountOrCharge${n}`,
      ['Decimal', ({ doc, line }: OrderLine) => decimal(lineDetails(doc, line).discounts[n - 1] ?? '0')],
    ]),
  )

/** By the pattern of the neighbours: `<document>LineDimension`, and its places. */
function dimensionNodes(): NodeSpec[] {
  return [
    node<OrderLine>(
      {
        type: 'PurchaseOrderLineDimension',
        position: ({ doc, line }) => [doc.number, line.line, line.sequence],
        stamped: ({ line }) => line,
      },
      {
        purchaseOrder: ['PurchaseOrder_node', ({ doc }) => doc],
        purchaseOrderLine: ['Int', ({ line }) => line.line],
        dimensions: ['PurchaseOrderLineDimensionDimensions_Collection', places],
      },
    ),
    node<Place>(
      {
        type: 'PurchaseOrderLineDimensionDimensions',
        position: ({ doc, line, index }) => [doc.number, line.line, line.sequence, index],
        stamped: ({ line }) => line,
        sortValue: ({ index }) => index,
      },
      {
        denormalizedIndex: ['Int', ({ index }) => index],
        purchaseOrder: ['String', ({ doc }) => doc.number],
        purchaseOrderLine: ['Int', ({ line }) => line.line],
        dimensionType: ['DimensionType_node', ({ axis }, c) => c.code('dimensionType', axis)],
        dimension: [
          'Dimension_node',
          ({ axis, code }, c) => c.ref('dimension', code === null ? null : `${axis}|${code}`),
        ],
      },
    ),
  ]
}

function receiptNodes(): NodeSpec[] {
  return [
    node<ReceiptLine>(
      { type: 'PurchaseReceipt', position: ({ receipt }) => [receipt.number], stamped: ({ receipt }) => receipt },
      {
        id: ['String', ({ receipt }) => receipt.number],
        receiptSite: ['Site_node', ({ receipt }, c) => c.code('site', receipt.site)],
        receiptDate: ['Date', ({ receipt }) => receipt.date],
        supplier: ['Supplier_node', ({ receipt }, c) => c.ref('supplier', receipt.supplier)],
        supplierPackingSlip: ['String', ({ receipt }) => receipt.deliveryNote],
      },
    ),
    node<ReceiptLine>(
      {
        type: 'PurchaseReceiptLine',
        package: 'x3Purchasing',
        table: 'purchaseOrder',
        rows: (doc: PurchaseOrder) => receiptsOf(doc).map((receipt) => ({ doc, receipt })),
        position: ({ doc, receipt }) => [doc.number, receipt.number, receipt.line],
        stamped: ({ receipt }) => receipt,
        keys: [['purchaseOrder._id']],
        stamps: { _updateStamp: { table: 'purchaseOrder', part: 'joined' } },
        sortValue: ({ receipt }) => receipt.line,
      },
      {
        _id: ['Id', ({ receipt }) => `${receipt.number}|${receipt.line}`],
        purchaseReceipt: ['PurchaseReceipt_node', (row) => row],
        lineNumber: ['Int', ({ receipt }) => receipt.line],
        receiptSite: ['Site_node', ({ receipt }, c) => c.code('site', receipt.site)],
        receiptDate: ['Date', ({ receipt }) => receipt.date],
        supplier: ['Supplier_node', ({ receipt }, c) => c.ref('supplier', receipt.supplier)],
        purchaseOrder: ['PurchaseOrder_node', ({ doc }) => doc],
        purchaseOrderLineNumber: ['Int', ({ receipt }) => receipt.orderLine],
        purchaseOrderLine: ['PurchaseOrderLine_node', ({ doc, receipt }) => lineOf(doc, receipt)],
        product: ['Product_node', ({ receipt }, c) => c.ref('product', receipt.product)],
        receiptUnit: ['UnitOfMeasure_node', ({ receipt }, c) => c.code('unit', receipt.unit)],
        quantityInReceiptUnitReceived: ['Decimal', ({ receipt }) => decimal(receipt.quantity)],
        quantityInStockUnitReceived: ['Decimal', ({ receipt }) => decimal(receipt.quantityStock)],
        netPrice: ['Decimal', ({ receipt }) => decimal(receipt.netPrice)],
      },
      'grossPrice:Decimal',
    ),
  ]
}

function lineOf(doc: PurchaseOrder, { orderLine, orderSequence }: Receipt): OrderLine | null {
  const line = doc.lines.find((one) => one.line === orderLine && one.sequence === orderSequence)
  return line ? { doc, line } : null
}
