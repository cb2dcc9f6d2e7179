/** The alert of an entity whose differences are not over: there as long as one is open, whichever run found it. */
import type { Alerts, Difference, OpenItems } from '../../ledger/ledger.ts'

/** Raises it, says what it says now, or clears it. `more`: what else does not add up, in words. */
export async function raiseDifferences(
  ledger: OpenItems & Alerts,
  sync: string,
  entity: string,
  more: readonly string[] = [],
): Promise<void> {
  const open = (await ledger.differences({ sync, open: true })).filter(
    (one) => one.entity === entity && one.kind === undefined,
  )
  const texts = [...new Set([...open.map(inWords), ...more])]
  if (texts.length === 0) return void (await ledger.clearAlerts({ sync, kind: 'no-tie', entity }))
  const others = texts.length > TOLD ? `; and ${texts.length - TOLD} more` : ''
  await ledger.raiseAlert({ sync, kind: 'no-tie', entity, message: texts.slice(0, TOLD).join('; ') + others })
}

/** So many differences are told in one alert; all of them stand in the sidebar. */
const TOLD = 5

/** What an older version's alert said names its place itself. */
const inWords = ({ entity, sinkName, problem }: Difference): string =>
  sinkName === '' ? problem : `${entity} at ${sinkName}: ${problem}`
