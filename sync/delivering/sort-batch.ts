/** What is to be done with a batch: by what the ledger knows of its keys, and what of it does not fit. */
import type { Target } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import type { Reached } from '../run/state.ts'
import { compileHasher } from '../values/fingerprint.ts'
import { deduplicate } from './deduplicate.ts'
import { cannotTakeBack, withoutVainDeletions } from './deletions.ts'
import type { DeliverDeps } from './deps.ts'
import { takeAlong } from './former-keys.ts'
import { type AppendDeps, resolveIntents, withoutDoubtful } from './intents.ts'
import { checkAlike, type Refused } from './isolate-bad-records.ts'
import { countedLists, type Job, type Known } from './job.ts'
import { createLearning } from './learn-stored.ts'
import type { PreparedTables, TablePreparation } from './prepare-tables.ts'
import { createOwnerCheck } from './table-owners.ts'

export interface SortedBatch {
  readonly known: Known
  /** What does not fit the schema, or cannot be undone. */
  readonly bad: readonly Refused[]
  /** Where it is written, if the run was there. */
  readonly reached: Reached | undefined
}

export interface BatchSorter {
  /** The target is asked only if something is to be written; what it finds there, the ledger may know less than before. */
  sort(job: Job, newest: readonly Entry[], append: AppendDeps | undefined): Promise<SortedBatch>
  /** Once more, where a table was lost. */
  sortAgain(
    job: Job,
    newest: readonly Entry[],
    append: AppendDeps | undefined,
    reached: Reached | undefined,
  ): Promise<SortedBatch>
}

export function createBatchSorter(deps: DeliverDeps, tables: Pick<TablePreparation, 'prepare'>): BatchSorter {
  const { settlement } = deps
  const checkOwners = createOwnerCheck(deps)
  const learn = createLearning(deps.ledger)
  /** Addresses whose mark was looked at since the ledger was opened. */
  const seen = new Set<string>()

  const prepare = async (job: Job): Promise<PreparedTables> => {
    const prepared = await tables.prepare(job)
    seen.add(job.options.target.address)
    return prepared
  }
  // A ledger restored from an old copy must not call anything unchanged: after a start the target's mark comes first.
  const isMarkFirst = ({ address }: Target, { sync }: Job): boolean =>
    !seen.has(address) || (settlement.runs.get(sync.run)?.full ?? false)
  const sortAgain: BatchSorter['sortAgain'] = async (job, newest, append, reached) => {
    const known = await recall(deps, job, newest, append)
    return { known, bad: misfits(job, known.deduplicated.write), reached }
  }

  return {
    sortAgain,
    async sort(job, newest, append) {
      const { target, ref } = job.options
      await checkOwners(job, newest)
      const before = newest.length > 0 && isMarkFirst(target, job) ? (await prepare(job)).reached : undefined
      if (append !== undefined) await resolveIntents(ref, append, () => prepare(job))
      const first = await sortAgain(job, newest, append, before)
      const entity = settlement.runs.get(job.sync.run)?.entities.get(job.sync.entity)
      const sorted = (await learn(job, entity, first.known)) ? await sortAgain(job, newest, append, before) : first
      // Old rows that stay are bad besides.
      const refused = sorted.bad.filter(({ entry }) => entry.instead === undefined)
      if (before !== undefined || sorted.known.deduplicated.write.length <= refused.length) return sorted
      const { reached, fresh } = await prepare(job)
      return fresh ? sortAgain(job, newest, append, reached) : { ...sorted, reached }
    },
  }
}

/** What the ledger knows of the keys. */
async function recall(
  { ledger }: DeliverDeps,
  job: Job,
  newest: readonly Entry[],
  append: AppendDeps | undefined,
): Promise<Known> {
  const { target } = job.options
  const { schema } = job.batch
  const { address } = target
  const keys = newest.map(({ key }) => key)
  const counted = countedLists(target, schema)
  const [deliveries, heldReads, originals, lists] = await Promise.all([
    ledger.deliveries(address, keys),
    ledger.heldReads(address, keys),
    originalsOf(ledger, job),
    counted && ledger.tableLists(address, counted),
  ])
  const sorted = withoutVainDeletions(job, deduplicate(newest, deliveries, heldReads, job.sync.run), deliveries)
  const { deduplicated, deliveries: all } = await takeAlong(ledger, job, sorted, deliveries)
  if (append === undefined) return { deduplicated, inDoubt: [], deliveries: all, originals, lists }
  return { ...(await withoutDoubtful(deduplicated, append)), deliveries: all, originals, lists }
}

/** Fingerprints of the originals of what people edited and now is replayed, by key. */
export async function originalsOf(
  ledger: DeliverDeps['ledger'],
  { sync, options }: Pick<Job, 'sync'> & { readonly options: { readonly target: { readonly address: string } } },
): Promise<Map<string, string>> {
  if (sync.mode !== 'replay') return new Map()
  const replaying = await ledger.held({ heldBy: options.target.address, entity: sync.entity, states: ['replaying'] })
  return new Map(
    replaying
      .filter(({ edited }) => edited !== undefined)
      .map(({ key, schema, record }) => [key, compileHasher(schema)(record)]),
  )
}

/** Records whose values do not fit the schema; throws `config` when too many fail alike. */
function misfits(job: Job, entries: readonly Entry[]): readonly Refused[] {
  const found: Refused[] = []
  for (const entry of entries) {
    const error = cannotTakeBack(job, entry) ?? (entry.sound ? undefined : job.compiled.check(entry.record))
    if (error !== undefined) found.push({ entry, error })
    for (const old of entry.along ?? []) {
      const stays = cannotTakeBack(job, old)
      if (stays !== undefined) found.push({ entry: old, error: stays })
    }
    if (job.options.target.deletes === false) entry.along = undefined
  }
  checkAlike(found, { entity: job.batch.schema.entity, total: job.batch.payload.length })
  return found
}
