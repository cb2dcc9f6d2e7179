import { type Company, companies, sites } from '../../books/codes.ts'
import { employees } from '../../books/staff.ts'
import type { Books, BookTables, TableName } from '../../books/types.ts'
import type { Entry, ObjectSpec, Relation } from '../model.ts'
import type { IntacctEntity } from '../options.ts'

/** What every object of the company is made with. */
export interface CompanyView {
  readonly books: Books
  readonly entities: readonly IntacctEntity[]
  /** The ERP's clock, ms. */
  now(): number
  /** A thing of the books; some of each table are kept, since the lines of a document come close to each other. */
  thing<N extends TableName>(table: N, key: string): BookTables[N] | undefined
}

/** Of each table. */
const mostKept = 1_000

/** A user of the company: who changed a record. */
export const users = { admin: { no: 1, login: 'admin' }, buyer: { no: 20, login: 'mdupont' } } as const

export function openCompany(books: Books, now: () => number): CompanyView {
  const known = new Map<TableName, { events: number; things: Map<string, unknown> }>()
  return {
    books,
    now,
    entities: companies.map(({ code, currency }) => ({
      id: code,
      name: books.codes.company?.[code] ?? code,
      currency,
      private: code === 'GB10',
    })),
    thing<N extends TableName>(name: N, key: string): BookTables[N] | undefined {
      const table = books.tables[name]
      let kept = known.get(name)
      if (kept === undefined || table.events(kept.events).length > 0 || kept.things.size >= mostKept) {
        kept = { events: table.events().length, things: new Map() }
        known.set(name, kept)
      }
      if (kept.things.has(key)) return kept.things.get(key) as BookTables[N] | undefined
      const thing = table.get(key) as BookTables[N] | undefined
      kept.things.set(key, thing)
      return thing
    },
  }
}

/** RECORDNO of an entity or a site among the locations. */
export function locationNo(code: string): number {
  const entity = companies.findIndex((company) => company.code === code)
  return entity >= 0 ? entity + 1 : companies.length + 1 + sites.findIndex((site) => site.code === code)
}

export const entityOfSite = (site: string): Company | undefined => sites.find(({ code }) => code === site)?.company

export const employeeNamed = (code: string) => employees.find((one) => one.code === code)

/** Records that never change: `modified` is the stamp of all, null for the numbers in `unstamped`. */
export function still(count: number, at: number, unstamped: readonly number[] = []): readonly Entry[] {
  return Array.from({ length: count }, (_, k) => ({
    ...{ no: k + 1, key: String(k), sub: 0, modified: unstamped.includes(k + 1) ? null : at, created: at - 86_400 },
    ...{ entity: null, parent: 0, visible: 0 },
  }))
}

/** What most objects have in common. */
export function object(
  spec: Partial<ObjectSpec> & Pick<ObjectSpec, 'name' | 'label' | 'fields' | 'entries' | 'load'>,
): ObjectSpec {
  const relations: readonly Relation[] = []
  return {
    relations,
    keyField: 'RECORDNO',
    ofParents: (parents) => spec.entries().filter(({ parent }) => parents.includes(parent)),
    upper: false,
    closed: false,
    auditKey: 'number',
    ...spec,
  }
}

/** The fields that say which entity owns a row. */
export function entityFields<S>(of: (source: S) => string | null | undefined, books: Books) {
  const code = (source: S): string | null => of(source) ?? null
  return {
    MEGAENTITYKEY: ['INTEGER', (source: S) => (code(source) ? locationNo(code(source) as string) : null)],
    MEGAENTITYID: ['TEXT', code, { index: 'entity' }],
    MEGAENTITYNAME: ['TEXT', (source: S) => books.codes.company?.[code(source) ?? ''] ?? null],
  } as const
}
