import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { request } from 'node:http'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { answerOf, type BaswareFixture, type Json, startBaswareFixture } from '../support/basware.ts'

const ORDERS = '/v1/matchingOrders?pageSize=1'

describe('Basware sandbox: who calls', () => {
  let basware: BaswareFixture
  beforeEach(async () => {
    basware = await startBaswareFixture({
      regions: ['EU', 'AU'],
      scopes: ['matchingOrders.read', 'requestStatus.read'],
    })
  })
  afterEach(() => basware.close())

  const bearer = async (scope: string): Promise<{ readonly authorization: string }> => {
    const { access_token } = (await basware.token(scope)).json as { access_token: string }
    return { authorization: `Bearer ${access_token}` }
  }
  const tokens = async (init: RequestInit, url = basware.sandbox.url) =>
    await answerOf(await fetch(`${url}/v1/tokens`, { method: 'POST', ...init }))
  const client = (): string =>
    `Basic ${Buffer.from(`${basware.sandbox.clientId}:${basware.sandbox.clientSecret}`).toString('base64')}`

  it('gets a signed token for its scopes, which lives as long as it says', async () => {
    const answer = await basware.token('matchingOrders.read requestStatus.read')
    const token = answer.json as { access_token: string; expires_in: number; token_type: string; scope: string }
    deepStrictEqual(
      [token.token_type, token.expires_in, token.scope],
      ['Bearer', 3600, 'matchingOrders.read requestStatus.read'],
    )
    const { url } = basware.sandbox
    const { issuer, jwks_uri } = (await (await fetch(`${url}/.well-known/openid-configuration`)).json()) as {
      issuer: string
      jwks_uri: string
    }
    const currentDate = new Date('2026-03-10T08:00:00Z')
    const { payload } = await jwtVerify(token.access_token, createRemoteJWKSet(new URL(jwks_uri)), {
      issuer,
      currentDate,
    })
    deepStrictEqual([payload.aud, Number(payload.exp) - Number(payload.iat)], ['OpenAPI', 3600])
    deepStrictEqual(
      [decodeProtectedHeader(token.access_token).alg, decodeProtectedHeader(token.access_token).typ],
      ['RS256', 'at+jwt'],
    )

    const headers = { authorization: `Bearer ${token.access_token}` }
    strictEqual((await basware.get(ORDERS, headers)).status, 200)
    basware.pass(3_599_000)
    strictEqual((await basware.get(ORDERS, headers)).status, 200)
    basware.pass(1000)
    strictEqual((await basware.get(ORDERS, headers)).status, 401)
  })

  it('is told its life in minutes, as the text of the contract has it', async () => {
    basware.sandbox.tune({ expiresIn: 'minutes', tokenSeconds: 300 })
    strictEqual(((await basware.token('matchingOrders.read')).json as Json).expires_in, 5)
  })

  it('is refused without both fields of the form, with a wrong secret or another grant', async () => {
    const headers = { authorization: client() }
    const form = (fields: Record<string, string>) => ({ headers, body: new URLSearchParams(fields) })
    strictEqual((await tokens(form({ scope: 'matchingOrders.read' }))).status, 422)
    strictEqual((await tokens(form({ grant_type: 'client_credentials' }))).status, 422)
    const json = { ...headers, 'content-type': 'application/json' }
    strictEqual((await tokens({ headers: json, body: '{"grant_type":"client_credentials","scope":"x"}' })).status, 422)
    strictEqual((await tokens(form({ grant_type: 'password', scope: 'matchingOrders.read' }))).status, 400)
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'matchingOrders.read' })
    strictEqual((await tokens({ body })).status, 422)
    const inBody = new URLSearchParams({ ...Object.fromEntries(body), client_id: basware.sandbox.clientId })
    strictEqual((await tokens({ body: inBody })).status, 422)
    const wrong = await tokens({ body, headers: { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } })
    deepStrictEqual([wrong.status, wrong.json], [401, { error: 'invalid_client' }])
  })

  it('asks for a scope that it was not granted', async () => {
    const refused = await basware.token('matchingOrders.read vendors.read')
    deepStrictEqual([refused.status, (refused.json as Json).error], [400, 'invalid_scope'])
    basware.sandbox.tune({ ungrantedScope: 'dropped' })
    strictEqual(((await basware.token('matchingOrders.read vendors.read')).json as Json).scope, 'matchingOrders.read')
    strictEqual((await basware.token('vendors.read')).status, 400)
  })

  it('does something outside its scopes', async () => {
    const headers = await bearer('requestStatus.read')
    strictEqual((await basware.get(ORDERS, headers)).status, 401)
    basware.sandbox.tune({ noScope: 403 })
    strictEqual((await basware.get(ORDERS, headers)).status, 403)
    strictEqual((await basware.call('POST', '/v1/requestStatus/acknowledge', {}, headers)).status, 403)
  })

  it('comes with HTTP Basic, and only with the right one', async () => {
    strictEqual((await basware.get(ORDERS)).status, 200)
    for (const authorization of ['Basic bm9ib2R5Og==', client(), 'Bearer x', 'Basic %', ''])
      strictEqual((await basware.get(ORDERS, { authorization })).status, 401, authorization)
  })

  it('asks for what is no address, and gets nothing', async () => {
    const { port } = basware.sandbox
    const failed = await new Promise<unknown>((resolve) => {
      request({ port, host: '127.0.0.1', path: '//', method: 'GET' }, resolve).on('error', resolve).end()
    })
    ok(failed instanceof Error)
    strictEqual((await basware.get(ORDERS)).status, 200)
  })

  it('is nobody in another region', async () => {
    const { AU } = basware.sandbox.regions
    ok(AU && AU !== basware.sandbox.url)
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'matchingOrders.read' })
    strictEqual((await tokens({ body, headers: { authorization: client() } }, AU)).status, 401)
    const headers = await bearer('matchingOrders.read')
    strictEqual((await fetch(AU + ORDERS, { headers })).status, 401)
  })

  it('sees its own request id again, beside that of Basware', async () => {
    const own = '3d8a5b0e-92a3-4d0a-8f6e-0c9f6f4a1b2c'
    const answer = await basware.call('GET', '/v1/matchingOrders/none', undefined, { 'x-bw-request-id': own })
    strictEqual(answer.status, 404)
    strictEqual(answer.headers.get('x-bw-request-id'), own)
    ok(answer.headers.get('x-amzn-requestid'))
    basware.sandbox.tune({ bwRequestId: 'ignored' })
    const without = await basware.call('GET', ORDERS, undefined, { 'x-bw-request-id': own })
    strictEqual(without.headers.get('x-bw-request-id'), null)
    basware.sandbox.tune({ bwRequestId: 'wanted' })
    strictEqual((await basware.get(ORDERS, { 'x-bw-request-id': '' })).status, 400)
    strictEqual((await basware.get(ORDERS, { 'x-bw-request-id': own })).status, 200)
  })

  it('gets a 404 with and without the id of Basware', async () => {
    basware.sandbox.inject('html-404', { site: 'masters-get' })
    const [page, own] = [await basware.get(ORDERS), await basware.get('/v1/matchingOrders/none')]
    deepStrictEqual([page.status, page.headers.get('x-amzn-requestid')], [404, null])
    strictEqual(own.status, 404)
    ok(own.headers.get('x-amzn-requestid'))
    strictEqual(own.text, '')
    basware.sandbox.tune({ bare: 'message' })
    deepStrictEqual((await basware.get('/v1/matchingOrders/none')).json, { message: 'Not Found' })
    strictEqual((await basware.call('POST', '/v1/matchingOrders/none', {})).status, 405)
    strictEqual((await basware.get('/v1/nothing')).status, 404)
  })
})
