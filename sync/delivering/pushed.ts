/** What a message without `msg.sync` writes under the source name of a sync: no run has read it, so it is listed there. */
import type { StandingKey, TableOwner, TableOwners } from '../../ledger/ledger.ts'
import type { DeliverOptions } from '../contract/engine.ts'
import { keyBeginning, keyParts, type Schema } from '../contract/message.ts'
import type { PostTarget } from '../contract/posting.ts'
import type { Target } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import { toldAmount } from '../values/told-amount.ts'
import type { Job } from './job.ts'

/** The syncs that own the table of a push, by source name. */
export async function ownersOf(
  ledger: TableOwners,
  { target }: Pick<DeliverOptions<Target | PostTarget>, 'target'>,
  schema: Schema,
): Promise<ReadonlyMap<string, TableOwner>> {
  const tables = target.mode === 'post' ? undefined : target.tables?.(schema)
  const table = tables?.find(({ list }) => list === '')?.address ?? target.address
  const owners = await ledger.ownersOf(table)
  return new Map(owners.filter(({ source }) => source !== '').map((owner) => [owner.source, owner]))
}

/** For the commit that settles it; undefined: no push. What a sync did not write under this name is none of it. */
export function pushedOf(job: Job, written: readonly Entry[]): readonly StandingKey[] | undefined {
  const { sync, options, batch, owners } = job
  if (owners === undefined) return undefined
  return written.flatMap(({ key, read, record }) => {
    const owner = owners.get(keyParts(keyBeginning(key))[0] ?? '')
    if (owner === undefined || batch.schema.key[0] !== 'source') return []
    return {
      address: options.target.address,
      key,
      kind: 'pushed' as const,
      sync: owner.sync,
      entity: sync.entity,
      sinkName: options.ref.name,
      read,
      amounts: toldAmount(batch.schema, record),
    }
  })
}
