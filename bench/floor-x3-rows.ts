/** The floor's flattening: documents of X3 as rows of the staged files, written out by hand for each entity. */
import { journal } from './floor-x3-journal.ts'
import {
  date,
  elements,
  type Flat,
  type Flatten,
  plain,
  type Raw,
  type StagedRow,
  signed,
  text,
} from './floor-x3-values.ts'

/** How each entity is flattened. `accounts` is the code table that the flow's mapping applies. */
export const flatteners = (
  source: string,
  accounts: ReadonlyMap<string, string>,
): Readonly<Record<string, Flatten>> => ({
  ...masters(source),
  purchase_order: (n) => purchaseOrder(n, source),
  supplier_invoice: (n) => supplierInvoice(n, source),
  sales_invoice: (n) => salesInvoice(n, source),
  gl_entry: (n) => journal(n, source, accounts),
})

const partner = (n: Raw, source: string): StagedRow => ({
  c0: source,
  c1: text(n.code?.code),
  c2: text(n.code?.companyName1),
  c3: text(n.code?.shortCompanyName),
  c4: text(n.code?.europeanUnionVatNumber),
  c5: text(n.code?.country?.code),
  c6: text(n.code?.language?.code),
  c7: text(n.category?.code),
  c8: text(n.currency?.code),
})

const masters = (source: string): Readonly<Record<string, Flatten>> => ({
  supplier: (n) => ({
    '': [
      {
        ...partner(n, source),
        c9: text(n.payToBusinessPartner?.code),
        c10: text(n.billBySupplier?.code?.code),
        c11: plain(n.isActive),
      },
    ],
  }),
  customer: (n) => ({ '': [{ ...partner(n, source), c9: plain(n.isActive) }] }),
  product: (n) => ({
    '': [
      {
        c0: source,
        c1: text(n.code),
        c2: text(n.description1),
        c3: text(n.productStatus),
        c4: text(n.stockUnit?.code),
        c5: text(n.upc),
        c6: text(n.basePrice),
      },
    ],
  }),
  gl_account: (n) => ({
    '': [
      {
        c0: source,
        c1: text(n.chartOfAccounts?.code),
        c2: text(n.code),
        c3: text(n.localizedDescription),
        c4: plain(n.isActive),
      },
    ],
  }),
  dimension: (n) => ({
    '': [
      {
        c0: source,
        c1: text(n.dimensionType?.code),
        c2: text(n.code),
        c3: text(n.localizedDescription),
        c5: plain(n.isActive),
      },
    ],
  }),
  cost_centre: (n) => ({
    '': [{ c0: source, c1: text(n.code), c2: text(n.localizedDescription), c4: plain(n.isActive) }],
  }),
})

function purchaseOrder(n: Raw, source: string): Flat {
  const number = text(n.id)
  const company = text(n.company?.code)
  const supplier = text(n.orderFromSupplier?.code?.code)
  const ordered = text(n.orderDate)
  const currency = text(n.currency?.code)
  return {
    '': [
      {
        c0: source,
        c1: number,
        c2: company,
        c3: text(n.purchaseSite?.code),
        c4: supplier,
        c5: ordered,
        c6: text(n.orderType),
        c7: currency,
        c8: text(n.internalOrderReference),
        c9: text(n.receiptSite?.code),
        c10: text(n.invoiceSite?.code),
        c11: date(n.expectedReceiptDate),
        c12: text(n.paymentTerm?.code),
        c13: text(n.isClosed),
        c14: text(n.receiptStatus),
        c15: text(n.signatureStatus),
      },
    ],
    lines: elements(n.purchaseOrderLines).map((l) => ({
      c0: source,
      c1: number,
      c2: plain(l.lineNumber),
      c3: plain(l.sequenceNumber),
      c4: company,
      c5: supplier,
      c6: ordered,
      c7: currency,
      c8: text(l.product?.code),
      c9: text(l.productDescriptionInUserLanguage),
      c10: text(l.orderUnit?.code),
      c11: text(l.quantityInOrderUnitOrdered),
      c12: text(l.quantityInStockUnitReceived),
      c13: text(l.grossPrice),
      c14: text(l.discountOrCharge1),
    })),
  }
}

function supplierInvoice(n: Raw, source: string): Flat {
  const number = text(n.id?.id)
  const company = text(n.company?.code)
  const supplier = text(n.billBySupplier?.code?.code)
  const date = text(n.accountingDate)
  const currency = text(n.currency?.code)
  const header = n.supplierInvoiceHeader
  return {
    '': [
      {
        c0: source,
        c1: number,
        c2: text(n.category),
        c3: text(n.invoiceType?.code),
        c4: company,
        c5: text(header?.site?.code),
        c6: supplier,
        c7: text(header?.payToBusinessPartner?.code),
        c8: date,
        c9: text(header?.sourceDocument),
        c10: text(header?.sourceDocumentDate),
        c11: currency,
        c12: text(header?.paymentTerm?.code),
        c13: text(header?.status),
        c14: text(header?.paymentApproval),
        c15: plain(header?.debitOrCredit),
        c16: signed(header?.totalAmountExcludingTax, header?.debitOrCredit),
        c17: signed(header?.totalAmountIncludingTax, header?.debitOrCredit),
        c18: signed(header?.totalAmountExcludingTaxInCompanyCurrency, header?.debitOrCredit),
        c19: signed(header?.totalAmountIncludingTaxInCompanyCurrency, header?.debitOrCredit),
      },
    ],
    lines: elements(n.purchaseInvoiceLines).map((l) => ({
      c0: source,
      c1: number,
      c2: plain(l.lineNumber),
      c3: company,
      c4: supplier,
      c5: date,
      c6: currency,
      c7: text(l.lineSite?.code),
      c8: text(l.product?.code),
      c9: text(l.productDescriptionInUserLanguage),
      c10: text(l.invoicingUnit?.code),
      c11: text(l.quantityInInvoiceUnitInvoiced),
      c12: text(l.grossPrice),
      c13: text(l.sourceDocument),
      c14: plain(l.sourceDocumentLineNumber),
    })),
  }
}

function salesInvoice(n: Raw, source: string): Flat {
  const number = text(n.id?.id)
  const company = text(n.company?.code)
  const customer = text(n.billToCustomer?.code?.code)
  const date = text(n.invoiceDate)
  const currency = text(n.currency?.code)
  return {
    '': [
      {
        c0: source,
        c1: number,
        c2: text(n.category),
        c3: text(n.invoiceType?.code),
        c4: company,
        c5: text(n.salesSite?.code),
        c6: customer,
        c7: text(n.soldToCustomer?.code?.code),
        c8: date,
        c9: currency,
        c10: text(n.status),
        c11: text(n.internalReference),
        c12: text(n.sourceDocumentNumber),
      },
    ],
    lines: elements(n.salesInvoiceLines).map((l) => ({
      c0: source,
      c1: number,
      c2: plain(l.lineNumber),
      c3: company,
      c4: customer,
      c5: date,
      c6: currency,
      c7: text(l.product?.code),
      c8: text(l.productDescriptionInUserLanguage),
      c9: text(l.salesUnit?.code),
      c10: text(l.quantityInSalesUnitInvoiced),
      c11: text(l.grossPrice),
      c12: text(l.lineAmountExcludingTax),
    })),
  }
}
