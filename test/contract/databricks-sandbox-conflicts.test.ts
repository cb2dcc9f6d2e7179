import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type DriverFixture, describeFailure, startDriver } from '../support/databricks-driver.ts'

/** Enough keys for a MERGE that is still at work when the next statements have come and gone. */
const MANY = 300_000
const NEW = MANY + 1

describe('Databricks sandbox: statements of one table that overlap', () => {
  let db: DriverFixture
  let table: string
  before(async () => {
    db = await startDriver()
    await db.sql('CREATE TABLE main.finance.digits (d BIGINT)')
    await db.sql(
      `INSERT INTO main.finance.digits VALUES ${Array.from({ length: 10 }, (_, digit) => `(${digit})`).join(', ')}`,
    )
    await db.sql('CREATE TABLE main.finance.numbers (id BIGINT)')
    await db.sql(`INSERT INTO main.finance.numbers SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d
      FROM digits AS a CROSS JOIN digits AS b CROSS JOIN digits AS c CROSS JOIN digits AS e CROSS JOIN digits AS f CROSS JOIN digits AS g WHERE g.d < 3`)
  })
  beforeEach(async () => {
    db.sandbox.tune({ directMs: 1000 })
    table = await newTable()
  })
  after(() => db.close())

  async function newTable(): Promise<string> {
    const name = `main.finance.t_${randomUUID().replaceAll('-', '')}`
    await db.sql(`CREATE TABLE ${name} (id BIGINT NOT NULL, note STRING)`)
    await db.sql(`INSERT INTO ${name} VALUES (1, 'first')`)
    return name
  }

  function mergeOf(keys: string, note: string, into = table): string {
    return `MERGE INTO ${into} AS t USING (SELECT id, '${note}' AS note FROM ${keys}) AS s ON t.id = s.id
      WHEN MATCHED THEN UPDATE SET t.note = s.note WHEN NOT MATCHED THEN INSERT *`
  }

  /** Starts a MERGE of all keys, which the server says is running. */
  async function startSlow(session = db.session, into = table) {
    db.sandbox.tune({ directMs: 0 })
    const operation = await session.executeStatement(mergeOf('main.finance.numbers', 'slow', into))
    db.sandbox.tune({ directMs: 1000 })
    return operation
  }

  const rows = async (where = 'true') =>
    Number((await db.sandbox.query(`SELECT count(*) FROM ${table} WHERE ${where}`)).rows[0]?.[0])

  const changes: [what: string, sql: () => string][] = [
    ['a MERGE that added a key', () => mergeOf(`(SELECT ${NEW} AS id)`, 'quick')],
    ['an UPDATE', () => `UPDATE ${table} SET note = 'quick' WHERE id = 1`],
    ['a DELETE', () => `DELETE FROM ${table} WHERE id = 1`],
    ['an INSERT that read the table', () => `INSERT INTO ${table} SELECT ${NEW}, 'quick' FROM ${table} WHERE id = 1`],
  ]
  for (const [what, sql] of changes) {
    it(`a MERGE that overlapped ${what} fails with 2D521 and writes nothing, and passes when it is sent again`, async () => {
      const slow = await startSlow()
      await db.sql(sql())
      await assert.rejects(slow.finished(), (error) => {
        const { sqlState, message } = describeFailure(error)
        assert.equal(sqlState, '2D521')
        assert.match(message, /^\[DELTA_CONCURRENT_APPEND\b.*SQLSTATE: 2D521$/)
        return true
      })
      assert.equal(await rows(`note = 'slow'`), 0)
      await (await startSlow()).finished()
      assert.equal(await rows(`note = 'slow'`), MANY)
      const [twice] = (await db.sandbox.query(`SELECT count(*) - count(DISTINCT id) FROM ${table}`)).rows[0] ?? []
      assert.equal(Number(twice), 0)
    })
  }

  it('a key that two MERGEs insert at the same moment is in the table once', async () => {
    await db.sql(`DELETE FROM ${table}`)
    const both = await Promise.allSettled([1, 2].map((note) => db.sql(mergeOf('main.finance.numbers', `n${note}`))))
    const states = both.map((end) => (end.status === 'fulfilled' ? 'done' : describeFailure(end.reason).sqlState))
    assert.deepEqual(states.sort(), ['2D521', 'done'])
    assert.equal(await rows(), MANY)
  })

  it('a MERGE that touches no row conflicts with nobody, and nobody with it', async () => {
    const slow = await startSlow()
    const none = `MERGE INTO ${table} AS t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED AND t.note = 'absent' THEN DELETE`
    assert.equal((await db.sql(none))[0]?.num_affected_rows, 0n)
    await slow.finished()
    assert.equal(await rows(), MANY)
  })

  it('appended rows conflict with nothing', async () => {
    const slow = await startSlow()
    await Promise.all([NEW, NEW + 1].map((id) => db.sql(`INSERT INTO ${table} VALUES (${id}, 'appended')`)))
    await slow.finished()
    assert.deepEqual([await rows(`note = 'slow'`), await rows(`note = 'appended'`)], [MANY, 2])
  })

  it('changes of other tables go on beside it', async () => {
    const other = await newTable()
    const slow = await Promise.all([startSlow(), startSlow(db.session, other)])
    await Promise.all(slow.map((operation) => operation.finished()))
    assert.equal(await rows(), MANY)
  })

  describe('that are stopped', () => {
    const statements: [kind: string, sql: () => string][] = [
      ['merge', () => mergeOf('main.finance.numbers', 'slow')],
      ['insert', () => `INSERT INTO ${table} SELECT id, 'slow' FROM main.finance.numbers`],
      ['change', () => `UPDATE ${table} SET note = 'slow' WHERE id = (SELECT min(id) FROM main.finance.numbers)`],
    ]
    const stopped = () => Boolean(db.sandbox.log().at(-1)?.error)

    for (const [kind, sql] of statements) {
      it(`CloseSession stops a statement (${kind}) of which the client never heard, and rolls it back`, async () => {
        const session = await db.client.openSession({ initialCatalog: 'main', initialSchema: 'finance' })
        db.sandbox.tune({ directMs: 0 })
        db.sandbox.faults().force(`execute:${kind}`, 'reset-after')
        await assert.rejects(session.executeStatement(sql()))
        await session.close()
        assert.ok(stopped(), 'it still runs after its session was closed')
        assert.equal(await rows(`note = 'slow'`), 0)
        db.sandbox.tune({ directMs: 1000 })
        await db.sql(sql())
        assert.ok((await rows(`note = 'slow'`)) > 0)
      })

      it(`CloseOperation and a cancel stop a statement (${kind}) and roll it back`, async () => {
        db.sandbox.tune({ directMs: 0 })
        await (await db.session.executeStatement(sql())).close()
        assert.ok(stopped(), 'it still runs after it was closed')
        const operation = await db.session.executeStatement(sql())
        await operation.cancel()
        assert.ok(stopped(), 'it still runs after it was cancelled')
        await assert.rejects(operation.finished(), /cancel/i)
        assert.equal(await rows(`note = 'slow'`), 0)
      })
    }
  })
})
