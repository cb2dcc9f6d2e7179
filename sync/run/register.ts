/** The runs that are going on in this process, by id, and what is remembered of those that ended. */
import { type SyncError, syncError } from '../contract/errors.ts'
import type { SyncInfo } from '../contract/message.ts'
import { type EndedRuns, rememberEnded } from './claimed-rows.ts'
import type { BatchState } from './progress.ts'
import { type EntityRun, newRun, type RunStart, type RunState } from './state.ts'

/** Where a message belongs. */
export interface Place {
  readonly run: RunState
  readonly entity: EntityRun
  readonly batch: BatchState
}

export interface Register {
  readonly runs: Map<string, RunState>
  readonly ended: EndedRuns
  open(start: RunStart): RunState
  end(run: RunState): void
  entityOf(sync: Pick<SyncInfo, 'run' | 'entity'>): EntityRun | undefined
  /** Undefined for a run that has ended, or never had that entity or batch. */
  find(sync: SyncInfo): Place | undefined
}

export function createRegister(tick: () => number): Register {
  const runs = new Map<string, RunState>()
  const ended: EndedRuns = new Map()
  return {
    runs,
    ended,
    open(start) {
      const run = newRun(start, tick())
      runs.set(run.id, run)
      return run
    },
    end(run) {
      runs.delete(run.id)
      rememberEnded(ended, run)
      run.changed()
    },
    entityOf: (sync) => runs.get(sync.run)?.entities.get(sync.entity),
    find(sync) {
      const run = runs.get(sync.run)
      const entity = run?.entities.get(sync.entity)
      const batch = entity?.batches[sync.batch]
      return run && entity && batch ? { run, entity, batch } : undefined
    },
  }
}

/** Its reading stops, and that of all that need it; what is settled stays. The first error counts. */
export function failEntity(run: RunState, entity: EntityRun, error: SyncError): void {
  if (!entity.error) {
    entity.error = error
    entity.stop.abort(error)
    for (const other of run.entities.values())
      if (other.needs.includes(entity.name) && !other.readDone)
        failEntity(run, other, needsError(other.name, entity.name))
  }
  run.changed()
}

export const needsError = (entity: string, need: string): SyncError =>
  syncError('config', 'sync.needs', `${entity} was not read, because it needs ${need}, which failed.`, {
    entity,
    hint: `See what ${need} failed of; both are read again by the next run.`,
  })
