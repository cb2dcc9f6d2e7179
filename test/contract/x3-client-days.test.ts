import assert from 'node:assert/strict'
import { ENTITIES } from '../../nodes/x3/client/entities/index.ts'
import { type DataRecord, keyText, type Row } from '../../sync/contract/message.ts'
import type { Listing, Source } from '../../sync/contract/source.ts'
import { startX3Fixture, type X3Fixture } from '../support/x3.ts'
import { connect, never, readEntity, sourceOf } from '../support/x3-client.ts'

const hour = 3_600_000
const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
/** A record without what each reading sets anew. */
const content = ({ _read, _row, _stamp, ...rest }: DataRecord): Row => rest

/** Everything read so far, by entity and key: the newest reading of each; and up to where each entity was read. */
interface Store {
  readonly records: Map<string, Map<string, Row>>
  readonly through: Map<string, string>
}
const newStore = (): Store => ({ records: new Map(), through: new Map() })

/** The next window of every entity, as the engine would lay it. Gives the walks that brought something. */
async function readAll(source: Source, store: Store, bound: string): Promise<string[]> {
  const walks = new Set<string>()
  for (const { entity } of ENTITIES) {
    try {
      const through = store.through.get(entity)
      const from = through === undefined ? null : iso(Date.parse(through) - 600_000)
      const reading = await readEntity(source, entity, { from, bound })
      const kept = store.records.get(entity) ?? new Map<string, Row>()
      store.records.set(entity, kept)
      for (const record of reading.records) kept.set(keyText(reading.plan.schema, record), content(record))
      for (const { record } of reading.refused) kept.set(keyText(reading.plan.schema, record), { refused: true })
      for (const [walk, count] of Object.entries(reading.walks)) if (count > 0) walks.add(walk)
      store.through.set(entity, bound)
    } catch (error) {
      // The day takes a right away in mid-run: that entity's next window starts where its last one did.
      if ((error as { code?: string }).code !== 'x3.right') throw error
    }
  }
  return [...walks]
}

async function listKeys(source: Source, entity: string): Promise<Set<string>> {
  const plan = await source.plan(entity, never)
  const keys = new Set<string>()
  let cursor: string | null = null
  do {
    const page: Listing | undefined = await plan.list?.({ cursor, nextRead: () => 0, signal: never })
    for (const { key } of page?.keys ?? []) keys.add(key)
    cursor = page?.cursor ?? null
  } while (cursor !== null)
  return keys
}

describe('the X3 client follows days of changes', () => {
  let fixture: X3Fixture
  const opened: { close(): Promise<void> }[] = []
  const source = (...more: [] | [Parameters<typeof sourceOf>[1]]): Source => {
    const connection = connect(fixture)
    opened.push(connection)
    return sourceOf(connection, ...more)
  }
  beforeEach(async () => {
    fixture = await startX3Fixture({ seed: 2 })
  })
  afterEach(async () => {
    for (const connection of opened.splice(0)) await connection.close()
    await fixture.x3.close()
  })

  it('windows of changes and the listing of keys give what reading everything anew gives, and each walk is needed', async () => {
    const x3 = source({ pageSize: 20 })
    const store = newStore()
    await readAll(x3, store, iso(fixture.clock.time - 60_000))
    const walks = new Set<string>()
    for (let day = 0; day < 4; day++) {
      fixture.clock.time += 24 * hour
      fixture.books.day()
      fixture.x3.newDay()
      for (const walk of await readAll(x3, store, iso(fixture.clock.time - 60_000))) walks.add(walk)
    }
    fixture.books.finish()
    fixture.x3.allow()
    fixture.clock.time = Math.max(fixture.clock.time, Date.parse(fixture.books.lastStamp())) + hour
    await readAll(x3, store, iso(fixture.clock.time))
    assert.ok(walks.has('lines') && walks.has('joined') && walks.has('changed'), [...walks].join())
    let gone = 0
    for (const [entity, kept] of store.records) {
      const listed = await listKeys(x3, entity)
      for (const key of kept.keys()) if (!listed.has(key) && kept.delete(key)) gone++
      assert.deepEqual([...kept.keys()].sort(), [...listed].sort(), `${entity}: what was not deleted was read`)
    }
    assert.ok(gone >= 8, `${gone} records were deleted`)
    const anew = newStore()
    await readAll(source(), anew, iso(fixture.clock.time))
    for (const [entity, records] of anew.records) {
      const kept = store.records.get(entity)
      assert.deepEqual([...(kept?.keys() ?? [])].sort(), [...records.keys()].sort(), entity)
      for (const [key, record] of records) assert.deepEqual(kept?.get(key), record, `${entity} ${key}`)
    }
  }).timeout(120_000)

  it('reads a document once in a window, though header, lines and joined header all changed', async () => {
    fixture.clock.time += 24 * hour
    fixture.books.day()
    fixture.books.finish()
    const x3 = source()
    const window = { from: iso(fixture.clock.time - 25 * hour), bound: iso(fixture.clock.time) }
    for (const entity of ['supplier', 'supplier_invoice', 'gl_entry']) {
      const { records, plan, walks } = await readEntity(x3, entity, window)
      const keys = records.map((record) => keyText(plan.schema, record))
      assert.ok(keys.length > 0 && (walks.changed ?? 0) > 0, entity)
      assert.equal(new Set(keys).size, keys.length, entity)
    }
  })

  it('refuses the journals that do not balance, and no other', async () => {
    const must = new Set<string>()
    for (let day = 0; day < 3; day++) {
      fixture.clock.time += 24 * hour
      fixture.books.day()
    }
    for (const entry of fixture.books.tables.journalEntry.walk())
      if (entry.mustHold) must.add(`demo|${entry.entryType}|${entry.number}`)
    assert.ok(must.size > 0)
    const { plan, refused } = await readEntity(source(), 'gl_entry', { from: null, bound: iso(fixture.clock.time) })
    assert.deepEqual(new Set(refused.map(({ record }) => keyText(plan.schema, record))), must)
    for (const { code, message } of refused) {
      assert.equal(code, 'x3.unbalanced')
      assert.match(message, /does not balance: ledger \w+ of company \w+ is off by/)
    }
    const exempt = source({ statisticalLedgers: ['legal', 'analytical', 'ias'] })
    assert.equal(
      (await readEntity(exempt, 'gl_entry', { from: null, bound: iso(fixture.clock.time) })).refused.length,
      0,
    )
  })

  it('a document that changes between two pages of its lines is read anew', async () => {
    fixture.clock.time += 24 * hour
    fixture.books.day()
    fixture.x3.newDay()
    assert.ok(fixture.books.ambushes().length > 0)
    const long = fixture.books.ambushes()[0] as { table: 'journalEntry' | 'purchaseOrder'; key: string }
    const entity = long.table === 'journalEntry' ? 'gl_entry' : 'purchase_order'
    fixture.x3.allow()
    const { records, refused, plan } = await readEntity(source(), entity, {
      from: null,
      bound: iso(fixture.clock.time),
    })
    assert.ok(fixture.x3.stats().ambushes > 0, 'the sandbox changed nothing between the pages')
    const record = records.find((one) => keyText(plan.schema, one) === `demo|${long.key}`)
    const now = fixture.books.tables[long.table].get(long.key) as { lines: unknown[] }
    assert.equal(
      (record?.lines as Row[] | undefined)?.length,
      now.lines.length,
      refused.map(({ message }) => message).join(),
    )
  })

  it('counts records stamped ahead of the clock and leaves them for their time', async () => {
    let future = 0
    for (let day = 0; day < 3; day++) {
      fixture.clock.time += 24 * hour
      fixture.books.day()
    }
    fixture.books.finish()
    const bound = iso(fixture.clock.time - 60_000)
    const x3 = source()
    for (const { entity } of ENTITIES) {
      const reading = await readEntity(x3, entity, { from: null, bound })
      future += reading.future
      for (const { _stamp } of reading.records) assert.ok(!_stamp || _stamp <= bound, `${entity} ${_stamp} ${bound}`)
    }
    assert.ok(future > 0)
  })

  it('reads documents of the last days again when that net is on', async () => {
    const x3 = source({ dateWindowDays: 40 })
    const reading = await readEntity(x3, 'gl_entry', {
      from: iso(fixture.clock.time - 60_000),
      bound: iso(fixture.clock.time),
    })
    const first = iso(fixture.clock.time - 40 * 24 * hour).slice(0, 10)
    const wanted = [...fixture.books.tables.journalEntry.walk()].filter(({ accountingDate }) => accountingDate >= first)
    assert.ok(wanted.length > 0)
    assert.equal(reading.walks.dates, wanted.length)
  })
})

for (const generation of ['quantityLines', '2021'] as const) {
  describe(`the X3 client and a release of the form ${generation}`, () => {
    let fixture: X3Fixture
    before(async () => {
      fixture = await startX3Fixture({ generation })
    })
    after(async () => {
      await fixture.x3.close()
    })

    it('reads every entity', async () => {
      const connection = connect(fixture)
      const source = sourceOf(connection)
      for (const { entity } of ENTITIES) {
        const { plan, records, notices } = await readEntity(source, entity)
        assert.ok(records.length > 0, entity)
        for (const name of plan.schema.key)
          assert.ok(
            records.every((record) => record[name] !== null),
            `${entity}.${name}`,
          )
        for (const list of Object.keys(plan.schema.lists ?? {})) {
          assert.ok(
            records.some((record) => (record[list] as Row[]).length > 0),
            `${entity}.${list}`,
          )
        }
        for (const notice of notices) assert.match(notice, /does not know|has no/)
      }
      const { records } = await readEntity(source, 'supplier')
      for (const record of records)
        assert.equal(record.name, fixture.books.tables.businessPartner.get(String(record.code))?.name)
      await connection.close()
    })
  })
}
