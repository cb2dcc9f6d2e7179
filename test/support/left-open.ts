/** What the tests of what a run leaves open have alike. */
import { syncError } from '../../sync/contract/errors.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type FakeTarget, supplier, supplierSchema } from './fakes.ts'
import type { Rig } from './rig.ts'

export const suppliers = { supplier: { schema: supplierSchema } }
export const anna = { by: 'anna', reason: 'looked at it' }
export const lost = syncError('unknown-outcome', 'fake.reset', 'the connection was reset')

/** A moment, in minutes after nine. */
export const at = (n: number): string => new Date(Date.UTC(2026, 2, 2, 9, n)).toISOString().replace('.000', '')

/** Puts records into the source of a rig, each two minutes after the one before. */
export function putting(rig: () => Rig): (code: string, name: string, entity?: string) => void {
  let minutes = 0
  return (code, name, entity = 'supplier') => {
    minutes += 2
    rig().source.put(entity, supplier(code, name), at(minutes))
    // Later than the record, so that the next window does not begin with it.
    rig().source.clockIs(at(minutes + 1))
  }
}

/** The target takes no record of the name `bad`. */
export const refusing = (target: FakeTarget) =>
  target.onWrite(({ records }) => {
    if (records.some(({ record }) => record.name === 'bad')) throw syncError('data', 'fake.22018', 'not known')
  })

export const word = ({ verdict, ties }: RunSummary) => ({ verdict, ties })
export const red = { verdict: 'differs', ties: false }
