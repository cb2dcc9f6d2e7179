import assert from 'node:assert/strict'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'
import type { PowerbiCaller } from '../support/powerbi-caller.ts'
import { checkRequests, code, startChecked } from '../support/powerbi-checked.ts'

describe('Power BI sandbox: rows and queries', () => {
  let bi: PowerbiCaller
  const requests: LoggedRequest[] = []
  before(async () => {
    bi = await startChecked(requests)
  })
  after(() => bi.close())

  describe('rows', () => {
    it('answers a POST with nothing, converts text, drops the zone and rounds to 1/300 s', async () => {
      const id = await bi.create({ n: 'Int64', d: 'Double', b: 'bool', t: 'DateTime', s: 'string', m: 'Decimal' })
      const made = await bi.post(id, [
        { n: '9007199254740993', d: '1.5', b: 'TRUE', t: '2026-07-28T10:00:00.005Z', s: 5, m: '123456789012345.67891' },
        { n: 7, d: 2, b: false, t: '2026-07-28T01:30:00+02:00', s: 'ä', m: -0.5 },
        { t: '07/30/2014', s: null },
      ])
      assert.deepEqual(
        [made.status, made.text, made.headers['content-type'], made.headers['content-length']],
        [...[200, '', 'application/octet-stream', '0']],
      )
      const stored: unknown[][] = []
      for await (const part of bi.sandbox.rows(id, 'T')) stored.push(...part)
      assert.deepEqual(stored, [
        ['9007199254740993', 1.5, true, '2026-07-28 10:00:00.006667', '5', '123456789012345.6789'],
        ['7', 2, false, '2026-07-27 23:30:00', 'ä', '-0.5000'],
        [null, null, null, '2014-07-30 00:00:00', null, null],
      ])
      const [, second] = await bi.dax(id, `EVALUATE 'T'`)
      assert.deepEqual(second, {
        'T[n]': 7,
        'T[d]': 2,
        'T[b]': false,
        'T[t]': '2026-07-27T23:30:00',
        'T[s]': 'ä',
        'T[m]': -0.5,
      })
    })

    const rows: [string, object[], RegExp][] = [
      ['a column there is not', [{ a: 1 }, { A: 1 }], /'A' of row 1/],
      ['a text that is no number', [{ a: 'x' }], /'a' in row 0/],
      ['the greatest Int64', [{ a: '9223372036854775807' }], /'a' in row 0/],
      ['a nested value', [{ s: { x: 1 } }], /'s' in row 0/],
      ['a day that is not on the calendar', [{ t: '2026-02-30T00:00:00Z' }], /'t' in row 0/],
      ['4,001 characters', [{ s: 'x'.repeat(4001) }], /4001 characters/],
      ['10,001 rows', Array.from({ length: 10_001 }, () => ({ a: 1 })), /10001 rows/],
    ]
    for (const [what, list, message] of rows) {
      it(`refuses ${what}, and all rows with it`, async () => {
        const id = await bi.create({ a: 'Int64', s: 'String', t: 'DateTime' })
        const answer = await bi.post(id, list)
        assert.equal(answer.status, 400)
        assert.equal(code(answer.body), 'BadRequest')
        assert.match(answer.text, message)
        assert.deepEqual(await bi.dax(id, `EVALUATE ROW("n",COUNTROWS('T'))`), [{ '[n]': null }])
      })
    }

    it('can blank and ignore instead, where that is assumed', async () => {
      const id = await bi.create({ a: 'Int64', b: 'Int64' })
      bi.sandbox.tune({ assumed: { wrongType: 'blank', unknownColumn: 'ignore' } })
      const answer = await bi.post(id, [{ a: 'x', b: 1, c: 2 }])
      bi.sandbox.tune({ assumed: { wrongType: 'refuse', unknownColumn: 'refuse' } })
      assert.equal(answer.status, 200)
      assert.deepEqual(await bi.dax(id, `EVALUATE 'T'`), [{ 'T[a]': null, 'T[b]': 1 }])
    })

    it('refuses more than 16 MB', async () => {
      const id = await bi.create({ s: 'String' })
      const answer = await bi.post(
        id,
        Array.from({ length: 5000 }, () => ({ s: 'x'.repeat(3500) })),
      )
      assert.equal(answer.status, 413)
    })

    it('clears a table, and logs every accepted row all the same', async () => {
      const id = await bi.create({ a: 'Int64' })
      await bi.post(id, [{ a: 1 }, { a: 2 }])
      await bi.post(id, [{ a: 1 }, { a: 2 }])
      const cleared = await bi.call('DELETE', `/datasets/${id}/tables/T/rows`)
      assert.deepEqual([cleared.status, cleared.text], [200, ''])
      assert.deepEqual(await bi.dax(id, `EVALUATE 'T'`), [])
      const posts = (await bi.sandbox.posts()).filter(({ dataset }) => dataset === id)
      assert.deepEqual(
        posts.map(({ table, rows: count }) => [table, count]),
        [
          ['T', 2],
          ['T', 2],
        ],
      )
      const logged: unknown[][] = []
      for await (const part of bi.sandbox.query(`SELECT a, count(*) FROM "${id}"."T (log)" GROUP BY a ORDER BY a`))
        logged.push(...part)
      assert.deepEqual(logged, [
        ['1', '2'],
        ['2', '2'],
      ])
    })

    it('shows rows to executeQueries only after the delay', async () => {
      const id = await bi.create({ a: 'Int64' })
      bi.sandbox.tune({ visibleAfterMs: 3_600_000 })
      await bi.post(id, [{ a: 1 }])
      bi.sandbox.tune({ visibleAfterMs: 0 })
      await bi.post(id, [{ a: 2 }])
      assert.deepEqual(await bi.dax(id, `EVALUATE 'T'`), [{ 'T[a]': 2 }])
    })

    it('knows sequence numbers only where that is assumed', async () => {
      const id = await bi.create({ a: 'Int64' })
      const path = `/datasets/${id}/tables/T`
      const number = (value: number) =>
        bi.call('POST', `${path}/rows`, { rows: [{ a: value }] }, { 'x-powerbi-pushdata-sequencenumber': `${value}` })
      assert.equal((await bi.call('GET', `${path}/sequenceNumbers`)).status, 404)
      bi.sandbox.tune({ assumed: { sequenceNumbers: 'refuses' } })
      assert.deepEqual([(await number(2)).status, (await number(2)).status, (await number(3)).status], [200, 400, 200])
      const { body } = await bi.call('GET', `${path}/sequenceNumbers`)
      bi.sandbox.tune({ assumed: { sequenceNumbers: 'off' } })
      assert.equal((body as { value: { sequenceNumber: number }[] }).value[0]?.sequenceNumber, 3)
    })
  })

  it('refuses queries where the tenant does, and says what is wrong with one', async () => {
    const id = await bi.create({ a: 'Int64' })
    await assert.rejects(bi.dax(id, 'EVALUATE Nowhere'), /DatasetExecuteQueriesError.*Cannot find table 'Nowhere'/)
    await assert.rejects(bi.dax(id, 'EVALUATE ROW("n",'), /The syntax for 'end of input' is incorrect/)
    await assert.rejects(bi.dax(id, `DEFINE MEASURE 'T'[m] = [m] + 1 EVALUATE {[m]}`), /400 .*depend on itself/)
    assert.equal((await bi.call('GET', '/datasets/%zz')).status, 400)
    bi.sandbox.tune({ executeQueries: false })
    await assert.rejects(bi.dax(id, `EVALUATE 'T'`), /401 .*PowerBINotAuthorizedException/)
    bi.sandbox.tune({ executeQueries: true })
  })

  checkRequests(() => bi, requests, 25)
})
