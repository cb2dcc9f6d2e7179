/** What a message says of its records' versions, and how far it is believed: a number that is too high would never be beaten by a later read. */
import type { Runs } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import { type DataRecord, isDeletion, memberOf, type SyncInfo } from '../contract/message.ts'
import type { ParsedBatch } from '../values/parse-message.ts'
import type { RunKeeper } from './settlement.ts'

/** Is the message of a run of this ledger, going on or ended? Groups of a replay are runs of their own, named after it: `r1.0`. */
export const isOfKnownRun = async (
  { ledger, settlement }: { readonly ledger: Runs; readonly settlement: Pick<RunKeeper, 'runs'> },
  { run }: SyncInfo,
): Promise<boolean> => settlement.runs.has(run) || (await ledger.knowsRun(run.replace(/\.\d+$/, '')))

/** Throws where a batch of a run carries a read number that this ledger cannot have given. `last`: `Ledger.lastRead`. */
export function checkReadNumbers({ payload, schema, sync }: ParsedBatch, last: number): void {
  const forged = payload.find((record) => (memberOf(record, '_read') ?? sync?.readNumber ?? 0) > last)
  if (forged === undefined) return
  throw syncError(
    'config',
    'sync.read-number',
    `${schema.entity}: a record carries a read number that this ledger never gave (${memberOf(forged, '_read') ?? sync?.readNumber}). Nothing of the message was taken.`,
    {
      entity: schema.entity,
      field: '_read',
      hint: 'Let the nodes on the way keep "_read" and msg.sync as the source sent them, or delete msg.sync for a message of your own.',
    },
  )
}

/**
 * The records of a message of no run, as the engine takes them: position and version are its own, and there is no stamp of a
 * source. Throws where one is a deletion and the sink takes none from messages.
 */
export function recordsFromOutside({ payload, schema }: ParsedBatch, mayDelete: boolean): DataRecord[] {
  if (!mayDelete && payload.some(isDeletion))
    throw syncError(
      'config',
      'sync.push-deletion',
      `${schema.entity}: the message holds a deletion ("_op"), and this sink takes none from messages. Nothing of it was written.`,
      {
        entity: schema.entity,
        field: '_op',
        hint: 'Switch on "Deletions from messages" in the sink if the flow may delete rows, or take these records out.',
      },
    )
  return payload.map((record, row) => {
    const { _read, _stamp, ...own } = record
    return { ...own, _row: row }
  })
}
