import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Ledger, Position } from '../../../ledger/ledger.ts'
import { openLedger } from '../../../ledger/open.ts'
import type { SyncError } from '../../../sync/contract/errors.ts'
import { address, commit, delivery, held, type LedgerFolder, ledgerFolder, summaryOf } from '../../support/ledger.ts'

const refused = (code: string) => (error: SyncError) => {
  assert.equal(error.code, code, error.message)
  assert.ok(error.cause.hint, 'it says what to do next')
  return true
}

const position = (readThrough: string): Position => ({ identity: 'supplier of x', readThrough, window: null })

describe('ledger', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
    await ledger.beginRun({ id: 'r1', sync: 's', mode: 'poll', at: '2026-03-01T08:00:00.000Z' })
  })
  afterEach(() => folder.remove())

  describe('opening', () => {
    it('a second opener is told that the file is in use', async () => {
      await assert.rejects(folder.open(), refused('ledger.locked'))
    })

    it('keeps its id over a restart', async () => {
      const { id } = ledger
      await ledger.close()
      assert.equal((await folder.open()).id, id)
    })

    it('another secret is refused, before anything is written with it', async () => {
      await ledger.close()
      await assert.rejects(folder.open({ key: 'another' }), refused('ledger.key'))
      await folder.open()
    })

    it('after it was closed it says so to whoever is late', async () => {
      await ledger.close()
      await assert.rejects(ledger.commit(commit({ outcomes: { delivered: 1 } })), refused('ledger.closed'))
    })

    it('an empty secret is refused', async () => {
      await assert.rejects(openLedger({ file: ':memory:', key: '' }), refused('ledger.key'))
    })

    it('a file that is no ledger is named, and left as it was', async () => {
      await ledger.close()
      const text = 'this is not a database, it is a text of more than hundred bytes. '.repeat(20)
      writeFileSync(folder.file, text)
      await assert.rejects(folder.open(), refused('ledger.damaged'))
      assert.equal(readFileSync(folder.file, 'utf8'), text)
    })

    it('a ledger of a newer version is refused', async () => {
      await ledger.close()
      const db = new DatabaseSync(folder.file)
      db.exec("INSERT INTO kysely_migration VALUES ('0099-later', '2030-01-01')")
      db.close()
      await assert.rejects(folder.open(), refused('ledger.newer'))
    })

    it('a file that could not be made whole is as if it had never been begun', async () => {
      const file = `${folder.file}.begun`
      const db = new DatabaseSync(file)
      db.exec('CREATE TABLE alert (id TEXT)')
      await assert.rejects(openLedger({ file, key: 'test' }), { code: 'ledger.sqlite' })
      assert.deepEqual(
        db
          .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
          .all()
          .map(({ name }) => name),
        ['alert'],
      )
      db.exec('DROP TABLE alert')
      db.close()
      await (await openLedger({ file, key: 'test' })).close()
    })

    it('is for its owner alone, what a crash left beside it too', async () => {
      const file = `${dirname(folder.file)}/mode.db`
      for (const each of [file, `${file}-wal`, `${file}-shm`]) writeFileSync(each, '', { mode: 0o644 })
      const opened = await openLedger({ file, key: 'k' })
      for (const each of [file, `${file}-wal`, `${file}-shm`]) assert.equal(statSync(each).mode & 0o777, 0o600, each)
      await opened.close()
    })

    it('a folder that cannot be made is named', async () => {
      await assert.rejects(openLedger({ file: `${folder.file}/below/ledger.db`, key: 'k' }), refused('ledger.rights'))
    })
  })

  describe('one transaction for a settled batch', () => {
    it('deliveries, counts, held records and the position come together', async () => {
      await ledger.commit(
        commit({
          batch: 0,
          address,
          deliveries: [delivery('erp|A', 5)],
          held: [held('B', 6)],
          outcomes: { delivered: 1, held: 1 },
          rows: 3,
          position: { entity: 'supplier', position: position('2026-03-01T08:00:00Z') },
        }),
      )
      assert.equal((await ledger.deliveries(address, ['erp|A', 'erp|X'])).get('erp|A')?.read, 5)
      assert.equal((await ledger.held({ sync: 's' })).length, 1)
      assert.equal((await ledger.position('s', 'supplier'))?.readThrough, '2026-03-01T08:00:00Z')
      assert.equal(await ledger.highestRead(address), 5)
    })

    it('of a batch that does not fit on the disk nothing is kept, and the error names the disk', async () => {
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 5)] }))
      await ledger.close()
      const db = new DatabaseSync(folder.file)
      const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number }
      db.close()
      ledger = await openLimited(folder.file, pages + 2)
      const many = Array.from({ length: 5000 }, (_, i) => delivery(`erp|new${i}`, 9))
      await assert.rejects(
        ledger.commit(
          commit({
            address: 'fakedb://host/other',
            deliveries: many,
            position: { entity: 'supplier', position: position('2026-03-02T08:00:00Z') },
          }),
        ),
        refused('ledger.full'),
      )
      assert.equal(await ledger.position('s', 'supplier'), undefined)
      assert.equal(await ledger.hasDeliveries('fakedb://host/other'), false)
      // The ledger goes on: what is small still fits.
      await ledger.commit(commit({ address: 'fakedb://host/other', deliveries: [delivery('erp|B', 10)] }))
      assert.equal((await ledger.deliveries('fakedb://host/other', ['erp|B'])).size, 1)
      await ledger.close()
    })
  })

  describe('deliveries', () => {
    it('an older read never replaces a newer one', async () => {
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 7, { hash: '11'.repeat(16) })] }))
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 6, { hash: '22'.repeat(16) })] }))
      const found = (await ledger.deliveries(address, ['erp|A'])).get('erp|A')
      assert.deepEqual([found?.read, found?.hash], [7, '11'.repeat(16)])
    })

    it("keeps hash, hash of the original, run, totals and hash of the source's key apart from none", async () => {
      const whole = delivery('erp|A', 1, { originalHash: 'cd'.repeat(16), totals: '[1]', source: 2 ** 53 - 1 })
      await ledger.commit(commit({ address, deliveries: [whole, delivery('erp|B', 1, { hash: null })] }))
      await ledger.commit(commit({ address, deliveries: [delivery('erp|gone', 1, { hash: '' })] }))
      const found = await ledger.deliveries(address, ['erp|A', 'erp|B', 'erp|gone'])
      assert.deepEqual(found.get('erp|A'), { ...whole, stored: undefined, counts: undefined })
      assert.deepEqual([found.get('erp|B')?.hash, found.get('erp|B')?.source], [null, null])
      assert.equal(found.get('erp|gone')?.hash, '')
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 2)] }))
      assert.equal((await ledger.deliveries(address, ['erp|A'])).get('erp|A')?.source, null)
    })

    it('keys with quotes, commas, numbers and other scripts are found again', async () => {
      const keys = ['erp|O\'Neill "x", y', 'erp|00123', '123', 'erp|工場', 'erp|\u0000', '[1]', 'null']
      await ledger.commit(commit({ address, deliveries: keys.map((k) => delivery(k, 1)) }))
      assert.deepEqual([...(await ledger.deliveries(address, keys)).keys()].sort(), [...keys].sort())
    })

    it('clearing an address forgets its deliveries at once, and only its own, but not its highest number', async () => {
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 7)] }))
      await ledger.commit(commit({ address: 'fakedb://other', deliveries: [delivery('erp|A', 8)] }))
      await ledger.clearDeliveries(address)
      assert.equal((await ledger.deliveries(address, ['erp|A'])).size, 0)
      assert.equal(await ledger.hasDeliveries(address), false)
      assert.equal(await ledger.highestRead(address), 7)
      assert.equal(await ledger.hasDeliveries('fakedb://other'), true)
      await ledger.commit(commit({ address, deliveries: [delivery('erp|B', 9)] }))
      assert.equal(await ledger.hasDeliveries(address), true)
    })
  })

  describe('read numbers', () => {
    it('only grow, also when the clock is set back between two processes', async () => {
      let now = Date.parse('2026-03-01T08:00:00Z')
      await ledger.close()
      ledger = await folder.open({ now: () => now })
      const numbers = [ledger.nextRead(), ledger.nextRead(), ledger.nextRead()]
      await ledger.close()
      now -= 3_600_000
      ledger = await folder.open({ now: () => now })
      numbers.push(ledger.nextRead(), ledger.nextRead())
      assert.deepEqual(
        [...numbers].sort((a, b) => a - b),
        numbers,
      )
      assert.equal(new Set(numbers).size, numbers.length)
    })

    it('start above the number of a mark, over a restart too', async () => {
      const mark = ledger.nextRead() + 3_600_000_000
      ledger.raiseRead(mark)
      await ledger.close()
      assert.ok((await folder.open()).nextRead() > mark)
    })
  })

  describe('runs', () => {
    it('two runs of one sync do not overlap: the second is told which run it meets', async () => {
      await assert.rejects(
        ledger.beginRun({ id: 'r2', sync: 's', mode: 'poll', at: '2026-03-01T08:00:01.000Z' }),
        (error: SyncError) => refused('ledger.lease')(error) && /run r1/.test(error.message),
      )
      await ledger.beginRun({ id: 'r2', sync: 's', mode: 'replay', at: '2026-03-01T08:00:01.000Z' })
      await ledger.endRun(summaryOf('r1'))
      await ledger.beginRun({ id: 'r3', sync: 's', mode: 'poll', at: '2026-03-01T08:00:02.000Z' })
    })

    it('a run whose process died shows what it had settled, and its lease is void', async () => {
      await ledger.commit(commit({ batch: 0, outcomes: { delivered: 3, unchanged: 1 }, rows: 8 }))
      await ledger.commit(commit({ batch: 1, outcomes: { delivered: 2 }, rows: 2 }))
      await ledger.close()
      ledger = await folder.open()
      const [died] = await ledger.runs({ sync: 's' })
      assert.equal(died?.state, 'died')
      assert.deepEqual(
        died?.entities.map(({ entity, delivered, unchanged, rows, ties }) => [
          entity,
          delivered,
          unchanged,
          rows,
          ties,
        ]),
        [['supplier', 5, 1, 10, false]],
      )
      await ledger.beginRun({ id: 'r2', sync: 's', mode: 'poll', at: '2026-03-01T09:00:00.000Z' })
    })

    it('the last success is that of a poll that was done', async () => {
      await ledger.endRun(summaryOf('r1', { ended: '2026-03-01T08:01:00.000Z' }))
      await ledger.beginRun({ id: 'r2', sync: 's', mode: 'poll', at: '2026-03-01T09:00:00.000Z' })
      await ledger.endRun(summaryOf('r2', { state: 'failed', ended: '2026-03-01T09:01:00.000Z' }))
      assert.equal(await ledger.lastSuccess('s'), '2026-03-01T08:01:00.000Z')
      assert.equal(await ledger.lastSuccess('other'), undefined)
      assert.deepEqual(
        (await ledger.runs({ sync: 's' })).map((run) => run.run),
        ['r2', 'r1'],
      )
    })
  })

  describe('alerts', () => {
    it('one that is open is not raised twice, and clears once', async () => {
      const about = { sync: 's', kind: 'run-failed', entity: 'supplier' }
      assert.equal((await ledger.raiseAlert({ ...about, message: 'first' }))?.message, 'first')
      assert.equal(await ledger.raiseAlert({ ...about, message: 'second' }), undefined)
      assert.ok(await ledger.raiseAlert({ ...about, entity: 'product', message: 'another entity' }))
      assert.equal((await ledger.alerts({ sync: 's', open: true })).length, 2)
      assert.deepEqual(
        (await ledger.clearAlerts(about)).map((alert) => alert.message),
        ['second'],
      )
      assert.deepEqual(await ledger.clearAlerts(about), [])
      assert.ok(await ledger.raiseAlert({ ...about, message: 'again' }))
      assert.equal((await ledger.alerts({ open: false })).length, 1)
    })
  })

  describe('intents', () => {
    it('stay until the deliveries they announced are committed', async () => {
      const intent = {
        id: 'i1',
        address,
        sync: 's',
        run: 'r1',
        entity: 'supplier',
        schema: held('A', 1).schema,
        records: [{ key: 'erp|A', read: 1, hash: 'ab'.repeat(16) }],
        at: '2026-03-01T08:00:00.000Z',
      }
      await ledger.openIntent(intent)
      await ledger.close()
      ledger = await folder.open()
      assert.deepEqual(await ledger.intents(address), [{ ...intent, state: 'open' }])
      await ledger.closeIntent('i1', 'in-doubt')
      assert.equal((await ledger.intents(address))[0]?.state, 'in-doubt')
      assert.deepEqual(await ledger.oldestHeld('s', 'supplier'), { heldAt: intent.at, stamp: null })
      await ledger.commit(commit({ address, deliveries: [delivery('erp|A', 1)], intent: 'i1' }))
      assert.deepEqual(await ledger.intents(address), [])
    })
  })

  it('purge takes old runs, closed held records and cleared alerts, and nothing that is open', async () => {
    await ledger.close()
    let now = Date.parse('2026-03-01T08:00:00Z')
    ledger = await folder.open({ now: () => now })
    await ledger.beginRun({ id: 'old', sync: 's', mode: 'poll', at: '2026-03-01T08:00:00.000Z' })
    await ledger.commit(
      commit({ run: 'old', held: [held('A', 1), held('B', 1)], address, deliveries: [delivery('erp|C', 1)] }),
    )
    const [first] = await ledger.held({})
    await ledger.releaseHeld([first?.id ?? ''], 'superseded')
    await ledger.endRun(summaryOf('old'))
    await ledger.raiseAlert({ sync: 's', kind: 'run-failed', message: 'old' })
    await ledger.clearAlerts({ sync: 's', kind: 'run-failed' })
    await ledger.raiseAlert({ sync: 's', kind: 'no-tie', message: 'still open' })
    now += 100 * 86_400_000
    await ledger.purge(90)
    assert.equal(
      (await ledger.runs({})).some((run) => run.run === 'old'),
      false,
    )
    assert.equal((await ledger.held({ states: ['open', 'discarded'] })).length, 1)
    assert.deepEqual(
      (await ledger.alerts({})).map((alert) => alert.kind),
      ['no-tie'],
    )
    assert.equal(await ledger.hasDeliveries(address), true)
  })
})

/** A ledger on a disk that ends after so many pages. */
async function openLimited(file: string, pages: number): Promise<Ledger> {
  const prepare = DatabaseSync.prototype.exec
  DatabaseSync.prototype.exec = function (sql) {
    prepare.call(this, sql)
    if (sql.includes('locking_mode')) prepare.call(this, `PRAGMA max_page_count = ${pages}`)
  }
  try {
    return await openLedger({ file, key: 'a secret of the tests' })
  } finally {
    DatabaseSync.prototype.exec = prepare
  }
}
