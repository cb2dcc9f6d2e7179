/** Tokens and calls of the connection against the sandbox. */
import assert from 'node:assert/strict'
import { CLOUDS } from '../../nodes/powerbi/client/clouds.ts'
import { listWorkspaces } from '../../nodes/powerbi/client/datasets.ts'
import { refreshDataset } from '../../nodes/powerbi/client/refresh.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import { type PowerbiFixture, prepareContext, startPowerbiFixture } from '../support/powerbi.ts'

describe('Power BI connection', () => {
  let f: PowerbiFixture
  const context = prepareContext()
  before(async () => {
    f = await startPowerbiFixture()
  })
  afterEach(() => {
    f.sandbox.setFaults()
    f.sandbox.tune({ tokenSeconds: 3599, refreshMs: 20, refreshEnds: 'Completed' })
  })
  after(() => f.close())

  const tokens = (): number => f.sandbox.stats().token ?? 0
  const auth = (login: object, more: object = {}) => ({
    auth: {
      tenant: f.sandbox.tenant,
      clientId: f.sandbox.clientId,
      authority: CLOUDS.public.login,
      loginUrl: f.sandbox.authorityHost,
      resource: f.sandbox.resource,
      login: login as { kind: 'secret'; secret: string },
      ...more,
    },
  })
  const refusal = async (work: Promise<unknown>) => {
    const error = await work.then(
      () => undefined,
      (e: unknown) => e,
    )
    assert.ok(isSyncError(error), String(error))
    return error
  }

  it('ten callers at once cost one token request, and the next ones none', async () => {
    const connection = f.connect()
    const before = tokens()
    await Promise.all(Array.from({ length: 10 }, () => listWorkspaces(connection, context)))
    await listWorkspaces(connection, context)
    assert.equal(tokens() - before, 1)
  })

  it('a certificate logs in; its thumbprint needs no typing', async () => {
    const { certificatePem: certificate, privateKeyPem: privateKey } = f.sandbox
    const connection = f.connect(auth({ kind: 'certificate', certificate, privateKey }))
    assert.equal((await listWorkspaces(connection, context))[0]?.name, 'Finance')
  })

  it('a key that is not the certificate’s is refused before the first request', () => {
    const { certificatePem: certificate } = f.sandbox
    assert.throws(() => f.connect(auth({ kind: 'certificate', certificate, privateKey: 'x' })), /no private key/)
  })

  it('a wrong secret is told by number and cure, never by the secret itself', async () => {
    const error = await refusal(listWorkspaces(f.connect(auth({ kind: 'secret', secret: 'not-this-one' })), context))
    assert.equal(error.cause.class, 'auth')
    assert.match(error.message, /AADSTS7000215/)
    assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /not-this-one/)
  })

  it('a token that a reply refuses is renewed once, and the call goes on', async () => {
    const connection = f.connect()
    await listWorkspaces(connection, context)
    for (const kind of ['token-expired', 'unauthorized'] as const) {
      const before = tokens()
      f.sandbox.faults().force('groups', kind)
      await listWorkspaces(connection, context)
      assert.equal(tokens() - before, 1, kind)
    }
  })

  it('while the identity platform is down the last token is used to its end; afterwards it asks again at once, without a lock-out', async () => {
    let now = Date.now()
    const connection = f.connect({ clock: { now: () => now, wait: async () => undefined } })
    await listWorkspaces(connection, context)
    now += 56 * 60_000
    f.sandbox.faults().force('token', 'unavailable', 2)
    await listWorkspaces(connection, context)
    now += 60_000
    await listWorkspaces(connection, context)
    now += 10 * 60_000
    const before = tokens()
    await listWorkspaces(connection, context)
    assert.equal(tokens() - before, 1)
  })

  for (const kind of ['throttled', 'server-error', 'reset-before', 'cut-body', 'broken-body'] as const)
    it(`a first token that fails (${kind}) is an error that may pass, and the next call has one`, async () => {
      const connection = f.connect()
      f.sandbox.faults().force('token', kind)
      const error = await refusal(listWorkspaces(connection, context))
      assert.match(error.cause.class, /transient|throttled/)
      await listWorkspaces(connection, context)
    })

  it('an identity platform that does not answer is given up after the time-out', async () => {
    const connection = f.connect({ timeoutMs: 300 })
    f.sandbox.faults().force('token', 'timeout')
    assert.equal((await refusal(listWorkspaces(connection, context))).cause.class, 'transient')
  })

  it('a wait that Power BI asks for is told with its length', async () => {
    const connection = f.connect()
    f.sandbox.faults().force('groups', 'throttled')
    const error = await refusal(listWorkspaces(connection, context))
    assert.equal(error.cause.class, 'throttled')
    assert.ok((error.cause.retryAfterMs ?? 0) > 0)
  })

  it('without the own CA the certificate is refused, and the cure named', async () => {
    const { ca: _, ...rest } = { ca: '', ...auth({ kind: 'secret', secret: f.sandbox.clientSecret }) }
    const error = await refusal(listWorkspaces(f.connect({ ...rest, ca: '' }), context))
    assert.match(error.message, /"Tieout sandbox CA".*Own CA/)
  })

  describe('refresh', () => {
    const refresh = (dataset: string) =>
      refreshDataset(
        f.connect(),
        { workspace: f.sandbox.workspace.id, dataset, pollMs: 20, longestMs: 10_000 },
        prepareContext(),
      )
    const model = () => f.sandbox.addDataset({ name: 'Model', mode: 'Import', tables: [] })

    it('is followed to its end', async () => {
      assert.equal((await refresh(await model())).status, 'Completed')
    })

    it('waits for one that is running', async () => {
      f.sandbox.tune({ refreshMs: 200 })
      const dataset = await model()
      const [first, second] = await Promise.all([refresh(dataset), refresh(dataset)])
      assert.deepEqual([first.status, second.status], ['Completed', 'Completed'])
    })

    it('that fails is an error with a cure', async () => {
      f.sandbox.tune({ refreshEnds: 'Failed' })
      const error = await refusal(refresh(await model()))
      assert.equal(error.code, 'powerbi.refresh-failed')
      assert.match(error.cause.hint ?? '', /refresh history/)
    })

    it('beyond the eight of a day is told as such', async () => {
      const dataset = await model()
      for (let i = 0; i < 8; i++) await refresh(dataset)
      const error = await refusal(refresh(dataset))
      assert.match(error.message, /8 refreshes in 24 hours/)
    })
  })
})
