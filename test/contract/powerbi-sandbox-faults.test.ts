import assert from 'node:assert/strict'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { POWERBI_SITES } from '../../sandbox/powerbi/server.ts'
import { type Answer, type PowerbiCaller, startPowerbiCaller } from '../support/powerbi-caller.ts'

/** What a client gets, and whether the rows are in: for each kind at `rows-post`. */
const OUTCOMES: Readonly<Partial<Record<FaultKind, readonly [answer: number | 'dropped' | 'html', done: boolean]>>> = {
  unauthorized: [401, false],
  'token-expired': [403, false],
  throttled: [429, false],
  'server-error': [500, false],
  unavailable: [503, false],
  'reset-before': ['dropped', false],
  'reset-after': ['dropped', true],
  'error-after': [500, true],
  'broken-body': ['html', true],
  slow: [200, true],
}

describe('Power BI sandbox: faults', () => {
  let bi: PowerbiCaller
  let id = ''
  before(async () => {
    bi = await startPowerbiCaller({ tuning: { limits: { postsPerMinute: null, queriesPerMinute: null } } })
    id = await bi.create({ a: 'Int64' })
  })
  after(() => bi.close())
  afterEach(() => bi.sandbox.setFaults())

  const force = (site: string, kind: FaultKind, times = 1): void => {
    const plan = createFaults('calm', 1, POWERBI_SITES, { slowMs: 20, timeoutMs: 40, retryAfterSeconds: 7 })
    plan.force(site, kind, times)
    bi.sandbox.setFaults(plan)
  }
  const post = (): Promise<Answer | undefined> => bi.post(id, [{ a: 1 }]).catch(() => undefined)
  const posts = async (): Promise<number> => (await bi.sandbox.posts()).length

  for (const [kind, [answer, done]] of Object.entries(OUTCOMES)) {
    it(`${kind} at a POST of rows: ${answer}, and the rows are ${done ? 'in' : 'not in'}`, async () => {
      const before = await posts()
      force('rows-post', kind as FaultKind)
      const got = await post()
      if (kind === 'token-expired') bi.forget()
      const seen = got === undefined ? 'dropped' : got.text.startsWith('<html>') ? 'html' : got.status
      assert.equal(seen, answer)
      assert.equal((await posts()) - before, done ? 1 : 0)
      if (kind === 'throttled') assert.equal(got?.headers['retry-after'], '7')
    })
  }

  it('a time-out at a POST of rows: no answer, and the rows are in every second time', async () => {
    const before = await posts()
    force('rows-post', 'timeout', 2)
    assert.equal(await post(), undefined)
    const afterFirst = (await posts()) - before
    assert.equal(await post(), undefined)
    assert.deepEqual([afterFirst, (await posts()) - before], [0, 1])
  })

  it('words its refusals in four envelopes', async () => {
    const shapes: string[] = []
    for (const kind of ['unauthorized', 'throttled', 'server-error'] as const) {
      force('datasets-get', kind)
      const { body } = await bi.call('GET', '/datasets')
      const error = (body as { error?: object }).error
      shapes.push([...Object.keys(body as object), ...Object.keys(error ?? {})].join(' '))
    }
    const { body } = await bi.call('GET', `/datasets/${id}/tables/none`.replace('/tables/none', 'x'))
    shapes.push(Object.keys((body as { error: object }).error).join(' '))
    assert.deepEqual(shapes, ['error code pbi.error', 'message', 'code message', 'code'])
  })

  it('a dataset is there although its creation seemed to fail', async () => {
    const count = () => bi.sandbox.datasets().length
    const before = count()
    for (const kind of ['reset-after', 'error-after'] as const) {
      force('dataset-create', kind)
      await bi.create({ a: 'Int64' }).catch(() => undefined)
    }
    assert.equal(count() - before, 2)
  })

  it('cuts an answer with rows in it', async () => {
    force('execute-queries', 'cut-body')
    await assert.rejects(bi.dax(id, `EVALUATE 'T'`), /aborted|terminated|closed|other side/)
  })

  it('spoils tokens too', async () => {
    for (const [kind, message] of [
      ['throttled', /AADSTS90055/],
      ['reset-before', /./],
      ['broken-body', /./],
    ] as const) {
      force('token', kind)
      bi.forget()
      await assert.rejects(bi.call('GET', '/groups'), message, kind)
    }
    bi.forget()
    assert.equal((await bi.call('GET', '/groups')).status, 200)
  })

  it('meets every fault planned for posts and queries, and is calm after stop', async () => {
    const plan = createFaults('hostile', 3, POWERBI_SITES, { slowMs: 1, timeoutMs: 1, retryAfterSeconds: 1 })
    bi.sandbox.setFaults(plan)
    /** As a client does, with a new token where the old one is refused; whether it was open in between what had been done. */
    const patiently = async (act: () => Promise<Answer>): Promise<boolean> => {
      let lost = false
      for (let attempt = 0; attempt < 6; attempt += 1) {
        const answer = await act().catch(() => undefined)
        if (answer?.status === 200 && !answer.text.startsWith('<html>')) return lost
        if (answer === undefined || answer.status === 200 || answer.status >= 500) lost = true
        if (answer?.status === 401 || answer?.status === 403) bi.forget()
      }
      throw new Error('six attempts in a row were spoilt')
    }
    const ask = () => bi.call('POST', `/datasets/${id}/executeQueries`, { queries: [{ query: `EVALUATE {1}` }] })
    const open = () => plan.pending().filter(({ site }) => site !== 'token')
    for (let round = 0; round < 3 || (round < 600 && open().length > 0); round += 1) {
      if (!(await patiently(() => bi.post(id, [{ a: 1 }])))) continue
      for (let time = 0; time < 3; time += 1) await patiently(ask)
    }
    assert.deepEqual(open(), [])
    const met = plan.met()
    for (const kind of Object.keys(OUTCOMES)) assert.ok((met[`rows-post/${kind}`] ?? 0) >= 3, kind)
    plan.stop()
    bi.forget()
    assert.equal((await bi.post(id, [{ a: 1 }])).status, 200)
  })
})
