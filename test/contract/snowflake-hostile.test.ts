import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import type { SnowflakeOptions } from '../../sandbox/snowflake/server.ts'
import type { SyncError } from '../../sync/contract/errors.ts'
import type { Schema } from '../../sync/contract/message.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'
import { startSnowflakeBench } from '../support/snowflake-bench.ts'
import { targetSuite } from '../support/target-suite.ts'
import { batchOf, entry, journal, two, writeContext } from '../support/warehouse.ts'

type Parameters = NonNullable<SnowflakeOptions['parameters']>

/** Everything that an administrator may set, set against whoever relies on a default; the user has his own against it too. */
const HOSTILE: Parameters = {
  account: {
    AUTOCOMMIT: 'false',
    BINARY_INPUT_FORMAT: 'BASE64',
    BINARY_OUTPUT_FORMAT: 'BASE64',
    CLIENT_SESSION_KEEP_ALIVE: 'true',
    DATE_INPUT_FORMAT: 'YYYY-DD-MM',
    DATE_OUTPUT_FORMAT: 'DD/MM/YYYY',
    DEFAULT_DDL_COLLATION: 'en-ci',
    ERROR_ON_NONDETERMINISTIC_MERGE: 'false',
    JSON_INDENT: '16',
    JS_TREAT_INTEGER_AS_BIGINT: 'true',
    LOCK_TIMEOUT: '0',
    MULTI_STATEMENT_COUNT: '2',
    ROWS_PER_RESULTSET: '1',
    STATEMENT_TIMEOUT_IN_SECONDS: '1',
    TIMESTAMP_NTZ_OUTPUT_FORMAT: 'DD/MM/YYYY HH24:MI',
    TIMEZONE: 'Pacific/Auckland',
    TRANSACTION_ABORT_ON_ERROR: 'true',
  },
  user: {
    DATE_INPUT_FORMAT: 'DD/MM/YYYY',
    QUOTED_IDENTIFIERS_IGNORE_CASE: 'true',
    TIMESTAMP_INPUT_FORMAT: 'DD/MM/YYYY HH24:MI:SS',
    TIMESTAMP_TYPE_MAPPING: 'TIMESTAMP_LTZ',
    TIME_INPUT_FORMAT: 'HH12:MI AM',
  },
}

targetSuite('snowflake, an account that is set against us', () => startSnowflakeBench({ parameters: HOSTILE }))

describe('snowflake, the parameters of account and user', () => {
  const context = writeContext()
  let f: SnowflakeFixture
  afterEach(() => f.close())

  const table = (name = 'GL_ENTRY'): string => `"${f.sandbox.database}"."${f.sandbox.schema}"."${name}"`

  for (const [format, level] of [
    ['DD/MM/YYYY', 'account'],
    ['YYYY-DD-MM', 'user'],
  ] as const)
    it(`dates are what was sent where DATE_INPUT_FORMAT of the ${level} is ${format}`, async () => {
      f = await startSnowflakeFixture({ parameters: { [level]: { DATE_INPUT_FORMAT: format } } })
      const target = f.target(f.connect(), 'gl_entry')
      await target.prepare(journal, context)
      const record = { ...entry('1', { read: 1, lines: two }), accounting_date: '2026-03-04' }
      await target.write(batchOf('a', [record]), context)
      assert.deepEqual(await f.rows(`SELECT CAST(ACCOUNTING_DATE AS VARCHAR) FROM ${table()}`), [['2026-03-04']])
      const bad = { ...entry('2', { read: 1 }), accounting_date: '2026-02-30' }
      const batch = batchOf('b', [entry('3', { read: 1 }), bad])
      await assert.rejects(target.write(batch, context), (error: SyncError) => error.cause.class === 'data')
      const rejected = (await target.findRejected?.(batch, context)) ?? []
      assert.deepEqual(
        rejected.map(({ index, field }) => [index, field]),
        [[1, 'accounting_date']],
      )
    })

  it('moments of time are what was sent, with and without a fraction, into any kind of column', async () => {
    f = await startSnowflakeFixture({
      parameters: { account: { TIMESTAMP_INPUT_FORMAT: 'DD/MM/YYYY HH24:MI:SS', TIMEZONE: 'Pacific/Auckland' } },
    })
    const kinds = ['TIMESTAMP_NTZ', 'TIMESTAMP_LTZ', 'TIMESTAMP_TZ', 'VARCHAR']
    const schema: Schema = {
      entity: 'event',
      key: ['source', 'number'],
      columns: [
        { name: 'source', type: 'string' },
        { name: 'number', type: 'string' },
        ...kinds.map((kind): Schema['columns'][number] => ({ name: kind.toLowerCase(), type: 'timestamp' })),
        { name: 'day', type: 'date' },
      ],
    }
    const columns = kinds.map((kind) => `"${kind}" ${kind}`).join(', ')
    await f.rows(`CREATE TABLE ${table('EVENT')} (SOURCE VARCHAR, NUMBER VARCHAR, ${columns}, DAY VARCHAR)`)
    const target = f.target(f.connect(), 'event')
    await target.prepare(schema, context)
    const at = (number: string, moment: string) => ({
      ...{ _row: 0, _read: 1, _stamp: 'S', source: 'x3', number, day: '2026-03-04' },
      ...Object.fromEntries(kinds.map((kind) => [kind.toLowerCase(), moment])),
    })
    const records = [at('1', '2026-03-04T22:30:00Z'), at('2', '2026-03-04T22:30:00.123456Z')]
    await target.write(batchOf('a', records, schema), context)
    const columnsAsText = kinds.map((kind) => `CAST("${kind}" AS VARCHAR)`).join(', ')
    const rows = await f.rows(`SELECT ${columnsAsText}, DAY FROM ${table('EVENT')} ORDER BY NUMBER`)
    const stored = (moment: string) => [moment, `${moment} +0000`, `${moment} +0000`, moment, '2026-03-04']
    assert.deepEqual(rows, [stored('2026-03-04 22:30:00.000'), stored('2026-03-04 22:30:00.123')])
  })

  it('what was appended stays when the session ends, where AUTOCOMMIT is off', async () => {
    f = await startSnowflakeFixture({ parameters: { user: { AUTOCOMMIT: 'false' } } })
    const connection = f.connect()
    const target = f.target(connection, 'gl_entry', { mode: 'append' })
    await target.prepare(journal, context)
    await target.write(batchOf('a', [entry('1', { read: 1, lines: two })]), context)
    const mark = { sync: 'books', entity: 'gl_entry', sourceAddress: 'x', ledger: 'L', run: 'r', read: 1, floor: null }
    await target.writeMark?.(mark, context)
    await connection.close()
    assert.deepEqual(await f.rows(`SELECT COUNT(*) FROM ${table()}`), [['1']])
    assert.deepEqual(await f.rows(`SELECT COUNT(*) FROM ${table('_TIEOUT_MARK')}`), [['1']])
  })

  it('all keys and all totals come, where ROWS_PER_RESULTSET cuts results off', async () => {
    f = await startSnowflakeFixture({ parameters: { account: { ROWS_PER_RESULTSET: '2' } } })
    const target = f.target(f.connect(), 'gl_entry')
    await target.prepare(journal, context)
    const records = Array.from({ length: 5 }, (_, i) => entry(`N${i}`, { read: 1, lines: two }))
    await target.write(batchOf('a', records), context)
    const keys: string[] = []
    for await (const page of target.keys?.(journal, 'x3', context) ?? []) keys.push(...page.map(({ key }) => key))
    assert.equal(keys.length, 5)
    const by = ['number']
    const totals = await target.totals?.(
      { run: 'run-1', schema: journal, list: 'lines', amounts: ['amount'], by },
      context,
    )
    assert.equal(totals?.length, 5)
  })

  it('every session is set and asked once, also that which comes after a lost one', async () => {
    f = await startSnowflakeFixture({ parameters: HOSTILE })
    const target = f.target(f.connect(), 'gl_entry')
    const sent = (pattern: RegExp) => f.sandbox.log().filter(({ text }) => pattern.test(text))
    const write = (id: string, date: string) =>
      target.write(batchOf(id, [{ ...entry(id, { read: 1, lines: two }), accounting_date: date }]), context)
    await target.prepare(journal, context)
    await write('1', '2026-03-04')
    // the driver renews a token by itself and keeps the session
    f.sandbox.expireSessions('session')
    await write('2', '2026-03-05')
    assert.equal(sent(/^ALTER SESSION/).length, 1)
    f.sandbox.expireSessions('gone')
    await write('3', '2026-03-06')
    const sessions = (pattern: RegExp) => sent(pattern).map(({ session }) => session)
    assert.equal(new Set(sessions(/^ALTER SESSION/)).size, 2)
    assert.deepEqual(sessions(/^SHOW PARAMETERS/), sessions(/^ALTER SESSION/))
    const dates = await f.rows(`SELECT CAST(ACCOUNTING_DATE AS VARCHAR) FROM ${table()} ORDER BY 1`)
    assert.deepEqual(dates.flat(), ['2026-03-04', '2026-03-05', '2026-03-06'])
  })

  it('looks at whole tables share a session that never writes', async () => {
    f = await startSnowflakeFixture({ parameters: HOSTILE })
    const connection = f.connect()
    const targets = ['gl_entry', 'gl_entry_2', 'gl_entry_3'].map((entity) => {
      const schema = { ...journal, entity }
      return { schema, target: f.target(connection, entity) }
    })
    for (const [i, { schema, target }] of targets.entries()) {
      await target.prepare(schema, context)
      await target.write({ ...batchOf(String(i), [entry('1', { read: 1, lines: two })]), schema }, context)
    }
    await Promise.all(targets.map(({ schema, target }) => target.whole(schema, 'x3', context)))
    const sessions = (pattern: RegExp) =>
      f.sandbox
        .log()
        .filter(({ text }) => pattern.test(text))
        .map(({ session }) => session)
    const [looking, ...others] = new Set(sessions(/COUNT\(\*\) - COUNT/))
    assert.deepEqual(others, [])
    assert.ok(looking !== undefined && !sessions(/^(MERGE|INSERT|COPY|CREATE)/).includes(looking))
    assert.equal(sessions(/^ALTER SESSION/).length, 2)
    assert.equal(sessions(/^SHOW PARAMETERS/).length, 1)
  })
})
