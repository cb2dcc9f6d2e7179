/** A run reaches a target: once for each entity and sink its mark is checked, before anything is looked up there. */
import type { Ledger } from '../../ledger/ledger.ts'
import { classOf } from '../contract/errors.ts'
import { checkMark } from './marks.ts'
import type { Register } from './register.ts'
import type { Settlement } from './settlement.ts'

export function reachingTargets(ledger: Ledger, { runs, entityOf }: Register): Pick<Settlement, 'target'> {
  /** Addresses and source names that were come to since the ledger was opened. */
  const known = new Set<string>()
  return {
    async target(sync, ref, { target, schema, empty, source }, context) {
      const run = runs.get(sync.run)
      const entity = entityOf(sync)
      if (!run || !entity)
        return { ref, target, sync, schema, full: false, source, place: { sourceAddress: '', replaced: [] } }
      const before = entity.reached.get(ref.id)
      if (before) return before
      const reached = (async () => {
        const name = `${target.address}\n${source}`
        const first = !known.has(name)
        const place = await checkMark({ ledger, run, entity, sync, target, empty, source, schema, first, context })
        known.add(name)
        return { ref, target, sync, schema, full: run.full, source, place }
      })()
      entity.reached.set(ref.id, reached)
      entity.addresses.set(ref.id, target.address)
      // What may pass is asked again; what a mark forbids stays forbidden for the run.
      reached.catch((error) => {
        if (classOf(error) !== 'config') entity.reached.delete(ref.id)
      })
      return reached
    },
  }
}
