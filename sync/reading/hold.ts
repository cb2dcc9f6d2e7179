/** Records that are held before they reach a sink: by the source, by a transform, by a node behind a catch. */
import type { Commit, Commits, ReadNumbers, Runs } from '../../ledger/ledger.ts'
import type { Engine, PollOptions } from '../contract/engine.ts'
import { keyText } from '../contract/message.ts'
import type { EntityPlan, Page } from '../contract/source.ts'
import { checkReadNumbers, isOfKnownRun } from '../run/believe-version.ts'
import type { RunKeeper } from '../run/settlement.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import { toldAmount } from '../values/told-amount.ts'
import { knownKey } from './sweep.ts'

/** A transform, or a node behind a catch, holds records in the name of every sink behind it. The ledger has them when this resolves; only then do they count as held at the sinks. Holding twice changes nothing. */
export async function hold(
  { ledger, settlement }: { readonly ledger: Commits & ReadNumbers & Runs; readonly settlement: RunKeeper },
  { ref, sinks, message, stage, records }: Parameters<Engine['hold']>[0],
): Promise<void> {
  if (records.length === 0) return
  const { schema } = message
  // A run that this ledger does not know gives no record its version.
  const sync = message.sync && (await isOfKnownRun({ ledger, settlement }, message.sync)) ? message.sync : undefined
  if (sync) checkReadNumbers(message, ledger.lastRead())
  const { entity } = schema
  const name = sync?.name ?? `push:${ref.name}`
  const run = sync?.run ?? 'push'
  const came = records.map(({ record }) => ({ record, key: keyText(schema, record) }))
  const changed = sync && settlement.arrive(sync, sinks, schema, came, new Set()).changed
  const held = records.map(({ record, cause }, place): NonNullable<Commit['held']>[number] => ({
    heldBy: `${stage}:${ref.id}`,
    sinkName: ref.name,
    stage,
    key: keyText(schema, record),
    sync: name,
    run,
    entity,
    sourceAddress: settlement.runs.get(run)?.sourceAddress ?? '',
    read: sync ? (record._read ?? sync.readNumber) : ledger.nextRead(),
    record,
    schema,
    amounts: toldAmount(schema, record),
    ...(changed?.has(place) && { changed: true as const }),
    cause,
  }))
  await ledger.commit({ run, sync: name, entity, sinkId: ref.id, sinkName: ref.name, held, outcomes: {} })
  if (!sync) return
  const reports = records.map(({ record }) => ({ row: record._row, outcome: 'held' as const }))
  for (const sink of sinks) await settlement.settle(sync, sink, reports, {})
}

/** Records that the source found and refused: held at the source, before the cursor can pass them. */
export async function holdRefused(
  { ledger }: { readonly ledger: Commits },
  options: PollOptions,
  run: RunState,
  entity: EntityRun,
  plan: EntityPlan,
  page: Page,
  firstRead: number,
): Promise<void> {
  const refused = page.refused ?? []
  if (refused.length === 0) return
  const { name, ref, source } = options
  const { schema } = plan
  const held = refused.map(({ record, code, message, hint }): NonNullable<Commit['held']>[number] => {
    const key = keyText(schema, record)
    return {
      heldBy: `source:${name}`,
      sinkName: ref.name,
      stage: 'source',
      key,
      sync: name,
      run: run.id,
      entity: entity.name,
      sourceAddress: source.address,
      read: record._read ?? firstRead,
      record,
      schema,
      amounts: toldAmount(schema, record),
      cause: { class: 'data', code, message, entity: entity.name, key, ...(hint === undefined ? {} : { hint }) },
    }
  })
  await ledger.commit({
    run: run.id,
    sync: name,
    entity: entity.name,
    sinkId: ref.id,
    sinkName: ref.name,
    held,
    outcomes: { held: held.length },
    ...(plan.list ? { known: held.map(({ record, read }) => knownKey(plan, { ...record, _read: read })) } : {}),
  })
  entity.read += held.length
  entity.refused += held.length
}
