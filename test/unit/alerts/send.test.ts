import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import type { Message } from '../../../alerts/message.ts'
import { check, send } from '../../../alerts/send.ts'
import type { Way } from '../../../alerts/way.ts'
import { type HookServer, hookServer, type MailServer, mailServer } from '../../support/alert-servers.ts'
import { authority, type Keyed, serverOf } from '../../support/wire-certificates.ts'

const message: Message = {
  state: 'begins',
  title: 'databricks://dbc.example: cannot be reached\r\nBcc: thief@evil.example',
  facts: [
    ['Entities', 'supplier, gl_entry'],
    ['Since', '30 Nov 2026, 19:04 UTC'],
  ],
  text: 'The\u202E warehouse said: <b onclick="x">*not* now</b> & <!channel> [pay](http://evil) {{DATE(x)}}',
  next: 'Start the warehouse "WH".',
  link: 'https://tieout.example.com/?a=1&b=2',
}
const id = '6b0c0f5e-0000-4000-8000-000000000001'
const signal = new AbortController().signal
const times = { timeoutMs: 5000, totalMs: 10_000 }

describe('alerts by mail', () => {
  let [root, own]: Keyed[] = []
  let server: MailServer
  before(async () => {
    root = await authority('Books CA')
    own = await serverOf(['localhost'], { issuer: root })
  })
  afterEach(() => server.end())
  const way = (more: object = {}): Way => ({
    ...{ kind: 'mail', host: 'localhost', port: server.port, noTls: false, user: 'tieout', password: 'Q7${9x}kk!' },
    ...{ from: 'Tieout <tieout@example.com>', route: { ca: root?.cert ?? '' }, ...times, ...more },
  })
  const mail = (given: Way) => send(given, { id, message, to: ['finance@example.com', 'it@example.com'] }, signal)
  const login = { user: 'tieout', password: 'Q7${9x}kk!' }

  it('go over TLS, with a login, as text and HTML in which nothing of a vendor is a sign of mail', async () => {
    server = await mailServer({ ...login, tls: own as Keyed })
    await mail(way())
    const [got, ...more] = server.mails
    ok(got)
    equal(more.length, 0)
    deepEqual(
      [got.from, got.to, got.user, got.secure],
      ['tieout@example.com', ['finance@example.com', 'it@example.com'], 'tieout', true],
    )
    equal(got.headers.subject, 'Tieout: databricks://dbc.example: cannot be reached Bcc: thief@evil.example')
    equal(got.headers.bcc, undefined)
    equal(got.headers['message-id'], `<${id}@example.com>`)
    equal(got.headers['auto-submitted'], 'auto-generated')
    match(
      got.text,
      /^The warehouse said: <b onclick="x">[\s\S]*Entities: supplier, gl_entry\n[\s\S]*Next step: Start the warehouse "WH"\.\n\nhttps:\/\/tieout\.example\.com\/\?a=1&b=2$/,
    )
    ok(!/<b onclick|<!channel/.test(got.html), got.html)
    match(got.html, /&#60;b onclick=&#34;x&#34;&#62;/)
    match(got.html, /<a href="https:\/\/tieout\.example\.com\/\?a=1&#38;b=2">/)
  })

  it('a server without TLS is refused, unless No TLS is ticked', async () => {
    server = await mailServer({})
    await rejects(mail(way({ user: '' })), /localhost:\d+ offers no TLS/)
    equal(server.mails.length, 0)
    await mail(way({ user: '', noTls: true }))
    equal(server.mails[0]?.secure, false)
    match(
      await check(way({ user: '', noTls: true }), signal),
      /Reached the mail server localhost:\d+ without a login, without TLS/,
    )
  })

  it('a certificate that nobody here trusts is refused', async () => {
    server = await mailServer({ ...login, tls: own as Keyed })
    await rejects(
      mail(way({ route: {} })),
      (error: Error) =>
        /the certificate of localhost:\d+ is not trusted/.test(error.message) && !error.message.includes('Q7'),
    )
    equal(server.mails.length, 0)
  })

  it('a login that is refused says so without the password, though the server repeats it', async () => {
    server = await mailServer({ ...login, tls: own as Keyed })
    const refused = await mail(way({ password: 'another-one' })).catch((error: Error) => error)
    match(String(refused), /localhost refuses the login of tieout/)
    ok(!JSON.stringify([String(refused), refused]).includes('another-one'))
  })

  it('an address that is refused for ever and one that is not taken now are told apart', async () => {
    server = await mailServer({ ...login, tls: own as Keyed })
    server.refuse = { code: 550, text: 'no such box' }
    const classOf = (error: unknown): unknown => (error as { cause: { class: string } }).cause.class
    equal(classOf(await mail(way()).catch((error: unknown) => error)), 'config')
    server.refuse = { code: 451, text: 'greylisted' }
    equal(classOf(await mail(way()).catch((error: unknown) => error)), 'transient')
  })

  it('nothing that listens is an error of the line', async () => {
    server = await mailServer({ ...login, tls: own as Keyed })
    await rejects(mail(way({ port: 9 })), /localhost:9 cannot be reached/)
  })
})

describe('alerts by web hook', () => {
  let server: HookServer
  afterEach(() => server.end())
  const path = '/services/T000/B000/secretsecret'
  const way = (kind: 'slack' | 'teams' | 'json', more: object = {}): Way => ({
    ...{ kind, url: `http://127.0.0.1:${server.port}${path}`, noTls: true, route: {}, ...times, ...more },
  })
  const got = () => JSON.parse(server.got[0]?.body ?? '') as Record<string, never>

  it('Slack gets plain text only: no mention, no link, no formatting of a vendor', async () => {
    server = await hookServer()
    await send(way('slack'), { id, message, to: [] }, signal)
    equal(server.got[0]?.url, path)
    equal(server.got[0]?.headers['content-type'], 'application/json')
    const { text, blocks } = got() as unknown as {
      text: string
      blocks: { type: string; text?: { type: string; text: string } }[]
    }
    ok(!/<!channel>|<b /.test(JSON.stringify(blocks) + text))
    match(JSON.stringify(blocks), /&lt;!channel&gt;/)
    for (const { text: its } of blocks) ok(its === undefined || its.type === 'plain_text')
    deepEqual(
      blocks.map(({ type }) => type),
      ['header', 'section', 'section', 'section', 'actions'],
    )
  })

  it('Teams gets an Adaptive Card whose texts are runs, which read no Markdown', async () => {
    server = await hookServer()
    await send(way('teams'), { id, message, to: [] }, signal)
    const sent = got() as unknown as {
      type: string
      attachments: {
        contentType: string
        content: {
          type: string
          body: { type: string; inlines: { type: string; text: string }[] }[]
          actions: object[]
        }
      }[]
    }
    equal(sent.type, 'message')
    const [card] = sent.attachments
    equal(card?.contentType, 'application/vnd.microsoft.card.adaptive')
    equal(card?.content.type, 'AdaptiveCard')
    for (const block of card?.content.body ?? []) {
      equal(block.type, 'RichTextBlock')
      for (const run of block.inlines) equal(run.type, 'TextRun')
    }
    ok(!JSON.stringify(sent).includes('{{'))
    match(JSON.stringify(card?.content.body), /\[pay\]\(http:\/\/evil\)/)
    deepEqual(card?.content.actions, [{ type: 'Action.OpenUrl', title: 'Open Tieout', url: message.link }])
  })

  it('anything else gets plain JSON with the id of the message', async () => {
    server = await hookServer()
    await send(way('json'), { id, message, to: [] }, signal)
    deepEqual(got(), {
      ...{ id, state: 'begins', title: 'databricks://dbc.example: cannot be reached Bcc: thief@evil.example' },
      ...{ text: message.text.replace('\u202E', ''), next: message.next, link: message.link },
      facts: { Entities: 'supplier, gl_entry', Since: '30 Nov 2026, 19:04 UTC' },
    } as never)
  })

  it('goes over TLS to a server that the own CA has signed, and without TLS only where that is ticked', async () => {
    const root = await authority('Hook CA')
    server = await hookServer(await serverOf(['localhost'], { issuer: root }))
    const url = `https://localhost:${server.port}${path}`
    await send(way('json', { url, noTls: false, route: { ca: root.cert } }), { id, message, to: [] }, signal)
    equal(server.got.length, 1)
    await rejects(send(way('json', { url, noTls: false }), { id, message, to: [] }, signal), /certificate/)
    await rejects(send(way('json', { noTls: false }), { id, message, to: [] }, signal), /not encrypted/)
  })

  it('no error tells the address, though the server repeats it', async () => {
    server = await hookServer()
    for (const [status, cls] of [
      [404, 'config'],
      [429, 'throttled'],
      [503, 'transient'],
    ] as const) {
      server.answer = { status, text: `no hook at http://127.0.0.1:${server.port}${path}, ${path}` }
      const error = (await send(way('slack'), { id, message, to: [] }, signal).catch(
        (thrown: unknown) => thrown,
      )) as Error & { cause: { class: string } }
      match(error.message, new RegExp(`HTTP ${status}`))
      equal(error.cause.class, cls)
      ok(!JSON.stringify([error.message, error.stack, error.cause]).includes('secretsecret'), error.message)
    }
    const gone = way('json', { url: `http://127.0.0.1:9${path}` })
    const error = (await send(gone, { id, message, to: [] }, signal).catch((thrown: unknown) => thrown)) as Error
    ok(!JSON.stringify([error.message, error.stack]).includes('secretsecret'), error.message)
  })
})
