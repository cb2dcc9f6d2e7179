import type { Catalog } from './catalog.ts'
import { errors } from './errors.ts'
import type { Entry, ObjectSpec } from './model.ts'
import type { IntacctOptions, IntacctSettings } from './options.ts'

const tableOf: Readonly<Record<string, 'supplier' | 'journalEntry' | 'supplierInvoice'>> = {
  VENDOR: 'supplier',
  GLBATCH: 'journalEntry',
  GLENTRY: 'journalEntry',
  APBILL: 'supplierInvoice',
  APBILLITEM: 'supplierInvoice',
}

/** Who may read what: objects that the role leaves out or that were denied, and a right that is lost in mid-run. */
export function createRights({ books }: IntacctOptions, catalog: Catalog, settings: IntacctSettings) {
  const closed = new Set(
    catalog
      .all()
      .filter((object) => object.closed)
      .map(({ name }) => name),
  )
  const denied = new Set<string>(closed)
  let lost: { table: string; requests: number } | undefined

  function lostNow(object: ObjectSpec): boolean {
    const table = books.lostRight()
    if (!table) {
      lost = undefined
      return false
    }
    if (lost?.table !== table) lost = { table, requests: 0 }
    if (tableOf[object.name] !== table) return false
    return lost.requests++ >= settings.lostAfter
  }

  return {
    guard(operation: string, object: ObjectSpec): void {
      if (object.name === 'AUDITHISTORY' && !settings.auditHistory) throw errors.noAudit()
      if (denied.has(object.name) || lostNow(object)) throw errors.noPermission(operation, object.name)
    },
    deny: (object: string): void => void denied.add(object.toUpperCase()),
    allow(object?: string): void {
      if (object !== undefined) denied.delete(object.toUpperCase())
      else {
        denied.clear()
        for (const name of closed) denied.add(name)
      }
    },
    denied: () => [...denied].filter((name) => !closed.has(name)),
    newDay() {
      lost = undefined
    },
  }
}

/** Changes that wait for a reader. */
export function createPauses({ books }: IntacctOptions) {
  const paused = new Set<string>()
  return {
    /** They come between a header and its lines, or between two pages of lines. */
    served(object: ObjectSpec, entries: readonly Entry[], remaining: boolean): void {
      const table = tableOf[object.name]
      if (table === undefined || books.ambushes().length === 0) return
      if (object.owned) for (const { key } of entries) paused.add(`${table} ${key}`)
      else if (remaining) paused.add(`${table} ${entries.at(-1)?.key}`)
    },
    /** Makes those that are due; how many they were. */
    apply(): number {
      if (paused.size === 0) return 0
      const due = books.ambushes().filter(({ table, key }) => paused.has(`${table} ${key}`))
      paused.clear()
      for (const ambush of due) ambush.apply()
      return due.length
    },
  }
}
