import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import type { ColumnDef, ListDef } from '../../nodes/x3/client/entities/types.ts'

/** Named by Sage's own sample operations, and in no list of a package. */
const SAMPLED = new Set(['purchaseReceiptLine'])
const folder = new URL('../../../shared/contracts/x3/graphql/', import.meta.url)

interface ContractNode {
  readonly package?: string
  readonly node: string
  readonly complete?: boolean
  readonly note?: string
  readonly fields?: readonly (string | { readonly name: string; readonly type: string })[]
}

/**
 * Fields that no page names: taken by analogy, or from notes. Each is checked by `__type` on a live system, and left out
 * and reported where it is unknown there (docs/x3.md lists them).
 */
const UNCERTAIN = new Set([
  ...[
    'lineAmountExcludingTax',
    'lineStatus',
    'isClosed',
    'netPrice',
    'quantityInStockUnitOrdered',
    'stockUnit',
    'tax',
  ].map((name) => `purchaseOrderLine.${name}`),
  'customer.code',
  'customer.category',
  'customer.currency',
  'customer.isActive',
  'product.stockUnit',
  'product.upc',
  'account.isActive',
  'dimension.isActive',
  'salesInvoice.salesInvoiceLines',
  'salesInvoiceLine.lineNumber',
  'salesInvoiceLine.product',
  'salesInvoiceLine.productDescriptionInUserLanguage',
  'salesInvoiceLine.salesUnit',
  'salesInvoiceLine.quantityInSalesUnitInvoiced',
  'salesInvoiceLine.grossPrice',
  'salesInvoiceLine.lineAmountExcludingTax',
])
/** Named in the notes of the contract, in Sage's own sample operations or (bank details) under the supplier, beside the field list. */
const SAMPLES = new Set([
  'businessPartner.bankDetails',
  'purchaseOrder.isClosed',
  'purchaseOrder.invoiceStatus',
  ...[4, 5, 6, 7, 8, 9].map((n) => `purchaseOrderLine.discountOrCharge${n}`),
  'purchaseOrder.receiptStatus',
  'purchaseOrder.signatureStatus',
  'purchaseOrder.currency',
  'purchaseOrder.purchaseOrderLines',
  'purchaseOrderLine.quantityInOrderUnitOrdered',
  'purchaseOrderLine.quantityInStockUnitReceived',
  'purchaseOrderLine.orderUnit',
])

describe('field names of X3 in the data files', () => {
  const nodes = new Map<string, { complete: boolean; fields: Map<string, string> }>()
  const packages = new Map<string, string[]>()
  before(function () {
    if (!existsSync(folder)) {
      console.log("    the vendors' contracts are not here (../shared/contracts): field names of X3 are not checked")
      this.skip()
    }
    const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    const compiled = read('nodes.compiled.json')
    for (const given of [...compiled.nodes, ...read('nodes.thirdparty.json').nodes] as ContractNode[]) {
      const node = nodes.get(given.node) ?? { complete: false, fields: new Map() }
      node.complete ||= given.complete === true
      for (const field of given.fields ?? []) {
        const name = typeof field === 'string' ? (field.split(/[ .]/)[0] ?? '') : field.name
        if (!node.fields.has(name)) node.fields.set(name, typeof field === 'string' ? '' : field.type)
      }
      nodes.set(given.node, node)
    }
    for (const [name, list] of Object.entries(compiled.nodesByPackage)) packages.set(name, list as string[])
    for (const { package: name, node } of compiled.nodes as ContractNode[])
      packages.set(name ?? '', [...(packages.get(name ?? '') ?? []), node])
  })

  /** First step that the contract does not have; follows references to nodes that it describes. */
  const missing = (node: string, path: string): string | undefined => {
    let at = node
    for (const part of path.split('.')) {
      const known = nodes.get(at)
      if (!known) return undefined
      const name = part.replace('[0]', '')
      if (!known.fields.has(name)) return `${at}.${name}`
      const type = /^(\w+?)_(?:node|Collection)$/.exec(known.fields.get(name) ?? '')?.[1]
      at = type ? `${type[0]?.toLowerCase()}${type.slice(1)}` : ''
    }
    return undefined
  }

  const everyPath = (
    node: string,
    columns: readonly ColumnDef[],
    lists: readonly ListDef[],
  ): { node: string; path: string }[] => [
    ...columns
      .flatMap(({ path, sign }) => [path, sign?.startsWith('^') ? undefined : sign])
      .flatMap((path) => (path ? [{ node, path }] : [])),
    ...lists.flatMap((list) => [
      ...(list.apart ? [] : [{ node, path: list.path }]),
      ...everyPath(list.node.split('|')[0] ?? '', list.columns, list.lists ?? []),
      ...(list.dimensions ? [{ node: list.node, path: list.dimensions.path }] : []),
    ]),
  ]

  it('stand in the contract, or are known to be uncertain', () => {
    const unknown = new Set<string>()
    for (const def of ENTITIES) {
      for (const { node, path } of everyPath(def.node, def.columns, def.lists ?? [])) {
        // The first of the alternatives is today's form.
        const found = missing(node, path.split('|')[0] ?? '')
        if (found === undefined) continue
        assert.ok(
          !nodes.get(found.split('.')[0] ?? '')?.complete,
          `${found} is not on a node whose fields are all listed`,
        )
        unknown.add(found)
      }
    }
    const open = [...unknown].filter((name) => !SAMPLES.has(name)).sort()
    const uncertain = [...UNCERTAIN].filter((name) => nodes.has(name.split('.')[0] ?? '')).sort()
    assert.deepEqual(
      open.filter((name) => !UNCERTAIN.has(name)),
      [],
    )
    assert.deepEqual(
      uncertain.filter((name) => !unknown.has(name)),
      [],
      'these stand in the contract by now',
    )
  })

  it('name nodes in the packages where Sage lists them', () => {
    for (const def of ENTITIES) {
      const listed = packages.get(`x3${def.package}`)
      if (listed && !['customer', 'product'].includes(def.node))
        assert.ok(listed.includes(def.node), `${def.package}.${def.node}`)
      for (const watch of def.watch ?? []) {
        const node = watch.node.split('|')[0] ?? ''
        if (node !== 'salesInvoiceLine' && !SAMPLED.has(node))
          assert.ok(packages.get(`x3${watch.package}`)?.includes(node), `${watch.package}.${node}`)
        for (const path of watch.paths)
          assert.equal(
            node === 'salesInvoiceLine' ? undefined : missing(node, path.split('|')[0] ?? ''),
            undefined,
            `${node}.${path}`,
          )
      }
    }
  })
})
