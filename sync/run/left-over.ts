/** What the source, folder or filter before left in the targets: listed, and taken away only when a person has confirmed the number. */
import type { Alerts, KnownKeys, LeftKeys } from '../../ledger/ledger.ts'
import type { EntityRun, RunState } from './state.ts'

/** When everything of the entity is settled: counts what nothing has read since, and says which they are. */
export async function settleLeft(
  ledger: KnownKeys,
  { sync, mode, notices }: RunState,
  entity: EntityRun,
): Promise<void> {
  if (mode !== 'poll' || !entity.readDone) return
  const before = await ledger.leftKeys(sync, entity.name)
  if (before === undefined) return
  const keys = await ledger.countLeft(sync, entity.name)
  const left = await ledger.leftKeys(sync, entity.name)
  if (left?.count && left.count !== before.count)
    notices.push(`${leftText(entity.name, left, left.count)} Among them: ${keys.join(', ')}.`)
}

/** What is asked of a person. */
export const leftText = (entity: string, { by }: LeftKeys, count: number): string =>
  `${entity}: ${count} record(s) that were read as ${by} are not in what is read now, and stand in the targets. They are taken away when somebody confirms that number: msg.tieout = {"sweep": {"confirm": "${entity}"}, "by": ..., "reason": ...}.`

/** Asked as long as there are some. */
export async function askLeft(ledger: KnownKeys & Alerts, sync: string, entity: string): Promise<boolean> {
  const left = await ledger.leftKeys(sync, entity)
  if (!left?.count) return false
  await ledger.raiseAlert({ sync, kind: 'sweep', entity, message: leftText(entity, left, left.count) })
  return true
}
