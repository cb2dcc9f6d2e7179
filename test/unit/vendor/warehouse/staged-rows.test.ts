import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { describe, it } from 'mocha'
import type { DataRecord, Schema } from '../../../../sync/contract/message.ts'
import type { WriteRecord } from '../../../../sync/contract/target.ts'
import {
  arrayText,
  compileSerializer,
  gzipped,
  packRows,
  recordText,
  type TableRows,
} from '../../../../vendor/warehouse/staged-rows.ts'

const schema: Schema = {
  entity: 'doc',
  key: ['source', 'number'],
  columns: [
    { name: 'source', type: 'string' },
    { name: 'number', type: 'string' },
    { name: 'amount', type: 'decimal(28,8)' },
    { name: 'active', type: 'boolean' },
    { name: 'extra', type: 'json' },
  ],
  lists: {
    lines: {
      entity: 'doc_line',
      key: ['source', 'number', 'line'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'line', type: 'integer' },
        { name: 'text', type: 'string' },
      ],
    },
  },
}
const rowsOf = (table: TableRows) => {
  const serialize = compileSerializer(schema, table)
  return (records: readonly WriteRecord[]): string[] => {
    const rows = ['']
    serialize(records, {
      add: (text) => rows.push(`${rows.pop()}${text}`),
      end: () => rows.push(''),
    })
    assert.equal(rows.pop(), '', 'every row is ended')
    return rows
  }
}
const header = rowsOf({ list: '', columns: schema.columns })
const lines = rowsOf({ list: 'lines', columns: schema.lists?.lines?.columns ?? [] })
const item = (record: Partial<DataRecord>, read = 7): WriteRecord => ({
  record: { _row: 0, source: 'x3', number: '00012', ...record },
  key: 'x3|00012',
  read,
  hash: 'ab'.repeat(16),
})
const parse = (rows: string[]): unknown[] => rows.map((row) => JSON.parse(row))

describe('staged rows', () => {
  it('writes every value as text under positional names and leaves nulls out', () => {
    const [row] = header([item({ amount: '-0.10', active: false, extra: { a: [1] }, _stamp: 'S1' })])
    assert.deepEqual(JSON.parse(row ?? ''), {
      n: '0',
      x: 'u',
      r: '7',
      h: 'ab'.repeat(16),
      s: 'S1',
      c0: 'x3',
      c1: '00012',
      c2: '-0.10',
      c3: 'false',
      c4: '{"a":[1]}',
    })
    assert.doesNotMatch(header([item({ amount: null })])[0] ?? '', /c2|"s"/)
  })

  it("gives a list one row for the document and one for each line, with the document's own key", () => {
    const rows = parse(
      lines([
        item({ lines: [{ source: 'other', number: '9', line: 1, text: 'a' }, { line: 2 }] }),
        item({ lines: [] }, 8),
      ]),
    )
    assert.deepEqual(rows, [
      { n: '0', c0: 'x3', c1: '00012', x: 'u', r: '7', h: 'ab'.repeat(16) },
      { n: '0', c0: 'x3', c1: '00012', c2: '1', c3: 'a' },
      { n: '0', c0: 'x3', c1: '00012', c2: '2' },
      { n: '1', c0: 'x3', c1: '00012', x: 'u', r: '8', h: 'ab'.repeat(16) },
    ])
  })

  it('gives the tables of a document a mark of their own where they are staged together, and a list no rows of documents', () => {
    const tagged = rowsOf({ list: 'lines', columns: schema.lists?.lines?.columns ?? [], tag: '1' })
    assert.deepEqual(parse(tagged([item({ lines: [{ line: 1, text: 'a' }] }), item({ lines: [] })])), [
      { t: '1', n: '0', c0: 'x3', c1: '00012', c2: '1', c3: 'a' },
    ])
  })

  it('marks a deletion and sends nothing of it but its key', () => {
    const deletion = item({ _op: 'delete', amount: '1', lines: [{ line: 1 }] })
    assert.deepEqual(parse(header([deletion])), [{ n: '0', x: 'x', r: '7', h: 'ab'.repeat(16), c0: 'x3', c1: '00012' }])
    assert.equal(lines([deletion]).length, 1)
  })

  it('survives every character: quotes, control characters, line ends, halves of characters', () => {
    const text = `"\\\n\r\t\u0000\u001f\u2028é😀'\`;--`
    const row = lines([item({ lines: [{ line: 1, text }] })])[1] ?? ''
    assert.equal((JSON.parse(row) as { c3: string }).c3, text)
    assert.doesNotMatch(row, /[\n\r]/)
    const half = lines([item({ lines: [{ line: 1, text: 'a\ud800b' }] })])[1] ?? ''
    assert.equal(Buffer.from(half).toString(), half)
  })

  it('packs rows into files of so many, which are whole lines of UTF-8, and into one array', () => {
    const rows = Array.from({ length: 2500 }, (_, i) =>
      JSON.stringify({ n: `${i}`, c0: (i % 3 ? 'é' : '語').repeat(i % 500 === 7 ? 50_000 : 40) }),
    )
    const packed = packRows(({ add, end }) => {
      for (const row of rows) {
        add(row.slice(0, 5))
        add(row.slice(5))
        end()
      }
    }, 1000)
    const files = packed.files.map((pieces) => Buffer.concat(pieces).toString('utf8'))
    assert.deepEqual(
      files.map((file) => file.split('\n')),
      [0, 1000, 2000].map((at) => [...rows.slice(at, at + 1000), '']),
    )
    assert.equal(packed.rows, 2500)
    assert.equal(packed.bytes, Buffer.byteLength(files.join('')))
    assert.equal(arrayText(packed), `[${rows.join(',')}]`)
    assert.equal(Buffer.byteLength(arrayText(packed)), packed.bytes + 1)
    assert.deepEqual(arrayText(packRows(() => undefined)), '[]')
  })

  it('makes one gzip file of the pieces, whose memory is free afterwards, or of a text', async () => {
    const row = `{"n":"0","c0":"${'語'.repeat(100)}"}`
    const { files } = packRows(({ add, end }) => {
      for (let i = 0; i < 1200; i++) {
        add(row)
        end()
      }
    })
    const pieces = files.flat()
    assert.ok(pieces.length > 1)
    assert.equal(gunzipSync(await gzipped(pieces)).toString(), `${row}\n`.repeat(1200))
    assert.deepEqual(
      pieces.map(({ length }) => length),
      pieces.map(() => 0),
    )
    assert.equal(gunzipSync(await gzipped(row)).toString(), row)
  })

  it('keeps a record for bronze as it came, without the members that only the way here needed', () => {
    const text = recordText(item({ _read: 3, _stamp: 's', amount: '1.00', lines: [{ line: 1 }] }))
    assert.equal(text, '{"source":"x3","number":"00012","amount":"1.00","lines":[{"line":1}]}')
  })
})
