/** The alert of a run that did not even begin: of no entity, and apart from those of an entity, which a run's end sees to. */
import type { Engine } from '../../sync/contract/engine.ts'
import { withHint } from '../../sync/contract/errors.ts'
import { causeOf } from '../../sync/run/alert-cause.ts'
import { asSyncError } from './errors.ts'

export const NOT_STARTED = { kind: 'run-failed', entity: '' } as const

/** Raises it; without a ledger there is nowhere to. */
export async function tellNotStarted(engine: Engine | undefined, sync: string, error: unknown): Promise<void> {
  const known = asSyncError(error)
  // Another folder behind the name is an alert of its own.
  if (known.code === 'sync.identity' || known.code === 'ledger.lease') return
  const message = withHint(known.message, known.cause.hint)
  await engine?.ledger
    .raiseAlert({ sync, ...NOT_STARTED, message, cause: causeOf(known, undefined, []) })
    .catch(() => undefined)
}
