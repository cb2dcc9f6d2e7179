/**
 * A version before did not keep which read number the rows of a document carry in a target: its lists can be counted only with
 * it. A sweep, which reads all of them again, has the target tell, once.
 */
import type { TargetSums } from '../../ledger/ledger.ts'
import { memberOf } from '../contract/message.ts'
import type { EntityRun } from '../run/state.ts'
import type { Job, Known } from './job.ts'

/** True if the ledger knows more than before. What the target has otherwise than it was delivered equals nothing any more. */
export type LearnStored = (job: Job, entity: EntityRun | undefined, known: Known) => Promise<boolean>

export function createLearning(ledger: TargetSums): LearnStored {
  const told = new WeakMap<EntityRun, Set<string>>()
  return async (job, entity, { lists = [], deduplicated }) => {
    const { target } = job.options
    const isUntold = lists.length > 0 && deduplicated.unchanged.some(({ last }) => isUnknown(last))
    if (!entity?.sweep || !isUntold || !target.keys || told.get(entity)?.has(target.address)) return false
    told.set(entity, (told.get(entity) ?? new Set()).add(target.address))
    const source = String(memberOf(job.batch.payload[0] ?? { _row: 0 }, 'source') ?? '')
    for await (const page of target.keys(job.batch.schema, source, job.context)) {
      await ledger.learnStored(target.address, page)
      job.context.waiting(`looks at what ${target.address} holds`)
    }
    await ledger.doubtUnlearnt(target.address, source)
    return true
  }
}

const isUnknown = ({ stored, written, hash }: Known['deduplicated']['unchanged'][number]['last']): boolean =>
  stored === undefined && written === undefined && hash !== null
