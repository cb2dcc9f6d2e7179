/** Applies a mapping to a batch: what goes on, what is held, and when too much is unmapped to be a matter of single records. */
import { syncError } from '../../sync/contract/errors.ts'
import { type DataRecord, isDeletion, type Schema } from '../../sync/contract/message.ts'
import type { Refused, Transformed } from '../kit/kit.ts'
import type { Mapping, Unmapped } from './compile.ts'

/** More than so many records, and more than this share of a batch, is a missing table and not a missing code. */
const MANY = { records: 100, share: 0.05 }

/** Maps the records; a mass of unmapped codes fails the batch with the list of distinct codes and their counts. */
export async function applyMapping(
  mapping: Mapping,
  payload: readonly DataRecord[],
  schema: Schema,
): Promise<Transformed> {
  const mapped: DataRecord[] = []
  const held: Refused[] = []
  const counts = new Map<string, number>()
  for (const record of payload) {
    const result = isDeletion(record) ? mapping.mapDeletion(record) : await mapping.map(record)
    if (!isUnmapped(result)) {
      mapped.push(result)
      continue
    }
    for (const code of result.codes) counts.set(code, (counts.get(code) ?? 0) + 1)
    held.push({ record: result.record, cause: { ...result.error.cause, message: result.error.message } })
  }
  if (held.length > MANY.records && held.length > payload.length * MANY.share)
    throw tooMany(schema.entity, held.length, counts)
  return { payload: mapped, schema: mapping.schema, held, touched: mapping.touched }
}

const isUnmapped = (result: DataRecord | Unmapped): result is Unmapped =>
  'codes' in result && 'error' in result && Array.isArray(result.codes)

function tooMany(entity: string, records: number, counts: ReadonlyMap<string, number>) {
  const list = [...counts].sort((a, b) => b[1] - a[1])
  const shown = list.slice(0, 20).map(([code, count]) => `${code} (${count})`)
  const more = list.length > shown.length ? ` and ${list.length - shown.length} more` : ''
  return syncError(
    'config',
    'mapping.unmapped.many',
    `${entity}: ${records} records of one batch have codes that are not mapped: ${shown.join(', ')}${more}.`,
    {
      entity,
      hint: 'Complete the code tables of gl-mapping and run again; nothing of this batch was written or held.',
    },
  )
}
