import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { Connection } from '../../nodes/snowflake/client/connection.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'
import { startSnowflakeBench } from '../support/snowflake-bench.ts'
import { targetSuite } from '../support/target-suite.ts'
import { waitFor } from '../support/wait.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

const context = writeContext()

targetSuite('snowflake', startSnowflakeBench)

describe('snowflake target, against the sandbox with the vendor driver', () => {
  let f: SnowflakeFixture
  let connection: Connection
  let next = 0
  before(async () => {
    f = await startSnowflakeFixture({ schemas: ['AP', 'GL'] })
    connection = f.connect()
  })
  after(() => f.close())

  /** A target with tables of its own; `at` gives the quoted name of one. */
  function fresh(options: Parameters<SnowflakeFixture['target']>[2] = {}, schema: Schema = journal) {
    const prefix = `t${next++}_`
    const target = f.target(connection, schema.entity, { pattern: `{database}.{schema}.${prefix}{entity}`, ...options })
    const at = (entity = schema.entity): string =>
      `"${f.sandbox.database}"."${f.sandbox.schema}"."${(prefix + entity).toUpperCase()}"`
    return { target, at, prefix, numbers: async () => (await f.rows(`SELECT NUMBER FROM ${at()} ORDER BY 1`)).flat() }
  }
  const sentSince = (count: number): string[] =>
    f.sandbox
      .log()
      .slice(count)
      .map(({ text }) => text)

  it('makes tables that SQL without quotes finds, with types that hold every value and say what they are', async () => {
    const { target, prefix } = fresh()
    await target.prepare(journal, context)
    const rows = await f.rows(
      `SELECT column_name, data_type, numeric_precision, numeric_scale, is_nullable, comment FROM ${f.sandbox.database}.information_schema.columns WHERE table_name = '${prefix.toUpperCase()}GL_ENTRY_LINE' ORDER BY ordinal_position`,
    )
    assert.deepEqual(
      rows.map(([name, type, precision, scale, nullable]) =>
        [name, type, type === 'NUMBER' ? `${precision},${scale}` : '', nullable].join(' '),
      ),
      [
        'SOURCE TEXT  NO',
        'NUMBER TEXT  NO',
        'LINE NUMBER 38,0 NO',
        'COMPANY TEXT  YES',
        'ACCOUNT TEXT  YES',
        'ACCOUNTING_DATE DATE  YES',
        'AMOUNT NUMBER 28,8 YES',
        '_SYNC_RUN TEXT  YES',
        '_SYNC_READ NUMBER 38,0 YES',
        '_SYNC_AT TIMESTAMP_NTZ  YES',
      ],
    )
  })

  it('adds columns one by one with their comments, also where another writer adds the same at the same moment', async () => {
    const schema: Schema = { ...journal, entity: 'gl_added' }
    const columns = ['site', 'user', 'category'].map(
      (name) => ({ name, type: 'string', description: `its ${name}` }) as const,
    )
    const wider = { ...schema, columns: [...schema.columns, ...columns] }
    const targets = [f.target(f.connect(), 'gl_added'), f.target(f.connect(), 'gl_added')]
    await targets[0]?.prepare(schema, context)
    const log = f.sandbox.log().length
    await Promise.all(targets.map((target) => target.prepare(wider, context)))
    for (const text of sentSince(log)) assert.doesNotMatch(text, /ADD COLUMN (.*,|IF)/)
    const rows = await f.rows(
      `SELECT column_name, comment FROM ${f.sandbox.database}.information_schema.columns WHERE table_name = 'GL_ADDED' AND comment LIKE 'its %' ORDER BY ordinal_position`,
    )
    assert.deepEqual(
      rows,
      columns.map(({ name, description }) => [name.toUpperCase(), description]),
    )
  })

  it('two sessions that miss the same columns: what the other added first is there, and each adds the rest', async () => {
    const schema: Schema = { ...journal, entity: 'gl_race' }
    const columns = (['site', 'user', 'category'] as const).map((name) => ({ name, type: 'string' }) as const)
    const wider = { ...schema, columns: [...schema.columns, ...columns] }
    const [isMissing, isAdded, isOver] = [1, 2, 3].map(() => Promise.withResolvers<void>())
    let added = 0
    /** One adds the first column once the other knows that it is missing, and its next ones when the other is through. */
    const one = f.connect()
    const run: Connection['run'] = async (statement, at) => {
      if (!/ADD COLUMN/.test(statement.sql)) return one.run(statement, at)
      await (added++ === 0 ? isMissing : isOver)?.promise
      return one.run(statement, at).finally(() => isAdded?.resolve())
    }
    const other = f.connect()
    const later: Connection['run'] = async (statement, at) => {
      if (/ADD COLUMN/.test(statement.sql)) {
        isMissing?.resolve()
        await isAdded?.promise
      }
      return other.run(statement, at)
    }
    const first = f.target({ ...one, run }, 'gl_race')
    await first.prepare(schema, context)
    const log = f.sandbox.log().length
    const second = f
      .target({ ...other, run: later }, 'gl_race')
      .prepare(wider, context)
      .finally(() => {
        isMissing?.resolve()
        isOver?.resolve()
      })
    await Promise.all([first.prepare(wider, context), second])
    assert.equal(sentSince(log).filter((text) => /ADD COLUMN/.test(text)).length, 6)
    const [[count] = []] = await f.rows(
      `SELECT COUNT(*) FROM ${f.sandbox.database}.information_schema.columns WHERE table_name = 'GL_RACE' AND column_name IN ('SITE', 'USER', 'CATEGORY')`,
    )
    assert.equal(count, '3')
  })

  it('asks for the columns of each table, without a warehouse, and in one statement which have a row', async () => {
    const { target } = fresh()
    // the first finds that the schema has tables by now
    for (const _ of ['makes them', 'finds them']) await target.prepare(journal, context)
    const log = f.sandbox.log().length
    await target.prepare(journal, { ...context, filled: new Set(['', 'lines']) })
    const sent = sentSince(log)
    assert.deepEqual(
      sent.map((text) => /^(DESCRIBE TABLE|SELECT)/.exec(text)?.[0]),
      ['DESCRIBE TABLE', 'DESCRIBE TABLE', 'SELECT'],
    )
    assert.match(sent[2] ?? '', /GL_ENTRY" LIMIT 1.*GL_ENTRY_LINE" LIMIT 1/)
  })

  it('needs no more than three statements for each table of a batch and four beside', async () => {
    for (const byFile of [false, true]) {
      const { target } = fresh(byFile ? { maxBindBytes: 0 } : {})
      await target.prepare(journal, context)
      const before = target.statements()
      for (const id of ['a', 'b', 'c']) await target.write(batchOf(id, [entry(id, { read: 1, lines: two })]), context)
      const sent = target.statements() - before
      assert.ok(sent <= 3 * (3 * 2 + 4), `${sent} statements for three batches of two tables`)
    }
  })

  it('sends a batch of 10,000 rows as one compressed file, and takes it away again', async () => {
    const { target, at } = fresh()
    await target.prepare(journal, context)
    const lines = Array.from({ length: 4 }, (_, i) => [i + 1, '4000', '1.00'] as const)
    const records = Array.from({ length: 2000 }, (_, i) => entry(`N${i}`, { read: 1, lines }))
    const [before, log] = [f.sandbox.stats(), f.sandbox.log().length]
    await target.write(batchOf('large', records), context)
    const texts = sentSince(log)
    assert.equal((f.sandbox.stats()['storage-put'] ?? 0) - (before['storage-put'] ?? 0), 1)
    assert.equal(texts.filter((text) => text.startsWith('MERGE')).length, 2)
    assert.equal(texts.filter((text) => /FILES = \('rows\.json\.gz'\)/.test(text)).length, 1)
    assert.deepEqual(await f.rows(`SELECT COUNT(*), CAST(SUM("AMOUNT") AS VARCHAR) FROM ${at('gl_entry_line')}`), [
      ['8000', '8000.00000000'],
    ])
    const left = await connection.run({ sql: "LIST '@~/tieout/'", what: 'files' }, context)
    assert.deepEqual(left, [])
  })

  it('takes the file of a batch away that went up ahead in vain', async () => {
    const { target } = fresh({ maxBindBytes: 0 })
    const files = () => connection.run({ sql: "LIST '@~/tieout/'", what: 'files' }, context)
    const staged = await target.stage?.(batchOf('vain', [entry('1', { read: 1, lines: two })]), context)
    assert.equal((await files()).length, 1)
    staged?.drop()
    await waitFor(async () => (await files()).length === 0, { what: 'the removal of the file' })
  })

  it('writes lines and header together or not at all', async () => {
    const { target, at, numbers } = fresh()
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    f.sandbox.deny('UPDATE', at().replaceAll('"', ''))
    const batch = batchOf('b', [entry('1', { read: 2, lines: [[1, '4000', '3.00']], status: 'second' })])
    await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'config')
    f.sandbox.allow()
    const lines = () => f.rows(`SELECT "LINE", CAST("AMOUNT" AS VARCHAR) FROM ${at('gl_entry_line')} ORDER BY 1`)
    assert.deepEqual(await lines(), [
      ['1', '10.50000000'],
      ['2', '-10.50000000'],
    ])
    await target.write(batch, context)
    assert.deepEqual(await lines(), [['1', '3.00000000']])
    assert.deepEqual(await numbers(), ['1'])
  })

  it('takes columns as they are stored: small letters, reserved words, quotes', async () => {
    const { target, at } = fresh()
    await f.rows(
      `CREATE TABLE ${at()} ("source" VARCHAR, "number" VARCHAR, "Status" VARCHAR, "select" VARCHAR, "a ""b""" VARCHAR, "accounting_date" DATE)`,
    )
    const schema: Schema = {
      ...journal,
      columns: [
        ...journal.columns,
        { name: 'select', type: 'string' },
        { name: 'a "b"', type: 'string' },
        { name: 'order', type: 'string' },
      ],
    }
    await target.prepare(schema, context)
    const record = { ...entry('1', { read: 1, lines: two }), select: 'S', 'a "b"': 'quoted', order: 'O' }
    await target.write(batchOf('a', [record], schema), context)
    await target.write(batchOf('b', [{ ...record, _read: 2, select: 'T' }], schema), context)
    assert.deepEqual(await f.rows(`SELECT "number", "Status", "select", "a ""b""", "ORDER" FROM ${at()}`), [
      ['1', 'posted', 'T', 'quoted', 'O'],
    ])
  })

  it('brings an entity with its lists into the schema that was chosen for it', async () => {
    const patterns = { gl_entry: '{database}.GL.{entity}', supplier_invoice: '{database}.AP.x3_{entity}' }
    const gl = f.target(connection, 'gl_entry', { patterns })
    const ap = f.target(connection, 'supplier_invoice', { patterns })
    const other = f.target(connection, 'supplier', { patterns })
    assert.deepEqual(
      [gl, ap, other].map(({ address }) => address.split('/').at(-1)),
      ['FINANCE.GL.GL_ENTRY', 'FINANCE.AP.X3_SUPPLIER_INVOICE', `FINANCE.${f.sandbox.schema}.SUPPLIER`],
    )
    await gl.prepare(journal, context)
    await gl.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    assert.deepEqual(await f.rows('SELECT COUNT(*) FROM FINANCE.GL.GL_ENTRY_LINE'), [['2']])
    const mark = { sync: 'books', entity: 'gl_entry', sourceAddress: 'x', ledger: 'L', run: 'r', read: 1, floor: null }
    await gl.writeMark?.(mark, context)
    assert.deepEqual(await f.rows('SELECT SYNC, READ FROM FINANCE.GL._TIEOUT_MARK'), [['books', '1']])
  })

  it('keeps JSON as VARIANT, and as text where the column is one', async () => {
    const schema: Schema = {
      entity: 'note',
      key: ['source', 'number'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        { name: 'tags', type: 'json' },
      ],
    }
    const tags = { a: ["it's", '1.10'], b: null }
    const record: DataRecord = { _row: 0, _read: 1, _stamp: 'S1', source: 'x3', number: '1', tags }
    const [variant, text] = [fresh({}, schema), fresh({}, schema)]
    await f.rows(`CREATE TABLE ${text.at()} (SOURCE VARCHAR, NUMBER VARCHAR, TAGS VARCHAR)`)
    for (const { target } of [variant, text]) {
      await target.prepare(schema, context)
      await target.write(batchOf('a', [record], schema), context)
    }
    assert.deepEqual(await f.rows(`SELECT TAGS:a[0]::VARCHAR FROM ${variant.at()}`), [["it's"]])
    assert.deepEqual(JSON.parse(String((await f.rows(`SELECT TAGS FROM ${text.at()}`))[0]?.[0])), tags)
  })

  it('holds a text that is longer than its column, and a null where none may be, and no other record', async () => {
    const { target, at, numbers } = fresh()
    await f.rows(
      `CREATE TABLE ${at()} (SOURCE VARCHAR, NUMBER VARCHAR, STATUS VARCHAR(100) NOT NULL, ACCOUNTING_DATE DATE)`,
    )
    await target.prepare(journal, context)
    const batch = batchOf('a', [
      entry('1', { read: 1 }),
      entry('2', { read: 1, status: 'x'.repeat(5000) }),
      { ...entry('3', { read: 1 }), status: null },
    ])
    await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'data')
    const found = await target.findRejected?.(batch, context)
    assert.deepEqual(
      found?.map(({ index, field }) => [index, field]),
      [
        [1, 'status'],
        [2, 'status'],
      ],
    )
    assert.match(found?.[0]?.message ?? '', /VARCHAR\(100\) and may not be null/)
    assert.deepEqual(await numbers(), [])
  })

  it('two sources share a table, and each ties for itself', async () => {
    const { target } = fresh()
    await target.prepare(journal, context)
    const other = entry('1', { read: 1, lines: [[1, '4000', '99.00']] })
    const elsewhere = {
      ...other,
      source: 'intacct',
      lines: (other.lines as object[]).map((line) => ({ ...line, source: 'intacct' })),
    }
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })], journal, 'run-x3'), context)
    await target.write(batchOf('b', [elsewhere], journal, 'run-intacct'), context)
    const sums = async (run: string) => {
      const told = await target.totals?.({ run, schema: journal, list: 'lines', amounts: ['amount'], by: [] }, context)
      assert.ok(typeof told === 'object')
      return told.map(({ count, debit }) => [count, debit.amount])
    }
    assert.deepEqual([await sums('run-x3'), await sums('run-intacct')], [[[2, '10.50000000']], [[1, '99.00000000']]])
  })

  it('names the lowest and highest key of a batch, so that Snowflake may leave out the rest of the table', async () => {
    const { target, numbers } = fresh()
    const keys = ['A-1', 'Z', 'a', 'é', '\u{1f600}', '\uffee']
    const batch = (id: string, read: number) =>
      batchOf(
        id,
        keys.map((key) => entry(key, { read, lines: two })),
      )
    await target.prepare(journal, context)
    await target.write(batch('a', 1), context)
    const log = f.sandbox.log().length
    await target.write(batch('b', 2), context)
    assert.equal((await numbers()).length, keys.length, 'none was missed for lying beyond the bounds')
    const merges = sentSince(log).filter((one) => one.startsWith('MERGE'))
    assert.equal(merges.length, 2)
    for (const text of merges) assert.match(text, /BETWEEN :\d AND :\d/)
  })

  it('says who did what in the query history', async () => {
    const { target } = fresh()
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1 })]), context)
    const tag = JSON.parse(f.sandbox.log().findLast(({ text }) => text.startsWith('MERGE'))?.queryTag ?? '{}')
    assert.deepEqual(tag, { application: 'tieout', sync: 'books', run: 'run-1', entity: 'gl_entry' })
  })
})
