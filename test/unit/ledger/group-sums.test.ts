import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { Commit, Counts, Ledger } from '../../../ledger/ledger.ts'
import {
  address,
  commit as commitOf,
  delivery as deliveryOf,
  type LedgerFolder,
  ledgerFolder,
} from '../../support/ledger.ts'

const alike = (text: string): Counts => ({ read: text, declared: text, delivered: text })

describe('running sums by group', () => {
  let folder: LedgerFolder
  let ledger: Ledger
  const reopen = async (): Promise<void> => {
    await ledger.close()
    ledger = await folder.open()
  }
  beforeEach(async () => {
    folder = ledgerFolder()
    ledger = await folder.open()
  })
  afterEach(() => folder.remove())
  const commit = (deliveries: NonNullable<Commit['deliveries']>, sums?: Commit['sums']): Promise<void> =>
    ledger.commit(commitOf({ address, deliveries, sums }))
  const delivery = (key: string, counts: Counts | undefined, read = 1) => deliveryOf(key, read, { counts })

  it('are exact, and still there after a restart, under the same numbers of groups', async () => {
    const [one, other] = [ledger.groupNumber('["one"]'), ledger.groupNumber('["other"]')]
    await commit([delivery('a', alike(`${one} 2 1010:2 -5:1`))], {
      all: `${one} 2 1010:2 -5:1;${other} 1 9007199254740993:0 -1:0`,
    })
    await commit([delivery('b', alike(`${one} 1 3:0 `))], { all: `${one} 1 3:0 `, delivered: `${one} 0 1:3 ` })
    await reopen()
    equal(ledger.groupNumber('["other"]'), other)
    equal(ledger.groupText(one), '["one"]')
    deepEqual(await ledger.groupSums(address), [
      { group: one, read: '3 1310:2 -5:1', declared: '3 1310:2 -5:1', delivered: '3 13101:3 -5:1' },
      { group: other, ...alike('1 9007199254740993:0 -1:0') },
    ])
    deepEqual((await ledger.deliveries(address, ['a'])).get('a')?.counts, alike(`${one} 2 1010:2 -5:1`))
  })

  it('lose what a record had added when nobody knows any more what it adds', async () => {
    const one = ledger.groupNumber('["one"]')
    const counts = { read: `${one} 1 1:0 `, declared: `${one} 1 2:0 `, delivered: `${one} 1 3:0 ` }
    await commit([delivery('a', counts)], counts)
    deepEqual((await ledger.deliveries(address, ['a'])).get('a')?.counts, counts)
    await commit([delivery('a', undefined, 2)])
    deepEqual(await ledger.groupSums(address), [])
    equal((await ledger.deliveries(address, ['a'])).get('a')?.counts, undefined)
  })

  it('change with their records or not at all', async () => {
    const one = ledger.groupNumber('["one"]')
    const broken = { ...delivery('b', alike('')), hash: {} as unknown as string }
    await rejects(commit([broken], { all: `${one} 1 1:0 ` }))
    deepEqual(await ledger.groupSums(address), [])
    await commit([])
    await commit([delivery('a', alike(`${one} 1 1:0 `))], { all: `${one} 1 1:0 ` })
    await reopen()
    equal(ledger.groupText(one), '["one"]')
  })

  it('keep the numbers of their groups though something else was settled first', async () => {
    const one = ledger.groupNumber('["one"]')
    await commit([])
    await commit([delivery('a', alike(`${one} 1 1:0 `))], { all: `${one} 1 1:0 ` })
    await reopen()
    equal(ledger.groupText(one), '["one"]')
    equal(ledger.groupNumber('["one"]'), one)
  })

  it('keep what other sources have where one of them is cleared', async () => {
    const one = ledger.groupNumber('["one"]')
    const of = (key: string, n: number) => delivery(key, alike(`${one} 1 ${n}:0 `))
    await commit([of('a|1', 1), of('a|2', 2), of('b|1', 4)], { all: `${one} 3 7:0 ` })
    await ledger.clearDeliveries(address, 'a')
    deepEqual([...(await ledger.deliveries(address, ['a|1', 'a|2', 'b|1'])).keys()], ['b|1'])
    deepEqual(await ledger.groupSums(address), [{ group: one, ...alike('1 4:0 ') }])
    await ledger.clearDeliveries(address, 'b')
    deepEqual(await ledger.groupSums(address), [])
    equal(await ledger.hasDeliveries(address), false)
  })

  it('are empty when the address is cleared', async () => {
    const one = ledger.groupNumber('["one"]')
    await commit([delivery('a', alike(`${one} 1 1:0 `))], { all: `${one} 1 1:0 ` })
    await ledger.clearDeliveries(address)
    deepEqual(await ledger.groupSums(address), [])
  })
})
