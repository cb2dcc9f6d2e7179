import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Schema, Value } from '../../../../sync/contract/message.ts'
import { compileHasher } from '../../../../sync/values/fingerprint.ts'
import { journal, journalSchema } from '../../../support/deliveries.ts'

const schema: Schema = {
  entity: 'thing',
  key: ['a'],
  columns: [
    { name: 'a', type: 'string' },
    { name: 'b', type: 'string' },
    { name: 'ab', type: 'string' },
    { name: 'n', type: 'integer' },
    { name: 'd', type: 'decimal(28,8)' },
    { name: 'j', type: 'json' },
    { name: 'printed', type: 'timestamp', volatile: true },
  ],
  lists: {
    lines: {
      entity: 'thing_line',
      key: ['a', 'line'],
      columns: [
        { name: 'line', type: 'integer' },
        { name: 'text', type: 'string' },
      ],
    },
    splits: { entity: 'thing_splits', key: ['a', 'line'], columns: [{ name: 'text', type: 'string' }] },
  },
}
const hash = compileHasher(schema)
const of = (values: Record<string, unknown>): string => hash({ _row: 0, ...(values as Record<string, Value>) })

describe('hash', () => {
  it('is 32 hex digits, and empty for a deletion', () => {
    assert.match(of({ a: 'x' }), /^[0-9a-f]{32}$/)
    assert.equal(of({ a: 'x', _op: 'delete' }), '')
  })

  it('is the same for null and absent, for 1.50 and 1.5, for 0 and -0.00', () => {
    assert.equal(of({ a: 'x', b: null }), of({ a: 'x' }))
    assert.equal(of({ a: 'x', d: '1.50' }), of({ a: 'x', d: '1.5' }))
    assert.equal(of({ a: 'x', d: '-0.00' }), of({ a: 'x', d: '0' }))
    assert.equal(of({ a: 'x', lines: [] }), of({ a: 'x' }))
  })

  it('sees every column of a wide record, the last one too', () => {
    const names = Array.from({ length: 40 }, (_, i) => `c${String(i).padStart(2, '0')}`)
    const wide = compileHasher({
      entity: 'wide',
      key: ['c00'],
      columns: names.map((name) => ({ name, type: 'string' as const })),
    })
    const record = { _row: 0, ...Object.fromEntries(names.map((name) => [name, 'x'])) }
    const all = names.map((name) => wide({ ...record, [name]: 'y' }))
    assert.equal(new Set([wide(record), ...all]).size, names.length + 1)
  })

  it('does not see position, read number, stamp and volatile columns: they change without meaning', () => {
    const changed = { _row: 9, _read: 77, _stamp: '2024-01-01', printed: '2024-01-01T00:00:00Z' }
    assert.equal(of({ a: 'x', ...changed }), of({ a: 'x' }))
  })

  it('stays when the schema gains a column that is null', () => {
    const wider = { ...schema, columns: [{ name: 'new', type: 'string' as const }, ...schema.columns] }
    assert.equal(compileHasher(wider)({ _row: 0, a: 'x', new: null }), of({ a: 'x' }))
  })

  it('tells apart what a careless join makes equal', () => {
    const different = [
      { a: 'x', b: 'y' },
      { a: 'xb', b: 'y' },
      { a: 'x', ab: 'y' },
      { a: 'xy' },
      { b: 'xy' },
      { a: 'x,1:bs1:y' },
      { a: '1', n: 2 },
      { a: '1', b: '2' },
      { a: '12' },
      { a: 'x', d: '1.5' },
      { a: 'x', d: '15' },
      { a: 'x', b: '1.5' },
      { a: 'x', b: '1.50' },
      { a: 'x', j: { p: 1 } },
      { a: 'x', j: ['p', 1] },
      { a: 'x', b: '{"p":1}' },
      { a: '', b: '' },
      { a: '' },
      { a: 'x\ud800' },
      { a: 'x\udbff' },
      { a: 'x\ufffd' },
      { a: 'x', lines: [{ text: 'p' }, { text: 'q' }] },
      { a: 'x', lines: [{ text: 'pq' }] },
      { a: 'x', lines: [{ text: 'p' }], splits: [{ text: 'q' }] },
      { a: 'x', splits: [{ text: 'p' }, { text: 'q' }] },
      { a: 'x', lines: [{ text: 'p' }, { text: 'p' }] },
      { a: 'x', lines: [{ text: 'p' }] },
      { a: 'x', lines: [{}] },
      { a: 'x', lines: [{}, {}] },
    ]
    assert.equal(new Set(different.map(of)).size, different.length)
  })

  it('takes lines in the order of their keys, whatever order they come in and whatever they are', () => {
    const list = (...lines: unknown[]): string => of({ a: 'x', lines })
    const [one, two, ten] = [1, 2, 10].map((line) => ({ line, text: `${line}` }))
    assert.equal(list(ten, one, two), list(one, two, ten))
    assert.notEqual(list(one, two), list({ line: 1, text: '2' }, { line: 2, text: '1' }))
    for (const odd of [null, undefined, 5, { line: '1', text: 'q' }, { line: 1, text: 'q' }, { text: 'q' }])
      assert.equal(list(odd, one), list(one, odd))
  })

  it('changes when one cent of one line changes', () => {
    const hasher = compileHasher(journalSchema)
    assert.notEqual(hasher(journal('J', '10.01')), hasher(journal('J', '10.02')))
    assert.notEqual(hasher(journal('J', '10.01')), hasher(journal('J', '-10.01')))
  })

  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null))
  const line = fc.record({ line: fc.integer(), text: value })
  const record = fc.record({
    a: value,
    b: value,
    ab: value,
    n: fc.option(fc.integer()),
    j: fc.option(
      fc.dictionary(
        fc.string().filter((k) => k !== '__proto__'),
        fc.integer(),
      ),
    ),
    lines: fc.array(line, { maxLength: 6 }),
    splits: fc.array(fc.record({ text: value }), { maxLength: 3 }),
  })

  it('does not depend on the order of members and lines', () => {
    fc.assert(
      fc.property(record, fc.integer(), (values, seed) => {
        const turn = <T>(list: readonly T[]): T[] => {
          const at = list.length === 0 ? 0 : Math.abs(seed) % list.length
          return [...list.slice(at), ...list.slice(0, at)].reverse()
        }
        const members = (object: object) => Object.fromEntries(turn(Object.entries(object)))
        const turned = members({ ...values, lines: turn(values.lines).map(members), j: values.j && members(values.j) })
        assert.equal(of(turned), of(values))
      }),
    )
  })

  it('gives different records different texts', () => {
    const shape = ({ lines, splits, ...rest }: Record<string, unknown>): string => {
      const plain = (row: object) =>
        Object.entries(row)
          .filter(([, v]) => v !== null)
          .map(([k, v]) => (k === 'j' ? [k, Object.entries(v as object).sort()] : [k, v]))
          .sort()
      const sorted = (rows: object[]) => rows.map((row) => JSON.stringify(plain(row))).sort()
      return JSON.stringify([plain(rest), sorted(lines as object[]), sorted(splits as object[])])
    }
    fc.assert(
      fc.property(record, record, (one, other) => {
        assert.equal(of(one) === of(other), shape(one) === shape(other))
      }),
    )
  })
})
