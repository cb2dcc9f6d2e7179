/** One entity from its plan to its end. */
import type { Making } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { EntityPlan } from '../contract/source.ts'
import type { Target } from '../contract/target.ts'
import { needsError } from '../run/register.ts'
import type { EntityRun } from '../run/state.ts'
import type { Passage } from './in-flight.ts'
import { createSender, type Reading } from './send-batches.ts'
import { type Walked, walkEntity } from './walk-entity.ts'

/**
 * Reads the entity to its end, or sweeps one that was read (`what`); what it reads before everything `previous` was sent
 * waits for that, and is little. Throws the source's errors and the signal's reason; what was sent stays sent.
 */
export async function readEntity(
  deps: Reading['deps'],
  options: PollOptions,
  passage: Passage,
  entity: EntityRun,
  previous: Promise<void>,
  signal: AbortSignal,
  what: Walked = 'window',
): Promise<void> {
  const { run } = passage
  const plan = await options.source.plan(entity.name, signal)
  if (options.source.answer) entity.inbox = options.source.address
  const reading: Reading = { deps, options, run, passage, entity, plan, previous, signal }
  const sender = createSender(reading)
  try {
    entity.sinkTargets = targetsOf(options, entity.name)
    entity.totals = plan.totals
    plan.notices?.forEach(sender.note)
    entity.fields = await deps.ledger.noteMaking(fieldsOf(run.sync, plan))
    entity.needs = plan.needs ?? []
    if (entity.needs.length > 0) await previous
    const missing = entity.needs.find((need) => run.entities.get(need)?.error ?? run.entities.get(need)?.readError)
    if (missing) throw needsError(entity.name, missing)
    try {
      await walkEntity(reading, sender, what)
    } catch (error) {
      // What was read before goes on, or a source that fails now and then would never get through a batch.
      if (!signal.aborted && !sender.isBroken()) await sender.sendRest(false)
      throw error
    }
    await sender.sendRest(true)
    entity.readDone = true
    run.changed()
  } finally {
    sender.leave()
  }
}

/** The columns that are read of it. */
const fieldsOf = (by: string, { entity, schema }: EntityPlan): Making => ({
  ...{ kind: 'fields', by, entity, rules: '', codes: [] },
  columns: [
    ...schema.columns.map(({ name }) => name),
    ...Object.entries(schema.lists ?? {}).flatMap(([list, { columns }]) =>
      columns.map(({ name }) => `${list}.${name}`),
    ),
  ],
})

/** Where the sinks of an entity write; where they cannot say so now nothing is known of them. */
function targetsOf({ targets }: PollOptions, entity: string): EntityRun['sinkTargets'] {
  let found: Promise<ReadonlyMap<string, Target>> | undefined
  return () => {
    found ??= (targets?.(entity) ?? Promise.resolve([])).then(
      (all) => new Map(all.map(({ ref, target }) => [ref.id, target])),
      () => new Map(),
    )
    return found
  }
}
