import { deepStrictEqual, match, ok, strictEqual } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import powerbiConnection from '../../nodes/powerbi/powerbi-connection.ts'
import powerbiPush from '../../nodes/powerbi/powerbi-push.ts'
import { type FlowEntry, first, helper, inbox, load, node, statuses, watchRejections } from '../support/helper.ts'
import { type PowerbiFixture, startPowerbiFixture } from '../support/powerbi.ts'
import { waitFor } from '../support/wait.ts'
import { entry, journal } from '../support/warehouse.ts'

const types = [syncLedger, powerbiConnection, powerbiPush]

describe('powerbi-connection and powerbi-push', () => {
  let f: PowerbiFixture
  let dir: string
  watchRejections()
  before(async () => {
    f = await startPowerbiFixture()
  })
  after(() => f.close())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tieout-powerbi-'))
  })
  afterEach(() => {
    f.sandbox.tune({ refreshMs: 20 })
    rmSync(dir, { recursive: true, force: true })
  })

  const connection = () => ({
    tenant: f.sandbox.tenant,
    clientId: f.sandbox.clientId,
    loginUrl: f.sandbox.authorityHost,
    apiUrl: f.sandbox.apiUrl,
    ca: f.sandbox.caPem,
  })
  const flow = (more: object = {}, own: object = {}): FlowEntry[] => [
    { id: 'L', type: 'sync-ledger', file: join(dir, 'ledger.db') },
    { id: 'C', type: 'powerbi-connection', ...connection(), version: 1, ...own },
    {
      id: 'w',
      type: 'powerbi-push',
      ledger: 'L',
      connection: 'C',
      workspace: f.sandbox.workspace.id,
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
  const caughtBy = async (caught: ReturnType<typeof inbox>) =>
    ((await first(caught)) as unknown as { error: { message: string; cause: { class: string; field?: string } } }).error

  it('refuses a message without msg.sync, because sent twice it would be in twice', async () => {
    await load(types, flow(), secrets())
    const caught = inbox('caught')
    const { _read, ...record } = entry('1', { read: 1, lines: [] })
    node('w').receive({ topic: 'gl_entry', schema: journal, payload: [{ ...record, _row: 0 }] } as never)
    match((await caughtBy(caught)).message, /only appends/)
    deepStrictEqual(await f.sandbox.posts(), [])
  })

  it('a name pattern without the entity is refused by its field', async () => {
    await load(types, flow({ datasetName: 'All of it' }), secrets())
    const caught = inbox('caught')
    node('w').receive({ topic: 'gl_entry', schema: journal, payload: [] } as never)
    match((await caughtBy(caught)).message, /Field datasetName: it must contain \{entity\}/)
  })

  it('without a workspace a message fails, and the field is named', async () => {
    await load(types, flow({ workspace: '' }), secrets())
    const caught = inbox('caught')
    node('w').receive({ payload: [] } as never)
    match((await caughtBy(caught)).message, /Field workspace: Workspace is missing/)
  })

  describe('refresh mode', () => {
    const model = () => f.sandbox.addDataset({ name: 'Model', mode: 'Import', tables: [] })
    const summary = (delivered: number) => ({ payload: { run: 'r1', entities: [{ delivered }] } })

    it('refreshes after a run that delivered something, and passes the message on when it is done', async () => {
      await load(types, flow({ mode: 'refresh', datasetId: await model(), refreshPollSeconds: 0.1 }), secrets())
      const [out, seen] = [inbox('out'), statuses('w')]
      node('w').receive(summary(5) as never)
      strictEqual(((await first(out)).refresh as { status: string }).status, 'Completed')
      await waitFor(() => seen.some((status) => /^green dot refreshed/.test(status)))
    })

    it('does nothing after a run that delivered nothing', async () => {
      const before = f.sandbox.stats()['refresh-post'] ?? 0
      await load(types, flow({ mode: 'refresh', datasetId: await model(), refreshPollSeconds: 0.1 }), secrets())
      const seen = statuses('w')
      node('w').receive(summary(0) as never)
      await waitFor(() => seen.some((status) => /no refresh/.test(status)))
      strictEqual(f.sandbox.stats()['refresh-post'] ?? 0, before)
    })

    it('a refresh that fails turns the node red and tells a catch node', async () => {
      f.sandbox.tune({ refreshEnds: 'Failed' })
      await load(types, flow({ mode: 'refresh', datasetId: await model(), refreshPollSeconds: 0.1 }), secrets())
      const [caught, seen] = [inbox('caught'), statuses('w')]
      node('w').receive({ payload: 'go' } as never)
      match((await caughtBy(caught)).message, /Refresh of the dataset .*: Failed/)
      ok(seen.some((status) => status.startsWith('red ring')))
      f.sandbox.tune({ refreshEnds: 'Completed' })
    })
  })

  it('pick lists need no deploy, and push datasets alone are offered for pushing', async () => {
    await f.sandbox.addDataset({
      name: 'Pushed',
      tables: [{ name: 'T', columns: [{ name: 'a', dataType: 'String' }] }],
    })
    await f.sandbox.addDataset({ name: 'Modelled', mode: 'Import', tables: [] })
    await load(types, flow(), secrets())
    const ask = async (list: string, query: object) =>
      (
        await helper
          .request()
          .post(`/tieout/connections/powerbi-connection/lists/${list}`)
          .send({ id: 'new', config: connection(), credentials: { secret: f.sandbox.clientSecret }, query })
      ).body.items as { value: string; label: string }[]
    deepStrictEqual(
      (await ask('workspaces', {})).map(({ label }) => label),
      ['Finance'],
    )
    const workspace = f.sandbox.workspace.id
    const push = (await ask('datasets', { workspace, kind: 'push' })).map(({ label }) => label)
    const all = (await ask('datasets', { workspace })).map(({ label }) => label)
    ok(push.includes('Pushed') && !push.includes('Modelled') && all.includes('Modelled'))
  })
})
