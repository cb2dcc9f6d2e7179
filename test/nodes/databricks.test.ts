import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import databricksConnection from '../../nodes/databricks/databricks-connection.ts'
import databricksWrite from '../../nodes/databricks/databricks-write.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import { type DatabricksFixture, startDatabricksFixture } from '../support/databricks.ts'
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
import { waitFor } from '../support/wait.ts'
import { entry, journal } from '../support/warehouse.ts'

const types = [syncLedger, databricksConnection, databricksWrite]
const two = [
  [1, '4000', '10.50'],
  [2, '7000', '-10.50'],
] as const

describe('databricks-connection and databricks-write', () => {
  let f: DatabricksFixture
  let dir: string
  watchRejections()
  before(async () => {
    f = await startDatabricksFixture()
  })
  after(() => f.close())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-databricks-'))
  })
  afterEach(async () => {
    f.sandbox.allow()
    for (const table of ['gl_entry', 'gl_entry_line', '_tieout_mark'])
      await f.rows(`DROP TABLE IF EXISTS main.finance.${table}`)
    rmSync(dir, { recursive: true, force: true })
  })

  const connection = () => ({
    host: f.sandbox.host,
    port: String(f.sandbox.port),
    path: f.sandbox.path,
    clientId: f.sandbox.clientId,
    catalog: 'main',
    schema: 'finance',
    volume: 'main.finance.staging',
    ca: f.sandbox.caPem,
  })
  const flow = (more: object = {}, own: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'databricks-connection', ...connection(), version: 1, ...own },
    {
      id: 'w',
      type: 'databricks-write',
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
  const secrets = () => ({ C: { secret: f.sandbox.clientSecret }, L: { key: 'a secret of the test' } })
  const unsaved = (more: object = {}, id = 'C') => ({
    id,
    config: { ...connection(), ...more },
    credentials: { secret: id === 'C' ? '__PWRD__' : f.sandbox.clientSecret },
  })
  const post = (path: string, body: object) => helper.request().post(path).send(body)
  const test = async (more: object = {}, id = 'C') =>
    (await post('/tieout/connections/databricks-connection/test', unsaved(more, id))).body.lines as {
      ok: boolean
      text: string
    }[]
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
        'SELECT number, CAST(sum(amount) AS STRING) FROM main.finance.gl_entry_line GROUP BY number ORDER BY number',
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

  it('holds a record that Databricks refuses, on its second output, and writes the others', async () => {
    await f.rows('CREATE TABLE main.finance.gl_entry (source STRING, number STRING, status STRING NOT NULL)')
    await load(types, flow(), secrets())
    const [out, held] = [inbox('out'), inbox('held')]
    const odd = { ...entry('2', { read: 1, lines: [] }), status: null }
    node('w').receive(message(entry('1', { read: 1, lines: two }), odd) as never)
    const { result } = await first(out)
    deepStrictEqual([(result as { delivered: number }).delivered, (result as { held: number }).held], [1, 1])
    match(JSON.stringify((await first(held)).error), /databricks\.23502/)
    deepStrictEqual(await f.rows('SELECT number FROM main.finance.gl_entry'), [['1']])
  })

  it('tells a catch node what is wrong, and holds nothing, when a right is missing', async () => {
    f.sandbox.deny('CREATE TABLE', 'main.finance')
    await load(types, flow(), secrets())
    const [caught, seen] = [inbox('caught'), statuses('w')]
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    const { error } = (await first(caught)) as unknown as {
      error: { message: string; code: string; cause: { class: string } }
    }
    match(error.message, /GRANT CREATE TABLE/)
    strictEqual(error.code, 'databricks.42501')
    strictEqual(error.cause.class, 'config')
    ok(seen.some((status) => status.startsWith('red ring')))
  })

  it('refuses a message without msg.sync in bronze, because sent twice it would be in twice', async () => {
    await load(types, flow({ mode: 'bronze' }), secrets())
    const caught = inbox('caught')
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    match(((await first(caught)) as unknown as { error: { message: string } }).error.message, /only appends/)
  })

  it('Test connection says what was reached, as whom, and tries every right that a load needs', async () => {
    await load(types, flow(), secrets())
    const lines = await test()
    deepStrictEqual(
      lines.map(({ ok: good }) => good),
      [true, true, true, true, true],
    )
    match(lines[4]?.text ?? '', /^Without a proxy; trusted are the public .*, and the own CA "Tieout sandbox CA"\.$/)
    match(lines[0]?.text ?? '', /Reached the warehouse \/sql\/1\.0\/warehouses\/sandbox as sandbox-client/)
    f.sandbox.deny('MODIFY', 'main.finance')
    f.sandbox.deny('WRITE VOLUME', 'main.finance.staging')
    const missing = (await test()).filter((line) => !line.ok).map(({ text }) => text)
    match(missing.join('\n'), /GRANT MODIFY ON .*main\.finance/)
    match(missing.join('\n'), /WRITE VOLUME/)
    strictEqual(missing.length, 2)
  })

  it('Test connection works before the first deploy, and explains what is wrong without showing a secret', async () => {
    await load(types, [])
    const firstLine = async (more: object) => (await test(more, 'new'))[0]?.text ?? ''
    strictEqual(
      (await test({}, 'new')).every((line) => line.ok),
      true,
    )
    match(await firstLine({ clientId: 'nobody' }), /invalid_client.*new OAuth secret/)
    match(await firstLine({ path: '/sql/1.0/warehouses/none' }), /HTTP path/)
    match(await firstLine({ host: 'http://x' }), /reached by https/)
    match(await firstLine({ ca: '' }), /"Tieout sandbox CA".*"Own CA" on the connection/)
    match(await firstLine({ port: '1' }), /firewall/)
    match(await firstLine({ clientId: '' }), /Field clientId: Client ID is missing/)
    match(await firstLine({ login: 'entra' }), /Field tenant: Tenant is missing/)
    match(await firstLine({ ca: '/no/such/file' }), /Field ca: neither a certificate/)
    match(JSON.stringify(await test({ schema: 'nowhere' }, 'new')), /CREATE SCHEMA main\.nowhere/)
    match(JSON.stringify(await test({ volume: '' }, 'new')), /No staging volume/)
    match(JSON.stringify(await test({ volume: 'main.finance.none' }, 'new')), /does not exist/)
    const all = JSON.stringify(await test({ clientId: 'nobody' }, 'new'))
    ok(!all.includes(f.sandbox.clientSecret))
  })

  it('gives pick lists from the live workspace, and the columns of a table as they are', async () => {
    await load(types, flow(), secrets())
    const list = async (name: string, query: object = {}) =>
      (await post(`/tieout/connections/databricks-connection/lists/${name}`, { ...unsaved(), query })).body.items as {
        value: string
        note?: string
      }[]
    const place = { catalog: 'main', schema: 'finance' }
    deepStrictEqual(
      (await list('catalogs')).map(({ value }) => value),
      ['main'],
    )
    ok((await list('schemas', place)).some(({ value }) => value === 'finance'))
    deepStrictEqual(
      (await list('volumes', place)).map(({ value }) => value),
      ['main.finance.staging'],
    )
    await f.rows('CREATE TABLE main.finance.gl_entry (source STRING, amount DECIMAL(18,2))')
    const columns = await list('columns', { ...place, pattern: '{catalog}.{schema}.{entity}', entity: 'gl_entry' })
    deepStrictEqual(
      columns.map(({ value, note }) => `${value} ${note?.toLowerCase()}`),
      ['source string', 'amount decimal(18,2)'],
    )
  })

  it('waits for a warehouse that starts, and shows it', async () => {
    await load(types, flow(), secrets())
    const [out, seen] = [inbox('out'), statuses('w')]
    f.sandbox.coldStart(2)
    node('w').receive(message(entry('1', { read: 1, lines: two })) as never)
    await first(out)
    ok(
      seen.some((status) => /warehouse is starting/.test(status)),
      seen.join('\n'),
    )
  })
})
