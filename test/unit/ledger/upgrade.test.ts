import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { Migrator } from 'kysely/migration'
import { openDatabase } from '../../../ledger/database.ts'
import { migrations } from '../../../ledger/migrations.ts'
import { raiseDifferences } from '../../../sync/run/difference-alert.ts'
import { address, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const upTo = (end: string) => Object.fromEntries(Object.entries(migrations).filter(([name]) => name < end))
const before = upTo('0006')

describe('a ledger of the version before, opened by this one', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())

  const change = (sql: string, ...values: (string | number)[]) => {
    const db = new DatabaseSync(folder.file)
    db.prepare(sql).run(...values)
    db.close()
  }

  it('keeps a difference that only an alert told of, and what could not be compared is none', async () => {
    const db = openDatabase(folder.file)
    await new Migrator({ db: db.query, provider: { getMigrations: async () => before } }).migrateToLatest()
    db.raw.close()
    const alert = (id: string, message: string, cleared: string | null) =>
      change(
        `INSERT INTO alert VALUES (?, 's', 'no-tie', 'supplier', ?, '2026-03-01T08:00:00Z', ${cleared ?? 'NULL'})`,
        id,
        message,
      )
    alert('1', 'supplier at warehouse: count 3 delivered, 2 stored', null)
    alert('2', 'the sums stored in x could not be compared: no right', null)
    alert('3', 'over', "'2026-03-01T09:00:00Z'")
    const ledger = await folder.open()
    const [open, ...more] = await ledger.differences({ open: true })
    assert.deepEqual([open?.sync, open?.entity, open?.since, more.length], ['s', 'supplier', '2026-03-01T08:00:00Z', 0])
    assert.match(open?.problem ?? '', /3 delivered, 2 stored/)
    await raiseDifferences(ledger, 's', 'supplier')
    const [said] = await ledger.alerts({ open: true })
    assert.equal(said?.message, 'supplier at warehouse: count 3 delivered, 2 stored')
  })

  it('counts the lists of push datasets once all of it was read again, and knows what else was announced', async () => {
    const db = openDatabase(folder.file)
    await new Migrator({ db: db.query, provider: { getMigrations: async () => upTo('0027') } }).migrateToLatest()
    const places = ['powerbi://api/w/d/gl_entry', 'powerbi://api/w/d/supplier', 'databricks://h/main.finance.gl_entry']
    for (const [i, place] of places.entries()) {
      db.raw.prepare('INSERT INTO address (id, address, counted) VALUES (?, ?, 1)').run(i + 1, place)
      db.raw.exec(`
        INSERT INTO delivery (address, key, read, hash, run, rows) VALUES (${i + 1}, 'erp|A', 5, X'aa', 1, '');
        INSERT INTO target_sum (address, source, whole, sums) VALUES (${i + 1}, 'erp', 1, '[[1,"170"]]');
        INSERT INTO filled VALUES ('${place}', '', 's', 'e');
        INSERT INTO intent (id, address, sync, run, entity, shape, records, state, at)
          VALUES ('i${i}', '${place}', 's', 'r', 'e', 1, '[{"key":"erp|A","read":5,"hash":"aa"}]', 'in-doubt', '${i}')`)
      if (i !== 1) db.raw.exec(`INSERT INTO filled VALUES ('${place}', 'lines', 's', 'e')`)
    }
    db.raw.exec("INSERT INTO shape (id, json) VALUES (1, '{}')")
    db.raw.close()
    const ledger = await folder.open()
    for (const [i, place] of places.entries()) {
      if (i === 0) await ledger.tableLists(place, ['lines'])
      const found = (await ledger.deliveries(place, ['erp|A'])).get('erp|A')
      assert.equal(found?.stored?.lines, i === 0 ? undefined : '')
      assert.equal((await ledger.unsummed(place, 'erp')) > 0, i === 0)
      assert.equal((await ledger.targetMemory(place, 'erp'))?.whole, i === 0 ? undefined : true)
    }
    assert.deepEqual(
      (await ledger.doubtful()).map(({ records }) => records[0]?.lines),
      [undefined, undefined, ''],
    )
    await ledger.close()
  })

  it('what was discarded is left out, but for that of which a later version was delivered since', async () => {
    const db = openDatabase(folder.file)
    await new Migrator({ db: db.query, provider: { getMigrations: async () => before } }).migrateToLatest()
    // As the version before left both.
    for (const [id, key] of [
      ['1', 'erp|A'],
      ['2', 'erp|B'],
    ] as const)
      db.raw
        .prepare(
          `INSERT INTO held (id, sink, sink_name, stage, key, sync, run, entity, source_address, read, record, shape, cause,
            state, attempts, held_at, closed_at)
          VALUES (?, ?, 'write', 'sink', ?, 's', 'r', 'supplier', 'x', 1, X'00', 1, '{}', 'discarded', 0,
            '2026-03-01T08:00:00Z', '2026-03-01T08:00:00Z')`,
        )
        .run(id, address, key)
    db.raw.prepare('INSERT INTO address (id, address) VALUES (1, ?)').run(address)
    db.raw.exec("INSERT INTO delivery (address, key, read, run) VALUES (1, 'erp|A', 5, 1)")
    db.raw.close()
    const ledger = await folder.open()
    const [{ count } = { count: 0 }] = await ledger.openItems('s')
    assert.equal(count, 1)
    await ledger.close()
    const raw = new DatabaseSync(folder.file)
    const left = raw.prepare("SELECT key FROM held WHERE state = 'discarded'").all()
    raw.close()
    assert.deepEqual(
      left.map(({ key }) => key),
      ['erp|B'],
    )
  })
})
