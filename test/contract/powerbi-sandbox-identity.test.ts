import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuthError } from '@azure/msal-node'
import { generate } from 'selfsigned'
import type { LoggedRequest } from '../../sandbox/powerbi/api.ts'
import { type PowerbiCaller, startPowerbiCaller } from '../support/powerbi-caller.ts'
import { checkRequests, code, startChecked } from '../support/powerbi-checked.ts'

const thumbprint = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '')

describe('Power BI sandbox: identity, workspaces and what it keeps', () => {
  let bi: PowerbiCaller
  const requests: LoggedRequest[] = []
  before(async () => {
    bi = await startChecked(requests)
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

  checkRequests(() => bi, requests, 3)
})
