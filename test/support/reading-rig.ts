import assert from 'node:assert/strict'
import { supplier, supplierSchema } from './fakes.ts'
import type { Rig } from './rig.ts'

export const suppliers = { supplier: { schema: supplierSchema } }

/** What tests of reading put into the source of a rig, and look for in its target. */
export function readingRig(rig: () => Rig) {
  /** Every record of the source is in the target, and nothing else. */
  const same = (entity: string, field = 'name') => {
    const stored = [...rig().target(entity).stored].map(([key, { record }]) => [key, record[field]])
    const wanted = [...rig().source.all(entity)].map(([key, row]) => [key, row[field]])
    assert.deepEqual(stored.sort(), wanted.sort())
  }
  const fill = (n: number, stamp?: string) => {
    for (let i = 0; i < n; i++) rig().source.put('supplier', supplier(`S${String(i).padStart(3, '0')}`, 'first'), stamp)
  }

  return { same, fill }
}
