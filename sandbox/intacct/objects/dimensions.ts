import { companies, sites } from '../../books/codes.ts'
import type { Books, Dimension, Stamped, TableName } from '../../books/types.ts'
import { type Entry, type FieldList, fieldsOf, type ObjectSpec, statusCodes } from '../model.ts'
import { createRecords, seconds, secondsOrNull, visibleOf } from '../records.ts'
import { type CompanyView, locationNo, object, still, users } from './company.ts'

/** The object of the user-defined dimension: the books' product lines. */
export const userDimension = 'product_line'
const firstUserRecord = 10_000_000

/** What a transaction holds in `GLDIMPRODUCT_LINE`: the id of the dimension's record. */
export function userDimensionId(books: Books, code: string | undefined): number | null {
  if (code === undefined) return null
  const number = books.tables.dimension.numberOf(`PRD|${code}`)
  return number === undefined ? null : firstUserRecord + number
}

interface Row extends Dimension {
  readonly no: number
}

/** One record for each thing of a table that passes. */
export function single<N extends TableName>(
  books: Books,
  name: N,
  passes: (thing: Stamped & object) => boolean = () => true,
  first = 0,
): () => readonly Entry[] {
  const records = createRecords(books, name, ['one'], (thing, no, key) => {
    if (!passes(thing)) return undefined
    const { created, updated } = thing
    return {
      one: [
        {
          ...{ no: first + no, key, sub: 0, modified: secondsOrNull(updated), created: seconds(created) },
          ...{ entity: null, parent: 0, visible: visibleOf(thing) },
        },
      ],
    }
  })
  return () => records.of('one')
}

/** The fields that every stamped record has. */
export function stampFields<S extends { no: number; created: string; updated: string | null }>(): FieldList<S> {
  return {
    RECORDNO: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no' }],
    WHENCREATED: ['TIMESTAMP', ({ created }) => created, { readOnly: true, index: 'created' }],
    WHENMODIFIED: ['TIMESTAMP', ({ updated }) => updated, { readOnly: true, index: 'modified' }],
    CREATEDBY: ['INTEGER', () => users.admin.no],
    MODIFIEDBY: ['INTEGER', () => users.admin.no],
  }
}

const entity = 'MEGAENTITYKEY:INTEGER MEGAENTITYID MEGAENTITYNAME'
const status = ({ active }: { active: boolean }): string => (active ? 'active' : 'inactive')

export function dimensions(company: CompanyView): ObjectSpec[] {
  const { books } = company
  const ofType = (type: string, first = 0) => ({
    entries: single(books, 'dimension', (thing) => (thing as Dimension).type === type, first),
    load(entry: Entry): Row | undefined {
      const found = company.thing('dimension', entry.key)
      return found && { ...found, no: entry.no }
    },
  })
  const department: FieldList<Row> = {
    ...stampFields(),
    DEPARTMENTID: ['TEXT', ({ code }) => code, { required: true }],
    TITLE: ['TEXT', ({ title }) => title, { required: true }],
    STATUS: ['ENUM', status, { codes: statusCodes }],
  }
  // Fields that lookup tells of and query does not know, as recorded for this object.
  const refused: FieldList<Row> = Object.fromEntries(
    ['CFDA', 'FUNDEDNAME', 'AGENCY', 'PAYER', 'FUNDINGOTHERID', 'ASSISTANCETYPE', 'REVRESTRICTION'].map((id) => [
      id,
      ['TEXT', () => null, { refused: true }] as const,
    ]),
  )
  const project: FieldList<Row> = {
    ...stampFields(),
    PROJECTID: ['TEXT', ({ code }) => code, { required: true }],
    NAME: ['TEXT', ({ title }) => title, { required: true }],
    PROJECTCATEGORY: ['ENUM', () => 'Contract', { codes: { Contract: 'C', 'Internal Non-Billable': 'N' } }],
    PROJECTSTATUS: ['TEXT', ({ active }) => (active ? 'In Progress' : 'Closed')],
    STATUS: ['ENUM', status, { codes: statusCodes }],
    ...refused,
  }
  const own: FieldList<Row> = {
    id: ['INTEGER', ({ no }) => no, { readOnly: true, index: 'no' }],
    name: ['TEXT', ({ code, title }) => `${code} ${title}`, { required: true }],
    createdBy: ['TEXT', () => users.admin.login],
    createdAt: ['TIMESTAMP', ({ created }) => created, { readOnly: true, index: 'created' }],
    updatedBy: ['TEXT', () => users.admin.login],
    updatedAt: ['TIMESTAMP', ({ updated }) => updated, { readOnly: true, index: 'modified' }],
  }
  return [
    object({
      name: 'DEPARTMENT',
      label: 'Department',
      fields: fieldsOf(department, `PARENTKEY:INTEGER PARENTID SUPERVISORID SUPERVISORNAME CUSTTITLE ${entity}`),
      keyField: 'DEPARTMENTID',
      ...ofType('CCT'),
    }),
    object({
      name: 'PROJECT',
      label: 'Project',
      fields: fieldsOf(
        project,
        `DESCRIPTION PARENTKEY:INTEGER PARENTID CUSTOMERID BEGINDATE:DATE ENDDATE:DATE ${entity}`,
      ),
      keyField: 'PROJECTID',
      auditKey: 'business',
      ...ofType('PRO'),
    }),
    object({
      name: userDimension,
      label: 'Product line',
      fields: fieldsOf(own),
      keyField: 'id',
      ...ofType('PRD', firstUserRecord),
    }),
    classes(company),
    ...locations(company),
  ]
}

interface Fixed {
  readonly no: number
  readonly code: string
  readonly title: string
  readonly parent: string | null
  readonly currency: string | null
  readonly created: string
  readonly updated: string
}

/** What was set up long before the first day and stays. */
function fixed(company: CompanyView, all: readonly Omit<Fixed, 'created' | 'updated'>[]) {
  const at = Math.floor(seconds(company.books.begun)) - 900 * 86_400
  const stamp = (time: number): string => `${new Date(time * 1000).toISOString().slice(0, 19)}Z`
  const entries = still(all.length, at)
  return {
    entries: () => entries,
    load(entry: Entry): Fixed | undefined {
      const found = all[Number(entry.key)]
      return found && { ...found, created: stamp(entry.created), updated: stamp(entry.modified ?? at) }
    },
  }
}

function classes(company: CompanyView): ObjectSpec {
  const list = Object.entries(company.books.codes.tax ?? {}).map(([code, title], k) => ({
    ...{ no: k + 1, code, title, parent: null, currency: null },
  }))
  const fields: FieldList<Fixed> = {
    ...stampFields(),
    CLASSID: ['TEXT', ({ code }) => code, { required: true }],
    NAME: ['TEXT', ({ title }) => title, { required: true }],
    STATUS: ['ENUM', () => 'active', { codes: statusCodes }],
  }
  return object({
    name: 'CLASS',
    label: 'Class',
    fields: fieldsOf(fields, `DESCRIPTION PARENTKEY:INTEGER PARENTID ${entity}`),
    keyField: 'CLASSID',
    ...fixed(company, list),
  })
}

/** The entities, and the sites below them. */
function locations(company: CompanyView): ObjectSpec[] {
  const { codes } = company.books
  const top = companies.map(({ code, currency }) => ({
    ...{ no: locationNo(code), code, title: codes.company?.[code] ?? code, parent: null, currency },
  }))
  const below = sites.map((site) => ({
    ...{ no: locationNo(site.code), code: site.code, title: codes.site?.[site.code] ?? site.code },
    ...{ parent: site.company.code, currency: site.company.currency },
  }))
  const fields: FieldList<Fixed> = {
    ...stampFields(),
    LOCATIONID: ['TEXT', ({ code }) => code, { required: true }],
    NAME: ['TEXT', ({ title }) => title, { required: true }],
    PARENTID: ['TEXT', ({ parent }) => parent],
    PARENTKEY: ['INTEGER', ({ parent }) => (parent === null ? null : locationNo(parent))],
    CURRENCY: ['TEXT', ({ currency }) => currency],
    STATUS: ['ENUM', () => 'active', { codes: statusCodes }],
  }
  const entityOf: FieldList<Fixed> = {
    ...fields,
    PRIVATE: ['BOOLEAN', ({ code }) => company.entities.find(({ id }) => id === code)?.private ?? false],
  }
  return [
    object({
      name: 'LOCATION',
      label: 'Location',
      fields: fieldsOf(fields, `SUPERVISORID CUSTTITLE STARTDATE:DATE ENDDATE:DATE ${entity}`),
      keyField: 'LOCATIONID',
      ...fixed(company, [...top, ...below]),
    }),
    object({
      name: 'LOCATIONENTITY',
      label: 'Entity',
      fields: fieldsOf(entityOf),
      keyField: 'LOCATIONID',
      ...fixed(company, top),
    }),
  ]
}
