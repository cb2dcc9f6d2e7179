import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { Injection } from '../../sandbox/intacct/server.ts'
import { child, type Element, parseXml, textOf } from '../../sandbox/intacct/xml.ts'
import { fieldsOf, type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'

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

  const day = (): void => {
    fixture.clock.time += 86_400_000
    fixture.books.day()
    fixture.intacct.newDay()
  }
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

  describe('query', () => {
    it('pages to the end; without an order no two calls agree', async () => {
      const { attributes, rows } = await query(
        'VENDOR',
        ['RECORDNO'],
        `${ascending('RECORDNO')}<pagesize>11</pagesize><offset>22</offset>`,
      )
      const count = fixture.books.tables.supplier.count()
      assert.deepEqual(attributes, {
        ...{ listtype: 'VENDOR', totalcount: `${count}`, offset: '22', count: `${rows.length}` },
        numremaining: `${count - 22 - rows.length}`,
      })
      const loose = async (): Promise<string> =>
        (await query('VENDOR', ['RECORDNO'])).rows.map((row) => row.RECORDNO).join()
      assert.notEqual(await loose(), await loose())
      const empty = await query('VENDOR', ['RECORDNO'], filter(test('equalto', 'VENDORID', 'none')))
      assert.deepEqual([empty.rows, empty.attributes.totalcount, empty.attributes.numremaining], [[], '0', '0'])
      assert.equal((await call(vendors('<pagesize>2001</pagesize>'))).error?.errorno, 'DL02000001')
    })

    it('understands every operator', async () => {
      const all = (await query('VENDOR', ['RECORDNO', 'VENDORID', 'VENDTYPE', 'STATUS'], '<pagesize>2000</pagesize>'))
        .rows
      const numbers = async (inside: string, rest = ''): Promise<number[]> =>
        (
          await query(
            'VENDOR',
            ['RECORDNO'],
            `${filter(inside)}${rest}${ascending('RECORDNO')}<pagesize>2000</pagesize>`,
          )
        ).rows.map((row) => Number(row.RECORDNO))
      const expect = (passes: (row: Record<string, string>) => boolean): number[] =>
        all
          .filter(passes)
          .map((row) => Number(row.RECORDNO))
          .sort((a, b) => a - b)
      const no = (row: Record<string, string>): number => Number(row.RECORDNO)
      const cases: [string, (row: Record<string, string>) => boolean][] = [
        [test('equalto', 'RECORDNO', '5'), (row) => no(row) === 5],
        [test('notequalto', 'RECORDNO', '5'), (row) => no(row) !== 5],
        [test('lessthan', 'RECORDNO', '5'), (row) => no(row) < 5],
        [test('lessthanorequalto', 'RECORDNO', '5'), (row) => no(row) <= 5],
        [test('greaterthan', 'RECORDNO', '9'), (row) => no(row) > 9],
        [test('greaterthanorequalto', 'RECORDNO', '9'), (row) => no(row) >= 9],
        [test('between', 'RECORDNO', '3', '6'), (row) => no(row) >= 3 && no(row) <= 6],
        [test('in', 'RECORDNO', '3', '6', '900'), (row) => [3, 6].includes(no(row))],
        [test('notin', 'RECORDNO', '3', '6'), (row) => ![3, 6].includes(no(row))],
        [test('like', 'VENDORID', 'F%1'), (row) => /^F.*1$/.test(row.VENDORID ?? '')],
        [test('notlike', 'VENDORID', '__001'), (row) => !/^..001$/.test(row.VENDORID ?? '')],
        [test('isnull', 'VENDTYPE'), (row) => row.VENDTYPE === ''],
        [test('isnotnull', 'VENDTYPE'), (row) => row.VENDTYPE !== ''],
        [test('equalto', 'STATUS', 'inactive'), (row) => row.STATUS === 'inactive'],
        // A null is neither equal nor unequal to anything.
        [test('notequalto', 'VENDTYPE', 'ADM'), (row) => row.VENDTYPE !== '' && row.VENDTYPE !== 'ADM'],
        [
          `<or>${test('equalto', 'RECORDNO', '2')}<and>${test('greaterthan', 'RECORDNO', '9')}${test('isnull', 'VENDTYPE')}</and></or>`,
          (row) => no(row) === 2 || (no(row) > 9 && row.VENDTYPE === ''),
        ],
        [
          `<and>${test('greaterthan', 'RECORDNO', '2')}${test('greaterthan', 'RECORDNO', '7')}${test('lessthan', 'RECORDNO', '9')}</and>`,
          (row) => no(row) === 8,
        ],
      ]
      for (const [inside, passes] of cases) assert.deepEqual(await numbers(inside), expect(passes), inside)
      const insensitive = '<options><caseinsensitive>true</caseinsensitive></options>'
      assert.deepEqual(await numbers(test('like', 'VENDORID', 'fr%')), [])
      assert.deepEqual(
        await numbers(test('like', 'VENDORID', 'fr%'), insensitive),
        expect((row) => /^FR/.test(row.VENDORID ?? '')),
      )
    })

    it('follows relations, orders by several fields, and has the fields of a related record', async () => {
      const { rows } = await query(
        'APBILL',
        ['RECORDNO', 'VENDORID', 'VENDOR.NAME', 'VENDORNAME'],
        `${filter(test('isnotnull', 'VENDOR.NAME'))}<orderby><order><field>VENDORID</field><descending/></order><order><field>RECORDNO</field><ascending/></order></orderby>${showAll}<pagesize>2000</pagesize>`,
      )
      assert.equal(rows.length, fixture.books.tables.supplierInvoice.count())
      for (const row of rows) assert.equal(row['VENDOR.NAME'], row.VENDORNAME)
      const sorted = rows.toSorted(
        (a, b) => (b.VENDORID ?? '').localeCompare(a.VENDORID ?? '', 'en') || Number(a.RECORDNO) - Number(b.RECORDNO),
      )
      assert.deepEqual(
        rows.map((row) => row.RECORDNO),
        sorted.map((row) => row.RECORDNO),
      )
    })

    it('counts and sums by the other fields', async () => {
      const { result } = await call(
        `<query><object>GLENTRY</object><select><field>TR_TYPE</field><count>RECORDNO</count><sum>AMOUNT</sum></select>${showAll}</query>`,
      )
      const groups = data(result).children.map(fieldsOf)
      assert.deepEqual(groups.map((row) => row.TR_TYPE).sort(), ['-1', '1'])
      const total = groups.reduce((sum, row) => sum + Number(row['COUNT.RECORDNO']), 0)
      assert.equal(
        String(total),
        (await query('GLENTRY', ['RECORDNO'], `${showAll}<pagesize>1</pagesize>`)).attributes.totalcount,
      )
      assert.equal(groups[0]?.AMOUNT, groups[1]?.AMOUNT)
    })

    it('refuses fields and objects that are not there, and fields that only lookup knows', async () => {
      const ask = async (object: string, field: string): Promise<string> => {
        const { error } = await call(
          `<query><object>${object}</object><select><field>${field}</field></select></query>`,
        )
        return `${error?.level} ${error?.errorno} ${error?.texts}`
      }
      assert.match(await ask('VENDOR', 'NOPE'), /^result DL02000001 There was an error processing the request\..*NOPE/)
      assert.match(await ask('VENDOR', '*'), /^result DL02000001/)
      assert.match(await ask('NOPE', 'X'), /^result Query Failed Object definition NOPE not found/)
      const { result } = await call('<lookup><object>PROJECT</object></lookup>')
      const fields = child(data(result).children[0], 'Fields')?.children.map((one) => textOf(one, 'ID'))
      assert.ok(fields?.includes('CFDA'))
      assert.match(await ask('PROJECT', 'CFDA'), /DL02000001.*CFDA/)
      const wrongDate = test('greaterthan', 'WHENMODIFIED', '2026-03-01T00:00:00Z')
      assert.equal((await call(vendors(filter(wrongDate)))).error?.errorno, 'DL02000001')
    })

    it('answers json and csv without an envelope, errors as XML all the same', async () => {
      const format = (name: string): string => `<options><returnformat>${name}</returnformat></options>`
      const json = await call(vendors(`${ascending('RECORDNO')}${format('json')}<pagesize>2</pagesize>`))
      assert.equal(json.headers.get('content-type'), 'application/json')
      assert.deepEqual(JSON.parse(json.text), [{ RECORDNO: '1' }, { RECORDNO: '2' }])
      const csv = await call(vendors(`${ascending('RECORDNO')}${format('csv')}<pagesize>1</pagesize>`))
      assert.equal(csv.text, '"RECORDNO"\n"1"\n')
      assert.equal(
        (await call(vendors(`${filter(test('isnull', 'NOPE'))}${format('json')}`))).error?.errorno,
        'DL02000001',
      )
    })
  })

  describe('readByQuery', () => {
    const read = (rest: string, object = 'VENDOR'): string =>
      `<readByQuery><object>${object}</object>${rest}</readByQuery>`

    it('keeps its result with the session, for a while', async () => {
      const first = await call(read('<fields>RECORDNO</fields><query/><pagesize>4</pagesize>'))
      const { resultId, totalcount } = data(first.result).attributes
      const seen = data(first.result).children.map((row) => fieldsOf(row).RECORDNO)
      assert.match(resultId ?? '', /^7765623338/)
      // What comes later is not in it.
      day()
      await fixture.signIn()
      const other = await call(`<readMore><resultId>${resultId}</resultId></readMore>`)
      assert.deepEqual([other.error?.level, other.error?.errorno], ['result', 'DL02000001'])
      const again = await call(read('<fields>RECORDNO</fields><query/><pagesize>4</pagesize>'))
      let page = data(again.result)
      const id = page.attributes.resultId
      const numbers = page.children.map((row) => fieldsOf(row).RECORDNO)
      while (page.attributes.numremaining !== '0') {
        page = data((await call(`<readMore><resultId>${id}</resultId></readMore>`)).result)
        numbers.push(...page.children.map((row) => fieldsOf(row).RECORDNO))
      }
      assert.equal(numbers.length, Number(totalcount) + 1)
      assert.equal(new Set(numbers).size, numbers.length)
      assert.notDeepEqual(
        seen,
        seen.toSorted((a, b) => Number(a) - Number(b)),
      )
      fixture.clock.time += 601_000
      assert.equal((await call(`<readMore><resultId>${id}</resultId></readMore>`)).error?.errorno, 'DL02000001')
    })

    it('reads its text with codes, not labels, and names the rows in lower case, those of some objects in upper case', async () => {
      const rows = async (text: string, object = 'VENDOR'): Promise<Element[]> => {
        const { result } = await call(
          read(`<fields>RECORDNO,STATUS</fields><query>${text}</query><pagesize>1000</pagesize>`, object),
        )
        return [...data(result).children]
      }
      const inactive = await rows("STATUS = 'F'")
      assert.ok(inactive.length > 0)
      for (const row of inactive) assert.equal(fieldsOf(row).STATUS, 'inactive')
      assert.equal((await rows("STATUS = 'inactive'")).length, 0)
      assert.equal(
        (await call(read('<query>RECORDNO in (1, 2) and not RECORDNO = 4</query>'))).error?.errorno,
        'DL02000001',
      )
      assert.equal(
        (await rows('RECORDNO &gt;= 2 AND RECORDNO &lt;= 4 and VENDTYPE is not null or RECORDNO=1')).length >= 1,
        true,
      )
      assert.equal(inactive[0]?.name, 'vendor')
      assert.equal((await rows('RECORDNO = 1', 'CUSTOMER'))[0]?.name, 'CUSTOMER')
      assert.equal(
        (await rows("VENDORID like 'FR%'")).every(({ name }) => name === 'vendor'),
        true,
      )
      assert.equal((await call(read('<query>RECORDNO = 1 ORDER BY NAME</query>'))).error?.errorno, 'DL02000001')
      const none = data((await call(read("<query>VENDORID = 'O\\'Neill'</query>"))).result)
      assert.deepEqual(none.attributes, {
        listtype: 'vendor',
        count: '0',
        totalcount: '0',
        numremaining: '0',
        resultId: '',
      })
    })
  })
})
