import assert from 'node:assert/strict'
import { createFaults } from '../../sandbox/faults.ts'
import { INTACCT_SITES, type Injection } from '../../sandbox/intacct/server.ts'
import { child, parseXml, textOf } from '../../sandbox/xml.ts'
import { type IntacctAnswer, type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'

const ask = (rest = ''): string =>
  `<query><object>VENDOR</object><select><field>RECORDNO</field><field>NAME</field></select>${rest}</query>`

describe('Intacct sandbox: what goes wrong', () => {
  let fixture: IntacctFixture
  let call: IntacctFixture['call']

  beforeEach(async () => {
    fixture = await startIntacctFixture()
    ;({ call } = fixture)
    await fixture.signIn()
  })
  afterEach(() => fixture.intacct.close())

  /** [what is injected, HTTP status, level, errorno, text]: the error table of the facts. */
  const table: readonly (readonly [Injection, number, string, string, RegExp])[] = [
    ['wrong-sender', 200, 'control', 'XL03000006', /^Incorrect Intacct XML Partner ID or password\.$/],
    ['wrong-policy', 200, 'control', 'XL03000006', /^ASYNC1 is not a valid transport policy\.$/],
    ['wrong-user', 200, 'operation', 'XL03000006', /^Sign-in information is incorrect$/],
    ['sender-not-authorized', 200, 'operation', 'XL03000006', /^Invalid Web Services Authorization \| .* \| Contact/],
    ['invalid-session', 200, 'operation', 'XL03000006', /^Invalid session q\.\.\.\.$/],
    [
      'sign-in-401',
      401,
      'control',
      'XMLGW_JPP0002',
      /^Sign-in information is incorrect\. Please check your request\.$/,
    ],
    ['company-expired', 200, 'control', 'PL04000055', /expired/],
    ['schema', 200, 'control', 'XL03000003', /^XML Parse schema error: .* Line: 18, column: 62\.$/],
    ['gateway-400', 400, 'control', 'GW-0011', /^Invalid Request \[Request ID: .*\]$/],
    ['throttled-429', 429, 'control', 'GW-0010', /limit/],
    ['offline', 200, 'result', 'PL03000001', /^The Service is Temporarily Off-line .*\| Please Try Again Later$/],
    ['generic', 200, 'result', 'DL02000001', /^There was an error processing the request\. .*\[Support ID: .*%7E/],
    [
      'no-permission',
      200,
      'result',
      'PL04000005',
      /^You do not have permission for API operation READ_BY_QUERY on objects of type vendor/,
    ],
    ['object-not-found', 200, 'result', 'Query Failed', /^Object definition VENDOR not found$/],
    ['invalid-fields', 200, 'result', 'Invalid fields list x', /^$/],
    ['rolled-back', 200, 'result', 'XL03000009', /rolled back/],
    ['several-errors', 200, 'result', 'BL34000061', /O'Neill.*Could not create project record!$/],
    ['partial-data', 200, 'result', 'PL03000001', /Please Try Again Later$/],
  ]
  for (const [what, status, level, errorno, text] of table) {
    it(`answers ${what} as the error table has it, once`, async () => {
      fixture.intacct.inject(what)
      const answer = await call(ask())
      assert.equal(answer.status, status)
      assert.deepEqual([answer.error?.level, answer.error?.errorno], [level, errorno])
      assert.match(answer.error?.texts ?? '', text)
      assert.equal(answer.headers.get('content-type'), 'text/xml; encoding="UTF-8"')
      const operation = child(answer.root, 'operation')
      assert.equal(operation === undefined, level === 'control')
      if (level === 'result') assert.equal(textOf(answer.result, 'status'), 'failure')
      assert.equal((await call(ask())).error, undefined)
    })
  }

  it('fails with data that is not all of it', async () => {
    fixture.intacct.inject('partial-data', { on: 'VENDOR' })
    await fixture.query('APBILL', ['RECORDNO'])
    const { result, error } = await call(ask())
    const data = child(result, 'data')
    assert.equal(error?.level, 'result')
    assert.ok((data?.children.length ?? 0) > 0)
    assert.ok((data?.children.length ?? 0) < Number(data?.attributes.count))
  })

  it('answers what is no XML of the gateway', async () => {
    const cases: readonly (readonly [Injection, number, RegExp])[] = [
      ['cloudflare-500', 500, /cf-error-details/],
      ['cloudflare-520', 520, /cf-error-details/],
      ['upstream-503', 503, /^upstream connect error/],
      ['gateway-504', 504, /504 Gateway/],
      ['html-200', 200, /<html>/],
      ['empty-200', 200, /^$/],
      ['throttled-text', 200, /^API rate limit exceeded$/],
      ['schema-text', 200, /^XML Parse error/],
    ]
    for (const [what, status, text] of cases) {
      fixture.intacct.inject(what)
      const answer = await call(ask())
      assert.equal(answer.status, status)
      assert.match(answer.text, text)
    }
  })

  it('answers bodies that are no good XML, each in its way', async () => {
    fixture.intacct.tune({ gzip: false })
    const on = async (what: Injection): Promise<Buffer> => {
      const session = await fixture.signIn()
      fixture.intacct.inject(what, { on: 'query' })
      const body = fixture.envelope(ask(), { session })
      return Buffer.from(await (await fetch(fixture.intacct.endpoint, { method: 'POST', body })).arrayBuffer())
    }
    assert.deepEqual([...(await on('bom')).subarray(0, 3)], [0xef, 0xbb, 0xbf])
    assert.ok((await on('control-characters')).includes(Buffer.from('a\u0001b\u001Fc')))
    const broken = await on('invalid-utf8')
    assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(broken))
    assert.equal((await on('two-roots')).toString().split('<response>').length, 3)
    const bomb = (await on('doctype-bomb')).toString()
    assert.match(bomb, /<!DOCTYPE lolz \[<!ENTITY lol "lol"><!ENTITY lol1 "(&lol;){10}">/)
    assert.match(bomb, /<\?xml[^>]*>\s*<!DOCTYPE/)
    assert.ok((await on('huge-text')).length > 20_000_000)
    const rows = (body: Buffer): number =>
      child(child(child(parseXml(body.toString()), 'operation'), 'result'), 'data')?.children.length ?? 0
    const count = fixture.books.tables.supplier.count()
    assert.equal(rows(await on('row-missing')), count - 1)
    assert.equal(rows(await on('row-doubled')), count + 1)
    assert.ok(!(await on('no-totalcount')).includes('totalcount'))
  })

  it('streams a reply of 200 MB, plain or compressed, to whoever reads on', async () => {
    for (const what of ['huge-reply', 'compressed-bomb'] as const) {
      fixture.intacct.inject(what, { on: 'query' })
      const body = fixture.envelope(ask(), { session: await fixture.signIn() })
      const response = await fetch(fixture.intacct.endpoint, { method: 'POST', body })
      let bytes = 0
      for await (const part of response.body as AsyncIterable<Uint8Array>) {
        bytes += part.length
        if (bytes > 30_000_000) break
      }
      assert.ok(bytes > 30_000_000, what)
    }
  })

  it('cuts a body', async () => {
    fixture.intacct.inject('cut-body', { on: 'query' })
    await assert.rejects(call(ask()), /terminated|fetch failed/)
  })

  it('puts any text into a field', async () => {
    const text = "\u0001 ]]> 🚚 O'Neill & <b>"
    fixture.intacct.setText('vendor', 1, 'NAME', text)
    const one = '<filter><equalto><field>RECORDNO</field><value>1</value></equalto></filter>'
    assert.ok((await call(ask(one))).text.includes('<NAME>\u0001 ]]&gt; 🚚 O&#039;Neill &amp; &lt;b&gt;</NAME>'))
    fixture.intacct.unset()
    assert.ok(!(await call(ask(one))).text.includes('\u0001'))
  })

  it('plays every fault of the plan to a client that goes on, and lets all through in the end', async () => {
    const faults = createFaults('hostile', 1, INTACCT_SITES, { timeoutMs: 10, slowMs: 10 })
    fixture.intacct.setFaults(faults)
    const tried = async (act: () => Promise<IntacctAnswer>): Promise<IntacctAnswer | undefined> => {
      try {
        const answer = await act()
        return answer.status === 200 && answer.root?.name === 'response' ? answer : undefined
      } catch {
        return undefined
      }
    }
    let session: string | undefined
    for (let k = 0; k < 1_500 && (k < 20 || faults.pending().length > 0); k++) {
      if (session === undefined) {
        const answer = await tried(() => fixture.post(fixture.envelope('<getAPISession/>')))
        session = textOf(child(child(answer?.result, 'data'), 'api'), 'sessionid')
        continue
      }
      const own = session
      const functions = k % 5 === 0 ? '<lookup><object>VENDOR</object></lookup>' : ask()
      const answer = await tried(() =>
        fixture.post(fixture.envelope(functions, { session: own }), fixture.intacct.endpoint),
      )
      if (answer?.error?.level === 'operation') session = undefined
    }
    assert.deepEqual(faults.pending(), [])
    const met = faults.met()
    for (const [site, { kinds, times = 3 }] of Object.entries(INTACCT_SITES)) {
      for (const kind of kinds)
        assert.ok((met[`${site}/${kind}`] ?? 0) >= times, `${site}/${kind}: ${met[`${site}/${kind}`]}`)
    }
    faults.stop()
    assert.equal((await tried(() => fixture.post(fixture.envelope('<getAPISession/>'))))?.error, undefined)
  })

  it("keeps replies of books that stand still, and tells them under each request's own control id", async () => {
    const kept = await startIntacctFixture({ keepReplies: true })
    try {
      const first = await kept.call(ask(), { controlId: 'one' })
      const second = await kept.call(ask(), { controlId: 'two' })
      const inside = (text: string): string => /<data.*<\/data>/s.exec(text)?.[0] ?? 'none'
      // Without an order two replies would differ.
      assert.equal(inside(first.text), inside(second.text))
      assert.equal(textOf(second.result, 'controlid'), 'two')
    } finally {
      await kept.intacct.close()
    }
  })
})
