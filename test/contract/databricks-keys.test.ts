import { createDialect } from '../../nodes/databricks/client/dialect.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
import { keysSuite } from '../support/keys-suite.ts'

describe('the keys that a Databricks table holds, for a new ledger', () => {
  let f: DatabricksFixture
  before(async () => {
    f = await startDatabricksFixture()
  })
  after(() => f.close())

  const bench = (entity: string, suffix: string, options?: Parameters<DatabricksFixture['target']>[2]) => {
    const connection = f.connect()
    const table = { catalog: 'main', schema: 'finance', table: `${entity}${suffix}` }
    return { target: f.target(connection, entity, options), dialect: createDialect(connection, 'string'), table }
  }
  keysSuite(() => ({
    merge: (entity) => bench(entity, ''),
    append: (entity) => bench(entity, '_versions', { mode: 'append', pattern: '{catalog}.{schema}.{entity}_versions' }),
  }))
})
