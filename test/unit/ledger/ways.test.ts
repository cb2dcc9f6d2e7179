import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import type { FoundDelivery, Ledger } from '../../../ledger/ledger.ts'
import { address, commit, delivery, held, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const DAY = 86_400_000
const JOURNALS = 'fakedb://host/main.finance.gl_entry'

describe('ledger: the way of what was delivered', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  let now = Date.parse('2026-03-01T10:00:00Z')
  beforeEach(async () => {
    now = Date.parse('2026-03-01T10:00:00Z')
    folder = ledgerFolder()
    ledger = await folder.open({ now: () => now })
  })
  afterEach(() => folder.remove())

  const begin = (id: string) => ledger.beginRun({ id, sync: 's', mode: 'push', at: new Date(now).toISOString() })
  const trace = { statements: ['01ef-1'], requests: [], mappings: ['a1b2c3d4'] }
  /** All pages. */
  const find = async (number: string, entity?: string): Promise<FoundDelivery[]> => {
    const all: FoundDelivery[] = []
    for (let after: string | undefined; ; ) {
      const page = await ledger.findDeliveries({ number, ...(entity && { entity }), ...(after && { after }) })
      all.push(...page.found)
      after = page.next
      if (after === undefined) return all
    }
  }

  it('a document is found by its number, with run, batch, statement and mapping of its last version', async () => {
    await begin('r1')
    await begin('r2')
    const written = { address, trace, filled: ['', 'lines'], batch: 0 }
    await ledger.commit(commit({ ...written, deliveries: [delivery('X3|A1', 10), delivery('X3|A2', 11)] }))
    await ledger.commit(
      commit({
        ...written,
        batch: 1,
        deliveries: [delivery('X3|A3', 20)],
        trace: { ...trace, statements: ['01ef-2'] },
      }),
    )
    await ledger.commit(
      commit({
        ...written,
        run: 'r2',
        deliveries: [delivery('X3|A2', 30, { run: 'r2' })],
        trace: { ...trace, statements: ['01ef-3'] },
      }),
    )
    const [one, ...others] = await find('A3')
    assert.deepEqual(others, [])
    assert.deepEqual(
      { ...one, way: { ...one?.way } },
      {
        address,
        key: 'X3|A3',
        sync: 's',
        entity: 'supplier',
        read: 20,
        readAt: '1970-01-01T00:00:00.000Z',
        gone: false,
        edited: false,
        way: {
          run: 'r1',
          sync: 's',
          started: '2026-03-01T10:00:00.000Z',
          entity: 'supplier',
          batch: 1,
          sinkName: 'warehouse',
          at: '2026-03-01T10:00:00.000Z',
          statements: ['01ef-2'],
          requests: [],
          mappings: ['a1b2c3d4'],
        },
      },
    )
    assert.deepEqual(
      (await find('A2')).map(({ way }) => [way?.run, way?.statements]),
      [['r2', ['01ef-3']]],
    )
    assert.deepEqual(await find('A'), [], 'a part of a number is none')
  })

  it('under each beginning of keys and at each address; odd characters are characters', async () => {
    await begin('r1')
    const keys = ['X3|BAN|7', 'X3|BAN|8', 'X3|OD|7', 'Y|OD|7', 'X3|O}|7', 'X3|O\\|D|7', 'X3|Z|1\\|7']
    await ledger.commit(
      commit({ address: JOURNALS, entity: 'gl_entry', deliveries: keys.map((key) => delivery(key, 5)), filled: [''] }),
    )
    await ledger.commit(commit({ address, deliveries: [delivery('X3|7', 6)], filled: [''] }))
    const expected = ['X3|BAN|7', 'X3|OD|7', 'X3|O\\|D|7', 'X3|O}|7', 'Y|OD|7', 'X3|7']
    assert.deepEqual((await find('7')).map(({ key }) => key).sort(), expected.sort())
    assert.deepEqual(
      (await find('1|7')).map(({ key }) => key),
      ['X3|Z|1\\|7'],
    )
    assert.deepEqual(
      (await find('X3|OD|7')).map(({ key }) => key),
      ['X3|OD|7'],
      'a whole key',
    )
    assert.deepEqual(
      (await find('X3|Z|1\\|7')).map(({ key }) => key),
      ['X3|Z|1\\|7'],
    )
    assert.deepEqual(
      (await find('7', 'supplier')).map(({ key }) => key),
      ['X3|7'],
    )
  })

  it('what is held and what people decided is found too', async () => {
    await ledger.commit(commit({ held: [held('A1', 10)] }))
    const { held: ids } = await ledger.findDeliveries({ number: 'A1' })
    assert.equal(ids.length, 1)
    assert.deepEqual((await ledger.findDeliveries({ number: 'erp|A1' })).held, ids, 'by its whole key')
    await ledger.discardHeld(ids, { by: 'ann', reason: 'a test supplier' })
    assert.deepEqual((await ledger.findDeliveries({ number: 'A1' })).held, ids, 'what is left out is not over')
    const decisions = await ledger.decisions({ about: ['erp|A1', 'erp|A2'] })
    assert.deepEqual(
      decisions.map(({ by, reason }) => [by, reason]),
      [['ann', 'a test supplier']],
    )
  })

  it('is kept as long as decisions, longer than its run', async () => {
    await begin('r1')
    await ledger.commit(commit({ address, trace, deliveries: [delivery('X3|A1', 10)], filled: [''] }))
    await ledger.endRun({
      run: 'r1',
      sync: 's',
      mode: 'push',
      started: '2026-03-01T10:00:00Z',
      ended: '2026-03-01T10:00:00Z',
      state: 'done',
      entities: [],
      ties: true,
      requests: 0,
      statements: 0,
      notices: [],
      errors: [],
    })
    now += 200 * DAY
    await ledger.purge(90)
    assert.deepEqual(await ledger.runs({}), [])
    assert.equal(await ledger.knowsRun('r1'), false)
    assert.equal((await find('A1'))[0]?.way?.run, 'r1')
    now += 11 * 366 * DAY
    await ledger.purge(90)
    assert.equal((await find('A1'))[0]?.way, undefined)
    await ledger.close()
    const file = new DatabaseSync(folder.file)
    assert.equal(file.prepare('SELECT count(*) AS n FROM run').get()?.n, 0)
    file.close()
  })

  it('answers in pages of a few milliseconds, however many keys begin otherwise', async () => {
    await begin('r1')
    const many = Array.from({ length: 60_000 }, (_, n) => delivery(`X3|T${n}|${n}`, 5))
    await ledger.commit(commit({ address, deliveries: [...many, delivery('X3|ZZ|last', 5)], filled: [''] }))
    let pages = 0
    let longest = 0
    for (let after: string | undefined; ; pages++) {
      const start = process.cpuUsage()
      const page = await ledger.findDeliveries({ number: 'last', ...(after && { after }) })
      const { user, system } = process.cpuUsage(start)
      longest = Math.max(longest, (user + system) / 1000)
      after = page.next
      if (after !== undefined) continue
      assert.deepEqual(
        page.found.map(({ key }) => key),
        ['X3|ZZ|last'],
      )
      break
    }
    assert.ok(pages > 0)
    assert.ok(longest < 50, `${longest} ms`)
  })
})
