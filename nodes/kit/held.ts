/** The message that shows a held record on a second output. */
import type { ErrorCause } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { masked } from './masked.ts'
import type { Batch } from './message.ts'
import type { Message } from './node.ts'

/** `payload` is the record without sensitive values, `error` says why; `_row` and the like are left out. */
export function heldMessage(
  batch: Batch,
  record: DataRecord,
  cause: ErrorCause & { readonly message: string },
): Message {
  const [shown] = masked({ schema: batch.schema, records: [record] }).records
  const payload = Object.fromEntries(Object.entries(shown ?? {}).filter(([name]) => !name.startsWith('_')))
  const { message, ...rest } = cause
  return {
    topic: batch.schema.entity,
    payload,
    error: { message, code: cause.code, cause: rest },
    ...(batch.sync && { sync: batch.sync }),
  }
}
