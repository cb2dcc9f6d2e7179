import type { Books } from '../books/types.ts'
import type { Entry, ObjectSpec, Row } from './model.ts'
import { auditTrail } from './objects/audit.ts'
import { type CompanyView, openCompany } from './objects/company.ts'
import { dimensions, userDimension } from './objects/dimensions.ts'
import { ledgers } from './objects/ledger.ts'
import { masters } from './objects/masters.ts'
import { payables } from './objects/payables.ts'
import type { IntacctSettings } from './options.ts'

/** Every object that the company has. */
export interface Catalog {
  readonly company: CompanyView
  /** Whatever its case; undefined where there is no such object. */
  find(name: string): ObjectSpec | undefined
  all(): readonly ObjectSpec[]
  /** The record with this business key. */
  named(object: ObjectSpec, key: string): { entry: Entry; row: Row } | undefined
}

/** Dimensions in the order of getDimensions: object, label, whether users have made it, whether the ledger has it. */
export const dimensionList: readonly (readonly [string, string, boolean, boolean])[] = [
  ['DEPARTMENT', 'Department', false, true],
  ['LOCATION', 'Location', false, true],
  ['PROJECT', 'Project', false, true],
  ['CUSTOMER', 'Customer', false, true],
  ['VENDOR', 'Vendor', false, true],
  ['EMPLOYEE', 'Employee', false, false],
  ['ITEM', 'Item', false, true],
  ['CLASS', 'Class', false, true],
  ['CONTRACT', 'Contract', false, false],
  ['TASK', 'Task', false, false],
  ['WAREHOUSE', 'Warehouse', false, false],
  [userDimension, 'Product line', true, true],
]

export function createCatalog(books: Books, now: () => number, settings: () => IntacctSettings): Catalog {
  const company = openCompany(books, now)
  const objects = new Map<string, ObjectSpec>()
  for (const spec of [...masters(company), ...dimensions(company), ...payables(company), ...ledgers(company)]) {
    objects.set(spec.name.toUpperCase(), spec)
  }
  objects.set(
    'AUDITHISTORY',
    auditTrail(company, () => objects, settings),
  )
  /** Business keys by object, made anew when records have come or gone. */
  const keys = new Map<string, { entries: readonly Entry[]; byKey: Map<string, Entry> }>()

  return {
    company,
    find: (name) => objects.get(name.toUpperCase()),
    all: () => [...objects.values()],
    named(object, key) {
      const entries = object.entries()
      let known = keys.get(object.name)
      if (known?.entries !== entries) {
        const field = object.fields.get(object.keyField)
        const byKey = new Map<string, Entry>()
        for (const entry of entries) {
          const row = object.load(entry)
          const value = row && (field?.index === 'no' ? String(entry.no) : field?.get(row))
          if (value) byKey.set(value, entry)
        }
        known = { entries, byKey }
        keys.set(object.name, known)
      }
      const entry = known.byKey.get(key)
      const row = entry && object.load(entry)
      return entry && row && { entry, row }
    },
  }
}
