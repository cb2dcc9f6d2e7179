import assert from 'node:assert/strict'
import type { IntacctSourceOptions } from '../../nodes/intacct/client/poll.ts'
import type { Injection } from '../../sandbox/intacct/server.ts'
import { type DataRecord, keyText, type Row } from '../../sync/contract/message.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'
import { connectIntacct, intacctSource } from '../support/intacct-client.ts'
import { never, readEntity } from '../support/x3-client.ts'

type Failure = Error & {
  code: string
  cause: { class: string; hint?: string; vendorCode?: string; vendorText?: string }
}

/** What each row of the facts' error table must become when it stays. Sign-in or query, class, code, words. */
const TABLE: readonly (readonly [Injection, 'session' | 'query', string, string, RegExp])[] = [
  ['wrong-sender', 'session', 'config', 'intacct.sender', /Incorrect Intacct XML Partner ID or password/],
  ['wrong-policy', 'session', 'config', 'intacct.request', /not a valid transport policy/],
  ['wrong-user', 'session', 'config', 'intacct.login', /Sign-in information is incorrect/],
  ['sender-not-authorized', 'session', 'config', 'intacct.sender-authorisation', /Invalid Web Services Authorization/],
  ['invalid-session', 'query', 'auth', 'intacct.session', /Invalid session/],
  ['sign-in-401', 'session', 'config', 'intacct.login', /XMLGW_JPP0002/],
  ['company-expired', 'session', 'config', 'intacct.company-expired', /PL04000055/],
  ['schema', 'query', 'config', 'intacct.request', /XL03000003/],
  ['schema-text', 'query', 'config', 'intacct.text', /no XML/],
  ['gateway-400', 'session', 'config', 'intacct.request', /GW-0011.*Request ID/],
  ['throttled-429', 'query', 'throttled', 'intacct.throttled', /GW-0010|HTTP 429/],
  ['throttled-text', 'query', 'throttled', 'intacct.throttled', /API rate limit exceeded/],
  ['offline', 'query', 'transient', 'intacct.offline', /Temporarily Off-line/],
  ['generic', 'query', 'config', 'intacct.processing', /DL02000001/],
  ['no-permission', 'query', 'config', 'intacct.right', /do not have permission/],
  ['object-not-found', 'query', 'config', 'intacct.object', /Object definition \S+ not found/],
  ['invalid-fields', 'query', 'config', 'intacct.unknown-field', /Invalid fields list/],
  ['rolled-back', 'query', 'transient', 'intacct.aborted', /XL03000009/],
  ['several-errors', 'query', 'config', 'intacct.refused', /BL34000061.*BL01001973/],
  ['partial-data', 'query', 'transient', 'intacct.offline', /rows that came with the failure were not used/],
  ['cloudflare-500', 'query', 'transient', 'intacct.500', /HTTP 500/],
  ['cloudflare-520', 'query', 'transient', 'intacct.520', /HTTP 520/],
  ['upstream-503', 'query', 'transient', 'intacct.503', /HTTP 503.*upstream/],
  ['gateway-504', 'query', 'transient', 'intacct.504', /HTTP 504/],
  ['html-200', 'query', 'transient', 'intacct.html', /web page/],
  ['empty-200', 'query', 'transient', 'intacct.empty', /empty/],
  ['two-roots', 'query', 'config', 'intacct.malformed', /one root/],
  ['doctype-bomb', 'query', 'config', 'intacct.doctype', /DOCTYPE/],
  ['huge-reply', 'query', 'config', 'intacct.too-large', /greater than 64 MB/],
  ['compressed-bomb', 'query', 'config', 'intacct.too-large', /greater than 64 MB/],
  ['cut-body', 'query', 'transient', 'intacct.', /broke|ends in the middle|cut or broken/],
  ['row-missing', 'query', 'config', 'intacct.incomplete', /counts \d+ rows of VENDOR.*gave \d+ where \d+ are due/],
  ['row-doubled', 'query', 'config', 'intacct.incomplete', /came twice|counts \d+ rows/],
  ['no-totalcount', 'query', 'config', 'intacct.no-total', /how many rows/],
]

describe('refusals and broken replies of Intacct', () => {
  let fixture: IntacctFixture
  const opened: { close(): Promise<void> }[] = []
  const open = (attempts = 12, totalMs = 60_000) => {
    const connection = connectIntacct(fixture, {
      retry: { attempts, firstDelayMs: 1, maxDelayMs: 2, maxRetryAfterMs: 5000 },
      totalMs,
    })
    opened.push(connection)
    return connection
  }
  beforeEach(async () => {
    fixture = await startIntacctFixture()
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    await fixture.intacct.close()
  })

  const inject = (what: Injection, on: string, times: number) => fixture.intacct.inject(what, { times, on })

  for (const [what, on, cls, code, words] of TABLE) {
    it(`${what}: ${code}, ${cls}`, async () => {
      const source = intacctSource(open())
      if (on === 'query') await source.plan('supplier', never)
      inject(what, on, 40)
      await assert.rejects(readEntity(source, 'supplier'), (error: Failure) => {
        assert.ok(error.code.startsWith(code), `${error.code}: ${error.message}`)
        assert.equal(error.cause.class, cls)
        assert.match(error.message, words)
        if (on === 'query') assert.match(error.message, /supplier/)
        assert.doesNotMatch(
          `${error.message} ${error.cause.hint} ${error.cause.vendorText}`,
          new RegExp(`${fixture.intacct.userPassword}|${fixture.intacct.senderPassword}`),
        )
        return true
      })
    }).timeout(120_000)
  }

  for (const what of TABLE.filter(
    ([, on, cls, code]) =>
      on === 'query' && (cls !== 'config' || /processing|malformed|doctype|too-large|incomplete|no-total/.test(code)),
  ).map(([name]) => name))
    it(`${what}, once or twice: nothing is lost and nothing doubled`, async () => {
      const source = intacctSource(open(20), { pageSize: 10 })
      await source.plan('gl_entry', never)
      inject(what, 'query', 2)
      const { records, refused } = await readEntity(source, 'gl_entry')
      assert.deepEqual(refused, [])
      const whole = await readEntity(intacctSource(open()), 'gl_entry')
      const bare = ({ _read, ...record }: Row) => record
      assert.deepEqual(records.map(bare), whole.records.map(bare))
    }).timeout(120_000)

  for (const what of ['bom', 'control-characters', 'invalid-utf8', 'huge-text'] as const)
    it(`${what} in a reply does no harm`, async () => {
      const source = intacctSource(open())
      await source.plan('supplier', never)
      inject(what, 'query', 1)
      const { records } = await readEntity(source, 'supplier')
      assert.equal(records.length, fixture.books.tables.supplier.count())
    }).timeout(120_000)

  it('a reply that drips is given up in time and asked for again', async () => {
    const source = intacctSource(open(12, 1500))
    await source.plan('supplier', never)
    inject('slow-drip', 'query', 1)
    const { records } = await readEntity(source, 'supplier')
    assert.equal(records.length, fixture.books.tables.supplier.count())
  }).timeout(120_000)

  it('a vendor name with control characters, markup, emoji and entities comes as it was typed, the rest counted', async () => {
    fixture.intacct.setText('VENDOR', 1, 'NAME', 'A\u0001B\u0008 ]]> <b>&amp;</b> \u{1F600} O&#039;N')
    const { records, notices } = await readEntity(intacctSource(open()), 'supplier')
    const names = records.map(({ name }) => String(name)).filter((name) => name.includes(']]>'))
    assert.equal(names.length, 1)
    assert.ok(names[0]?.startsWith('AB ]]> '), names[0])
    assert.ok(names[0]?.includes('\u{1F600}'))
    assert.ok(
      notices.some((notice) => /2 control character/.test(notice)),
      notices.join(),
    )
  })

  describe('a single record that is over the limit of an answer', () => {
    /** Everything but the record, which is held by its key and with the reason. */
    const readAll = async (entity: string, more: Partial<IntacctSourceOptions> = {}) => {
      const connection = connectIntacct(fixture, {
        retry: { attempts: 40, firstDelayMs: 1, maxDelayMs: 2 },
        maxReplyBytes: 150_000,
      })
      opened.push(connection)
      const found = await readEntity(intacctSource(connection, { pageSize: 50, ...more }), entity)
      const [held, ...others] = found.refused
      assert.deepEqual(others, [])
      assert.equal(held?.code, 'intacct.unreadable')
      assert.match(held?.message ?? '', /the answer of Intacct is greater than 150,000 bytes/)
      const keyOf = ({ code, number }: Row) => String(code ?? number)
      return { ...found, held: keyOf(held?.record as Row), keys: found.records.map(keyOf) }
    }
    const huge = 'x'.repeat(200_000)

    it('is held, and the others are read', async () => {
      const before = await readEntity(intacctSource(open()), 'supplier')
      fixture.intacct.setText('VENDOR', 3, 'NAME', huge)
      const { keys, held } = await readAll('supplier')
      assert.deepEqual([...keys, held].sort(), before.records.map(({ code }) => String(code)).sort())
    }).timeout(120_000)

    for (const [what, object, field, at] of [
      ['header', 'GLBATCH', 'BATCH_TITLE', 7],
      ['header of the next page', 'GLBATCH', 'BATCH_TITLE', 14],
      ['line', 'GLENTRY', 'DESCRIPTION', 7],
      ['line far on', 'GLENTRY', 'DESCRIPTION', 60],
    ] as const)
      it(`is held as a document, whose ${what} it is, and the others come whole`, async () => {
        const before = await readEntity(intacctSource(open()), 'gl_entry')
        const query = { object, select: ['RECORDNO'], filter: undefined, orderBy: ['RECORDNO'], pageSize: 1000 }
        const { results } = await open().call([{ name: 'query', query }], { what: object, signal: never })
        const rows = results[0]?.rows ?? []
        assert.ok(rows.length > at + 5, `${rows.length} rows of ${object}`)
        fixture.intacct.setText(object, rows[at]?.fields.RECORDNO ?? '', field, huge)
        const { keys, held, records } = await readAll('gl_entry', { pageSize: 10 })
        assert.deepEqual([...keys, held].sort(), before.records.map(({ number }) => String(number)).sort())
        const linesOf = (all: readonly DataRecord[]) =>
          new Map(all.map((record) => [String(record.number), (record.lines as unknown[]).length]))
        const whole = linesOf(before.records)
        for (const [number, count] of linesOf(records)) assert.equal(count, whole.get(number), number)
      }).timeout(120_000)

    it('is held when it is read by its key too', async () => {
      fixture.intacct.setText('GLBATCH', 5, 'BATCH_TITLE', huge)
      const { held } = await readAll('gl_entry')
      const connection = connectIntacct(fixture, {
        retry: { attempts: 40, firstDelayMs: 1, maxDelayMs: 2 },
        maxReplyBytes: 150_000,
      })
      opened.push(connection)
      const plan = await intacctSource(connection).plan('gl_entry', never)
      const key = (await readEntity(intacctSource(open()), 'gl_entry', undefined, ['changed'])).records
        .filter(({ number }) => String(number) === held)
        .map((record) => keyText(plan.schema, record))
      let read = 0
      const page = await plan.readKeys?.(key, () => ++read, never)
      assert.deepEqual([page?.records, page?.refused?.map(({ code }) => code)], [[], ['intacct.unreadable']])
    }).timeout(120_000)
  })

  it('a reply of 200 MB is given up at 64 MB, without the memory of it', async () => {
    const source = intacctSource(open())
    await source.plan('supplier', never)
    inject('huge-reply', 'query', 1)
    global.gc?.()
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 5)
    const { records } = await readEntity(source, 'supplier')
    clearInterval(watch)
    assert.equal(records.length, fixture.books.tables.supplier.count())
    assert.ok(peak - before < 400 << 20, `${Math.round((peak - before) / (1 << 20))} MB more`)
  }).timeout(120_000)
})
