import { orderCoding } from './coding.ts'
import {
  choice,
  date,
  type Entity,
  integer,
  list,
  must,
  named,
  notNull,
  number,
  numbered,
  text,
  yesNo,
} from './kinds.ts'

const own: Entity = {
  ...numbered('text', 1, 10, text(0, 250)),
  ...numbered('numeric', 1, 5, number()),
  ...numbered('date', 1, 5, date),
}

/** Header of an order that invoices are matched with. */
export const matchingOrder: Entity = {
  externalCode: must(text(1, 36)),
  orderNumber: must(text(1, 100)),
  sourceSystem: must(text(1, 36)),
  companyCode: must(text(1, 25)),
  organizationElementCode: must(text(2, 25)),
  currencyCode: must(text(2, 3)),
  supplierCode: must(text(1, 25)),
  ...named('companyName organizationElementName purchaseOrganizationName supplierName', text(0, 250)),
  ...named('invoicingSupplierName paymentTermName', text(0, 250)),
  ...named('orderTypeCode purchaseOrganizationCode invoicingSupplierCode paymentTermCode', text(0, 25)),
  ...named('created requestedDeliveryDate actualDeliveryDate validFrom validTo', date),
  ...named('isClosed isInvoiced isDelivered', yesNo),
  description: text(0, 1000),
  orderReference: text(0, 100),
  ...own,
  lastUpdated: notNull(date),
}

const goodsReceipt: Entity = {
  externalCode: must(text(1, 36)),
  goodsReceiptNumber: must(text(1, 100)),
  quantity: must(number()),
  ...named('goodsReceiptLineNumber unitOfMeasure', text(0, 25)),
  referenceGRExternalCode: text(0, 36),
  ...named('deliveryNoteNumber bestFitGrouping subUnitOfMeasure productSerialNumber goodsReceiptNote', text(0, 250)),
  ...named('netSum grossSum netPrice grossPrice invoicedQuantity invoicedNetSum invoicedGrossSum', number()),
  ...named('isDeleted notifyFault', yesNo),
  ...named('goodsReceiptType receiveMethod', integer()),
  ...named('voucherNumber serviceEntrySheetDocId', text(0, 100)),
  ...named('fiscalYear deliveryDate', date),
  comment: text(0, 255),
  ...own,
  receiptCoding: list(orderCoding),
}

const referenceUser: Entity = {
  userExternalCode: text(0, 36),
  userEmail: text(0, 250),
  userRole: choice('Buyer', 'Owner', 'ReferencePerson', 'Other'),
  lastUpdated: notNull(date),
}

export const matchingOrderLine: Entity = {
  externalCode: must(text(1, 36)),
  orderExternalCode: must(text(1, 36)),
  lineNumber: must(text(1, 100)),
  quantity: must(number()),
  matchingMode: must(choice('Standard', 'Blanket', 'Return', 'Service')),
  sortNumber: integer(),
  currencyCode: text(2, 3),
  ...named('netSum grossSum netPrice grossPrice taxPercent2 taxSum taxSum2', number()),
  ...named('invoicedQuantity invoicedNetSum invoicedGrossSum', number()),
  taxPercent: number(0, 1_000_000_000),
  ...named('isReceiptRequired isReceiptBasedMatching isOverreceivalAllowed isClosed isDeleted isSelfApproved', yesNo),
  ...named('uom priceUnit taxCode unspsc', text(0, 25)),
  ...named('subUOM priceUnitDescription productCode productName materialGroup', text(0, 250)),
  ...named('globalTradeItemNumber buyerProductCode', text(0, 250)),
  contractNumber: text(0, 255),
  ...named('description comment', text(0, 1000)),
  ...named('validFrom validTo requestedDeliveryDate actualDeliveryDate', date),
  ...own,
  orderLineCoding: list(orderCoding),
  goodsReceipts: list(goodsReceipt),
  referenceUsers: list(referenceUser),
  lastUpdated: notNull(date),
}
