import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DataRecord } from '../../../../sync/contract/message.ts'
import { createFiller, type FilledBatch } from '../../../../sync/reading/fill-batches.ts'
import {
  advance,
  apply,
  type BatchState,
  countable,
  countsOf,
  markReceived,
  newBatch,
  type Segment,
  walksAt,
} from '../../../../sync/run/progress.ts'
import { createGroups } from '../../../../sync/values/totals-plan.ts'

const batch = (index: number, count: number, segments: readonly Segment[] = []): BatchState =>
  newBatch({ index, count, rows: count, bytes: 0, sentAt: 0, segments })
const all = (count: number, from = 0) =>
  Array.from({ length: count - from }, (_, i) => ({ row: from + i, outcome: 'delivered' as const }))
const every = (...sinks: string[]) => ({ mustReport: 'every' as const, sinks })
const one = (...sinks: string[]) => ({ mustReport: 'one' as const, sinks })
const start = { batch: 0, row: 0 }
/** What records add is of no matter here. */
const nothing = { of: () => ({ text: '', digest: 1 }), groups: createGroups() }

describe('the settled prefix', () => {
  it('batch 2 settled before batch 1 does not move it', () => {
    const batches = [batch(0, 3), batch(1, 3)]
    apply(batches[1] as BatchState, 'a', all(3))
    assert.deepEqual(advance(batches, start, every('a')), start)
    apply(batches[0] as BatchState, 'a', all(3))
    assert.deepEqual(advance(batches, start, every('a')), { batch: 2, row: 0 })
  })

  it('stands before a record that one of two sinks has not answered', () => {
    const [b] = [batch(0, 3)]
    apply(b, 'a', all(3))
    apply(b, 'b', [
      { row: 0, outcome: 'delivered' },
      { row: 2, outcome: 'held' },
    ])
    assert.deepEqual(advance([b], start, every('a', 'b')), { batch: 0, row: 1 })
  })

  it('where one answer is enough, a record that a second sink works on is waited for', () => {
    const b = batch(0, 2)
    markReceived(b, 'a', [0, 1])
    markReceived(b, 'b', [1])
    apply(b, 'a', all(2))
    assert.deepEqual(advance([b], start, one('a', 'b')), { batch: 0, row: 1 })
    apply(b, 'b', [{ row: 1, outcome: 'delivered' }])
    assert.deepEqual(advance([b], start, one('a', 'b')), { batch: 1, row: 0 })
  })

  it('looks ahead at answers before they are written down', () => {
    const b = batch(0, 2)
    const overlay = { batch: 0, sink: 'a', rows: new Set([0, 1]) }
    assert.deepEqual(advance([b], start, every('a'), overlay), { batch: 1, row: 0 })
    assert.deepEqual(advance([b], start, every('a')), start)
  })

  it('a message that comes twice counts once; a late delivery corrects what counted as filtered', () => {
    const b = batch(0, 2)
    apply(b, 'a', countable(b, 'a', all(1)))
    assert.deepEqual(countable(b, 'a', all(1)), [])
    apply(b, 'a', countable(b, 'a', [{ row: 1, outcome: 'filtered' }]))
    const late = countable(b, 'a', all(2, 1))
    assert.deepEqual(countsOf(b, 'a', late), { delivered: 1, filtered: -1 })
  })

  it('rows that the batch does not have are not counted', () => {
    const odd = [-1, 2, 0.5, Number.NaN].map((row) => ({ row, outcome: 'delivered' as const }))
    assert.deepEqual(countable(batch(0, 2), 'a', odd), [])
  })

  it('a page without cursors for its records is passed only as a whole', () => {
    const batches = [
      batch(0, 4, [
        { walk: 'w', upTo: 2, end: 'P1' },
        { walk: 'w', upTo: 4, end: undefined },
      ]),
      batch(1, 2, [{ walk: 'w', upTo: 2, end: true }]),
    ]
    const at = (to: { batch: number; row: number }) => walksAt({ w: null }, batches, start, to).w
    assert.equal(at({ batch: 0, row: 1 }), null)
    assert.equal(at({ batch: 0, row: 3 }), 'P1')
    assert.equal(at({ batch: 1, row: 0 }), 'P1')
    assert.equal(at({ batch: 1, row: 1 }), 'P1')
    assert.equal(at({ batch: 2, row: 0 }), true)
  })

  it('whatever the pages, the limits and the order of answers: the cursors stand exactly before the first unsettled record', () => {
    const walk = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 5 })
    const world = fc.record({
      walks: fc.array(walk, { minLength: 1, maxLength: 3 }),
      batchRows: fc.integer({ min: 1, max: 7 }),
      cursors: fc.boolean(),
      order: fc.array(fc.nat(), { maxLength: 60 }),
    })
    fc.assert(
      fc.property(world, ({ walks, batchRows, cursors, order }) => {
        const filler = createFiller({ batchRows, batchBytes: 1e9 }, nothing)
        const filled: FilledBatch[] = []
        const reads: { walk: string; number: number }[] = []
        for (const [w, pages] of walks.entries()) {
          let number = 0
          for (const [p, size] of pages.entries()) {
            const records = Array.from({ length: size }, (_, i): DataRecord => ({ _row: 0, n: number + i }))
            for (const _ of records) reads.push({ walk: `w${w}`, number: number++ })
            filled.push(
              ...filler.add(`w${w}`, {
                records,
                ...(cursors ? { cursors: records.map((r) => String((r.n as number) + 1)) } : {}),
                cursor: p === pages.length - 1 ? null : String(number),
              }),
            )
          }
        }
        const rest = filler.end()
        if (rest) filled.push(rest)
        const batches = filled.map((f) => batch(f.index, f.records.length, f.segments))
        const rows = batches.flatMap((b) => Array.from({ length: b.count }, (_, row) => ({ b, row })))
        assert.equal(rows.length, reads.length, 'no record is lost or doubled by filling')
        const settled = new Set<number>()
        let prefix = start
        let cursor: Record<string, string | true | null> = Object.fromEntries(walks.map((_, w) => [`w${w}`, null]))
        for (const pick of order) {
          const at = pick % Math.max(1, rows.length)
          const found = rows[at]
          if (!found) continue
          apply(found.b, 'a', countable(found.b, 'a', [{ row: found.row, outcome: 'delivered' }]))
          settled.add(at)
          const to = advance(batches, prefix, every('a'))
          cursor = walksAt(cursor, batches, prefix, to)
          prefix = to
          let first = 0
          while (settled.has(first)) first++
          // Every record from the first unsettled one on is read again by someone who goes on at these cursors.
          for (const { walk, number } of reads.slice(first)) {
            const stands = cursor[walk]
            assert.ok(
              stands !== true && Number(stands ?? 0) <= number,
              `${walk} stands at ${stands}, ${number} is open`,
            )
          }
          const next = reads[first]
          if (cursors && next) assert.equal(Number(cursor[next.walk] ?? 0), next.number, 'and none that is settled')
        }
      }),
    )
  })
})

describe('filling batches', () => {
  const record = (n: number, lines = 0): DataRecord => ({
    _row: 0,
    n,
    lines: Array.from({ length: lines }, (_, line) => ({ line, splits: [{ split: 1 }] })),
  })

  it('counts the rows of lists and of lists within them, and splits no document', () => {
    const filler = createFiller({ batchRows: 10, batchBytes: 1e9 }, nothing)
    const full = filler.add('w', { records: [record(1, 3), record(2, 2), record(3, 40)], cursor: null })
    assert.deepEqual(
      full.map((b) => [b.records.length, b.rows]),
      [
        [1, 7],
        [1, 5],
      ],
    )
    assert.deepEqual(filler.end()?.rows, 81, 'one document always passes')
    assert.equal(filler.end(), undefined)
  })

  it('numbers the records of each batch from 0', () => {
    const filler = createFiller({ batchRows: 2, batchBytes: 1e9 }, nothing)
    const full = filler.add('w', { records: [record(1), record(2), record(3)], cursor: null })
    const rows = [...full, filler.end()].map((b) => b?.records.map((r) => r._row))
    assert.deepEqual(rows, [[0, 1], [0]])
  })

  it('keeps the sizes in bytes near those of the JSON text', () => {
    const filler = createFiller({ batchRows: 1e9, batchBytes: 1e9 }, nothing)
    const long = {
      _row: 0,
      source: 'x3:host:SEED',
      number: 'FR012401000123',
      lines: [{ amount: '1234.50', account: '401000' }],
    }
    filler.add('w', { records: [long], cursor: null })
    const { bytes } = filler.size()
    const exact = JSON.stringify(long).length
    assert.ok(bytes > exact * 0.7 && bytes < exact * 1.4, `${bytes} for ${exact}`)
  })

  it('a batch ends where the bytes would be too many', () => {
    const filler = createFiller({ batchRows: 1e9, batchBytes: 1000 }, nothing)
    const full = filler.add('w', {
      records: [1, 2, 3].map((n) => ({ _row: 0, n, text: 'x'.repeat(400) })),
      cursor: null,
    })
    assert.deepEqual(
      full.map((b) => b.records.length),
      [2],
    )
  })
})
