/** Rows of a batch as they come to a sink: each is one record, by its key, for the whole run, however often and in whatever messages. */
import type { Delivery } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import type { SyncInfo } from '../contract/message.ts'
import type { Entry } from './entry.ts'
import { type BatchState, sinkSide } from './progress.ts'
import type { RunState } from './state.ts'

/** What of an entry counts here. */
export type Claim = Pick<Entry, 'row' | 'key'>

/** 32 bits of a key, never 0. */
function tagOf(key: string): number {
  let tag = 0x811c9dc5
  for (let i = 0; i < key.length; i++) tag = Math.imul(tag ^ key.charCodeAt(i), 0x01000193)
  return tag >>> 0 || 1
}

/**
 * Writes down which row came with which key. Gives the rows that came before, with this same key: a message that is sent
 * again, or that takes two ways. Throws a `config` error, before anything of the message counts, where a row is not of the
 * batch, stands in it twice, or came with another key before.
 */
export function claimRows(
  batch: BatchState,
  sink: string,
  entity: string,
  claims: readonly Claim[],
): ReadonlySet<number> {
  const side = sinkSide(batch, sink)
  side.keys ??= new Uint32Array(batch.count)
  const { keys } = side
  const repeats = new Set<number>()
  for (const { row, key } of claims) {
    if (!(row < batch.count)) throw foreign(entity, batch, key, row)
    const tag = tagOf(key)
    const before = keys[row]
    if (!before) keys[row] = tag
    else if (before === tag) repeats.add(row)
    else throw anotherKey(entity, batch, claims, key, row)
  }
  // Only now is it worth to tell a row that stands in the message twice from one that came in another.
  if (repeats.size > 0) refuseTwice(entity, batch, claims)
  return repeats
}

function refuseTwice(entity: string, { index }: BatchState, claims: readonly Claim[]): void {
  const rows = new Set<number>()
  for (const { row, key } of claims) {
    if (rows.has(row))
      throw refusal(entity, key, row, `row ${row} of batch ${index} (${key}) stands twice in one message.`)
    rows.add(row)
  }
}

const foreign = (entity: string, { index, count }: BatchState, key: string, row: number): SyncError =>
  refusal(
    entity,
    key,
    row,
    `the record ${key} says that it is row ${row} of batch ${index}, which has ${count} records.`,
  )

function anotherKey(
  entity: string,
  { index, known }: BatchState,
  claims: readonly Claim[],
  key: string,
  row: number,
): SyncError {
  const other = claims.find((claim) => claim.row === row && claim.key !== key)?.key
  const source = known?.[row]?.key
  const before = other === undefined ? 'came with another key before' : `came as ${other} too`
  const read = source === undefined ? '' : ` (${source} in the source)`
  return refusal(entity, key, row, `row ${row} of batch ${index}${read} ${before}, and now comes as ${key}.`)
}

/** A message of a run that goes on names a batch or an entity that the run does not have. */
export const noSuchBatch = ({ entity, batch, run }: SyncInfo): SyncError =>
  syncError(
    'config',
    'sync.rows',
    `The run ${run} has no batch ${batch} of ${entity}. Nothing of this message was written.`,
    {
      entity,
      field: 'msg.sync',
      hint: 'A node on the way changed msg.sync. Keep it as the source sent it, or delete it for a message of your own.',
    },
  )

const refusal = (entity: string, key: string, row: number, what: string): SyncError =>
  syncError('config', 'sync.rows', `${entity}: ${what} Nothing of this message was written.`, {
    entity,
    key,
    row,
    hint: 'A node on the way copied a record, made one of its own, or changed "_row", by which each record is counted. Let it change the records that the source sent and leave "_row" as it is. What the flow makes itself goes to the sink in a message of its own, without msg.sync. If two wires lead to the sink, take one away.',
  })

/** Batches of runs that ended lately, by run and entity: a record that the flow made may still come, and be none of theirs. */
export type EndedRuns = Map<string, ReadonlyMap<string, readonly BatchState[]>>

const mostRuns = 20
const mostRows = 1_000_000

/** Takes the place of those that ended longest ago. */
export function rememberEnded(ended: EndedRuns, { id, entities }: Pick<RunState, 'id' | 'entities'>): void {
  for (const { batches } of entities.values())
    for (const batch of batches) {
      batch.known = undefined
      batch.segments = []
    }
  ended.set(id, new Map([...entities].map(([name, { batches }]) => [name, batches])))
  const rowsOf = (run: ReadonlyMap<string, readonly BatchState[]>): number =>
    [...run.values()].flat().reduce((sum, { count }) => sum + count, 0)
  let rows = [...ended.values()].reduce((sum, run) => sum + rowsOf(run), 0)
  for (const [old, run] of ended) {
    if (ended.size <= mostRuns && rows <= mostRows) return
    rows -= rowsOf(run)
    ended.delete(old)
  }
}

/**
 * Throws where a record came again with other content than what of it was written since the run began: of two versions with one
 * number nobody can say which is the right one. `deliveries`: what the ledger knows of their keys.
 */
export function refuseChanged(
  entity: string,
  entries: readonly Entry[],
  repeats: ReadonlySet<number>,
  deliveries: ReadonlyMap<string, Delivery>,
  run: string,
): void {
  if (repeats.size === 0) return
  const changed = entries.find(({ row, key, read, hash }) => {
    const last = repeats.has(row) ? deliveries.get(key) : undefined
    if (last === undefined || last.run !== run || last.hash === null || read < last.read) return false
    return hash !== last.hash && hash !== last.originalHash
  })
  if (changed === undefined) return
  const { key, row } = changed
  throw refusal(entity, key, row, `${key} came a second time with other content; what came first is written.`)
}
