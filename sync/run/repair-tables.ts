/** A table that differs is mended: its records are found, and read by key from the source, in this run or the next. */
import type { Ledger } from '../../ledger/ledger.ts'
import type { WriteContext } from '../contract/target.ts'
import { type EntityRun, HIGHEST_NUMBER, type Reached, type RunState, type WholeCheck } from './state.ts'
import { isTooMuch } from './too-much.ts'

/** A repair that did not help so often is not tried again. */
const MOST_REPAIRS = 2

/**
 * Has what differs read again by key; what the source does not have becomes a deletion. Says what follows, in words, in the
 * run's notices.
 */
export async function repairTables(
  ledger: Ledger,
  run: RunState,
  entity: EntityRun,
  reached: Reached,
  checks: readonly WholeCheck[],
  context: WriteContext,
): Promise<void> {
  if (run.mode !== 'poll' || !entity.mendable || !reached.differing) return
  for (const check of checks) {
    if (check.kind !== 'differs') continue
    const lists = await untried(ledger, run, entity, reached, check)
    const found = lists.length > 0 ? await reached.differing(check.source, lists, context) : undefined
    if (!found) continue
    const what = `${entity.name}: ${found.keys.length} record(s) are not in ${reached.target.address} as they were delivered, such as ${found.keys.slice(0, 5).join(', ')}`
    const obstacle = obstacleOf(check, found)
    if (obstacle !== undefined) {
      run.notices.push(`${what}. ${obstacle}`)
      continue
    }
    if (check.highest > ledger.lastRead()) {
      ledger.raiseRead(check.highest)
      run.notices.push(
        `${entity.name}: a row in ${reached.target.address} has a read number (_sync_read ${check.highest}) that was never given out: it was copied from elsewhere or set by hand. Numbers go on above it.`,
      )
    }
    await ledger.doubtDeliveries(reached.target.address, found.keys)
    await ledger.doubtKeys(run.sync, entity.name, found.sourceKeys)
    await ledger.addToReadAgain(run.sync, entity.name, found.sourceKeys)
    entity.repair ??= 'due'
    const rest = found.untraced > 0 ? ` Of ${found.untraced} nobody knows the source's key.` : ''
    run.notices.push(`${what}: they are read again from the source.${rest}`)
  }
}

/** Those of the tables that differ for which a repair may still help. */
async function untried(
  ledger: Ledger,
  { sync }: RunState,
  { name }: EntityRun,
  { target }: Reached,
  { source, tables }: WholeCheck,
): Promise<readonly string[]> {
  const lists: string[] = []
  for (const { list, problem } of tables) {
    if (problem === undefined) continue
    const place = { sync, entity: name, address: target.address, part: `${source}|${list}` }
    if ((await ledger.countRepair(place)) < MOST_REPAIRS) lists.push(list)
  }
  return lists
}

function obstacleOf(
  { rows, highest }: WholeCheck,
  { keys, foreign, sourceKeys }: Awaited<ReturnType<NonNullable<Reached['differing']>>>,
): string | undefined {
  if (keys.length === 0) return 'Look at the tables: a key may be there twice.'
  if (sourceKeys.length === 0) return "Nobody knows the source's keys of them: mend the rows by hand."
  if (highest > HIGHEST_NUMBER)
    return `A row has the read number ${highest}, above which there is no room: correct its _sync_read by hand.`
  // They may be anything: nobody takes them for deleted.
  if (isTooMuch(foreign, rows))
    return `Nothing was ever delivered under ${foreign} of them. So many are not taken for deleted: look where they come from, and take them away by hand.`
  return undefined
}
