/** Whose records stand in a table: where two write one, each overwrites the other and both look well. */
import type { TableOwner } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { memberOf, type Schema } from '../contract/message.ts'
import { withRetry } from '../contract/retry.ts'
import type { Target, TargetTable } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import type { EntityRun } from '../run/state.ts'
import { nameOf, PATTERN, twoEntities, twoSources } from '../run/table-conflicts.ts'
import type { DeliverDeps } from './deps.ts'
import type { Job } from './job.ts'

/**
 * Throws a `config` error where a table of the job's target is also another one's: of an entity and one of its lists, of two
 * entities, of two systems or folders under one source name. Before anything is asked of the target or written there.
 */
export type CheckOwners = (job: Job, entries: readonly Entry[]) => Promise<void>

export function createOwnerCheck({ ledger, settlement, retry = {} }: DeliverDeps): CheckOwners {
  /** What was found in order in a run. */
  const known = new WeakMap<EntityRun, WeakMap<Target, Set<string>>>()

  /** Runs that claimed a table. */
  const users = new Map<string, ReadonlySet<string>>()
  const runsAt = (address: string): string[] =>
    [...(users.get(address) ?? [])].filter((run) => settlement.runs.has(run))

  const knownOf = (entity: EntityRun, target: Target): Set<string> => {
    const all = known.get(entity) ?? new WeakMap<Target, Set<string>>()
    known.set(entity, all)
    const own = all.get(target) ?? new Set<string>()
    all.set(target, own)
    return own
  }

  const claim = async (job: Job, tables: readonly TargetTable[], sources: readonly string[]): Promise<void> => {
    const { sync, batch, options, context, again } = job
    const { target } = options
    const isPush = sync.mode === 'push'
    const sourceAddress = settlement.runs.get(sync.run)?.sourceAddress ?? ''
    const entity = isPush ? batch.schema.entity : sync.entity
    const claims = sources.flatMap((source) =>
      tables.map(({ list, address }) => ({ table: address, source, list, entity, sync: sync.name, sourceAddress })),
    )
    const against = await ledger.claimTables(claims)
    const [other] = against
    if (other === undefined) {
      for (const { address } of tables) users.set(address, new Set([...runsAt(address), sync.run]))
      return
    }
    // Whatever was written there before: an empty table is nobody's, unless a run is about to fill it.
    const places = new Set(against.map(({ table }) => table))
    const theirs = tables.filter(({ address }) => places.has(address))
    const isUsed = theirs.some(({ address }) => runsAt(address).length > 0)
    const hasRows = target.hasRows?.bind(target)
    const ask = () => hasRows?.(theirs, batch.schema, context) ?? Promise.resolve(true)
    if (isUsed || (await withRetry(ask, { ...again, idempotent: true }, { ...retry, ...target.retry })))
      throw owned(other, claims.find(({ table }) => table === other.table) as TableOwner)
    await ledger.releaseTables([...places])
    await claim(job, tables, sources)
  }

  return async (job, entries) => {
    const { sync, batch, options } = job
    const { target } = options
    const entity = settlement.runs.get(sync.run)?.entities.get(sync.entity)
    if (!entity) return
    job.sources = sync.mode === 'push' ? [''] : sourcesOf(batch.schema, entries)
    const own = knownOf(entity, target)
    const shape = Object.keys(batch.schema.lists ?? {}).join()
    const news = job.sources.filter((source) => !own.has(`${shape}\n${source}`))
    if (news.length === 0) return
    const tables = target.tables?.(batch.schema) ?? [{ list: '', address: target.address }]
    refuseOneForTwo(batch.schema, tables)
    await claim(job, tables, news)
    for (const source of news) own.add(`${shape}\n${source}`)
  }
}

/** Source names of records: what their keys begin with. */
function sourcesOf(schema: Schema, entries: readonly Entry[]): readonly string[] {
  if (schema.key[0] !== 'source') return ['']
  const found = new Set<string>()
  let last: unknown
  for (const { record } of entries) {
    const source = memberOf(record, 'source')
    if (source === last) continue
    last = source
    found.add(String(source ?? ''))
  }
  return [...found]
}

function refuseOneForTwo(schema: Schema, tables: readonly TargetTable[]): void {
  const seen = new Map<string, string>()
  for (const { list, address } of tables) {
    const before = seen.get(address)
    if (before !== undefined)
      throw syncError(
        'config',
        'sync.one-table',
        `${nameOf(schema.entity, before)} and ${nameOf(schema.entity, list)} would both be written to ${address}.`,
        { entity: schema.entity, hint: PATTERN },
      )
    seen.set(address, list)
  }
}

/** What is refused, with both names and the way out. */
const owned = (owner: TableOwner, claim: TableOwner): SyncError =>
  owner.entity !== claim.entity || owner.list !== claim.list
    ? twoEntities(claim.table, owner, claim)
    : twoSources(claim.table, owner, claim)
