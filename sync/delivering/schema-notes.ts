/**
 * The shape of what came last to an address: by it a deletion finds its key columns in a run to which nothing comes there, and what
 * is sensitive in a row is known without one.
 */
import { schemaNote } from '../run/schema-note.ts'
import type { EntityRun } from '../run/state.ts'
import type { DeliverDeps } from './deps.ts'
import type { Job } from './job.ts'

/** Kept once for each run and address; of what comes without a run each time that it is another. */
export function createSchemaNotes({ ledger, settlement }: DeliverDeps): (job: Job) => Promise<void> {
  const kept = new Map<string, string>()
  const seen = new WeakMap<EntityRun, Set<string>>()
  return async ({ sync, options, batch }) => {
    const entity = settlement.runs.get(sync.run)?.entities.get(sync.entity)
    const { address } = options.target
    if (entity !== undefined) {
      if (seen.get(entity)?.has(address)) return
      seen.set(entity, (seen.get(entity) ?? new Set()).add(address))
    }
    const text = JSON.stringify(batch.schema)
    if (kept.get(address) === text) return
    await ledger.saveNote(schemaNote(address), text)
    kept.set(address, text)
  }
}
