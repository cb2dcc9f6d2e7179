/** Documents: one record with its lists. Field names from Sage's reference pages (contracts/x3/graphql), see docs/entities.md. */
import { purchaseOrder } from './orders.ts'
import { LINE, PRODUCT, repeat, SOURCE } from './parts.ts'
import { AMOUNT, type ColumnDef, type EntityDef } from './types.ts'

/** Header facts stand on the joined supplier invoice header. */
const HEADER = 'supplierInvoiceHeader'
const onHeader = (name: string, type: ColumnDef['type'], field: string): ColumnDef => ({
  name,
  type,
  path: `${HEADER}.${field}|id.${field}`,
  joined: true,
})
/** X3 keeps the amounts of a credit memo positive, and its side beside them. */
const totalOnHeader = (name: string, field: string): ColumnDef => ({
  ...onHeader(name, AMOUNT, field),
  sign: `${HEADER}.debitOrCredit|id.debitOrCredit`,
  description: 'An invoice positive, a credit memo negative',
})

const supplierInvoice: EntityDef = {
  entity: 'supplier_invoice',
  package: 'Purchasing',
  node: 'purchaseInvoice',
  key: ['source', 'number'],
  dateField: 'accountingDate',
  side: { category: 'category', sign: 'debit_or_credit' },
  contract: 2,
  columns: [
    SOURCE,
    { name: 'number', type: 'string', path: 'id.id|id' },
    { name: 'category', type: 'string', path: 'category' },
    { name: 'invoice_type', type: 'string', path: 'invoiceType.code' },
    { name: 'company', type: 'string', path: 'company.code' },
    onHeader('site', 'string', 'site.code'),
    { name: 'supplier', type: 'string', path: 'billBySupplier.code.code|billBySupplier.code' },
    onHeader('pay_to', 'string', 'payToBusinessPartner.code'),
    { name: 'accounting_date', type: 'date', path: 'accountingDate' },
    onHeader('source_document', 'string', 'sourceDocument'),
    onHeader('source_document_date', 'date', 'sourceDocumentDate'),
    { name: 'currency', type: 'string', path: 'currency.code' },
    onHeader('payment_term', 'string', 'paymentTerm.code'),
    onHeader('status', 'string', 'status'),
    onHeader('payment_approval', 'string', 'paymentApproval'),
    onHeader('debit_or_credit', 'integer', 'debitOrCredit'),
    totalOnHeader('amount_without_tax', 'totalAmountExcludingTax'),
    totalOnHeader('amount_with_tax', 'totalAmountIncludingTax'),
    totalOnHeader('amount_without_tax_company', 'totalAmountExcludingTaxInCompanyCurrency'),
    totalOnHeader('amount_with_tax_company', 'totalAmountIncludingTaxInCompanyCurrency'),
  ],
  lists: [
    {
      name: 'lines',
      path: 'purchaseInvoiceLines',
      node: 'purchaseInvoiceLine',
      key: ['source', 'number', 'line'],
      first: 200,
      columns: [
        ...repeat({ source: 'string', number: 'string' }),
        LINE,
        ...repeat({ company: 'string', supplier: 'string', accounting_date: 'date', currency: 'string' }),
        { name: 'site', type: 'string', path: 'lineSite.code' },
        ...PRODUCT,
        { name: 'unit', type: 'string', path: 'invoicingUnit.code' },
        { name: 'quantity', type: AMOUNT, path: 'quantityInInvoiceUnitInvoiced' },
        { name: 'gross_price', type: AMOUNT, path: 'grossPrice' },
        { name: 'order_number', type: 'string', path: 'sourceDocument' },
        { name: 'order_line', type: 'integer', path: 'sourceDocumentLineNumber' },
      ],
    },
  ],
  watch: [
    {
      walk: 'lines',
      package: 'Purchasing',
      node: 'purchaseInvoiceLine',
      paths: ['purchaseInvoice.id'],
      by: ['number'],
    },
    { walk: 'joined', package: 'InvoicingData', node: 'supplierInvoiceHeader', paths: ['id'], by: ['number'] },
  ],
}

const salesInvoice: EntityDef = {
  entity: 'sales_invoice',
  package: 'Sales',
  node: 'salesInvoice',
  key: ['source', 'number'],
  dateField: 'invoiceDate',
  side: { category: 'category', amounts: { list: 'lines', column: 'amount_without_tax' } },
  columns: [
    SOURCE,
    { name: 'number', type: 'string', path: 'id.id|id' },
    { name: 'category', type: 'string', path: 'category' },
    { name: 'invoice_type', type: 'string', path: 'invoiceType.code' },
    { name: 'company', type: 'string', path: 'company.code' },
    { name: 'site', type: 'string', path: 'salesSite.code' },
    { name: 'customer', type: 'string', path: 'billToCustomer.code.code|billToCustomer.code' },
    { name: 'sold_to', type: 'string', path: 'soldToCustomer.code.code|soldToCustomer.code' },
    { name: 'invoice_date', type: 'date', path: 'invoiceDate' },
    { name: 'currency', type: 'string', path: 'currency.code' },
    { name: 'status', type: 'string', path: 'status' },
    { name: 'internal_reference', type: 'string', path: 'internalReference' },
    { name: 'source_document', type: 'string', path: 'sourceDocumentNumber' },
  ],
  lists: [
    {
      name: 'lines',
      path: 'salesInvoiceLines|lines',
      node: 'salesInvoiceLine',
      key: ['source', 'number', 'line'],
      first: 200,
      columns: [
        ...repeat({ source: 'string', number: 'string' }),
        LINE,
        ...repeat({ company: 'string', customer: 'string', invoice_date: 'date', currency: 'string' }),
        ...PRODUCT,
        { name: 'unit', type: 'string', path: 'salesUnit.code' },
        { name: 'quantity', type: AMOUNT, path: 'quantityInSalesUnitInvoiced' },
        { name: 'gross_price', type: AMOUNT, path: 'grossPrice' },
        { name: 'amount_without_tax', type: AMOUNT, path: 'lineAmountExcludingTax' },
      ],
    },
  ],
  watch: [
    {
      walk: 'lines',
      package: 'Sales',
      node: 'salesInvoiceLine',
      paths: ['salesInvoice.id.id|salesInvoice.id|salesInvoice._id'],
      by: ['number'],
    },
  ],
}

const JOURNAL_KEY = { source: 'string', entry_type: 'string', number: 'string' } as const

const glEntry: EntityDef = {
  entity: 'gl_entry',
  package: 'Finance',
  node: 'journalEntry',
  key: ['source', 'entry_type', 'number'],
  dateField: 'accountingDate',
  columns: [
    SOURCE,
    {
      name: 'entry_type',
      type: 'string',
      path: 'journalEntryType.code',
      description: 'One number may exist under two types',
    },
    { name: 'number', type: 'string', path: 'journalEntryNumber' },
    { name: 'company', type: 'string', path: 'company.code' },
    { name: 'site', type: 'string', path: 'site.code' },
    { name: 'journal', type: 'string', path: 'journal.code' },
    { name: 'accounting_date', type: 'date', path: 'accountingDate' },
    { name: 'status', type: 'string', path: 'journalEntryStatus' },
    { name: 'transaction', type: 'string', path: 'journalEntryTransaction.code' },
    { name: 'currency', type: 'string', path: 'transactionCurrency.code' },
  ],
  lists: [
    {
      name: 'lines',
      path: 'journalEntryLines',
      node: 'journalEntryLine',
      key: ['source', 'entry_type', 'number', 'ledger', 'line'],
      first: 200,
      columns: [
        ...repeat(JOURNAL_KEY),
        { name: 'ledger', type: 'string', path: 'ledgerTypeNumber', description: 'Lines exist once for each ledger' },
        LINE,
        ...repeat({ company: 'string', journal: 'string', status: 'string' }),
        { name: 'accounting_date', type: 'date', path: 'accountingDate' },
        {
          name: 'period',
          type: 'string',
          period: 'accounting_date',
          description: 'Calendar month of the accounting date',
        },
        { name: 'site', type: 'string', path: 'site.code' },
        { name: 'chart', type: 'string', path: 'chartOfAccounts.code' },
        { name: 'account', type: 'string', path: 'account.code' },
        { name: 'control_account', type: 'string', path: 'controlAccount' },
        { name: 'business_partner', type: 'string', path: 'businessPartner.code' },
        { name: 'currency', type: 'string', path: 'transactionCurrency.code' },
        { name: 'amount', type: AMOUNT, path: 'transactionAmount', sign: 'sign', description: 'Debit positive' },
        { name: 'ledger_currency', type: 'string', path: 'ledgerCurrency.code' },
        { name: 'amount_ledger', type: AMOUNT, path: 'ledgerAmount', sign: 'sign', description: 'Debit positive' },
        { name: 'quantity', type: AMOUNT, path: 'quantity' },
        { name: 'description', type: 'string', path: 'lineDescription' },
        { name: 'matching_code', type: 'string', path: 'matchingCode' },
        { name: 'matching_date', type: 'date', path: 'matchingDate' },
        { name: 'tax', type: 'string', path: 'tax.code' },
      ],
      dimensionsOf: 'analytical',
      lists: [
        {
          name: 'analytical',
          path: 'analyticalLines',
          node: 'journalEntryAnalyticalLine',
          key: ['source', 'entry_type', 'number', 'ledger', 'line', 'split'],
          first: 50,
          columns: [
            ...repeat(JOURNAL_KEY),
            { name: 'ledger', type: 'string', parent: 'ledger' },
            { name: 'line', type: 'integer', parent: 'line' },
            { name: 'split', type: 'integer', path: 'analyticalLineNumber' },
            { name: 'company', type: 'string', parent: 'company' },
            { name: 'accounting_date', type: 'date', parent: 'accounting_date' },
            { name: 'account', type: 'string', parent: 'account' },
            { name: 'site', type: 'string', path: 'site.code' },
            { name: 'amount', type: AMOUNT, path: 'transactionAmount', sign: '^sign', description: 'Debit positive' },
            { name: 'quantity', type: AMOUNT, path: 'quantity' },
          ],
          dimensions: {
            path: 'dimensions',
            first: 50,
            type: 'dimensionType.code',
            code: 'dimension.code|dimension.dimension',
          },
        },
      ],
    },
  ],
  watch: [
    {
      walk: 'lines',
      package: 'Finance',
      node: 'journalEntryLine',
      paths: ['journalEntry.journalEntryType.code', 'journalEntry.journalEntryNumber'],
      by: ['entry_type', 'number'],
    },
    {
      walk: 'analytical',
      package: 'Finance',
      node: 'journalEntryAnalyticalLine',
      // The field is named after the line but refers to the entry (contracts); either form is followed.
      paths: [
        'journalEntryLine.journalEntryType.code|journalEntryType.code',
        'journalEntryLine.journalEntryNumber|journalEntryLine.journalEntry.journalEntryNumber',
      ],
      by: ['entry_type', 'number'],
    },
  ],
}

export const DOCUMENTS: readonly EntityDef[] = [purchaseOrder, supplierInvoice, salesInvoice, glEntry]
