import { isPaid } from '../../books/payables.ts'
import type { SupplierInvoice, TableName } from '../../books/types.ts'
import { type Entry, type FieldList, fieldsOf, type ObjectSpec } from '../model.ts'
import type { IntacctSettings } from '../options.ts'
import { seconds } from '../records.ts'
import { type CompanyView, object, users } from './company.ts'
import { charts } from './ledger.ts'

interface AuditRow {
  readonly no: number
  readonly objectType: string
  readonly objectKey: string
  readonly mode: 'C' | 'M' | 'D'
  readonly at: string
}

/** Which objects a thing of the books is; only owners of lines and masters leave a trace. `first` is added to its number. */
const traces: readonly {
  table: TableName
  object: string
  first: number
  leaves?(key: string, thing: object): boolean
}[] = [
  { table: 'supplier', object: 'VENDOR', first: 0 },
  { table: 'customer', object: 'CUSTOMER', first: 0 },
  { table: 'product', object: 'ITEM', first: 0 },
  {
    table: 'account',
    object: 'GLACCOUNT',
    first: 0,
    leaves: (key) => charts.some((chart) => key.startsWith(`${chart}|`)),
  },
  { table: 'dimension', object: 'DEPARTMENT', first: 0, leaves: (key) => key.startsWith('CCT|') },
  { table: 'dimension', object: 'PROJECT', first: 0, leaves: (key) => key.startsWith('PRO|') },
  { table: 'supplierInvoice', object: 'APBILL', first: 0 },
  {
    table: 'supplierInvoice',
    object: 'APPYMT',
    first: 1_000_000,
    leaves: (_, thing) => isPaid(thing as SupplierInvoice),
  },
  { table: 'journalEntry', object: 'GLBATCH', first: 0 },
]

/** What the user-visible trail says of creations, changes and deletions since the beginning. */
export function auditTrail(
  company: CompanyView,
  objects: () => ReadonlyMap<string, ObjectSpec>,
  settings: () => Pick<IntacctSettings, 'auditKeys'>,
): ObjectSpec {
  const { books } = company
  const rows: AuditRow[] = []
  const seen = new Map<TableName, number>()
  const created = new Map<string, number>()

  function refresh(): void {
    for (const table of new Set(traces.map((trace) => trace.table))) {
      const since = seen.get(table) ?? 0
      const events = books.tables[table].events(since)
      seen.set(table, since + events.length)
      for (const { key, number, thing, removed } of events) {
        const id = `${table} ${key}`
        const at = removed ?? thing.updated ?? thing.created
        const fresh = removed === undefined && created.get(id) !== number && thing.created > books.begun
        created.set(id, number)
        const mode = removed !== undefined ? 'D' : fresh ? 'C' : 'M'
        for (const trace of traces) {
          if (trace.table !== table || trace.leaves?.(key, thing) === false) continue
          rows.push({
            no: rows.length + 1,
            objectType: trace.object.toLowerCase(),
            objectKey: keyOf(trace.object, trace.first + number, key),
            mode,
            at,
          })
        }
      }
    }
  }

  function keyOf(name: string, number: number, key: string): string {
    const form = settings().auditKeys[name.toLowerCase()] ?? objects().get(name)?.auditKey ?? 'number'
    if (form === 'business') return key.includes('|') ? key.slice(key.indexOf('|') + 1) : key
    return form === 'number' ? String(number) : `${number}--REC`
  }

  const fields: FieldList<AuditRow> = {
    ID: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no' }],
    OBJECTTYPE: ['TEXT', ({ objectType }) => objectType],
    OBJECTKEY: ['TEXT', ({ objectKey }) => objectKey],
    OBJECTDESC: ['TEXT', () => null],
    USERID: ['TEXT', () => users.buyer.login],
    ACCESSTIME: ['TIMESTAMP', ({ at }) => at, { index: 'modified' }],
    ACCESSMODE: ['ENUM', ({ mode }) => mode, { codes: { C: 'Create', M: 'Modify', D: 'Delete' } }],
    IPADDRESS: ['TEXT', () => '192.0.2.10'],
    SOURCE: ['TEXT', () => 'ui'],
    WORKFLOWACTION: ['TEXT', () => null],
  }
  return object({
    name: 'AUDITHISTORY',
    label: 'Audit history',
    fields: fieldsOf(fields),
    keyField: 'ID',
    entries() {
      refresh()
      return rows.map(
        ({ no, at }): Entry => ({
          ...{ no, key: String(no), sub: 0, modified: seconds(at), created: seconds(at) },
          ...{ entity: null, parent: 0, visible: 0 },
        }),
      )
    },
    load: (entry) => rows[entry.no - 1],
  })
}
