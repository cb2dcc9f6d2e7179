import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Schema } from '../../sync/contract/message.ts'
import type { Target } from '../../sync/contract/target.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

/** Codes that many collations take for one. */
const ALIKE = ['abc', 'ABC', 'Abc']

describe('snowflake, collations', () => {
  const context = writeContext()
  let f: SnowflakeFixture
  afterEach(() => f.close())

  const start = (collation?: string) =>
    startSnowflakeFixture(collation ? { parameters: { account: { DEFAULT_DDL_COLLATION: collation } } } : {})
  const at = (name = 'GL_ENTRY'): string => `"${f.sandbox.database}"."${f.sandbox.schema}"."${name}"`
  const numbers = async (name?: string) => (await f.rows(`SELECT DISTINCT NUMBER FROM ${at(name)}`)).flat().sort()
  const collations = async (name = 'GL_ENTRY') =>
    f.rows(
      `SELECT column_name, collation_name FROM ${f.sandbox.database}.information_schema.columns WHERE table_name = '${name}' AND collation_name IS NOT NULL`,
    )
  const refused = (target: Target, says: readonly (string | RegExp)[]) =>
    assert.rejects(target.prepare(journal, context), (error: SyncError) => {
      assert.deepEqual([error.cause.class, error.code], ['config', 'snowflake.collation'])
      for (const part of says) assert.match(error.message, typeof part === 'string' ? new RegExp(part) : part)
      return true
    })

  for (const byFile of [false, true])
    it(`keeps keys apart that differ only in case where a collation is the default, ${byFile ? 'by file' : 'in the statement'}`, async () => {
      f = await start('en-ci')
      const target = f.target(f.connect(), 'gl_entry', byFile ? { maxBindBytes: 0 } : {})
      await target.prepare(journal, context)
      const documents = (read: number) => ALIKE.map((number) => entry(number, { read, lines: two, status: number }))
      await target.write(batchOf('a', documents(1)), context)
      assert.deepEqual([await numbers(), await numbers('GL_ENTRY_LINE')], [[...ALIKE].sort(), [...ALIKE].sort()])
      await target.write(
        batchOf('b', [entry('ABC', { read: 2, lines: [], status: 'second' })], journal, 'run-2'),
        context,
      )
      assert.deepEqual(await f.rows(`SELECT NUMBER, STATUS FROM ${at()} ORDER BY NUMBER COLLATE 'utf8'`), [
        ['ABC', 'second'],
        ['Abc', 'Abc'],
        ['abc', 'abc'],
      ])
      assert.deepEqual(await numbers('GL_ENTRY_LINE'), ['Abc', 'abc'])
      assert.deepEqual(await collations(), [])
    })

  it('gives columns that are added no collation either', async () => {
    f = await start('en-ci')
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    const wider: Schema = { ...journal, columns: [...journal.columns, { name: 'site', type: 'string' }] }
    await target.prepare(wider, context)
    assert.deepEqual(await collations(), [])
  })

  it('refuses a table of others whose key column has a collation, naming it, before anything is written', async () => {
    f = await start()
    await f.rows(
      `CREATE TABLE ${at()} (SOURCE VARCHAR, NUMBER VARCHAR(40) COLLATE 'de-ai', STATUS VARCHAR, ACCOUNTING_DATE DATE)`,
    )
    await refused(f.target(f.connect(), 'gl_entry'), [
      'NUMBER of FINANCE.PUBLIC.GL_ENTRY',
      "'de-ai'",
      'not made by Tieout',
    ])
    const target = f.target(f.connect(), 'gl_entry')
    await assert.rejects(target.write(batchOf('a', [entry('1', { read: 1 })]), context))
    assert.deepEqual(await f.rows(`SELECT COUNT(*) FROM ${at()}`), [['0']])
    assert.equal((await f.rows(`DESCRIBE TABLE ${at()}`)).length, 4, 'no column was added')
  })

  it('takes the binary collations, which compare as the ledger does', async () => {
    f = await start()
    await f.rows(
      `CREATE TABLE ${at()} (SOURCE VARCHAR COLLATE 'bin', NUMBER VARCHAR COLLATE 'utf8', STATUS VARCHAR, ACCOUNTING_DATE DATE)`,
    )
    const target = f.target(f.connect(), 'gl_entry')
    assert.doesNotMatch(String((await target.prepare(journal, context)).notices), /collation/)
    await target.write(
      batchOf(
        'a',
        ALIKE.map((number) => entry(number, { read: 1 })),
      ),
      context,
    )
    assert.equal((await numbers()).length, 3)
  })

  it('says how a table of ours is made anew whose key has a collation; its rows, comments and keys stay', async () => {
    f = await start()
    // as the version before made it where a collation is the default
    const text = "VARCHAR COLLATE 'en-ci'"
    await f.rows(
      `CREATE TABLE ${at()} (SOURCE ${text} NOT NULL COMMENT 'Where it comes from', NUMBER ${text} NOT NULL, STATUS ${text}, ACCOUNTING_DATE DATE, EXTRA ${text}, PRIMARY KEY (SOURCE, NUMBER)) COMMENT = 'Tieout: gl_entry'`,
    )
    await f.rows(`INSERT INTO ${at()} (SOURCE, NUMBER, STATUS, EXTRA) VALUES ('x3', 'abc', 'folded', 'theirs')`)
    const target = f.target(f.connect(), 'gl_entry')
    let message = ''
    await assert.rejects(target.prepare(journal, context), (error: SyncError) => {
      message = error.message
      return error.code === 'snowflake.collation' && error.cause.class === 'config'
    })
    const statements = message.match(/CREATE TABLE .*?;|CREATE OR REPLACE .*?;|INSERT INTO .*?;/g) ?? []
    assert.equal(statements.length, 3, message)
    for (const statement of statements) await f.rows(statement.slice(0, -1))
    await target.prepare(journal, context)
    await target.write(
      batchOf(
        'a',
        ALIKE.map((number) => entry(number, { read: 1, status: number })),
      ),
      context,
    )
    assert.deepEqual(await f.rows(`SELECT NUMBER, STATUS, EXTRA FROM ${at()} ORDER BY NUMBER`), [
      ['ABC', 'ABC', null],
      ['Abc', 'Abc', null],
      ['abc', 'abc', 'theirs'],
    ])
    assert.deepEqual(await collations(), [])
    const keys = await f.rows(`SHOW PRIMARY KEYS IN TABLE ${at()}`)
    assert.equal(keys.length, 2)
    const described = await f.rows(`DESCRIBE TABLE ${at()}`)
    assert.ok(described[0]?.includes('Where it comes from'))
  })

  it('tells of other text columns with a collation, and goes on', async () => {
    f = await start()
    await f.rows(
      `CREATE TABLE ${at()} (SOURCE VARCHAR, NUMBER VARCHAR, STATUS VARCHAR COLLATE 'en-ci', ACCOUNTING_DATE DATE) COMMENT = 'Tieout: gl_entry'`,
    )
    const target = f.target(f.connect(), 'gl_entry')
    const { notices = [] } = await target.prepare(journal, context)
    assert.match(notices.join('\n'), /GL_ENTRY with a collation: STATUS \(en-ci\)/)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two, status: 'Posted' })]), context)
    assert.deepEqual(await f.rows(`SELECT CAST(STATUS AS VARCHAR) FROM ${at()}`), [['Posted']])
  })

  it('reads back what it made: a table and a temporary table that have a collation all the same are not written', async () => {
    f = await start('en-ci')
    f.sandbox.tune({ keepsDefaultCollation: true })
    await refused(f.target(f.connect(), 'gl_entry'), [
      'SOURCE of FINANCE.PUBLIC.GL_ENTRY',
      /SET DEFAULT_DDL_COLLATION = ''/,
    ])
    await f.rows(`DROP TABLE ${at()}`)
    const utf8 = "VARCHAR COLLATE 'utf8'"
    for (const [name, key] of Object.entries({ GL_ENTRY: '', GL_ENTRY_LINE: ', LINE NUMBER(38,0)' }))
      await f.rows(`CREATE TABLE ${at(name)} (SOURCE ${utf8}, NUMBER ${utf8}${key})`)
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    const batch = batchOf(
      'a',
      ALIKE.map((number) => entry(number, { read: 1, lines: two })),
    )
    await assert.rejects(target.write(batch, context), (error: SyncError) => {
      assert.deepEqual([error.cause.class, error.code], ['config', 'snowflake.collation'])
      assert.match(error.cause.hint ?? '', /ALTER SCHEMA "FINANCE"\."PUBLIC" SET DEFAULT_DDL_COLLATION = ''/)
      return true
    })
    assert.deepEqual(await numbers(), [])
    f.sandbox.tune({ keepsDefaultCollation: false })
    await target.write(batch, context)
    assert.equal((await numbers()).length, 3)
  })

  it('keeps the marks of syncs apart whose names differ only in case, also in a table of marks with a collation', async () => {
    f = await start()
    const texts = ['TABLE_NAME', 'SYNC', 'ENTITY', 'SOURCE_ADDRESS'].map(
      (name) => `${name} VARCHAR COLLATE 'en-ci' NOT NULL`,
    )
    await f.rows(
      `CREATE TABLE ${at('_TIEOUT_MARK')} (${texts.join(', ')}, LEDGER VARCHAR, RUN VARCHAR, READ NUMBER(38,0), FLOOR VARCHAR, AT TIMESTAMP_NTZ)`,
    )
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1 })]), context)
    const mark = { sync: 'books', entity: 'gl_entry', sourceAddress: 'x', ledger: 'L', run: 'r', read: 1, floor: null }
    await target.writeMark?.(mark, context)
    await target.writeMark?.({ ...mark, sync: 'BOOKS', read: 2 }, context)
    await target.writeMark?.({ ...mark, read: 3 }, context)
    const marks = (await target.readMark?.(context)) ?? []
    assert.deepEqual(marks.map(({ sync, read }) => [sync, read]).sort(), [
      ['BOOKS', 2],
      ['books', 3],
    ])
  })
})
