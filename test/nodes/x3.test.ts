import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import x3ConnectionNode from '../../nodes/x3/x3-connection.ts'
import x3PollNode from '../../nodes/x3/x3-poll.ts'
import type { PollOptions } from '../../sync/contract/engine.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { fakeEngine, ledgerNode, summaryOf } from '../support/fake-engine.ts'
import { type FlowEntry, first, helper, inbox, load, node, watchRejections } from '../support/helper.ts'
import { waitFor } from '../support/wait.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { never } from '../support/x3-client.ts'

describe('x3-connection and x3-poll', () => {
  let fixture: X3Fixture
  const stage = { engine: fakeEngine() }
  const ledger = ledgerNode(() => stage.engine)
  const types = [ledger, x3ConnectionNode, x3PollNode]
  watchRejections()
  before(async () => {
    fixture = await startX3Fixture()
  })
  after(async () => fixture.x3.close())
  beforeEach(() => {
    stage.engine = fakeEngine()
  })

  const connection = () => ({
    url: fixture.x3.url,
    folder: fixture.x3.folder,
    clientId: fixture.x3.clientId,
    user: fixture.x3.user,
  })
  const flow = (more: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger' },
    { id: 'C', type: 'x3-connection', ...connection(), version: 1 },
    {
      id: 'p',
      type: 'x3-poll',
      syncName: 'books',
      ledger: 'L',
      connection: 'C',
      entities: [
        { entity: 'supplier', filter: '' },
        { entity: 'purchase_order', filter: "{company: {code: 'FR10'}}" },
      ],
      ledgers: 'legal, ias',
      sensitive: 'supplier.bank_account',
      version: 1,
      wires: [['out'], ['sum']],
      ...more,
    },
    { id: 'out', type: 'helper' },
    { id: 'sum', type: 'helper' },
    { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
    { id: 'caught', type: 'helper' },
  ]
  const secrets = () => ({ C: { secret: fixture.x3.secret } })
  const unsaved = (more: object = {}) => ({
    id: 'C',
    config: { ...connection(), ...more },
    credentials: { secret: '__PWRD__' },
  })
  const post = (path: string, body: object) => helper.request().post(path).send(body)

  for (const [source, words] of [
    ['${X3_SOURCE_OF_NOBODY}', /"fill":"red".*environment variable X3_SOURCE_OF_NOBODY is not set/],
    ['', /"fill":"red".*Source name is missing/],
  ] as const)
    it(`says at the deploy, in red, that the source name "${source}" is none`, async () => {
      const flows = flow().map((one) => (one.id === 'C' ? { ...one, version: 4, source } : one))
      await load(types, flows, secrets())
      const { args } = node('p').status as unknown as { args: unknown[] }
      await waitFor(() => words.test(JSON.stringify(args)))
    })

  it('gives the engine a source that reads X3, in the order of the entities', async () => {
    const read: DataRecord[] = []
    const asked: PollOptions[] = []
    stage.engine = fakeEngine({
      async poll(options) {
        asked.push(options)
        const plan = await options.source.plan('purchase_order', never)
        const page = await plan.readPage({
          walk: 'changed',
          window: { from: null, bound: null },
          cursor: null,
          nextRead: () => 1,
          signal: never,
        })
        read.push(...page.records)
        return summaryOf(options.name)
      },
    })
    await load(types, flow(), secrets())
    const sums = inbox('sum')
    node('p').receive({})
    await first(sums)
    const [options] = asked
    strictEqual(options?.name, 'books')
    strictEqual(options?.source.address, `x3://127.0.0.1:${fixture.x3.port}/SEED`)
    deepStrictEqual(options?.entities, ['supplier', 'purchase_order'])
    deepStrictEqual(options?.filters, { purchase_order: "{company: {code: 'FR10'}}" })
    ok(read.length > 0)
    ok(read.every((record) => record.company === 'FR10' && record.source === `x3:127.0.0.1:${fixture.x3.port}:SEED`))
  })

  it('a run can be asked for from the dialog, and only in words that are known', async () => {
    await load(types, flow(), secrets())
    const started = await post('/tieout/sources/x3-poll/p/run', { order: { from: '2026-01-01', to: '2026-01-31' } })
    deepStrictEqual(started.body, { started: true })
    await waitFor(() => stage.engine.polls.length === 1)
    deepStrictEqual(stage.engine.polls[0]?.scope, { kind: 'backfill', from: '2026-01-01', to: '2026-01-31' })
    strictEqual((await post('/tieout/sources/x3-poll/p/run', { order: { everything: true } })).status, 400)
    match((await post('/tieout/sources/x3-poll/nowhere/run', { order: {} })).body.error, /not deployed/)
  })

  it('Test connection says what was reached, as whom, and which right is missing', async () => {
    await load(types, flow(), secrets())
    fixture.x3.deny('purchaseInvoiceLine')
    const { body } = await post('/tieout/connections/x3-connection/test', unsaved())
    fixture.x3.allow()
    const lines = body.lines as { ok: boolean; text: string }[]
    match(lines[0]?.text ?? '', /^Reached http.*\/xtrem\/api, folder SEED, as /)
    match(lines.find(({ text }) => /clock/i.test(text))?.text ?? '', /behind ours/)
    deepStrictEqual(
      lines.filter((line) => !line.ok).map(({ text }) => /^\w+/.exec(text)?.[0]),
      ['supplier_invoice'],
    )
    match(lines.find((line) => !line.ok)?.text ?? '', /PurchaseInvoiceLine\.read/)
  })

  it('Test connection finds the form of GraphQL, chooses it in the dialog, and says which generation it is', async () => {
    await load(types, [])
    for (const [generation, form, says] of [
      ['sage', 'query', /The form of GraphQL is that of 2021/],
      ['2021', 'sage', /The form of GraphQL is today's/],
    ] as const) {
      const old = await startX3Fixture({ generation })
      const { url, folder, clientId, user, secret } = old.x3
      const { body } = await post('/tieout/connections/x3-connection/test', {
        ...{ id: 'new', config: { url, folder, clientId, user, form }, credentials: { secret } },
      })
      await old.x3.close()
      const [set, ...rest] = body.lines as { ok: boolean; text: string; set?: object }[]
      match(set?.text ?? '', says)
      deepStrictEqual(set?.set, { form: form === 'sage' ? 'query' : 'sage' })
      ok(rest.some((line) => line.ok && /^Reached /.test(line.text)))
      ok(
        rest.some((line) => /generation|packages|xtremX3|sage \{/.test(line.text)),
        JSON.stringify(rest.slice(0, 4)),
      )
    }
  })

  it('Test connection works before the first deploy, and explains a wrong secret, folder and address', async () => {
    await load(types, [])
    const test = async (config: object, secret = fixture.x3.secret) => {
      const { body } = await post('/tieout/connections/x3-connection/test', {
        id: 'new',
        config: { ...connection(), ...config },
        credentials: { secret },
      })
      return (body.lines as { ok: boolean; text: string }[])[0]
    }
    strictEqual((await test({}))?.ok, true)
    match((await test({}, 'wrong secret'))?.text ?? '', /Error 50.*Check the client secret/)
    match((await test({ folder: 'NOSUCH' }))?.text ?? '', /folder/)
    match((await test({ url: 'http://127.0.0.1:9' }))?.text ?? '', /cannot be reached/)
    match((await test({ url: 'file:///etc/passwd' }))?.text ?? '', /neither http nor https/)
    match((await test({ clientId: '' }))?.text ?? '', /Field clientId: Client ID is missing/)
    match((await test({ quietFrom: 'late', quietTo: '04:00' }))?.text ?? '', /Field quietFrom: "late" is no time/)
    match((await test({ ca: '/no/such/file' }))?.text ?? '', /Field ca: neither a certificate/)
  })

  it('Test connection says what of the web services can be posted with, once a pool is named', async () => {
    await load(types, [])
    const last = async (config: object) => {
      const { body } = await post('/tieout/connections/x3-connection/test', {
        id: 'new',
        config: { ...connection(), ...config },
        credentials: { secret: fixture.x3.secret, soapPassword: 'pw' },
      })
      return (body.lines as { ok: boolean; text: string }[]).filter(({ text }) => /web services|pool/i.test(text))
    }
    deepStrictEqual(await last({}), [])
    const [reached] = await last({ soapPool: 'TIEOUT' })
    strictEqual(reached?.ok, true)
    match(reached.text, /pool TIEOUT, as tieout\. WSGAS publishes 13 fields.*reference: BPRVCR; lines have no TAX/)
    match((await last({ soapPool: 'TIEOUT', soapPublication: 'NOSUCH' }))[0]?.text ?? '', /"NOSUCH" unknown/)
    match((await last({ soapPool: 'OTHER' }))[0]?.text ?? '', /Pool "OTHER" does not exist/)
    match((await last({ soapPool: 'TIEOUT', soapUser: 'nobody' }))[0]?.text ?? '', /refused the login/)
  })

  it('gives pick lists from the live system', async () => {
    await load(types, flow(), secrets())
    const list = async (name: string, query: object = {}) =>
      (
        (await post(`/tieout/connections/x3-connection/lists/${name}`, { ...unsaved(), query })).body.items as {
          value: string
        }[]
      ).map(({ value }) => value)
    ok((await list('entities')).includes('gl_entry'))
    const fields = await list('fields', { entity: 'purchase_order' })
    ok(fields.includes('revisionNumber') && fields.includes('purchaseSite.name'))
    ok((await list('fields', { entity: 'gl_entry', list: 'lines' })).includes('maximumMatchingDate'))
    deepStrictEqual((await list('stamps', { entity: 'supplier' })).slice(0, 2), ['_createStamp', '_updateStamp'])
    ok((await list('ledgers')).includes('legal'))
    deepStrictEqual(await list('dimensionTypes'), ['CCT', 'PRD', 'PRO'])
  })

  it('previews ten records, sensitive columns masked', async () => {
    await load(types, flow(), secrets())
    const { id: _id, type: _type, wires: _wires, ...config } = flow()[2] as FlowEntry
    const { body } = await post('/tieout/sources/x3-poll/preview', {
      config,
      entity: 'supplier',
      connection: unsaved(),
    })
    strictEqual(body.records.length, 10)
    const accounts = new Set(body.records.map((record: { bank_account: unknown }) => record.bank_account))
    for (const account of accounts) ok(account === null || account === '•••')
    const orders = await post('/tieout/sources/x3-poll/preview', {
      config,
      entity: 'purchase_order',
      connection: unsaved(),
    })
    ok(orders.body.records[0].lines.length > 0)
  })

  it('names the field that is wrong', async () => {
    await load(types, flow({ entities: [] }), secrets())
    const caught = inbox('caught')
    node('p').receive({})
    match(((await first(caught)).error as { message: string }).message, /Field entities: choose at least one entity/)
  })
})
