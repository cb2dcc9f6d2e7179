/** What basware-send writes against Basware's own published file. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { z } from 'zod'
import { SCOPES } from '../../nodes/basware/client/options.ts'
import { isCarried } from '../../nodes/basware/client/send/copies.ts'
import { LIST_KEY, type Place, resourceOf } from '../../nodes/basware/client/send/resources.ts'
import { CODING_FIELDS, SCHEMAS } from '../../nodes/basware/client/send/schema.ts'
import { baswareContract, type PublishedApi, type PublishedField } from '../support/basware-contract.ts'

interface Shape {
  readonly type?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly enum?: readonly string[]
  readonly items?: Shape
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly kind?: string
}

const PLACES: readonly Place[] = [
  ...(['vendors', 'accounts', 'costCenters', 'projects', 'matchingOrders', 'matchingOrderLines'] as const),
  'purchaseRequisitions',
  'lists/ACC_LIST_21',
]

describe("what is sent and Basware's published file", function () {
  let api: PublishedApi
  before(() => {
    const found = baswareContract()
    if (!found) this.ctx.skip()
    else api = found
  })

  const entityOf = ({ $ref }: PublishedField) => api.components.schemas[$ref?.split('/').at(-1) ?? '']

  /** Whatever ours would let through that theirs does not. */
  function fieldFaults(path: string, own: Shape, theirs: PublishedField | undefined): string[] {
    if (!theirs) return [`${path}: there is no such field`]
    const entity = entityOf(theirs)
    if (own.properties) return entity ? objectFaults(path, own, entity) : [`${path}: is no object there`]
    if (own.items)
      return theirs.type === 'array' ? fieldFaults(`${path}[]`, own.items, theirs.items) : [`${path}: no list`]
    const faults: string[] = []
    const type = own.kind ?? own.type
    const isDay = own.format === 'date'
    if (isDay ? theirs.format !== 'date-time' : type !== theirs.type)
      faults.push(`${path}: ${type}, there ${theirs.type}`)
    if (theirs.maxLength !== undefined && (own.maxLength ?? 1e9) > theirs.maxLength)
      faults.push(`${path}: up to ${own.maxLength}, there ${theirs.maxLength}`)
    if ((own.minLength ?? 0) < (theirs.minLength ?? 0) && !isDay)
      faults.push(`${path}: from ${own.minLength ?? 0}, there ${theirs.minLength}`)
    if (own.enum && JSON.stringify(own.enum) !== JSON.stringify(theirs.enum)) faults.push(`${path}: other words`)
    if (theirs.maximum !== undefined && (own.maximum ?? 1e99) > theirs.maximum) faults.push(`${path}: too high`)
    if (theirs.minimum !== undefined && (own.minimum ?? -1e99) < theirs.minimum) faults.push(`${path}: too low`)
    return faults
  }

  function objectFaults(
    path: string,
    own: Shape,
    theirs: { readonly required?: readonly string[]; readonly properties: Readonly<Record<string, PublishedField>> },
  ): string[] {
    const missing = (theirs.required ?? []).filter((name) => !own.required?.includes(name))
    return [
      ...missing.map((name) => `${path}.${name}: is required there`),
      ...(own.additionalProperties === false ? [] : [`${path}: takes unknown fields`]),
      ...Object.entries(own.properties ?? {}).flatMap(([name, field]) =>
        fieldFaults(`${path}.${name}`, field, theirs.properties[name]),
      ),
    ]
  }

  for (const [name, schema] of Object.entries(SCHEMAS))
    it(`${name}: names, types, lengths, what is required, nothing unknown`, () => {
      const own = z.toJSONSchema(schema, { unrepresentable: 'any' }) as Shape
      const theirs = api.components.schemas[name]
      ok(theirs)
      deepStrictEqual(objectFaults(name, own, theirs), [])
    })

  it('whatever a copy may have goes back with it, but for what is of Basware alone', () => {
    const OWN = ['lastUpdated', 'buvid', 'invoicedQuantity', 'invoicedNetSum', 'invoicedGrossSum']
    // A requisition that is there is never sent again.
    for (const place of PLACES.filter((one) => one !== 'purchaseRequisitions')) {
      const { entity } = resourceOf(place)
      const filled: object = SCHEMAS[entity].shape
      const theirs = Object.keys(api.components.schemas[entity]?.properties ?? {})
      const lost = theirs.filter((name) => !isCarried(place, name) && !Object.hasOwn(filled, name))
      deepStrictEqual(
        lost.filter((name) => !OWN.includes(name)),
        [],
        place,
      )
      strictEqual(isCarried(place, 'somethingNew'), false)
    }
  })

  it('each place is a path that takes a POST of a list, under a scope that is asked for', () => {
    for (const place of PLACES) {
      const { path, scope, group, page } = resourceOf(place)
      const published = path.replace(/ACC_LIST_21$/, '{listKey}')
      ok(api.paths[published]?.post, published)
      const size = api.paths[published]?.get?.parameters?.find((one) => one.name === 'pageSize')
      ok((size?.schema.maximum ?? 500) >= page, `${place}: ${size?.schema.maximum}`)
      const scopes: readonly string[] = SCOPES[group]
      deepStrictEqual([scopes.includes(`${scope}.read`), scopes.includes(`${scope}.write`)], [true, true], place)
    }
  })

  it('axes may feed the fields of a coding row, and lists are those of the file', () => {
    const coding = api.components.schemas.OrderLineCodingEntity?.properties ?? {}
    deepStrictEqual(
      CODING_FIELDS.filter((name) => !coding[name]),
      [],
    )
    const keys = ['ACC_LIST_1', 'ACC_LIST_35', 'INV_LIST_20', 'CUST_RESOLVER_5']
    deepStrictEqual([keys.every((key) => LIST_KEY.test(key)), LIST_KEY.test('ACC_LIST_36')], [true, false])
  })
})
