/** What of a batch goes to its target: ahead of its turn, at its turn as a whole or in parts, and without what is refused. */

import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { WriteBatch } from '../contract/target.ts'
import type { Entry } from '../run/entry.ts'
import type { DeliverDeps } from './deps.ts'
import { withAlong } from './former-keys.ts'
import { groupChange } from './group-change.ts'
import { type AppendDeps, writeBehindIntent } from './intents.ts'
import { type Refused, writeIsolating } from './isolate-bad-records.ts'
import { batchOf, deliveryOf, firstRows, type Job, type Known, nameOf, reportsOf, rowsIn } from './job.ts'
import type { RunTotals } from './run-totals.ts'

export interface WriteDeps extends Pick<DeliverDeps, 'settlement' | 'newId'> {
  /** How this target is tried again. */
  readonly retry: Partial<RetryOptions>
  /** Given where the target only appends. */
  readonly append: AppendDeps | undefined
  readonly totals: Pick<RunTotals, 'account'>
}

/**
 * Begins to bring the rows of a batch to the target while others go first. They are used if at its turn the whole batch is to
 * be written, as in a first load.
 */
export function stageAhead(job: Job, newest: readonly Entry[], newId: () => string): void {
  const { target } = job.options
  const staged = target.stage?.(batchOf(job, `${nameOf(job, newId)}-ahead`, newest), job.context)
  // What failed is tried again, and told, in its turn.
  if (staged) job.ahead = { count: newest.length, staged: staged.catch(() => undefined) }
}

/**
 * Writes records and gives back those that the target refuses. What is in stands in `job.written`, or in `job.inDoubt`; what
 * was appended is settled at once, by the part.
 */
export async function writeRecords(
  job: Job,
  records: readonly Entry[],
  known: Known,
  { settlement, newId, retry, append, totals }: WriteDeps,
): Promise<readonly Refused[]> {
  const { batch, sync, options, context, again } = job
  const { target, ref, progress } = options
  const { entity } = batch.schema
  const name = nameOf(job, newId)
  let parts = 0
  const { accepting } = job
  const packed = (some: readonly Entry[]): WriteBatch =>
    batchOf(job, `${name}-${parts++}`, accepting ? accepting.marked(some) : some)

  const merge = async (part: WriteBatch): Promise<void> => {
    const ahead = job.ahead?.count === part.records.length ? await job.ahead.staged : undefined
    // Once: another attempt begins with rows of its own.
    job.ahead = undefined
    let write = ahead && (() => ahead.write(context))
    const attempt = (): Promise<void> => {
      const first = write
      write = undefined
      return first ? first() : accepting ? accepting.write(part) : target.write(part, context)
    }
    await withRetry(attempt, again, retry)
  }

  const settleAppended = async (part: WriteBatch, some: readonly Entry[]): Promise<void> => {
    const { address } = target
    const deliveries = some.map((entry) => deliveryOf(job, entry, known))
    await settlement.settle(sync, ref, reportsOf(some, 'delivered'), {
      address,
      deliveries,
      sums: groupChange(settlement.groups, deliveries, known.deliveries, job.arrived),
      rows: rowsIn(job, some),
      filled: firstRows(job, some),
      intent: part.id,
      trace: job.trace,
    })
    totals.account({ run: sync.run, address }, some, known.deliveries, job.arrived)
  }

  const write = async (records: readonly Entry[]): Promise<void> => {
    const some = records.some(({ along }) => along) ? records.flatMap(withAlong) : records
    const part = packed(some)
    if (append === undefined) await merge(part)
    else {
      if ((await writeBehindIntent(part, known.lists, append)) === 'inDoubt') {
        job.inDoubt.push(...some)
        return
      }
    }
    job.waiting = undefined
    job.written.push(...some)
    job.rows += rowsIn(job, some)
    if (append !== undefined) await settleAppended(part, some)
    progress({ entity, records: job.written.length, rows: job.rows })
  }

  const ask = target.findRejected?.bind(target)
  const isolation = {
    entity,
    total: batch.payload.length,
    sign: context.waiting,
    write,
    findRejected:
      ask &&
      ((some: readonly Entry[]) => withRetry(() => ask(packed(some), context), { ...again, idempotent: true }, retry)),
  }
  // One after another, so that what is in is never sent again for the sake of what is refused.
  const refused: Refused[] = []
  const cut = append === undefined && accepting === undefined ? undefined : target.parts?.(records, batch.schema)
  for (const some of (cut ?? [records]) as readonly (readonly Entry[])[])
    refused.push(...(await writeIsolating(some, isolation)))
  return refused
}
