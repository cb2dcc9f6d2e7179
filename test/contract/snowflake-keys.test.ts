import { createDialect } from '../../nodes/snowflake/client/dialect.ts'
import { keysSuite } from '../support/keys-suite.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'

describe('the keys that a Snowflake table holds, for a new ledger', () => {
  let f: SnowflakeFixture
  before(async () => {
    f = await startSnowflakeFixture()
  })
  after(() => f.close())

  const bench = (entity: string, suffix: string, options?: Parameters<SnowflakeFixture['target']>[2]) => {
    const connection = f.connect()
    const table = { catalog: f.sandbox.database, schema: f.sandbox.schema, table: `${entity}${suffix}`.toUpperCase() }
    return { target: f.target(connection, entity, options), dialect: createDialect(connection), table }
  }
  keysSuite(() => ({
    merge: (entity) => bench(entity, ''),
    append: (entity) =>
      bench(entity, '_versions', { mode: 'append', pattern: '{database}.{schema}.{entity}_versions' }),
  }))
})
