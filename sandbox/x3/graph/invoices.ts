/** Invoices of X3: what is bought, what is sold, and the headers that both have in the invoicing package. */
import Big from 'big.js'
import type { SalesInvoice, SalesInvoiceLine, SupplierInvoice, SupplierInvoiceLine } from '../../books/types.ts'
import type { NodeSpec } from '../model.ts'
import { decimal, node } from '../model.ts'
import { type LineOf, linesOf } from './lines.ts'

type BillLine = LineOf<SupplierInvoice, SupplierInvoiceLine>
type SaleLine = LineOf<SalesInvoice, SalesInvoiceLine>

const billLines = (doc: SupplierInvoice): readonly BillLine[] => linesOf(doc, (l) => l.line)
const saleLines = (doc: SalesInvoice): readonly SaleLine[] => linesOf(doc, (l) => l.line)

const purchaseInvoice = node<SupplierInvoice>(
  {
    type: 'PurchaseInvoice',
    package: 'x3Purchasing',
    table: 'supplierInvoice',
    position: (i) => [i.number],
    stamped: (i) => i,
    keyFields: ['id', 'supplierInvoiceHeader'],
    stamps: {
      _updateStamp: { table: 'supplierInvoice', part: 'own' },
      'id._updateStamp': { table: 'supplierInvoice', part: 'joined' },
      'supplierInvoiceHeader._updateStamp': { table: 'supplierInvoice', part: 'joined' },
    },
  },
  {
    id: ['SupplierInvoiceHeader_node', (i) => i],
    supplierInvoiceHeader: ['SupplierInvoiceHeader_node', (i) => i],
    category: ['InvoiceType', (i) => i.category],
    invoiceType: ['PurchaseInvoiceType_node', (i, c) => c.code('invoiceType', i.invoiceType)],
    billBySupplier: ['Supplier_node', (i, c) => c.ref('supplier', i.supplier)],
    currency: ['Currency_node', (i, c) => c.code('currency', i.currency)],
    company: ['Company_node', (i, c) => c.code('company', i.company)],
    accountingDate: ['Date', (i) => i.accountingDate],
    numberOfLines: ['Int', (i) => i.lines.length],
    numberOfLinesWithDifferentQuantity: ['Int', () => 0],
    numberOfLinesWithDifferentPrice: ['Int', () => 0],
    amountOfLinesExcludingTax: ['Decimal', (i) => decimal(i.amountWithoutTax)],
    calculatedLineAmountExcludingTax: ['Decimal', (i) => decimal(i.amountWithoutTax)],
    totalTaxAmount: ['Decimal', (i) => new Big(i.amountWithTax).minus(i.amountWithoutTax).toFixed()],
    purchaseInvoiceLines: ['PurchaseInvoiceLine_Collection', (i) => billLines(i)],
  },
  `purchaseInvoiceCategory:PurchaseInvoiceCategory totalQuantityOfLines:Decimal totalWeightOfLines:Decimal totalVolumeOfLines:Decimal
   earlyDiscountOrLateCharge:EarlyDiscountLateCharge_node isIntercompany:Boolean billToCustomer:Customer_node
   billBySupplierAddress:SupplierAddress_node`,
)

const purchaseInvoiceLine = node<BillLine>(
  {
    type: 'PurchaseInvoiceLine',
    package: 'x3Purchasing',
    table: 'supplierInvoice',
    rows: billLines,
    position: ({ doc, line }) => [doc.number, line.line],
    stamped: ({ line }) => line,
    keys: [['purchaseInvoice._id']],
    stamps: {
      _updateStamp: { table: 'supplierInvoice', part: 'lines' },
      'purchaseInvoice._updateStamp': { table: 'supplierInvoice', part: 'joined' },
    },
    sortValue: ({ line }) => line.line,
  },
  {
    purchaseInvoice: ['SupplierInvoiceHeader_node', ({ doc }) => doc],
    lineNumber: ['Int', ({ line }) => line.line],
    category: ['InvoiceType', ({ doc }) => doc.category],
    invoiceType: ['PurchaseInvoiceType_node', ({ doc }, c) => c.code('invoiceType', doc.invoiceType)],
    company: ['Company_node', ({ doc }, c) => c.code('company', doc.company)],
    site: ['Site_node', ({ doc }, c) => c.code('site', doc.site)],
    accountingDate: ['Date', ({ doc }) => doc.accountingDate],
    billBySupplier: ['Supplier_node', ({ doc }, c) => c.ref('supplier', doc.supplier)],
    lineSite: ['Site_node', ({ line }, c) => c.code('site', line.site)],
    sourceLine: ['PurchaseInvoiceSource', ({ line }) => (line.orderNumber ? 'order' : 'miscellaneous')],
    sourceDocument: ['String', ({ line }) => line.orderNumber ?? ''],
    sourceDocumentLineNumber: ['Int', ({ line }) => line.orderLine],
    product: ['Product_node', ({ line }, c) => c.ref('product', line.product)],
    productDescriptionInUserLanguage: ['String', ({ line }) => line.description],
    productDescriptionInSupplierLanguage: ['String', ({ line }) => line.description],
    invoicingUnit: ['UnitOfMeasure_node', ({ line }, c) => c.code('unit', line.unit)],
    purchaseUnit: ['UnitOfMeasure_node', ({ line }, c) => c.code('unit', line.unit)],
    stockUnit: ['UnitOfMeasure_node', ({ line }, c) => c.code('unit', line.unit)],
    stockUnitToPurchaseUnitConversionFactor: ['Decimal', () => '1'],
    quantityInInvoiceUnitInvoiced: ['Decimal', ({ line }) => decimal(line.quantity)],
    quantityInPurchaseUnitInvoiced: ['Decimal', ({ line }) => decimal(line.quantity)],
    quantityInStockUnitInvoiced: ['Decimal', ({ line }) => decimal(line.quantity)],
    grossPrice: ['Decimal', ({ line }) => decimal(line.grossPrice)],
  },
  `purchaseInvoiceCategory:PurchaseInvoiceCategory sourceDocumentSequenceNumber:Int sourceQuantity:Decimal weight:Decimal
   sourceWeight:Decimal weightUnit:UnitOfMeasure_node volume:Decimal`,
)

const supplierInvoiceHeader = node<SupplierInvoice>(
  {
    type: 'SupplierInvoiceHeader',
    package: 'x3InvoicingData',
    table: 'supplierInvoice',
    position: (i) => [i.number],
    stamped: (i) => ({ ...i, updated: i.headerUpdated }),
    keyFields: ['id'],
    stamps: { _updateStamp: { table: 'supplierInvoice', part: 'joined' } },
  },
  {
    id: ['String', (i) => i.number],
    category: ['InvoiceType', (i) => i.category],
    billBySupplier: ['Supplier_node', (i, c) => c.ref('supplier', i.supplier)],
    company: ['Company_node', (i, c) => c.code('company', i.company)],
    site: ['Site_node', (i, c) => c.code('site', i.site)],
    accountingDate: ['Date', (i) => i.accountingDate],
    sourceDocument: ['String', (i) => i.sourceDocument],
    sourceDocumentDate: ['Date', (i) => i.sourceDocumentDate],
    currency: ['Currency_node', (i, c) => c.code('currency', i.currency)],
    rateType: ['ExchangeRateType', () => 'dailyRate'],
    rateDate: ['Date', (i) => i.accountingDate],
    payToBusinessPartner: ['BusinessPartner_node', (i, c) => c.ref('businessPartner', i.payTo)],
    paymentTerm: ['PaymentTerm_node', (i, c) => c.code('paymentTerm', i.paymentTerm)],
    status: ['PurchasingInvoiceStatus', (i) => i.status],
    paymentApproval: ['PaymentApprovalType', (i) => i.paymentApproval],
    debitOrCredit: ['Int', (i) => i.debitOrCredit],
    totalAmountIncludingTax: ['Decimal', (i) => decimal(i.amountWithTax)],
    totalAmountExcludingTax: ['Decimal', (i) => decimal(i.amountWithoutTax)],
    totalAmountIncludingTaxInCompanyCurrency: ['Decimal', (i) => decimal(i.amountWithTaxCompany)],
    totalAmountExcludingTaxInCompanyCurrency: ['Decimal', (i) => decimal(i.amountWithoutTaxCompany)],
  },
  `purchaseInvoiceCategory:PurchaseInvoiceCategory sourceModule:ModuleTable control:String internalNumber:Int internalReference:String
   isDAS2Submitted:Boolean dueDateCalculationStartDate:Date earlyDiscountOrLateCharge:EarlyDiscountLateCharge_node
   earlyDiscountOrLateChargeRate:Decimal taxRule:TaxRule_node isEuropeanUnionInvoice:Boolean intrastatProcessingNumber:Int
   originalInvoiceNumber:String`,
)

const salesInvoice = node<SalesInvoice>(
  {
    type: 'SalesInvoice',
    package: 'x3Sales',
    table: 'salesInvoice',
    position: (i) => [i.number],
    stamped: (i) => i,
    keyFields: ['id'],
    stamps: { _updateStamp: { table: 'salesInvoice', part: 'own' } },
  },
  {
    id: ['CustomerInvoiceHeader_node', (i) => i],
    company: ['Company_node', (i, c) => c.code('company', i.company)],
    salesSite: ['Site_node', (i, c) => c.code('site', i.site)],
    shippingSite: ['Site_node', (i, c) => c.code('site', i.site)],
    billToCustomer: ['Customer_node', (i, c) => c.ref('customer', i.customer)],
    soldToCustomer: ['Customer_node', (i, c) => c.ref('customer', i.soldTo)],
    payByBusinessPartner: ['BusinessPartner_node', (i, c) => c.ref('businessPartner', i.customer)],
    invoiceType: ['SalesInvoiceType_node', (i, c) => c.code('invoiceType', i.invoiceType)],
    category: ['InvoiceType', (i) => i.category],
    sourceDocumentNumber: ['String', (i) => i.sourceDocument],
    invoiceDate: ['Date', (i) => i.invoiceDate],
    currency: ['Currency_node', (i, c) => c.code('currency', i.currency)],
    status: ['InvoiceStatus', (i) => i.status],
    internalReference: ['String', (i) => i.internalReference],
    salesInvoiceLines: ['SalesInvoiceLine_Collection', (i) => saleLines(i)],
  },
  `groupCustomer:Customer_node shipToCustomerAddress:ShipToCustomerAddress_node billToCustomerEuropeanUnionVatNumber:String
   billToCustomerContact:CustomerContact_node shipToCustomerPostalCode:String shipToCustomerCity:String shipToCustomerState:String
   shipToCustomerCountry:Country_node factor:Factor_node sourceDocumentCategory:SalesInvoiceSource sourceDocumentDate:Date
   isOnCreditMemo:Boolean hasStockTransaction:Boolean`,
)

const salesInvoiceLine = node<SaleLine>(
  {
    type: 'SalesInvoiceLine',
    package: 'x3Sales',
    table: 'salesInvoice',
    rows: saleLines,
    position: ({ doc, line }) => [doc.number, line.line],
    stamped: ({ line }) => line,
    keys: [['salesInvoice._id']],
    stamps: {
      _updateStamp: { table: 'salesInvoice', part: 'lines' },
      'salesInvoice._updateStamp': { table: 'salesInvoice', part: 'own' },
    },
    sortValue: ({ line }) => line.line,
  },
  {
    salesInvoice: ['SalesInvoice_node', ({ doc }) => doc],
    lineNumber: ['Int', ({ line }) => line.line],
    company: ['Company_node', ({ doc }, c) => c.code('company', doc.company)],
    product: ['Product_node', ({ line }, c) => c.ref('product', line.product)],
    productDescriptionInUserLanguage: ['String', ({ line }) => line.description],
    salesUnit: ['UnitOfMeasure_node', ({ line }, c) => c.code('unit', line.unit)],
    quantityInSalesUnitInvoiced: ['Decimal', ({ line }) => decimal(line.quantity)],
    grossPrice: ['Decimal', ({ line }) => decimal(line.grossPrice)],
    lineAmountExcludingTax: ['Decimal', ({ line }) => decimal(line.amountWithoutTax)],
  },
)

const customerInvoiceHeader = node<SalesInvoice>(
  {
    type: 'CustomerInvoiceHeader',
    package: 'x3InvoicingData',
    table: 'salesInvoice',
    position: (i) => [i.number],
    stamped: (i) => i,
    keyFields: ['id'],
    stamps: { _updateStamp: { table: 'salesInvoice', part: 'own' } },
  },
  {
    id: ['String', (i) => i.number],
    category: ['InvoiceType', (i) => i.category],
    company: ['Company_node', (i, c) => c.code('company', i.company)],
    site: ['Site_node', (i, c) => c.code('site', i.site)],
    accountingDate: ['Date', (i) => i.invoiceDate],
    currency: ['Currency_node', (i, c) => c.code('currency', i.currency)],
  },
)

export const invoiceNodes = (): NodeSpec[] => [
  purchaseInvoice,
  purchaseInvoiceLine,
  supplierInvoiceHeader,
  salesInvoice,
  salesInvoiceLine,
  customerInvoiceHeader,
]
