/**
 * What a version before delivered, or another ledger, is not known well enough to be counted: the read number that its rows
 * carry, or all of it. A sweep, which reads all of that again, has the target tell, once; what is there as it is read is not
 * written again.
 */
import type { TargetSums } from '../../ledger/ledger.ts'
import { memberOf } from '../contract/message.ts'
import type { EntityRun } from '../run/state.ts'
import type { Job, Known } from './job.ts'

/** True if the ledger knows more than before. */
export type LearnStored = (job: Job, entity: EntityRun | undefined, known: Known) => Promise<boolean>

export function createLearning(ledger: TargetSums): LearnStored {
  const told = new WeakMap<EntityRun, Set<string>>()
  return async (job, entity, { lists, deduplicated, deliveries }) => {
    const { target } = job.options
    if (!entity?.sweep || !lists || !target.keys) return false
    // Only what is read to be counted: what a sweep misses elsewhere may be lost, and is written.
    const isForeign =
      entity.summing?.targets.some(({ address }) => address === target.address) === true &&
      deduplicated.write.some(({ key, hash }) => hash !== '' && !deliveries.has(key))
    if (!isForeign && !(lists.length > 0 && deduplicated.unchanged.some(({ last }) => isUnknown(last)))) return false
    const own = told.get(entity) ?? new Set()
    const what = `${target.address}${isForeign ? ' anew' : ''}`
    if (own.has(what)) return false
    told.set(entity, own.add(what))
    const source = String(memberOf(job.batch.payload[0] ?? { _row: 0 }, 'source') ?? '')
    for await (const page of target.keys(job.batch.schema, source, job.context)) {
      await ledger.learnStored(target.address, page, isForeign)
      job.context.waiting(`looks at what ${target.address} holds`)
    }
    // What the target has otherwise than it was delivered equals nothing any more.
    await ledger.doubtUnlearnt(target.address, source)
    return true
  }
}

const isUnknown = ({ stored, written, hash }: Known['deduplicated']['unchanged'][number]['last']): boolean =>
  stored === undefined && written === undefined && hash !== null
