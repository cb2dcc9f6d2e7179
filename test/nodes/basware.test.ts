import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import baswareConnectionNode from '../../nodes/basware/basware-connection.ts'
import type { BaswareOptions as SandboxOptions } from '../../sandbox/basware/server.ts'
import { type BaswareFixture, startBaswareFixture } from '../support/basware.ts'
import { helper, load, watchRejections } from '../support/helper.ts'

interface Line {
  readonly ok: boolean
  readonly text: string
}

describe('basware-connection', () => {
  let fixture: BaswareFixture
  const types = [baswareConnectionNode]
  watchRejections()
  const start = async (options: Partial<SandboxOptions> = {}): Promise<void> => {
    fixture = await startBaswareFixture(options)
    await load(types, [])
  }
  afterEach(() => fixture.close())

  const test = async (more: object = {}, credentials?: object): Promise<Line[]> => {
    const { url, clientId, clientSecret: secret } = fixture.sandbox
    const config = { url, source: 'basware', clientId, redirectHosts: '127.0.0.1', ...more }
    const body = { id: 'new', config, credentials: credentials ?? { secret } }
    return (await helper.request().post('/tieout/connections/basware-connection/test').send(body)).body.lines
  }
  const bad = (lines: readonly Line[]): string[] => lines.filter((line) => !line.ok).map(({ text }) => text)

  it('Test connection says what was reached, as whom, which scopes were given, and where invoices come from', async () => {
    await start()
    const states = () =>
      (fixture.sandbox.act('documents', {}) as { p2p: { processingStatus: string }[] }).p2p.map(
        ({ processingStatus }) => processingStatus,
      )
    const before = states()
    const lines = await test()
    deepStrictEqual(bad(lines), [])
    deepStrictEqual(states(), before)
    strictEqual(lines[0]?.text, `Reached ${fixture.sandbox.url} as ${fixture.sandbox.clientId}.`)
    const scopes = lines.flatMap(({ text }) => /^(\w+\.\w+): given/.exec(text)?.[1] ?? [])
    deepStrictEqual(scopes, [
      ...['accountingDocuments.read', 'accountingDocuments.write', 'requestStatus.read'],
      ...['matchingOrders.read', 'matchingOrderLines.read'],
    ])
    ok(lines.some(({ text }) => text === `Invoices are fetched from ${fixture.sandbox.filesUrl}.`))
    match(lines.at(-1)?.text ?? '', /^Without a proxy; trusted are the public/)
  })

  it('Test connection names each scope that was not given, whether the token is refused or given without it', async () => {
    const scopes = ['accountingDocuments.read', 'accountingDocuments.write', 'matchingOrders.read']
    await start({ scopes })
    const refused = bad(await test())
    fixture.sandbox.tune({ ungrantedScope: 'dropped' })
    deepStrictEqual(bad(await test()), refused)
    deepStrictEqual(
      refused.map((text) => text.split(':')[0]),
      ['requestStatus.read', 'matchingOrderLines.read'],
    )
    match(refused[0] ?? '', /not given to this client\. Ask Basware for it \(whether an answer arrived\)/)
  })

  it('Test connection works with user and password, and tells login, address and hosts apart', async () => {
    await start({ regions: ['EU', 'US'] })
    const { username: user, password, regions } = fixture.sandbox
    deepStrictEqual(bad(await test({ login: 'basic', user }, { password })), [])
    const first = async (more: object, credentials?: object): Promise<string> =>
      bad(await test(more, credentials))[0] ?? ''
    match(await first({}, { secret: 'not it' }), /refuses it \(HTTP 401\).*Client ID or secret is wrong/)
    match(await first({ url: regions.US }), /belongs to another region/)
    match(await first({ login: 'basic', user }, { password: 'no' }), /refuses access \(HTTP 401\)/)
    match(await first({ redirectHosts: '' }), /sends the request on to http:\/\/127\.0\.0\.1:\d+ .*"Redirects to"/)
    match(
      await first({ url: '', region: 'AU', system: 'test' }),
      /test system in region AU is not known here, ask Basware/,
    )
    match(await first({ url: 'http://api.basware.com' }), /is not https/)
    match(await first({ url: 'http://127.0.0.1:9' }), /cannot be reached/)
    match(await first({ source: '' }), /Field source: Source name is missing/)
    match(await first({}, {}), /Field secret: Client secret is missing/)
    fixture.sandbox.inject('html-404', { site: 'token' })
    match(await first({}), /is not Basware's API/)
  })
})
