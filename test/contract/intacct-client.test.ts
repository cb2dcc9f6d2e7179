import assert from 'node:assert/strict'
import { createIntacctSchema } from '../../nodes/intacct/client/schema.ts'
import { createFaults } from '../../sandbox/faults.ts'
import { INTACCT_SITES } from '../../sandbox/intacct/server.ts'
import type { Row } from '../../sync/contract/message.ts'
import { keyText } from '../../sync/contract/message.ts'
import { addDecimals } from '../../sync/values/money.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'
import { connectIntacct, intacctEntities, intacctSource } from '../support/intacct-client.ts'
import { never, readEntity } from '../support/x3-client.ts'

type Failure = Error & { code: string; cause: { class: string; hint?: string; vendorCode?: string } }
const lines = (records: readonly Row[]): Row[] => records.flatMap((record) => record.lines as Row[])

describe('the Intacct client reads the books of the sandbox', () => {
  let fixture: IntacctFixture
  const opened: { close(): Promise<void> }[] = []
  const open = (more: Parameters<typeof connectIntacct>[1] = {}) => {
    const connection = connectIntacct(fixture, more)
    opened.push(connection)
    return connection
  }
  beforeEach(async () => {
    fixture = await startIntacctFixture()
  })
  afterEach(async () => {
    // By nobody, in no test, with injected names or not, was anything asked but reads.
    const known = ['getAPISession', 'readUserFormatting', 'getDimensions', 'lookup', 'inspect', 'query']
    assert.deepEqual(
      Object.keys(fixture.intacct.stats().functions).filter((name) => !known.includes(name)),
      [],
    )
    for (const one of opened.splice(0)) await one.close()
    await fixture.intacct.close()
  })

  it('reads journals with all their lines, debit positive, balanced, private entities among them', async () => {
    const { records } = await readEntity(intacctSource(open()), 'gl_entry', {
      from: null,
      bound: '2026-03-10T08:59:00Z',
    })
    const companies = new Set(records.map(({ company }) => company))
    for (const { id } of fixture.intacct.entities) assert.ok(companies.has(id), id)
    for (const record of records) {
      const amounts = (record.lines as Row[]).map((line) => String(line.amount_ledger))
      assert.ok(amounts.length > 1)
      assert.equal(addDecimals(...amounts), '0')
    }
    assert.ok(lines(records).some((line) => String(line.amount).startsWith('-')))
    assert.ok(lines(records).every((line) => line.period === String(line.accounting_date).slice(0, 7)))
  })

  it('gives dimensions by their objects, the user-defined one by its own, and a column for each on lines', async () => {
    const { plan, records } = await readEntity(intacctSource(open()), 'dimension', { from: null, bound: null })
    assert.deepEqual(
      [...plan.walks],
      ['DEPARTMENT', 'LOCATION', 'PROJECT', 'CLASS', fixture.intacct.userDimension, 'deleted'],
    )
    const types = new Set(records.map(({ type }) => type))
    assert.deepEqual([...types].sort(), ['CLASS', 'DEPARTMENT', 'LOCATION', 'PRODUCT_LINE', 'PROJECT'])
    const journal = await intacctSource(open()).plan('gl_entry', never)
    const columns = journal.schema.lists?.lines?.columns.map(({ name }) => name) ?? []
    for (const name of ['dim_department', 'dim_location', 'dim_class', 'dim_project', 'dim_product_line'])
      assert.ok(columns.includes(name), name)
  })

  it('a poll without changes is one call for each object, one for deletions, and one sign-in for the session', async () => {
    const connection = open()
    const schema = createIntacctSchema(connection)
    const poll = async (from: string | null) => {
      const source = intacctSource(connection, {}, schema)
      const bound = await source.clock(never)
      for (const entity of intacctEntities) await readEntity(source, entity, { from, bound })
    }
    await poll(null)
    const before = fixture.intacct.stats()
    connection.takeCalls()
    await poll('2026-03-10T08:59:00Z')
    const after = fixture.intacct.stats()
    assert.equal(after.sessions, before.sessions)
    const [calls] = [...connection.takeCalls().values()]
    const made = Object.fromEntries(calls ?? [])
    assert.deepEqual(made, {
      ...{
        VENDOR: 1,
        CUSTOMER: 1,
        ITEM: 1,
        EMPLOYEE: 1,
        GLACCOUNT: 1,
        DEPARTMENT: 1,
        LOCATION: 1,
        PROJECT: 1,
        CLASS: 1,
      },
      ...{
        [fixture.intacct.userDimension]: 1,
        APBILL: 1,
        APBILLITEM: 1,
        APPYMT: 1,
        APPYMTDETAIL: 1,
        GLBATCH: 1,
        GLENTRY: 1,
        AUDITHISTORY: 1,
      },
    })
    const total = Object.values(made).reduce((sum, n) => sum + n, 0)
    assert.equal(after.requests - before.requests, total)
    assert.equal(before.sessions, 1)
    const metered = fixture.intacct.stats().meter['2026-03'] ?? {}
    assert.equal(metered.VENDOR, 2)
  })

  it('reads headers and lines of a whole load in few calls, each page full but the last', async () => {
    await fixture.intacct.close()
    fixture = await startIntacctFixture({ size: 20_000 })
    const connection = open()
    const source = intacctSource(connection)
    await source.plan('gl_entry', never)
    connection.takeCalls()
    const { records } = await readEntity(source, 'gl_entry', { from: null, bound: '2026-03-10T08:59:00Z' })
    const [calls] = [...connection.takeCalls().values()]
    const made = [...(calls?.values() ?? [])].reduce((sum, n) => sum + n, 0)
    const rows = records.length + lines(records).length
    assert.ok(made <= Math.ceil(rows / 2000) + 10, `${made} calls for ${rows} rows`)
  }).timeout(120_000)

  it('reads in the zone of the API user, summer time of the company or not, and tells stamps in UTC', async () => {
    const plain = await readEntity(intacctSource(open()), 'supplier_invoice', { from: null, bound: null })
    const stamps = new Map(plain.records.map((record) => [record.number, record._stamp]))
    for (const timeZone of ['-08:00', '+09:30']) {
      fixture.intacct.tune({ timeZone })
      const moved = await readEntity(intacctSource(open()), 'supplier_invoice', { from: null, bound: null })
      for (const record of moved.records) assert.equal(record._stamp, stamps.get(record.number), timeZone)
    }
    fixture.intacct.tune({ timeZone: 'America/Los_Angeles' })
    const summer = await readEntity(intacctSource(open({ timeZone: 'America/Los_Angeles' })), 'supplier_invoice', {
      from: null,
      bound: null,
    })
    for (const record of summer.records) assert.equal(record._stamp, stamps.get(record.number))
  })

  it('asks again in the new zone when the settings of the user change between two sessions', async () => {
    const connection = open()
    const source = intacctSource(connection)
    const window = { from: '2025-06-01T00:00:00Z', bound: '2025-09-01T00:00:00Z' }
    const before = await readEntity(source, 'gl_entry', window)
    assert.ok(before.records.length > 0)
    fixture.intacct.tune({ timeZone: '+05:00' })
    fixture.intacct.endSessions()
    const after = await readEntity(source, 'gl_entry', window)
    assert.deepEqual(
      after.records.map(({ number }) => number),
      before.records.map(({ number }) => number),
    )
  })

  it('reads nothing where the dates of the user cannot be read for certain, and says what to set', async () => {
    fixture.intacct.tune({ dateFormat: '.dmY', clock: '12' })
    await assert.rejects(intacctSource(open()).plan('supplier', never), (error: Failure) => {
      assert.equal(error.code, 'intacct.formatting')
      assert.match(error.message, /"\.dmY".*12 hour/)
      assert.match(error.cause.hint ?? '', /MM\/DD\/YYYY/)
      return true
    })
  })

  it('goes on with a new session when one ends between two pages, signing in once', async () => {
    const connection = open()
    const plan = await intacctSource(connection, { pageSize: 7 }).plan('supplier', never)
    const records: Row[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof plan.readPage>> = await plan.readPage({
        walk: 'changed',
        window: { from: null, bound: null },
        cursor,
        nextRead: () => 1,
        signal: never,
      })
      records.push(...page.records)
      cursor = page.cursor
      fixture.intacct.endSessions()
    } while (cursor !== null)
    assert.equal(new Set(records.map(({ code }) => code)).size, fixture.books.tables.supplier.count())
    assert.equal(records.length, fixture.books.tables.supplier.count())
    assert.equal(fixture.intacct.stats().sessions, 5)
  })

  it('signs in once for all that ask at the same time, and asks one thing at a time', async () => {
    fixture.intacct.setLatency(20)
    const connection = open()
    const source = intacctSource(connection)
    await Promise.all(['supplier', 'customer', 'product', 'employee'].map((entity) => readEntity(source, entity)))
    assert.equal(fixture.intacct.stats().sessions, 1)
    assert.equal(fixture.intacct.stats().concurrent, 1)
  })

  it('renews a session ahead of its end, and never uses it past its own life', async () => {
    fixture.intacct.tune({ sessionSeconds: 1800 })
    const connection = open()
    const ask = async () => void (await connection.call([{ name: 'getDimensions' }], { what: 'x', signal: never }))
    await ask()
    fixture.clock.time += 20 * 60_000
    await connection.askClock(never)
    await ask()
    assert.equal(fixture.intacct.stats().sessions, 1)
    fixture.clock.time += 29.5 * 60_000
    await connection.askClock(never)
    await ask()
    assert.equal(fixture.intacct.stats().sessions, 2)
    fixture.intacct.tune({ sessionSeconds: 86_400 })
    for (let hour = 0; hour < 2; hour++) {
      fixture.clock.time += 51 * 60_000
      await connection.askClock(never)
      await ask()
    }
    assert.equal(fixture.intacct.stats().sessions, 4)
  })

  it('follows the endpoint of the session, and refuses one on a foreign host', async () => {
    const connection = open()
    await connection.call([], { what: 'x', signal: never })
    assert.equal(connection.endpoint(), fixture.intacct.endpoint)
    for (const endpoint of [
      'https://evil.example/ia/xml/xmlgw.phtml',
      'https://intacct.com.evil.example/x',
      'http://api.intacct.com/x',
      'file:///etc/passwd',
      'https://u:p@api.intacct.com/x',
    ]) {
      fixture.intacct.tune({ endpoint })
      await assert.rejects(open().call([], { what: 'x', signal: never }), (error: Failure) => {
        assert.equal(error.code, 'intacct.host', endpoint)
        assert.equal(error.cause.class, 'config')
        return true
      })
    }
    assert.throws(() => open({ allowedHosts: [] }), { code: 'intacct.host' })
  })

  it('leaves sensitive columns out unless they are chosen, and adds custom fields by their names and types', async () => {
    const plain = await intacctSource(open()).plan('supplier', never)
    assert.ok(!plain.schema.columns.some(({ sensitive }) => sensitive))
    const chosen = await intacctSource(open(), { sensitive: { supplier: ['bank_account'] } }).plan('supplier', never)
    assert.ok(chosen.schema.columns.some(({ name, sensitive }) => name === 'bank_account' && sensitive))
    const connection = open()
    const info = await createIntacctSchema(connection).lookup('APBILL', never)
    const custom = [...info.fields.values()].find((field) => field.custom)
    assert.ok(custom, 'the sandbox has a custom field on APBILL')
    const extraFields = {
      supplier_invoice: [
        { field: custom.id, name: 'own' },
        { field: 'LOCATIONID', list: 'lines', name: 'place' },
      ],
    }
    const { plan, records } = await readEntity(intacctSource(connection, { extraFields }), 'supplier_invoice')
    assert.equal(plan.schema.columns.find(({ name }) => name === 'own')?.type, custom.type)
    assert.ok(records.some(({ own }) => own !== null))
    assert.ok(lines(records).every((line) => line.place === line.site))
  })

  for (const name of ['NO_SUCH_FIELD', 'RECORDNO</field></select><delete/>', "X' OR '1'='1"])
    it(`an added field ${name} is refused before anything is read`, async () => {
      const source = intacctSource(open(), { extraFields: { supplier: [{ field: name }] } })
      await assert.rejects(source.plan('supplier', never), (error: Failure) => {
        assert.match(error.code, /^intacct\.(?:unknown-field|name)$/)
        assert.equal(error.cause.class, 'config')
        return true
      })
      assert.equal(fixture.intacct.stats().functions.query, undefined)
    })

  it('reads any other object with all its fields, by its record number', async () => {
    const source = intacctSource(open(), { objects: { warehouse: 'LOCATION' } })
    const { plan, records } = await readEntity(source, 'warehouse')
    assert.deepEqual(plan.schema.key, ['source', 'record_no'])
    assert.ok(records.length > 0)
    assert.ok(records.every((record) => /^\d+$/.test(String(record.record_no)) && record.locationid))
    const own = await readEntity(intacctSource(open(), { objects: { lines: fixture.intacct.userDimension } }), 'lines')
    assert.ok(
      own.records.length > 0 && own.records.every((record) => /^\d+$/.test(String(record.record_no)) && record.name),
    )
    await assert.rejects(
      intacctSource(open(), { objects: { bad: 'NOSUCH' } }).plan('bad', never),
      (error: Failure) => error.cause.class === 'config',
    )
    await assert.rejects(intacctSource(open(), { objects: { bad: 'A><delete/>' } }).plan('bad', never), {
      code: 'intacct.name',
    })
  })

  for (const name of ['Make/Break_Kits', 'R&D', 'Établissement'])
    it(`leaves out the dimension ${name}, which no query can name, and says so in every run`, async () => {
      const usual = await readEntity(intacctSource(open()), 'gl_entry')
      fixture.intacct.tune({ oddDimension: name })
      const source = intacctSource(open())
      for (const entity of ['dimension', 'gl_entry', 'supplier_invoice']) {
        const { records, notices } = await readEntity(source, entity)
        assert.ok(records.length > 0)
        const told = notices.filter((notice) => notice.includes(`${name} is left out: its name has other characters`))
        assert.equal(told.length, 1, notices.join())
        assert.deepEqual((await readEntity(source, entity)).notices, notices)
        if (entity === 'gl_entry') assert.deepEqual(records, usual.records)
      }
      const further = await readEntity(intacctSource(open(), { objects: { lines: 'GLENTRY' } }), 'lines')
      assert.ok(further.records.length > 0)
      assert.ok(further.notices.some((notice) => notice.includes(`GLDIM${name} is left out`)))
      await assert.rejects(intacctSource(open(), { objects: { odd: name } }).plan('odd', never), {
        code: 'intacct.name',
        message: `"${name}" is no name of an object of Intacct`,
      })
    })

  it('leaves out a field that Intacct lists and refuses to give, and says so', async () => {
    const source = intacctSource(open(), { objects: { jobs: 'PROJECT' } })
    const first = await readEntity(source, 'jobs')
    assert.ok(first.records.length > 0)
    assert.ok(
      first.notices.some((notice) => /PROJECT lists the field \w+ but refuses to give it/.test(notice)),
      first.notices.join(),
    )
    const again = await source.plan('jobs', never)
    const refused = first.notices.map((notice) => /lists the field (\w+)/.exec(notice)?.[1]?.toLowerCase())
    assert.ok(!again.schema.columns.some(({ name }) => refused.includes(name)), 'it is no column any more')
  })

  it('reads bills of a span of dates for a backfill', async () => {
    const all = await readEntity(intacctSource(open()), 'gl_entry')
    const span = { from: '2025-06-01', bound: '2025-07-31' }
    const { records } = await readEntity(intacctSource(open()), 'gl_entry', span, ['backfill'])
    const wanted = all.records.filter(
      ({ accounting_date: date }) => String(date) >= span.from && String(date) <= span.bound,
    )
    assert.ok(wanted.length > 0)
    assert.deepEqual(
      records.map(({ number }) => number),
      wanted.map(({ number }) => number),
    )
  })

  it('tells deletions from the audit history, and leaves them to the sweep where it may not be seen', async () => {
    const clock = await intacctSource(open()).clock(never)
    const before = await readEntity(intacctSource(open()), 'supplier_invoice')
    const from = '2026-03-09T00:00:00Z'
    fixture.clock.time += 86_400_000
    fixture.books.day()
    fixture.intacct.newDay()
    const connection = open()
    const bound = await intacctSource(connection).clock(never)
    const gone: string[] = []
    for (const entity of intacctEntities) {
      const source = intacctSource(connection)
      const plan = await source.plan(entity, never)
      const page = await plan.readPage({
        walk: 'deleted',
        window: { from: clock, bound },
        cursor: null,
        nextRead: () => 1,
        signal: never,
      })
      for (const key of page.gone ?? []) {
        gone.push(key)
        const found = await plan.readKeys?.([key], () => 1, never)
        assert.deepEqual(found?.records.map((record) => keyText(plan.schema, record)) ?? [], [], key)
      }
    }
    assert.ok(gone.length > 0, 'the business day deletes a document')
    assert.ok(before.records.length > 0)
    fixture.intacct.tune({ auditHistory: false })
    const blind = await readEntity(intacctSource(open()), 'supplier_invoice', { from, bound })
    assert.ok(
      blind.notices.some((notice) => /audit history/.test(notice)),
      blind.notices.join(),
    )
  })

  it('names the object whose right is missing, of an entity, of its lines, and lost in mid-run', async () => {
    for (const [object, entity] of [
      ['VENDOR', 'supplier'],
      ['GLENTRY', 'gl_entry'],
    ] as const) {
      fixture.intacct.deny(object)
      await assert.rejects(readEntity(intacctSource(open()), entity), (error: Failure) => {
        assert.equal(error.code, 'intacct.right')
        assert.equal(error.cause.class, 'config')
        assert.match(error.message, new RegExp(`${entity}.*Support ID`, 'i'))
        assert.match(error.cause.hint ?? '', /role/)
        return true
      })
      fixture.intacct.allow(object)
    }
  })

  it('comes through every fault of the hostile profile', async () => {
    const faults = createFaults('hostile', 3, INTACCT_SITES, { slowMs: 20, timeoutMs: 300, retryAfterSeconds: 0.05 })
    fixture.intacct.setFaults(faults)
    const { records } = await readEntity(intacctSource(open({ timeoutMs: 5000 }), { pageSize: 2 }), 'gl_entry')
    faults.stop()
    const whole = await readEntity(intacctSource(open()), 'gl_entry')
    const bare = ({ _read, ...record }: Row) => record
    assert.deepEqual(records.map(bare), whole.records.map(bare))
    assert.ok(Object.keys(faults.met()).length >= 6, JSON.stringify(faults.met()))
  }).timeout(120_000)
})
