import assert from 'node:assert/strict'
import fc from 'fast-check'
import { allOf, keysFilter, parseFilter, stampFilter } from '../../../nodes/x3/client/filter.ts'
import type { FieldPath } from '../../../nodes/x3/client/paths.ts'
import { keyParts, keyText } from '../../../sync/contract/message.ts'

const path = (text: string): FieldPath => ({
  steps: text.split('.').map((field) => ({ field, collection: false })),
  type: 'String',
})

describe('filters for X3', () => {
  it('reads relaxed JSON as in the explorer of X3', () => {
    assert.deepEqual(parseFilter("{isActive: true, minimumPrice: {_lt: 45}, code: 'AE003', x: null,}", 'x'), {
      isActive: true,
      minimumPrice: { _lt: 45 },
      code: 'AE003',
      x: null,
    })
    assert.deepEqual(parseFilter('[{purchaseSite: \'FR011\'}, {"isClosed": {_ne: "yes"}}]', 'x'), {
      _and: [{ purchaseSite: 'FR011' }, { isClosed: { _ne: 'yes' } }],
    })
    assert.deepEqual(parseFilter("{lines: {_atLeast: +1, name: 'it\\'s'}}", 'x'), {
      lines: { _atLeast: 1, name: "it's" },
    })
    assert.equal(parseFilter('  ', 'x'), undefined)
  })

  it('keeps the digits of a decimal', () => {
    assert.deepEqual(parseFilter('{amount: {_gt: 12345678901234567.89}}', 'x'), {
      amount: { _gt: '12345678901234567.89' },
    })
  })

  it('says where a filter cannot be read, and lets no prototype through', () => {
    for (const bad of ['{a: ', '{a: b}', '{a 1}', "{a: 'x}", '{a: 1} more', '7', '{__proto__: {x: 1}}']) {
      assert.throws(
        () => parseFilter(bad, 'supplier'),
        (error: Error & { code: string }) => error.code === 'x3.filter' && error.message.startsWith('supplier: '),
        bad,
      )
    }
  })

  it('reads back every JSON object', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z_]\w*$/), tie('any'), { maxKeys: 3 }),
      ),
    })).any
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]\w*$/), value, { minKeys: 1, maxKeys: 3 }), (given) => {
        const text = JSON.stringify(given)
        fc.pre(!text.includes('__proto__'))
        assert.deepEqual(parseFilter(text, 'x'), JSON.parse(text))
      }),
    )
  })

  it('lays a window inclusive at both ends, and without an upper end for dates', () => {
    assert.deepEqual(stampFilter('_updateStamp', 'second', { from: 'A', bound: 'B' }), {
      _and: [{ _updateStamp: { _gte: 'A' } }, { _updateStamp: { _lte: 'B' } }],
    })
    assert.deepEqual(
      stampFilter('updatedDate', 'day', { from: '2026-03-01T10:00:00Z', bound: '2026-03-02T10:00:00Z' }),
      { updatedDate: { _gte: '2026-03-01' } },
    )
    assert.equal(stampFilter('_updateStamp', 'second', { from: null, bound: null }), undefined)
    assert.equal(allOf([undefined, { a: 1 }]), '{"a":1}')
    assert.equal(allOf([]), undefined)
  })

  it('asks for keys with a list for each set of leading parts', () => {
    const paths = [path('journalEntryType.code'), path('journalEntryNumber')]
    const filter = keysFilter(paths, [
      ['A', '1'],
      ['B', '2'],
      ['A', "x'}"],
    ])
    assert.deepEqual(filter, {
      _or: [
        { _and: [{ journalEntryType: { code: 'A' } }, { journalEntryNumber: { _in: ['1', "x'}"] } }] },
        { _and: [{ journalEntryType: { code: 'B' } }, { journalEntryNumber: { _eq: '2' } }] },
      ],
    })
  })

  it('takes a key text apart as it was put together', () => {
    const schema = { entity: 'x', key: ['a', 'b', 'c'], columns: [] }
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
        assert.deepEqual(keyParts(keyText(schema, { a, b, c })), [a, b, c])
      }),
    )
  })
})
