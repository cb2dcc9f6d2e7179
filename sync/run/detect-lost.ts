/** What was delivered into tables that were emptied since: when it counts as back, and who is told until then. */
import type { Sweeps } from '../../ledger/ledger.ts'
import type { EntityRun, RunState } from './state.ts'

/** Writes down what a sweep, or a full refresh, made good; called when everything of the entity is settled. */
export async function saveComplete(ledger: Sweeps, { sync, full }: RunState, entity: EntityRun): Promise<void> {
  const { name, sweptAt } = entity
  const isBack = full || entity.lost === 'read' || (await ledger.lostRows(sync, name)) === undefined
  if (entity.lost === 'found' || !isBack) return
  if (full && entity.readDone) await ledger.saveRepaired(sync, name)
  if (sweptAt === undefined) return
  const known = entity.targetsAsked || !(await ledger.areTargetsInDoubt(sync, name))
  if (known) await ledger.saveSwept(sync, name, sweptAt)
}

/** At the end of each run: what is not back yet, until it is; or that it is. */
export async function tellLost(ledger: Sweeps, { sync, entities, notices }: RunState): Promise<void> {
  for (const entity of entities.values()) {
    const notice = await lostNotice(ledger, sync, entity)
    if (notice !== undefined) notices.push(notice)
    else if (entity.lost === 'read')
      notices.push(
        `${entity.name}: the sweep has read again what was not in the target any more, and it was delivered.`,
      )
  }
}

/** What an entity has lost in its targets and what brings it back, in words; undefined: nothing. */
export async function lostNotice(
  ledger: Sweeps,
  sync: string,
  { name, sweeps }: Pick<EntityRun, 'name' | 'sweeps'>,
): Promise<string | undefined> {
  const lost = await ledger.lostRows(sync, name)
  return lost && `${name}: ${lost} ${sweeps === undefined ? EITHER : sweeps ? SWEEP : FULL}`
}

const FULL =
  'Nothing reads it again by itself, since this sync does not sweep: run a full refresh (msg.tieout = {"full": true}).'
const SWEEP = 'The next sweep reads everything again and brings it back.'
const EITHER = 'The next sweep of the sync, or a full refresh (msg.tieout = {"full": true}), brings it back.'
