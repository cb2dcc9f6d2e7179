/** What a process that ended had sent to a target that appends, and never heard of: asked about once, when the sink is deployed. */
import type { AppendingSink } from '../contract/engine.ts'
import { asSyncError } from '../contract/errors.ts'
import type { Log } from '../contract/log.ts'
import type { Target } from '../contract/target.ts'
import type { Fifo } from '../values/queue.ts'
import type { DeliverDeps } from './deps.ts'
import { resolveIntents } from './intents.ts'
import { jobMaker } from './make-job.ts'
import { createTablePreparation } from './prepare-tables.ts'

/** A target that cannot be asked now is asked by the next run that reaches it. */
export type ResumeAppends = (sink: AppendingSink) => Promise<void>

export function createResumeAppends(deps: DeliverDeps & { readonly log: Log }, fifo: Fifo): ResumeAppends {
  const { ledger, log } = deps
  const newJob = jobMaker(deps)
  const tables = createTablePreparation(deps)

  const ask = async ({ ref, signal }: AppendingSink, target: Target): Promise<void> => {
    const options = { ref, target, progress: () => undefined, signal }
    const context = { signal, waiting: () => undefined }
    const again = { ...context, idempotent: false, renew: target.renew?.bind(target) }
    const retry = { ...deps.retry, ...target.retry }
    await resolveIntents(ref, { ledger, target, context, again, retry }, ({ schema, sync, run, entity }) => {
      const info = { name: sync, run, entity, batch: 0, readNumber: 0, ledger: ledger.id, mode: 'poll' as const }
      return tables.prepare(newJob({ ...options, message: { payload: [], schema } }, { payload: [], schema }, info))
    })
  }

  return async (sink) => {
    const { signal } = sink
    for (const { address, entity } of await ledger.openPlaces()) {
      try {
        const target = await sink.target(entity)
        if (target?.mode === 'append' && target.address === address)
          await fifo.run(address, () => ask(sink, target), signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn(`${address} could not be asked what became of the last batch: ${asSyncError(error).message}`)
      }
    }
  }
}
