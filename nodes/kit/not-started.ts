/** The alert of a run that did not even begin: of no entity, and apart from those of an entity, which a run's end sees to. */
import type { Engine } from '../../sync/contract/engine.ts'
import { withHint } from '../../sync/contract/errors.ts'
import { causeOf } from '../../sync/run/alert-cause.ts'
import { asSyncError } from './errors.ts'

export const NOT_STARTED = { kind: 'run-failed', entity: '' } as const

/** Not what says that another run of the name goes on, here or elsewhere. */
const OTHERS = ['ledger.lease', 'sync.name-taken']

/** Raises it, and has the start stand in the list of runs; without a ledger there is nowhere to. `started`: ISO. */
export async function tellNotStarted(
  engine: Engine | undefined,
  { sync, started, error }: { readonly sync: string; readonly started: string; readonly error: unknown },
): Promise<void> {
  const known = asSyncError(error)
  if (!OTHERS.includes(known.code)) await engine?.keepFailedStart({ sync, started, error }).catch(() => undefined)
  // Another folder behind the name is an alert of its own.
  if (known.code === 'sync.identity' || known.code === 'ledger.lease') return
  const message = withHint(known.message, known.cause.hint)
  await engine?.ledger
    .raiseAlert({ sync, ...NOT_STARTED, message, cause: causeOf(known, undefined, []) })
    .catch(() => undefined)
}
