import assert from 'node:assert/strict'
import type { IntacctSettings } from '../../sandbox/intacct/server.ts'
import { child, type Element, textOf } from '../../sandbox/xml.ts'
import { type IntacctFixture, startIntacctFixture } from '../support/intacct.ts'
import { readAll } from '../support/intacct-tables.ts'
import { waitFor } from '../support/wait.ts'

const dayMs = 86_400_000
const test = (op: string, field: string, ...values: string[]): string =>
  `<${op}><field>${field}</field>${values.map((value) => `<value>${value}</value>`).join('')}</${op}>`
const filter = (inside: string): string => `<filter>${inside}</filter>`
const showAll = '<options><showprivate>true</showprivate></options><pagesize>2000</pagesize>'
const showAllSorted = `<orderby><order><field>RECORDNO</field><ascending/></order></orderby>${showAll}`

describe('Intacct sandbox: stamps, rights and what changes', () => {
  let fixture: IntacctFixture
  let call: IntacctFixture['call']
  let query: IntacctFixture['query']

  beforeEach(async () => {
    fixture = await startIntacctFixture()
    ;({ call, query } = fixture)
  })
  afterEach(() => fixture.intacct.close())

  const day = async (): Promise<void> => {
    fixture.clock.time += dayMs
    fixture.books.day()
    fixture.intacct.newDay()
    await fixture.signIn()
  }
  const tune = (settings: Partial<IntacctSettings>): void => fixture.intacct.tune(settings)
  const data = (result: Element | undefined): Element => {
    const found = child(result, 'data')
    assert.ok(found)
    return found
  }

  describe('time zones', () => {
    /** The bill that changed last before summer time began, and the first after. */
    async function stamps(field: string): Promise<[string, string]> {
      const { rows } = await query('APBILL', ['RECORDNO', field], showAllSorted)
      return [rows[0]?.RECORDNO ?? '', rows[0]?.[field] ?? '']
    }

    it("tell and understand stamps in the user's zone, of which readUserFormatting tells the offset", async () => {
      const [number, utc] = await stamps('WHENMODIFIED')
      tune({ timeZone: '-08:00' })
      const [, local] = await stamps('WHENMODIFIED')
      assert.equal(Date.parse(`${utc} GMT`) - Date.parse(`${local} GMT`), 8 * 3_600_000)
      const found = async (op: string, value: string): Promise<boolean> => {
        const { rows } = await query('APBILL', ['RECORDNO'], `${filter(test(op, 'WHENMODIFIED', value))}${showAll}`)
        return rows.some((row) => row.RECORDNO === number)
      }
      assert.equal(await found('equalto', local), true)
      assert.equal(await found('greaterthan', local), false)
      assert.equal(await found('equalto', utc), false)
      const { result } = await call('<readUserFormatting/>')
      const user = data(result).children[0]
      assert.deepEqual(
        ['locale', 'dateformat', 'gmtoffset', 'clock'].map((name) => textOf(user, name)),
        ['en_US', '/mdY', '-08:00', '24'],
      )
    })

    it('have summer time where the zone has a name, though the user has one offset', async () => {
      const { rows } = await query('GLENTRY', ['RECORDNO', 'WHENMODIFIED'], showAllSorted)
      tune({ timeZone: 'America/Los_Angeles' })
      const local = await query('GLENTRY', ['RECORDNO', 'WHENMODIFIED'], showAllSorted)
      const offsets = rows.map(
        (row, k) =>
          (Date.parse(`${row.WHENMODIFIED} GMT`) - Date.parse(`${local.rows[k]?.WHENMODIFIED} GMT`)) / 3_600_000,
      )
      assert.deepEqual([...new Set(offsets)].sort(), [7, 8])
      // 10 March 2026: summer time has begun in Los Angeles.
      assert.equal(textOf(data((await call('<readUserFormatting/>')).result).children[0], 'gmtoffset'), '-07:00')
    })

    it('may differ by field, as on a recorded bill', async () => {
      tune({ timeZone: '-07:00', fieldZones: { AUWHENCREATED: '+00:00' } })
      const bill = fixture.books.tables.supplierInvoice.walk()[Symbol.iterator]().next().value
      const { rows } = await query('APBILL', ['AUWHENCREATED', 'WHENMODIFIED'], showAllSorted)
      assert.equal(Date.parse(`${rows[0]?.AUWHENCREATED} GMT`), Date.parse(bill?.created ?? ''))
      assert.equal(Date.parse(`${rows[0]?.WHENMODIFIED} GMT-0700`), Date.parse(bill?.headerUpdated ?? ''))
    })

    it("follow the user's date format and clock", async () => {
      tune({ dateFormat: '.ymd', clock: '12' })
      const { rows } = await query('APBILL', ['WHENPOSTED', 'WHENMODIFIED'], showAll)
      for (const row of rows) {
        assert.match(row.WHENPOSTED ?? '', /^\d{4}\.\d\d\.\d\d$/)
        assert.match(row.WHENMODIFIED ?? '', /^\d{4}\.\d\d\.\d\d (0[1-9]|1[0-2]):\d\d:\d\d [AP]M$/)
      }
    })
  })

  it('has stamps of one second on many records, empty ones and late ones', async () => {
    await day()
    const items = (await query('ITEM', ['WHENMODIFIED', 'WHENCREATED'], showAll)).rows
    const bursts = Map.groupBy(items, (row) => row.WHENMODIFIED)
    assert.ok(Math.max(...[...bursts].filter(([at]) => at !== '').map(([, rows]) => rows.length)) > 10)
    const customers = (await query('CUSTOMER', ['WHENMODIFIED', 'WHENCREATED'], showAll)).rows
    const empty = customers.filter((row) => row.WHENMODIFIED === '')
    assert.ok(empty.length > 0)
    for (const row of empty) assert.match(row.WHENCREATED ?? '', /^\d\d\/\d\d\/\d{4} /)
    const isnull = await query('CUSTOMER', ['RECORDNO'], `${filter(test('isnull', 'WHENMODIFIED'))}${showAll}`)
    assert.equal(isnull.rows.length, empty.length)

    const count = async (): Promise<number> =>
      Number((await query('APBILL', ['RECORDNO'], showAll)).attributes.totalcount)
    const before = await count()
    assert.equal(before, fixture.books.tables.supplierInvoice.count() - 1)
    fixture.clock.time += 3_700_000
    assert.equal(await count(), before + 1)
  })

  it('moves the stamp of a vendor whose name was changed, and of a line alone', async () => {
    const before = new Map(
      (await readAll(fixture, 'VENDOR', ['NAME', 'WHENMODIFIED'])).map((row) => [row.RECORDNO, row]),
    )
    const lines = new Map((await readAll(fixture, 'GLENTRY', ['WHENMODIFIED'])).map((row) => [row.RECORDNO, row]))
    const batches = new Map((await readAll(fixture, 'GLBATCH', ['WHENMODIFIED'])).map((row) => [row.RECORDNO, row]))
    await day()
    const renamed = (await readAll(fixture, 'VENDOR', ['NAME', 'WHENMODIFIED'])).filter((row) =>
      / \(renamed 1\)$/.test(row.NAME ?? ''),
    )
    assert.equal(renamed.length, 1)
    assert.notEqual(renamed[0]?.WHENMODIFIED, before.get(renamed[0]?.RECORDNO ?? '')?.WHENMODIFIED)
    const unmoved = new Set(
      (await readAll(fixture, 'GLBATCH', ['WHENMODIFIED']))
        .filter((row) => batches.get(row.RECORDNO)?.WHENMODIFIED === row.WHENMODIFIED)
        .map((row) => row.RECORDNO),
    )
    const alone = (await readAll(fixture, 'GLENTRY', ['BATCHNO', 'WHENMODIFIED'])).filter(
      (row) => unmoved.has(row.BATCHNO ?? '') && lines.get(row.RECORDNO)?.WHENMODIFIED !== row.WHENMODIFIED,
    )
    assert.ok(alone.length > 0)
  })

  it('changes a journal between its header and its lines', async () => {
    await day()
    const [waiting] = fixture.books.ambushes()
    assert.equal(waiting?.table, 'journalEntry')
    const number = fixture.books.tables.journalEntry.numberOf(waiting?.key ?? '')
    const stamp = async (): Promise<string> => {
      const one = filter(test('equalto', 'RECORDNO', String(number)))
      return (await query('GLBATCH', ['WHENMODIFIED'], `${one}${showAll}`)).rows[0]?.WHENMODIFIED ?? ''
    }
    const first = await stamp()
    assert.equal(fixture.intacct.stats().ambushes, 0)
    const lines = await query(
      'GLENTRY',
      ['RECORDNO'],
      `${filter(test('equalto', 'BATCHNO', String(number)))}${showAll}`,
    )
    assert.equal(fixture.intacct.stats().ambushes, 1)
    assert.ok(lines.rows.length > 200)
    assert.notEqual(await stamp(), first)
  })

  describe('rights', () => {
    it('are refused by object, as recorded; lookup and inspect show it all the same', async () => {
      const ask = (object: string) => query(object, ['RECORDNO'])
      const text =
        /PL04000005.*You do not have permission for API operation READ_BY_QUERY on objects of type (arinvoice|apbill) \[Support ID: \w+%7E/
      await assert.rejects(ask('ARINVOICE'), text)
      fixture.intacct.deny('apbill')
      await assert.rejects(ask('APBILL'), text)
      assert.deepEqual(fixture.intacct.denied(), ['APBILL'])
      assert.equal((await call('<lookup><object>APBILL</object></lookup>')).error, undefined)
      assert.equal((await call('<inspect detail="1"><object>APBILL</object></inspect>')).error, undefined)
      await ask('VENDOR')
      fixture.intacct.allow()
      await ask('APBILL')
      await assert.rejects(ask('ARINVOICE'), text)
    })

    it('get lost in mid-run on every second day, and come back', async () => {
      for (let k = 0; k < 5; k++) await day()
      assert.equal(fixture.books.lostRight(), 'journalEntry')
      await query('VENDOR', ['RECORDNO'])
      await query('GLBATCH', ['RECORDNO'])
      await assert.rejects(query('GLENTRY', ['RECORDNO']), /PL04000005/)
      await assert.rejects(query('GLBATCH', ['RECORDNO']), /PL04000005/)
      await query('APBILL', ['RECORDNO'])
      fixture.books.finish()
      await query('GLENTRY', ['RECORDNO'])
    })
  })

  describe('audit history', () => {
    const deletions = (object: string): string =>
      `${filter(`<and>${test('equalto', 'OBJECTTYPE', object)}${test('equalto', 'ACCESSMODE', 'D')}${test('greaterthan', 'ACCESSTIME', '03/09/2026 00:00:00')}</and>`)}${showAll}`
    const remove = (table: 'supplierInvoice' | 'journalEntry' | 'supplier', key: string): void => {
      const found = fixture.books.tables[table] as unknown as { remove(key: string, at: string): void }
      found.remove(key, '2026-03-10T08:00:00Z')
    }

    it('tells deletions with each form of key, and is not asked in vain for others', async () => {
      const keyOf = (table: 'supplierInvoice' | 'journalEntry' | 'supplier'): [string, number] => {
        const one = fixture.books.tables[table]
        const [first] = one.walk() as Iterable<never>
        const key = one.keyOf(first as never)
        return [key, one.numberOf(key) as number]
      }
      const [bill, billNo] = keyOf('supplierInvoice')
      const [batch, batchNo] = keyOf('journalEntry')
      const [vendor] = keyOf('supplier')
      remove('supplierInvoice', bill)
      remove('journalEntry', batch)
      remove('supplier', vendor)
      const keys = async (object: string) =>
        (await query('AUDITHISTORY', ['ID', 'OBJECTKEY', 'ACCESSTIME'], deletions(object))).rows.map(
          (row) => row.OBJECTKEY,
        )
      assert.deepEqual(await keys('apbill'), [String(billNo)])
      assert.deepEqual(await keys('glbatch'), [`${batchNo}--REC`])
      assert.deepEqual(await keys('vendor'), [vendor])
      // Lines leave no trace of their own.
      for (const object of ['apbillitem', 'glentry']) assert.deepEqual(await keys(object), [])
      for (const [object, rest] of [
        ['APBILLITEM', test('equalto', 'RECORDKEY', String(billNo))],
        ['GLENTRY', test('equalto', 'BATCHNO', String(batchNo))],
      ] as const) {
        assert.deepEqual((await query(object, ['RECORDNO'], `${filter(rest)}${showAll}`)).rows, [])
      }
      await day()
      const all = (await query('AUDITHISTORY', ['OBJECTTYPE', 'ACCESSMODE'], showAll)).rows
      assert.deepEqual([...new Set(all.map((row) => row.ACCESSMODE))].sort(), ['C', 'D', 'M'])
      const word = await call(
        "<readByQuery><object>AUDITHISTORY</object><fields>OBJECTKEY</fields><query>OBJECTTYPE = 'vendor' and ACCESSMODE = 'Delete'</query></readByQuery>",
      )
      assert.equal(data(word.result).attributes.count, '1')
    })

    it('tells and understands its times in GMT, whatever the user prefers', async () => {
      tune({ timeZone: '-08:00' })
      const [bill] = fixture.books.tables.supplierInvoice.walk()
      remove('supplierInvoice', bill?.number ?? '')
      const since = (time: string): Promise<number> =>
        query(
          'AUDITHISTORY',
          ['ACCESSTIME'],
          filter(test('greaterthanorequalto', 'ACCESSTIME', `03/10/2026 ${time}`)),
        ).then(({ rows }) => rows.length)
      assert.equal(await since('08:00:00'), 1)
      assert.equal(await since('08:00:01'), 0)
      assert.equal((await query('AUDITHISTORY', ['ACCESSTIME'])).rows[0]?.ACCESSTIME, '03/10/2026 08:00:00')
    })

    it('can be put in other forms of key', async () => {
      const table = fixture.books.tables.supplierInvoice
      const [bill] = table.walk()
      tune({ auditKeys: { apbill: 'business' } })
      remove('supplierInvoice', bill?.number ?? '')
      const { rows } = await query('AUDITHISTORY', ['OBJECTKEY'], deletions('apbill'))
      assert.deepEqual(rows, [{ OBJECTKEY: bill?.number }])
    })

    it('is refused without an errorno where the user may not see it', async () => {
      tune({ auditHistory: false })
      const { error, text } = await call(
        '<query><object>AUDITHISTORY</object><select><field>OBJECTKEY</field></select></query>',
      )
      assert.equal(error?.level, 'result')
      assert.ok(!text.includes('<errorno>'))
      assert.match(error?.texts ?? '', /do not have permission to view audit history/)
    })
  })

  it('lists dimensions, the user-defined one with its own fields, and objects by label', async () => {
    const dimensions = data((await call('<getDimensions/>')).result).children[0]?.children ?? []
    const own = dimensions.filter((one) => textOf(one, 'userDefinedDimension') === 'true')
    assert.deepEqual(
      own.map((one) => textOf(one, 'objectName')),
      [fixture.intacct.userDimension],
    )
    assert.equal(dimensions.length, 12)
    const { rows } = await query(
      'product_line',
      ['id', 'name', 'createdAt', 'updatedAt'],
      '<orderby><order><field>id</field><ascending/></order></orderby>',
    )
    assert.ok(rows.length > 5)
    const ids = new Set(rows.map((row) => row.id))
    const used = (await readAll(fixture, 'GLENTRY', ['GLDIMPRODUCT_LINE']))
      .map((row) => row.GLDIMPRODUCT_LINE)
      .filter(Boolean)
    assert.ok(used.length > 0)
    for (const id of used) assert.ok(ids.has(id))
    for (const dimension of dimensions) {
      const name = textOf(dimension, 'objectName') ?? ''
      await query(name, [name === 'product_line' ? 'id' : 'RECORDNO'], '<pagesize>1</pagesize>')
    }
  })

  it('meters billable calls by month and object, and remembers every function it ever saw', async () => {
    await query('VENDOR', ['RECORDNO'])
    await query('VENDOR', ['RECORDNO'])
    await call('<lookup><object>APBILL</object></lookup>')
    fixture.clock.time += 30 * dayMs
    await fixture.signIn()
    await query('APBILL', ['RECORDNO'])
    await call('<delete><object>VENDOR</object><keys>1</keys></delete>')
    await call('<constructor/>')
    const { meter, functions, last } = fixture.intacct.stats()
    assert.deepEqual(meter, { '2026-03': { VENDOR: 2 }, '2026-04': { APBILL: 1 } })
    assert.deepEqual({ ...functions }, { getAPISession: 2, query: 3, lookup: 1, delete: 1, constructor: 1 })
    assert.match(last.at(-1)?.reply ?? '', /PL04000005/)
    for (const secret of [fixture.intacct.senderPassword, fixture.intacct.userPassword]) {
      assert.ok(!JSON.stringify(last).includes(secret))
    }
  })

  it('refuses a repeated function control id where uniqueid is true or absent', async () => {
    const ask = (controlId: string, uniqueId?: boolean) =>
      call('<lookup><object>VENDOR</object></lookup>', { controlId, uniqueId })
    assert.equal((await ask('a', true)).error, undefined)
    assert.match((await ask('a', true)).error?.texts ?? '', /control ID a has been processed before/)
    assert.match((await ask('a')).error?.texts ?? '', /processed before/)
    assert.equal((await ask('a', false)).error, undefined)
    assert.equal((await ask('b')).error, undefined)
  })

  it('does several functions in one request, apart or all or nothing', async () => {
    const functions = ['VENDOR', 'NOPE', 'CLASS']
      .map((object, k) => `<function controlid="f${k}"><lookup><object>${object}</object></lookup></function>`)
      .join('')
    const states = async (transaction: boolean): Promise<string[]> => {
      const { root } = await call(functions, { transaction })
      const results = child(root, 'operation')?.children.filter(({ name }) => name === 'result') ?? []
      return results.map((one) => `${textOf(one, 'controlid')} ${textOf(one, 'status')}`)
    }
    assert.deepEqual(await states(false), ['f0 success', 'f1 failure', 'f2 success'])
    assert.deepEqual(await states(true), ['f0 aborted', 'f1 failure', 'f2 aborted'])
  })

  it('works on two requests of the company at once and refuses a third that waits too long', async () => {
    tune({ latencyMs: 0, queueMs: 60, concurrent: 1 })
    await fixture.signIn()
    fixture.intacct.inject('slow-drip', { on: 'lookup' })
    const slow = new AbortController()
    const drip = fetch(fixture.intacct.endpoint, {
      method: 'POST',
      body: fixture.envelope('<lookup><object>CLASS</object></lookup>', { session: await fixture.signIn() }),
      signal: slow.signal,
    })
    await drip
    const { status, error, headers } = await call('<lookup><object>CLASS</object></lookup>')
    assert.equal(status, 429)
    assert.deepEqual([error?.level, error?.errorno, headers.get('retry-after')], ['control', 'GW-0010', '30'])
    slow.abort()
    await waitFor(async () => (await call('<lookup><object>CLASS</object></lookup>')).status === 200)
    assert.equal(fixture.intacct.stats().concurrent, 2)
  })
})
