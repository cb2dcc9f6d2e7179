import assert from 'node:assert/strict'
import { isSyncError } from '../../../../sync/contract/errors.ts'
import { parseBatch } from '../../../../sync/values/parse-message.ts'
import { journal, journalSchema, supplier, supplierSchema } from '../../../support/deliveries.ts'

const sync = { name: 'books', run: 'r1', entity: 'supplier', batch: 0, readNumber: 1, ledger: 'l', mode: 'poll' }
const good = { payload: [supplier('S', 'A')], schema: supplierSchema, sync, topic: 'supplier' }
const columns = supplierSchema.columns
const lines = journalSchema.lists?.lines

describe('parse', () => {
  it('takes a batch as a source sends it, without copying its records', () => {
    const batch = parseBatch(good)
    assert.equal(batch.payload, good.payload)
    assert.equal(batch.schema, supplierSchema)
    assert.deepEqual(batch.sync, sync)
    assert.equal(batch.topic, 'supplier')
    assert.equal(parseBatch({ payload: [journal('J', '1')], schema: journalSchema }).sync, undefined)
    assert.equal(parseBatch({ ...good, payload: good.payload[0] }).payload.length, 1)
  })

  const wrong: [string, object, RegExp][] = [
    ['no schema: says what to wire before', { schema: undefined }, /^msg\.schema is missing\. Wire this node behind/],
    ['a schema without columns', { schema: { entity: 'e', key: ['a'], columns: [] } }, /^msg\.schema\.columns/],
    [
      'an unknown type',
      { schema: { ...supplierSchema, columns: [{ name: 'source', type: 'money' }] } },
      /^msg\.schema\.columns\.0\.type is not string/,
    ],
    [
      'a decimal wider than 38',
      { schema: { ...supplierSchema, columns: [{ name: 'source', type: 'decimal(39,2)' }] } },
      /columns\.0\.type/,
    ],
    [
      'a decimal of more scale than precision',
      { schema: { ...supplierSchema, columns: [{ name: 'source', type: 'decimal(2,4)' }] } },
      /columns\.0\.type/,
    ],
    ['a key that is no column', { schema: { ...supplierSchema, key: ['source', 'id'] } }, /^msg\.schema\.key names id/],
    [
      'two columns that a warehouse takes for one',
      { schema: { ...supplierSchema, columns: [...columns, { name: 'NAME', type: 'string' }] } },
      /has NAME twice/,
    ],
    [
      'a column with a name of Tieout',
      { schema: { ...supplierSchema, columns: [...columns, { name: '_sync_run', type: 'string' }] } },
      /begins with _/,
    ],
    [
      'a list whose key lacks a part of the document',
      { schema: { ...journalSchema, lists: { lines: { ...lines, key: ['source', 'line'] } } } },
      /^msg\.schema\.lists\.lines\.key lacks number/,
    ],
    [
      'a list with the name of a column',
      { schema: { ...journalSchema, lists: { status: lines } } },
      /^msg\.schema\.lists\.status is also the name of a column/,
    ],
    ['a payload of text', { payload: 'hello' }, /^msg\.payload\[0\] is no record/],
    ['a buffer', { payload: Buffer.from('x') }, /^msg\.payload\[0\] is no record/],
    ['no payload', { payload: undefined }, /^msg\.payload\[0\] is no record/],
    ['an array of arrays', { payload: [[]] }, /^msg\.payload\[0\] is no record/],
    [
      'a record that a function node built new',
      { payload: [supplier('S', 'A'), { source: 'x3', code: 'T' }] },
      /^msg\.payload\[1\]\._row is missing/,
    ],
    ['a read number as text', { payload: [{ ...supplier('S', 'A'), _read: '5' }] }, /_read is no read number/],
    ['another operation', { payload: [{ ...supplier('S', 'A'), _op: 'upsert' }] }, /_op is not "delete"/],
    ['a batch number as text', { sync: { ...sync, batch: '1' } }, /^msg\.sync\.batch/],
    ['a sync that is no object', { sync: 'x' }, /^msg\.sync /],
  ]
  for (const [what, change, message] of wrong)
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseBatch({ ...good, ...change }),
        (error: unknown) => {
          assert.ok(isSyncError(error))
          assert.equal(error.cause.class, 'config')
          assert.match(error.message, message)
          return true
        },
      )
    })

  it("asks for no _row in a message of the flow's own", () => {
    assert.equal(parseBatch({ payload: [{ source: 'x3', code: 'T' }], schema: supplierSchema }).payload.length, 1)
  })
})
