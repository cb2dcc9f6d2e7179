import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createX3Connection, type X3Connection } from '../../nodes/x3/client/connection.ts'
import { createWebServices, type SoapOptions } from '../../nodes/x3/client/soap/client.ts'
import { headerOf, type X3Object } from '../../nodes/x3/client/soap/object.ts'
import type { SaveOutcome } from '../../nodes/x3/client/soap/outcome.ts'
import { createFaults, type FaultKind } from '../../sandbox/faults.ts'
import { SOAP_SITES } from '../../sandbox/x3/soap/door.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never } from '../support/x3-client.ts'

describe('the client of the web services of X3', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  let fixture: X3Fixture
  let connection: X3Connection
  const call = { what: 'Journal of invoice 4711', signal: never }
  const context = (more: Partial<SoapOptions> = {}): SoapOptions => ({
    ...{ url: '', pool: 'TIEOUT', language: 'ENG', requestConfig: '', ...more },
  })
  async function open(
    options: Parameters<typeof startX3Fixture>[0] = {},
    soap: Partial<SoapOptions> = {},
    line: Parameters<typeof connect>[1] = {},
  ) {
    fixture = await startX3Fixture({ basic: { user: 'ws', password: 'pass' }, ...options })
    connection = connect(fixture, { retry: { attempts: 3, firstDelayMs: 1 }, now: fixture.clock.now, ...line })
    closing.push(
      () => connection.close(),
      () => fixture.x3.close(),
    )
    return createWebServices(connection, context(soap))
  }
  /** Web services behind which answers what a test says. */
  async function fake(answer: RequestListener) {
    const server = createServer((request, response) => {
      request.resume()
      request.on('end', () => answer(request, response))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    closing.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    const { port } = server.address() as AddressInfo
    const auth = { kind: 'basic', user: 'ws', password: 'secret-word' } as const
    const line = createX3Connection({ url: `http://127.0.0.1:${port}`, folder: 'SEED', auth, timeoutMs: 2000 })
    closing.push(() => line.close())
    return createWebServices(line, context())
  }
  const result = (status: string, resultXml: string, messages = '') =>
    `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><w:saveResponse xmlns:w="http://www.adonix.com/WSS"><saveReturn><messages>${messages}</messages><resultXml><![CDATA[${resultXml}]]></resultXml><status>${status}</status></saveReturn></w:saveResponse></s:Body></s:Envelope>`
  const answering = (status: number, body: string, type = 'text/xml'): RequestListener => {
    return (_, response) => void response.writeHead(status, { 'content-type': type }).end(body)
  }
  const NUMBER = '<PARAM><GRP ID="HAE0_1"><FLD NAME="TYP">GEN</FLD><FLD NAME="NUM">WS1</FLD></GRP></PARAM>'

  const journal = (amount = '100.25', header: Record<string, string> = {}): X3Object => {
    const [debit, credit] = [...fixture.books.tables.account.walk()].filter(
      ({ chart, active }) => chart === 'FRA' && active,
    )
    return {
      groups: {
        HAE0_1: { FCY: 'FR011', TYP: 'GEN', NUM: '', ACCDAT: '20260310' },
        HAE0_2: { CAT: '1', STA: '1' },
        HAE1_1: { DESVCR: 'Vis & <écrous> \u0000 "x"' },
        HAE1_3: { BPRVCR: 'TIE0000000000001', ...header },
        HAE1_5: { CUR: 'EUR' },
      },
      tables: {
        HAE2_1: [
          { FCYLIN: 'FR011', ACC1: debit?.code ?? '', DEB: amount, DES: ']]> & \u001f' },
          { FCYLIN: 'FR011', ACC1: credit?.code ?? '', CDT: amount },
        ],
      },
    }
  }
  const said = (outcome: SaveOutcome): [string, string] => [
    outcome.kind,
    outcome.kind === 'saved' ? outcome.number : `${outcome.error.code} ${outcome.error.message}`,
  ]

  it('describes, saves, finds, reads and deletes, whatever the texts are', async () => {
    for (const shape of ['known', 'wide'] as const) {
      const services = await open({ soap: { shape } })
      const groups = await services.describe('WSGAS', call)
      const fields = groups.flatMap((group) => group.fields)
      assert.deepEqual(
        fields.find(({ name }) => name === 'DESVCR'),
        { name: 'DESVCR', type: 'Char', length: 30 },
      )
      assert.equal(
        fields.some(({ name }) => name === 'REFINT'),
        shape === 'wide',
      )
      const saved = await services.save('WSGAS', journal(), groups, call)
      assert.equal(saved.kind, 'saved', JSON.stringify(said(saved)))
      if (saved.kind !== 'saved') return
      const found = await services.query('WSGAS', { BPRVCR: 'TIE0000000000001' }, 10, call)
      assert.deepEqual(
        found.map(({ NUM, STA }) => [NUM, STA]),
        [[saved.number, '1']],
      )
      const keys = { TYP: 'GEN', NUM: saved.number }
      const read = await services.read('WSGAS', keys, call)
      assert.equal(headerOf(read).DESVCR, 'Vis & <écrous>   "x"')
      assert.equal(read.tables.HAE2_1?.[0]?.DES, ']]> &')
      await services.delete('WSGAS', keys, call)
      assert.deepEqual(await services.query('WSGAS', { BPRVCR: 'TIE*' }, 10, call), [])
      assert.equal(fixture.books.tables.journalEntry.get(`GEN|${saved.number}`), undefined)
    }
  })

  it('logs in as the connection does, or as a user of its own', async () => {
    const services = await open({}, { login: { user: 'ws', password: 'pass' } })
    assert.equal((await services.describe('WSGAS', call)).length > 3, true)
    const wrong = createWebServices(connection, context({ login: { user: 'ws', password: 'wrong' } }))
    await assert.rejects(wrong.describe('WSGAS', call), { code: 'x3.401' })
    const refused = await wrong.save('WSGAS', journal(), [], call)
    assert.equal(refused.kind, 'refused', JSON.stringify(said(refused)))
    assert.doesNotMatch(JSON.stringify(refused), /wrong/)
  })

  it('signs its token anew once where X3 refuses it', async () => {
    // The first one is signed by our own clock, which is months ahead of this X3.
    const services = await open({}, {}, { now: Date.now })
    assert.ok(await services.describe('WSGAS', call))
    assert.equal((await services.save('WSGAS', journal(), [], call)).kind, 'saved')
  })

  it('says what is not set up: pool, publication, right to look, address', async () => {
    const services = await open({ soap: { noQuery: true } }, { pool: 'NONE' })
    await assert.rejects(services.describe('WSGAS', call), /Pool "NONE" does not exist/)
    const other = createWebServices(connection, context())
    await assert.rejects(other.describe('NOTHING', call), { code: 'x3.soap-refused', message: /NOTHING/ })
    await assert.rejects(other.query('WSGAS', { TYP: 'GEN' }, 1, call), /not authorized/)
    const nowhere = createWebServices(connection, context({ url: `${new URL(fixture.x3.url).origin}/elsewhere` }))
    await assert.rejects(nowhere.describe('WSGAS', call), { code: 'x3.404' })
    assert.throws(() => createWebServices(connection, context({ url: 'ftp://x3' })), { code: 'x3.soap-url' })
    assert.throws(() => createWebServices(connection, context({ url: 'https://u:p@x3' })), { code: 'x3.soap-url' })
  })

  it('takes status 0 without a number for a refusal, with the words of X3', async () => {
    const services = await open()
    fixture.x3.soap.accountant.closeBefore('2026-04-01')
    const outcome = await services.save('WSGAS', journal(), [], call)
    assert.equal(outcome.kind, 'refused')
    assert.match(
      said(outcome)[1],
      /^x3\.refused Journal of invoice 4711: X3 refused the journal: ACCDAT: Period closed/,
    )
    assert.equal(fixture.x3.soap.accountant.posted().length, 0)
  })

  it('takes nothing else for a refusal', async () => {
    const cases: readonly [string, RequestListener][] = [
      ['x3.no-number', answering(200, result('1', ''))],
      ['x3.no-number', answering(200, result('1', '<PARAM/>'))],
      ['x3.no-number', answering(200, result('0', '<PARAM'))],
      ['x3.no-number', answering(200, result('2', ''))],
      ['x3.status-with-number', answering(200, result('0', NUMBER))],
      ['x3.500', answering(500, result('0', ''))],
      ['x3.503', answering(503, 'Service Unavailable', 'text/plain')],
      ['x3.200', answering(200, '<html><title>Login</title></html>', 'text/html')],
      ['x3.200', answering(200, '{"status":0}', 'application/json')],
      ['x3.200', answering(200, '')],
      ['x3.403', answering(403, 'no')],
      ['x3.404', answering(404, 'no')],
      ['x3.429', answering(429, 'slow down')],
      ['x3.network', (request) => void request.socket.destroy()],
      ['x3.timeout', () => undefined],
      ['x3.redirect', (_, response) => void response.writeHead(302, { location: 'http://elsewhere.example/' }).end()],
    ]
    for (const [code, listener] of cases) {
      const services = await fake(listener)
      const outcome = await services.save('WSGAS', { groups: {}, tables: {} }, [], call)
      assert.equal(outcome.kind, 'unknown', `${code} ${JSON.stringify(said(outcome))}`)
      if (outcome.kind !== 'unknown') continue
      assert.deepEqual([outcome.error.code, outcome.error.cause.class], [code, 'unknown-outcome'])
      assert.doesNotMatch(JSON.stringify(said(outcome)), /secret-word/)
    }
  })

  it('reads an answer whose parts are referred to', async () => {
    const body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><saveResponse><saveReturn href="#id0"/></saveResponse><multiRef id="id0"><messages><messages href="#id1"/></messages><resultXml>${NUMBER.replaceAll('<', '&lt;')}</resultXml><status>1</status></multiRef><multiRef id="id1"><message>Created</message><type>1</type></multiRef></s:Body></s:Envelope>`
    const services = await fake(answering(200, body))
    const outcome = await services.save('WSGAS', { groups: {}, tables: {} }, [], call)
    assert.deepEqual(said(outcome), ['saved', 'WS1'])
    assert.deepEqual(outcome.kind === 'saved' && outcome.messages, [{ type: 1, text: 'Created' }])
  })

  it('knows that nothing was sent where nobody took the connection, and not where it was stopped', async () => {
    const services = await open()
    const port = fixture.x3.port
    await fixture.x3.close()
    const refused = await services.save('WSGAS', journal(), [], call)
    assert.deepEqual([refused.kind, said(refused)[1].slice(0, 15)], ['refused', 'x3.ECONNREFUSED'])
    assert.ok(port)
    const stop = new AbortController()
    const silent = await fake(() => stop.abort(new Error('the process ends')))
    const stopped = await silent.save('WSGAS', { groups: {}, tables: {} }, [], { ...call, signal: stop.signal })
    assert.equal(stopped.kind, 'unknown')
    const late = fake(() => assert.fail('was sent'))
    const before = (): never => {
      throw new Error('too late')
    }
    await assert.rejects((await late).save('WSGAS', { groups: {}, tables: {} }, [], { ...call, before }), /too late/)
  })

  it('never sends a journal twice, whatever becomes of it', async () => {
    const services = await open({}, {}, { timeoutMs: 1000 })
    const plan = createFaults('calm', 1, SOAP_SITES, { slowMs: 1, timeoutMs: 20, retryAfterSeconds: 1 })
    fixture.x3.setFaults(plan)
    const kinds = SOAP_SITES['soap:save']?.kinds ?? []
    for (const kind of kinds) {
      const before = fixture.x3.soap.accountant.posted().length
      plan.force('soap:save', kind)
      const outcome = await services.save('WSGAS', journal(), [], call)
      const expected: Partial<Record<FaultKind, string>> = { slow: 'saved', unauthorized: 'refused' }
      assert.equal(outcome.kind, expected[kind] ?? 'unknown', `${kind} ${JSON.stringify(said(outcome))}`)
      const now = fixture.x3.soap.accountant.posted().length
      assert.ok(now - before <= 1, kind)
      if (outcome.kind === 'refused') assert.equal(now, before, kind)
    }
    plan.force('soap:look', 'server-error')
    assert.equal((await services.query('WSGAS', { BPRVCR: 'TIE*' }, 50, call)).length > 2, true)
  })

  it('waits for its turn in a pool that is used up, and takes the fault for unknown', async () => {
    const services = await open({ soap: { sessions: 1, workMs: 150, waitMs: 20 } })
    const outcomes = await Promise.all([1, 2].map(() => services.save('WSGAS', journal(), [], call)))
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['saved', 'unknown'])
    assert.match(JSON.stringify(outcomes.map(said)), /No session of the pool is free/)
  })
})
