import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { Connection } from '../../nodes/databricks/client/connection.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Schema } from '../../sync/contract/message.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

const context = writeContext()
const KEYS = ['abc', 'ABC', 'Abc']
const mark = {
  entity: 'gl_entry',
  sourceAddress: 'x3://h/SEED',
  ledger: 'L1',
  run: 'run-1',
  read: 1,
  floor: null,
}

describe('databricks-write where texts have a collation', () => {
  let f: DatabricksFixture
  let connection: Connection
  let next = 0
  before(async () => {
    f = await startDatabricksFixture({ collation: 'UTF8_LCASE' })
    connection = f.connect()
  })
  after(() => f.close())

  /** A target in a schema of its own. */
  async function fresh(options: Parameters<DatabricksFixture['target']>[2] = {}) {
    const schema = `s${next++}`
    await f.rows(`CREATE SCHEMA main.${schema}`)
    const target = f.target(connection, 'gl_entry', { schema, volume: 'main.finance.staging', ...options })
    const collated = () =>
      f.rows(
        `SELECT table_name, column_name FROM main.information_schema.columns WHERE table_schema = '${schema}' AND full_data_type LIKE '%collate%'`,
      )
    const numbers = async (table = 'gl_entry') =>
      (await f.rows(`SELECT number FROM main.${schema}.${table} ORDER BY CAST(number AS BINARY)`)).flat()
    return { target, schema, collated, numbers }
  }
  const entries = KEYS.map((number) => entry(number, { read: 1, lines: two }))

  it('makes tables that compare by bytes, whatever the catalog says: keys that differ in case stay apart', async () => {
    const { target, collated, numbers } = await fresh()
    await target.prepare(journal, context)
    for (const [i, one] of entries.entries()) await target.write(batchOf(`b${i}`, [one]), context)
    assert.deepEqual(await numbers(), ['ABC', 'Abc', 'abc'])
    assert.equal((await numbers('gl_entry_line')).length, 6)
    for (const sync of ['books', 'Books']) await target.writeMark?.({ ...mark, sync }, context)
    assert.equal((await target.readMark?.(context))?.length, 2)
    const wider: Schema = { ...journal, columns: [...journal.columns, { name: 'site', type: 'string' }] }
    await f.target(f.connect(), 'gl_entry', { schema: `s${next - 1}` }).prepare(wider, context)
    assert.deepEqual(await collated(), [])
  })

  it('makes bronze so too', async () => {
    const { target, collated } = await fresh({ mode: 'append' })
    await target.prepare(journal, context)
    await target.write(batchOf('b1', entries), context)
    assert.deepEqual(await collated(), [])
  })

  it('refuses a table whose key has a collation, by its name, and changes nothing; the statement it gives is the cure', async () => {
    const { target, schema, numbers } = await fresh()
    const table = `main.${schema}.gl_entry`
    await f.rows(`CREATE TABLE ${table} (source STRING COLLATE UTF8_BINARY, number STRING, status STRING)`)
    let hint = ''
    await assert.rejects(target.prepare(journal, context), (error: SyncError) => {
      hint = error.cause.hint ?? ''
      assert.equal(error.cause.class, 'config')
      assert.equal(error.cause.field, 'number')
      assert.match(error.message, new RegExp(`${table}.*number \\(UTF8_LCASE\\)`))
      return true
    })
    const columns = await f.rows(
      `SELECT column_name FROM main.information_schema.columns WHERE table_schema = '${schema}' AND table_name = 'gl_entry'`,
    )
    assert.equal(columns.length, 3, 'no column was added')
    const statement = /ALTER TABLE [^;]*/.exec(hint)?.[0] ?? ''
    assert.ok(!statement.includes('`source`'))
    await f.rows(statement)
    const prepared = await target.prepare(journal, context)
    assert.match((prepared.notices ?? []).join(' '), new RegExp(`${table}.*: status \\(UTF8_LCASE\\)\\.`))
    for (const [i, one] of entries.entries()) await target.write(batchOf(`b${i}`, [one]), context)
    assert.deepEqual(await numbers(), ['ABC', 'Abc', 'abc'])
  })

  it('refuses a table of marks, or of a list, whose key has a collation', async () => {
    for (const table of ['_tieout_mark', 'gl_entry_line']) {
      const { target, schema } = await fresh()
      const key = table === '_tieout_mark' ? 'table_name' : 'number'
      await f.rows(`CREATE TABLE main.${schema}.${table} (${key} STRING)`)
      await assert.rejects(target.prepare(journal, context), new RegExp(`main\\.${schema}\\.${table}.*${key}`))
    }
  })

  it('does without the clause on a runtime that does not know it, which is asked once', async () => {
    const old = await startDatabricksFixture({ collations: false })
    try {
      const own = old.connect()
      const failed = () => old.sandbox.log().filter(({ error }) => error !== undefined)
      const supplier: Schema = { ...journal, entity: 'supplier', lists: {} }
      await old.target(own, 'supplier').prepare(supplier, context)
      assert.deepEqual(
        failed().map(({ error }) => /Syntax error at or near 'COLLATE'/.test(error ?? '')),
        [true],
      )
      const target = old.target(own, 'gl_entry')
      await target.prepare(journal, context)
      await target.write(batchOf('b1', entries), context)
      await target.writeMark?.({ ...mark, sync: 'books' }, context)
      assert.equal((await old.rows('SELECT number FROM main.finance.gl_entry')).length, 3)
      // the mark is tried before its table is there
      assert.deepEqual(failed().filter(({ error }) => error?.includes('COLLATE')).length, 1)
    } finally {
      await old.close()
    }
  })
})
