/**
 * Records whose newest version did not come to a sink that holds an earlier one: a switch sent it elsewhere, or the flow filtered
 * it. They are listed as what stands there in an older version, until a later one is accounted for there.
 */
import type { Deliveries, StandingKey, StandingKeys, TableOwners } from '../../ledger/ledger.ts'
import { keyBeginning, keyParts } from '../contract/message.ts'
import { hashOf } from '../values/key-hash.ts'
import { toldContribution } from '../values/told.ts'
import { type BatchState, missedBy, type Prefix, type RowReport } from './progress.ts'
import type { EntityRun, RunState } from './state.ts'

type Memory = Pick<Deliveries, 'formerKeys' | 'deliveries'> & TableOwners & StandingKeys

/**
 * Before the position moves over rows: lists those that stand at sinks that they did not come to. What comes there later in the
 * run ends that again. `answer`: rows that a sink is about to account for.
 */
export async function keepElsewhere(
  ledger: Memory,
  run: RunState,
  entity: EntityRun,
  to: Prefix,
  answer: { readonly sink: string; readonly batch: number; readonly reports: readonly RowReport[] },
): Promise<void> {
  if (run.mode !== 'poll' || (run.mustReport === 'every' && !run.mayFilter)) return
  const { batches, prefix } = entity
  const rows = new Set(answer.reports.flatMap(({ row, outcome }) => (outcome === 'filtered' ? [] : row)))
  for (const sink of entity.sinks)
    for (let at = prefix.batch; at <= to.batch && at < batches.length; at++) {
      const batch = batches[at] as BatchState
      const [first, end] = [at === prefix.batch ? prefix.row : 0, at < to.batch ? batch.count : to.row]
      const isAnswered = (row: number): boolean => answer.sink === sink.id && answer.batch === at && rows.has(row)
      const missed = missedBy(batch, sink.id).filter((row) => row >= first && row < end && !isAnswered(row))
      if (missed.length > 0) await keepMissed(ledger, run, entity, sink, batch, missed)
    }
}

async function keepMissed(
  ledger: Memory,
  run: RunState,
  entity: EntityRun,
  { id, name: sinkName }: EntityRun['sinks'][number],
  batch: BatchState,
  missed: readonly number[],
): Promise<void> {
  const rows = missed.flatMap((row) => batch.known?.[row] ?? [])
  const address = rows.length > 0 ? await addressOf(entity, id) : undefined
  if (address === undefined) return
  const found = await ledger.formerKeys(
    address,
    rows.map(({ key }) => ({ key: '', sourceKey: key, source: hashOf(key) })),
  )
  if (found.length === 0) return
  // Other systems may have the same keys there, under source names of theirs.
  const own = (await ledger.ownersOf(address)).filter(({ sync }) => sync === run.sync).map(({ source }) => source)
  const last = await ledger.deliveries(
    address,
    found.map(({ key }) => key),
  )
  const by = batch.read?.by
  const standing = found.flatMap(({ at, key }): StandingKey[] => {
    const read = rows[at]?.read ?? 0
    const before = last.get(key)
    if (!own.includes(keyParts(keyBeginning(key))[0] ?? '') || before === undefined || before.read >= read) return []
    const amounts = by && toldContribution(by.plan, by.groups, before.counts?.delivered)
    return [{ address, key, kind: 'older', sync: run.sync, entity: entity.name, sinkName, read, amounts }]
  })
  if (standing.length > 0) await ledger.keepStanding(standing)
}

/** Of a sink that nothing of the run came to its target says it. */
async function addressOf(entity: EntityRun, id: string): Promise<string | undefined> {
  return entity.addresses.get(id) ?? (await entity.sinkTargets?.())?.get(id)?.address
}
