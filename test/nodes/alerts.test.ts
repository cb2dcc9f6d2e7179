import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { defineConnection, type defineNode, defineSink, defineSource } from '../../nodes/kit/kit.ts'
import alertChannel from '../../nodes/operations/alert-channel.ts'
import syncAlert from '../../nodes/operations/sync-alert.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { type HookServer, hookServer, type MailServer, mailServer } from '../support/alert-servers.ts'
import { type FakeTarget, fakeTarget } from '../support/fake-target.ts'
import { type FakeSource, fakeSource, supplier, supplierSchema } from '../support/fakes.ts'
import {
  type FlowEntry,
  first,
  helper,
  inbox,
  load,
  node,
  statuses,
  unload,
  watchRejections,
} from '../support/helper.ts'
import { noConnection } from '../support/no-connection.ts'
import { waitFor } from '../support/wait.ts'
import { authority } from '../support/wire-certificates.ts'

type RED = Parameters<typeof defineNode>[0]

const world: { source: FakeSource; target: FakeTarget } = { source: fakeSource({}), target: fakeTarget() }
const types = [
  syncLedger,
  alertChannel,
  syncAlert,
  (RED: RED) => defineConnection(RED, noConnection),
  (RED: RED) =>
    defineSource(RED, {
      ...{ type: 'test-source', version: 1, config: z.object({}), connection: noConnection },
      entities: () => ['supplier', 'customer'],
      source: () => world.source,
    }),
  (RED: RED) =>
    defineSink(RED, {
      ...{ type: 'test-sink', version: 1, config: z.object({}), connection: noConnection },
      target: () => world.target,
    }),
]

describe('sync-alert sends itself', () => {
  let dir: string
  let mail: MailServer
  let hook: HookServer
  watchRejections()
  before(() => {
    process.env.TIEOUT_PUBLIC_URL = 'https://tieout.example.com, http://books:8080'
  })
  after(() => {
    delete process.env.TIEOUT_PUBLIC_URL
  })
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-alerts-'))
    mail = await mailServer({ user: 'tieout', password: 'Q7-secret' })
    hook = await hookServer()
    const schemas = {
      supplier: { schema: supplierSchema },
      customer: { schema: { ...supplierSchema, entity: 'customer' } },
    }
    world.source = fakeSource(schemas)
    world.target = fakeTarget({ address: 'fake://host/books.supplier' })
    for (const code of ['A', 'B']) world.source.put('supplier', supplier(code, `Supplier ${code}`))
  })
  afterEach(async () => {
    await mail.end()
    await hook.end()
    rmSync(dir, { recursive: true, force: true })
  })

  const flow = (...more: FlowEntry[]): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', name: 'Books', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'test-connection' },
    {
      id: 's',
      type: 'test-source',
      syncName: 'books',
      ledger: 'L',
      connection: 'C',
      wires: [['w'], ['sum']],
    },
    { id: 'w', type: 'test-sink', name: 'warehouse', ledger: 'L', connection: 'C', wires: [[], []] },
    ...['sum', 'alerts'].map((id) => ({ id, type: 'helper' })),
    { id: 'M', type: 'alert-channel', ...channel() },
    ...more,
  ]
  const channel = () => ({
    ...{
      name: 'Mail',
      kind: 'mail',
      host: 'localhost',
      port: mail.port,
      noTls: true,
      user: 'tieout',
      from: 'tieout@example.com',
    },
  })
  const secrets = { L: { key: 'a secret for held records' }, M: { password: 'Q7-secret' } }
  const alert = (more: object = {}): FlowEntry => ({
    ...{ id: 'a', type: 'sync-alert', ledger: 'L', everySeconds: 1, wires: [['alerts']], connection: 'M' },
    ...{ to: 'finance@example.com, it@example.com', ...more },
  })
  const run = async (): Promise<void> => {
    const sum = inbox('sum')
    node('s').receive({})
    await first(sum)
  }
  const down = (): void =>
    world.source.onPage(() => {
      throw syncError('auth', 'fake.login', 'fake-source refuses the login', { hint: 'Enter the new password.' })
    })
  const up = (): void => world.source.onPage(() => undefined)
  const subjects = (): string[] => mail.mails.map(({ headers }) => headers.subject ?? '')

  it('one cause is one mail that names what it concerns, with the next step and a link; and one when it is over', async () => {
    await load(types, flow(alert()), secrets)
    const alerts = inbox('alerts')
    down()
    await run()

    const got = await waitFor(() => mail.mails[0], { what: 'a mail' })
    deepEqual(got.to, ['finance@example.com', 'it@example.com'])
    match(got.headers.subject ?? '', /^Tieout: .*refuses the login$/)
    match(got.text, /fake-source refuses the login/)
    match(got.text, /Entities: supplier, customer\n/)
    match(got.text, /Code: fake\.login\n/)
    match(got.text, /Next step: Enter the new password\.\n\nhttps:\/\/tieout\.example\.com\/#tieout\/runs\?sync=books$/)
    await run()
    up()
    await run()
    await waitFor(() => mail.mails.length > 1)
    match(subjects()[1] ?? '', /^Tieout: Over: .*refuses the login$/)
    match(mail.mails[1]?.text ?? '', /Until: /)
    equal(mail.mails.length, 2)
    equal(alerts.length, 4, 'the output has a message for each entity still')
  })

  it('a mail server that is down fails nothing; it is said, tried again, and a restart neither loses nor doubles', async () => {
    mail.refuse = { code: 451, text: 'try later' }
    await load(types, flow(alert()), secrets)
    const shown = statuses('a')
    down()
    await run()
    await waitFor(() => shown.some((text) => /^red .*1 message not sent: .*try later/.test(text)), {
      what: shown.join('\n'),
    })
    up()
    await run()
    await unload()
    mail.refuse = undefined
    const now = Date.now
    Date.now = () => now() + 3_600_000
    try {
      await load(types, flow(alert()), secrets)
      await waitFor(() => mail.mails.length >= 2, { what: 'both mails' })
      await waitFor(() => statuses('a').length >= 0)
      match(subjects().join(), /refuses the login,Tieout: Over: /)
      await unload()
      await load(types, flow(alert()), secrets)
      const after = statuses('a')
      await waitFor(() => after.some((text) => text.includes('no alert')))
      equal(mail.mails.length, 2)
    } finally {
      Date.now = now
    }
  })

  it('each recipient gets what he picked; records and their values stay in the house', async () => {
    world.target.tells = true
    world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name Supplier B is not known' : undefined)
    const chat = { id: 'H', type: 'alert-channel', kind: 'json', noTls: true }
    const nodes = [alert({ technical: false }), { ...alert({ id: 'b', connection: 'H', money: false, to: '' }) }, chat]
    const url = `http://127.0.0.1:${hook.port}/in/secret`
    await load(types, flow(...nodes), { ...secrets, H: { url } } as never)
    await run()
    const got = await waitFor(() => mail.mails[0])
    match(got.headers.subject ?? '', /books: records are held/)
    ok(!/Supplier B/.test(got.raw ?? '') && !/Supplier B/.test(got.text ?? ''))
    down()
    await run()
    await waitFor(() => hook.got.length > 0)
    equal(JSON.parse(hook.got[0]?.body ?? '').state, 'begins')
    equal(hook.got.length, 1)
    deepEqual(subjects(), ['Tieout: books: records are held'])
  })

  it('a channel that nobody has filled in yet sends nothing, and nothing is wrong', async () => {
    await load(types, flow(alert({ connection: 'E', to: '' }), { id: 'E', type: 'alert-channel' }), secrets)
    const seen = statuses('a')
    const alerts = inbox('alerts')
    down()
    await run()
    await first(alerts)
    await waitFor(() => seen.some((text) => text === 'red ring 2 open alerts'))
    ok(!seen.some((text) => /not sent/.test(text)))
  })

  it('the daily summary comes at its time, once, also over a restart, and counts what is held', async () => {
    world.target.tells = true
    world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name Supplier B is not known' : undefined)
    const daily = alert({ money: false, technical: false, daily: true, dailyAt: '00:00' })
    await load(types, flow(daily), secrets)
    await run()
    const seen = statuses('a')
    await waitFor(() => seen.length > 1)
    await unload()
    equal(mail.mails.length, 0)
    const now = Date
    globalThis.Date = class extends Date {
      constructor(...given: [] | [string]) {
        super(...((given.length === 0 ? [now.now() + 86_400_000] : given) as [string]))
      }
      static override now = (): number => now.now() + 86_400_000
    } as DateConstructor
    try {
      for (const restart of [false, true]) {
        if (restart) await unload()
        await load(types, flow(daily), secrets)
        const after = statuses('a')
        await waitFor(() => mail.mails.length > 0 && after.length > 1)
      }
    } finally {
      globalThis.Date = now
    }
    equal(mail.mails.length, 1)
    match(subjects()[0] ?? '', /Daily summary: 1 record moved, look at books$/)
    match(mail.mails[0]?.text ?? '', /books: 1 record moved in 1 run, open; supplier: 1 held/)
    ok(!mail.mails[0]?.text.includes('Supplier B'))
  })

  it('a certificate that a person must renew is told, and that it was renewed', async () => {
    const [old, fresh] = [await authority('Books CA', { days: 6.5 }), await authority('Books CA', { days: 400 })]
    await load(
      types,
      flow(alert({ money: false }), { id: 'T', type: 'alert-channel', name: 'Teams', kind: 'teams', ca: old.cert }),
      secrets,
    )
    await waitFor(() => mail.mails[0])
    equal(subjects()[0], 'Tieout: Teams: something ends and must be renewed')
    match(mail.mails[0]?.text ?? '', /Teams: the certificate "Books CA" in ca ends in 6 days \(/)
    await unload()
    await load(
      types,
      flow(alert({ money: false }), { id: 'T', type: 'alert-channel', name: 'Teams', kind: 'teams', ca: fresh.cert }),
      secrets,
    )
    await waitFor(() => mail.mails.length > 1)
    equal(subjects()[1], 'Tieout: Over: Teams: something ends and must be renewed')
  })

  it('the strictest limit of two recipients counts for both: none clears what the other raises', async () => {
    world.target.tells = true
    world.target.refuses = ({ name }) => (name === 'Supplier B' ? 'the name is not known' : undefined)
    await load(
      types,
      flow(alert({ heldOver: 0 }), alert({ id: 'b', heldOver: 100, wires: [[]], to: 'b@example.com' })),
      secrets,
    )
    const alerts = inbox('alerts')
    await run()
    await waitFor(() => mail.mails.length > 1)
    const seen = statuses('b')
    await waitFor(() => seen.length > 2)
    deepEqual(
      alerts.map(({ payload }) => (payload as { state: string }).state),
      ['raised'],
    )
    equal(mail.mails.length, 2)
  })

  it('Send a test goes by what the dialog holds, and says what is wrong', async () => {
    await load(types, flow(alert()), secrets)
    const test = (config: object, query: object, credentials: object = { password: '__PWRD__' }) =>
      helper
        .request()
        .post('/tieout/connections/alert-channel/actions/send')
        .send({ id: 'M', config: { ...channel(), ...config }, credentials, query })
    const done = await test({}, { to: 'me@example.com', name: 'Finance' })
    deepEqual(done.body, { text: 'Sent to me@example.com.' })
    match(subjects()[0] ?? '', /^Tieout: A test of Finance$/)
    const wrong = await test({}, { to: 'me@example.com' }, { password: 'not-this' })
    equal(wrong.status, 422)
    match(wrong.body.error, /refuses the login of tieout/)
    ok(!JSON.stringify(wrong.body).includes('not-this'))
    match((await test({ host: '' }, { to: 'me@example.com' })).body.error, /Mail server: it is missing/)
    match((await test({}, { to: '' })).body.error, /no address to send to/)
    match((await test({ kind: 'slack' }, {}, { url: 'secret-path' })).body.error, /Web hook: it is no address/)
  })
})
