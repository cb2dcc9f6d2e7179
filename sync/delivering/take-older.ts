/**
 * Older versions of records whose newest went elsewhere, or was filtered: taken away where they stand, for a sync that says so. As
 * the flow would lead a deletion where it leads the record now, it goes to the sink directly.
 */
import type { StandingKey } from '../../ledger/ledger.ts'
import { deletionOf, keyBeginning, keyParts, type Schema, type SyncInfo } from '../contract/message.ts'
import type { Target } from '../contract/target.ts'
import { type Entry, NO_ROW } from '../run/entry.ts'
import { keptSchema } from '../run/schema-note.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import { isTooMuch } from '../run/too-much.ts'
import type { Fifo } from '../values/queue.ts'
import type { BatchWork } from './deliver-batch.ts'
import type { DeliverDeps } from './deps.ts'
import type { jobMaker } from './make-job.ts'

/** When everything of an entity is settled. Throws what the targets throw; what is not taken away stays listed. */
export type TakeOlder = (run: RunState, entity: EntityRun, signal: AbortSignal) => Promise<void>

interface Parts {
  readonly deps: DeliverDeps
  readonly fifo: Fifo
  readonly work: BatchWork
  readonly newJob: ReturnType<typeof jobMaker>
}

/** Keys of one batch. */
const MOST_AT_ONCE = 10_000

export function createTakeOlder(parts: Parts): TakeOlder {
  const { ledger } = parts.deps
  return async (run, entity, signal) => {
    if (!run.takesOlder || entity.error) return
    const all = (await ledger.standing({ sync: run.sync })).filter(
      (one) => one.kind === 'older' && one.entity === entity.name,
    )
    if (all.length === 0) return
    const targets = await entity.sinkTargets?.()
    for (const { id, name } of entity.sinks) {
      const target = targets?.get(id)
      const here = all.filter(({ address }) => address === target?.address)
      // What cannot take back anything stays listed.
      if (target === undefined || here.length === 0 || target.deletes === false) continue
      const schema = await schemaAt(parts, entity, target, id)
      if (schema === undefined)
        run.notices.push(
          `${entity.name}: ${here.length} older version(s) at ${name} are deleted once something is written there again.`,
        )
      else if (await isAllowed(parts, run, entity, target, here))
        await takeAway(parts, run, { entity, target, schema, ref: { id, name } }, here, signal)
    }
  }
}

/** The shape of what was written there last; undefined: it was a version before that did. */
async function schemaAt(
  { deps }: Parts,
  entity: EntityRun,
  { address }: Target,
  sink: string,
): Promise<Schema | undefined> {
  return (await entity.reached.get(sink))?.schema ?? keptSchema(deps.ledger, address)
}

/** So much at once looks like a switch that was set wrong: nothing is deleted before a person confirms it. */
async function isAllowed(
  { deps }: Parts,
  run: RunState,
  entity: EntityRun,
  { address }: Target,
  here: readonly StandingKey[],
): Promise<boolean> {
  if (run.confirmed?.includes(entity.name)) return true
  const source = keyParts(keyBeginning(here[0]?.key ?? ''))[0] ?? ''
  const rows = (await deps.ledger.targetMemory(address, source))?.tables[0]?.rows ?? 0
  if (!isTooMuch(here.length, rows)) return true
  entity.tooManyOlder = `${entity.name}: ${here.length} of ${rows} records at ${address} have a newer version elsewhere, or one that was filtered, so nothing was deleted there. If the flow leads them rightly, confirm it: msg.tieout = {"sweep": {"confirm": "${entity.name}"}, "by": ..., "reason": ...}.`
  run.notices.push(entity.tooManyOlder)
  return false
}

interface Place {
  readonly entity: EntityRun
  readonly target: Target
  readonly schema: Schema
  readonly ref: { readonly id: string; readonly name: string }
}

async function takeAway(
  { deps, fifo, work, newJob }: Parts,
  run: RunState,
  { entity, target, schema, ref }: Place,
  here: readonly StandingKey[],
  signal: AbortSignal,
): Promise<void> {
  const { ledger } = deps
  for (let at = 0; at < here.length; at += MOST_AT_ONCE) {
    const entries = here.slice(at, at + MOST_AT_ONCE).map((one) => deletionFor(schema, one))
    // No batch of the run: nothing is counted by it.
    const batch = entity.batches.length + at
    const of = { name: run.sync, run: run.id, entity: entity.name, batch, ledger: ledger.id }
    const sync: SyncInfo = { ...of, readNumber: Math.max(...entries.map(({ read }) => read)), mode: 'poll' }
    const message = { payload: entries.map(({ record }) => record), schema, sync }
    const job = newJob({ ref, target, message, signal, progress: () => undefined }, message, sync)
    await fifo.run(target.address, () => work(job, entries, []), signal)
    entity.tookOlder.add(ref.id)
  }
  run.notices.push(
    `${entity.name}: ${here.length} older version(s) were deleted at ${ref.name}, since the newest went elsewhere or was filtered.`,
  )
}

/** Under the number of the version that went elsewhere, so that a later one which comes back is above it. */
function deletionFor(schema: Schema, { key, read }: StandingKey): Entry {
  return {
    record: { ...deletionOf(schema, key, read), _row: NO_ROW },
    ...{ key, read, hash: '', row: NO_ROW, sound: true, origin: undefined, contribution: '' },
  }
}
