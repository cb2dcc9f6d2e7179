import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '../../sandbox/powerbi/limits.ts'
import { type Answer, type PowerbiCaller, startPowerbiCaller } from '../support/powerbi-caller.ts'
import { waitFor } from '../support/wait.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const wait = ({ headers }: Answer): number => Number(headers['retry-after'])
const list = (length: number, first = 0): object[] => Array.from({ length }, (_, n) => ({ a: first + n }))

describe('Power BI sandbox: limits on a clock, refreshes', () => {
  let bi: PowerbiCaller
  let now = Date.UTC(2026, 10, 20)
  before(async () => {
    bi = await startPowerbiCaller({
      clock: { now: () => now },
      workspaces: [{ name: 'Finance' }, { name: 'Premium', dedicated: true }],
      tuning: { tokenSeconds: 400 * 24 * 3600 },
    })
  })
  after(() => bi.close())
  afterEach(() => bi.sandbox.tune({ limits: LIMITS, latencyMs: 0 }))

  it('has the published limits', () => {
    const { rowsPerPost, rowsPerHour, postsPerMinute, postsPerHourWhenBig, bigTableRows, pendingPosts, fifoRows } =
      LIMITS
    assert.deepEqual(
      [rowsPerPost, rowsPerHour, postsPerMinute, postsPerHourWhenBig, bigTableRows, pendingPosts, fifoRows],
      [10_000, 1_000_000, 120, 120, 250_000, 5, 200_000],
    )
  })

  it('takes 120 posts a minute, and tells when the next one fits', async () => {
    const id = await bi.create({ a: 'Int64' })
    for (let n = 0; n < 120; n += 1) {
      assert.equal((await bi.post(id, list(1))).status, 200)
      now += 100
    }
    const refused = await bi.post(id, list(1))
    assert.equal(refused.status, 429)
    assert.equal(wait(refused), 48)
    assert.match((refused.body as { message: string }).message, /Too many POST rows/)
    // Another dataset has books of its own.
    assert.equal((await bi.post(await bi.create({ a: 'Int64' }), list(1))).status, 200)
    now += 48_000
    assert.equal((await bi.post(id, list(1))).status, 200)
  })

  it('takes so many rows an hour, in the words of the service', async () => {
    bi.sandbox.tune({ limits: { rowsPerHour: 1000 } })
    const id = await bi.create({ a: 'Int64' })
    assert.equal((await bi.post(id, list(600))).status, 200)
    now += 10 * MINUTE
    assert.equal((await bi.post(id, list(400))).status, 200)
    const refused = await bi.post(id, list(1))
    assert.equal(refused.status, 429)
    assert.match(refused.text, /You are over your rows per hour limit for this dataset\./)
    assert.equal(wait(refused), 50 * 60)
    now += 50 * MINUTE
    assert.equal((await bi.post(id, list(600))).status, 200)
    assert.equal((await bi.post(id, list(1))).status, 429)
  })

  it('takes 120 posts an hour only, once a table is big', async () => {
    bi.sandbox.tune({ limits: { bigTableRows: 1000 } })
    const id = await bi.create({ a: 'Int64' })
    await bi.post(id, list(999))
    for (let n = 0; n < 119; n += 1) {
      now += 2000
      assert.equal((await bi.post(id, n === 0 ? list(1) : [])).status, 200)
    }
    now += MINUTE
    const refused = await bi.post(id, list(1))
    assert.equal(refused.status, 429)
    assert.equal(wait(refused), 3600 - 119 * 2 - 60)
    now += wait(refused) * 1000
    assert.equal((await bi.post(id, list(1))).status, 200)
    assert.equal((await bi.post(id, list(1))).status, 429)
    await bi.call('DELETE', `/datasets/${id}/tables/T/rows`)
    assert.equal((await bi.post(id, list(1))).status, 200)
  })

  it('has five posts of a dataset under way, not more', async () => {
    const id = await bi.create({ a: 'Int64' })
    bi.sandbox.tune({ latencyMs: 300 })
    const answers = await Promise.all(Array.from({ length: 7 }, () => bi.post(id, list(1))))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 429, 429])
    bi.sandbox.tune({ latencyMs: 0 })
    assert.equal((await bi.post(id, list(1))).status, 200)
  })

  it('trims a table of basicFIFO to its newest rows, and keeps the log whole', async () => {
    bi.sandbox.tune({ limits: { fifoRows: 200, fifoUpper: 210 } })
    const id = await bi.create({ a: 'Int64' }, {}, 'basicFIFO')
    const span = async () => (await bi.dax(id, `EVALUATE ROW("n",COUNTROWS('T'),"least",MIN('T'[a]))`))[0]
    await bi.post(id, list(205))
    assert.deepEqual(await span(), { '[n]': 205, '[least]': 0 })
    await bi.post(id, list(6, 205))
    assert.deepEqual(await span(), { '[n]': 200, '[least]': 11 })
    const logged: unknown[][] = []
    for await (const part of bi.sandbox.query(`SELECT count(*) FROM "${id}"."T (log)"`)) logged.push(...part)
    assert.deepEqual(logged, [['211']])
  })

  it('refuses rows for a table that is full, unless it forgets the oldest', async () => {
    bi.sandbox.tune({ limits: { rowsPerTable: 10 } })
    const [full, fifo] = [await bi.create({ a: 'Int64' }), await bi.create({ a: 'Int64' }, {}, 'basicFIFO')]
    assert.equal((await bi.post(full, list(10))).status, 200)
    assert.equal((await bi.post(full, list(1))).status, 400)
    assert.equal((await bi.post(fifo, list(11))).status, 200)
  })

  it('counts no refused post, and knows no limit where they are lifted', async () => {
    bi.sandbox.tune({ limits: { postsPerMinute: 1 } })
    const id = await bi.create({ a: 'Int64' })
    await bi.post(id, list(1))
    for (let n = 0; n < 3; n += 1) assert.equal((await bi.post(id, list(1))).status, 429)
    now += MINUTE
    assert.equal((await bi.post(id, list(1))).status, 200)
    bi.sandbox.tune({ limits: { postsPerMinute: null } })
    for (let n = 0; n < 5; n += 1) assert.equal((await bi.post(id, list(1))).status, 200)
  })

  it('lets tokens end by the clock', async () => {
    bi.sandbox.tune({ tokenSeconds: 3599 })
    bi.forget()
    assert.equal((await bi.call('GET', '/groups')).status, 200)
    now += HOUR
    const late = await bi.call('GET', '/groups')
    assert.deepEqual([late.status, (late.body as { error: { code: string } }).error.code], [403, 'TokenExpired'])
    bi.sandbox.tune({ tokenSeconds: 400 * 24 * 3600 })
    bi.forget()
  })

  it('remembers the hour over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tieout-powerbi-'))
    const options = { file: join(folder, 'p.duckdb'), ca: folder, clock: { now: () => now } }
    const workspaces = [{ id: bi.sandbox.workspace.id, name: 'Finance' }]
    const tuning = { limits: { rowsPerHour: 1000 } }
    try {
      const first = await startPowerbiCaller({ ...options, workspaces, tuning })
      const id = await first.create({ a: 'Int64' })
      assert.equal((await first.post(id, list(600))).status, 200)
      await first.close()
      now += MINUTE
      const second = await startPowerbiCaller({ ...options, workspaces, tuning })
      const refused = await second.post(id, list(600))
      assert.deepEqual([refused.status, wait(refused)], [429, 59 * 60])
      await second.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('answers 120 queries a minute, and cuts a result that is too long with an error in it', async () => {
    now += HOUR
    const id = await bi.create({ a: 'Int64' })
    await bi.post(id, list(5))
    bi.sandbox.tune({ limits: { queriesPerMinute: 2, queryRows: 3 } })
    const query = () => bi.call('POST', `/datasets/${id}/executeQueries`, { queries: [{ query: `EVALUATE 'T'` }] })
    const cut = (await query()).body as { results: { tables: { rows: object[]; error?: { code: string } }[] }[] }
    assert.equal(cut.results[0]?.tables[0]?.rows.length, 3)
    assert.ok(cut.results[0]?.tables[0]?.error?.code)
    assert.equal((await query()).status, 200)
    const third = await query()
    assert.deepEqual([third.status, wait(third)], [429, 60])
    now += MINUTE
    assert.equal((await query()).status, 200)
  })

  describe('refreshes', () => {
    const refresh = (
      id: string,
      body: object = { notifyOption: 'NoNotification' },
      workspace = bi.sandbox.workspace.id,
    ) => bi.call('POST', `/groups/${workspace}/datasets/${id}/refreshes`, body)

    it('runs one at a time, eight in 24 hours, and lists them', async () => {
      const id = await bi.sandbox.addDataset({ name: 'Warehouse', mode: 'Import', tables: [] })
      const started = await refresh(id)
      assert.deepEqual([started.status, started.text, started.headers.location], [202, '', undefined])
      assert.equal((await refresh(id)).status, 400)
      bi.sandbox.tune({ assumed: { refreshBusy: 409 } })
      assert.equal((await refresh(id)).status, 409)
      bi.sandbox.tune({ assumed: { refreshBusy: 400 } })
      const listed = async () => {
        const { body } = await bi.call('GET', `/datasets/${id}/refreshes?$top=1`)
        return (body as { value: { status: string; endTime?: string; refreshType: string }[] }).value
      }
      assert.deepEqual(
        (await listed()).map(({ status, refreshType, endTime }) => [status, refreshType, endTime]),
        [['Unknown', 'ViaApi', undefined]],
      )
      now += 2000
      assert.equal((await listed())[0]?.status, 'Completed')
      for (let n = 0; n < 7; n += 1) {
        assert.equal((await refresh(id)).status, 202)
        now += 2000
      }
      const over = await refresh(id)
      assert.equal((over.body as { error: { code: string } }).error.code, 'Request Throttled')
      now += 24 * HOUR
      assert.equal((await refresh(id)).status, 202)
    })

    it('follows and cancels an enhanced one on dedicated capacity only', async () => {
      const [, premium] = bi.sandbox.workspaces()
      const shared = await bi.sandbox.addDataset({ name: 'Warehouse', mode: 'Import', tables: [] })
      assert.equal((await refresh(shared, { type: 'full' })).status, 400)
      const workspace = premium?.id ?? ''
      const id = await bi.sandbox.addDataset({ workspace, name: 'Warehouse', mode: 'Import', tables: [] })
      assert.equal((await refresh(id, { type: 'full', notifyOption: 'NoNotification' }, workspace)).status, 400)
      assert.equal((await refresh(id, { commitMode: 'partialBatch' }, workspace)).status, 400)
      const started = await refresh(id, { type: 'full', objects: [{ table: 'T' }] }, workspace)
      assert.equal(started.status, 202)
      const path = new URL(String(started.headers.location)).pathname.replace('/v1.0/myorg', '')
      const running = await bi.call('GET', path)
      assert.deepEqual(
        [running.status, (running.body as { extendedStatus: string }).extendedStatus],
        [202, 'InProgress'],
      )
      assert.equal((await bi.call('DELETE', path)).status, 200)
      const over = await bi.call('GET', path)
      assert.deepEqual([over.status, (over.body as { extendedStatus: string }).extendedStatus], [200, 'Cancelled'])
    })

    it('can fail, with the reason in JSON text', async () => {
      const id = await bi.sandbox.addDataset({ name: 'Warehouse', mode: 'Import', tables: [] })
      bi.sandbox.tune({ refreshEnds: 'Failed' })
      await refresh(id)
      bi.sandbox.tune({ refreshEnds: 'Completed' })
      now += 2000
      const { body } = await bi.call('GET', `/datasets/${id}/refreshes`)
      const [last] = (body as { value: { status: string; serviceExceptionJson: string }[] }).value
      assert.equal(last?.status, 'Failed')
      assert.match(JSON.parse(last?.serviceExceptionJson ?? '{}').errorCode, /ModelRefreshFailed/)
    })
  })

  it('sees rows when their time has come', async () => {
    const id = await bi.create({ a: 'Int64' })
    bi.sandbox.tune({ visibleAfterMs: [60_000, 108_000] })
    await bi.post(id, list(1))
    bi.sandbox.tune({ visibleAfterMs: 0 })
    const seen = async () => (await bi.dax(id, `EVALUATE ROW("n",COUNTROWS('T'))`))[0]?.['[n]']
    now += 59_000
    assert.equal(await seen(), null)
    await waitFor(async () => {
      now += 10_000
      return (await seen()) === 1
    })
  })
})
