/** Whether the ledger knows all that an address holds: a stored fact, which nothing but reading everything again brings back. */
import { deepEqual, equal } from 'node:assert/strict'
import type { Delivery, Ledger } from '../../../ledger/ledger.ts'
import { openLedger } from '../../../ledger/open.ts'
import { address, commit, delivery } from '../../support/ledger.ts'

describe('the memory of a target', () => {
  let ledger: Ledger
  beforeEach(async () => {
    ledger = await openLedger({ file: ':memory:', key: 'test' })
    await ledger.tableLists(address, ['lines'])
  })
  afterEach(() => ledger.close())
  const put = (key: string, read: number, more: Partial<Delivery> = {}) =>
    ledger.commit(commit({ address, deliveries: [delivery(key, read, more)] }))
  const stored = (read: number, lines = '2') => ({ hash: 'ab'.repeat(16), read, lines })
  const isWhole = async () => (await ledger.unsummed(address, 'erp')) === 0
  const tables = async () =>
    (await ledger.targetMemory(address, 'erp'))?.tables.map(({ list, rows, sum }) => [list, rows, sum])

  it('is whole from the first delivery on, and sums rows, hashes and read numbers, each key once', async () => {
    await put('erp|A', 3, { stored: stored(3) })
    await put('erp|B', 4, { stored: stored(4, '1') })
    await put('erp|A', 5, { stored: stored(5, '3'), before: stored(3) })
    equal(await isWhole(), true)
    deepEqual(await tables(), [
      ['', 2, 2n * 0xababababn],
      ['lines', 4, 4n + 15n],
    ])
  })

  it('is not after it was cleared, and again only when all keys were read', async () => {
    await put('erp|A', 3, { stored: stored(3) })
    await ledger.clearDeliveries(address)
    equal(await isWhole(), false)
    await ledger.beginSumming(address, 'erp', 4)
    for (const share of [0, 40, 99]) equal(await ledger.saveSummed(address, 'erp', share), false)
    deepEqual([await isWhole(), (await ledger.targetMemory(address, 'erp'))?.share], [false, 99])
    equal(await ledger.saveSummed(address, 'erp', 100), true)
    equal(await isWhole(), true)
  })

  it('is not while a key is known of which nobody knows what stands there', async () => {
    await put('erp|A', 3, { stored: stored(3) })
    await put('erp|B', 4, { stored: undefined })
    equal(await isWhole(), false)
    equal(await ledger.saveSummed(address, 'erp', 100), false)
    await put('erp|B', 5, { stored: stored(5) })
    equal(await ledger.saveSummed(address, 'erp', 100), true)
  })

  it('is doubted for every source there, up to a read number', async () => {
    for (const source of ['erp', 'other']) await put(`${source}|A`, 3, { stored: stored(3) })
    await ledger.doubtSums(address, 7)
    deepEqual([await ledger.unsummed(address, 'erp'), await ledger.unsummed(address, 'other')], [7, 7])
  })
})
