import assert from 'node:assert/strict'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import { inOldForm, translate } from '../../nodes/x3/client/old-form.ts'
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never, readEntity, sourceOf } from '../support/x3-client.ts'

const ON_THE_PARTNER = ['vat_number', 'country', 'language']
const without = (row: object, names: readonly string[]) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)))
const bare = (records: readonly DataRecord[]) => records.map(({ _read, _stamp, ...row }) => row)

describe('GraphQL in the form of 2021', () => {
  let old: X3Fixture
  let later: X3Fixture
  before(async () => {
    old = await startX3Fixture({ generation: 'sage' })
    later = await startX3Fixture({ generation: '2021' })
  })
  after(async () => {
    await old.x3.close()
    await later.x3.close()
  })

  it('gives the same rows as the forms after it, of every entity, by pages, keys and listing', async function () {
    this.timeout(120_000)
    const [a, b] = [inOldForm(connect(old)), connect(later)]
    for (const { entity } of ENTITIES) {
      const [x, y] = [await readEntity(sourceOf(a, { pageSize: 7 }), entity), await readEntity(sourceOf(b), entity)]
      assert.ok(x.records.length > 0, entity)
      // What stands on the partner alone is not led to in 2021, and told.
      const left = ['supplier', 'customer'].includes(entity) ? ON_THE_PARTNER : []
      for (const name of left)
        assert.ok(
          x.notices.some((text) => text.endsWith(`; the column ${name} is left out`)),
          name,
        )
      assert.deepEqual(
        bare(x.records),
        bare(y.records).map((row) => without(row, left)),
        entity,
      )
      assert.deepEqual(x.plan.schema, {
        ...y.plan.schema,
        columns: y.plan.schema.columns.filter(({ name }) => !left.includes(name)),
      })
      assert.deepEqual(
        y.notices.filter((text) => /left out/.test(text)),
        [],
        entity,
      )
      const keys = x.records
        .slice(0, 3)
        .map((record) => x.plan.schema.key.map((name) => String(record[name])).join('|'))
      const read = await x.plan.readKeys?.([...keys, `${keys[0]}x`], () => 1, never)
      assert.equal(read?.records.length, keys.length, entity)
      const listed = await x.plan.list?.({ cursor: null, nextRead: () => 1, signal: never })
      assert.equal(listed?.total, x.records.length + x.refused.length, entity)
    }
    await a.close()
    await b.close()
  })

  it('reads in 2022 what stands on the partner, and names without a number', async () => {
    const line = connect(later)
    const { records } = await readEntity(sourceOf(line), 'supplier')
    for (const { code, name, vat_number, country, language } of records) {
      const partner = later.books.tables.businessPartner.get(String(code))
      assert.deepEqual(
        [name, vat_number ?? '', country, language],
        [partner?.name, partner?.vatNumber, partner?.country, partner?.language],
      )
    }
    await line.close()
  })

  it('writes operators as the examples of that time do', async () => {
    const connection = inOldForm(connect(old))
    const { records } = await readEntity(
      sourceOf(connection, { filters: { supplier: "{currency:{code:{$in:['EUR']}}}" } }),
      'supplier',
    )
    assert.ok(records.length > 0 && records.every(({ currency }) => currency === 'EUR'))
    const sent = old.x3.stats().last.at(-1)?.variables as { filter?: string }
    assert.match(sent.filter ?? '', /"\$in":\["EUR"\]/)
    await readEntity(sourceOf(connection), 'supplier', { from: '2026-01-01T00:00:00Z', bound: '2026-03-10T00:00:00Z' })
    const filters = old.x3.stats().last.map(({ variables }) => (variables as { filter?: string }).filter ?? '')
    assert.ok(filters.some((text) => text.includes('"$gte"')))
    await connection.close()
  })

  it('finds what changed, and completes documents of many lines', async () => {
    const connection = inOldForm(connect(old))
    const source = sourceOf(connection)
    const { records } = await readEntity(source, 'gl_entry', {
      from: '2026-01-01T00:00:00Z',
      bound: new Date(old.clock.time).toISOString(),
    })
    assert.ok(records.length > 0)
    for (const record of records) assert.ok((record.lines as Row[]).length > 1)
    await connection.close()
  })

  it('is told where the connection is set to another form, both ways', async () => {
    const [a, b] = [connect(old), inOldForm(connect(later))]
    await assert.rejects(readEntity(sourceOf(a), 'supplier'), /speaks the form of GraphQL of 2021/)
    await assert.rejects(readEntity(sourceOf(b), 'supplier'), /does not speak the form of GraphQL of 2021/)
    await a.close()
    await b.close()
  })

  it('puts reads by key, aliases and inner lists into that form', () => {
    const { text, ids } = translate(
      'query($id:Id!,$first:Int!){x3Sales{salesInvoice{read(_id:$id){code lines{query(first:$first,filter:"a)b"){totalCount edges{node{n}}}}}}} future:x3Sales{salesInvoice{query(first:1){totalCount}}}}',
    )
    assert.equal(
      text,
      'query($id:String!,$first:Int!){sage{x3Sales{salesInvoice(first:1,filter:$id){edges{node{code lines(first:$first,filter:"a)b"){totalCount edges{node{n}}}}}}} future:x3Sales{salesInvoice(first:1){totalCount}}}}',
    )
    assert.deepEqual(ids, ['id'])
  })
})
