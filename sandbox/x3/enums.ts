/**
 * Members of X3's enums as they stand on the wire, in the order of the local menus. What the contract does not list is written from the
 * menus of the table dictionary; the books use only members that stand here.
 */
export const enums = {
  AccountingJournalStatus: ['temporary', 'final'],
  GeneralLedgerTypes: ['legal', 'analytical', 'ias', ...[4, 5, 6, 7, 8, 9, 10].map((number) => `ledger${number}`)],
  InvoiceType: ['invoice', 'creditMemo', 'debitNote', 'creditNote', 'proforma'],
  InvoiceStatus: ['notPosted', 'posted', 'notUsed'],
  PurchasingInvoiceStatus: ['notPosted', 'posted', 'notUsed'],
  PaymentApprovalType: ['pending', 'conflict', 'delayed', 'authorizedToPay'],
  PurchaseOrderType: ['normal', 'contract', 'subcontract'],
  LineStatus: ['no', 'yes'],
  /** LINSTA. */
  PurchaseOrderLineStatus: ['pending', 'late', 'closed'],
  ReceiptStatus: ['no', 'inPart', 'inFull'],
  SignatureStatus: ['no', 'inPart', 'inFull', 'notManaged', 'automatic'],
  ProductStatus: ['active', 'inDevelopment', 'onShortage', 'notRenewed', 'obsolete', 'notUsable'],
  ProductAbcClass: ['classA', 'classB', 'classC', 'classD'],
  ExchangeRateType: ['dailyRate', 'monthlyRate', 'averageRate', 'customsDocumentFileExchange'],
  PriceAmountType: ['excludeTax', 'includeTax'],
  PurchaseInvoiceSource: ['miscellaneous', 'order', 'receipt', 'return', 'invoice'],
  PurchaseInvoiceCategory: ['invoice', 'creditMemo', 'additionalInvoice', 'prepayment'],
  StockManagementMode: ['notManaged', 'managed', 'potency'],
  LotManagementMode: ['notManaged', 'optional', 'mandatory'],
  CountryLocation: ['inTheCountry', 'inTheUnion', 'outsideTheUnion'],
  ModuleTable: ['commonData', 'financials', 'sales', 'purchasing', 'stock', 'manufacturing'],
  SalesInvoiceSource: ['direct', 'order', 'delivery', 'invoice'],
} satisfies Readonly<Record<string, readonly string[]>>
