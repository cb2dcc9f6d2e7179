import assert from 'node:assert/strict'
import { Dialect, parse } from '@polyglot-sql/sdk'
import { describe, it } from 'mocha'
import { TEXT } from '../../../nodes/snowflake/client/dialect.ts'
import {
  headerMerge,
  listMerge,
  type MergeTable,
  rangeColumns,
  rejectedQuery,
  vanishedQuery,
} from '../../../nodes/snowflake/client/merge.ts'
import {
  foundType,
  holds,
  literal,
  plainTable,
  quoteTable,
  splitName,
  stored,
  tableName,
} from '../../../nodes/snowflake/client/sql.ts'
import {
  batchPath,
  copyFile,
  createStaging,
  insertStaged,
  stagePath,
  stagingName,
} from '../../../nodes/snowflake/client/stage.ts'
import { addColumns, createTable, newName } from '../../../nodes/snowflake/client/tables.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import type { ColumnType, TableSchema } from '../../../sync/contract/message.ts'
import type { FoundColumn } from '../../../vendor/warehouse/dialect.ts'
import { markMerge } from '../../../vendor/warehouse/marks.ts'
import { totalsQuery } from '../../../vendor/warehouse/stored-totals.ts'
import { findColumn, wantedMarks } from '../../../vendor/warehouse/tables.ts'
import { HEADER_COLUMNS, LIST_COLUMNS } from '../../../vendor/warehouse/technical-columns.ts'
import { journal } from '../../support/warehouse.ts'

const column = (name: string, declared: string, nullable = true): FoundColumn => ({
  name,
  declared,
  type: foundType(declared),
  nullable,
  comment: '',
})
const types: Readonly<Record<string, string>> = {
  string: 'VARCHAR(16777216)',
  integer: 'NUMBER(38,0)',
  date: 'DATE',
  timestamp: 'TIMESTAMP_NTZ(9)',
  'decimal(28,8)': 'NUMBER(28,8)',
}
/** A table with the columns of a schema, as Tieout makes it, some of them otherwise. */
function table(schema: TableSchema, tag: string, other: readonly FoundColumn[] = []): MergeTable {
  const own = tag === '0' ? HEADER_COLUMNS : LIST_COLUMNS
  const columns = [...schema.columns, ...own].map(({ name, type }) =>
    column(name.toUpperCase(), types[type] ?? 'VARCHAR'),
  )
  const name = { catalog: 'FINANCE', schema: 'ERP', table: schema.entity.toUpperCase() }
  const kept = columns.filter(({ name: one }) => !other.some((o) => o.name.toLowerCase() === one.toLowerCase()))
  return { name, key: schema.key, columns: schema.columns, find: findColumn(newName, [...kept, ...other]), tag }
}
const lines = journal.lists?.lines as TableSchema

describe('snowflake sql', () => {
  it('keeps hostile names and texts inside their quotes', () => {
    const name = { catalog: 'a"b', schema: 'x.y', table: "t'; DROP TABLE z; --" }
    assert.equal(quoteTable(name), `"a""b"."x.y"."t'; DROP TABLE z; --"`)
    assert.equal(literal("it's \\ here\n"), "'it''s \\\\ here '")
  })

  it('stores names as Snowflake does: upper case, or exactly what stands in quotes', () => {
    assert.equal(stored('finance'), 'FINANCE')
    assert.equal(stored('"My ""own"""'), 'My "own"')
    const names = { database: 'finance', schema: '"Erp.x"', entity: 'gl_entry' }
    assert.deepEqual(tableName('{database}.{schema}.{entity}', names), {
      catalog: 'FINANCE',
      schema: 'Erp.x',
      table: 'GL_ENTRY',
    })
    assert.deepEqual(tableName('{database}.AP."x3_{entity}"', names).table, 'x3_gl_entry')
    assert.equal(plainTable(tableName('{database}.{schema}.{entity}', names)), 'FINANCE."Erp.x".GL_ENTRY')
    for (const pattern of ['{entity}', 'a..{entity}', 'a.b."c', 'a.b.c.d'])
      assert.throws(() => tableName(pattern, names), /must give database, schema and table/)
    assert.deepEqual(splitName('a."b.c".d'), ['a', '"b.c"', 'd'])
  })

  it('takes a column that holds every value and refuses a narrower one; the length of a text is a matter of its record', () => {
    const cases: readonly (readonly [string, ColumnType, boolean])[] = [
      ['NUMBER(28,8)', 'decimal(28,8)', true],
      ['NUMBER(38,10)', 'decimal(28,8)', true],
      ['NUMBER(18,2)', 'decimal(28,8)', false],
      ['NUMBER(38,0)', 'decimal(28,8)', false],
      ['FLOAT', 'decimal(28,8)', false],
      ['NUMBER(38,0)', 'integer', true],
      ['NUMBER(10,0)', 'integer', false],
      ['VARCHAR(100)', 'string', true],
      ["VARCHAR(100) COLLATE 'en-ci'", 'string', true],
      ['NUMBER(38,0)', 'string', false],
      ['VARCHAR(10)', 'decimal(28,8)', false],
      ['VARCHAR(16777216)', 'json', true],
      ['VARIANT', 'json', true],
      ['OBJECT', 'json', false],
      ['TIMESTAMP_TZ(9)', 'timestamp', true],
      ['DATE', 'timestamp', false],
      ['DATE', 'date', true],
      ['BOOLEAN', 'boolean', true],
      ['VARCHAR(16777216)', 'boolean', true],
    ]
    for (const [found, type, fits] of cases) assert.equal(holds(foundType(found), type), fits, `${found} ${type}`)
  })

  it('finds a column by its upper-case name, then exactly, then alone in another case', () => {
    const find = findColumn(newName, [
      column('Amount', 'NUMBER(28,8)'),
      column('order', 'VARCHAR'),
      column('ORDER', 'VARCHAR'),
    ])
    assert.equal(find('amount')?.name, 'Amount')
    assert.equal(find('order')?.name, 'ORDER')
    assert.equal(find('none'), undefined)
    assert.equal(findColumn(newName, [column('Ab', 'DATE'), column('aB', 'DATE')])('ab'), undefined)
  })

  it('names ranges only of what is a text in every table', () => {
    const plain = [table(journal, '0'), table(lines, '1')]
    assert.deepEqual(rangeColumns(plain), ['source', 'number'])
    const numbered = table(lines, '1', [column('NUMBER', 'NUMBER(38,0)')])
    assert.deepEqual(rangeColumns([table(journal, '0'), numbered]), ['source'])
  })

  it('knows what a text column compares by, and that utf8 and bin are the bytes', () => {
    const declared = ['VARCHAR(40)', "VARCHAR(40) COLLATE 'en-ci'", "VARCHAR COLLATE 'UTF8'", "VARCHAR COLLATE 'bin'"]
    assert.deepEqual(
      declared.map((text) => foundType(text).collation),
      ['', 'en-ci', '', ''],
    )
  })

  it('asks each table for texts without a collation, also for columns that are added and for staged rows', () => {
    const wanted = wantedMarks(TEXT, { catalog: 'FINANCE', schema: 'ERP', table: 'GL_ENTRY' })
    const staging = { name: stagingName(wanted.name), fields: ['t', 'n', 'c0'] }
    for (const text of [createTable(wanted), ...addColumns(wanted.name, wanted.columns), createStaging(staging)])
      assert.doesNotMatch(text, /VARCHAR(?! COLLATE '')/, text)
  })

  it('takes a stage by name and refuses what could leave it', () => {
    assert.equal(stagePath('@~'), '@~/tieout')
    assert.equal(stagePath('finance.erp."Load"/x3'), '@"FINANCE"."ERP"."Load"/x3')
    assert.equal(batchPath('@~/tieout', '../../etc;x-1'), '@~/tieout/-etc-x-1')
    for (const name of ["@~/a'b", 'a.b.c.d', '~/../x', 'a..b'])
      assert.throws(
        () => stagePath(name),
        (error: SyncError) => error.cause.field === 'stage',
      )
  })

  it('writes statements that another reader of Snowflake SQL understands, whatever the columns are called', async () => {
    const odd = [
      column('status"; --', 'VARCHAR'),
      column('accounting_date', 'DATE'),
      column('NUMBER', 'VARCHAR(40)', false),
    ]
    const hostile: TableSchema = {
      ...journal,
      columns: [...journal.columns.filter(({ name }) => name !== 'status'), { name: 'status"; --', type: 'string' }],
    }
    const header = table(hostile, '0', odd)
    const list = table(lines, '1')
    const staging = { name: stagingName(header.name), fields: ['t', 'n', 'x', 'r', 'h', 's', 'c0', 'c1'] }
    const name = { catalog: 'FINANCE', schema: 'ERP', table: 'GL_ENTRY' }
    const wanted = wantedMarks(TEXT, name)
    const ranged = rangeColumns([header, list])
    const question = { run: 'r', schema: journal, list: 'lines', amounts: ['amount'], by: ['company'] }
    const texts = [
      headerMerge(header, staging.name, ranged),
      listMerge(list, header, staging.name, ranged),
      rejectedQuery(header, staging.name),
      vanishedQuery(list, header, staging.name),
      totalsQuery(TEXT, [{ table: list, question }]),
      totalsQuery(TEXT, [
        { table: header, question: { ...question, list: '', amounts: [], by: [] } },
        { table: list, question },
      ]),
      markMerge(TEXT, name, 1),
      markMerge(TEXT, name, 3),
      createTable(wanted),
      ...addColumns(name, wanted.columns),
      createStaging(staging),
      insertStaged(staging),
      copyFile(staging.name, '@~/tieout/x', true),
    ]
    for (const text of texts) {
      const parsed = parse(text, Dialect.Snowflake)
      assert.ok(parsed.success, `${parsed.error}\n${text}`)
    }
    assert.equal(parse('MERGE INTO a USING b ON a.x = b.x WHEN MATCHED DELETE', Dialect.Snowflake).success, false)
    const [merge = ''] = texts
    assert.match(merge, /t\."status""; --" = s\."c3"/)
    assert.match(merge, /t\."accounting_date" = s\."c2"/)
  })
})
