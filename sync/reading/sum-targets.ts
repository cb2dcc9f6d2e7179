/** What of a source is in no sum of a target is read again by key, so that whole tables can be compared. */
import type { Notes } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { Page } from '../contract/source.ts'
import type { Target } from '../contract/target.ts'
import { usageOf } from '../run/call-budget.ts'
import { confirmGone, keysAtOnce, type SweepTask, type Swept } from './sweep.ts'

/** Keys that one sweep reads for it: of a source that bills nothing, of one of which nobody knows what is left, and at least. */
const MOST_FREE = 100_000
const MOST_UNKNOWN = 20_000
const LEAST_BILLED = 10 * keysAtOnce

/** Behind a listing that was complete. `number`: the sweep's first read number. */
export async function readUnsummed(task: SweepTask, { source, number }: Swept): Promise<void> {
  const { ledger, options, entity, plan, signal } = task
  // A ledger that only now has asked the targets what they hold goes on at once; what is left has time until the next sweep.
  if (entity.targetsAsked) return
  const targets = (await options.targets?.(entity.name)) ?? []
  const summed: Target[] = []
  let through = 0
  for (const { target } of targets) {
    if (!target.whole || (await ledger.unsummed(target.address, source)) === 0) continue
    await ledger.beginSumming(target.address, source, number)
    summed.push(target)
    through = Math.max(through, await ledger.unsummed(target.address, source))
  }
  entity.summing = { source, schema: plan.schema, targets: summed }
  if (through === 0 || !plan.readKeys) return
  // What the sweep deletes is forgotten first.
  await task.settled()
  let left = await portion(ledger, options)
  for (let after: string | null = null; left > 0; ) {
    const keys = await ledger.knownKeys(options.name, entity.name, after, Math.min(keysAtOnce, left), through)
    if (keys.length === 0) return
    after = keys.at(-1) ?? null
    left -= keys.length
    await task.room()
    const page: Page = await confirmGone(
      { ledger, plan, address: options.source.address },
      keys,
      ledger.nextRead(),
      signal,
    )
    await task.take(page, number)
    options.progress({
      entity: entity.name,
      records: entity.read,
      rows: entity.rows,
      doing: 'sweep, memory of the targets',
    })
  }
}

/** How many keys this sweep may read for it. */
async function portion(ledger: Notes, { source }: PollOptions): Promise<number> {
  const usage = await usageOf(ledger, source, 0)
  if (usage === undefined) return MOST_FREE
  if (usage.allowance === undefined) return MOST_UNKNOWN
  // A day's part of what the month leaves.
  const free = Math.floor((usage.allowance - usage.forecast) / 31)
  return Math.min(MOST_FREE, Math.max(LEAST_BILLED, free * keysAtOnce))
}
