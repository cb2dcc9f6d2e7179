import assert from 'node:assert/strict'
import type { KnownKey, Ledger } from '../../../ledger/ledger.ts'
import { commit, type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

describe('ledger: what is known of the source', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
  })
  afterEach(() => folder.remove())

  const known = (key: string, read: number, more: Partial<KnownKey> = {}): KnownKey => ({
    key,
    read,
    stamp: `stamp ${read}`,
    ...more,
  })
  const settle = (...keys: KnownKey[]) => ledger.commit(commit({ known: keys }))
  /** Sweeps a listing; gives what is missing or different, and what is not listed. */
  const sweep = async (number: number, ...listed: [string, string | null][]) => ({
    odd: await ledger.compareKeys(
      's',
      'supplier',
      number,
      listed.map(([key, stamp]) => ({ key, stamp })),
    ),
    unseen: await ledger.unseenKeys('s', 'supplier', number, null, 10),
  })

  it('finds what is missing, different and gone, null stamps and odd keys too', async () => {
    await settle(known('a', 1), known('b', 2, { stamp: null }), known('c', 3), known(`d'"|\\`, 4), known('e', 5))
    const { odd, unseen } = await sweep(
      10,
      ['a', 'stamp 1'],
      ['b', null],
      ['c', null],
      [`d'"|\\`, 'stamp 4'],
      ['f', 'x'],
    )
    assert.deepEqual(odd, ['c', 'f'])
    assert.deepEqual(unseen, ['e'])
    assert.deepEqual({ ...(await ledger.countUnseen('s', 'supplier', 10)) }, { known: 5, unseen: 1 })
  })

  it('keeps keys apart that end in halves of characters: none is found odd, and one that goes takes no other along', async () => {
    const halves = ['a\ud800', 'a\ud801', 'a\0b']
    await settle(...halves.map((key) => known(key, 1, { stamp: `\udc00${key}` })))
    await ledger.expectKeys('s', 'supplier', [known('a\ud802', 1), known('a\ud803', 1)])
    assert.equal((await ledger.countKnown('s', 'supplier', 10)).known, 5)
    const { odd } = await sweep(10, ...halves.map((key): [string, string] => [key, `\udc00${key}`]))
    assert.deepEqual(odd, [])
    await settle(known('a\ud800', 11, { gone: true }))
    assert.equal((await ledger.countKnown('s', 'supplier', 10)).known, 4)
  })

  it('belongs to one sync and entity', async () => {
    await settle(known('a', 1))
    await ledger.commit(commit({ sync: 'other', known: [known('a', 1), known('b', 1)] }))
    assert.deepEqual((await sweep(10, ['b', 'stamp 1'])).odd, ['b'])
    assert.deepEqual(await ledger.unseenKeys('other', 'supplier', 10, null, 10), ['a', 'b'])
  })

  it('keeps the latest read of a key, whatever order they are settled in', async () => {
    await settle(known('a', 5))
    await settle(known('a', 3))
    assert.deepEqual((await sweep(10, ['a', 'stamp 5'])).odd, [])
  })

  it('of a deletion and a record of one commit the later read counts', async () => {
    await settle(known('gone', 1), known('again', 1))
    await settle(
      known('gone', 2),
      known('gone', 3, { gone: true }),
      known('again', 3, { gone: true }),
      known('again', 4),
    )
    assert.deepEqual((await sweep(10, ['again', 'stamp 4'])).odd, [])
    assert.deepEqual((await sweep(11)).unseen, ['again'])
  })

  it('what was read after the sweep began is not gone because its listing is older', async () => {
    await settle(known('a', 20))
    assert.deepEqual((await sweep(10)).unseen, [])
    assert.deepEqual((await sweep(30)).unseen, ['a'])
  })

  it('is there before it is settled, with a stamp that no listing has', async () => {
    await ledger.expectKeys('s', 'supplier', [known('a', 1), known('b', 1, { gone: true })])
    assert.deepEqual(await sweep(10, ['a', 'stamp 1']), { odd: ['a'], unseen: [] })
    await settle(known('a', 1))
    await ledger.expectKeys('s', 'supplier', [known('a', 2)])
    assert.deepEqual((await sweep(11, ['a', 'stamp 1'])).odd, [], 'sending it again says nothing new')
    await ledger.doubtKeys('s', 'supplier', ['a'])
    assert.deepEqual((await sweep(12, ['a', 'stamp 1'])).odd, ['a'])
  })

  it('a transaction that fails leaves it as it was, over a restart too', async () => {
    await settle(known('a', 1))
    const bad = { ...commit({ known: [known('b', 2)] }), outcomes: null } as never
    await assert.rejects(ledger.commit(bad))
    await ledger.close()
    ledger = await folder.open()
    assert.deepEqual(await ledger.unseenKeys('s', 'supplier', 10, null, 10), ['a'])
    await ledger.saveSwept('s', 'supplier', '2026-03-01T02:00:00.000Z')
    assert.equal(await ledger.sweptAt('s', 'supplier'), '2026-03-01T02:00:00.000Z')
  })

  it('knows what another source behind the name left, until nothing of it is left', async () => {
    await settle(known('a', 1), known('b', 2))
    assert.equal(await ledger.leftKeys('s', 'supplier'), undefined)
    await ledger.leaveKeys('s', 'supplier', 'supplier of x3://old', 5)
    assert.deepEqual(await ledger.leftKeys('s', 'supplier'), { by: 'supplier of x3://old', read: 5, count: undefined })
    await settle(known('b', 6), known('c', 7))
    assert.deepEqual(await ledger.countLeft('s', 'supplier'), ['a'])
    assert.equal((await ledger.leftKeys('s', 'supplier'))?.count, 1)
    await settle({ ...known('a', 8), gone: true })
    assert.deepEqual(await ledger.countLeft('s', 'supplier'), [])
    assert.equal(await ledger.leftKeys('s', 'supplier'), undefined)
  })

  it('what targets tell is taken by one sweep only: each must have a key under its stamp, or it is read again', async () => {
    await settle(known('window', 5))
    const first = ['both', 'first', 'older', 'window', 'gone'].map((key) => known(key, 1))
    const second = ['both', 'window', 'gone'].map((key) => known(key, 1))
    for (const keys of [first, [...second, known('older', 1, { stamp: 'older' })]])
      await ledger.recallKeys('s', 'supplier', keys)
    const listed = ['both', 'first', 'older', 'alone'].map((key) => ({ key, stamp: 'stamp 1' }))
    const odd = await ledger.compareKeys('s', 'supplier', 10, [...listed, { key: 'window', stamp: 'stamp 5' }], 2)
    assert.deepEqual([...odd].sort(), ['alone', 'first', 'older', 'window'])
    assert.deepEqual(await ledger.unseenKeys('s', 'supplier', 10, null, 10), ['gone'])
    await ledger.forgetRecalled('s', 'supplier')
    assert.deepEqual(await ledger.unseenKeys('s', 'supplier', 11, null, 10), ['both', 'first', 'older', 'window'])
  })
})
