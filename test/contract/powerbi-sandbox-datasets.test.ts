import assert from 'node:assert/strict'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'
import type { PowerbiCaller } from '../support/powerbi-caller.ts'
import { checkRequests, code, contractOr, startChecked } from '../support/powerbi-checked.ts'

describe('Power BI sandbox: datasets and tables', () => {
  let bi: PowerbiCaller
  const requests: LoggedRequest[] = []
  before(async () => {
    bi = await startChecked(requests)
  })
  after(() => bi.close())

  describe('datasets and tables', () => {
    it('creates, lists, describes and deletes', async () => {
      const id = await bi.create({ id: 'Int64', name: 'string' }, {}, 'basicFIFO')
      const { body } = await bi.call('GET', '/datasets')
      const found = (body as { value: { id: string; name: string; addRowsAPIEnabled: boolean }[] }).value.find(
        (each) => each.id === id,
      )
      assert.deepEqual([found?.name, found?.addRowsAPIEnabled], ['Sales', true])
      const tables = await bi.call('GET', `/datasets/${id}/tables`)
      assert.deepEqual((tables.body as { value: object[] }).value, [{ name: 'T' }])
      const gone = await bi.call('DELETE', `/datasets/${id}`)
      assert.deepEqual([gone.status, gone.text, gone.headers['content-type']], [200, '', 'application/octet-stream'])
      const after = await bi.call('GET', `/datasets/${id}`)
      assert.deepEqual([after.status, after.body], [404, { error: { code: 'PowerBIEntityNotFound' } }])
    })

    it('takes two datasets of one name', async () => {
      const [a, b] = [await bi.create({ id: 'Int64' }), await bi.create({ id: 'Int64' })]
      assert.notEqual(a, b)
    })

    it('lists a dataset that is still being made only later', async () => {
      bi.sandbox.tune({ createdStatus: 202, createMs: 60_000 })
      const made = await bi.call('POST', '/datasets', {
        name: 'Slow',
        tables: [{ name: 'T', columns: [{ name: 'a', dataType: 'Int64' }] }],
      })
      bi.sandbox.tune({ createdStatus: 201 })
      assert.equal(made.status, 202)
      const { text } = await bi.call('GET', '/datasets')
      assert.ok(!text.includes('"Slow"'))
    })

    const columns = [{ name: 'a', dataType: 'Int64' }]
    const refused: [string, object, string][] = [
      ['a property that is not in the contract', { name: 'N', tables: [], compatibilityLevel: 1500 }, 'BadRequest'],
      [
        'a key in other case',
        { name: 'N', tables: [{ name: 'T', columns: [{ name: 'a', datatype: 'Int64' }] }] },
        'BadRequest',
      ],
      [
        'a type there is not',
        { name: 'N', tables: [{ name: 'T', columns: [{ name: 'a', dataType: 'Money' }] }] },
        'BadRequest',
      ],
      ['a table name with syntax in it', { name: 'N', tables: [{ name: "T'x", columns }] }, 'BadRequest'],
      [
        'a column twice',
        { name: 'N', tables: [{ name: 'T', columns: [...columns, { name: 'A', dataType: 'String' }] }] },
        'BadRequest',
      ],
      [
        '76 columns',
        {
          name: 'N',
          tables: [
            { name: 'T', columns: Array.from({ length: 76 }, (_, n) => ({ name: `c${n}`, dataType: 'Int64' })) },
          ],
        },
        'BadRequest',
      ],
      [
        'a relationship to nowhere',
        {
          name: 'N',
          tables: [{ name: 'T', columns }],
          relationships: [{ name: 'r', fromTable: 'T', fromColumn: 'a', toTable: 'U', toColumn: 'a' }],
        },
        'BadRequest',
      ],
      [
        'a format in a streaming dataset',
        {
          name: 'N',
          defaultMode: 'PushStreaming',
          tables: [{ name: 'T', columns: [{ ...columns[0], formatString: '0' }] }],
        },
        'InvalidRequest',
      ],
    ]
    for (const [what, body, wanted] of refused) {
      it(`refuses ${what}`, async () => {
        const answer = await bi.call('POST', '/datasets', body)
        assert.deepEqual([answer.status, code(answer.body)], [400, wanted])
      })
    }

    it('says that creation is switched off', async () => {
      bi.sandbox.tune({ creation: false })
      const answer = await bi.call('POST', '/datasets', { name: 'N', tables: [{ name: 'T', columns }] })
      bi.sandbox.tune({ creation: true })
      assert.deepEqual([answer.status, code(answer.body)], [400, 'FeatureDeprecatedError'])
      assert.match(answer.text, /Real-Time Intelligence/)
    })

    it('takes a new column by PUT, keeps the rows, and replaces measures with it', async () => {
      const id = await bi.create({ a: 'Int64' }, { measures: [{ name: 'M', expression: `SUM('T'[a])` }] })
      await bi.post(id, [{ a: 1 }])
      assert.deepEqual(await bi.dax(id, 'EVALUATE ROW("m",[M])'), [{ '[m]': 1 }])
      const put = await bi.call('PUT', `/datasets/${id}/tables/T`, {
        name: 'T',
        columns: [{ name: 'b', dataType: 'string' }, ...columns],
      })
      assert.deepEqual([put.status, (put.body as { name: string; source: [] }).name], [200, 'T'])
      await bi.post(id, [{ a: 2, b: 'x' }])
      assert.deepEqual(await bi.dax(id, `EVALUATE 'T' ORDER BY 'T'[a]`), [
        { 'T[b]': null, 'T[a]': 1 },
        { 'T[b]': 'x', 'T[a]': 2 },
      ])
      await assert.rejects(bi.dax(id, 'EVALUATE ROW("m",[M])'), /400 .*'M'/)
    })

    it('knows no other table, no other case, no change of a type and no dataset made elsewhere', async () => {
      const id = await bi.create({ a: 'Int64' })
      const wrongCase = await bi.post(id, [{ a: 1 }], 't')
      assert.deepEqual([wrongCase.status, code(wrongCase.body)], [404, 'ItemNotFound'])
      assert.match(wrongCase.text, /Table '<pi>t<\/pi>' not found in dataset 'sobe_wowvirtualserver\|/)
      const type = await bi.call('PUT', `/datasets/${id}/tables/T`, {
        name: 'T',
        columns: [{ name: 'a', dataType: 'String' }],
      })
      assert.equal(type.status, 400)
      const imported = await bi.sandbox.addDataset({
        name: 'Warehouse',
        mode: 'Import',
        tables: [{ name: 'T', columns }],
      })
      const pushed = await bi.post(imported, [{ a: 1 }])
      assert.deepEqual(
        [pushed.status, pushed.body],
        [404, { error: { code: 'ItemNotFound', message: `Dataset ${imported} is not Push API dataset.` } }],
      )
    })
  })

  it('has answers of the contract’s shapes', async function () {
    const contract = contractOr(this, bi)
    const id = await bi.create({ a: 'Int64' })
    const group = `/groups/${bi.sandbox.workspace.id}`
    const calls: [string, string, unknown?][] = [
      ['GET', '/groups'],
      ['GET', `${group}/datasets`],
      ['GET', `${group}/datasets/${id}`],
      ['GET', `${group}/datasets/${id}/refreshes`],
      ['POST', `${group}/datasets/${id}/executeQueries`, { queries: [{ query: `EVALUATE 'T'` }] }],
      [
        'POST',
        `${group}/datasets`,
        { name: 'N', tables: [{ name: 'T', columns: [{ name: 'a', dataType: 'Int64' }] }] },
      ],
      ['POST', `${group}/datasets/${id}/tables/T/rows`, { rows: [{ a: 1 }] }],
    ]
    for (const [method, path, body] of calls) {
      const answer = await bi.call(method, path, body)
      assert.deepEqual(
        contract.response(method, `/v1.0/myorg${path}`, answer.status, answer.body),
        [],
        `${method} ${path}`,
      )
    }
  })

  checkRequests(() => bi, requests, 15)
})
