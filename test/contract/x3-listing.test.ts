import assert from 'node:assert/strict'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import { LISTED_AT_ONCE } from '../../nodes/x3/client/listing.ts'
import type { X3SourceOptions } from '../../nodes/x3/client/poll.ts'
import { keyText } from '../../sync/contract/message.ts'
import type { Listing } from '../../sync/contract/source.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never, readEntity, sourceOf } from '../support/x3-client.ts'

describe('the X3 client lists keys and stamps for the sweep', () => {
  let fixture: X3Fixture
  const opened: { close(): Promise<void> }[] = []
  const open = async (options: Parameters<typeof startX3Fixture>[0] = {}, more: Partial<X3SourceOptions> = {}) => {
    fixture = await startX3Fixture(options)
    const connection = connect(fixture, { retry: { attempts: 8, firstDelayMs: 1, maxDelayMs: 2 } })
    opened.push(connection, fixture.x3)
    return sourceOf(connection, more)
  }
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
  })

  const list = async (source: Awaited<ReturnType<typeof open>>, entity: string) => {
    const plan = await source.plan(entity, never)
    const keys: [string, string | null][] = []
    const numbers: number[] = []
    const pages: number[] = []
    let cursor: string | null = null
    do {
      const page: Listing | undefined = await plan.list?.({
        cursor,
        nextRead: () => numbers.push(numbers.length),
        signal: never,
      })
      assert.ok(page, `${entity} has no listing`)
      keys.push(...page.keys.map(({ key, stamp }): [string, string | null] => [key, stamp]))
      pages.push(page.keys.length)
      cursor = page.cursor
      if (cursor === null) assert.equal(page.total, keys.length)
    } while (cursor !== null)
    return { keys: keys.sort(), numbers, pages }
  }
  const read = async (source: Awaited<ReturnType<typeof open>>, entity: string) => {
    const { plan, records, refused } = await readEntity(source, entity, { from: null, bound: '2099-01-01T00:00:00Z' })
    return [...records, ...refused.map(({ record }) => record)]
      .map((record): [string, string | null] => [keyText(plan.schema, record), record._stamp ?? null])
      .sort()
  }

  for (const { entity } of ENTITIES)
    it(`${entity}: the same keys and stamps as a whole reading, in few requests`, async () => {
      const source = await open()
      const { keys, numbers } = await list(source, entity)
      assert.ok(keys.length > 0)
      assert.ok(numbers.length <= Math.ceil(keys.length / LISTED_AT_ONCE) + 1, `${numbers.length} requests`)
      assert.deepEqual(keys, await read(source, entity))
    })

  it('a page that X3 refuses for its size is halved, and the cursor leads through all of them', async () => {
    const source = await open({ maxFirst: 40 })
    const { keys, pages } = await list(source, 'product')
    assert.ok(pages.length > 1, String(pages))
    assert.deepEqual(keys, await read(source, 'product'))
  })

  it('goes by the filter of the entity, and by the type that is the cost centre', async () => {
    const source = await open({}, { filters: { purchase_order: "{company: {code: 'FR10'}}" } })
    const filtered = await list(source, 'purchase_order')
    assert.deepEqual(filtered.keys, await read(source, 'purchase_order'))
    const all = fixture.books.tables.purchaseOrder.count()
    assert.ok(filtered.keys.length > 0 && filtered.keys.length < all, `${filtered.keys.length} of ${all}`)
  })

  it('without the right to read it fails by name, and lists nothing', async () => {
    const source = await open()
    await source.plan('supplier', never)
    fixture.x3.deny('supplier')
    await assert.rejects(list(source, 'supplier'), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'x3.right')
      assert.match(error.message, /supplier/)
      return true
    })
  })
})
