/** What comparing whole tables said becomes a state: a difference of each table, until a check of that table agrees. */
import type { Difference, OpenItems } from '../../ledger/ledger.ts'
import type { EntityRun, Reached, RunState, WholeCheck, WholeSaid } from './state.ts'

/** How what cannot be compared stands in the words of a run. */
export const NOT_WHOLE = 'memory of the target not whole, sweep due'

/** Writes down what differs and ends what agrees; undefined: nothing was asked. */
export async function keepWhole(
  ledger: OpenItems,
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
  const sum = (of: (check: WholeCheck) => number): number => checks.reduce((all, check) => all + of(check), 0)
  return {
    at: first.at,
    statements: sum(({ statements }) => statements),
    ms: sum(({ ms }) => ms),
    ...(problems.length > 0 ? { problem: problems.join('; ') } : {}),
    open: checks.flatMap(({ kind, problem }) => (kind === 'unknown' ? [NOT_WHOLE] : problem ? [problem] : [])),
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
