/** Append and posting sinks: what is sent is written down first, and nothing of unknown outcome is ever sent again. */
import type { Commits, Deliveries, Delivery, Intent, Intents } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import { classOf, syncError } from '../contract/errors.ts'
import type { SyncInfo } from '../contract/message.ts'
import { type RetryContext, type RetryOptions, withRetry } from '../contract/retry.ts'
import type { Told } from '../contract/summary.ts'
import type { Prepared, Resolution, Target, WriteBatch, WriteContext } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import { hasAmounts, toldAmount, toldOf } from '../values/told-amount.ts'
import type { Deduplicated } from './deduplicate.ts'
import { NOBODY } from './folded-keys.ts'
import { type Known, storedOf } from './job.ts'
import { totalsText } from './run-totals.ts'

export interface AppendDeps {
  readonly ledger: Intents & Commits & Deliveries
  readonly target: Target
  readonly context: WriteContext
  readonly again: RetryContext
  readonly retry: Partial<RetryOptions>
}

/**
 * Writes a batch behind an intent. `delivered`: the caller commits with the intent's id, which closes it. `inDoubt`: the
 * intent stays, for a person to look at. Throws what `Target.write` throws when nothing was written; when stopped or while
 * the target does not answer, the intent stays open and is resolved before the next write to this address.
 */
export async function writeBehindIntent(
  batch: WriteBatch,
  lists: Known['lists'],
  deps: AppendDeps,
): Promise<'delivered' | 'inDoubt'> {
  const { ledger, target, context, again, retry } = deps
  await ledger.openIntent({
    id: batch.id,
    address: target.address,
    sync: batch.sync,
    run: batch.run,
    entity: batch.entity,
    schema: batch.schema,
    records: (batch.records as readonly Entry[]).map((entry) => ({
      key: entry.key,
      read: entry.read,
      hash: entry.hash,
      totals: totalsText(batch.run, entry),
      ...linesOf(entry, lists),
      ...(entry.sourceKey !== undefined && { source: entry.sourceKey }),
    })),
    at: batch.at,
    ...toldBefore(batch.schema),
  })
  let repeated = false
  for (;;) {
    try {
      await withRetry(() => target.write(batch, context), again, retry)
      if (!repeated) return 'delivered'
      await ledger.closeIntent(batch.id, 'in-doubt', toldBy(batch))
      return 'inDoubt'
    } catch (error) {
      if (context.signal.aborted) throw error
      if (classOf(error) !== 'unknown-outcome') {
        await ledger.closeIntent(batch.id, 'absent')
        throw error
      }
    }
    const outcome = await resolve(batch.id, batch.schema, batch.records.length, deps)
    if (outcome === 'delivered' && !repeated) return 'delivered'
    if (outcome === 'delivered' || outcome === 'in-doubt') {
      await ledger.closeIntent(batch.id, 'in-doubt', toldBy(batch))
      return 'inDoubt'
    }
    if (outcome === 'repeat') repeated = true
  }
}

const linesOf = (entry: Entry, lists: Known['lists']): { readonly lines?: string } => {
  const stored = lists && storedOf(entry, lists)
  return stored ? { lines: stored.lines } : {}
}

/** Of records without amounts that is known whatever becomes of them; of others once they are in doubt. */
const toldBefore = (schema: WriteBatch['schema']): Pick<Intent, 'told'> =>
  hasAmounts(schema) ? {} : { told: toldOf([]) }

const toldBy = ({ schema, records }: WriteBatch): Told =>
  toldOf(records.map(({ record }) => toldAmount(schema, record)))

/** Asks the target what became of a batch; `unknown` after as many attempts as the settings allow is in doubt. */
async function resolve(
  id: string,
  schema: WriteBatch['schema'],
  records: number,
  { target, context, again, retry }: AppendDeps,
): Promise<Exclude<Resolution, 'unknown'>> {
  const ask = target.resolve?.bind(target)
  if (ask === undefined) return 'in-doubt'
  const untold = 'sync.in-doubt'
  try {
    return await withRetry(
      async () => {
        const outcome = await ask(id, schema, context, records)
        if (outcome === 'unknown')
          throw syncError('transient', untold, `${target.address} cannot tell what became of ${id}`)
        return outcome
      },
      { ...again, idempotent: true },
      retry,
    )
  } catch (error) {
    if (error instanceof Error && (error as { code?: unknown }).code === untold) return 'in-doubt'
    throw error
  }
}

/** Before anything is sent: closes the open intents of the address by asking the target, whose tables are looked at first. */
export async function resolveIntents(
  ref: SinkRef,
  deps: AppendDeps,
  look: (intent: Intent) => Promise<unknown>,
): Promise<void> {
  const { ledger, target } = deps
  for (const intent of await ledger.intents(target.address)) {
    if (intent.state !== 'open') continue
    await look(intent)
    const outcome = await resolve(intent.id, intent.schema, intent.records.length, deps)
    if (outcome === 'delivered') await commitIntent(ref, intent, ledger)
    else await ledger.closeIntent(intent.id, outcome === 'repeat' ? 'repeated' : outcome)
  }
}

async function commitIntent(ref: SinkRef, intent: Intent, ledger: Commits & Deliveries): Promise<void> {
  const { address, run, sync, entity } = intent
  await ledger.commit({
    run,
    sync,
    entity,
    sinkId: ref.id,
    sinkName: ref.name,
    address,
    deliveries: await appendedOf(ledger, intent, intent.records),
    outcomes: {},
    intent: intent.id,
  })
}

/** Versions of an intent that are in the target, as the ledger keeps them. */
export async function appendedOf(
  ledger: Deliveries,
  { address, run, schema }: Pick<Intent, 'address' | 'run' | 'schema'>,
  records: Intent['records'],
): Promise<Delivery[]> {
  const known = await ledger.deliveries(
    address,
    records.map(({ key }) => key),
  )
  // A version before kept no rows of lists.
  const none = Object.keys(schema.lists ?? {}).length === 0 ? '' : undefined
  return records.map(({ key, read, hash, totals = null, lines = none }) => {
    const last = known.get(key)
    const own = hash === '' ? null : lines === undefined ? undefined : { hash, read, lines }
    // Of each key the newest version counts.
    const stored = last && last.read > read ? last.stored : own
    return { key, read, hash: hash || null, totals, run, source: NOBODY, stored, before: last?.stored }
  })
}

/** Takes out what must not be sent: the versions that are in doubt at this address. */
export async function withoutDoubtful(
  deduplicated: Deduplicated,
  { ledger, target }: AppendDeps,
): Promise<{ deduplicated: Deduplicated; inDoubt: readonly Entry[] }> {
  const doubtful = new Map<string, { read: number; hash: string }[]>()
  for (const { state, records } of await ledger.intents(target.address)) {
    if (state === 'repeated') continue
    for (const { key, read, hash } of records) {
      const versions = doubtful.get(key)
      if (versions === undefined) doubtful.set(key, [{ read, hash }])
      else versions.push({ read, hash })
    }
  }
  if (doubtful.size === 0) return { deduplicated, inDoubt: [] }
  const isDoubtful = ({ key, read, hash }: Entry): boolean =>
    doubtful.get(key)?.some((version) => read <= version.read || hash === version.hash) ?? false
  return {
    deduplicated: { ...deduplicated, write: deduplicated.write.filter((entry) => !isDoubtful(entry)) },
    inDoubt: deduplicated.write.filter(isDoubtful),
  }
}

/** In the place of the hash of records that are there twice. */
export const TWICE = 'twice'

type Doubled = NonNullable<Prepared['doubled']>[number]

/** Lists a batch that turned out to be in twice: its records are delivered, and a person must take the second copy out. */
export async function listDoubled(
  { id, records }: Doubled,
  about: {
    readonly ledger: Intents
    readonly sync: SyncInfo
    readonly schema: WriteBatch['schema']
    readonly address: string
    readonly at: string
  },
): Promise<void> {
  const { ledger, sync, schema, address, at } = about
  await ledger.openIntent({
    id: `${id} (twice)`,
    address,
    sync: sync.name,
    run: sync.run,
    entity: sync.entity,
    schema,
    // no version has this fingerprint: nothing is held back for it
    records: records.map(({ key, read }) => ({ key, read, hash: TWICE })),
    at,
    ...toldBefore(schema),
  })
  await ledger.closeIntent(`${id} (twice)`, 'in-doubt')
}

export const doubledText = ({ id, records }: Doubled, address: string): string =>
  `${address} has the batch ${id} twice (${records.length} records, such as ${records[0]?.key}): its first attempt came later than the settling wait. Take one copy out, or load the table anew; raise the settling wait.`
