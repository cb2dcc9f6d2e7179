import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { Injection } from '../../sandbox/intacct/server.ts'
import { child, type Element, parseXml, textOf } from '../../sandbox/xml.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'

const contracts = new URL('../../../shared/contracts/intacct/', import.meta.url)
const ascending = (field: string): string => `<orderby><order><field>${field}</field><ascending/></order></orderby>`
const filter = (inside: string): string => `<filter>${inside}</filter>`
const test = (op: string, field: string, ...values: string[]): string =>
  `<${op}><field>${field}</field>${values.map((value) => `<value>${value}</value>`).join('')}</${op}>`
const showAll = '<options><showprivate>true</showprivate></options>'
const vendors = (rest = ''): string =>
  `<query><object>VENDOR</object><select><field>RECORDNO</field></select>${rest}</query>`

describe('Intacct sandbox', () => {
  let fixture: IntacctFixture
  let call: IntacctFixture['call']
  let query: IntacctFixture['query']

  beforeEach(async () => {
    fixture = await startIntacctFixture()
    ;({ call, query } = fixture)
  })
  afterEach(() => fixture.intacct.close())

  const data = (result: Element | undefined): Element => {
    const found = child(result, 'data')
    assert.ok(found)
    return found
  }

  describe('replies', () => {
    /** Paths of elements with the names of their attributes, rows and list contents left out. */
    function shape(element: Element, place = ''): string[] {
      const path = `${place}/${element.name}`
      const own = [path, ...Object.keys(element.attributes).map((name) => `${path}@${name}`)]
      const inside = ['data', 'errormessage'].includes(element.name) ? element.children.slice(0, 1) : element.children
      return element.name === 'data' ? own : [...own, ...inside.flatMap((one) => shape(one, path))]
    }
    const sample = (file: string): Element => parseXml(readFileSync(new URL(file, contracts), 'utf8'))

    before(function () {
      if (!existsSync(contracts)) {
        console.log('      skipped: ../shared/contracts is not here')
        this.skip()
      }
    })

    it('have the form of the recorded ones, attributes and their order included', async () => {
      const replies: Record<string, string> = {
        'psintacct/Create-Session.Response.xml': (await fixture.post(fixture.envelope('<getAPISession/>'))).text,
        'docs/query-vendor-success.xml': (await call(vendors())).text,
        'psintacct/Find-IntacctObject.Response.xml': (
          await call(
            '<readByQuery><object>APBILL</object><fields>*</fields><query/><pagesize>1</pagesize></readByQuery>',
          )
        ).text,
      }
      for (const [file, text] of Object.entries(replies))
        assert.deepEqual(shape(parseXml(text)), shape(sample(file)), file)
    })

    it('have the fields of a recorded bill and journal, but what only that company had', async () => {
      const fieldsIn = (file: string, tag: string): string[] => {
        const find = (element: Element): Element | undefined =>
          element.name === tag ? element : element.children.map(find).find((one) => one !== undefined)
        return find(sample(file))?.children.map(({ name }) => name) ?? []
      }
      const recorded = {
        APBILL: fieldsIn('psintacct/Find-IntacctObject.Response.xml', 'apbill'),
        GLBATCH: fieldsIn('docs/fragment-readByQuery-glbatch.xml', 'glbatch'),
      }
      const own =
        /CONTACTNAME|PAYTO\.|TAX|RETAIN|RELEASED|KEY$|^VENDOR_NOTES|^VOUCHER|EXCHRATE|^VENDTYPE|^TRX_ENTITYDUE|^CONTRACT|^MEGA/
      for (const [object, fields] of Object.entries(recorded)) {
        const { result } = await call(`<lookup><object>${object}</object></lookup>`)
        const type = data(result).children[0]
        const known = child(type, 'Fields')?.children.map((field) => textOf(field, 'ID')) ?? []
        assert.ok(fields.length > 30, object)
        assert.deepEqual(
          fields.filter((field) => !known.includes(field) && !own.test(field)),
          [],
          object,
        )
      }
    })

    it('fail in the form of the recorded ones, at each level', async () => {
      const replies: Record<string, [string, Injection | undefined]> = {
        'jfcote87/execXMLError.xml': ['<lookup></lokup>', undefined],
        'jfcote87/sessionInvalid.xml': [vendors(), 'invalid-session'],
        'jfcote87/execLoginInvalid.xml': [vendors(), 'wrong-user'],
        'docs/error-sender-not-authorized.xml': [vendors(), 'sender-not-authorized'],
        'docs/error-gateway-GW-0011.xml': [vendors(), 'gateway-400'],
        'docs/error-function-duplicate-default.xml': [vendors(), 'several-errors'],
      }
      for (const [file, [functions, injection]] of Object.entries(replies)) {
        if (injection) fixture.intacct.inject(injection)
        const { text } = await fixture.post(fixture.envelope(functions))
        // What stands above the errors, then the parts of the first.
        const above = (list: string[]): string[] =>
          [...new Set(list)].filter((path) => !/\/(data|locationid|session)/.test(path))
        assert.deepEqual(above(shape(parseXml(text))), above(shape(sample(file))), file)
      }
    })
  })

  it("answers with encoding in the content type, the ERP's date, compressed where that is accepted", async () => {
    await fixture.signIn()
    const { headers, text } = await call(vendors())
    assert.equal(headers.get('content-type'), 'text/xml; encoding="UTF-8"')
    assert.equal(headers.get('date'), 'Tue, 10 Mar 2026 09:00:00 GMT')
    assert.match(text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<response>/)
    assert.equal(headers.get('content-encoding'), 'gzip')
    fixture.intacct.tune({ gzip: false })
    assert.equal((await call(vendors())).headers.get('content-encoding'), null)
  })

  it('writes with white space unless told not to; the content is the same', async () => {
    const session = await fixture.signIn()
    const wide = await call(vendors(ascending('RECORDNO')), { session, whitespace: true, controlId: 'a' })
    const tight = await call(vendors(ascending('RECORDNO')), { session, whitespace: false, controlId: 'a' })
    assert.ok(wide.text.includes('\n    <control>\n        <status>success</status>\n'))
    assert.ok(!tight.text.slice(40).includes('\n'))
    assert.equal(wide.text.replace(/>\s+</g, '><'), tight.text.replace(/>\s+</g, '><'))
  })

  it('refuses what is no request, at the control level', async () => {
    const good = fixture.envelope(vendors())
    const bad: [string, RegExp][] = [
      ['', /document is empty|start tag|unclosed|root/i],
      ['hello', /Fatal Error/],
      [`<!DOCTYPE x [<!ENTITY a "b">]>${good.replace(/^<\?xml[^>]*>/, '')}`, /document type declaration/],
      [good.replace('</content>', ''), /Fatal Error/],
      [good.replace('<dtdversion>3.0', '<dtdversion>2.1'), /dtdversion/],
      [good.replace('<controlid>test</controlid>', ''), /controlid/],
      [good.replace('<userid>', '<password>x</password><userid>'), /not expected/],
      [good.replace(/ controlid="[^"]*"/, ''), /controlid/],
      [good.replace('<content>', '<content><other/>'), /not expected/],
      [fixture.envelope(vendors(filter(`${test('isnull', 'NAME')}${test('isnull', 'NAME')}`))), /Exactly one child/],
      [fixture.envelope(vendors(filter(`<and>${test('isnull', 'NAME')}</and>`))), /'and'/],
      [fixture.envelope(vendors(filter(test('between', 'NAME', 'A')))), /number of values/],
      [fixture.envelope(vendors(filter(test('equals', 'NAME', 'A')))), /'equals'/],
      [fixture.envelope(vendors('<pagesize>0</pagesize>')), /pagesize/],
      [fixture.envelope('<query><object>VENDOR</object></query>'), /Missing child/],
      [
        fixture.envelope(
          `<function controlid="a"><getAPISession/></function><function controlid="b">${vendors()}</function>`,
        ),
        /alone/,
      ],
    ]
    for (const [xml, expected] of bad) {
      const { status, error, root } = await fixture.post(xml)
      assert.equal(status, 200)
      assert.equal(error?.level, 'control', xml)
      assert.equal(error?.errorno, 'XL03000003', xml)
      assert.match(error?.texts ?? '', expected)
      assert.match(error?.texts ?? '', /XML Parse schema error: .*Line: \d+, column: \d+\./)
      assert.equal(textOf(child(root, 'control'), 'status'), 'failure')
    }
    const { requests } = fixture.intacct.stats()
    for (const url of [fixture.intacct.url, fixture.intacct.endpoint]) {
      const head = await fetch(url, { method: 'HEAD' })
      assert.deepEqual([head.status, head.headers.get('date')], [405, 'Tue, 10 Mar 2026 09:00:00 GMT'])
    }
    assert.equal(fixture.intacct.stats().requests, requests)
    assert.equal((await fetch(fixture.intacct.url.replace('xmlgw', 'other'), { method: 'POST' })).status, 404)
  })

  describe('sessions', () => {
    it('belong to their endpoint, live as long as they are used, and end', async () => {
      const session = await fixture.signIn()
      const ask = (url: string) => fixture.post(fixture.envelope(vendors(), { session }), url)
      assert.equal((await ask(fixture.intacct.url)).error?.texts, `Invalid session ${session.charAt(0)}....`)
      fixture.intacct.tune({ sessionsTied: false })
      assert.equal((await ask(fixture.intacct.url)).error, undefined)
      for (let hour = 0; hour < 3; hour++) {
        fixture.clock.time += 3_600_000
        assert.equal((await ask(fixture.intacct.endpoint)).error, undefined)
      }
      fixture.clock.time += 7_200_000
      const { error, root } = await ask(fixture.intacct.endpoint)
      assert.deepEqual([error?.level, error?.errorno], ['operation', 'XL03000006'])
      assert.equal(textOf(child(child(root, 'operation'), 'authentication'), 'userid'), '')
    })

    it('refuse each wrong credential in its own place', async () => {
      const { userId, companyId, userPassword } = fixture.intacct
      const login = (user: string, company: string, password: string, location = ''): string =>
        `<login><userid>${user}</userid><companyid>${company}</companyid><password>${password}</password>${location}</login>`
      const cases: [object, string, RegExp][] = [
        [{ senderId: 'x' }, 'control', /Incorrect Intacct XML Partner ID or password\./],
        [{ senderPassword: 'x' }, 'control', /Incorrect Intacct XML Partner ID or password\./],
        [{ policy: 'ASYNC' }, 'control', /ASYNC is not a valid transport policy\./],
        [{ login: login('x', companyId, userPassword) }, 'operation', /^Sign-in information is incorrect$/],
        [{ login: login(userId, 'x', userPassword) }, 'operation', /^Sign-in information is incorrect$/],
        [{ login: login(userId, companyId, 'x') }, 'operation', /^Sign-in information is incorrect$/],
        [{ login: login(userId, companyId, userPassword, '<locationid>E9</locationid>') }, 'operation', /Sign-in/],
      ]
      for (const [parts, level, texts] of cases) {
        const { error, status } = await fixture.post(fixture.envelope('<getAPISession/>', parts))
        assert.equal(status, 200)
        assert.deepEqual([error?.level, error?.errorno], [level, 'XL03000006'])
        assert.match(error?.texts ?? '', texts)
      }
      const { root } = await fixture.post(fixture.envelope('<getAPISession/>', { login: login('who', companyId, 'x') }))
      assert.equal(textOf(child(child(root, 'operation'), 'authentication'), 'userid'), 'who')
    })

    it('can be led to an endpoint elsewhere', async () => {
      fixture.intacct.tune({ endpoint: 'https://intacct.com.evil.example/ia/xml/xmlgw.phtml' })
      const { result } = await fixture.post(fixture.envelope('<getAPISession/>'))
      assert.match(textOf(child(data(result), 'api'), 'endpoint') ?? '', /evil\.example/)
    })

    it('see what their entity owns and what is shared; the top level sees private rows only when asked', async () => {
      const entities = async (rest: string): Promise<string[]> => {
        const { rows } = await query('APBILL', ['MEGAENTITYID'], `${rest}<pagesize>2000</pagesize>`)
        return [...new Set(rows.map((row) => row.MEGAENTITYID ?? ''))].sort()
      }
      await fixture.signIn()
      assert.deepEqual(await entities(''), ['FR10'])
      assert.deepEqual(await entities(showAll), ['FR10', 'GB10'])
      await fixture.signIn('GB10')
      assert.deepEqual(await entities(''), ['GB10'])
      assert.ok((await query('VENDOR', ['RECORDNO'])).rows.length > 0)
      assert.deepEqual(
        fixture.intacct.entities.map(({ id, private: hidden }) => [id, hidden]),
        [
          ['FR10', false],
          ['GB10', true],
        ],
      )
      const details = await call('<readEntityDetails/>')
      assert.deepEqual(
        data(details.result).children.map((one) => textOf(one, 'id')),
        ['FR10', 'GB10'],
      )
    })
  })
})
