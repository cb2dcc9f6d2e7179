/** What every warehouse that merges must do, told once: a target of its own tables is prepared, written, asked. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { SyncError } from '../../sync/contract/errors.ts'
import { type ColumnType, type DataRecord, keyText, type Schema } from '../../sync/contract/message.ts'
import type { AppendTarget, MergeTarget, SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { appendSuite } from './append-suite.ts'
import { marksSuite } from './marks-suite.ts'
import { tablesSuite } from './tables-suite.ts'
import { batchOf, entry, foundTables as found, journal, two, writeContext } from './warehouse.ts'
import { wholeSuite } from './whole-suite.ts'

export interface FreshOptions {
  readonly mode?: 'merge' | 'append'
  /** Every batch goes by file, several files where the warehouse takes several. */
  readonly byFile?: boolean
  readonly schema?: Schema
}

/** A warehouse as the suite sees it. */
export interface TargetBench {
  /** A target whose tables begin with a prefix that no other has. */
  target(prefix: string, options: FreshOptions): SqlTarget
  /** Stored rows of a table (`prefix` + entity or list), as texts, ordered by their columns in turn. */
  read(table: string, columns: readonly string[]): Promise<readonly (string | null)[][]>
  /** A table that somebody made by hand. */
  create(table: string, columns: Readonly<Record<string, ColumnType>>): Promise<void>
  insert(table: string, row: Readonly<Record<string, string>>): Promise<void>
  /** A statement of somebody's own; `$T` in it stands for a table (`prefix` + entity or list). */
  sql(table: string, text: string): Promise<void>
  /** Takes the right to change a table's rows away; the function gives it back. */
  protect(table: string): () => void
  /** Somebody takes all rows of a table away, or the table itself. */
  remove(table: string, what: 'rows' | 'table'): Promise<void>
  close(): Promise<void>
}

const context = writeContext()
/** A target that merges, and its rows. */
export interface Fresh {
  readonly target: MergeTarget
  readonly table: string
  header(): Promise<readonly (string | null)[][]>
  lines(): Promise<readonly (string | null)[][]>
}

function ofMode<T extends SqlTarget>(target: SqlTarget, mode: T['mode']): T {
  assert.equal(target.mode, mode)
  return target as T
}

export function targetSuite(name: string, start: () => Promise<TargetBench>): void {
  describe(`${name}: what every warehouse does`, () => {
    let bench: TargetBench
    let next = 0
    before(async () => {
      bench = await start()
    })
    after(() => bench.close())

    function some(options: FreshOptions) {
      const prefix = `t${next++}_`
      const schema = options.schema ?? journal
      return { target: bench.target(prefix, options), table: `${prefix}${schema.entity}` }
    }

    /** A target that merges. */
    function fresh(options: FreshOptions = {}): Fresh {
      const { target, table } = some(options)
      return {
        target: ofMode<MergeTarget>(target, 'merge'),
        table,
        header: () => bench.read(table, ['number', 'status', '_sync_read']),
        lines: () => bench.read(`${table}_line`, ['number', 'line', 'account', 'amount', '_sync_read']),
      }
    }

    /** A target that appends. */
    function versions(options: FreshOptions = {}) {
      const { target, table } = some({ ...options, mode: 'append' })
      return { target: ofMode<AppendTarget>(target, 'append'), table }
    }

    it('creates the tables, and says once that they are empty', async () => {
      const { target, header, lines } = fresh()
      assert.deepEqual(await found(target), [' new', 'lines new'])
      assert.deepEqual(await found(target), [' empty', 'lines empty'])
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
        const waiting = await target.stage(batchOf('b', [entry('1', { read: 2, lines: two, status: 'b' })]), context)
        const vain = await target.stage(batchOf('c', [entry('9', { read: 3, lines: two })]), context)
        assert.deepEqual([await header(), await lines()], [[], []])
        await target.write(batchOf('a', [entry('1', { read: 1, lines: [[7, '4000', '1.00']], status: 'a' })]), context)
        await waiting.write(context)
        waiting.drop()
        vain.drop()
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
      const rejected = await target.findRejected(batch, context)
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
      assert.deepEqual(await target.totals(ask, context), [
        {
          list: 'lines',
          group: ['C1'],
          count: 90,
          debit: { amount: '370370367037037013.00000030' },
          credit: { amount: '3.00000000' },
        },
      ])
      assert.deepEqual(await target.totals({ ...ask, list: '', amounts: [], by: [] }, context), [
        { list: '', group: [], count: 30, debit: {}, credit: {} },
      ])
      assert.deepEqual(await target.totals({ ...ask, run: 'none', by: [] }, context), [])
    })

    it('tells one record as it stands, with its lines, of the columns that the schema names', async () => {
      const { target, table } = fresh()
      assert.equal(await target.standing('x3|1', journal, 5, context), undefined, 'no tables yet')
      await target.prepare(journal, context)
      const odd = "1'|\\"
      const records = [
        entry('1', { read: 3, lines: two }),
        entry('2', { read: 3 }),
        entry(odd, { read: 4, lines: two }),
      ]
      await target.write(batchOf('a', records), context)
      const line = (number: string, [no, account, amount]: (typeof two)[number]) => ({
        ...{ source: 'x3', number, line: String(no), company: 'C1', account },
        ...{ accounting_date: '2026-03-10', amount: `${amount}000000` },
      })
      const header = { source: 'x3', status: 'posted', accounting_date: '2026-03-10' }
      const there = await target.standing('x3|1', journal, 5, context)
      assert.deepEqual(there?.record, { ...header, number: '1', lines: two.map((one) => line('1', one)) })
      assert.deepEqual([there?.read, there?.run, there?.cut], ['3', 'run-1', []])
      assert.match(there?.at ?? '', /^2026-/)
      const escaped = await target.standing(keyText(journal, { source: 'x3', number: odd }), journal, 1, context)
      assert.deepEqual(escaped?.record.lines, [line(odd, two[0])])
      assert.deepEqual(escaped?.cut, ['lines'])
      assert.deepEqual((await target.standing('x3|2', journal, 5, context))?.record.lines, [])
      assert.equal(await target.standing('x3|9', journal, 5, context), undefined)
      const less: Schema = { ...journal, columns: journal.columns.filter(({ name }) => name !== 'status'), lists: {} }
      assert.deepEqual((await target.standing('x3|1', less, 5, context))?.record, {
        ...{ source: 'x3', number: '1', accounting_date: '2026-03-10' },
      })
      await bench.remove(`${table}_line`, 'table')
      assert.deepEqual((await target.standing('x3|1', journal, 5, context))?.record.lines, [], 'its lines are gone')
    })

    tablesSuite(() => bench, fresh, some)

    marksSuite(() => bench, fresh)

    wholeSuite(() => bench, some)

    appendSuite(() => bench, versions)
  })
}
