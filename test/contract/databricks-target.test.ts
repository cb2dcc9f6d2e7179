import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { Connection } from '../../nodes/databricks/client/connection.ts'
import type { SyncError } from '../../sync/errors.ts'
import type { DataRecord, Schema } from '../../sync/message.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { waitFor } from '../support/wait.ts'
import { batchOf, entry, journal, writeContext } from '../support/warehouse.ts'

const context = writeContext()
const two = [
  [1, '4000', '10.50'],
  [2, '7000', '-10.50'],
] as const

describe('databricks target, against the sandbox with the vendor driver', () => {
  let f: DatabricksFixture
  let connection: Connection
  let next = 0
  before(async () => {
    f = await startDatabricksFixture()
    connection = f.connect()
  })
  after(() => f.close())

  /** A target with tables of its own. */
  function fresh(options: Parameters<DatabricksFixture['target']>[2] = {}, schema: Schema = journal) {
    const prefix = `t${next++}_`
    const target = f.target(connection, schema.entity, { pattern: `{catalog}.{schema}.${prefix}{entity}`, ...options })
    const table = `main.finance.${prefix}${schema.entity}`
    return {
      target,
      table,
      header: () => f.rows(`SELECT number, status, CAST(_sync_read AS STRING) FROM ${table} ORDER BY number`),
      lines: () =>
        f
          .rows(
            `SELECT number, line, account, CAST(amount AS STRING), CAST(_sync_read AS STRING) FROM ${table}_line ORDER BY number, line`,
          )
          .then((rows) => rows.map((row) => row.map(String))),
    }
  }

  it('creates the tables with comments, keys and clustering, and says that they are empty', async () => {
    const { target, table, lines } = fresh()
    const prepared = await target.prepare(journal, context)
    assert.equal(prepared.empty, true)
    assert.deepEqual(await target.prepare(journal, context), { empty: false })
    const created =
      f.sandbox
        .log()
        .filter(({ text }) => text.includes(`CREATE TABLE`))
        .at(-1)?.text ?? ''
    assert.match(created, /CLUSTER BY \(`account`, `accounting_date`\)/)
    assert.match(created, /PRIMARY KEY \(`source`, `number`, `line`\)/)
    const rows = await f.rows(
      `SELECT column_name, full_data_type FROM main.information_schema.columns WHERE table_name = '${table.split('.')[2]}' ORDER BY ordinal_position`,
    )
    assert.deepEqual(
      rows.map((row) => row.join(' ').toLowerCase()),
      [
        'source string',
        'number string',
        'status string',
        'accounting_date date',
        '_sync_run string',
        '_sync_read bigint',
        '_sync_at timestamp',
        '_source_stamp string',
        '_row_hash string',
      ],
    )
    assert.deepEqual(await lines(), [])
  })

  it('inserts, updates and deletes lines in one statement for each table', async () => {
    const { target, header, lines } = fresh()
    await target.prepare(journal, context)
    await target.write(
      batchOf('a', [entry('1', { read: 1, lines: two }), entry('2', { read: 1, lines: two })]),
      context,
    )
    const before = target.statements()
    const changed = [
      [1, '4000', '12.00'],
      [3, '7100', '-12.00'],
    ] as const
    await target.write(batchOf('b', [entry('1', { read: 2, lines: changed, status: 'final' })]), context)
    assert.equal(target.statements() - before, 2, 'one MERGE for the list, one for the header')
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

  it('changes nothing when a batch is sent again', async () => {
    const { target, table } = fresh()
    await target.prepare(journal, context)
    const batch = batchOf('a', [entry('1', { read: 1, lines: two })])
    const stored = () =>
      f.rows(
        `SELECT CAST(_sync_at AS STRING) FROM ${table} UNION ALL SELECT CAST(_sync_at AS STRING) FROM ${table}_line`,
      )
    await target.write(batch, context)
    const first = await stored()
    await target.write({ ...batch, at: '2027-01-01T00:00:00Z' }, context)
    assert.deepEqual(await stored(), first)
  })

  it('writes an edited record under its old read number, and stamps a run that sends the same again', async () => {
    const { target, header, table } = fresh()
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    await target.write(batchOf('b', [entry('1', { read: 1, lines: [[1, '4000', '1.00']], status: 'edited' })]), context)
    assert.deepEqual(await header(), [['1', 'edited', '1']])
    await target.write(
      batchOf('c', [entry('1', { read: 1, lines: [[1, '4000', '1.00']], status: 'edited' })], journal, 'run-2'),
      context,
    )
    assert.deepEqual(await f.rows(`SELECT _sync_run FROM ${table} UNION ALL SELECT _sync_run FROM ${table}_line`), [
      ['run-2'],
      ['run-2'],
    ])
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

  it('stops between list and header, and is whole after the same batch comes again', async () => {
    const { target, table, header, lines } = fresh()
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    f.sandbox.deny('MODIFY', table)
    const batch = batchOf('b', [entry('1', { read: 2, lines: [[1, '4000', '3.00']], status: 'second' })])
    await assert.rejects(target.write(batch, context), /MODIFY/)
    f.sandbox.allow()
    assert.deepEqual(await header(), [['1', 'posted', '1']], 'the header does not say that the lines are in')
    assert.equal((await lines()).length, 1)
    // an older batch in between must not take the newer lines away
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    assert.deepEqual(
      (await lines()).map(([, line, , amount]) => `${line} ${amount}`),
      ['1 3.00000000'],
    )
    await target.write(batch, context)
    assert.deepEqual(await header(), [['1', 'second', '2']])
    assert.equal((await lines()).length, 1)
  })

  it('gives the same rows by file as by parameter, several files too, and takes the files away', async () => {
    const records = Array.from({ length: 40 }, (_, i) => entry(`N${i}`, { read: 1, lines: two, status: `"é\\${i}\n'` }))
    const [small, large] = [fresh(), fresh({ maxParameterBytes: 500, rowsPerFile: 50 })]
    for (const { target } of [small, large]) {
      await target.prepare(journal, context)
      await target.write(batchOf('a', records), context)
    }
    const uploads = f.sandbox.stats()['files-put'] ?? 0
    assert.ok(uploads >= 4, `${uploads} uploads`)
    assert.deepEqual(await large.header(), await small.header())
    assert.deepEqual(await large.lines(), await small.lines())
    assert.equal((await large.lines()).length, 80)
    await waitFor(() => (f.sandbox.stats()['files-delete'] ?? 0) >= uploads, {
      what: 'the removal of the staged files',
    })
  })

  it('needs no more than one MERGE for each table of a batch of 10,000 rows', async () => {
    const { target, table } = fresh()
    await target.prepare(journal, context)
    const lines = Array.from({ length: 4 }, (_, i) => [i + 1, '4000', '1.00'] as const)
    const records = Array.from({ length: 2000 }, (_, i) => entry(`N${i}`, { read: 1, lines }))
    const before = target.statements()
    await target.write(batchOf('a', records), context)
    assert.equal(target.statements() - before, 2)
    assert.deepEqual(await f.rows(`SELECT CAST(count(*) AS STRING), CAST(sum(amount) AS STRING) FROM ${table}_line`), [
      ['8000', '8000.00000000'],
    ])
  })

  it('says what to do when a batch is too large for a parameter and no volume is chosen', async () => {
    const { target } = fresh({ maxParameterBytes: 100, volume: '' })
    await target.prepare(journal, context)
    await assert.rejects(
      target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context),
      (error: SyncError) => error.cause.class === 'config' && /CREATE VOLUME/.test(error.cause.hint ?? ''),
    )
  })

  it('refuses a narrower column, naming table, column and both types, before anything is written', async () => {
    const { target, table } = fresh()
    await f.rows(
      `CREATE TABLE ${table}_line (source STRING, number STRING, line BIGINT, company STRING, account STRING, accounting_date DATE, amount DECIMAL(18,2))`,
    )
    await assert.rejects(target.prepare(journal, context), (error: SyncError) => {
      assert.equal(error.cause.class, 'config')
      assert.equal(error.cause.field, 'amount')
      for (const part of [`${table}_line`, 'amount', 'decimal(18,2)', 'decimal(28,8)'])
        assert.ok(error.message.toLowerCase().includes(part), part)
      return true
    })
  })

  it('adds a column that is new, and the technical ones to a table that was there', async () => {
    const { target, table } = fresh()
    await f.rows(`CREATE TABLE ${table} (source STRING, number STRING, status STRING)`)
    await f.rows(`INSERT INTO ${table} VALUES ('x3', '1', 'before')`)
    await target.prepare(journal, context)
    const wider: Schema = {
      ...journal,
      columns: [...journal.columns, { name: 'site', type: 'string', description: "the site's code" }],
    }
    const prepared = await target.prepare(wider, context)
    assert.match((prepared.notices ?? []).join(), /site/)
    await target.write(batchOf('a', [{ ...entry('1', { read: 1, lines: [] }), site: 'S1' }], wider), context)
    assert.deepEqual(
      await f.rows(`SELECT status, site FROM ${table}`),
      [['posted', 'S1']],
      'a row without a read number is older than any',
    )
  })

  it('finds the records that do not fit, with their field, in one question for each table', async () => {
    const { target } = fresh()
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

  it('writes the marks of several entities one after another: side by side they would conflict in their one table', async () => {
    const targets = [fresh(), fresh(), fresh(), fresh()].map(({ target }) => target)
    for (const target of targets) await target.prepare(journal, context)
    const mark = { sync: 'books', sourceAddress: 'x3://h/SEED', ledger: 'L1', run: 'run-1', read: 1, floor: null }
    await Promise.all(targets.map((target, i) => target.writeMark?.({ ...mark, entity: `e${i}` }, context)))
    const refused = f.sandbox.log().filter(({ error }) => error?.includes('2D521'))
    assert.deepEqual(refused, [])
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

  describe('bronze', () => {
    const rowsOf = (table: string) =>
      f.rows(
        `SELECT key, operation, record, CAST(_sync_read AS STRING), _source_stamp, _sync_batch FROM ${table} ORDER BY key, _sync_batch`,
      )

    it('appends each record as it came, once for a batch that is sent again', async () => {
      const { target, table } = fresh({ mode: 'bronze' })
      assert.equal(target.mode, 'append')
      await target.prepare(journal, context)
      const record = entry('1', { read: 4, lines: [[1, '4000', '10.50']] })
      const batch = batchOf('b1', [record, { ...entry('2', { read: 4, delete: true }), _stamp: null }])
      await target.write(batch, context)
      await target.write(batch, context)
      const { _row, _read, _stamp, ...content } = record
      assert.deepEqual(await rowsOf(table), [
        ['x3|1', 'upsert', JSON.stringify(content), '4', 'S4', 'b1'],
        ['x3|2', 'delete', '{"source":"x3","number":"2"}', '4', null, 'b1'],
      ])
      await target.write(batchOf('b2', [record]), context)
      assert.equal((await rowsOf(table)).length, 3, 'another batch is another version')
    })

    it('tells what became of a batch: delivered, absent, and it finishes one whose file is there', async () => {
      const { target, table } = fresh({ mode: 'bronze' })
      await target.prepare(journal, context)
      assert.equal(await target.resolve?.('b1', journal, context, 1), 'absent')
      const batch = batchOf('b1', [entry('1', { read: 4 })])
      f.sandbox.deny('MODIFY', table)
      await assert.rejects(target.write(batch, context), /MODIFY/)
      f.sandbox.allow()
      assert.equal((await rowsOf(table)).length, 0)
      assert.equal(await target.resolve?.('b1', journal, context, 1), 'delivered')
      assert.equal((await rowsOf(table)).length, 1)
      assert.equal(await target.resolve?.('b1', journal, context, 1), 'delivered')
      assert.equal((await rowsOf(table)).length, 1)
    })
  })
})
