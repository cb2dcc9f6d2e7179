import assert from 'node:assert/strict'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { createLocks } from '../../../sandbox/snowflake/locks.ts'
import { displayed, engineName, originalName } from '../../../sandbox/snowflake/sql/names.ts'
import { statementKind } from '../../../sandbox/snowflake/sql/statement.ts'
import { tokenize } from '../../../sandbox/snowflake/sql/tokens.ts'
import { castToDecimal } from '../../../sandbox/sql/reader.ts'

describe('Snowflake sandbox: names, tokens, decimals and locks', () => {
  it('gives names that differ in case different names in the engine, and finds the way back', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        assert.equal(originalName(engineName(one)), one)
        if (one !== other) assert.notEqual(engineName(one).toUpperCase(), engineName(other).toUpperCase())
      }),
    )
    assert.equal(displayed(engineName('AMOUNT')), 'AMOUNT')
    assert.equal(displayed(engineName('amount "x"')), '"amount ""x"""')
  })

  it('reads strings, names, stages, markers and comments as Snowflake does', () => {
    const kinds = (sql: string) => tokenize(sql).map(({ kind, value }) => [kind, value])
    assert.deepEqual(kinds(`'it''s \\'q\\' \\u00e9\\n' $$a'b\\n$$ -- x\n// y\n/* z */ "a""b" :1 ? $1:k::NUMBER`), [
      ['string', `it's 'q' é\n`],
      ['string', `a'b\\n`],
      ['quoted', 'a"b'],
      ['param', '1'],
      ['param', '1'],
      ['quoted', '$1'],
      ['op', ':'],
      ['word', 'K'],
      ['op', '::'],
      ['word', 'NUMBER'],
      ['end', ''],
    ])
    assert.deepEqual(kinds('@~/a/b.gz @%"T x"/c @db.s."Stage"'), [
      ['stage', '~/a/b.gz'],
      ['stage', '%"T x"/c'],
      ['stage', 'db.s."Stage"'],
      ['end', ''],
    ])
    assert.deepEqual(
      ['/* x */ merge into t', ' ALTER SESSION SET A = 1', 'alter table t', 'with a as (..)'].map(statementKind),
      ['merge', 'session', 'ddl', 'select'],
    )
  })

  it('reads decimals from text as the engine does, by a shorter way', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`))
    const number = fc
      .tuple(fc.constantFrom('', '-', '+'), digits(22), fc.constantFrom('', '.'), digits(20))
      .map(([sign, whole, point, rest]) => sign + whole + (point ? point + rest : ''))
    const texts = [
      ...fc.sample(number, { numRuns: 300, seed: 7 }),
      ' 7 ',
      '.5',
      '-.5',
      '5.',
      '1e3',
      '-0.000000005',
      'abc',
      '',
      '1,5',
    ]
    await connection.run(`CREATE TABLE given AS SELECT unnest(from_json($1, '["VARCHAR"]')) AS v`, [
      JSON.stringify(texts),
    ])
    for (const [precision, scale] of [
      [28, 8],
      [28, 13],
      [38, 0],
      [38, 18],
      [20, 2],
    ] as const) {
      const direct = `TRY_CAST(v AS DECIMAL(${precision}, ${scale}))`
      const reader = await connection.runAndReadAll(
        `SELECT v, ${direct}, ${castToDecimal('v', precision, scale, 'TRY_CAST')} FROM given WHERE ${direct} IS DISTINCT FROM ${castToDecimal('v', precision, scale, 'TRY_CAST')}`,
      )
      assert.deepEqual(reader.getRowsJson(), [])
    }
    connection.closeSync()
    instance.closeSync()
  })

  it('gives a lock to those who wait in their order, and to nobody twice', async () => {
    const locks = createLocks()
    const claim = (holder: string, waitMs = 5000) => ({ holder, queryId: 'q', table: 'T', waitMs })
    const order: string[] = []
    await locks.acquire('t', claim('a'))
    await locks.acquire('t', claim('a'))
    const waiting = ['b', 'c'].map((holder) => locks.acquire('t', claim(holder)).then(() => order.push(holder)))
    await assert.rejects(locks.acquire('t', claim('d', 5)), { code: '000625' })
    locks.release('a')
    await waiting[0]
    assert.deepEqual(order, ['b'])
    locks.release('b')
    await waiting[1]
    assert.deepEqual(order, ['b', 'c'])
    const crowd = Array.from({ length: 20 }, (_, index) => locks.acquire('t', claim(`w${index}`)))
    await assert.rejects(locks.acquire('t', claim('late')), /number of waiters for this lock exceeds/)
    for (const holder of ['c', ...crowd.map((_, index) => `w${index}`)]) locks.release(holder)
    await Promise.all(crowd)
  })
})
