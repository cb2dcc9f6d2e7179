import { newName, type SnowflakeFixture } from './snowflake-driver.ts'

/** Tables to write in; after each test the sandbox of `db` is again as it was started. */
export function sessionTables(db: () => SnowflakeFixture) {
  afterEach(() => {
    db().sandbox.setFaults()
    db().sandbox.allow()
    db().sandbox.tune({ directMs: 1000, pendingEvery: 0, sessionSeconds: 3600, tokenSeconds: 600 })
  })

  async function newTable(columns = 'A NUMBER'): Promise<string> {
    const table = newName('T')
    await db().sql(`CREATE TABLE ${table} (${columns})`)
    return table
  }

  const count = async (table: string) => (await db().sandbox.query(`SELECT COUNT(*) FROM ${table}`)).rows[0]?.[0]

  return { newTable, count }
}
