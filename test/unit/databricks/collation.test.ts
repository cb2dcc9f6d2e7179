import assert from 'node:assert/strict'
import type { Connection } from '../../../nodes/databricks/client/connection.ts'
import { createDialect } from '../../../nodes/databricks/client/dialect.ts'
import type { ResultRow } from '../../../nodes/databricks/client/sessions.ts'
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { WantedTable } from '../../../vendor/warehouse/dialect.ts'
import { createShaper } from '../../../vendor/warehouse/shape.ts'
import { writeContext } from '../../support/warehouse.ts'

const context = writeContext()
const wanted: WantedTable = {
  kind: 'header',
  name: { catalog: 'main', schema: 'finance', table: 'supplier' },
  comment: '',
  columns: [
    { name: 'code', type: 'string' },
    { name: 'title', type: 'string' },
    { name: 'extra', type: 'json' },
    { name: 'balance', type: 'decimal(28,8)' },
  ],
  key: ['code'],
}
const types = { code: 'string', title: 'string', extra: 'string', balance: 'decimal(28,8)' }

/** A warehouse that has these columns once it was asked to make something, and fails as it is told. */
function fake({ refuses = '', before = {}, after = types as Readonly<Record<string, string>> }) {
  const made: string[] = []
  let columns: Readonly<Record<string, string>> = before
  const run: Connection['run'] = async ({ sql, kind }): Promise<readonly ResultRow[]> => {
    if (kind === 'read')
      return Object.entries(columns).map(([name, type]) => ({
        table_name: 'supplier',
        column_name: name,
        data_type: type,
      }))
    made.push(sql)
    if (refuses !== '' && sql.includes('COLLATE')) throw syncError('config', refuses, 'refused')
    columns = after
    return []
  }
  const shape = createShaper(createDialect({ run } as Connection, 'string'))
  return { made, shape: async () => (await shape([wanted], context))[0] }
}

describe('databricks: texts compare by bytes', () => {
  it('says so for every text column of a table that is made, and of one that is extended', async () => {
    const created = fake({})
    await created.shape()
    const [sql = ''] = created.made
    for (const column of ['code', 'title', 'extra'])
      assert.match(sql, new RegExp(`\`${column}\` STRING COLLATE UTF8_BINARY`))
    assert.match(sql, /`balance` DECIMAL\(28,8\)[,)]/)
    const extended = fake({ before: { code: 'string', extra: 'string', balance: 'decimal(28,8)' } })
    await extended.shape()
    assert.match(extended.made.join(), /ADD COLUMNS \(`title` STRING COLLATE UTF8_BINARY\)/)
  })

  for (const code of ['databricks.42601', 'databricks.0A000', 'databricks.0AKDC'])
    it(`goes without where the warehouse does not take the clause (${code}), and remembers it`, async () => {
      const { made, shape } = fake({ refuses: code, after: {} })
      assert.deepEqual((await shape())?.notices, ['Created main.finance.supplier.'])
      assert.deepEqual(
        made.map((sql) => sql.includes('COLLATE')),
        [true, false],
      )
      await shape()
      assert.deepEqual(
        made.map((sql) => sql.includes('COLLATE')),
        [true, false, false],
      )
    })

  it('gives any other failure on, and tries with the clause the next time', async () => {
    const { made, shape } = fake({ refuses: 'databricks.42501' })
    for (const _ of [1, 2]) await assert.rejects(shape(), (error: SyncError) => error.code === 'databricks.42501')
    assert.deepEqual(
      made.map((sql) => sql.includes('COLLATE')),
      [true, true],
    )
  })

  it('reads back what was made: a key that has another collation all the same is refused', async () => {
    const lcase = { ...types, code: 'string collate UTF8_LCASE' }
    for (const before of [{}, { title: 'string', extra: 'string', balance: 'decimal(28,8)' }]) {
      const { shape } = fake({ refuses: 'databricks.0A000', before, after: lcase })
      await assert.rejects(shape(), (error: SyncError) => error.code === 'databricks.collation')
    }
  })

  it('takes UTF8_BINARY for what it is, however it is written', async () => {
    for (const type of ['string collate utf8_binary', 'STRING COLLATE SYSTEM.BUILTIN.UTF8_BINARY']) {
      const { made, shape } = fake({ before: { ...types, code: type, title: type } })
      assert.deepEqual((await shape())?.notices, [])
      assert.deepEqual(made, [])
    }
  })
})
