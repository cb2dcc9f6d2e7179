import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql'
import { z } from 'zod'
import type { Generation } from '../../sandbox/x3/model.ts'
import { createSchema } from '../../sandbox/x3/schema.ts'
import { at, startX3Fixture } from '../support/x3.ts'

const contracts = new URL('../../../shared/contracts/x3/graphql/', import.meta.url)

const compiled = z.object({
  nodes: z.array(
    z.object({
      package: z.string(),
      node: z.string(),
      fields: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
})
const thirdParty = z.object({
  nodes: z.array(z.object({ node: z.string(), fields: z.array(z.string()).optional() })),
})

/** On Sage's pages, but nothing that the books hold. */
const notServed = new Set([
  'purchaseOrderDimensions',
  'purchaseRequestLineDimensionDimensions',
  'salesOrderLineDimension',
  'salesOrderLineDimensionDimensions',
  'period',
])

const typeName = (node: string): string => `${node.charAt(0).toUpperCase()}${node.slice(1)}_node`

function typeOf(generation: Generation, name: string): GraphQLObjectType {
  const type = createSchema(generation).getType(name)
  assert.ok(isObjectType(type), `${name} in ${generation}`)
  return type
}

describe('X3 sandbox against the contract', () => {
  before(function () {
    if (!existsSync(contracts)) {
      console.log('      skipped: ../shared/contracts is not here')
      this.skip()
    }
  })

  function read<T>(file: string, schema: z.ZodType<T>): T {
    return schema.parse(JSON.parse(readFileSync(new URL(file, contracts), 'utf8')))
  }

  it("has every field of Sage's pages with its type, where Sage says it is queried", () => {
    const schema = createSchema('current')
    let fields = 0
    for (const entry of read('nodes.compiled.json', compiled).nodes) {
      if (notServed.has(entry.node)) continue
      const type = typeOf('current', typeName(entry.node)).getFields()
      for (const { name, type: expected } of entry.fields) {
        fields++
        assert.equal(type[name]?.type.toString(), expected, `${entry.node}.${name}`)
      }
      const root = getNamedType(schema.getQueryType()?.getFields()[entry.package]?.type)
      assert.ok(isObjectType(root) && root.getFields()[entry.node], `${entry.package}.${entry.node}`)
    }
    assert.ok(fields > 300, `${fields} fields compared`)
  })

  it('has the names that third parties read', () => {
    const schema = createSchema('current')
    const old = createSchema('2021')
    let fields = 0
    for (const { node, fields: names = [] } of read('nodes.thirdparty.json', thirdParty).nodes) {
      const served = schema.getType(typeName(node))
      const servedBefore = old.getType(typeName(node))
      if (!isObjectType(served) || !isObjectType(servedBefore)) continue
      for (const name of names) {
        fields++
        const first = name.split(/[. ]/)[0] ?? ''
        assert.ok(served.getFields()[first] ?? servedBefore.getFields()[first], `${node}.${name}`)
      }
    }
    assert.ok(fields > 20, `${fields} fields compared`)
  })

  it("answers Sage's own sample operations", async () => {
    const { x3, books, post } = await startX3Fixture()
    try {
      const [order] = books.tables.purchaseOrder.walk()
      assert.ok(order)
      const operation = (name: string): string =>
        readFileSync(new URL(`sage-sample-operations/${name}.graphql`, contracts), 'utf8')
      const list = await post(operation('PurchaseOrder_query'), {
        first: 5,
        filter: `{purchaseSite:'${order.site}'}`,
        orderBy: '{purchaseSite:{_id:-1},_id:-1}',
      })
      const edges = at(list.json, 'data.x3Purchasing.purchaseOrder.query.edges') as { node: unknown }[]
      assert.equal(edges.length, 5)
      assert.equal(at(edges[0], 'node.purchaseSite._id'), order.site)
      assert.equal(list.json?.errors, undefined)
      const one = await post(operation('PurchaseOrder_read'), { id: order.number })
      assert.equal(at(one.json, 'data.x3Purchasing.purchaseOrder.read._id'), order.number)
      assert.equal(one.json?.errors, undefined)
    } finally {
      await x3.close()
    }
  })
})

describe('X3 sandbox against docs/entities.md', () => {
  const text = readFileSync(new URL('../../docs/entities.md', import.meta.url), 'utf8')

  /** Node and field path of each row of the page's tables. */
  function paths(): { node: string; path: string }[] {
    const found: { node: string; path: string }[] = []
    let node = ''
    // What follows tells of other systems.
    const [x3 = ''] = text.split(/\n## (?:basware_invoice|Sage Intacct)\n/)
    for (const line of x3.split('\n')) {
      const named = /X3:.*?`x3\w+\.(\w+)`/.exec(line) ?? /node `x3\w+\.(\w+)`/.exec(line)
      if (named?.[1]) node = named[1]
      const cell = /^\|[^|]+\|[^|]*\| (.+) \|$/.exec(line)?.[1]
      // Tables before the first entity are about something else.
      if (node === '' || !cell || /^(X3 field|connection|header|of the|\(|`)/.test(cell)) continue
      const product = / x (\S+)/.exec(cell)?.[1]
      const words = cell.startsWith('sign ')
        ? ['sign', cell.split(' ').at(-1) ?? '']
        : [product ?? cell.split(/[ ,]/)[0] ?? '']
      if (cell.startsWith('sign of the line')) words.shift()
      for (const path of words) found.push({ node, path: path.replaceAll('[0]', '') })
    }
    return found
  }

  it('has every field path that the page names', () => {
    const wanted = paths()
    assert.ok(wanted.length > 100, `${wanted.length} paths`)
    for (const { node, path } of wanted) {
      let type = typeOf('current', typeName(node))
      for (const [i, name] of path.split('.').entries()) {
        const field = type.getFields()[name]
        assert.ok(field, `${node}: ${path} (${type.name} has no ${name})`)
        const inner = getNamedType(field.type)
        if (i === path.split('.').length - 1) {
          const scalar = !isObjectType(inner) || inner.name.endsWith('_Collection')
          assert.ok(scalar, `${node}: ${path} is a ${inner.name}`)
        } else {
          assert.ok(isObjectType(inner), `${node}: ${path}`)
          const name = inner.name.replace(/_Collection$/, '_node')
          type = typeOf('current', name)
        }
      }
    }
  })

  it('differs between the generations where releases differ', () => {
    const name = (generation: Generation, type: string, field: string): string | undefined =>
      typeOf(generation, type).getFields()[field]?.type.toString()
    assert.equal(name('current', 'Supplier_node', 'code'), 'BusinessPartner_node')
    assert.equal(name('quantityLines', 'Supplier_node', 'code'), 'BusinessPartner_node')
    assert.equal(name('2021', 'Supplier_node', 'code'), 'BusinessPartner_node')
    assert.equal(name('sage', 'Supplier_node', 'code'), 'String')
    assert.ok(name('2021', 'Supplier_node', 'companyName') && !name('2021', 'Supplier_node', 'companyName1'))
    assert.equal(name('current', 'PurchaseOrder_node', 'purchaseOrderLines'), 'PurchaseOrderLine_Collection')
    assert.equal(name('current', 'PurchaseOrder_node', 'purchaseOrderQuantityLines'), undefined)
    for (const generation of ['quantityLines', '2021'] as const) {
      assert.equal(name(generation, 'PurchaseOrder_node', 'purchaseOrderQuantityLines'), 'PurchaseOrderLine_Collection')
      assert.equal(name(generation, 'PurchaseOrder_node', 'purchaseOrderLines'), undefined)
    }
    assert.ok(createSchema('2021').getQueryType()?.getFields().xtremX3MasterData)
    assert.equal(createSchema('2021').getQueryType()?.getFields().x3MasterData, undefined)
    assert.equal(createSchema('current').getMutationType(), undefined)
  })
})
