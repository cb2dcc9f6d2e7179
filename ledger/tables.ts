/** Columns of the ledger's tables as Kysely needs them (`migrations.ts` makes them). */
import type { Generated } from 'kysely'

export interface Tables {
  meta: { name: string; value: string }
  run: {
    seq: Generated<number>
    id: string
    sync: string
    mode: string
    state: string
    started: string
    ended: string | null
    summary: string | null
  }
  batch: {
    run: number
    entity: string
    batch: number
    sink: string
    sink_name: string
    delivered: number
    unchanged: number
    superseded: number
    held: number
    in_doubt: number
    filtered: number
    rows: number
    at: string
  }
  position: {
    sync: string
    entity: string
    identity: string
    read_through: string | null
    read_at: string | null
    window: string | null
    contract: number | null
  }
  adopted: { sync: string; entity: string; ledger: string; read: number }
  address: {
    id: Generated<number>
    address: string
    highest_read: Generated<number>
    lists: Generated<string>
    unsummed: Generated<number>
    counted: Generated<number>
  }
  target_sum: {
    address: number
    source: string
    whole: number
    sums: string
    unsummed: Generated<number>
    share: number | null
  }
  delivery: {
    address: number
    key: string
    read: number
    hash: Uint8Array | null
    original_hash: Uint8Array | null
    run: number
    source: number | null
    rows: string | null
    doubt: number | null
  }
  source_entity: { id: Generated<number>; sync: string; entity: string; swept: string | null; lost: string | null }
  table_owner: {
    place: string
    source: string
    list: string
    entity: string
    sync: string
    source_address: string
  }
  filled: { address: string; list: string; sync: string; entity: string }
  known_key: { entity: number; key: string; read: number; stamp: string | null; seen: number }
  contribution: { address: number; key: string; totals: string }
  shape: { id: Generated<number>; json: string }
  held: {
    seq: Generated<number>
    id: string
    sink: string
    sink_name: string
    stage: string
    key: string
    sync: string
    run: string
    entity: string
    source_address: string
    read: number
    stamp: string | null
    record: Uint8Array
    amounts: string | null
    edit_reason: string | null
    stays: number
    emptied: number
    shape: number
    cause: string
    state: string
    attempts: number
    held_at: string
    closed_at: string | null
    claimed_by: string | null
    edited: Uint8Array | null
    edited_by: string | null
    edited_at: string | null
    closed_by: string | null
    reason: string | null
    source_key: string | null
    retry_at: string | null
    needs: string | null
    changed: number
  }
  intent: {
    id: string
    address: string
    sync: string
    run: string
    entity: string
    shape: number
    records: string
    state: string
    at: string
    posting: string | null
    document: Uint8Array | null
    amounts: string | null
  }
  note: { address: string; text: string }
  alert: {
    id: string
    sync: string
    kind: string
    entity: string | null
    message: string
    raised: string
    cleared: string | null
    cause: string | null
  }
}
