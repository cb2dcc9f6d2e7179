/** The client of Basware on the wire: login, request ids, redirects, what counts as nothing, exact numbers. */
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict'
import type { BaswareConnection } from '../../nodes/basware/client/connection.ts'
import { apiOrigin, knownUrl, redirectFault } from '../../nodes/basware/client/options.ts'
import { isSyncError } from '../../sync/contract/errors.ts'
import type { Json } from '../support/basware.ts'
import { type BaswareRig, startBaswareRig } from '../support/basware-client.ts'

const signal = new AbortController().signal
const INVOICES = '/v1/accountingDocuments'
const WAITING = { ProcessingStatus: 'WaitingForTransfer', pageSize: '2' }
const ask = (scope = 'accountingDocuments.read') => ({ what: 'Approved invoices', scope, signal })
const list = (connection: BaswareConnection, query: Readonly<Record<string, string>> = WAITING) =>
  connection.get(INVOICES, { ...ask(), query })
const invoices = (found: { readonly data: unknown } | undefined): readonly Json[] =>
  (found?.data as { accountingDocuments?: readonly Json[] } | undefined)?.accountingDocuments ?? []
const refused = (code: string, cls: string, says: RegExp) => (error: unknown) => {
  ok(isSyncError(error), String(error))
  deepStrictEqual([error.code, error.cause.class], [code, cls], error.message)
  match(`${error.message} | ${error.cause.hint}`, says)
  return true
}

describe('the client of Basware', () => {
  let rig: BaswareRig
  beforeEach(async () => {
    rig = await startBaswareRig()
  })
  afterEach(() => rig.close())
  const tokens = () => rig.sandbox.stats().token ?? 0

  it('asks for one token for the scopes that go together, keeps it for most of its life and renews it ahead', async () => {
    await Promise.all([list(rig.connection), list(rig.connection)])
    strictEqual(tokens(), 1)
    rig.pass(2_800_000)
    await list(rig.connection)
    strictEqual(tokens(), 1)
    rig.pass(100_000)
    await list(rig.connection)
    strictEqual(tokens(), 2)
    await rig.connection.get('/v1/matchingOrders', { ...ask('matchingOrders.read'), query: { pageSize: '1' } })
    strictEqual(tokens(), 3)
  })

  it('asks for another token once where one is refused', async () => {
    rig.sandbox.tune({ tokenSeconds: 100, expiresIn: 'seconds' })
    const late = rig.connect({ now: () => 0 })
    await list(late)
    rig.pass(200_000)
    strictEqual(invoices(await list(late)).length, 2)
    strictEqual(tokens(), 2)
    const few = await startBaswareRig({
      scopes: ['accountingDocuments.write', 'requestStatus.read'],
      settings: { ungrantedScope: 'dropped' },
    })
    await rejects(list(few.connection), refused('basware.right', 'auth', /HTTP 401.*accountingDocuments\.read/s))
    strictEqual(few.sandbox.stats().token, 2)
    await few.close()
  })

  it('logs in with user and password on each request too', async () => {
    const { username: user, password } = rig.sandbox
    const connection = rig.connect({ auth: { kind: 'basic', user, password } })
    strictEqual(invoices(await list(connection)).length, 2)
    strictEqual(tokens(), 0)
    const wrong = rig.connect({ auth: { kind: 'basic', user, password: 'other' } })
    await rejects(list(wrong), refused('basware.right', 'auth', /refuses access \(HTTP 401\)/))
  })

  it('says that client or scope is refused, without asking again and without the secret', async () => {
    const { clientId } = rig.sandbox
    const wrong = rig.connect({ auth: { kind: 'oauth', clientId, clientSecret: 'hush-hush' } })
    await rejects(list(wrong), (error: Error) => {
      refused('basware.invalid_client', 'auth', /Client ID or secret is wrong/)(error)
      ok(!JSON.stringify(error).includes('hush') && !error.message.includes('hush'))
      return true
    })
    strictEqual(tokens(), 1)
    const few = await startBaswareRig({ scopes: ['accountingDocuments.read'] })
    await rejects(list(few.connection), refused('basware.invalid_scope', 'auth', /was not given one of the scopes/))
    await few.close()
  })

  it('puts a new UUID on each request to the API, and takes neither it nor the login to where a redirect leads', async () => {
    rig.sandbox.tune({ bwRequestId: 'wanted' })
    await list(rig.connection)
    await list(rig.connection)
    const all = rig.sandbox.requests()
    const ids = all.filter(({ origin }) => origin === 'api').map(({ headers }) => headers['x-bw-request-id'] ?? '')
    ok(ids.length >= 3 && new Set(ids).size === ids.length)
    for (const id of ids) match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    const away = all.filter(({ origin }) => origin === 'files')
    strictEqual(away.length, 2)
    for (const { headers } of away)
      deepStrictEqual([headers.authorization, headers['x-bw-request-id']], [undefined, undefined])
    deepStrictEqual(rig.connection.redirectedTo(), [rig.sandbox.filesUrl])
  })

  it('finds the token of the next page on whichever reply has it', async () => {
    for (const tokenOn of ['final', 'redirect', 'both'] as const) {
      rig.sandbox.tune({ tokenOn })
      const first = await list(rig.connection)
      ok(first?.continuation, tokenOn)
      const next = await rig.connection.get(INVOICES, { ...ask(), query: WAITING, continuation: first.continuation })
      ok(invoices(next)[0]?.invoiceId !== invoices(first)[0]?.invoiceId)
    }
  })

  it('takes a 404 for nothing only where Basware itself says it', async () => {
    const gone = await rig.connection.get(`${INVOICES}/nobody`, ask())
    strictEqual(gone, undefined)
    strictEqual(await list(rig.connection, { companyCode: 'NONE', pageSize: '1' }), undefined)
    rig.sandbox.inject('html-404', { site: 'documents-get' })
    await rejects(list(rig.connection), refused('basware.address', 'config', /is not Basware's API.*Check API address/))
    rig.sandbox.inject('no-request-id', { site: 'document-get' })
    await rejects(
      rig.connection.get(`${INVOICES}/nobody`, ask()),
      refused('basware.address', 'config', /lacks the request id/),
    )
    rig.sandbox.inject('html-200', { site: 'documents-get', times: 100 })
    const once = rig.connect({ retry: { attempts: 1 } })
    await rejects(list(once), refused('basware.html', 'transient', /a web page came instead/))
  })

  it('follows redirects to hosts that are allowed, and asks for a new link where one has expired', async () => {
    rig.sandbox.inject('redirect-elsewhere', { site: 'documents-get' })
    await rejects(
      list(rig.connection),
      refused('basware.redirect', 'config', /sends the request on to http:\/\/files\.invalid \(HTTP 302\)/),
    )
    rig.sandbox.inject('redirect-loop', { site: 'documents-get' })
    await rejects(list(rig.connection), refused('basware.right', 'auth', /HTTP 401/))
    rig.sandbox.inject('link-expired', { site: 'documents-get' })
    strictEqual(invoices(await list(rig.connection)).length, 2)
    const strict = rig.connect({ redirectHosts: ['amazonaws.com'] })
    await rejects(list(strict), refused('basware.redirect', 'config', /name it under "Redirects to"/))
  })

  it('tries again what may pass, and gives up a reply that is too large', async () => {
    rig.sandbox.inject('html-502', { site: 'documents-get', times: 2 })
    rig.sandbox.inject('not-json', { site: 'documents-get' })
    strictEqual(invoices(await list(rig.connection)).length, 2)
    const bounded = rig.connect({ maxReplyBytes: 1000 })
    await rejects(list(bounded), refused('basware.too-large', 'config', /greater than 1,000 bytes/))
  })

  it('loses no digit of a number', async () => {
    const [invoiceId] = (rig.sandbox.act('approve', { like: 'great amount' }) as { invoiceIds: string[] }).invoiceIds
    const truth = (rig.sandbox.act('documents', {}) as { p2p: Json[] }).p2p.find((one) => one.invoiceId === invoiceId)
    rig.sandbox.act('change', { invoiceId, fields: { netSum: 0.1 + 0.2 } })
    const found = invoices(await rig.connection.get(`${INVOICES}/${invoiceId}`, ask()))[0]
    strictEqual(found?.netSum, '0.30000000000000004')
    strictEqual(String(found?.grossSum), String(truth?.grossSum))
  })

  it('tells a refusal of a write from an outcome that nobody knows', async () => {
    const { invoiceId } = await rig.waiting()
    const acknowledge = () =>
      rig.connection.post(`${INVOICES}/${invoiceId}/acknowledge`, undefined, ask('accountingDocuments.write'))
    for (const page of ['html-200', 'html-502', 'no-request-id'] as const) {
      rig.sandbox.inject(page, { site: 'acknowledge' })
      await rejects(
        acknowledge(),
        refused(page === 'html-502' ? 'basware.502' : 'basware.html', 'unknown-outcome', /./),
      )
    }
    // The one without a request id was taken all the same.
    strictEqual((await acknowledge()).status, 405)
    const other = await rig.waiting()
    const posted = await rig.connection.post(`${INVOICES}/${other.invoiceId}/acknowledge`, undefined, ask())
    deepStrictEqual([posted.status, posted.refusal], [200, undefined])
    match(posted.requestId, /^[\da-f-]{36}$/)
    const gone = rig.connect({ url: 'http://127.0.0.1:1', auth: { kind: 'basic', user: 'u', password: 'p' } })
    await rejects(gone.post('/v1/x', {}, ask()), refused('basware.ECONNREFUSED', 'transient', /nothing listens there/))
  })
})

describe('the addresses of Basware', () => {
  it('are known for the EU alone, and go by https', () => {
    deepStrictEqual(
      [knownUrl('EU', 'production'), knownUrl('EU', 'test'), knownUrl('US', 'production'), knownUrl('CA', 'test')],
      ['https://api.basware.com', 'https://test-api.basware.com', undefined, undefined],
    )
    strictEqual(apiOrigin('api.basware.com/'), 'https://api.basware.com')
    strictEqual(apiOrigin('http://127.0.0.1:80'), 'http://127.0.0.1')
    for (const url of [
      'http://api.basware.com',
      'https://u:p@api.basware.com',
      'https://api.basware.com/v1',
      'ftp://a',
      'a b',
    ])
      strictEqual(
        (() => {
          try {
            return apiOrigin(url)
          } catch (error) {
            return (error as { code: string }).code
          }
        })(),
        'basware.url',
        url,
      )
  })

  it('may redirect to named hosts and those below them, by https where the API has it', () => {
    const to = (url: string, from = 'https://api.basware.com') =>
      redirectFault(from, new URL(url), ['amazonaws.com', 'files.test:8443'])
    strictEqual(to('https://b.s3.eu-west-1.amazonaws.com/x'), undefined)
    strictEqual(to('https://files.test:8443/x'), undefined)
    strictEqual(to('https://evilamazonaws.com/x'), 'https://evilamazonaws.com')
    strictEqual(to('https://files.test/x'), 'https://files.test')
    strictEqual(to('http://s3.amazonaws.com/x'), 'http://s3.amazonaws.com')
    strictEqual(to('http://s3.amazonaws.com/x', 'http://127.0.0.1:1'), undefined)
  })
})
