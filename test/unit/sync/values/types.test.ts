import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DataRecord, Schema, Value } from '../../../../sync/contract/message.ts'
import { compileFingerprint } from '../../../../sync/values/fingerprint.ts'
import { compileChecker, isDate, isTimestamp } from '../../../../sync/values/types.ts'

const flat: Schema = {
  entity: 'thing',
  key: ['source', 'code'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'code', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'iban', type: 'string', sensitive: true },
    { name: 'count', type: 'integer' },
    { name: 'amount', type: 'decimal(10,2)' },
    { name: 'active', type: 'boolean' },
    { name: 'day', type: 'date' },
    { name: 'at', type: 'timestamp' },
    { name: 'extra', type: 'json' },
  ],
}
const journal: Schema = {
  entity: 'gl_entry',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
  ],
  lists: {
    lines: {
      entity: 'gl_entry_line',
      key: ['source', 'number', 'ledger', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'ledger', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'amount', type: 'decimal(28,8)' },
      ],
    },
  },
}
const checkFlat = compileChecker(flat)
const checkJournal = compileChecker(journal)
const one = (values: Record<string, Value | undefined>): DataRecord => ({
  _row: 3,
  source: 'x3',
  code: '00123',
  ...values,
})
const line = (values: Record<string, Value | undefined>) => ({
  source: 'x3',
  number: 'J1',
  ledger: 'legal',
  line: 1,
  amount: '1.00',
  ...values,
})
const entry = (lines: unknown): DataRecord => ({ _row: 0, source: 'x3', number: 'J1', lines: lines as Value })

describe('values', () => {
  it('lets a record pass whose values have the types of its columns', () => {
    const good = one({
      name: 'Müller & Söhne 🚲',
      iban: null,
      count: -0,
      amount: '-12345678.90',
      active: false,
      day: '2024-02-29',
      at: '2024-02-29T23:59:59.123Z',
      extra: { a: ['\\u0000 as mere text'] },
      _stamp: '2024-01-01',
      _anything: 1,
      absent: undefined,
    })
    assert.equal(checkFlat(good), undefined)
    assert.equal(checkJournal(entry([line({}), line({ line: 2 }), line({ ledger: 'ifrs' })])), undefined)
    assert.equal(checkJournal(entry([])), undefined)
  })

  const wrong: [string, Record<string, Value | undefined>, string, RegExp][] = [
    [
      'a JS number for a decimal: 0.1 + 0.2 has already lost the cent',
      { amount: 0.30000000000000004 },
      'values.number',
      /\$add/,
    ],
    ['a comma decimal', { amount: '12,5' }, 'values.type', /"12,5"/],
    ['an exponent', { amount: '1e3' }, 'values.type', /plain notation/],
    ['a third digit behind the point', { amount: '1.005' }, 'values.fit', /never rounded/],
    ['too many digits before the point', { amount: '123456789' }, 'values.fit', /decimal\(10,2\)/],
    ['an integer beyond 2^53, already rounded by JSON.parse', { count: 2 ** 53 }, 'values.type', /whole number/],
    ['an integer as text', { count: '5' }, 'values.type', /count/],
    ['a number for a code: 123 has lost its zeros', { name: 123 }, 'values.type', /text/],
    ['a yes for a boolean', { active: 'yes' }, 'values.type', /true or false/],
    ['the 30th of February', { day: '2024-02-30' }, 'values.type', /2024-02-30/],
    ['a day with a time', { day: '2024-02-01T00:00:00Z' }, 'values.type', /YYYY-MM-DD/],
    ['a local time without Z', { at: '2024-02-01T00:00:00' }, 'values.type', /UTC/],
    ['half a surrogate pair', { name: 'a\ud83d' }, 'values.surrogate', /half a character/],
    ['a NUL character', { name: 'a\0b' }, 'values.nul', /NUL/],
    ['a NUL deep in JSON', { extra: { a: [{ b: '\0' }] } }, 'values.nul', /extra/],
    ['half a surrogate pair deep in JSON', { extra: ['\udc00'] }, 'values.surrogate', /extra/],
    ['an empty key', { code: '' }, 'values.key-null', /Fill code/],
    ['a null key', { source: null }, 'values.key-null', /Fill source/],
    ['a field that the schema does not have', { nmae: 'typo' }, 'values.unknown-field', /nmae/],
  ]
  for (const [what, values, code, text] of wrong)
    it(`refuses ${what}`, () => {
      const error = checkFlat(one(values))
      assert.ok(error)
      assert.equal(error.code, code)
      assert.equal(error.cause.class, 'data')
      assert.equal(error.cause.row, 3)
      assert.equal(error.cause.entity, 'thing')
      assert.match(error.message, text)
      assert.match(error.message, /^thing /)
    })

  it('names key, list, line and field of a wrong line', () => {
    const error = checkJournal(entry([line({}), line({ line: 2, amount: '1.234.567,89' })]))
    assert.equal(error?.cause.key, 'x3|J1')
    assert.equal(error?.cause.field, 'lines.amount')
    assert.match(
      error?.message ?? '',
      /gl_entry x3\|J1, lines x3\|J1\|legal\|2, field amount: the value "1.234.567,89"/,
    )
  })

  it('refuses a document without its list: a dropped member would delete every line in the target', () => {
    assert.match(checkJournal(entry(undefined))?.message ?? '', /field lines: is missing/)
    assert.equal(checkJournal(entry(null))?.code, 'values.list')
    assert.equal(checkJournal(entry('x'))?.code, 'values.list')
    assert.equal(checkJournal(entry([null]))?.code, 'values.list')
    assert.equal(checkJournal(entry([[]]))?.code, 'values.list')
  })

  it('refuses two lines of one key: the target would keep one of them or stop the whole statement', () => {
    assert.equal(checkJournal(entry([line({}), line({ amount: '2' })]))?.code, 'values.line-twice')
  })

  it('refuses a line that names another document than the one it is in', () => {
    const error = checkJournal(entry([line({ number: 'J2' })]))
    assert.equal(error?.code, 'values.key-differs')
    assert.equal(error?.cause.field, 'lines.number')
  })

  it('refuses a line without a part of its key', () => {
    assert.match(checkJournal(entry([line({ ledger: null })]))?.message ?? '', /Fill ledger/)
  })

  it('asks only for the key of a deletion', () => {
    assert.equal(checkJournal({ _row: 0, _op: 'delete', source: 'x3', number: 'J1' }), undefined)
    assert.equal(checkJournal({ _row: 0, _op: 'delete', source: 'x3' })?.code, 'values.key-null')
    assert.equal(checkJournal({ _row: 0, _op: 'delete', source: 'x3', number: 7 })?.code, 'values.type')
  })

  it('shortens a long value and hides a sensitive one', () => {
    assert.match(checkFlat(one({ day: 'x'.repeat(5000) }))?.message ?? '', /^.{0,300}$/)
    const error = checkFlat(one({ iban: 'DE89370400440532013000\0' }))
    assert.equal(error?.code, 'values.nul')
    assert.doesNotMatch(JSON.stringify(error?.cause) + error?.message, /DE8937/)
  })

  it('knows the calendar', () => {
    for (const day of ['2000-02-29', '2024-12-31', '0001-01-01', '9999-12-31']) assert.ok(isDate(day), day)
    for (const day of [
      '1900-02-29',
      '2023-02-29',
      '2024-04-31',
      '2024-00-10',
      '2024-13-01',
      '2024-1-01',
      '0000-00-00',
      '2024/01/01',
      '20240101',
      '',
    ])
      assert.ok(!isDate(day), day)
    assert.ok(isTimestamp('2024-02-29T00:00:00Z'))
    for (const at of [
      '2024-02-30T00:00:00Z',
      '2024-02-29T24:00:00Z',
      '2024-02-29 00:00:00Z',
      '2024-02-29T00:00:60Z',
      '2024-02-29T00:00:00+01:00',
    ])
      assert.ok(!isTimestamp(at), at)
  })

  describe('are told sound by the fingerprint', () => {
    const sound = (schema: Schema) => {
      const fingerprint = compileFingerprint(schema)
      return (record: DataRecord): boolean => fingerprint(record).sound
    }
    const soundFlat = sound(flat)
    const soundJournal = sound(journal)

    it('where everything fits, in whatever order its members come', () => {
      const good = {
        name: 'Müller 🚲',
        amount: '-12345678.90',
        count: 7,
        active: false,
        day: '2024-02-29',
        absent: undefined,
      }
      assert.equal(soundFlat(one({ ...good, at: '2024-02-29T23:59:59Z', iban: null })), true)
      assert.equal(soundFlat({ day: '2024-02-29', _row: 0, code: 'c', amount: '1', source: 'x3' }), true)
      assert.equal(soundJournal(entry([line({}), line({ line: 2 }), line({ ledger: 'local', line: 1 })])), true)
      assert.equal(soundJournal(entry([])), true)
    })

    it('never where the check finds a fault', () => {
      const text = fc.oneof(
        fc.constantFrom('x3', '00123', 'J1', '', '1.00', '2024-02-29', 'a\0', 'a\ud800'),
        fc.string({ unit: 'binary' }),
      )
      const value = fc.oneof(
        text,
        fc.constantFrom(
          null,
          undefined,
          true,
          0,
          -1,
          0.5,
          Number.NaN,
          '2024-02-30',
          '2024-02-29T25:00:00Z',
          '123456789.00',
          '1.001',
        ),
        fc.constantFrom<Value>({ a: 1 }, ['a'], { a: '\0' }),
      )
      const members = fc.dictionary(
        fc.constantFrom(...flat.columns.map(({ name }) => name), 'more', '_own', '_op'),
        value,
      )
      fc.assert(
        fc.property(members, (values) => {
          const record = one(values as Record<string, Value>)
          if (record._op !== undefined) record._op = 'delete'
          if (soundFlat(record)) assert.equal(checkFlat(record), undefined)
        }),
        { numRuns: 2000 },
      )
      const lines = fc.array(
        fc.oneof(
          fc
            .dictionary(fc.constantFrom('source', 'number', 'ledger', 'line', 'amount', 'more', '_own'), value)
            .map((some) => line(some as never)),
          fc.record({ ledger: fc.constantFrom('legal', 'local'), line: fc.integer({ min: 1, max: 3 }) }).map(line),
          fc.constantFrom(null, [], 'line', 7),
        ),
        { maxLength: 4 },
      )
      fc.assert(
        fc.property(fc.oneof(lines, value), (list) => {
          const record = entry(list)
          if (soundJournal(record)) assert.equal(checkJournal(record), undefined)
        }),
        { numRuns: 2000 },
      )
    })
  })
})
