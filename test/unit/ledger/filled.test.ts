import assert from 'node:assert/strict'
import type { Ledger } from '../../../ledger/ledger.ts'
import { address, commit, delivery, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const hash = (digit: string) => digit.repeat(32)

describe('ledger: tables that rows were delivered into', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
  })
  afterEach(() => folder.remove())

  const listed = (sync: string, stamp = 'stamp 1') => ledger.compareKeys(sync, 'supplier', 9e15, [{ key: 'a', stamp }])
  const deliver = (sync: string, filled: readonly string[], read = 1) =>
    ledger.commit(
      commit({
        sync,
        address,
        filled,
        deliveries: [delivery(`${sync}|a`, read)],
        known: [{ key: 'a', read, stamp: `stamp ${read}` }],
      }),
    )

  it('are remembered with who did, over a restart, and forgotten with the address', async () => {
    await deliver('s', ['', 'lines'])
    await deliver('s', ['', 'lines'], 2)
    await ledger.saveFilled(address, [{ list: 'analytical', sync: 's', entity: 'supplier' }])
    await ledger.close()
    ledger = await folder.open()
    const lists = (await ledger.filled(address)).map(({ list, sync, entity }) => `${sync} ${entity} ${list}`)
    assert.deepEqual(lists.sort(), ['s supplier ', 's supplier analytical', 's supplier lines'])
    assert.deepEqual(await ledger.filled('fakedb://host/other'), [])
    await ledger.clearDeliveries(address)
    assert.equal((await ledger.filled(address)).length, 3, 'a full refresh empties no table')
    await ledger.forgetAddress(address)
    assert.deepEqual(await ledger.filled(address), [])
  })

  it('found without them: every sync that delivered there knows no stamp any more, and is to sweep at once', async () => {
    for (const sync of ['s', 'other', 'elsewhere']) await ledger.saveSwept(sync, 'supplier', '2026-03-01T08:00:00Z')
    await deliver('s', [''])
    await deliver('other', ['lines'])
    await ledger.commit(commit({ sync: 'elsewhere', known: [{ key: 'a', read: 1, stamp: 'stamp 1' }] }))
    await ledger.loseRows(address, 'the table t has no row', { sync: 's', entity: 'supplier' })
    assert.equal(await ledger.hasDeliveries(address), false)
    assert.deepEqual(await ledger.filled(address), [], 'said once')
    for (const sync of ['s', 'other']) {
      assert.deepEqual(await listed(sync), ['a'])
      assert.equal(await ledger.sweptAt(sync, 'supplier'), undefined)
      assert.equal(await ledger.lostRows(sync, 'supplier'), 'the table t has no row')
    }
    assert.deepEqual(await listed('elsewhere'), [])
    assert.equal(await ledger.sweptAt('elsewhere', 'supplier'), '2026-03-01T08:00:00Z')
    assert.equal(await ledger.lostRows('elsewhere', 'supplier'), undefined)
    await ledger.saveSwept('s', 'supplier', '2026-03-02T08:00:00Z')
    await ledger.saveRepaired('other', 'supplier')
    for (const sync of ['s', 'other']) assert.equal(await ledger.lostRows(sync, 'supplier'), undefined)
  })

  it('what was on its way meanwhile brings no stamp back: it was read before, and may be among what is lost', async () => {
    const before = ledger.nextRead()
    await deliver('s', [''], before)
    await ledger.loseRows(address, 'emptied', { sync: 's', entity: 'supplier' })
    await deliver('s', [''], before)
    assert.deepEqual(await listed('s', `stamp ${before}`), ['a'])
    const after = ledger.nextRead()
    await deliver('s', [''], after)
    assert.deepEqual(await listed('s', `stamp ${after}`), [])
  })

  it('within the run that delivered: nothing equals what was delivered, which still counts', async () => {
    await ledger.beginRun({ id: 'r1', sync: 's', mode: 'poll', at: '2026-03-01T08:00:00.000Z' })
    await ledger.commit(commit({ address, deliveries: [delivery('x|1', 5, { totals: 'r1\n{}' })] }))
    await ledger.loseRows(address, 'dropped', { sync: 's', entity: 'supplier' }, true)
    const left = (await ledger.deliveries(address, ['x|1'])).get('x|1')
    assert.deepEqual([left?.read, left?.hash, left?.totals], [5, null, 'r1\n{}'])
  })

  describe('what an append target says that it has takes the place of what was remembered', () => {
    const hashes = async (...keys: string[]) => {
      const found = await ledger.deliveries(address, keys)
      return keys.map((key) => [found.get(key)?.hash ?? null, found.get(key)?.read ?? null])
    }

    it('missing, another, equal and unknown ones, page by page, each within its range', async () => {
      const deliveries = ['x|1', 'x|2', 'x|3', 'x|4', 'x|9', 'y|1'].map((key) =>
        delivery(key, 5, { hash: hash('1'), originalHash: hash('9') }),
      )
      await ledger.commit(commit({ address, deliveries }))
      const stored = (key: string, digit: string, read = 3) => ({ key, read, hash: hash(digit), stamp: null })
      const first = [stored('x|1', '1'), stored('x|3', '2')]
      await ledger.matchDeliveries(address, { after: 'x|', through: 'x|3', stored: first })
      assert.deepEqual(await hashes('x|4', 'x|9'), [
        [hash('1'), 5],
        [hash('1'), 5],
      ])
      const second = [stored('x|5', '5', 8)]
      await ledger.matchDeliveries(address, { after: 'x|3', through: 'x|\u{10ffff}', stored: second })
      assert.deepEqual(await hashes('x|1', 'x|2', 'x|3', 'x|4', 'x|5', 'x|9', 'y|1'), [
        [hash('1'), 5],
        [null, 5],
        [hash('2'), 5],
        [null, 5],
        [hash('5'), 8],
        [null, 5],
        [hash('1'), 5],
      ])
      const kept = await ledger.deliveries(address, ['x|1', 'x|3'])
      assert.deepEqual([kept.get('x|1')?.originalHash, kept.get('x|3')?.originalHash], [hash('9'), null])
    })
  })
})
