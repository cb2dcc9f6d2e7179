/** Orders and invoices as the target must hold them. */
import type { Books } from '../sandbox/books/types.ts'
import { type ExpectedOptions, type ExpectedTable, text } from './expected-table.ts'

/** An invoice is positive and a credit memo negative (docs/entities.md, "Sign"); the books keep both positive, with the side beside them. */
const bySide = (side: 1 | -1, amount: string): string => (side === -1 && /[1-9]/.test(amount) ? `-${amount}` : amount)

const lineTypes = { line: 'integer', quantity: 'decimal', gross_price: 'decimal' } as const

export const documentTables = (books: Books, { source }: ExpectedOptions): ExpectedTable[] => [
  ...orders(books, source),
  ...supplierInvoices(books, source),
  ...salesInvoices(books, source),
]

function orders({ tables: { purchaseOrder } }: Books, source: string): ExpectedTable[] {
  return [
    {
      name: 'purchase_order',
      main: true,
      key: ['source', 'number'],
      types: { order_date: 'date', expected_receipt_date: 'date' },
      *rows() {
        for (const order of purchaseOrder.walk())
          yield {
            source,
            number: order.number,
            company: text(order.company),
            site: text(order.site),
            supplier: text(order.supplier),
            order_date: order.orderDate,
            order_type: text(order.orderType),
            currency: text(order.currency),
            internal_reference: text(order.internalReference),
            receipt_site: text(order.receiptSite),
            invoice_site: text(order.invoiceSite),
            expected_receipt_date: order.expectedReceiptDate,
            payment_term: text(order.paymentTerm),
            closed: order.closed,
            receipt_status: text(order.receiptStatus),
            signature_status: text(order.signatureStatus),
          }
      },
    },
    {
      name: 'purchase_order_line',
      main: false,
      key: ['source', 'number', 'line', 'sequence'],
      types: {
        ...lineTypes,
        sequence: 'integer',
        order_date: 'date',
        received_quantity: 'decimal',
        discount: 'decimal',
      },
      *rows() {
        for (const order of purchaseOrder.walk())
          for (const line of order.lines)
            yield {
              source,
              number: order.number,
              line: line.line,
              sequence: line.sequence,
              company: text(order.company),
              supplier: text(order.supplier),
              order_date: order.orderDate,
              currency: text(order.currency),
              product: text(line.product),
              description: text(line.description),
              unit: text(line.unit),
              quantity: line.quantity,
              received_quantity: line.receivedQuantity,
              gross_price: line.grossPrice,
              discount: line.discount,
            }
      },
    },
  ]
}

function supplierInvoices({ tables: { supplierInvoice } }: Books, source: string): ExpectedTable[] {
  return [
    {
      name: 'supplier_invoice',
      main: true,
      key: ['source', 'number'],
      types: {
        accounting_date: 'date',
        source_document_date: 'date',
        debit_or_credit: 'integer',
        amount_without_tax: 'decimal',
        amount_with_tax: 'decimal',
        amount_without_tax_company: 'decimal',
        amount_with_tax_company: 'decimal',
      },
      *rows() {
        for (const invoice of supplierInvoice.walk())
          yield {
            source,
            number: invoice.number,
            category: text(invoice.category),
            invoice_type: text(invoice.invoiceType),
            company: text(invoice.company),
            site: text(invoice.site),
            supplier: text(invoice.supplier),
            pay_to: text(invoice.payTo),
            accounting_date: invoice.accountingDate,
            source_document: text(invoice.sourceDocument),
            source_document_date: invoice.sourceDocumentDate,
            currency: text(invoice.currency),
            payment_term: text(invoice.paymentTerm),
            status: text(invoice.status),
            payment_approval: text(invoice.paymentApproval),
            debit_or_credit: invoice.debitOrCredit,
            amount_without_tax: bySide(invoice.debitOrCredit, invoice.amountWithoutTax),
            amount_with_tax: bySide(invoice.debitOrCredit, invoice.amountWithTax),
            amount_without_tax_company: bySide(invoice.debitOrCredit, invoice.amountWithoutTaxCompany),
            amount_with_tax_company: bySide(invoice.debitOrCredit, invoice.amountWithTaxCompany),
          }
      },
    },
    {
      name: 'supplier_invoice_line',
      main: false,
      key: ['source', 'number', 'line'],
      types: { ...lineTypes, accounting_date: 'date', order_line: 'integer' },
      *rows() {
        for (const invoice of supplierInvoice.walk())
          for (const line of invoice.lines)
            yield {
              source,
              number: invoice.number,
              line: line.line,
              company: text(invoice.company),
              supplier: text(invoice.supplier),
              accounting_date: invoice.accountingDate,
              currency: text(invoice.currency),
              site: text(line.site),
              product: text(line.product),
              description: text(line.description),
              unit: text(line.unit),
              quantity: line.quantity,
              gross_price: line.grossPrice,
              order_number: text(line.orderNumber),
              order_line: line.orderLine,
            }
      },
    },
  ]
}

function salesInvoices({ tables: { salesInvoice } }: Books, source: string): ExpectedTable[] {
  return [
    {
      name: 'sales_invoice',
      main: true,
      key: ['source', 'number'],
      types: { invoice_date: 'date' },
      *rows() {
        for (const invoice of salesInvoice.walk())
          yield {
            source,
            number: invoice.number,
            category: text(invoice.category),
            invoice_type: text(invoice.invoiceType),
            company: text(invoice.company),
            site: text(invoice.site),
            customer: text(invoice.customer),
            sold_to: text(invoice.soldTo),
            invoice_date: invoice.invoiceDate,
            currency: text(invoice.currency),
            status: text(invoice.status),
            internal_reference: text(invoice.internalReference),
            source_document: text(invoice.sourceDocument),
          }
      },
    },
    {
      name: 'sales_invoice_line',
      main: false,
      key: ['source', 'number', 'line'],
      types: { ...lineTypes, invoice_date: 'date', amount_without_tax: 'decimal' },
      *rows() {
        for (const invoice of salesInvoice.walk())
          for (const line of invoice.lines)
            yield {
              source,
              number: invoice.number,
              line: line.line,
              company: text(invoice.company),
              customer: text(invoice.customer),
              invoice_date: invoice.invoiceDate,
              currency: text(invoice.currency),
              product: text(line.product),
              description: text(line.description),
              unit: text(line.unit),
              quantity: line.quantity,
              gross_price: line.grossPrice,
              amount_without_tax: line.amountWithoutTax,
            }
      },
    },
  ]
}
