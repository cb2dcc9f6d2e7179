/** Refusals that are sent back to the source without a person: those whose words are on the list of the target's rules. */
import { isSyncError, type SyncError } from '../contract/errors.ts'
import type { PostingDeps, PostJob, Who } from './deps.ts'

/** Sends a held record back, once the look-up has proved in that moment that nothing stands there. Throws why it does not. */
export type GiveBack = (held: string, who: Who) => Promise<unknown>

/** The record is held already, and stays so where it is not sent back. */
export async function sendBackListed(
  { ledger, log }: PostingDeps,
  { sync, options }: PostJob,
  { key, error }: { readonly key: string; readonly error: SyncError },
  giveBack: GiveBack,
): Promise<void> {
  const { rules, address } = options.target
  const text = error.cause.vendorText ?? error.message
  if (!rules?.sendBackWhen?.some((pattern) => isLike(text, pattern))) return
  const all = await ledger.held({ sync: sync.name, heldBy: address, entity: sync.entity, states: ['open'] })
  const held = all.find((one) => one.key === key)
  if (!held) return
  try {
    await giveBack(held.id, { by: options.ref.name, reason: text })
  } catch (why) {
    if (!isSyncError(why)) throw why
    log.warn(`${sync.entity} ${key} is on the list of what is sent back, and stays held: ${why.message}`)
  }
}

/** Whether a text has the pattern in it, in whatever case; `*` stands for anything. */
export function isLike(text: string, pattern: string): boolean {
  const parts = pattern.toLowerCase().split('*').filter(Boolean)
  let at = 0
  for (const part of parts) {
    const found = text.toLowerCase().indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return parts.length > 0
}
