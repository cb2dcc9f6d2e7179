/** What a sink or a transform takes from a message: nothing of it is trusted. */
import { z } from 'zod'
import { syncError } from '../../sync/errors.ts'
import type { ColumnType, DataRecord, Schema, SyncInfo } from '../../sync/message.ts'
import type { Message } from './node.ts'

const type = z.custom<ColumnType>(
  (v) => typeof v === 'string' && /^(string|integer|boolean|date|timestamp|json|decimal\(\d{1,2},\d{1,2}\))$/.test(v),
  {
    error: 'is no column type (string, integer, decimal(p,s), boolean, date, timestamp, json)',
  },
)
const table = z.looseObject({
  entity: z.string().min(1),
  key: z.array(z.string().min(1)).min(1),
  columns: z.array(z.looseObject({ name: z.string().min(1), type })).min(1),
})
const schema = table.extend({ lists: z.record(z.string(), table).optional() })
const sync = z.looseObject({
  name: z.string().min(1),
  run: z.string().min(1),
  entity: z.string().min(1),
  batch: z.number().int().min(0),
  readNumber: z.number(),
  ledger: z.string().min(1),
  mode: z.enum(['poll', 'replay', 'push']),
  to: z.string().optional(),
})
const record = z.record(z.string(), z.unknown())

export interface Batch {
  readonly payload: DataRecord[]
  readonly schema: Schema
  readonly sync?: SyncInfo
  readonly topic?: string
}

const wrong = (field: string, text: string, hint: string): Error =>
  syncError('config', 'tieout.message', `${field} ${text}`, { field, hint })

/** The batch in a message; one record alone (after a split) counts as a batch of one. Throws a `config` error that names the property. */
export function batchOf(message: Message): Batch {
  const payload = Array.isArray(message.payload) ? message.payload : [message.payload]
  const bad = payload.findIndex((r) => !record.safeParse(r).success || Array.isArray(r))
  if (bad >= 0)
    throw wrong(
      `msg.payload[${bad}]`,
      'is no record',
      'Wire the node to a source or a mapping, or let msg.payload be an array of objects.',
    )
  if (message.schema === undefined)
    throw wrong(
      'msg.schema',
      'is missing',
      'Keep msg.schema of the source in the flow, or set {entity, key, columns: [{name, type}]}.',
    )
  const shape = schema.safeParse(message.schema)
  if (!shape.success) {
    const issue = shape.error.issues[0]
    throw wrong(
      ['msg.schema', ...(issue?.path ?? [])].join('.'),
      issue?.message ?? 'is not valid',
      'See the help of the node for the shape.',
    )
  }
  const info = message.sync === undefined ? undefined : sync.safeParse(message.sync)
  if (info && !info.success)
    throw wrong(
      'msg.sync',
      'is not what a source sent',
      'Keep msg.sync of the source as it is, or delete it for a message of your own.',
    )
  return {
    payload: payload as DataRecord[],
    schema: message.schema as Schema,
    ...(info?.success && { sync: message.sync as SyncInfo }),
    ...(typeof message.topic === 'string' && { topic: message.topic }),
  }
}

/** A batch counts at one ledger; a node of another one would answer into the void. */
export function checkLedger(batch: Batch, ledger: string): void {
  if (batch.sync && batch.sync.ledger !== ledger)
    throw syncError('config', 'tieout.ledger', `The batch comes from a source with another ledger than this node's`, {
      field: 'ledger',
      hint: 'Choose the same sync-ledger in the source and in every node that its records reach.',
    })
}
