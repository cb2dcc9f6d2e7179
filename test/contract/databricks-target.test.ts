import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import type { Connection } from '../../nodes/databricks/client/connection.ts'
import { fileName, volumeOf } from '../../nodes/databricks/client/files.ts'
import { sqlType } from '../../nodes/databricks/client/sql.ts'
import { copyInto } from '../../nodes/databricks/client/versions.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Schema } from '../../sync/contract/message.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { type TargetBench, targetSuite } from '../support/target-suite.ts'
import { waitFor } from '../support/wait.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

const context = writeContext()
/** The sandbox as the suite of all warehouses sees it. */
async function startBench(): Promise<TargetBench> {
  const f = await startDatabricksFixture()
  const connection = f.connect()
  return {
    target: (prefix, { mode, byFile, schema = journal }) =>
      f.target(connection, schema.entity, {
        pattern: `{catalog}.{schema}.${prefix}{entity}`,
        mode: mode === 'append' ? 'append' : 'merge',
        ...(byFile ? { maxParameterBytes: 500, rowsPerFile: 50 } : {}),
      }),
    async read(table, columns) {
      const texts = columns.map((name) => `CAST(\`${name}\` AS STRING)`)
      const order = columns.map((_, i) => i + 1).join(', ')
      const rows = await f.rows(`SELECT ${texts.join(', ')} FROM main.finance.${table} ORDER BY ${order}`)
      return rows as (string | null)[][]
    },
    async create(table, columns) {
      const wanted = Object.entries(columns).map(([name, type]) => `${name} ${sqlType(type, 'string')}`)
      await f.rows(`CREATE TABLE main.finance.${table} (${wanted.join(', ')})`)
    },
    async insert(table, row) {
      const values = Object.values(row).map((value) => `'${value}'`)
      await f.rows(`INSERT INTO main.finance.${table} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`)
    },
    sql: async (table, text) => void (await f.rows(text.replaceAll('$T', `main.finance.${table}`))),
    protect(table) {
      f.sandbox.deny('MODIFY', `main.finance.${table}`)
      return () => f.sandbox.allow()
    },
    async remove(table, what) {
      await f.rows(`${what === 'rows' ? 'TRUNCATE' : 'DROP'} TABLE main.finance.${table}`)
    },
    close: () => f.close(),
  }
}

targetSuite('databricks', startBench)

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
    assert.deepEqual(
      prepared.tables.map(({ name, state }) => [name, state]),
      [
        [table, 'new'],
        [`${table}_line`, 'new'],
      ],
    )
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

  it('asks two questions of tables that are there, whatever their number, and none about rows of those it makes', async () => {
    const { target, table } = fresh()
    const asked = async (filled: readonly string[]) => {
      const before = f.sandbox.log().length
      await target.prepare(journal, { ...context, filled: new Set(filled) })
      return f.sandbox
        .log()
        .slice(before)
        .map(({ text }) => text)
    }
    const first = await asked([])
    assert.deepEqual(first.map((text) => /information_schema|CREATE TABLE/.exec(text)?.[0]).sort(), [
      'CREATE TABLE',
      'CREATE TABLE',
      ...Array(3).fill('information_schema'),
    ])
    const [columns, rows, ...more] = await asked(['', 'lines'])
    assert.match(columns ?? '', /information_schema/)
    for (const name of table.split('.')) assert.ok(rows?.includes(`\`${name}\``), rows)
    assert.match(rows ?? '', /_line` LIMIT 1/)
    assert.deepEqual(more, [])
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

  it('takes the files of a batch away that went up ahead in vain', async () => {
    const { target } = fresh({ maxParameterBytes: 0 })
    await target.prepare(journal, context)
    const count = (kind: 'files-put' | 'files-delete') => f.sandbox.stats()[kind] ?? 0
    const [before, removed] = [count('files-put'), count('files-delete')]
    const staged = await target.stage?.(batchOf('vain', [entry('1', { read: 1, lines: two })]), context)
    assert.equal(count('files-put') - before, 2)
    staged?.drop()
    await waitFor(() => count('files-delete') - removed === 2, { what: 'the removal of the staged files' })
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

  it('writes the marks of several entities one after another: side by side they would conflict in their one table', async () => {
    const targets = [fresh(), fresh(), fresh(), fresh()].map(({ target }) => target)
    for (const target of targets) await target.prepare(journal, context)
    const mark = { sync: 'books', sourceAddress: 'x3://h/SEED', ledger: 'L1', run: 'run-1', read: 1, floor: null }
    await Promise.all(targets.map((target, i) => target.writeMark?.({ ...mark, entity: `e${i}` }, context)))
    const refused = f.sandbox.log().filter(({ error }) => error?.includes('2D521'))
    assert.deepEqual(refused, [])
  })

  describe('append', () => {
    const rowsOf = (table: string) =>
      f.rows(
        `SELECT key, operation, record, CAST(_sync_read AS STRING), _source_stamp, _sync_batch FROM ${table} ORDER BY key, _sync_batch`,
      )

    it('counts a batch that is in as delivered when the file of its next attempt is taken away by the one before', async () => {
      const { target, table } = fresh({ mode: 'append' })
      await target.prepare(journal, context)
      const batch = batchOf('b1', [entry('1', { read: 4 })])
      await target.write(batch, context)
      const late: Connection = {
        ...connection,
        async rest(request, asked) {
          const reply = await connection.rest(request, asked)
          const [path = ''] = request.path.split('?')
          if (request.method === 'PUT') await connection.rest({ method: 'DELETE', path, what: 'late removal' }, asked)
          return reply
        },
      }
      const pattern = `{catalog}.{schema}.${table.split('.')[2]?.replace('gl_entry', '{entity}')}`
      const again = f.target(late, 'gl_entry', { mode: 'append', pattern })
      await again.write(batch, context)
      assert.equal((await rowsOf(table)).length, 1)
      await assert.rejects(again.write(batchOf('b2', [entry('2', { read: 4 })]), context), /42K03/)
    })

    it('tells what became of a batch: delivered, absent, and it finishes one whose file is there', async () => {
      const { target, table } = fresh({ mode: 'append' })
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

    it('a batch that was loaded before its process died, and whose rows somebody took away, is absent: COPY would leave it out', async () => {
      const { target, table } = fresh({ mode: 'append' })
      await target.prepare(journal, context)
      f.sandbox.deny('MODIFY', table)
      await assert.rejects(target.write(batchOf('b1', [entry('1', { read: 4 })]), context), /MODIFY/)
      f.sandbox.allow()
      const [catalog = '', schema = '', name = ''] = table.split('.')
      const sql = copyInto({ catalog, schema, table: name }, volumeOf('main.finance.staging'), fileName('b1', table, 0))
      await connection.run({ sql, what: 'COPY', kind: 'write' }, context)
      assert.equal((await rowsOf(table)).length, 1)
      await f.rows(`DELETE FROM ${table}`)
      assert.equal(await target.resolve?.('b1', journal, context, 1), 'absent')
      assert.deepEqual(await rowsOf(table), [])
    })
  })

  it('works in sessions whose dates, times and casts do not depend on what the workspace has set', async () => {
    await f.target(connection, 'gl_sessions').prepare({ ...journal, entity: 'gl_sessions' }, context)
    const sessions = f.sandbox.sessions()
    assert.ok(sessions.length > 0)
    for (const { ANSI_MODE, LEGACY_TIME_PARSER_POLICY, TIMEZONE } of sessions)
      assert.deepEqual([ANSI_MODE, LEGACY_TIME_PARSER_POLICY, TIMEZONE], ['true', 'CORRECTED', 'UTC'])
  })

  describe('a column whose name Delta takes only with column mapping', () => {
    const named = (schema: Schema): Schema => ({
      ...schema,
      columns: [...schema.columns, { name: 'net (EUR)', type: 'decimal(18,2)' }],
    })

    it('is added to a table that Tieout made', async () => {
      const schema = { ...journal, entity: 'gl_named' }
      const target = f.target(connection, 'gl_named')
      await target.prepare(schema, context)
      await target.write({ ...batchOf('1', [entry('1', { read: 1, lines: two })]), schema }, context)
      const { notices } = await target.prepare(named(schema), context)
      assert.deepEqual(notices, ['Added to main.finance.gl_named: net (EUR).'])
      const record = { ...entry('2', { read: 2, lines: two }), 'net (EUR)': '12.50' }
      await target.write({ ...batchOf('2', [record]), schema: named(schema) }, context)
      const rows = await f.rows('SELECT number, `net (EUR)` FROM main.finance.gl_named ORDER BY number')
      assert.deepEqual(JSON.stringify(rows), '[["1",null],["2","12.50"]]')
      // the next one finds it mapped
      const more = { ...named(schema), columns: [...named(schema).columns, { name: 'a b', type: 'string' as const }] }
      assert.deepEqual((await target.prepare(more, context)).notices, ['Added to main.finance.gl_named: a b.'])
    })

    it('is refused for a table of others, with the statement for its owner', async () => {
      const schema = { ...journal, entity: 'gl_foreign' }
      const columns = schema.columns.map(({ name, type }) => `\`${name}\` ${sqlType(type, 'string')}`)
      await f.rows(`CREATE TABLE main.finance.gl_foreign (${columns.join(', ')})`)
      await assert.rejects(f.target(connection, 'gl_foreign').prepare(named(schema), context), (error: SyncError) => {
        assert.equal(error.code, 'databricks.column-name')
        assert.match(error.message, /"net \(EUR\)" cannot be added to main.finance.gl_foreign/)
        assert.match(error.cause.hint ?? '', /SET TBLPROPERTIES \('delta.columnMapping.mode' = 'name'\)/)
        return true
      })
    })
  })
})
