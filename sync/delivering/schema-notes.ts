/** The shape of what was written last at an address, for runs to which nothing comes there: by it a deletion finds its key columns. */
import type { EntityRun } from '../run/state.ts'
import type { DeliverDeps } from './deps.ts'
import type { Job } from './job.ts'

/** Under which name the ledger keeps it. */
export const schemaNote = (address: string): string => `${address}#schema`

/** Kept once for each run and address of a sync that takes older versions away. */
export function createSchemaNotes({ ledger, settlement }: DeliverDeps): (job: Job) => Promise<void> {
  const kept = new Map<string, string>()
  const seen = new WeakMap<EntityRun, Set<string>>()
  return async ({ sync, options, batch }) => {
    const run = settlement.runs.get(sync.run)
    const entity = run?.entities.get(sync.entity)
    const { address } = options.target
    if (!run?.takesOlder || entity === undefined || seen.get(entity)?.has(address)) return
    seen.set(entity, (seen.get(entity) ?? new Set()).add(address))
    const text = JSON.stringify(batch.schema)
    if (kept.get(address) === text) return
    await ledger.saveNote(schemaNote(address), text)
    kept.set(address, text)
  }
}
