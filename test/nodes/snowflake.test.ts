import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import snowflakeConnection from '../../nodes/snowflake/snowflake-connection.ts'
import snowflakeMerge from '../../nodes/snowflake/snowflake-merge.ts'
import {
  type FlowEntry,
  first,
  helper,
  inbox,
  load,
  node,
  type Seen,
  statuses,
  watchRejections,
} from '../support/helper.ts'
import { type SnowflakeFixture, startSnowflakeFixture } from '../support/snowflake.ts'
import { waitFor } from '../support/wait.ts'
import { entry, journal, two } from '../support/warehouse.ts'

const types = [syncLedger, snowflakeConnection, snowflakeMerge]

describe('snowflake-connection and snowflake-merge', () => {
  let f: SnowflakeFixture
  let dir: string
  watchRejections()
  before(async () => {
    f = await startSnowflakeFixture({ schemas: ['AP'] })
  })
  after(() => f.close())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-snowflake-'))
  })
  afterEach(async () => {
    f.sandbox.allow()
    for (const table of ['GL_ENTRY', 'GL_ENTRY_LINE', '_TIEOUT_MARK', 'GL_ENTRY_VERSIONS'])
      await f.rows(`DROP TABLE IF EXISTS ${at(table)}`)
    rmSync(dir, { recursive: true, force: true })
  })
  const at = (table: string): string => `${f.sandbox.database}.${f.sandbox.schema}.${table}`

  const connection = () => ({
    account: f.sandbox.account,
    host: f.sandbox.host,
    port: String(f.sandbox.port),
    protocol: 'http',
    login: 'keyPair',
    user: f.sandbox.user,
    role: f.sandbox.role,
    warehouse: f.sandbox.warehouse,
    database: f.sandbox.database,
    schema: f.sandbox.schema,
  })
  const flow = (more: object = {}, own: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'snowflake-connection', ...connection(), version: 1, ...own },
    {
      id: 'w',
      type: 'snowflake-merge',
      ledger: 'L',
      connection: 'C',
      version: 1,
      wires: [['out'], ['held']],
      ...more,
    },
    { id: 'out', type: 'helper' },
    { id: 'held', type: 'helper' },
    { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
    { id: 'caught', type: 'helper' },
  ]
  const key = () => ({ privateKey: f.sandbox.privateKeyPem, passphrase: f.sandbox.passphrase })
  const secrets = () => ({ C: key(), L: { key: 'a secret of the test' } })
  const unsaved = (more: object = {}, id = 'C', credentials: object = key()) => ({
    id,
    config: { ...connection(), ...more },
    credentials: id === 'C' ? { privateKey: '__PWRD__', passphrase: '__PWRD__' } : credentials,
  })
  const post = (path: string, body: object) => helper.request().post(path).send(body)
  const test = async (more: object = {}, id = 'C', credentials?: object) =>
    (await post('/tieout/connections/snowflake-connection/test', unsaved(more, id, credentials))).body.lines as {
      ok: boolean
      text: string
    }[]
  const wrongs = async (...args: Parameters<typeof test>): Promise<string> =>
    (await test(...args))
      .filter((line) => !line.ok)
      .map(({ text }) => text)
      .join('\n')
  const message = (...records: ReturnType<typeof entry>[]) => ({
    topic: 'gl_entry',
    schema: journal,
    payload: records.map(({ _read, ...record }, _row) => ({ ...record, _row })),
  })

  it('writes a message of its own, says how many, and changes nothing the second time', async () => {
    await load(types, flow(), secrets())
    const [out, seen] = [inbox('out'), statuses('w')]
    node('w').receive(message(entry('1', { read: 1, lines: two }), entry('2', { read: 1, lines: two })) as never)
    strictEqual(((await first(out)).result as { delivered: number }).delivered, 2)
    deepStrictEqual(
      await f.rows(
        `SELECT NUMBER, CAST(SUM(AMOUNT) AS VARCHAR) FROM ${at('GL_ENTRY_LINE')} GROUP BY NUMBER ORDER BY NUMBER`,
      ),
      [
        ['1', '0.00000000'],
        ['2', '0.00000000'],
      ],
    )
    await waitFor(() => seen.some((status) => /^green dot gl_entry: 2 delivered/.test(status)))
    const before = f.sandbox.stats().statements
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    await waitFor(() => out.length === 2)
    const again = out[1] as Seen
    strictEqual((again.result as { unchanged: number }).unchanged, 1)
    strictEqual(f.sandbox.stats().statements, before, 'an unchanged record costs no statement')
  })

  it('holds a record that Snowflake refuses, on its second output, and writes the others', async () => {
    await f.rows(`CREATE TABLE ${at('GL_ENTRY')} (SOURCE VARCHAR, NUMBER VARCHAR, STATUS VARCHAR(20))`)
    await load(types, flow(), secrets())
    const [out, held] = [inbox('out'), inbox('held')]
    const odd = entry('2', { read: 1, status: 'x'.repeat(5000) })
    node('w').receive(message(entry('1', { read: 1, lines: two }), odd) as never)
    const { result } = await first(out)
    deepStrictEqual([(result as { delivered: number }).delivered, (result as { held: number }).held], [1, 1])
    match(JSON.stringify((await first(held)).error), /field status.*VARCHAR\(20\)/)
    deepStrictEqual(await f.rows(`SELECT NUMBER FROM ${at('GL_ENTRY')}`), [['1']])
  })

  it('holds a record whose key is empty, and writes the others', async () => {
    await load(types, flow(), secrets())
    const [out, held] = [inbox('out'), inbox('held')]
    const odd = { ...entry('2', { read: 1 }), source: null }
    node('w').receive(message(entry('1', { read: 1, lines: two }), odd as never) as never)
    deepStrictEqual(((await first(out)).result as { held: number }).held, 1)
    match(JSON.stringify((await first(held)).error), /part of the key and empty/)
    deepStrictEqual(await f.rows(`SELECT NUMBER FROM ${at('GL_ENTRY')}`), [['1']])
  })

  it('tells a catch node what is wrong, and holds nothing, when a right is missing', async () => {
    f.sandbox.deny('CREATE TABLE', `${f.sandbox.database}.${f.sandbox.schema}`)
    await load(types, flow(), secrets())
    const [caught, seen] = [inbox('caught'), statuses('w')]
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    const { error } = (await first(caught)) as unknown as {
      error: { message: string; code: string; cause: { class: string } }
    }
    match(error.message, /GRANT USAGE, CREATE TABLE ON SCHEMA/)
    strictEqual(error.cause.class, 'config')
    ok(seen.some((status) => status.startsWith('red ring')))
  })

  it('appends every version to its own table, and refuses a message without msg.sync there', async () => {
    await load(types, flow({ mode: 'append' }), secrets())
    const caught = inbox('caught')
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    match(((await first(caught)) as unknown as { error: { message: string } }).error.message, /only appends/)
  })

  it('brings an entity into the schema that its row of the list names', async () => {
    const tables = [{ entity: 'gl_entry', pattern: '{database}.AP.own_{entity}' }]
    await load(types, flow({ tables }), secrets())
    const out = inbox('out')
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    await first(out)
    deepStrictEqual(await f.rows(`SELECT COUNT(*) FROM ${f.sandbox.database}.AP.OWN_GL_ENTRY_LINE`), [['2']])
  })

  it('Test connection says who signed in, and tries every right that a load needs', async () => {
    await load(types, flow(), secrets())
    const lines = await test()
    deepStrictEqual(
      lines.map(({ ok: good }) => good),
      [true, true, true, true, true, true, true],
      JSON.stringify(lines),
    )
    match(lines[6]?.text ?? '', /^Without a proxy; trusted are the public/)
    match(lines[0]?.text ?? '', /Signed in to TIEOUT-SANDBOX as TIEOUT_LOADER with the role LOADER/)
    f.sandbox.deny('DELETE', at('_TIEOUT_MARK'))
    match(await wrongs(), /GRANT INSERT, UPDATE, DELETE ON TABLE .*_TIEOUT_MARK TO ROLE LOADER/)
  })

  it('Test connection names which of login, role, warehouse, database, schema and right is missing', async () => {
    await load(types, [])
    const database = f.sandbox.database
    strictEqual(await wrongs({}, 'new'), '')
    match(await wrongs({ user: 'NOBODY' }, 'new'), /Login to TIEOUT-SANDBOX/)
    match(await wrongs({}, 'new', { ...key(), passphrase: 'wrong' }), /passphrase/)
    match(await wrongs({ role: 'NO_ROLE' }, 'new'), /GRANT ROLE/)
    match(await wrongs({ warehouse: 'NO_WH' }, 'new'), /GRANT USAGE ON WAREHOUSE NO_WH TO ROLE LOADER/)
    match(await wrongs({ database: 'NO_DB' }, 'new'), /GRANT USAGE ON DATABASE NO_DB TO ROLE LOADER/)
    match(await wrongs({ schema: 'NO_SCHEMA' }, 'new'), new RegExp(`ON SCHEMA ${database}\\.NO_SCHEMA TO ROLE LOADER`))
    f.sandbox.deny('CREATE TABLE', `${database}.${f.sandbox.schema}`)
    match(await wrongs({}, 'new'), /GRANT CREATE TABLE ON SCHEMA/)
    f.sandbox.allow()
    match(await wrongs({ stage: 'NO_STAGE' }, 'new'), /NO_STAGE/)
    match(await wrongs({ account: 'https://x' }, 'new'), /Field account/)
    match(await wrongs({ port: '1' }, 'new'), /firewall/)
    match(await wrongs({}, 'new', {}), /Field privateKey: Private key is missing/)
    match(await wrongs({ login: 'oauth' }, 'new', { clientSecret: 'x' }), /Field clientId: Client ID is missing/)
    match(await wrongs({ ca: '/no/such/file' }, 'new'), /Field ca: neither a certificate/)
    const all = JSON.stringify(await test({ user: 'NOBODY' }, 'new'))
    ok(!all.includes('PRIVATE KEY') && !all.includes(f.sandbox.passphrase))
  })

  it('Test connection signs in with an access token and with OAuth', async () => {
    await load(types, [])
    const { token, clientId, clientSecret, tokenUrl: oauthUrl } = f.sandbox
    strictEqual(await wrongs({ login: 'token' }, 'new', { token }), '')
    strictEqual(await wrongs({ login: 'oauth', user: '', clientId, oauthUrl }, 'new', { clientSecret }), '')
    match(await wrongs({ login: 'token' }, 'new', { token: 'nonsense' }), /make a new one/)
  })

  it('gives pick lists from the live account, the columns of a table as they are, and what a schedule costs', async () => {
    await load(types, flow(), secrets())
    const list = async (name: string, query: object = {}, more: object = {}) =>
      (await post(`/tieout/connections/snowflake-connection/lists/${name}`, { ...unsaved(more), query })).body
        .items as { value: string; note?: string }[]
    const values = async (...args: Parameters<typeof list>) => (await list(...args)).map(({ value }) => value)
    const place = { database: f.sandbox.database, schema: f.sandbox.schema }
    ok((await values('warehouses', {}, { warehouse: 'WRONG' })).includes(f.sandbox.warehouse))
    deepStrictEqual(await values('databases'), [f.sandbox.database])
    ok((await values('schemas', place)).includes('AP'))
    strictEqual((await values('stages', place))[0], '@~')
    await f.rows(`CREATE TABLE ${at('GL_ENTRY')} (SOURCE VARCHAR(20) NOT NULL, "amount" NUMBER(18,2))`)
    const columns = await list('columns', { ...place, pattern: '{database}.{schema}.{entity}', entity: 'gl_entry' })
    deepStrictEqual(
      columns.map(({ value, note }) => `${value} ${note}`),
      ['SOURCE VARCHAR(20) not null', 'amount NUMBER(18,2)'],
    )
    const cost = await values('cost', { minutes: '60', rows: '5000', entities: '10', tables: '15' })
    match(cost.join(' '), /24 runs a day.*statements a day.*AUTO_SUSPEND \d+ s/)
  })

  it('waits for a warehouse that does not run, and shows it', async () => {
    await load(types, flow(), secrets())
    const [out, seen] = [inbox('out'), statuses('w')]
    f.sandbox.suspend(2)
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    await first(out)
    ok(
      seen.some((status) => /trying again/.test(status)),
      seen.join('\n'),
    )
  })
})
