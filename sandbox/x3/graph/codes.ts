import type { Code, Fields, NodeSpec } from '../model.ts'
import { node } from '../model.ts'

const born = { created: '2019-01-01T06:00:00Z', updated: '2019-01-01T06:00:00Z' }

/** Type, kind in the books' list of codes, package where the node can be queried, and fields of its own. */
const list: readonly [type: string, kind: string, pkg?: string, fields?: Fields<Code>, blank?: string][] = [
  ['Company', 'company', 'x3System', { name: ['String', (c) => c.title] }, 'legislation:Legislation_node'],
  ['Site', 'site', 'x3System', { name: ['String', (c) => c.title] }, 'legalCompany:Company_node'],
  ['ChartOfAccounts', 'chartOfAccounts', 'x3FinanceData'],
  ['DimensionType', 'dimensionType', 'x3FinanceData', { isActive: ['Boolean', () => true] }],
  ['Ledger', 'ledger', 'x3FinanceData'],
  ['EntryType', 'entryType', 'x3FinanceData'],
  ['Journal', 'journal', 'x3FinanceData'],
  ['JournalEntryTransaction', 'transaction', 'x3FinanceData'],
  ['Currency', 'currency', 'x3MasterData'],
  ['Country', 'country', 'x3Structure'],
  ['Language', 'language', 'x3System'],
  ['UnitOfMeasure', 'unit', 'x3MasterData', { description: ['String', (c) => c.title] }],
  ['PaymentTerm', 'paymentTerm', 'x3InvoicingData'],
  ['Tax', 'tax', 'x3InvoicingData'],
  ['SupplierCategory', 'supplierCategory', 'x3MasterData'],
  ['CustomerCategory', 'customerCategory', 'x3MasterData'],
  ['PurchaseInvoiceType', 'invoiceType', 'x3Purchasing'],
  ['SalesInvoiceType', 'invoiceType', 'x3Sales'],
]

function codeNode(type: string, kind: string, pkg?: string, fields: Fields<Code> = {}, blank = ''): NodeSpec {
  return node<Code>(
    {
      type,
      ...(pkg ? { package: pkg } : {}),
      all: (context) =>
        Object.keys(context.books.codes[kind] ?? {})
          .sort()
          .flatMap((code) => context.code(kind, code) ?? []),
      position: (code) => [code.code],
      stamped: () => born,
      keyFields: ['code'],
    },
    {
      code: ['String', (c) => c.code],
      localizedDescription: ['String', (c) => c.title],
      localizedShortDescription: ['String', (c) => c.title.slice(0, 10)],
      ...fields,
    },
    blank,
  )
}

export function codeNodes(): NodeSpec[] {
  return [
    ...list.map((entry) => codeNode(...entry)),
    codeNode('SysUser', 'user', undefined, { login: ['String', (c) => c.code], name: ['String', (c) => c.title] }),
  ]
}

/** A node that other nodes lead to and the books know nothing of. */
export function unknownNode(type: string): NodeSpec {
  return codeNode(type, type)
}
