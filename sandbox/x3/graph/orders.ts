import type { PurchaseOrder, PurchaseOrderLine } from '../../books/types.ts'
import type { Generation, NodeSpec } from '../model.ts'
import { decimal, emptyDate, node } from '../model.ts'
import { type LineOf, linesOf } from './lines.ts'

type OrderLine = LineOf<PurchaseOrder, PurchaseOrderLine>

const orderLines = (doc: PurchaseOrder): readonly OrderLine[] => linesOf(doc, (l) => l.line * 1e6 + l.sequence)

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
        [lines]: ['PurchaseOrderLine_Collection', (o) => orderLines(o)],
      },
      `project:ProjectLink_node orderFromSupplierAddress:SupplierAddress_node orderFromSupplierAddressZipCode:String
       orderFromSupplierAddressCity:String orderFromSupplierAddressState:String orderFromSupplierAddressCountry:Country_node
       orderFromSupplierAddressCountryName:String shipFromSupplierAddress:SupplierAddress_node
       earlyDiscountOrLateCharge:EarlyDiscountLateCharge_node deliveryMode:DeliveryMode_node carrier:Carrier_node
       invoiceStatus:ReceiptStatus`,
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
        discountOrCharge1: ['Decimal', ({ line }) => decimal(line.discount)],
        ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`discountOrCharge${n}`, ['Decimal', () => '0']])),
      },
      'priceReason:PurchasePriceReason_node',
    ),
  ]
}
