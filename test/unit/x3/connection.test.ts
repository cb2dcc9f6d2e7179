import assert from 'node:assert/strict'
import { MockAgent } from 'undici'
import { credentials } from '../../../nodes/x3/client/auth.ts'
import { createX3Connection } from '../../../nodes/x3/client/connection.ts'
import { apiUrlOf } from '../../../nodes/x3/client/http.ts'
import type { X3Options } from '../../../nodes/x3/client/options.ts'
import { serverClock } from '../../../vendor/clock.ts'
import { limiter } from '../../../vendor/limiter.ts'
import { quietMs } from '../../../vendor/quiet.ts'

const signal = new AbortController().signal
const start = Date.parse('2026-03-02T08:00:00Z')
const date = (ms: number): string => new Date(ms).toUTCString()
const claims = (header: string) =>
  JSON.parse(Buffer.from(header.replace('Bearer ', '').split('.')[1] ?? '', 'base64url').toString())
const codeOf = (code: string) => (error: { code?: string }) => error.code === code

describe('a connection to X3', () => {
  let agent: MockAgent
  let seen: { headers: Record<string, string>; body: string }[]
  beforeEach(() => {
    agent = new MockAgent()
    agent.disableNetConnect()
    seen = []
  })
  afterEach(async () => agent.close())

  type Reply = { status: number; body: string; headers?: Record<string, string> }
  const answers = (...replies: Reply[]) => {
    for (const { status, body, headers } of replies) {
      agent
        .get('https://x3.example:8124')
        .intercept({ path: '/xtrem/api', method: 'POST' })
        .reply((request) => {
          seen.push({ headers: request.headers as Record<string, string>, body: String(request.body) })
          return {
            statusCode: status,
            data: body,
            responseOptions: { headers: { 'content-type': 'application/json', ...headers } },
          }
        })
    }
  }
  const good: Reply = { status: 200, body: '{"data":{"__typename":"Query"},"extensions":{"diagnoses":[]}}' }
  const connection = (more: Partial<X3Options> = {}) =>
    createX3Connection(
      {
        url: 'https://x3.example:8124',
        folder: 'SEED',
        auth: { kind: 'jwt', clientId: 'app', secret: 'hush', user: 'Clerk' },
        now: () => start,
        ...more,
      },
      agent,
    )
  const ask = (x3 = connection(), retry: false | { attempts: number; firstDelayMs: number } = false) =>
    x3.query('{__typename}', { a: 1 }, { what: 'supplier', signal, retry })

  it('posts GraphQL with folder and a token of the connected application, back-dated', async () => {
    answers(good)
    await ask()
    const [request] = seen
    assert.deepEqual(JSON.parse(request?.body ?? ''), { query: '{__typename}', variables: { a: 1 } })
    assert.equal(request?.headers['x-xtrem-endpoint'], 'SEED')
    const token = claims(request?.headers.authorization ?? '')
    assert.deepEqual(token, {
      iss: 'app',
      sub: 'Clerk',
      aud: 'https://x3.example:8124/xtrem/api',
      iat: start / 1000 - 30,
      exp: start / 1000 + 270,
    })
  })

  it('sends user and password where Basic is chosen', async () => {
    answers(good)
    await ask(connection({ auth: { kind: 'basic', user: 'admin', password: 'pass:word' } }))
    assert.equal(seen[0]?.headers.authorization, `Basic ${Buffer.from('admin:pass:word').toString('base64')}`)
  })

  it('signs anew, once, by the clock of the refusal', async () => {
    const late = start + 900_000
    answers(
      { status: 401, body: 'Error 50: Invalid token', headers: { 'content-type': 'text/plain', date: date(late) } },
      good,
    )
    const x3 = connection()
    await ask(x3)
    assert.equal(claims(seen[1]?.headers.authorization ?? '').iat, late / 1000 - 30)
    assert.equal(x3.requests(), 2)
    answers({ status: 401, body: 'Error 50: Invalid token' }, { status: 401, body: 'Error 50: Invalid token' })
    await assert.rejects(ask(connection()), codeOf('x3.50'))
    assert.equal(seen.length, 4)
  })

  it('does not sign anew for what a new token cannot cure', async () => {
    answers({ status: 401, body: 'Error 45: Invalid token' })
    await assert.rejects(ask(), codeOf('x3.45'))
    assert.equal(seen.length, 1)
  })

  it('tries again after failures that pass, and takes data with errors for a failure', async () => {
    answers(
      { status: 503, body: '' },
      { status: 200, body: '<html><title>Maintenance</title></html>', headers: { 'content-type': 'text/html' } },
      { status: 200, body: '{"data":{"a":null},"errors":[{"message":"Lock time-out"}]}' },
      { status: 200, body: '{"data":{"__type' },
      good,
    )
    const reply = await ask(connection(), { attempts: 6, firstDelayMs: 1 })
    assert.deepEqual(reply.data, { __typename: 'Query' })
    assert.equal(seen.length, 5)
  })

  it('refuses an endless reply and a redirect to another host', async () => {
    answers({ status: 200, body: `{"data":"${'x'.repeat(5000)}"}` })
    await assert.rejects(ask(connection({ maxReplyBytes: 1000 })), codeOf('x3.too-large'))
    answers({ status: 308, body: '', headers: { location: 'https://evil.example/xtrem/api' } })
    await assert.rejects(
      ask(),
      (error: Error & { code: string }) => error.code === 'x3.redirect' && /evil\.example/.test(error.message),
    )
    answers({ status: 302, body: '', headers: { location: '/login' } })
    await assert.rejects(ask(), codeOf('x3.redirect'))
    answers({ status: 307, body: '', headers: { location: 'https://x3.example:8124/xtrem/api' } }, good)
    await ask()
  })

  it('never puts a secret into an error', async () => {
    answers({ status: 401, body: 'Error 45: Invalid token' })
    await assert.rejects(
      ask(),
      (error: Error & { cause: unknown }) => !JSON.stringify([error.message, error.cause]).includes('hush'),
    )
  })

  it('waits for Retry-After, given in seconds or as a date', async () => {
    const waits: string[] = []
    answers({ status: 429, body: '', headers: { 'retry-after': '0.01' } }, good)
    await connection().query('{__typename}', {}, { what: 'x', signal, waiting: (what) => waits.push(what) })
    assert.match(waits[0] ?? '', /throttled/)
    answers({ status: 503, body: '', headers: { date: date(start), 'retry-after': date(start + 30_000) } })
    await assert.rejects(ask(), (error: { cause: { retryAfterMs: number } }) => error.cause.retryAfterMs === 30_000)
  })

  it('completes a bare address and refuses what is no address of a server', () => {
    assert.equal(apiUrlOf('https://x3.example:8124').href, 'https://x3.example:8124/xtrem/api')
    assert.equal(apiUrlOf('https://x3.example/other/api').href, 'https://x3.example/other/api')
    assert.equal(apiUrlOf(' x3.example:8124 ').href, 'https://x3.example:8124/xtrem/api')
    for (const bad of ['x3 example', 'ftp://x3.example', 'https://user:pass@x3.example'])
      assert.throws(() => apiUrlOf(bad), codeOf('x3.url'))
  })
})

describe('tokens and limits of X3', () => {
  it('signs once for all who wait, keeps the token for four fifths of its life, then signs anew', async () => {
    let now = start
    const login = credentials(
      { kind: 'jwt', clientId: 'app', secret: 'hush', audience: { kind: 'empty' } },
      'https://x3',
      serverClock(() => now),
    )
    const all = await Promise.all([login.header(), login.header(), login.header()])
    assert.equal(new Set(all).size, 1)
    assert.equal(claims(all[0] ?? '').aud, '')
    assert.ok(!('sub' in claims(all[0] ?? '')))
    now += 200_000
    assert.equal(await login.header(), all[0])
    now += 20_000
    assert.notEqual(await login.header(), all[0])
  })

  it("knows the server's time from a reply that came just now, never a later one", () => {
    let now = start
    const clock = serverClock(() => now)
    assert.equal(clock.heard(5000), undefined)
    clock.learn(new Date(start - 90_000).toUTCString())
    now += 4000
    assert.equal(clock.heard(5000), Math.floor((start - 90_000) / 1000) * 1000)
    now += 2000
    assert.equal(clock.heard(5000), undefined, 'too long ago')
    now = start - 1000
    assert.equal(clock.heard(5000), undefined, 'our own clock was set back')
  })

  it('a header refused to one is renewed only if it is still the current one', async () => {
    let now = start
    const login = credentials(
      { kind: 'jwt', clientId: 'app', secret: 'hush' },
      'https://x3',
      serverClock(() => now),
    )
    const old = await login.header()
    now += 1000
    const fresh = await login.header(old)
    assert.notEqual(fresh, old)
    assert.equal(await login.header(old), fresh)
  })

  it('knows quiet hours over midnight and in a time zone', () => {
    const at = (time: string) => Date.parse(`2026-03-02T${time}Z`)
    const hours = { from: '22:00', to: '04:00' }
    assert.equal(quietMs(hours, at('12:00:00')), 0)
    assert.equal(quietMs(hours, at('23:00:00')), 5 * 3_600_000)
    assert.equal(quietMs(hours, at('03:59:30')), 30_000)
    assert.equal(quietMs(hours, at('04:00:00')), 0)
    assert.equal(quietMs({ ...hours, timeZone: 'Europe/Paris' }, at('21:30:00')), 5.5 * 3_600_000)
  })

  it('lets no more than the concurrency through, in order, and an aborted one leaves the queue', async () => {
    const run = limiter({ concurrency: 1, now: Date.now })
    const order: number[] = []
    let release = () => {}
    const blocked = run(() => new Promise<void>((resolve) => (release = resolve)), signal)
    const gone = new AbortController()
    const second = run(async () => void order.push(2), gone.signal)
    const third = run(async () => void order.push(3), signal)
    gone.abort(new Error('stopped'))
    await assert.rejects(second, /stopped/)
    release()
    await Promise.all([blocked, third])
    assert.deepEqual(order, [3])
  })
})
