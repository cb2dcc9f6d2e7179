/** The alert of an entity whose differences are not over: there as long as one is open, whichever run found it. */
import type { Ledger } from '../ledger/ledger.ts'

/** Raises it, says what it says now, or clears it. `more`: what else does not add up, in words. */
export async function raiseNoTie(
  ledger: Pick<Ledger, 'differences' | 'raiseAlert' | 'clearAlerts'>,
  sync: string,
  entity: string,
  more: readonly string[] = [],
): Promise<void> {
  const open = (await ledger.differences({ sync, open: true })).filter((one) => one.entity === entity)
  const texts = [...open.map(({ sinkName, problem }) => `${entity} at ${sinkName}: ${problem}`), ...more]
  if (texts.length > 0)
    await ledger.raiseAlert({ sync, kind: 'no-tie', entity, message: [...new Set(texts)].join('; ') })
  else await ledger.clearAlerts({ sync, kind: 'no-tie', entity })
}
