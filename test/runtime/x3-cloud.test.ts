/** X3 in the cloud as a user has it: paired in another person's browser, read with tokens that change, told when they end. */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createFaults } from '../../sandbox/faults.ts'
import { GATEWAY_SITES, type Gateway, startGateway } from '../../sandbox/x3/cloud/gateway.ts'
import { failed, type Job, startThread, succeeded, type Thread } from '../support/thread.ts'
import { waitFor } from '../support/wait.ts'

const CUSTOMER = 'https://x3.customer.example'
/** As the approver's browser knows the editor; a restart gives it another port here. */
const PUBLIC = 'https://tieout.customer.example'
const callback = `${PUBLIC}/tieout/x3/callback`

describe('X3 in the cloud', function () {
  this.timeout(120_000)
  let thread: Thread
  let gateway: Gateway
  before(async () => {
    thread = await startThread()
    const { x3, clock } = thread
    const applications = ['one', 'two', 'three', 'four'].map((clientId) => ({
      ...{ clientId, secret: `secret of ${clientId}`, redirectUris: [callback] },
    }))
    gateway = await startGateway({ x3, clock, applications, customers: [CUSTOMER] })
  })
  after(async () => {
    await gateway?.close()
    await thread?.end()
  })
  afterEach(() => thread.checkLeaks())

  const inCloud = (clientId: string, more: object = {}): Job => {
    const job = thread.begin({ entities: ['supplier'] })
    const connection = job.node('x3-connection')
    const ledger = job.node('sync-ledger').id
    Object.assign(connection, {
      login: 'cloud',
      secretFrom: '',
      url: gateway.root,
      customer: CUSTOMER,
      clientId,
      ledger,
      version: 3,
      ...more,
    })
    connection.credentials = { secret: `secret of ${clientId}` }
    return job
  }
  const act = async (job: Job, action: string, query: Record<string, string> = {}) => {
    const { credentials: _, ...config } = job.node('x3-connection')
    const body = { id: config.id, config, credentials: { secret: '__PWRD__' }, query }
    const reply = await thread.red.call('POST', `/tieout/connections/x3-connection/actions/${action}`, body)
    return {
      status: reply.status,
      body: reply.body as { url?: string; error?: string; text?: string; ok?: boolean; confirm?: string },
    }
  }
  /** What the approver's browser is sent to. */
  const accepted = async (job: Job, endpoint?: string, at: Gateway = gateway): Promise<string> => {
    const asked = await act(job, 'connect', { redirect: callback })
    equal(asked.status, 200, JSON.stringify(asked.body))
    equal((await fetch(asked.body.url ?? '')).status, 200)
    return at.pairings.accept(at.pairings.open()[0]?.id ?? '', endpoint)
  }
  const visit = async (url: string) => {
    const reply = await fetch(url.replace(PUBLIC, thread.red.url))
    return { status: reply.status, text: await reply.text(), headers: reply.headers }
  }

  it('is paired by whoever accepts, without a login to the editor, once; then the flow reads as from X3 itself', async () => {
    const job = inCloud('one')
    await job.deploy()
    match(failed(await job.run()).message, /not paired/)
    const url = await accepted(job)
    const state = new URL(url).searchParams.get('state') ?? ''
    equal(Buffer.from(state, 'base64url').length, 32, 'of 256 bits')
    const wrong = await visit(url.replace(state, `${state.slice(0, -2)}AA`))
    equal(wrong.status, 400)
    match(wrong.text, /no pairing that is waited for/)
    const paired = await visit(url)
    equal(paired.status, 200, paired.text)
    match(paired.text, /Paired by admin on/)
    match(paired.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    equal((await visit(url)).status, 400, 'a state counts once')
    succeeded(await job.run())
    await job.ties()
    const before = gateway.exchanges()
    await thread.restart('SIGKILL')
    succeeded(await job.run())
    equal(gateway.exchanges(), before, 'the stored pair goes on')
    match((await act(job, 'state')).body.text ?? '', /^Paired by admin/)
  })

  it('takes the address that came back, pasted, and a refresh token', async () => {
    const job = inCloud('two')
    await job.deploy()
    const url = await accepted(job)
    const pasted = await act(job, 'paste', { text: url })
    equal(pasted.body.ok, true, JSON.stringify(pasted.body))
    succeeded(await job.run())
    const form = { client_id: 'two', client_secret: 'secret of two', redirect_uri: callback }
    await fetch(
      `${gateway.root}/token/authorise?${new URLSearchParams({ ...form, scope: 'api.graphQL', customer: CUSTOMER, state: 'x' })}`,
    )
    const back = new URL(gateway.pairings.accept(gateway.pairings.open()[0]?.id ?? ''))
    const code = back.searchParams.get('authorizationCode') ?? ''
    const pair = gateway.pairings.exchange(new URLSearchParams({ ...form, grant_type: 'authorization_code', code }))
    equal((await act(job, 'paste', { text: 'not a token' })).status, 422)
    const taken = await act(job, 'paste', { text: pair.refreshToken })
    equal(taken.body.ok, true, JSON.stringify(taken.body))
    succeeded(await job.run())
  })

  it('goes to another region only where a person has confirmed its host', async () => {
    const job = inCloud('three')
    await job.deploy()
    const { x3, clock } = thread
    const other = await startGateway({
      ...{ x3, clock, applications: [], customers: [CUSTOMER] },
      region: 'us',
      pairings: gateway.pairings,
    })
    try {
      const url = await accepted(job, other.root)
      const asked = await visit(url)
      equal(asked.status, 400)
      match(asked.text, /no known address of Sage/)
      equal(other.exchanges(), 0, 'the secret went nowhere')
      const { host } = new URL(other.root)
      equal((await act(job, 'state')).body.confirm, host)
      equal((await act(job, 'confirm', { host: 'evil.example' })).status, 422)
      equal((await act(job, 'confirm', { host })).body.ok, true)
      equal(other.exchanges(), 1)
      succeeded(await job.run())
      equal(other.exchanges(), 1)
    } finally {
      await other.close()
    }
  })

  it('pairs with PKCE where it is ticked, at a gateway that asks for it and at one that does not know it', async () => {
    const { x3, clock } = thread
    const application = { clientId: 'five', secret: 'secret of five', redirectUris: [callback] }
    const strict = await startGateway({
      ...{ x3, clock, applications: [application], customers: [CUSTOMER] },
      rules: { pkce: 'required' },
    })
    try {
      const job = inCloud('five', { url: strict.root, pkce: true })
      await job.deploy()
      equal((await visit(await accepted(job, undefined, strict))).status, 200)
      succeeded(await job.run())
      await job.ties()
      job.node('x3-connection').pkce = false
      await job.deploy()
      const { url = '' } = (await act(job, 'connect', { redirect: callback })).body
      equal((await fetch(url)).status, 400, 'without it this gateway refuses')
    } finally {
      await strict.close()
    }
    const other = inCloud('five', { clientId: 'two', pkce: true })
    other.node('x3-connection').credentials = { secret: 'secret of two' }
    await other.deploy()
    equal((await visit(await accepted(other))).status, 200)
    succeeded(await other.run())
  })

  it('reads by client credentials without a pairing or a ledger, and says what to do where the gateway gives none', async () => {
    const { x3, clock } = thread
    const application = { clientId: 'six', secret: 'secret of six', redirectUris: [] }
    const giving = await startGateway({
      ...{ x3, clock, applications: [application], customers: [CUSTOMER] },
      rules: { clientCredentials: true },
    })
    try {
      const job = inCloud('six', { url: giving.root, login: 'cloudClient', ledger: '' })
      await job.deploy()
      succeeded(await job.run())
      await job.ties()
    } finally {
      await giving.close()
    }
    const refused = inCloud('three', { login: 'cloudClient', ledger: '' })
    await refused.deploy()
    match(failed(await refused.run()).message, /Invalid grant type/)
  })

  it('a pairing that is lost fails the run with its position kept, says so through sync-alert, and is over with a new one', async () => {
    const job = inCloud('four')
    await job.deploy()
    equal((await visit(await accepted(job))).status, 200)
    succeeded(await job.run())
    const [supplier] = [...job.books.tables.supplier.walk()]
    ok(supplier)
    job.put('supplier', { ...supplier, currency: 'XXX' })
    gateway.pairings.deleteAll()
    const error = failed(await job.run())
    match(error.message, /pairing with X3 in the cloud was lost at .*Nothing is lost meanwhile/)
    const told = () =>
      job.seen.flatMap(({ kind, message }) =>
        kind === 'alert' ? [message.payload as { kind: string; state: string }] : [],
      )
    await waitFor(() => told().some(({ kind, state }) => kind === 'login' && state === 'raised'))
    equal((await visit(await accepted(job))).status, 200)
    const ran = await job.run()
    succeeded(ran)
    equal(ran.summary?.entities.find(({ entity }) => entity === 'supplier')?.delivered, 1)
    await job.ties()
    await waitFor(() => told().some(({ kind, state }) => kind === 'login' && state === 'cleared'))
    deepEqual(gateway.pairings.open(), [])
  })

  it('reads through a gateway that fails in every way of a token', async () => {
    const job = inCloud('one')
    await job.deploy()
    const plan = createFaults('calm', 1, GATEWAY_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    gateway.setFaults(plan)
    equal((await visit(await accepted(job))).status, 200)
    gateway.pairings.endAccess()
    plan.force('gateway:token', 'unavailable')
    succeeded(await job.run())
    await job.ties()
  })
})
