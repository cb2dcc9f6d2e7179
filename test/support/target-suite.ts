/** What every warehouse that merges must do, told once: a target of its own tables is prepared, written, asked. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { SyncError } from '../../sync/errors.ts'
import type { ColumnType, DataRecord, Schema } from '../../sync/message.ts'
import type { Target } from '../../sync/target.ts'
import { batchOf, entry, journal, writeContext } from './warehouse.ts'

export interface FreshOptions {
  readonly mode?: 'merge' | 'append'
  /** Every batch goes by file, several files where the warehouse takes several. */
  readonly byFile?: boolean
  readonly schema?: Schema
}

/** A warehouse as the suite sees it. */
export interface TargetBench {
  /** A target whose tables begin with a prefix that no other has. */
  target(prefix: string, options: FreshOptions): Target
  /** Stored rows of a table (`prefix` + entity or list), as texts, ordered by their columns in turn. */
  read(table: string, columns: readonly string[]): Promise<readonly (string | null)[][]>
  /** A table that somebody made by hand. */
  create(table: string, columns: Readonly<Record<string, ColumnType>>): Promise<void>
  insert(table: string, row: Readonly<Record<string, string>>): Promise<void>
  /** Takes all rows of a table away, as somebody might by hand. */
  clear(table: string): Promise<void>
  /** Takes the right to change a table's rows away; the function gives it back. */
  protect(table: string): () => void
  close(): Promise<void>
}

const context = writeContext()
export const two = [
  [1, '4000', '10.50'],
  [2, '7000', '-10.50'],
] as const

export function targetSuite(name: string, start: () => Promise<TargetBench>): void {
  describe(`${name}: what every warehouse does`, () => {
    let bench: TargetBench
    let next = 0
    before(async () => {
      bench = await start()
    })
    after(() => bench.close())

    function fresh(options: FreshOptions = {}) {
      const prefix = `t${next++}_`
      const schema = options.schema ?? journal
      const table = `${prefix}${schema.entity}`
      return {
        target: bench.target(prefix, options),
        /** The same tables, as a process finds them that has just started. */
        again: () => bench.target(prefix, options),
        table,
        header: () => bench.read(table, ['number', 'status', '_sync_read']),
        lines: () => bench.read(`${table}_line`, ['number', 'line', 'account', 'amount', '_sync_read']),
      }
    }

    it('creates the tables, and says once that they are empty', async () => {
      const { target, header, lines } = fresh()
      assert.equal((await target.prepare(journal, context)).empty, true)
      assert.deepEqual(await target.prepare(journal, context), { empty: false })
      assert.deepEqual([await header(), await lines()], [[], []])
    })

    it('inserts, updates and deletes lines', async () => {
      const { target, header, lines } = fresh()
      await target.prepare(journal, context)
      await target.write(
        batchOf('a', [entry('1', { read: 1, lines: two }), entry('2', { read: 1, lines: two })]),
        context,
      )
      const changed = [
        [1, '4000', '12.00'],
        [3, '7100', '-12.00'],
      ] as const
      await target.write(batchOf('b', [entry('1', { read: 2, lines: changed, status: 'final' })]), context)
      assert.deepEqual(await header(), [
        ['1', 'final', '2'],
        ['2', 'posted', '1'],
      ])
      assert.deepEqual(await lines(), [
        ['1', '1', '4000', '12.00000000', '2'],
        ['1', '3', '7100', '-12.00000000', '2'],
        ['2', '1', '4000', '10.50000000', '1'],
        ['2', '2', '7000', '-10.50000000', '1'],
      ])
      await target.write(batchOf('c', [entry('1', { read: 3, lines: [] })]), context)
      assert.deepEqual(
        (await lines()).map(([number]) => number),
        ['2', '2'],
        'a document may lose all its lines',
      )
    })

    it('does not let an older read undo a newer one: no header, no line back, no line away', async () => {
      const { target, header, lines } = fresh()
      await target.prepare(journal, context)
      await target.write(
        batchOf('new', [
          entry('1', { read: 9, lines: [[1, '4000', '5.00']], status: 'new' }),
          entry('2', { read: 9, lines: [] }),
        ]),
        context,
      )
      await target.write(
        batchOf('old', [
          entry('1', { read: 8, lines: [[2, '7000', '7.00']], status: 'old' }),
          entry('2', { read: 8, lines: two }),
          entry('3', { read: 8, lines: two }),
        ]),
        context,
      )
      assert.deepEqual(await header(), [
        ['1', 'new', '9'],
        ['2', 'posted', '9'],
        ['3', 'posted', '8'],
      ])
      assert.deepEqual(
        (await lines()).map((row) => row.join(' ')),
        ['1 1 4000 5.00000000 9', '3 1 4000 10.50000000 8', '3 2 7000 -10.50000000 8'],
      )
      await target.write(batchOf('oldgone', [entry('1', { read: 7, delete: true })]), context)
      assert.equal((await header()).length, 3, 'an old deletion neither')
    })

    for (const byFile of [false, true])
      it(`stages a batch ahead of its turn ${byFile ? 'by file' : 'in the statement'}: in no table before, whole after`, async () => {
        const { target, header, lines } = fresh({ byFile })
        await target.prepare(journal, context)
        const waiting = await target.stage?.(batchOf('b', [entry('1', { read: 2, lines: two, status: 'b' })]), context)
        const vain = await target.stage?.(batchOf('c', [entry('9', { read: 3, lines: two })]), context)
        assert.deepEqual([await header(), await lines()], [[], []])
        await target.write(batchOf('a', [entry('1', { read: 1, lines: [[7, '4000', '1.00']], status: 'a' })]), context)
        await waiting?.write(context)
        waiting?.drop()
        vain?.drop()
        assert.deepEqual(await header(), [['1', 'b', '2']])
        assert.deepEqual(
          (await lines()).map((row) => row.join(' ')),
          ['1 1 4000 10.50000000 2', '1 2 7000 -10.50000000 2'],
        )
      })

    it('writes no header whose lines were refused: a value that does not fit, a table that may not be written', async () => {
      const { target, table, header, lines } = fresh()
      await target.prepare(journal, context)
      const before = ['1', '2', '3'].map((number) => entry(number, { read: 1, lines: two }))
      await target.write(batchOf('a', before), context)
      const stored = async () => [await header(), await lines()]
      const first = await stored()
      const unfit = entry('1', { read: 2, lines: [[1, '4000', '1e40']], status: 'later' })
      await assert.rejects(
        target.write(batchOf('b', [unfit, entry('4', { read: 2, lines: two })]), context),
        (error: SyncError) => error.cause.class === 'data',
      )
      assert.deepEqual(await stored(), first)
      // no line of the batch itself would be missing then
      const without = [entry('1', { read: 2, lines: [], status: 'later' }), entry('2', { read: 2, delete: true })]
      const restore = bench.protect(`${table}_line`)
      await assert.rejects(target.write(batchOf('c', without), context), /MODIFY|privileges/)
      assert.deepEqual(await stored(), first)
      restore()
      await target.write(batchOf('c', without), context)
      assert.deepEqual(
        (await header()).map((row) => row.join(' ')),
        ['1 later 2', '3 posted 1'],
      )
    })

    it('finds a table that somebody emptied, and only that one', async () => {
      const { target, table, again } = fresh()
      await target.prepare(journal, context)
      await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
      assert.equal((await again().prepare(journal, context)).empty, false)
      await bench.clear(table)
      assert.equal((await again().prepare(journal, context)).empty, true)
    })

    it('changes nothing when a batch is sent again', async () => {
      const { target, table } = fresh()
      await target.prepare(journal, context)
      const batch = batchOf('a', [entry('1', { read: 1, lines: two })])
      const stored = async () => [
        await bench.read(table, ['_sync_at']),
        await bench.read(`${table}_line`, ['_sync_at']),
      ]
      await target.write(batch, context)
      const first = await stored()
      await target.write({ ...batch, at: '2027-01-01T00:00:00Z' }, context)
      assert.deepEqual(await stored(), first)
    })

    it('writes an edited record under its old read number, and stamps a run that sends the same again', async () => {
      const { target, header, table } = fresh()
      await target.prepare(journal, context)
      const edited = entry('1', { read: 1, lines: [[1, '4000', '1.00']], status: 'edited' })
      await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
      await target.write(batchOf('b', [edited]), context)
      assert.deepEqual(await header(), [['1', 'edited', '1']])
      await target.write(batchOf('c', [edited], journal, 'run-2'), context)
      assert.deepEqual(await bench.read(table, ['_sync_run']), [['run-2']])
      assert.deepEqual(await bench.read(`${table}_line`, ['_sync_run']), [['run-2']])
    })

    it('takes a deleted document away with all its lines', async () => {
      const { target, header, lines } = fresh()
      await target.prepare(journal, context)
      await target.write(
        batchOf('a', [entry('1', { read: 1, lines: two }), entry('2', { read: 1, lines: two })]),
        context,
      )
      await target.write(
        batchOf('b', [entry('1', { read: 2, delete: true }), entry('9', { read: 2, delete: true })]),
        context,
      )
      assert.deepEqual(await header(), [['2', 'posted', '1']])
      assert.equal((await lines()).length, 2)
    })

    it('gives the same rows by file as within a statement, whatever characters they hold', async () => {
      const status = (i: number): string => `"é\\${i}\n'\\N%_?:1 \u{1f600}`
      const records = Array.from({ length: 40 }, (_, i) => entry(`N${i}`, { read: 1, lines: two, status: status(i) }))
      const [small, large] = [fresh(), fresh({ byFile: true })]
      for (const { target } of [small, large]) {
        await target.prepare(journal, context)
        await target.write(batchOf('a', records), context)
      }
      assert.deepEqual(await large.header(), await small.header())
      assert.deepEqual(await large.lines(), await small.lines())
      assert.equal((await large.lines()).length, 80)
      assert.ok((await large.header()).every(([number, text]) => text === status(Number(number?.slice(1)))))
    })

    it('keeps a text of 5,000 characters, codes with zeros in front, and the difference between empty and null', async () => {
      const { target, header } = fresh()
      await target.prepare(journal, context)
      const long = 'x'.repeat(4999).concat('é')
      const records = [
        entry('00012', { read: 1, status: long }),
        entry('2', { read: 1, status: '' }),
        { ...entry('3', { read: 1 }), status: null },
        entry('4', { read: 1, status: '\\N' }),
      ]
      await target.write(batchOf('a', records), context)
      assert.deepEqual(
        (await header()).map(([number, status]) => [number, status]),
        [
          ['00012', long],
          ['2', ''],
          ['3', null],
          ['4', '\\N'],
        ],
      )
    })

    it('refuses a narrower column, naming table, column and both types, before anything is written', async () => {
      const { target, table } = fresh()
      await bench.create(`${table}_line`, {
        source: 'string',
        number: 'string',
        line: 'integer',
        company: 'string',
        account: 'string',
        accounting_date: 'date',
        amount: 'decimal(18,2)',
      })
      await assert.rejects(target.prepare(journal, context), (error: SyncError) => {
        assert.equal(error.cause.class, 'config')
        assert.equal(error.cause.field, 'amount')
        for (const part of [`${table}_line`, 'amount', '(18,2)', 'decimal(28,8)'])
          assert.ok(error.message.toLowerCase().includes(part), part)
        return true
      })
    })

    it('adds a column that is new, and the technical ones to a table that was there', async () => {
      const { target, table } = fresh()
      await bench.create(table, { source: 'string', number: 'string', status: 'string' })
      await bench.insert(table, { source: 'x3', number: '1', status: 'before' })
      assert.equal((await target.prepare(journal, context)).empty, true, 'the table of the lines was made now')
      const wider: Schema = {
        ...journal,
        columns: [...journal.columns, { name: 'site', type: 'string', description: "the site's code" }],
      }
      const prepared = await target.prepare(wider, context)
      assert.match((prepared.notices ?? []).join(), /site/)
      await target.write(batchOf('a', [{ ...entry('1', { read: 1, lines: [] }), site: 'S1' }], wider), context)
      const rows = await bench.read(table, ['status', 'site'])
      assert.deepEqual(rows, [['posted', 'S1']], 'a row without a read number is older than any')
    })

    it('finds the records that do not fit, with their field', async () => {
      const { target, header } = fresh()
      await target.prepare(journal, context)
      const bad: DataRecord = { ...entry('2', { read: 1, lines: [] }), accounting_date: '2026-02-30' }
      const batch = batchOf('a', [
        entry('1', { read: 1, lines: two }),
        bad,
        entry('3', { read: 1, lines: [[1, '4000', '1e40']] }),
      ])
      await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'data')
      const rejected = (await target.findRejected?.(batch, context)) ?? []
      assert.deepEqual(
        rejected.map(({ index, field }) => [index, field]),
        [
          [1, 'accounting_date'],
          [2, 'amount'],
        ],
      )
      await target.write({ ...batch, id: 'b', records: batch.records.slice(0, 1) }, context)
      assert.deepEqual(
        (await header()).map(([number]) => number),
        ['1'],
      )
    })

    it('sums what a run wrote as stored, exactly, debit and credit apart', async () => {
      const { target } = fresh()
      await target.prepare(journal, context)
      const records = Array.from({ length: 30 }, (_, i) =>
        entry(`N${i}`, {
          read: 1,
          lines: [
            [1, '4000', '0.10'],
            [2, '7000', '-0.10'],
            [3, '9', '12345678901234567.00000001'],
          ],
        }),
      )
      await target.write(batchOf('a', records), context)
      await target.write(batchOf('b', [entry('other', { read: 1, lines: two })], journal, 'run-2'), context)
      const ask = { run: 'run-1', schema: journal, list: 'lines', amounts: ['amount'], by: ['company'] }
      assert.deepEqual(await target.totals?.(ask, context), [
        {
          list: 'lines',
          group: ['C1'],
          count: 90,
          debit: { amount: '370370367037037013.00000030' },
          credit: { amount: '3.00000000' },
        },
      ])
      assert.deepEqual(await target.totals?.({ ...ask, list: '', amounts: [], by: [] }, context), [
        { list: '', group: [], count: 30, debit: {}, credit: {} },
      ])
      assert.deepEqual(await target.totals?.({ ...ask, run: 'none', by: [] }, context), [])
    })

    it('keeps a mark for each table, sync and source, and gives none while the table is empty', async () => {
      const { target } = fresh()
      const other = fresh()
      assert.deepEqual(await target.readMark?.(context), [], 'no tables yet')
      const mark = {
        sync: 'books',
        entity: 'gl_entry',
        sourceAddress: 'x3://h/SEED',
        ledger: 'L1',
        run: 'run-1',
        read: 1_763_636_400_000_001,
        floor: null,
      }
      await target.prepare(journal, context)
      await other.target.prepare(journal, context)
      await target.writeMark?.(mark, context)
      assert.deepEqual(await target.readMark?.(context), [], 'the table is empty')
      await target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      await other.target.write(batchOf('a', [entry('1', { read: 1, lines: [] })]), context)
      assert.deepEqual(await target.readMark?.(context), [mark])
      await target.writeMark?.({ ...mark, ledger: 'L2', read: mark.read + 1, floor: '2026-03-10T09:00:00Z' }, context)
      await target.writeMark?.({ ...mark, sync: "other's" }, context)
      assert.deepEqual(
        (await target.readMark?.(context))?.map(({ sync, ledger, read, floor }) => [sync, ledger, read, floor]).sort(),
        [
          ['books', 'L2', mark.read + 1, '2026-03-10T09:00:00Z'],
          ["other's", 'L1', mark.read, null],
        ],
      )
      assert.deepEqual(await other.target.readMark?.(context), [])
    })

    describe('appended', () => {
      const columns = ['key', 'operation', 'record', '_sync_read', '_source_stamp', '_sync_batch']

      it('has each record as it came, once for a batch that is sent again', async () => {
        const { target, table } = fresh({ mode: 'append' })
        assert.equal(target.mode, 'append')
        await target.prepare(journal, context)
        const record = entry('1', { read: 4, lines: [[1, '4000', '10.50']] })
        const batch = batchOf('b1', [record, { ...entry('2', { read: 4, delete: true }), _stamp: null }])
        await target.write(batch, context)
        await target.write(batch, context)
        const { _row, _read, _stamp, ...content } = record
        const rows = await bench.read(table, columns)
        assert.deepEqual(
          rows.map(([key, operation, text, ...rest]) => [key, operation, JSON.parse(text ?? ''), ...rest]),
          [
            ['x3|1', 'upsert', content, '4', 'S4', 'b1'],
            ['x3|2', 'delete', { source: 'x3', number: '2' }, '4', null, 'b1'],
          ],
        )
        await target.write(batchOf('b2', [record]), context)
        assert.equal((await bench.read(table, columns)).length, 3, 'another batch is another version')
      })

      it('tells what became of a batch: delivered or absent', async () => {
        const { target, table } = fresh({ mode: 'append' })
        await target.prepare(journal, context)
        assert.equal(await target.resolve?.('b1', journal, context, 1), 'absent')
        await target.write(batchOf('b1', [entry('1', { read: 4 })]), context)
        assert.equal(await target.resolve?.('b1', journal, context, 1), 'delivered')
        assert.equal((await bench.read(table, columns)).length, 1)
      })
    })
  })
}
