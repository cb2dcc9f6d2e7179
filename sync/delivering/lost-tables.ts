/** Tables that rows were delivered into and that have none any more: what was delivered there is given up, and read again. */
import type { Deliveries, FilledTables } from '../../ledger/ledger.ts'
import type { FoundTable } from '../contract/target.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import type { Job } from './job.ts'

export interface LostTablesDeps {
  readonly ledger: FilledTables & Deliveries
  /** Of the job; undefined: they have ended. */
  readonly run: RunState | undefined
  readonly entity: EntityRun | undefined
}

/** Tables of an address that rows were delivered into. */
export async function filledTables(ledger: LostTablesDeps['ledger'], address: string): Promise<Set<string>> {
  const filled = new Set((await ledger.filled(address)).map(({ list }) => list))
  // What was delivered by a version that did not write down where.
  if (await ledger.hasDeliveries(address)) filled.add('')
  return filled
}

/**
 * Compares what the target has with what was delivered (`filled`, which is brought up to date); true if a table was lost.
 * `within`: the run itself lost it.
 */
export async function giveUpLost(
  { ledger, run, entity }: LostTablesDeps,
  job: Job,
  tables: readonly FoundTable[],
  filled: Set<string>,
  within: boolean,
): Promise<boolean> {
  const { sync, options } = job
  const { address } = options.target
  const by = sync.mode === 'push' ? undefined : { sync: sync.name, entity: sync.entity }
  const remembers = filled.has('')
  const lost = lostOf(tables, filled)
  if (lost.length > 0) {
    const what = lost.map(lostText).join(' ')
    await ledger.loseRows(address, what, by, within)
    filled.clear()
    // What a full refresh finds lost it reads by itself.
    if (within || !run?.full) {
      run?.notices.push(what)
      if (entity) entity.lost = 'found'
    }
  }
  const learnt = tables.filter(({ list, state }) => remembers && state === 'filled' && !filled.has(list))
  if (by && learnt.length > 0) {
    await ledger.saveFilled(
      address,
      learnt.map(({ list }) => ({ list, ...by })),
    )
    for (const { list } of learnt) filled.add(list)
  }
  return lost.length > 0
}

/** Tables that have no row though the ledger knows of some. A list may be empty for good reasons, for as long as it never had one. */
function lostOf(tables: readonly FoundTable[], filled: ReadonlySet<string>): readonly FoundTable[] {
  return tables.filter(({ list, state }) => (state === 'new' ? filled.has('') : state === 'empty' && filled.has(list)))
}

const lostText = ({ list, name, state }: FoundTable): string =>
  state === 'new' && list !== ''
    ? `${name} was made now, though documents were delivered before: it was dropped, or the entity did not have it then.`
    : `${name} is empty, though records were delivered there before: it was emptied or dropped.`
