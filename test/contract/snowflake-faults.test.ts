import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { batchPath, copyFile, stagePath } from '../../nodes/snowflake/client/stage.ts'
import type { FaultKind } from '../../sandbox/faults.ts'
import { SNOWFLAKE_SITES } from '../../sandbox/snowflake/server.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import { startSnowflakeFixture } from '../support/snowflake.ts'
import { faultySnowflake, is, plan, written } from '../support/snowflake-faults.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

describe('snowflake faults, against the sandbox with the vendor driver', () => {
  const here = faultySnowflake()
  const { writeOne, stored } = here

  it('passes what may go wrong with each request, and stores nothing twice', async function () {
    this.timeout(120_000)
    here.f = await startSnowflakeFixture()
    const merge = [
      'login',
      'execute:merge',
      'execute:copy',
      'execute:transaction',
      'execute:put',
      'execute:ddl',
      'storage-put',
    ]
    const kinds: readonly FaultKind[] = [
      'unavailable',
      'reset-after',
      'session-lost',
      'token-expired',
      'lock-timeout',
      'broken-body',
      'throttled',
    ]
    // a sandbox for each kind of request, because most of the time is spent waiting in the driver
    const played = await Promise.all(
      merge.flatMap((site) =>
        kinds.filter((kind) => SNOWFLAKE_SITES[site]?.kinds.includes(kind)).map((kind) => playOne(site, kind)),
      ),
    )
    assert.ok(played.length > 25, `${played.length} faults`)
  })

  async function playOne(site: string, kind: FaultKind): Promise<void> {
    const own = await startSnowflakeFixture()
    try {
      const faults = plan(own, [[site, kind]])
      const target = own.target(own.connect({ timeoutMs: 3000 }), 'gl_entry', { maxBindBytes: 0 })
      try {
        await target.prepare(journal, writeContext())
        await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), writeContext())
        await target.write(batchOf('b', [entry('1', { read: 2, lines: two })]), writeContext())
      } catch (error) {
        assert.fail(`${site} ${kind}: ${(error as Error).message}`)
      }
      assert.deepEqual(faults.met(), { [`${site}/${kind}`]: 1 })
      const table = `${own.sandbox.database}.${own.sandbox.schema}.GL_ENTRY_LINE`
      const rows = await own.rows(`SELECT CAST(SUM(AMOUNT) AS VARCHAR), COUNT(*) FROM ${table}`)
      assert.deepEqual(rows, written, `${site} ${kind}`)
    } finally {
      await own.close()
    }
  }

  it('does not double a statement whose answer was lost after it was done: it comes again under one request id', async () => {
    here.f = await startSnowflakeFixture()
    plan(here.f, [
      ['execute:merge', 'reset-after'],
      ['execute:transaction', 'reset-after'],
    ])
    assert.deepEqual((await writeOne()).rows, written)
    const merges = here.f.sandbox.log().filter(({ text }) => text.startsWith('MERGE'))
    assert.equal(new Set(merges.map(({ requestId }) => requestId)).size, 2, 'one request id for each of the two MERGEs')
    await here.f.rows(`DROP TABLE ${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`)
    plan(here.f, [['execute:copy', 'reset-after']])
    assert.deepEqual((await writeOne({}, 'append')).rows, [['append', '1']])
  })

  it('finishes an appended batch whose file is there, and does not load it twice', async () => {
    here.f = await startSnowflakeFixture()
    const context = writeContext()
    const target = here.f.target(here.f.connect(), 'gl_entry', { mode: 'append' })
    await target.prepare(journal, context)
    const table = `${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`
    here.f.sandbox.deny('INSERT', table)
    await assert.rejects(target.write(batchOf('a', [entry('1', { read: 1 })]), context), /INSERT/)
    here.f.sandbox.allow()
    assert.deepEqual(await stored('append'), [['append', '0']])
    assert.equal(await target.resolve?.('a', journal, context, 1), 'delivered')
    assert.equal(await target.resolve?.('a', journal, context, 1), 'delivered')
    assert.deepEqual(await stored('append'), [['append', '1']])
  })

  it('a batch that was loaded before its process died, and whose rows somebody took away, is absent: COPY would leave it out', async () => {
    here.f = await startSnowflakeFixture()
    const context = writeContext()
    const connection = here.f.connect()
    const target = here.f.target(connection, 'gl_entry', { mode: 'append' })
    await target.prepare(journal, context)
    const { database, schema } = here.f.sandbox
    here.f.sandbox.deny('INSERT', `${database}.${schema}.GL_ENTRY`)
    await assert.rejects(target.write(batchOf('a', [entry('1', { read: 1 })]), context), /INSERT/)
    here.f.sandbox.allow()
    const sql = copyFile({ catalog: database, schema, table: 'GL_ENTRY' }, batchPath(stagePath('@~'), 'a'), false)
    await connection.run({ sql, what: 'COPY' }, context)
    assert.deepEqual(await stored('append'), [['append', '1']])
    await here.f.rows(`DELETE FROM ${database}.${schema}.GL_ENTRY`)
    assert.equal(await target.resolve?.('a', journal, context, 1), 'absent')
    assert.deepEqual(await stored('append'), [['append', '0']])
  })

  it('replaces dead sessions: an expired token by renewal, a dead master token and a forgotten session by a new login', async () => {
    here.f = await startSnowflakeFixture()
    const context = writeContext()
    const target = here.f.target(here.f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    let read = 1
    for (const how of ['session', 'master', 'gone'] as const) {
      const logins = here.f.sandbox.stats().login ?? 0
      here.f.sandbox.expireSessions(how)
      await target.write(batchOf(how, [entry('1', { read: read++, lines: two })]), context)
      assert.equal((here.f.sandbox.stats().login ?? 0) - logins, how === 'session' ? 0 : 1, how)
      assert.deepEqual(await stored(), written)
    }
  })

  it('sends a file that went up ahead once more when the session was lost that had loaded it', async () => {
    here.f = await startSnowflakeFixture()
    const context = writeContext()
    const target = here.f.target(here.f.connect({ lockTimeoutSeconds: 1 }), 'gl_entry', { maxBindBytes: 0 })
    await target.prepare(journal, context)
    const staged = await target.stage?.(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const uploads = here.f.sandbox.stats()['storage-put'] ?? 0
    // COPY has taken the file away when the MERGE waits, and the temporary table goes with the session.
    const lock = here.f.sandbox.lock(`${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY_LINE`)
    const waiting = (): void => {
      lock.release()
      here.f.sandbox.expireSessions('gone')
    }
    await staged?.write({ ...context, waiting })
    assert.equal((here.f.sandbox.stats()['storage-put'] ?? 0) - uploads, 1)
    assert.deepEqual(await stored(), written)
  })

  it('frees the locks of a transaction whose session was lost, and does not wait until Snowflake does', async () => {
    here.f = await startSnowflakeFixture()
    const connection = here.f.connect({ lockTimeoutSeconds: 20 })
    const context = writeContext()
    const target = here.f.target(connection, 'gl_entry')
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const begun = performance.now()
    const update = `UPDATE ${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY SET STATUS = 'x'`
    await assert.rejects(
      connection.work(
        'a transaction',
        {},
        async ({ run }) => {
          await run({ sql: 'BEGIN TRANSACTION', what: 'begin' })
          await run({ sql: update, what: 'update' })
          here.f.sandbox.expireSessions('master')
          await run({ sql: update, what: 'update in a lost session' }).catch((error: unknown) => {
            throw Object.assign(new Error('given up'), { cause: error })
          })
        },
        context,
      ),
      /given up/,
    )
    await target.write(batchOf('b', [entry('1', { read: 2, lines: two, status: 'second' })]), context)
    assert.ok(performance.now() - begun < 10_000)
    const table = `${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`
    assert.deepEqual(await here.f.rows(`SELECT NUMBER, STATUS FROM ${table}`), [['1', 'second']])
  })

  it("waits for another session's lock with a sign of life, and is in when it is released", async () => {
    here.f = await startSnowflakeFixture()
    const stop = new AbortController()
    const target = here.f.target(here.f.connect({ lockTimeoutSeconds: 1 }), 'gl_entry')
    await target.prepare(journal, writeContext())
    const lock = here.f.sandbox.lock(`${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY_LINE`)
    const waits: string[] = []
    const waiting = (what: string): void => {
      waits.push(what)
      lock.release()
    }
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), { signal: stop.signal, waiting })
    assert.deepEqual(await stored(), written)
    assert.ok(waits.length > 0)
  })

  it('says who may hold a lock that does not end, and leaves nothing half written', async () => {
    here.f = await startSnowflakeFixture()
    const target = here.f.target(here.f.connect({ lockTimeoutSeconds: 1, attempts: 2 }), 'gl_entry')
    await target.prepare(journal, writeContext())
    const lock = here.f.sandbox.lock(`${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`)
    const batch = batchOf('a', [entry('1', { read: 1, lines: two })])
    await assert.rejects(
      target.write(batch, writeContext()),
      (error: SyncError) => error.cause.class === 'transient' && /lock/i.test(error.message),
    )
    assert.deepEqual(await stored(), [[null, '0']])
    lock.release()
    await target.write(batch, writeContext())
    assert.deepEqual(await stored(), written)
  })

  it('waits for a warehouse that does not run, and names one that is not there', async () => {
    here.f = await startSnowflakeFixture()
    here.f.sandbox.suspend(2)
    const { context, rows } = await writeOne()
    assert.deepEqual(rows, written)
    assert.ok(context.waits.length > 0)
    await assert.rejects(
      writeOne({ warehouse: 'NO_WH' }),
      is('config', 'snowflake.warehouse', /GRANT USAGE ON WAREHOUSE NO_WH TO ROLE/),
    )
  })

  it('names a missing right and what to grant, and holds nothing for it', async () => {
    here.f = await startSnowflakeFixture()
    const { database, schema } = here.f.sandbox
    here.f.sandbox.deny('CREATE TABLE', `${database}.${schema}`)
    await assert.rejects(writeOne(), is('config', 'snowflake.003001', /GRANT USAGE, CREATE TABLE ON SCHEMA/))
    here.f.sandbox.allow()
    await assert.rejects(writeOne({ role: 'NO_ROLE' }), is('auth', 'snowflake.390189', /GRANT ROLE/))
  })

  it('finds and holds what a table with ERROR_LOGGING leaves out without a word', async () => {
    here.f = await startSnowflakeFixture()
    const table = `${here.f.sandbox.database}.${here.f.sandbox.schema}.GL_ENTRY`
    await here.f.rows(
      `CREATE TABLE ${table} (SOURCE VARCHAR, NUMBER VARCHAR, STATUS VARCHAR(10), ACCOUNTING_DATE DATE)`,
    )
    await here.f.rows(`ALTER TABLE ${table} SET ERROR_LOGGING = TRUE`)
    const context = writeContext()
    const target = here.f.target(here.f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    const batch = batchOf('a', [entry('1', { read: 1, lines: two }), entry('2', { read: 1, status: 'x'.repeat(40) })])
    await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'data')
    assert.deepEqual(await here.f.rows(`SELECT COUNT(*) FROM ${table}`), [['0']], 'nothing of the batch was kept')
    assert.deepEqual(
      (await target.findRejected?.(batch, context))?.map(({ index }) => index),
      [1],
    )
    await target.write({ ...batch, id: 'b', records: batch.records.slice(0, 1) }, context)
    assert.deepEqual(await here.f.rows(`SELECT NUMBER FROM ${table}`), [['1']])
  })
})
