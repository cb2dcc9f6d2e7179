/** Alerts: one open at a time for a sync, kind and entity. */
import { randomUUID } from 'node:crypto'
import type { Database } from './database.ts'
import type { AlertCause, AlertRecord, Alerts } from './ledger.ts'
import type { Tables } from './tables.ts'

export interface AlertBook {
  readonly topic: Alerts
  purge(before: string): Promise<void>
}

export function createAlerts({ query, ask }: Database, at: () => string): AlertBook {
  const openAlerts = (match: { readonly sync: string; readonly kind: string; readonly entity?: string }) => {
    const found = query.selectFrom('alert').selectAll().where('sync', '=', match.sync).where('kind', '=', match.kind)
    const open = found.where('cleared', 'is', null)
    return match.entity === undefined ? open : open.where('entity', '=', match.entity)
  }
  return {
    topic: {
      raiseAlert: (alert) =>
        ask(async () => {
          const { cause, ...rest } = alert
          const entity = alert.entity ?? null
          const said = { message: alert.message, cause: cause === undefined ? null : JSON.stringify(cause) }
          const known = (await openAlerts(alert).execute()).find((row) => row.entity === entity)
          if (known) {
            await query.updateTable('alert').set(said).where('id', '=', known.id).execute()
            return undefined
          }
          const row = { ...rest, ...said, entity, id: randomUUID(), raised: at(), cleared: null }
          await query.insertInto('alert').values(row).execute()
          return alertRecord(row)
        }),
      clearAlerts: (match) =>
        ask(async () => {
          const cleared = at()
          const rows = await openAlerts(match).execute()
          for (const row of rows) await query.updateTable('alert').set({ cleared }).where('id', '=', row.id).execute()
          return rows.map((row) => alertRecord({ ...row, cleared }))
        }),
      alerts: ({ sync, open }) =>
        ask(async () => {
          let select = query.selectFrom('alert').selectAll()
          if (sync !== undefined) select = select.where('sync', '=', sync)
          if (open !== undefined) select = select.where('cleared', open ? 'is' : 'is not', null)
          return (await select.orderBy('raised').execute()).map(alertRecord)
        }),
    },
    async purge(before) {
      await ask(() => query.deleteFrom('alert').where('cleared', '<', before).execute())
    },
  }
}

const alertRecord = ({ entity, cleared, cause, ...row }: Tables['alert']): AlertRecord => ({
  ...row,
  ...(cause === null ? {} : { cause: JSON.parse(cause) as AlertCause }),
  ...(entity === null ? {} : { entity }),
  ...(cleared === null ? {} : { cleared }),
})
