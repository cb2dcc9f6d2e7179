import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { COLLATE } from '../../../nodes/databricks/client/collation.ts'
import { fileName, volumeOf } from '../../../nodes/databricks/client/files.ts'
import { headerMerge, listMerge, rejectedQuery } from '../../../nodes/databricks/client/merge.ts'
import { holds, literal, quote, quoteTable, tableName } from '../../../nodes/databricks/client/sql.ts'
import { addColumns, clusterOf, createTable } from '../../../nodes/databricks/client/tables.ts'
import { copyInto } from '../../../nodes/databricks/client/versions.ts'
import type { Column } from '../../../sync/contract/message.ts'
import type { WantedTable } from '../../../vendor/warehouse/dialect.ts'

const hostile = 'a`; DROP TABLE x; --\'"\\'

/** The text without what stands in backticks or in string literals: nothing hostile may be left. */
const bare = (sql: string): string => sql.replace(/`(?:[^`]|``)*`|'(?:[^'\\]|\\.)*'/gs, '')

describe('databricks sql', () => {
  it('keeps hostile names inside their quotes', () => {
    assert.equal(quote('a`b'), '`a``b`')
    assert.equal(literal("it's\\\n"), "'it\\'s\\\\\\n'")
    const columns: Column[] = [
      { name: 'source', type: 'string' },
      { name: hostile, type: 'decimal(28,8)', description: hostile },
    ]
    const table: WantedTable = {
      kind: 'header',
      name: { catalog: hostile, schema: hostile, table: hostile },
      comment: hostile,
      columns,
      key: ['source', hostile],
    }
    const merge = { table: quoteTable(table.name), key: table.key, columns }
    const staged = 'SELECT n FROM staged_rows'
    for (const sql of [
      createTable(table, 'string', COLLATE),
      addColumns(table.name, columns, 'string', COLLATE),
      headerMerge(merge, staged, 'string'),
      listMerge(merge, merge, staged, 'string'),
      rejectedQuery(merge, staged, 'string'),
      copyInto(table.name, { path: `/Volumes/${hostile}` }, hostile),
    ]) {
      assert.doesNotMatch(bare(sql), /DROP|--|;|\\|"/, sql)
    }
  })

  it('puts the names into the parts of the pattern, so that a dot in a name makes no new part', () => {
    const names = { catalog: 'Main', schema: 'Finance', entity: 'gl_entry' }
    assert.deepEqual(tableName('{catalog}.{schema}.x3_{entity}', names), {
      catalog: 'main',
      schema: 'finance',
      table: 'x3_gl_entry',
    })
    assert.equal(tableName('{catalog}.{schema}.{entity}', { ...names, entity: 'a.b' }).table, 'a.b')
    assert.throws(() => tableName('{schema}.{entity}', names), /must give catalog, schema and table/)
    assert.throws(() => tableName('{catalog}.{schema}.{entity}', { ...names, catalog: '' }), /must give catalog/)
  })

  it('takes a column that holds every value and refuses a narrower one', () => {
    const wider: [string, Column['type']][] = [
      ['decimal(28,8)', 'decimal(28,8)'],
      ['decimal(38,10)', 'decimal(28,8)'],
      ['STRING', 'decimal(28,8)'],
      ['bigint', 'integer'],
      ['decimal(20,0)', 'integer'],
      ['timestamp', 'date'],
      ['variant', 'json'],
    ]
    const narrower: [string, Column['type']][] = [
      ['decimal(18,2)', 'decimal(28,8)'],
      ['decimal(38,20)', 'decimal(28,8)'],
      ['double', 'decimal(28,8)'],
      ['int', 'integer'],
      ['varchar(10)', 'string'],
      ['date', 'timestamp'],
      ['timestamp_ntz', 'timestamp'],
      ['boolean', 'string'],
    ]
    for (const [found, type] of wider) assert.equal(holds(found, type), true, `${found} for ${type}`)
    for (const [found, type] of narrower) assert.equal(holds(found, type), false, `${found} for ${type}`)
  })

  it('clusters a GL fact by account and date, everything else by at most four columns of its key', () => {
    const columns: Column[] = ['source', 'account', 'accounting_date'].map((name) => ({ name, type: 'string' }))
    assert.deepEqual(clusterOf({ kind: 'list', columns, key: ['source'] }), ['account', 'accounting_date'])
    assert.deepEqual(clusterOf({ kind: 'header', columns, key: ['source'] }), ['source'])
    assert.deepEqual(clusterOf({ kind: 'list', columns: [], key: ['a', 'b', 'c', 'd', 'e'] }), ['a', 'b', 'c', 'd'])
  })

  it('names a staged file always alike and unlike any other, and never so that the loader skips it', () => {
    assert.equal(fileName('run-1/7', 'main.f.gl_entry', 0), fileName('run-1/7', 'main.f.gl_entry', 0))
    const names = new Set(
      ['a/b', 'a-b', 'a.b'].flatMap((batch) =>
        ['t', 'u'].flatMap((table) => [0, 1].map((n) => fileName(batch, table, n))),
      ),
    )
    assert.equal(names.size, 12)
    assert.match(fileName('_../..', '.', 0), /^tieout-[A-Za-z0-9-]+\.json\.gz$/)
  })

  it('takes a volume by name or path and refuses what could leave it', () => {
    assert.equal(volumeOf('main.finance.stage').path, '/Volumes/main/finance/stage')
    assert.equal(volumeOf('/Volumes/main/finance/stage/tieout/').path, '/Volumes/main/finance/stage/tieout')
    for (const wrong of ['main.finance', '/Volumes/a/b', '/Volumes/a/b/../c', '/Volumes/a/b/*', "a.b.c'd"]) {
      assert.throws(() => volumeOf(wrong), /staging volume/, wrong)
    }
  })
})
