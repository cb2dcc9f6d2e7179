import assert from 'node:assert/strict'
import { tooMuch } from '../../../nodes/x3/client/errors.ts'
import { checkBody, readReply } from '../../../nodes/x3/client/reply.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import { MEGABYTE, overBytes, overDepth } from '../../../vendor/limits.ts'
import { connection, further, lines, one, order, page, read } from '../../support/x3-reader.ts'

const deep = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
const codeOf = (code: string) => (error: SyncError) => error.code === code && (error.cause.hint ?? '') !== ''

describe('answers of X3 that are over a limit', () => {
  it('are not parsed where they would take the memory of many times their size', () => {
    const nested = Buffer.alloc(6 * MEGABYTE, '[')
    assert.throws(() => checkBody(nested, 'supplier'), codeOf('x3.depth'))
    const wide = Buffer.from(`{"data":[${'{},'.repeat(2_000_001)}0]}`)
    assert.throws(() => checkBody(wide, 'supplier'), codeOf('x3.too-large'))
    checkBody(Buffer.from(`{"data":"${'{['.repeat(3 * MEGABYTE)}"}`), 'supplier')
  })

  it('that are small and deep end in words, however they are parsed', () => {
    const answer = (text: string) => ({ status: 200, contentType: 'application/json', text })
    const levels = '['.repeat(400_000) + ']'.repeat(400_000)
    for (const exact of [true, false])
      assert.throws(
        () => readReply(answer(`{"data":null,"errors":[${levels}]}`), exact, 'supplier'),
        (error: SyncError) => error.code === 'x3.depth' || error.code === 'x3.graphql',
      )
    assert.throws(() => readReply(answer(`{"data":${levels}}`), true, 'supplier'), codeOf('x3.depth'))
  })

  for (const [what, error] of [
    ['bytes', tooMuch(overBytes(64 * MEGABYTE), 'purchase_order')],
    ['depth', tooMuch(overDepth(100), 'purchase_order')],
  ] as const) {
    it(`of ${what}: the page is asked for smaller at once, and the single record that stays over it is held`, async () => {
      const x3 = connection(({ text, variables }) => {
        if (!text.includes('purchaseOrderLines')) return page([{ _id: 'A', id: 'A' }], 'behind A')
        if (variables.after === null) throw error
        return page([order('B')])
      })
      const found = await read(x3, { pageSize: 8 })
      assert.deepEqual(
        x3.asked.map(({ variables }) => variables.first),
        [8, 4, 2, 1, 1],
      )
      const [held] = found.refused ?? []
      assert.deepEqual([held?.code, held?.record.number, found.cursor], ['x3.unreadable', 'A', 'behind A'])
      assert.ok(held?.message.includes(error.message), held?.message)
    })

    it(`of ${what}: a document whose further lines are over it is held, and the others pass`, async () => {
      const long = order('A', { purchaseOrderLines: lines([1000], 2, 'c1') })
      const x3 = connection(({ text }) => {
        if (text.includes('$document')) throw error
        return page([long, order('B')])
      })
      const found = await read(x3)
      assert.deepEqual(
        found.records.map(({ number }) => number),
        ['B'],
      )
      assert.deepEqual(
        found.refused?.map(({ code, message }) => [code, message.includes(error.message)]),
        [[error.code, true]],
      )
    })

    it(`of ${what}: a document that is over it when it is read again is held`, async () => {
      const short = order('A', { purchaseOrderLines: lines([1000], 2, 'c1') })
      const x3 = connection(({ text }) => {
        if (text.includes('$document')) return further(order('A', { _etag: 'other' }), lines([1000], 2))
        if (text.includes('$id')) throw error
        return page([short, order('B')])
      })
      const found = await read(x3)
      assert.deepEqual(
        [found.records.map(({ number }) => number), found.refused?.map(({ code }) => code)],
        [['B'], [error.code]],
      )
    })
  }

  it('hold a record one of whose values is nested too deeply', async () => {
    for (const levels of [101, 3000]) {
      const spoilt = order('A', { orderDate: deep(levels) })
      const x3 = connection(({ text }) => (text.includes('$id') ? one(spoilt) : page([spoilt, order('B')])))
      const found = await read(x3)
      assert.deepEqual(
        found.records.map(({ number }) => number),
        ['B'],
      )
      assert.match(found.refused?.[0]?.message ?? '', /a value is nested deeper than 100 levels/)
    }
  })

  it('end in words where what is nested is no value', async () => {
    const x3 = connection(() => page([order('A', { _etag: deep(9000), purchaseOrderLines: lines([1000], 2, 'c1') })]))
    await assert.rejects(read(x3), codeOf('x3.depth'))
  })
})
