/** The alert of a sync under whose source name a message of no run has written: until a person allows it, or the sync has written it. */
import type { Alerts, OpenItems } from '../../ledger/ledger.ts'
import { openInWords } from './verdict.ts'

export async function raisePushed(ledger: OpenItems & Alerts, sync: string): Promise<void> {
  const items = (await ledger.openItems(sync)).filter(({ kind }) => kind === 'pushed')
  const told = new Set<string>()
  for (const [entity, some] of Map.groupBy(items, (item) => item.entity)) {
    told.add(entity)
    const sinks = [...new Set(some.map(({ sinkName }) => sinkName))].join(', ')
    const message = `${entity}: ${openInWords(some).join('; ')} at ${sinks}: a message without msg.sync wrote there under the source name of this sync, and nobody has compared it with the ERP. Allow it with a reason, or give such records a source name of their own.`
    await ledger.raiseAlert({ sync, kind: 'pushed', entity, message })
  }
  for (const { entity, kind } of await ledger.alerts({ sync, open: true }))
    if (kind === 'pushed' && entity !== undefined && !told.has(entity))
      await ledger.clearAlerts({ sync, kind: 'pushed', entity })
}
