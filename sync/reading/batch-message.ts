/** Batches as messages. */
import type { BatchMessage, DataRecord } from '../contract/message.ts'
import type { EntityPlan } from '../contract/source.ts'
import type { RunState } from '../run/state.ts'

/** A batch as the flow gets it; its records get their `_row`. */
export function messageOf(
  run: Pick<RunState, 'id' | 'sync'>,
  plan: Pick<EntityPlan, 'entity' | 'schema'>,
  payload: DataRecord[],
  batch: {
    readonly index: number
    /** Where its sequence begins; 0 unless told. */
    readonly first?: number
    readonly last: boolean
    readonly ledger: string
    readonly mode: 'poll' | 'replay'
  },
): BatchMessage {
  const { entity, schema } = plan
  const { first = 0 } = batch
  const readNumber = payload.reduce((least, record) => Math.min(least, record._read ?? least), Number.MAX_SAFE_INTEGER)
  return {
    topic: entity,
    payload,
    schema,
    parts: {
      id: `${run.id}-${entity}${first > 0 ? `-${first}` : ''}`,
      index: batch.index - first,
      type: 'array',
      ...(batch.last ? { count: batch.index - first + 1 } : {}),
    },
    sync: {
      name: run.sync,
      run: run.id,
      entity,
      batch: batch.index,
      readNumber,
      ledger: batch.ledger,
      mode: batch.mode,
    },
  }
}
