/** A full refresh of a table that keeps every version: what it says that it has newest of each key counts, not what was remembered. */
import type { Deliveries, TargetSums } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import { type DataRecord, keyText, memberOf, type Schema } from '../contract/message.ts'
import { countedLists, type Job } from './job.ts'

/** Behind every key that begins alike. */
const END = '\u{10ffff}'

/** Keys of the batch's source only: others may share the table. Without `Target.keys` everything stays as it was remembered. */
export async function matchTable(ledger: Deliveries & TargetSums, job: Job): Promise<void> {
  const { batch, context, options } = job
  const { target } = options
  const { schema, payload } = batch
  const ask = target.keys?.bind(target)
  const [record] = payload
  if (!ask || !record) return
  const { address } = target
  const prefix = prefixOf(schema, record)
  let through = prefix
  let count = 0
  const source = String(memberOf(record, 'source') ?? '')
  for await (const stored of ask(schema, source, context)) {
    const after = through
    for (const { key } of stored) {
      if (!isBehind(key, through)) throw wrongOrder(address, key, through, schema.entity)
      through = key
    }
    await ledger.matchDeliveries(address, { after, through, stored })
    count += stored.length
    context.waiting(`compared ${count} keys of ${address} with what was delivered`)
  }
  await ledger.matchDeliveries(address, { after: through, through: `${prefix}${END}`, stored: [] })
  if (countedLists(target, schema)) await ledger.recountTargets(address, source)
}

/** What the keys of one source begin with; where they do not name it, all do. */
function prefixOf(schema: Schema, record: DataRecord): string {
  const [first, ...others] = schema.key
  return first === 'source' && others.length > 0 ? `${keyText({ ...schema, key: [first] }, record)}|` : ''
}

const isBehind = (key: string, before: string): boolean => Buffer.compare(Buffer.from(key), Buffer.from(before)) > 0

const wrongOrder = (address: string, key: string, before: string, entity: string) =>
  syncError(
    'config',
    'sync.keys-order',
    `${address} gives its keys in another order than that of their bytes: ${key} behind ${before}.`,
    {
      entity,
      hint: 'Its column "key" has a collation: make the table anew without one (binary), then start the full refresh again.',
    },
  )
