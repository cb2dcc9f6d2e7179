/** The floor's flattening: documents of X3 as rows of the staged files, written out by hand for each entity. */

/** A node as it comes; every step may be null. */
export interface Raw {
  readonly [field: string]: Raw | null | undefined
}
type Maybe = Raw | null | undefined
/** A staged row: fields by position, as the warehouse's statements read them. */
export type StagedRow = Record<string, string | undefined>
/** Rows of one document by list; `''` is the header. */
export type Flat = Readonly<Record<string, readonly StagedRow[]>> & { readonly '': readonly [StagedRow] }
export type Flatten = (node: Raw) => Flat

const text = (value: Maybe): string | undefined => {
  const found = value as unknown as string | null | undefined
  return found === '' || found === null ? undefined : found
}
const plain = (value: Maybe): string | undefined =>
  value === null || value === undefined ? undefined : String(value as unknown)
/** X3 fills an empty date with one of these. */
const date = (value: Maybe): string | undefined => {
  const found = text(value)
  return found?.startsWith('0000-') || found?.startsWith('1599-') ? undefined : found
}
const signed = (value: Maybe, sign: Maybe): string | undefined => {
  const amount = text(value)
  if (amount === undefined || (sign as unknown) === 1) return amount
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`
}
export const elements = (collection: Maybe): readonly Raw[] =>
  ((collection?.query?.edges ?? []) as unknown as { node: Raw }[]).map(({ node }) => node)

/** How each entity is flattened. `accounts` is the code table that the flow's mapping applies. */
export function flatteners(source: string, accounts: ReadonlyMap<string, string>): Readonly<Record<string, Flatten>> {
  const partner = (n: Raw): StagedRow => ({
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
  return {
    supplier: (n) => ({
      '': [
        {
          ...partner(n),
          c9: text(n.payToBusinessPartner?.code),
          c10: text(n.billBySupplier?.code?.code),
          c11: plain(n.isActive),
        },
      ],
    }),
    customer: (n) => ({ '': [{ ...partner(n), c9: plain(n.isActive) }] }),
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
    purchase_order: (n) => {
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
    },
    supplier_invoice: (n) => {
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
            c16: text(header?.totalAmountExcludingTax),
            c17: text(header?.totalAmountIncludingTax),
            c18: text(header?.totalAmountExcludingTaxInCompanyCurrency),
            c19: text(header?.totalAmountIncludingTaxInCompanyCurrency),
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
    },
    sales_invoice: (n) => {
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
    },
    gl_entry: (n) => journal(n, source, accounts),
  }
}

/** Dimension types of the demo books in the order of their columns. */
const DIMENSIONS = ['CCT', 'PRD', 'PRO']

function dimensionsOf(split: Raw): (string | undefined)[] {
  const codes: (string | undefined)[] = [undefined, undefined, undefined]
  for (const entry of elements(split.dimensions)) {
    const place = DIMENSIONS.indexOf(text(entry.dimensionType?.code) ?? '')
    if (place >= 0) codes[place] = text(entry.dimension?.code)
  }
  return codes
}

function journal(n: Raw, source: string, accounts: ReadonlyMap<string, string>): Flat {
  const type = text(n.journalEntryType?.code)
  const number = text(n.journalEntryNumber)
  const company = text(n.company?.code)
  const name = text(n.journal?.code)
  const status = text(n.journalEntryStatus)
  const lines: StagedRow[] = []
  const analytical: StagedRow[] = []
  for (const l of elements(n.journalEntryLines)) {
    const ledger = text(l.ledgerTypeNumber)
    const line = plain(l.lineNumber)
    const date = text(l.accountingDate)
    const account = text(l.account?.code)
    const splits = elements(l.analyticalLines)
    let only: (string | undefined)[] = []
    for (const split of splits) {
      const codes = dimensionsOf(split)
      if (splits.length === 1) only = codes
      analytical.push({
        c0: source,
        c1: type,
        c2: number,
        c3: ledger,
        c4: line,
        c5: plain(split.analyticalLineNumber),
        c6: company,
        c7: date,
        c8: account,
        c9: text(split.site?.code),
        c10: signed(split.transactionAmount, l.sign),
        c11: text(split.quantity),
        c12: codes[0],
        c13: codes[1],
        c14: codes[2],
      })
    }
    lines.push({
      c0: source,
      c1: type,
      c2: number,
      c3: ledger,
      c4: line,
      c5: company,
      c6: name,
      c7: status,
      c8: date,
      c9: date?.slice(0, 7),
      c10: text(l.site?.code),
      c11: text(l.chartOfAccounts?.code),
      c12: account === undefined ? undefined : accounts.get(account),
      c13: text(l.controlAccount),
      c14: text(l.businessPartner?.code),
      c15: text(l.transactionCurrency?.code),
      c16: signed(l.transactionAmount, l.sign),
      c17: text(l.ledgerCurrency?.code),
      c18: signed(l.ledgerAmount, l.sign),
      c19: text(l.quantity),
      c20: text(l.lineDescription),
      c21: text(l.matchingCode),
      c22: text(l.matchingDate),
      c23: text(l.tax?.code),
      c24: only[0],
      c25: only[1],
      c26: only[2],
      c27: account,
    })
  }
  return {
    '': [
      {
        c0: source,
        c1: type,
        c2: number,
        c3: company,
        c4: text(n.site?.code),
        c5: name,
        c6: text(n.accountingDate),
        c7: status,
        c8: text(n.journalEntryTransaction?.code),
        c9: text(n.transactionCurrency?.code),
      },
    ],
    lines,
    analytical,
  }
}
