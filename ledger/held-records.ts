/** Rows of held records and what they hold, encrypted. */
import { createHash } from 'node:crypto'
import type { SQLInputValue } from 'node:sqlite'
import { syncError } from '../sync/contract/errors.ts'
import { type DataRecord, isDeletion, type Schema } from '../sync/contract/message.ts'
import type { Amounts } from '../sync/contract/summary.ts'
import type { Cipher } from './crypt.ts'
import type { Intern } from './intern.ts'
import type { HeldFilter, HeldHead, HeldRecord, HeldState } from './ledger.ts'
import type { Tables } from './tables.ts'

export type HeldRow = { [K in keyof Tables['held']]: Tables['held'][K] extends infer T ? T : never } & { seq: number }

/** The filter as SQL over its own parameters. */
export function where(
  filter: HeldFilter,
  states: readonly string[],
): { readonly sql: string; readonly args: readonly SQLInputValue[] } {
  const parts = ['state IN (SELECT value FROM json_each(?))']
  const args: SQLInputValue[] = [JSON.stringify(states)]
  const add = (sql: string, ...values: SQLInputValue[]) => {
    parts.push(sql)
    args.push(...values)
  }
  if (filter.sync !== undefined) add('sync = ?', filter.sync)
  if (filter.entity !== undefined) add('entity = ?', filter.entity)
  if (filter.heldBy !== undefined) add('(sink = ? OR sink_name = ?)', filter.heldBy, filter.heldBy)
  if (filter.ids !== undefined) add('id IN (SELECT value FROM json_each(?))', JSON.stringify(filter.ids))
  if (filter.after !== undefined) add('seq > (SELECT seq FROM held WHERE id = ?)', filter.after)
  return { sql: parts.join(' AND '), args }
}

/** In the place of what a record held, once that is older than the retention: enough to tell whether the same comes again. */
export interface Emptied {
  readonly _emptied: string
}

export const isEmptied = (record: object): record is Emptied => '_emptied' in record

/** Throws `ledger.sealed` where the key is another. */
export function opened(cipher: Cipher, row: HeldRow, sealed: Uint8Array = row.record): DataRecord {
  try {
    return JSON.parse(cipher.open(sealed, row.id)) as DataRecord
  } catch {
    throw syncError('config', 'ledger.sealed', `The held record ${row.key} of ${row.entity} cannot be decrypted.`, {
      entity: row.entity,
      key: row.key,
      hint: 'The ledger was made with another key, or the file was changed. Discard the record and read it again.',
    })
  }
}

/** What cannot be decrypted any more is taken for a record, and stays listed. */
export function wasDeletion(cipher: Cipher, row: HeldRow): boolean {
  try {
    return isDeletion(opened(cipher, row))
  } catch {
    return false
  }
}

export const heldHead = (row: Omit<HeldRow, 'record' | 'edited'>): HeldHead => ({
  id: row.id,
  heldBy: row.sink,
  sinkName: row.sink_name,
  stage: row.stage as HeldHead['stage'],
  key: row.key,
  sync: row.sync,
  entity: row.entity,
  cause: JSON.parse(row.cause) as HeldHead['cause'],
  ...(row.amounts === null ? {} : { amounts: JSON.parse(row.amounts) as Amounts }),
  state: row.state as HeldState,
  heldAt: row.held_at,
})

export const heldRecord = (cipher: Cipher, intern: Intern, row: HeldRow): HeldRecord => ({
  ...heldHead(row),
  ...(row.source_key !== null && { sourceKey: row.source_key }),
  run: row.run,
  sourceAddress: row.source_address,
  read: row.read,
  ...contentsOf(opened(cipher, row)),
  schema: JSON.parse(intern.shapeJson(row.shape)) as Schema,
  ...(row.changed === 1 && { changed: true as const }),
  attempts: row.attempts,
  ...(row.state === 'discarded'
    ? {
        discarded: {
          by: row.closed_by ?? '',
          at: row.closed_at ?? '',
          reason: row.reason ?? '',
          ...(row.stays === 1 ? { stays: true } : {}),
        },
      }
    : {}),
  ...(row.edited
    ? {
        edited: {
          record: opened(cipher, row, row.edited),
          by: row.edited_by ?? '',
          at: row.edited_at ?? '',
          reason: row.edit_reason ?? '',
        },
      }
    : {}),
})

const contentsOf = (record: DataRecord): Pick<HeldRecord, 'record' | 'emptied'> =>
  isEmptied(record) ? { record: { _row: 0 }, emptied: true } : { record }

/** A digest of what a record says, whenever and wherever in a batch it was read. */
export function contentOf(record: DataRecord): string {
  if (isEmptied(record)) return record._emptied
  const { _row, _read, ...content } = record
  return createHash('sha256').update(JSON.stringify(content)).digest('base64')
}
