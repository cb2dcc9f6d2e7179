import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict'
import { apiBench as bench, orderLine as line, order, refusedAs, supplier } from '../../support/basware-sending.ts'

const signal = new AbortController().signal

describe('basware-send: on the way', () => {
  it('cuts by count and by bytes, and holds a record that is over them alone', async () => {
    const { api, prepare, write, batch, target } = bench('supplier', { limits: { most: { vendors: 3 }, bytes: 900 } })
    await prepare()
    await write(batch(...['1', '2', '3', '4', '5', '6'].map((code) => supplier(code))))
    deepStrictEqual(
      api.posts.map(({ bodies }) => bodies.length),
      [3, 3],
    )
    ok(api.posts.every(({ text }) => Buffer.byteLength(text) <= 900))
    const big = batch(supplier('7'), supplier('8', { name: 'é'.repeat(250) }), supplier('9', { name: 'é'.repeat(250) }))
    await write(big)
    deepStrictEqual(
      api.posts.slice(2).map(({ bodies }) => bodies.length),
      [1, 1, 1],
    )
    const few = bench('supplier', { limits: { most: {}, bytes: 400 } })
    await few.prepare()
    const over = few.batch(supplier('7'), supplier('8', { name: 'é'.repeat(250) }))
    await rejects(few.write(over), refusedAs('basware.too-large', /takes \d+ bytes, and Basware takes 400/))
    const found = await few.target.findRejected?.(over, { signal, waiting: () => undefined })
    deepStrictEqual(
      found?.map(({ index, code }) => [index, code]),
      [[1, 'basware.too-large']],
    )
    ok(target.parts)
  })

  it('tells the records that Basware names, and sends those that it took before not again', async () => {
    const { api, accepted, prepare, write, batch, target } = bench('purchase_order', {
      limits: { most: { lines: 2 }, bytes: 6e6 },
    })
    await prepare()
    const all = [order('A', [line(1000), line(2000)]), order('B', [line(1000), line(2000)])]
    api.answer = ({ path, bodies }) =>
      path.endsWith('Lines') && bodies[0]?.externalCode.startsWith('x3_B')
        ? [{ externalCode: 'x3_B_2000_1', code: 'SCHEMA_VALIDATION_ERROR', text: 'taxCode: unknown' }]
        : undefined
    const both = batch(...all)
    await rejects(write(both), refusedAs('basware.refused', /HTTP 400/))
    deepStrictEqual(await target.findRejected?.(both, { signal, waiting: () => undefined }), [
      {
        index: 1,
        code: 'basware.refused',
        message: 'Basware refuses x3_B_2000_1: SCHEMA_VALIDATION_ERROR: taxCode: unknown',
      },
    ])
    const before = api.posts.length
    accepted.length = 0
    await write(batch(all[0] as ReturnType<typeof order>))
    strictEqual(api.posts.length, before)
    deepStrictEqual(
      accepted.flatMap(({ records }) => records.flatMap(({ items }) => items)),
      ['x3_A', 'x3_A_1000_1', 'x3_A_2000_1'],
    )
  })

  it('takes as few requests as the contract allows', async () => {
    const { api, prepare, write, batch, target } = bench('purchase_order')
    const lines = [line(1000), line(2000), line(3000)]
    const { records, ...rest } = batch(...Array.from({ length: 1000 }, (_, k) => order(`PO${k}`, lines)))
    await prepare()
    for (const part of target.parts?.(records, rest.schema) ?? []) await write({ ...rest, records: part })
    const counts = new Map<string, number>()
    for (const { path } of api.posts) counts.set(path, (counts.get(path) ?? 0) + 1)
    deepStrictEqual(
      [...counts],
      [
        ['/v1/matchingOrders', 2],
        ['/v1/matchingOrderLines', 30],
      ],
    )
    deepStrictEqual(api.gets, ['/v1/matchingOrders?pageSize=500'])
  })

  it('sends no code twice within two seconds', async () => {
    const { api, waits, prepare, write, batch } = bench('supplier')
    await prepare()
    await write(batch(supplier('1')))
    api.now += 500
    await write(batch(supplier('1', { name: 'Other' }), supplier('2')))
    deepStrictEqual(
      api.posts.map(({ at }) => at),
      [0, 2000],
    )
    ok(waits.some((what) => /a version was sent just now/.test(what)))
    await write(batch(supplier('3')))
    strictEqual(api.posts[2]?.at, 2000)
  })

  it('moves one harmless field where the same content must be taken once more', async () => {
    const { api, prepare, write, batch } = bench('purchase_order')
    await prepare()
    const once = batch({ ...order('PO1'), _again: true })
    await write(once)
    // what failed in P2P, or whose reply was lost, is sent again as the same version
    await write({ ...once, id: 'next', at: '2026-03-01T12:00:01Z' })
    deepStrictEqual(
      api.posts.map(({ path, bodies }) => [path.split('/').at(-1), bodies[0]?.text10]),
      [
        ['matchingOrders', `Sent again ${once.at}`],
        ['matchingOrderLines', `Sent again ${once.at}`],
        ['matchingOrders', 'Sent again 2026-03-01T12:00:01Z'],
        ['matchingOrderLines', 'Sent again 2026-03-01T12:00:01Z'],
      ],
    )
  })
})
