/** What comparing whole tables said becomes a state: a difference of each table, until a check of that table agrees. */
import type { Difference, Ledger, OpenItems, StandingKeys, TargetSums } from '../../ledger/ledger.ts'
import type { Target } from '../contract/target.ts'
import {
  type EntityRun,
  HIGHEST_NUMBER,
  type Reached,
  type RunState,
  type WholeCheck,
  type WholeSaid,
} from './state.ts'
import { ALL_BUT_HELD, heldBack, NOT_VERIFIED, notWhole } from './verdict.ts'

/** Writes down what differs and ends what agrees; undefined: nothing was asked. */
export async function keepWhole(
  ledger: OpenItems & StandingKeys,
  run: RunState,
  entity: EntityRun,
  { target, ref }: Pick<Reached, 'target' | 'ref'>,
  checks: readonly WholeCheck[],
): Promise<WholeSaid | undefined> {
  const [first] = checks
  if (!first) return undefined
  const place = { sync: run.sync, entity: entity.name, address: target.address }
  const problems: string[] = []
  for (const { source, kind, tables } of checks) {
    await keepOthers(ledger, { ...place, sinkName: ref.name, run: run.id }, source, tables)
    if (kind === 'agrees') await ledger.forgetGone(target.address)
    if (kind !== 'agrees' && kind !== 'differs') continue
    for (const { list, problem } of tables) {
      const part = `${source}|${list}`
      if (problem === undefined)
        await ledger.closeDifferences({ ...place, part }, `run ${run.id}`, 'the whole table agrees')
      else {
        problems.push(problem)
        await ledger.saveDifference({ ...place, part, sinkName: ref.name, run: run.id, problem })
      }
    }
  }
  const isUnknown = checks.some(({ kind }) => kind === 'unknown')
  const back = isUnknown ? heldBack(await ledger.openItems(run.sync), entity.name) : ''
  const sum = (of: (check: WholeCheck) => number): number => checks.reduce((all, check) => all + of(check), 0)
  const kept = {
    versions: sum((check) => check.kept?.versions ?? 0),
    records: sum((check) => check.kept?.records ?? 0),
  }
  return {
    at: first.at,
    statements: sum(({ statements }) => statements),
    ms: sum(({ ms }) => ms),
    ...(checks.some((check) => check.kept) ? { kept } : {}),
    ...(problems.length > 0 ? { problem: problems.join('; ') } : {}),
    open: checks.flatMap(({ kind, problem, share }) =>
      kind === 'unknown' ? [notWhole(share, back)] : problem ? [`${NOT_VERIFIED}${problem}`] : [],
    ),
  }
}

/** Rows that no sync wrote are nobody's to take away: open until they are gone, or a person takes them as they are. */
async function keepOthers(
  ledger: OpenItems,
  place: Pick<Difference, 'sync' | 'entity' | 'address' | 'sinkName' | 'run'>,
  source: string,
  tables: WholeCheck['tables'],
): Promise<void> {
  for (const { list, others } of tables) {
    const about = { ...place, part: `${source}|${list}`, kind: 'others' as const }
    if (others === undefined) await ledger.closeDifferences(about, `run ${place.run}`, 'they are gone')
    else await ledger.saveDifference({ ...about, problem: others })
  }
}

/** Everything of the entity is settled: whether all that its targets hold is in their sums now. */
export async function settleMemory(
  ledger: Ledger,
  run: RunState,
  entity: EntityRun,
  signal: AbortSignal,
): Promise<void> {
  for (const { address, source, asked } of await placesOf(run, entity)) {
    const through = await ledger.unsummed(address, source)
    if (through === 0) continue
    const { known, old } = await ledger.countKnown(run.sync, entity.name, through)
    const share = known === 0 ? 100 : Math.floor((100 * (known - old)) / known)
    const isHeldBack = heldBack(await ledger.openItems(run.sync), entity.name) !== ''
    const isWhole = await ledger.saveSummed(address, source, isHeldBack ? Math.min(share, ALL_BUT_HELD) : share)
    if (isWhole && asked) await checkUnwritten(ledger, run, entity, asked, signal)
  }
}

/** What the run wrote is compared at its end. Elsewhere a table may hold what no ledger of today ever delivered: it is asked here. */
async function checkUnwritten(
  ledger: TargetSums,
  run: RunState,
  { name, summing, reached }: EntityRun,
  target: Target,
  signal: AbortSignal,
): Promise<void> {
  const written = await Promise.all([...reached.values()].map((made) => made.catch(() => undefined)))
  if (!summing || !target.whole || written.some((one) => one?.target.address === target.address)) return
  const found = await target.whole(summing.schema, summing.source, { signal, waiting: () => undefined })
  const known = (await ledger.targetMemory(target.address, summing.source))?.tables[0]?.rows ?? 0
  const rows = typeof found === 'string' ? known : (found.find(({ list }) => list === '')?.rows ?? 0)
  if (rows === known) return
  await ledger.doubtSums(target.address, HIGHEST_NUMBER)
  run.notices.push(
    `${name}: ${target.address}, where this run wrote nothing, has ${rows} row(s) of "${summing.source}", and ${known} are known. What an earlier flow left there may stand in another table by now: delete there what does not belong.`,
  )
}

/** Where the run has read everything again: by its sweep, or in full. */
async function placesOf(
  { full }: RunState,
  { summing, readDone, reached }: EntityRun,
): Promise<readonly { readonly address: string; readonly source: string; readonly asked?: Target }[]> {
  if (summing) return summing.targets.map((asked) => ({ address: asked.address, source: summing.source, asked }))
  if (!full || !readDone) return []
  const all = await Promise.all([...reached.values()].map((made) => made.catch(() => undefined)))
  return all.flatMap((one) => (one?.source ? [{ address: one.target.address, source: one.source }] : []))
}
