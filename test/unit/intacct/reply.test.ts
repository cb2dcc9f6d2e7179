import assert from 'node:assert/strict'
import { checkReply, plainText } from '../../../nodes/intacct/client/errors.ts'
import { createReplyParser, type GatewayReply, type ReplyLimits } from '../../../nodes/intacct/client/reply.ts'

const frame = (data: string, attributes = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<response><control><status>success</status></control><operation><authentication><status>success</status></authentication><result><status>success</status><function>query</function><controlid>c</controlid><data${attributes}>${data}</data></result></operation></response>`

const END = '</data></result></operation></response>'

function parse(body: string | Uint8Array, chunk = 7, limits?: ReplyLimits): GatewayReply {
  const bytes = Buffer.from(body as string)
  const parser = createReplyParser('supplier', limits)
  for (let at = 0; at < bytes.length; at += chunk) parser.write(bytes.subarray(at, at + chunk))
  return parser.end()
}

const fieldsOf = (inner: string | Uint8Array) => parse(inner).results[0]?.rows[0]?.fields
const refused = (body: string | Uint8Array, code: string, words: RegExp, limits?: ReplyLimits): void => {
  assert.throws(
    () => parse(body, 50, limits),
    (error: Error & { code: string; cause: { class: string; hint: string } }) => {
      assert.equal(error.code, code)
      assert.equal(error.cause.class, 'transient')
      assert.match(error.message, words)
      assert.ok(error.cause.hint.length > 20)
      return true
    },
  )
}

describe('replies of the Intacct gateway', () => {
  it('guesses no value: codes keep their zeros, empty is null', () => {
    const fields = fieldsOf(
      frame('<VENDOR><VENDORID>00123</VENDORID><TOTALDUE>5900.10</TOTALDUE><NAME></NAME><TAXID/></VENDOR>'),
    )
    assert.deepEqual(fields, { VENDORID: '00123', TOTALDUE: '5900.10', NAME: null, TAXID: null })
  })

  it('takes one row and many alike, in tags of any case, and reads the counts from attributes', () => {
    for (const tag of ['VENDOR', 'vendor', 'Vendor'])
      for (const times of [0, 1, 3]) {
        const rows = `<${tag}><recordNo>1</recordNo></${tag}>`.repeat(times)
        const result = parse(
          frame(rows, ' listtype="vendor" count="3" totalcount="816" numremaining="815" resultId="77W"'),
        ).results[0]
        assert.equal(result?.rows.length, times)
        assert.deepEqual(result?.data, {
          listtype: 'vendor',
          count: '3',
          totalcount: '816',
          numremaining: '815',
          resultid: '77W',
        })
        assert.ok(result?.rows.every(({ fields }) => fields.RECORDNO === '1'))
      }
  })

  it('decodes numeric entities, CDATA and what looks like its end', () => {
    assert.equal(
      fieldsOf(frame('<V><N>O&#039;Neill &amp; S&#xF6;hne \u{1F600} &lt;b&gt;</N></V>'))?.N,
      "O'Neill & Söhne \u{1F600} <b>",
    )
    assert.equal(fieldsOf(frame('<V><N><![CDATA[<b>&amp;]]></N></V>'))?.N, '<b>&amp;')
    assert.equal(fieldsOf(frame('<V><N>a ]]> b</N></V>'))?.N, 'a ]]> b')
  })

  it('takes control characters out and counts them, as they are or as references', () => {
    const reply = parse(frame('<V><N>A\u0001C\u000bM\u001fE &#1;x&#x0B;y&amp;#1;</N></V><V><N>clean\ttab</N></V>'))
    assert.equal(reply.results[0]?.rows[0]?.fields.N?.replace(/&#1;$/, ''), 'ACME xy')
    assert.equal(reply.results[0]?.rows[1]?.fields.N, 'clean\ttab')
    assert.ok(reply.removed >= 5)
  })

  it('shows bytes that are no UTF-8, and says how many', () => {
    const bytes = Buffer.concat([Buffer.from(frame('<V><N>caf').slice(0, -END.length)), Buffer.from([0xe9])])
    const rest = Buffer.from(`</N></V>${END}`)
    const reply = parse(Buffer.concat([bytes, rest]))
    assert.equal(reply.results[0]?.rows[0]?.fields.N, 'caf\uFFFD')
    assert.equal(reply.unreadable, 1)
  })

  it('a BOM and white space before the declaration do no harm, nor do characters cut between two parts', () => {
    const body = `\uFEFF\n ${frame('<V><N>é\u{1F600}ß</N></V>').replace(/^<\?xml[^>]*\?>/, '')}`
    assert.equal(parse(body, 1).results[0]?.rows[0]?.fields.N, 'é\u{1F600}ß')
  })

  it('refuses a DOCTYPE before anything of it is worked out: no billion laughs', () => {
    const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
    const started = process.threadCpuUsage()
    refused(
      `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">${entities}]><response>&l12;</response>`,
      'intacct.doctype',
      /DOCTYPE/,
    )
    refused(`<!-- x --><!DOCTYPE response SYSTEM "file:///etc/passwd"><response/>`, 'intacct.doctype', /DOCTYPE/)
    const { user, system } = process.threadCpuUsage(started)
    assert.ok(user + system < 500_000, 'half a second of work')
  })

  for (const [name, body, code, words] of [
    ['an empty body', '', 'intacct.empty', /empty/],
    ['white space only', ' \n ', 'intacct.empty', /empty/],
    ['a web page', '<!DOCTYPE html><html><head><title>We are off</title>', 'intacct.html', /web page.*We are off/],
    ['a text', 'upstream connect error', 'intacct.text', /upstream connect error/],
    ['JSON', '{"a": 1}', 'intacct.text', /no XML/],
    ['a cut reply', frame('<V><N>half').slice(0, -80), 'intacct.cut', /ends in the middle/],
    ['crossed tags', '<response><a><b></a></b></response>', 'intacct.malformed', /well-formed/],
    ['two roots', '<response/><response/>', 'intacct.malformed', /one root/],
    ['an unknown entity', frame('<V><N>&nbsp;</N></V>'), 'intacct.malformed', /undefined entity/],
    ['a reference that is no number', frame('<V><N>&#xZZ;</N></V>'), 'intacct.malformed', /character entity/],
    ['another root', '<rss><channel/></rss>', 'intacct.foreign', /<rss>/],
    ['endless nesting', frame(`<V>${'<x>'.repeat(100)}`), 'intacct.depth', /nested/],
  ] as const)
    it(`refuses ${name} as something that may pass`, () => refused(body, code, words))

  it('refuses a reply that is too large before it is in memory', () => {
    const parser = createReplyParser('gl_entry', { maxBytes: 1_000_000 })
    const part = Buffer.from(`<V><N>${'x'.repeat(60_000)}</N></V>`)
    parser.write(Buffer.from(frame('').slice(0, -END.length)))
    assert.throws(() => {
      for (let times = 0; times < 100; times++) parser.write(part)
    }, /gl_entry: the answer of Intacct is greater than 1 MB/)
  })

  it('finds errors at each of three levels, with every part of their text and the Support ID', () => {
    const errors = (text: string) =>
      `<errormessage><error><errorno>XL03000006</errorno><description>one</description><description2>${text} [Support ID: a%7Eb]</description2><correction>Do it</correction></error></errormessage>`
    const at = (control: string, operation: string) =>
      parse(`<response><control><status>${control}</status></control>${operation}</response>`)
    const control = at('failure', errors('Incorrect Intacct XML Partner ID or password.'))
    assert.throws(
      () => checkReply(control, 'x'),
      /sender ID or sender password is wrong \(XL03000006: one: Incorrect.*\[Support ID: a~b\]: Do it\)/,
    )
    const beside = at(
      'success',
      `<operation><authentication><status>failure</status></authentication>${errors('Sign-in information is incorrect')}</operation>`,
    )
    assert.throws(() => checkReply(beside, 'x'), { code: 'intacct.login' })
    const inside = at(
      'success',
      `<operation><authentication><status>failure</status>${errors('Invalid session q....')}</authentication></operation>`,
    )
    assert.throws(() => checkReply(inside, 'x'), { code: 'intacct.session' })
    const result = at(
      'success',
      `<operation><authentication><status>success</status></authentication><result><status>failure</status><controlid>c</controlid><data count="1"><V><N>1</N></V></data>${errors('no')}</result></operation>`,
    )
    checkReply(result, 'x')
    assert.equal(result.results[0]?.errors[0]?.description2, 'no [Support ID: a%7Eb]')
    assert.equal(result.results[0]?.rows.length, 1)
  })

  it('writes texts of the gateway without markup', () => {
    assert.equal(
      plainText('<b>It&#039;s</b>\n &amp;lt; [Support ID: EsppO%7EZE%]'),
      "It's &lt; [Support ID: EsppO%7EZE%]",
    )
  })
})
