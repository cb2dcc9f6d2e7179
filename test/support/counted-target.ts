/** A fake table that can be compared as a whole. */
import type { DataRecord, Row } from '../../sync/contract/message.ts'
import { type FakeTarget, fakeTarget } from './fakes.ts'

/** `name`: the last part of its address. */
export function countedTarget(name: string): FakeTarget {
  const target = fakeTarget({ address: `fakedb://host/main.finance.${name}` })
  const whole = async () => {
    const stored = [...target.stored.values()]
    const lines = stored.flatMap(({ record, read }) => ((record as DataRecord).lines as Row[]).map(() => read))
    const highest = Math.max(0, ...stored.map(({ read }) => read))
    const hashes = stored.map(({ hash }) => Number.parseInt(hash.slice(0, 8), 16))
    return [hashes, lines].map((all, place) => ({
      ...{ list: place === 0 ? '' : 'lines', name, rows: all.length, highest, others: 0 },
      sum: all.reduce((sum, one) => sum + BigInt(one), 0n),
    }))
  }
  return Object.assign(target, { whole })
}
