import assert from 'node:assert/strict'
import { createBooks } from '../../../sandbox/books/books.ts'
import type { Books } from '../../../sandbox/books/types.ts'
import { startX3Fixture, type X3Answer, type X3Fixture } from '../../support/x3.ts'
import { supplierIds, suppliers } from '../../support/x3-queries.ts'

describe('X3 sandbox: login', () => {
  let fixture: X3Fixture
  const tiny = '{ x3MasterData { supplier { query(first: 1) { totalCount } } } }'
  const tryToken = async (claims: Record<string, unknown>, secret?: string): Promise<string> => {
    const { status, text, headers } = await fixture.post(
      tiny,
      {},
      {
        authorization: `Bearer ${fixture.token(claims, secret)}`,
      },
    )
    if (status !== 401) return String(status)
    assert.match(headers.get('content-type') ?? '', /^text\/plain/)
    return text
  }
  const seconds = (): number => Math.floor(fixture.clock.time / 1000)

  before(async () => {
    fixture = await startX3Fixture({ tokenSeconds: 400 })
  })
  after(() => fixture.x3.close())

  it('lets a good token in', async () => assert.equal(await tryToken({}), '200'))

  it('refuses in the numbers of X3', async () => {
    assert.equal(await tryToken({ iat: seconds() + 60, exp: seconds() + 300 }), 'Error 21: Invalid token')
    assert.equal(await tryToken({ iss: 'someone' }), 'Error 41: Invalid token')
    assert.equal(await tryToken({ sub: fixture.x3.user.toUpperCase() }), 'Error 42: Invalid token')
    assert.equal(await tryToken({ aud: `${fixture.x3.url}/` }), 'Error 45: Invalid token')
    assert.equal(await tryToken({ exp: seconds() }), 'Error 50: Invalid token')
    assert.equal(await tryToken({}, 'another secret'), 'Error 50: Invalid token')
    assert.equal(await tryToken({ iat: seconds() - 500, exp: seconds() + 500 }), 'Error 50: Invalid token')
  })

  it('refuses a caller without a token, and Basic where it is off', async () => {
    for (const authorization of ['', 'Basic dGllb3V0OnB3', 'Bearer x.y.z']) {
      assert.equal((await fixture.post(tiny, {}, { authorization })).status, 401, authorization)
    }
  })

  it("lives in the ERP's time", async () => {
    const before = fixture.clock.time
    const token = fixture.token()
    fixture.clock.time += 15 * 60_000
    try {
      const { headers, text } = await fixture.post(tiny, {}, { authorization: `Bearer ${token}` })
      assert.equal(text, 'Error 50: Invalid token')
      assert.equal(Date.parse(headers.get('date') ?? ''), fixture.clock.time)
      assert.equal(await tryToken({}), '200')
    } finally {
      fixture.clock.time = before
    }
  })

  it('takes other audiences and Basic where so set', async () => {
    const basic = { user: 'ADMIN', password: 'pässword' }
    for (const audience of ['empty', 'xtrem', 'any'] as const) {
      const other = await startX3Fixture({ audience, basic })
      try {
        const aud = { empty: '', xtrem: 'xtrem', any: 'whatever' }[audience]
        const call = (authorization: string): Promise<X3Answer> => other.post(tiny, {}, { authorization })
        assert.equal((await call(`Bearer ${other.token({ aud })}`)).status, 200, audience)
        assert.equal((await call(`Bearer ${other.token()}`)).status, audience === 'any' ? 200 : 401, audience)
        const login = Buffer.from(`${basic.user}:${basic.password}`).toString('base64')
        assert.equal((await call(`Basic ${login}`)).status, 200)
      } finally {
        await other.x3.close()
      }
    }
  })

  it('refuses an unknown folder by name and serves each folder its own books', async () => {
    const other = createBooks({ seed: 99, size: 'small', today: '2026-03-10', now: () => fixture.clock.time })
    const two = await startX3Fixture({ folders: { TEST: other } })
    try {
      const read = (folder: string): Promise<X3Answer> =>
        two.post(suppliers, { first: 1000 }, { 'x-xtrem-endpoint': folder })
      const codes = (books: Books): string[] => [...books.tables.supplier.walk()].map((s) => s.code)
      assert.deepEqual(supplierIds(await read('SEED')), codes(two.books))
      assert.deepEqual(supplierIds(await two.post(suppliers, { first: 1000 })), codes(two.books))
      assert.deepEqual(supplierIds(await read('TEST')), codes(other))
      const unknown = await read('PROD')
      assert.equal(unknown.status, 400)
      assert.match(unknown.json?.errors?.[0]?.message ?? '', /PROD/)
    } finally {
      await two.x3.close()
    }
  })
})
