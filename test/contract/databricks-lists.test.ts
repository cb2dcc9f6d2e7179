import assert from 'node:assert/strict'
import { readList } from '../../nodes/databricks/client/lists.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { type DriverFixture, startDriver } from '../support/databricks-driver.ts'

describe('Databricks: what the dialogs offer', () => {
  describe('the workspace answers', () => {
    let db: DriverFixture
    before(async () => {
      db = await startDriver({ warehousePath: '/sql/1.0/warehouses/0a1b' })
    })
    after(() => db.close())

    const get = async (path: string, token?: string) => {
      const { status, body } = await db.http(path, token === undefined ? {} : { token })
      return { status, body: JSON.parse(body.toString()) }
    }

    it('with its warehouses, whose path is the one that the driver is told, and with one by its id', async () => {
      const { status, body } = await get('/api/2.0/sql/warehouses')
      assert.equal(status, 200)
      const [warehouse] = body.warehouses
      assert.equal(warehouse.id, '0a1b')
      assert.equal(warehouse.state, 'RUNNING')
      assert.deepEqual(warehouse.odbc_params, {
        hostname: 'localhost',
        path: db.sandbox.path,
        port: db.sandbox.port,
        protocol: 'https',
      })
      assert.deepEqual(await get('/api/2.0/sql/warehouses/0a1b'), { status: 200, body: warehouse })
    })

    it('with 404 to an id there is not, and with 403 to a stranger', async () => {
      const { status, body } = await get('/api/2.0/sql/warehouses/absent')
      assert.deepEqual([status, body.error_code], [404, 'RESOURCE_DOES_NOT_EXIST'])
      assert.equal((await get('/api/2.0/sql/warehouses', 'wrong')).status, 403)
    })
  })

  describe('the pick lists', () => {
    let f: DatabricksFixture
    before(async () => {
      f = await startDatabricksFixture({ schemas: ['finance', 'bronze'] })
    })
    after(() => f.close())

    const list = (name: Parameters<typeof readList>[1], query = {}) =>
      readList(f.connect(), name, query, new AbortController().signal)

    it('offer the warehouses by name and state, with the HTTP path as the value, and ask no warehouse', async () => {
      const { path } = f.sandbox
      assert.deepEqual(await list('warehouses'), [{ value: path, label: 'Sandbox', note: 'running' }])
      assert.equal(f.sandbox.stats().statements, 0)
    })

    it('offer catalogs, schemas, volumes, and the columns of a table as it is', async () => {
      await f.rows('CREATE TABLE main.finance.gl_entry (number STRING, amount DECIMAL(28,13))')
      assert.deepEqual(await list('catalogs'), [{ value: 'main' }])
      assert.deepEqual(await list('schemas', { catalog: 'main' }), [
        { value: 'bronze' },
        { value: 'default' },
        { value: 'finance' },
      ])
      assert.deepEqual(await list('volumes', { catalog: 'main', schema: 'finance' }), [
        { value: 'main.finance.staging', label: 'staging' },
      ])
      const asked = { catalog: 'main', schema: 'finance', pattern: '{catalog}.{schema}.{entity}', entity: 'gl_entry' }
      assert.deepEqual(await list('columns', asked), [
        { value: 'number', note: 'string' },
        { value: 'amount', note: 'decimal(28,13)' },
      ])
    })
  })
})
