/** A transform, or a node behind a catch, holds records in the name of every sink behind it. */
import type { Commit, Ledger } from '../ledger/ledger.ts'
import type { Engine } from './engine.ts'
import { keyText } from './message.ts'
import type { RunKeeper } from './settlement.ts'

/** The ledger has them when this resolves; only then do they count as held at the sinks. Holding twice changes nothing. */
export async function hold(
  { ledger, settlement }: { readonly ledger: Ledger; readonly settlement: RunKeeper },
  { ref, sinks, message, stage, records }: Parameters<Engine['hold']>[0],
): Promise<void> {
  if (records.length === 0) return
  const { schema, sync } = message
  const { entity } = schema
  const name = sync?.name ?? `push:${ref.name}`
  const run = sync?.run ?? 'push'
  const held = records.map(({ record, cause }): NonNullable<Commit['held']>[number] => ({
    sink: `${stage}:${ref.id}`,
    sinkName: ref.name,
    stage,
    key: keyText(schema, record),
    sync: name,
    run,
    entity,
    sourceAddress: settlement.runs.get(run)?.sourceAddress ?? '',
    read: record._read ?? sync?.readNumber ?? ledger.nextRead(),
    record,
    schema,
    cause,
  }))
  await ledger.commit({ run, sync: name, entity, sink: ref.id, sinkName: ref.name, held, outcomes: {} })
  if (!sync) return
  const answers = records.map(({ record }) => ({ row: record._row, outcome: 'held' as const }))
  for (const sink of sinks) await settlement.settle(sync, sink, answers, {})
}
