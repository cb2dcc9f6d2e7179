import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import intacctConnectionNode from '../../nodes/intacct/intacct-connection.ts'
import intacctQueryNode from '../../nodes/intacct/intacct-query.ts'
import type { PollOptions } from '../../sync/contract/engine.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { fakeEngine, ledgerNode, summaryOf } from '../support/fake-engine.ts'
import { type FlowEntry, first, helper, inbox, load, node, watchRejections } from '../support/helper.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'
import { waitFor } from '../support/wait.ts'
import { never } from '../support/x3-client.ts'

interface Line {
  ok: boolean
  text: string
}

describe('intacct-connection and intacct-query', () => {
  let fixture: IntacctFixture
  const stage = { engine: fakeEngine() }
  const ledger = ledgerNode(() => stage.engine)
  const types = [ledger, intacctConnectionNode, intacctQueryNode]
  watchRejections()
  beforeEach(async () => {
    stage.engine = fakeEngine()
    fixture = await startIntacctFixture()
  })
  afterEach(async () => fixture.intacct.close())

  const connection = () => ({
    senderId: fixture.intacct.senderId,
    company: fixture.intacct.companyId,
    user: fixture.intacct.userId,
    gateway: fixture.intacct.url,
    allowedHosts: '127.0.0.1',
    retryMinutes: 0.01,
  })
  const flow = (more: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger' },
    { id: 'C', type: 'intacct-connection', ...connection(), version: 1 },
    { id: 'D', type: 'intacct-connection', ...connection(), entity: fixture.intacct.entities[0]?.id, version: 1 },
    {
      id: 'p',
      type: 'intacct-query',
      syncName: 'books',
      ledger: 'L',
      connection: 'C',
      entities: [{ entity: 'supplier' }, { entity: 'LOCATION' }, { entity: 'supplier_invoice' }],
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
  const passwords = () => ({ senderPassword: fixture.intacct.senderPassword, password: fixture.intacct.userPassword })
  const secrets = () => ({ C: passwords(), D: passwords() })
  const unsaved = (more: object = {}) => ({
    id: 'C',
    config: { ...connection(), ...more },
    credentials: { senderPassword: '__PWRD__', password: '__PWRD__' },
  })
  const post = (path: string, body: object) => helper.request().post(path).send(body)
  const test = async (more: object = {}, credentials: object = passwords()): Promise<Line[]> =>
    (
      await post('/tieout/connections/intacct-connection/test', {
        id: 'new',
        config: { ...connection(), ...more },
        credentials,
      })
    ).body.lines

  it('gives the engine a source that reads Intacct, any object among its entities', async () => {
    const read: DataRecord[] = []
    const asked: PollOptions[] = []
    stage.engine = fakeEngine({
      async poll(options) {
        asked.push(options)
        for (const entity of options.entities) {
          const plan = await options.source.plan(entity, never)
          const page = await plan.readPage({
            walk: 'changed',
            window: { from: null, bound: null },
            cursor: null,
            nextRead: () => 1,
            signal: never,
          })
          read.push(...page.records)
        }
        return summaryOf(options.name)
      },
    })
    await load(types, flow(), secrets())
    const sums = inbox('sum')
    node('p').receive({})
    await first(sums)
    const [options] = asked
    strictEqual(options?.name, 'books')
    match(options?.source.address ?? '', /^intacct:\/\/127\.0\.0\.1:\d+\//)
    deepStrictEqual(options?.entities, ['supplier', 'location', 'supplier_invoice'])
    const source = `intacct:${fixture.intacct.companyId}`
    ok(read.length > 50)
    ok(read.every((record) => record.source === source))
    ok(read.some((record) => record.locationid))
    const budget = options?.source.budget?.()
    strictEqual(budget?.meter, options?.source.address)
    ok((budget?.calls.get('2026-03')?.get('VENDOR') ?? 0) > 0)
  })

  it('two connections to one company share its line', async () => {
    fixture.intacct.setLatency(15)
    stage.engine = fakeEngine({
      async poll(options) {
        await options.source.plan('supplier', never)
        return summaryOf(options.name)
      },
    })
    const second: FlowEntry = {
      ...(flow()[3] as FlowEntry),
      id: 'q',
      syncName: 'other',
      connection: 'D',
      wires: [['out'], ['sum']],
    }
    await load(types, [...flow(), second], secrets())
    const sums = inbox('sum')
    node('p').receive({})
    node('q').receive({})
    await waitFor(() => sums.length === 2)
    strictEqual(fixture.intacct.stats().sessions, 2)
    strictEqual(fixture.intacct.stats().concurrent, 1)
  })

  it('Test connection says what was reached, as whom, how dates are written, and which right is missing', async () => {
    await load(types, flow(), secrets())
    fixture.intacct.tune({ timeZone: '-08:00', auditHistory: false })
    fixture.intacct.deny('APBILLITEM')
    const { body } = await post('/tieout/connections/intacct-connection/test', unsaved())
    const lines = body.lines as Line[]
    match(lines[0]?.text ?? '', /^Signed in to \S+, top level, as /)
    match(lines.find(({ text }) => /clock/i.test(text))?.text ?? '', /behind ours/)
    match(
      lines.find(({ text }) => text.startsWith('Dates'))?.text ?? '',
      /\/mdY, 24 hours, GMT -08:00; stamps are read in GMT-08:00/,
    )
    match(lines.find(({ text }) => text.startsWith('supplier:'))?.text ?? '', /can be read \(VENDOR \d+\)/)
    match(lines.find(({ text }) => text.startsWith('dimension'))?.text ?? '', new RegExp(fixture.intacct.userDimension))
    match(lines.find(({ text }) => text.startsWith('Deletions'))?.text ?? '', /sweep finds them/)
    const bad = lines.filter((line) => !line.ok)
    strictEqual(bad.length, 1)
    match(bad[0]?.text ?? '', /supplier_invoice, APBILLITEM: .*role of the API user/)
  })

  it('Test connection works before the first deploy, and tells sender, user, company, entity and address apart', async () => {
    await load(types, [])
    ok((await test()).every((line) => line.ok))
    const one = async (more: object, credentials: object = passwords()) => {
      const lines = await test(more, credentials)
      strictEqual(lines[0]?.ok, false)
      deepStrictEqual(
        lines.slice(1).filter(({ text }) => !/^Without a proxy; trusted are the public/.test(text)),
        [],
      )
      return lines[0]?.text ?? ''
    }
    match(await one({}, { ...passwords(), senderPassword: 'Not-It-1' }), /sender ID or sender password is wrong/)
    match(await one({ senderId: 'nobody' }), /sender/)
    match(
      await one({}, { ...passwords(), password: 'Not-It-2' }),
      /refused the sign-in.*Company, user or password is wrong/,
    )
    match(await one({ user: 'nobody' }), /Company, user or password is wrong/)
    match(await one({ company: 'nobody' }), /Company, user or password is wrong/)
    match(await one({ entity: 'NOWHERE' }), /entity NOWHERE cannot be signed in to/)
    match(await one({ allowedHosts: '' }), /is not https/)
    match(await one({ gateway: 'https://evil.example/ia/xml/xmlgw.phtml' }), /is not a host of Intacct/)
    match(await one({ gateway: 'http://127.0.0.1:9/' }), /cannot be reached/)
    match(await one({ timeZone: 'Mars/Olympus' }), /is no time zone/)
    match(await one({ company: '' }), /Field company: Company ID is missing/)
    match(await one({}, { senderPassword: 'x' }), /Field password: Password is missing/)
    match(await one({ ca: '/no/such/file' }), /Field ca: neither a certificate/)
  })

  it('Test connection says when the dates of the user cannot be read', async () => {
    await load(types, [])
    fixture.intacct.tune({ dateFormat: '.dmY', clock: '12' })
    const line = (await test()).find(({ text }) => text.startsWith('Dates'))
    strictEqual(line?.ok, false)
    match(line?.text ?? '', /MM\/DD\/YYYY/)
  })

  it('gives pick lists from the live system', async () => {
    await load(types, flow(), secrets())
    const list = async (name: string, query: object = {}) =>
      (
        (await post(`/tieout/connections/intacct-connection/lists/${name}`, { ...unsaved(), query })).body.items as {
          value: string
        }[]
      ).map(({ value }) => value)
    const entities = await list('entities')
    ok(entities.includes('gl_entry') && entities.includes('dimension'))
    ok(
      entities.some((value) => /^[A-Z_]+$/.test(value)),
      'objects that are no entity of ours',
    )
    ok((await list('fields', { entity: 'supplier' })).includes('VENDORID'))
    ok((await list('fields', { entity: 'gl_entry', list: 'lines' })).includes('TR_TYPE'))
    deepStrictEqual(await list('sensitive'), ['supplier.bank_account', 'employee.name'])
    ok((await list('locations')).includes(fixture.intacct.entities[0]?.id ?? ''))
  })

  it('previews ten records, sensitive columns masked', async () => {
    await load(types, flow(), secrets())
    const { id: _id, type: _type, wires: _wires, ...config } = flow()[3] as FlowEntry
    const preview = async (entity: string) =>
      (await post('/tieout/sources/intacct-query/preview', { config, entity, connection: unsaved() })).body
    const suppliers = await preview('supplier')
    strictEqual(suppliers.records.length, 10)
    for (const { bank_account: account } of suppliers.records) ok(account === null || account === '•••')
    ok((await preview('supplier_invoice')).records[0].lines.length > 0)
    ok((await preview('LOCATION')).records[0].record_no)
  })

  it('names the field that is wrong', async () => {
    await load(types, flow({ entities: [] }), secrets())
    const caught = inbox('caught')
    node('p').receive({})
    match(((await first(caught)).error as { message: string }).message, /Field entities: choose at least one entity/)
  })
})
