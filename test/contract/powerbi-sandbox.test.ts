import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthError } from '@azure/msal-node'
import { generate } from 'selfsigned'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'
import { type PowerbiCaller, startPowerbiCaller } from '../support/powerbi-caller.ts'

const code = (body: unknown): unknown => (body as { error?: { code?: unknown } }).error?.code
const thumbprint = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '')

describe('Power BI sandbox: identity, datasets, tables and rows', () => {
  let bi: PowerbiCaller
  const requests: LoggedRequest[] = []
  before(async () => {
    bi = await startPowerbiCaller({
      workspaces: [{ name: 'Finance' }, { name: 'Hidden', role: 'none' }, { name: 'Read only', role: 'Viewer' }],
      onRequest: (made) => void requests.push(made),
    })
  })
  after(() => bi.close())

  describe('sign-in through @azure/msal-node', () => {
    const refusal = async (act: Promise<unknown>): Promise<AuthError & { errorNo?: string; status?: number }> =>
      act.then(
        () => assert.fail('the token was given'),
        (error) => error,
      )

    it('gives a token to the right secret, valid for an hour, and keeps it in the cache', async () => {
      const app = bi.msal({ clientSecret: bi.sandbox.clientSecret })
      const first = await app.acquireTokenByClientCredential({ scopes: bi.scopes })
      const left = (first?.expiresOn?.getTime() ?? 0) - Date.now()
      assert.ok(left > 3_500_000 && left < 3_600_000, `lives ${left} ms`)
      const asked = bi.sandbox.stats().token
      const second = await app.acquireTokenByClientCredential({ scopes: bi.scopes })
      assert.equal(second?.fromCache, true)
      assert.equal(bi.sandbox.stats().token, asked)
    })

    it('gives a token to the registered certificate, by either thumbprint', async () => {
      const { certificatePem, privateKeyPem } = bi.sandbox
      const { fingerprint } = new X509Certificate(certificatePem)
      for (const print of [
        { thumbprintSha256: thumbprint(certificatePem) },
        { thumbprint: fingerprint.replaceAll(':', '') },
      ]) {
        const app = bi.msal({ clientCertificate: { ...print, privateKey: privateKeyPem } })
        const token = await app.acquireTokenByClientCredential({ scopes: bi.scopes })
        assert.ok(token?.accessToken)
      }
    })

    it('refuses what is wrong with the numbers of the identity platform', async () => {
      const other = await generate([{ name: 'commonName', value: 'other' }], { keyType: 'rsa', keySize: 2048 })
      const { sandbox, scopes } = bi
      const registered = thumbprint(sandbox.certificatePem)
      const certificate = (thumbprintSha256: string) =>
        bi
          .msal({ clientCertificate: { thumbprintSha256, privateKey: other.private } })
          .acquireTokenByClientCredential({ scopes })
      const secret = sandbox.clientSecret
      const nobody = '00000000-0000-4000-8000-000000000000'
      const cases: [number, string, () => Promise<unknown>][] = [
        [
          7000215,
          'invalid_client',
          () => bi.msal({ clientSecret: 'wrong' }).acquireTokenByClientCredential({ scopes }),
        ],
        [700027, 'invalid_client', () => certificate(thumbprint(other.cert))],
        [700027, 'invalid_client', () => certificate(registered)],
        [
          90002,
          'endpoints_resolution_error',
          () =>
            bi
              .msal({ clientSecret: secret, authority: `${sandbox.authorityHost}/${nobody}` })
              .acquireTokenByClientCredential({ scopes }),
        ],
        [
          1002012,
          'invalid_scope',
          () =>
            bi
              .msal({ clientSecret: secret })
              .acquireTokenByClientCredential({ scopes: [`${sandbox.resource}/Dataset.ReadWrite.All`] }),
        ],
        [
          500011,
          'invalid_resource',
          () =>
            bi
              .msal({ clientSecret: secret })
              .acquireTokenByClientCredential({ scopes: ['https://analysis.chinacloudapi.cn/powerbi/api/.default'] }),
        ],
      ]
      for (const [number, name, act] of cases) {
        const error = await refusal(act())
        assert.equal(error.errorCode, name)
        if (name !== 'endpoints_resolution_error') assert.equal(String(error.errorNo), String(number))
        assert.ok(!error.message.includes(secret))
      }
    })

    it('takes no call without a token, and tells an expired one apart', async () => {
      const without = await bi.call('GET', '/groups', undefined, { authorization: '' })
      assert.equal(without.status, 401)
      assert.equal(code(without.body), 'PowerBINotAuthorizedException')
      bi.sandbox.tune({ tokenSeconds: 0 })
      bi.forget()
      const late = await bi.call('GET', '/groups')
      bi.sandbox.tune({ tokenSeconds: 3599 })
      bi.forget()
      assert.equal(late.status, 403)
      assert.equal(code(late.body), 'TokenExpired')
    })
  })

  describe('workspaces', () => {
    it('lists those with a role, in pages and by name', async () => {
      const names = async (query: string) => {
        const { body } = await bi.call('GET', `/groups${query}`)
        return (body as { value: { name: string }[] }).value.map(({ name }) => name)
      }
      assert.deepEqual(await names(''), ['Finance', 'Read only'])
      assert.deepEqual(await names('?$top=1&$skip=1'), ['Read only'])
      assert.deepEqual(await names(`?$filter=name%20eq%20'finance'`), ['Finance'])
    })

    it('refuses a workspace without a role, writing as a viewer, and datasets of no workspace', async () => {
      const [, hidden, viewer] = bi.sandbox.workspaces()
      const seen = await bi.call('GET', `/groups/${hidden?.id}/datasets`)
      assert.deepEqual([seen.status, code(seen.body)], [401, 'PowerBINotAuthorizedException'])
      assert.equal((await bi.call('GET', `/groups/${viewer?.id}/datasets`)).status, 200)
      assert.equal((await bi.call('POST', `/groups/${viewer?.id}/datasets`, { name: 'N', tables: [] })).status, 401)
      assert.equal((await bi.call('GET', `/groups/${bi.sandbox.clientId}/datasets`)).status, 404)
      const { sandbox } = bi
      sandbox.tune({ servicePrincipals: false })
      const off = await bi.call('GET', '/groups')
      sandbox.tune({ servicePrincipals: true })
      assert.equal(off.status, 401)
    })
  })

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

  it('has answers of the contract’s shapes', async function () {
    const { contract } = bi
    if (!contract) return this.skip()
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

  it('keeps datasets, rows, CA and certificate over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tieout-powerbi-'))
    try {
      const workspaces = [{ id: bi.sandbox.workspace.id, name: 'Finance' }]
      const options = { file: join(folder, 'powerbi.duckdb'), ca: folder, workspaces }
      const first = await startPowerbiCaller(options)
      const id = await first.create({ a: 'Int64' })
      await first.post(id, [{ a: 1 }])
      const { caPem, certificatePem } = first.sandbox
      await first.close()
      const second = await startPowerbiCaller(options)
      try {
        assert.deepEqual([second.sandbox.caPem, second.sandbox.certificatePem], [caPem, certificatePem])
        await second.post(id, [{ a: 2 }])
        assert.deepEqual(await second.dax(id, `EVALUATE 'T'`), [{ 'T[a]': 1 }, { 'T[a]': 2 }])
        assert.deepEqual(
          (await second.sandbox.posts()).map(({ number }) => number),
          [1, 2],
        )
      } finally {
        await second.close()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  // A block of its own runs after the others: everything that they sent is looked at.
  describe('the published contract', () => {
    it('allows every request that was taken', function () {
      const { contract } = bi
      if (!contract) {
        console.log('      the published contract is not beside the project: nothing to check against')
        return this.skip()
      }
      const done = requests.filter(
        ({ status, path }) => status >= 200 && status < 300 && !path.includes('sequenceNumbers'),
      )
      const faults = done.flatMap((made) =>
        contract.request(made).map((fault) => `${made.method} ${made.path}: ${fault}`),
      )
      assert.deepEqual(faults, [])
      assert.ok(done.length > 40, `${done.length} requests`)
      assert.notDeepEqual(
        contract.request({ method: 'POST', path: '/v1.0/myorg/groups/g/datasets', body: { tables: [] } }),
        [],
      )
      assert.notDeepEqual(
        contract.request({ method: 'GET', path: '/v1.0/myorg/groups?$orderby=name', body: undefined }),
        [],
      )
    })
  })
})
