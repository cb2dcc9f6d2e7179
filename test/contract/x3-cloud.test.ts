import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createFaults } from '../../sandbox/faults.ts'
import { GATEWAY_SITES, type Gateway, startGateway } from '../../sandbox/x3/cloud/gateway.ts'
import type { TokenRules } from '../../sandbox/x3/cloud/pairings.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'

const application = { clientId: 'app', secret: 's3cret', redirectUris: ['http://127.0.0.1:1880/tieout/x3/callback'] }
const customer = 'https://x3.example.com'
const [redirectUri] = application.redirectUris as [string]
const DAY = 86_400_000

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
  readonly refresh_token_expires_in?: number
}

describe('the cloud gateway of the X3 sandbox', () => {
  let fixture: X3Fixture
  let gateway: Gateway
  const open = async (rules: TokenRules = {}): Promise<void> => {
    fixture = await startX3Fixture()
    const { x3, clock } = fixture
    gateway = await startGateway({ x3, clock, applications: [application], customers: [customer], rules })
  }
  afterEach(async () => {
    await gateway.close()
    await fixture.x3.close()
  })

  const authorise = (changed: Record<string, string | undefined> = {}) => {
    const wanted = {
      client_id: 'app',
      scope: 'businessDomain.ALL api.graphQL',
      customer,
      redirect_uri: redirectUri,
      state: 'xyz',
      ...changed,
    }
    const query = new URLSearchParams(Object.entries(wanted).filter((pair): pair is [string, string] => !!pair[1]))
    return fetch(`${gateway.root}/token/authorise?${query}`)
  }
  const post = async (form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: 'app', client_secret: 's3cret', ...form })
    const answer = await fetch(`${gateway.root}/token`, { method: 'POST', body })
    return { status: answer.status, body: (await answer.json()) as Tokens & { message?: string } }
  }
  const renew = (refresh: string) => post({ grant_type: 'refresh_token', refresh_token: refresh })
  const refused = async (refresh: string, message: RegExp, status = 403) => {
    const answer = await renew(refresh)
    assert.equal(answer.status, status)
    assert.match(answer.body.message ?? '', message)
  }
  const pair = async (): Promise<Tokens> => {
    await authorise()
    const [request] = gateway.pairings.open()
    const back = new URL(gateway.pairings.accept(request?.id ?? ''))
    const code = back.searchParams.get('authorizationCode') ?? ''
    const got = await post({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    assert.equal(got.status, 200, JSON.stringify(got.body))
    return got.body
  }
  const query = async (access: string, endPoint = 'SEED') => {
    const answer = await fetch(`${gateway.root}/service/${endPoint}/api`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ x3MasterData { supplier { query(first: 1) { totalCount } } } }' }),
    })
    return { status: answer.status, text: await answer.text() }
  }

  it('lists its addresses without a login', async () => {
    await open()
    const root = (await (await fetch(gateway.root)).json()) as Record<string, unknown>
    assert.deepEqual(
      [root.token, root.graphQL, root.businessDomains],
      [`${gateway.root}/token`, `${gateway.root}/service/{endPoint}/api`, ['ALL']],
    )
  })

  it('pairs when a user of X3 has accepted in his own browser, and gives rows of the folder named in the address', async () => {
    await open()
    const page = await (await authorise()).text()
    const accept = /href="([^"]+accept)"/.exec(page)?.[1] ?? ''
    const back = await fetch(new URL(accept, gateway.root), { redirect: 'manual' })
    const location = new URL(back.headers.get('location') ?? '')
    assert.equal(location.origin + location.pathname, redirectUri)
    assert.equal(location.searchParams.get('state'), 'xyz')
    const code = location.searchParams.get('authorizationCode') ?? ''
    const wrong = await post({ grant_type: 'authorization_code', code: `${code}x`, redirect_uri: redirectUri })
    assert.deepEqual([wrong.status, wrong.body.message], [403, 'Pairing request not found'])
    const got = await post({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    assert.equal(got.body.expires_in, 300)
    const again = await post({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    assert.equal(again.status, 403, 'a code is used once')
    const rows = await query(got.body.access_token)
    assert.match(rows.text, /"totalCount":30/)
    assert.equal((await query(got.body.access_token, 'NONE')).status, 400)
    assert.deepEqual(await query('nonsense'), { status: 401, text: '{"message":"Unauthorised"}' })
  })

  it('refuses what is missing or unknown in the words of its page', async () => {
    await open()
    const says = async (answer: Response) => [answer.status, ((await answer.json()) as { message: string }).message]
    assert.deepEqual(await says(await authorise({ state: undefined })), [400, 'Missing required request parameters'])
    assert.deepEqual(await says(await authorise({ customer: 'https://other' })), [404, 'customer not found'])
    assert.deepEqual(await says(await authorise({ redirect_uri: 'http://evil' })), [404, 'redirect_uri not found'])
    const grant = await post({ grant_type: 'client_credentials' })
    assert.deepEqual([grant.status, grant.body.message], [400, 'Invalid grant type'])
    gateway.pairings.disable('app')
    assert.equal((await authorise()).status, 403)
  })

  it('renews: 5 minutes, and a new refresh token each time; the whole 30 days, or those of the family', async () => {
    for (const lifetime of ['fresh', 'family'] as const) {
      await open({ lifetime, tellsEnd: true })
      const { clock } = fixture
      const first = await pair()
      assert.equal(first.refresh_token_expires_in, 30 * 86_400)
      clock.time += 299_000
      assert.equal((await query(first.access_token)).status, 200)
      clock.time += 1000
      assert.equal((await query(first.access_token)).status, 401)
      clock.time += 20 * DAY
      const second = await renew(first.refresh_token)
      assert.notEqual(second.body.refresh_token, first.refresh_token)
      assert.equal((await query(second.body.access_token)).status, 200)
      clock.time += 15 * DAY
      const third = await renew(second.body.refresh_token)
      assert.equal(third.status, lifetime === 'fresh' ? 200 : 403, lifetime)
      if (lifetime === 'fresh') {
        await gateway.close()
        await fixture.x3.close()
      }
    }
  })

  it('takes a refresh token a second time only within its grace, else the pairing is lost', async () => {
    await open({ graceSeconds: 30 })
    const first = await pair()
    await renew(first.refresh_token)
    fixture.clock.time += 29_000
    const again = await renew(first.refresh_token)
    assert.equal(again.status, 200)
    fixture.clock.time += 2000
    await refused(first.refresh_token, /not been accepted/)
    await refused(again.body.refresh_token, /not been accepted/)
    assert.equal((await query(again.body.access_token)).status, 401, 'its access token too')
  })

  it('gives an application a token in its own name only where it is set so, and then no refresh token', async () => {
    await open({ clientCredentials: true, tellsEnd: true })
    const got = await post({ grant_type: 'client_credentials' })
    assert.deepEqual(Object.keys(got.body).sort(), ['access_token', 'expires_in', 'token_type'])
    assert.equal((await query(got.body.access_token)).status, 200)
    fixture.clock.time += 300_000
    assert.equal((await query(got.body.access_token)).status, 401)
  })

  it('looks at a challenge where it is set so, and asks for one where that is set', async () => {
    const verifier = 'v'.repeat(43)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const asked = { code_challenge: challenge, code_challenge_method: 'S256' }
    const codeBy = async (more: Record<string, string>) => {
      assert.equal((await authorise(more)).status, 200)
      const back = new URL(gateway.pairings.accept(gateway.pairings.open()[0]?.id ?? ''))
      return { grant_type: 'authorization_code', code: back.searchParams.get('authorizationCode') ?? '' }
    }
    const proof = { redirect_uri: redirectUri, code_verifier: verifier }
    await open({ pkce: 'required' })
    assert.equal((await authorise()).status, 400)
    assert.equal((await post({ ...(await codeBy(asked)), redirect_uri: redirectUri })).status, 403)
    assert.equal((await post({ ...(await codeBy(asked)), ...proof, code_verifier: 'other' })).status, 403)
    assert.equal((await post({ ...(await codeBy(asked)), ...proof })).status, 200)
  })

  it('only refuses a token that was used where it is set so', async () => {
    await open({ revokesOnReuse: false })
    const first = await pair()
    const second = await renew(first.refresh_token)
    await refused(first.refresh_token, /not been accepted/)
    assert.equal((await renew(second.body.refresh_token)).status, 200)
  })

  it('loses the reply of a renewal although the token has changed', async () => {
    await open()
    const first = await pair()
    const plan = createFaults('calm', 1, GATEWAY_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    gateway.setFaults(plan)
    plan.force('gateway:token', 'reset-after')
    await assert.rejects(renew(first.refresh_token))
    await refused(first.refresh_token, /not been accepted/)
  })

  it('forgets a pairing that the customer deletes, and one that nobody accepted in time; a new one takes the old one away', async () => {
    await open()
    const first = await pair()
    gateway.pairings.deleteAll()
    await refused(first.refresh_token, /not been accepted/)
    const second = await pair()
    const third = await pair()
    await refused(second.refresh_token, /not been accepted/)
    assert.equal((await renew(third.refresh_token)).status, 200)
    await authorise()
    fixture.clock.time += 15 * DAY
    const [late] = gateway.pairings.open()
    assert.throws(() => gateway.pairings.accept(late?.id ?? ''), /expired/)
  })

  it('sends to another region, whose tokens are the same ones', async () => {
    await open()
    const { x3, clock } = fixture
    const other = await startGateway({
      x3,
      clock,
      applications: [application],
      customers: [customer],
      region: 'us',
      pairings: gateway.pairings,
    })
    try {
      await authorise()
      const [request] = gateway.pairings.open()
      const back = new URL(gateway.pairings.accept(request?.id ?? '', other.root))
      assert.equal(back.searchParams.get('endpoint'), other.root)
    } finally {
      await other.close()
    }
  })
})
