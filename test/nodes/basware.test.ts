import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { z } from 'zod'
import baswareConnectionNode from '../../nodes/basware/basware-connection.ts'
import baswarePollNode from '../../nodes/basware/basware-poll.ts'
import { type ConnectionSpec, defineConnection, defineSink } from '../../nodes/kit/kit.ts'
import type { BaswareOptions as SandboxOptions } from '../../sandbox/basware/server.ts'
import type { AnsweringSource, PollOptions } from '../../sync/contract/engine.ts'
import { type BaswareFixture, startBaswareFixture } from '../support/basware.ts'
import { fakeEngine, ledgerNode, summaryOf } from '../support/fake-engine.ts'
import { fakeInbox } from '../support/fake-inbox.ts'
import { fakeTarget } from '../support/fakes.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses, watchRejections } from '../support/helper.ts'
import { createErp } from '../support/posting-erp.ts'
import { waitFor } from '../support/wait.ts'

interface Line {
  readonly ok: boolean
  readonly text: string
}

describe('basware-connection and basware-poll', () => {
  let fixture: BaswareFixture
  const stage = { engine: fakeEngine() }
  type RED = Parameters<typeof baswarePollNode>[0]
  const ledger = ledgerNode(() => stage.engine)
  /** A sink that posts, and one that does not. */
  const sinks = (RED: RED): void => {
    const connection: ConnectionSpec<z.ZodObject, z.ZodObject, object> = {
      ...{ type: 'erp-connection', version: 1, config: z.object({}), open: () => ({}) },
    }
    defineConnection(RED, connection)
    const common = { version: 1, config: z.object({}), connection }
    defineSink(RED, { ...common, type: 'erp-post', posts: true, target: () => createErp().target() })
    defineSink(RED, { ...common, type: 'table-write', target: () => fakeTarget() })
  }
  const types = [ledger, baswareConnectionNode, baswarePollNode, sinks]
  watchRejections()
  beforeEach(() => {
    stage.engine = fakeEngine()
  })
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

  const INVOICES = ['accountingDocuments.read', 'accountingDocuments.write', 'requestStatus.read']
  const ORDERS = ['matchingOrders', 'matchingOrderLines'].flatMap((name) => [`${name}.read`, `${name}.write`])
  for (const [who, scopes, unused] of [
    ['takes invoices', [...INVOICES, ORDERS[0], ORDERS[2]], /^vendors\.write: not given; needed only to send/],
    [
      'sends orders',
      ['requestStatus.read', ...ORDERS],
      /^accountingDocuments\.read: not given; needed only to take in/,
    ],
  ] as const)
    it(`Test connection is not red for rights that nobody uses: a client that ${who}, by token or by user and password`, async () => {
      await start({ scopes: scopes.map(String) })
      const { username: user, password } = fixture.sandbox
      for (const noScope of [401, 403] as const) {
        fixture.sandbox.tune({ noScope })
        for (const lines of [await test(), await test({ login: 'basic', user }, { password })]) {
          deepStrictEqual(bad(lines), [])
          ok(lines.some(({ text }) => unused.test(text)))
        }
      }
    })

  it('Test connection names the rights that a user with a password lacks', async () => {
    await start({ scopes: INVOICES })
    const { username: user, password } = fixture.sandbox
    const missing = bad(await test({ login: 'basic', user }, { password }))
    deepStrictEqual(
      missing.map((text) => text.split(':')[0]),
      ['matchingOrders.read', 'matchingOrderLines.read'],
    )
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

  const connection = () => {
    const { url, clientId } = fixture.sandbox
    return { url, source: 'basware', clientId, redirectHosts: '127.0.0.1', version: 1 }
  }
  const config = { companies: 'FR10, GB10', visibleSeconds: 1 }
  const flow = (sink: string, more: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger' },
    { id: 'C', type: 'basware-connection', ...connection() },
    { id: 'E', type: 'erp-connection' },
    {
      ...{ id: 'p', type: 'basware-poll', syncName: 'invoices', ledger: 'L', connection: 'C', ...config, version: 1 },
      ...{ wires: [['w'], ['sum']], ...more },
    },
    { id: 'w', type: sink, ledger: 'L', connection: 'E', version: 1, wires: [[], []] },
    { id: 'sum', type: 'helper' },
    { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
    { id: 'caught', type: 'helper' },
  ]
  const deploy = async (sink: string, more: object = {}): Promise<void> => {
    fixture = await startBaswareFixture()
    await load(types, flow(sink, more), { C: { secret: fixture.sandbox.clientSecret } })
  }
  const unsaved = () => ({ id: 'C', config: connection(), credentials: { secret: '__PWRD__' } })
  const caughtError = async (): Promise<string> => {
    const caught = inbox('caught')
    node('p').receive({})
    return ((await first(caught)).error as { message: string }).message
  }

  it('gives the engine a source that takes over and answers', async () => {
    const asked: PollOptions[] = []
    const attended: AnsweringSource[] = []
    stage.engine = fakeEngine({
      attendSource(source) {
        attended.push(source)
        return () => undefined
      },
      async poll(options) {
        asked.push(options)
        return summaryOf(options.name)
      },
    })
    await deploy('erp-post')
    const sums = inbox('sum')
    node('p').receive({})
    await first(sums)
    const [options] = asked
    deepStrictEqual(options?.entities, ['basware_invoice'])
    match(options?.source.address ?? '', /^basware:\/\/127\.0\.0\.1:\d+\/basware$/)
    strictEqual(options?.sweep, undefined)
    deepStrictEqual(
      attended.map(({ sync }) => sync),
      ['invoices'],
    )
    const beside = await attended[0]?.open(new AbortController().signal)
    ok(beside?.stillOurs && beside.answer)
  })

  it('is amber after a run in which orders could not be read, beside the word for the run', async () => {
    stage.engine = fakeEngine({
      async poll({ name, source, signal }) {
        const { readPage } = await source.plan('basware_invoice', signal, fakeInbox())
        let read = 0
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const window = { from: null, bound: null }
          const page = { walk: 'approved', window, cursor: cursor ?? null, nextRead: () => ++read, signal }
          cursor = (await readPage(page)).cursor
        }
        return summaryOf(name, { verdict: 'ties', says: 'ties: each was found' })
      },
    })
    await deploy('erp-post', { visibleSeconds: 0 })
    const sums = inbox('sum')
    const shown = statuses('p')
    node('p').receive({})
    await first(sums)
    await waitFor(
      () =>
        shown.some((text) =>
          /^yellow dot ties: each was found; order not readable: \d+ matched rows? of \d+ invoice/.test(text),
        ),
      {
        what: shown.join(),
      },
    )
  })

  it('takes nothing over where nothing behind it posts', async () => {
    await deploy('table-write')
    match(await caughtError(), /reaches no node that posts, so that nothing is taken over/)
    strictEqual(fixture.sandbox.stats().acknowledge, undefined)
  })

  it('previews what waits and what would be held, and acknowledges nothing', async () => {
    await deploy('erp-post')
    const own = { ...config, syncName: 'invoices', ledger: 'L', connection: 'C', sensitive: 'bank_account' }
    const body = { config: own, entity: 'basware_invoice', connection: unsaved() }
    const { records, notices } = (await helper.request().post('/tieout/sources/basware-poll/preview').send(body)).body
    strictEqual(records.length, 10)
    ok(records.every((one: { lines: unknown[]; company: string }) => one.lines.length > 0 && one.company === 'FR10'))
    ok(Array.isArray(notices))
    strictEqual(fixture.sandbox.stats().acknowledge, undefined)
  })

  it('gives pick lists from the live system', async () => {
    await deploy('erp-post')
    const list = async (name: string) =>
      (
        (
          await helper
            .request()
            .post(`/tieout/connections/basware-connection/lists/${name}`)
            .send({ ...unsaved(), query: {} })
        ).body.items as { value: string }[]
      ).map(({ value }) => value)
    deepStrictEqual(await list('companies'), ['FR10', 'GB10', 'IE10'])
    deepStrictEqual(await list('sensitive'), ['bank_account', 'bank_account_local'])
  })

  for (const [field, value, says] of [
    ['companies', ' , ', 'name at least one company'],
    ['dateZone', 'Mars/Olympus', 'must be a time zone such as Europe/Paris'],
  ] as const)
    it(`names the field ${field} where it is wrong`, async () => {
      await deploy('erp-post', { [field]: value })
      strictEqual(await caughtError(), `Field ${field}: ${says}. Open the node and correct the field.`)
    })
})
