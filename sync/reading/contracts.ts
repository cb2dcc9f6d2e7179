/** An entity whose amounts are signed by another rule than those that a sync has written: nothing of it may be added to them. */
import type { Position, Positions } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import { syncError } from '../contract/errors.ts'
import type { EntityPlan } from '../contract/source.ts'

/** Was everything that the sync has written of the entity, or is writing just now, read under this contract? */
export const isUnder = (position: Position, contract = 0): boolean =>
  (position.window?.contract ?? position.contract ?? 0) === contract

/**
 * Refuses to read an entity further that was written under another contract, unless everything is read anew, or each of its
 * targets names the contract of every row.
 */
export async function checkContract(
  ledger: Positions,
  { name, scope, targets: find }: PollOptions,
  plan: Pick<EntityPlan, 'entity' | 'schema'>,
): Promise<void> {
  const { entity, schema } = plan
  if (scope?.kind === 'full') return
  const position = await ledger.position(name, entity)
  if (!position || isUnder(position, schema.contract)) return
  const targets = ((await find?.(entity)) ?? []).map(({ target }) => target)
  if (targets.length > 0 && targets.every(({ namesContract }) => namesContract)) return
  const refusing = targets.filter(({ namesContract }) => !namesContract)
  const where = refusing.map(({ address }) => address).join(', ') || 'its targets'
  const postOnly = refusing.some(({ deletes }) => deletes === false)
  throw syncError(
    'config',
    'sync.contract',
    `${entity}: amounts are signed by another rule now (contract ${schema.contract ?? 1}): an invoice is positive and a credit memo negative. ${where} was written under the one before, and both never stand in one table.`,
    {
      entity,
      hint: `Read the entity anew: send {full: true, entities: ["${entity}"]} to this node${postOnly ? '; a push dataset must be empty then, or set to "rebuild", so that it is cleared and loaded anew' : ''}. Until then nothing of it is written; other entities go on. Reports that turned the sign themselves must stop doing so.`,
    },
  )
}
