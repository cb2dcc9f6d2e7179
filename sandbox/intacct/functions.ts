import { child, type Element, escaped, leaf, textOf } from '../xml.ts'
import { aggregate } from './aggregate.ts'
import { dimensionList } from './catalog.ts'
import { errors } from './errors.ts'
import type { Condition } from './filter.ts'
import type { Entry, Field, ObjectSpec } from './model.ts'
import type { IntacctSettings } from './options.ts'
import { allColumns, type Column, cell, find, listedColumns, lookupXml, type Reader, reach, rowXml } from './read.ts'
import type { Outcome } from './reply.ts'
import { type FunctionCall, type QueryCall, readQuery } from './request.ts'
import { type ResultSet, resultId, type Session } from './sessions.ts'
import { readTextQuery } from './text-query.ts'

/** What a function stands on. */
export interface Call {
  readonly reader: Reader
  readonly session: Session
  readonly settings: IntacctSettings
  /** The order of rows where none is asked for. */
  readonly disorder: number
  /** Throws where the user may not read the object. */
  guard(operation: string, object: ObjectSpec): void
  /** Counts a billable call. */
  bill(object: string): void
  /** Says which records were served, so that what waits for a reader can happen. */
  served(object: ObjectSpec, entries: readonly Entry[], remaining: boolean): void
}

const oddDimensions = ({ oddDimension }: IntacctSettings) =>
  oddDimension === '' ? [] : [[oddDimension, oddDimension, true, true] as const]

/** Functions that read, by name; there are no others. */
export const readers: Readonly<Record<string, (call: Call, element: Element) => Outcome>> = {
  query,
  readByQuery,
  readMore,
  read: (call, element) => byKeys(call, element, 'READ'),
  readByName: (call, element) => byKeys(call, element, 'READ_BY_NAME'),
  lookup(call, element) {
    const object = objectOf(call, textOf(element, 'object') ?? '')
    const { oddDimension } = call.settings
    return { data: `<data listtype="All" count="1">${lookupXml(object, oddDimension)}</data>` }
  },
  inspect,
  getDimensions: ({ settings }) => ({
    data: `<data><dimensions>${[...dimensionList, ...oddDimensions(settings)]
      .map(
        ([name, label, own, inLedger]) =>
          `<dimension>${leaf('objectName', name)}${leaf('objectLabel', label)}${leaf('termLabel', label)}${leaf('userDefinedDimension', String(own))}${leaf('enabledInGL', String(inLedger))}</dimension>`,
      )
      .join('')}</dimensions></data>`,
  }),
  readUserFormatting: ({ settings, reader }) => ({
    data: `<data><userformatting>${leaf('recordno', 48)}${leaf('locale', settings.locale)}${leaf('dateformat', settings.dateFormat)}${leaf('gmtoffset', reader.wire.gmtOffset(reader.now * 1000))}${leaf('clock', settings.clock)}</userformatting></data>`,
  }),
  readEntityDetails: ({ reader }) => ({
    data: `<data>${reader.catalog.company.entities
      .map(
        ({ id, name, currency }, k) =>
          `<entity>${leaf('id', id)}${leaf('name', name)}${leaf('recordno', k + 1)}${leaf('currency', currency)}${leaf('firstfiscalmonth', 1)}${leaf('firstfiscaltaxmonth', null)}${leaf('weekstart', null)}</entity>`,
      )
      .join('')}</data>`,
  }),
}

export function run(call: Call, one: FunctionCall): Outcome {
  const reader = Object.hasOwn(readers, one.name) ? readers[one.name] : undefined
  if (!reader) throw errors.noPermission(one.name.toUpperCase(), textOf(one.element, 'object') ?? one.name)
  return reader(call, one.element)
}

function objectOf({ reader }: Call, name: string): ObjectSpec {
  const found = reader.catalog.find(name)
  if (!found) throw errors.noObject(name)
  return found
}

function query(call: Call, element: Element): Outcome {
  const wanted = readQuery(element)
  const object = objectOf(call, wanted.object)
  call.bill(object.name)
  call.guard('READ_BY_QUERY', object)
  if (wanted.pageSize > call.settings.maxPageSize) {
    throw errors.generic(`The page size ${wanted.pageSize} is greater than ${call.settings.maxPageSize}`)
  }
  const { reader } = call
  if (wanted.fields.includes('*')) throw errors.generic(`Invalid field * on object ${object.name}`)
  const columns = wanted.fields.map(
    (name): Column => ({ name: tagOf(object, name), reached: reach(reader, object, name) }),
  )
  const found = find(reader, { ...wanted, object, disorder: call.disorder })
  if (wanted.aggregates.length > 0) return aggregate(call.reader, object, wanted, columns, found)

  const page = found.slice(wanted.offset, wanted.offset + wanted.pageSize)
  const remaining = Math.max(0, found.length - wanted.offset - page.length)
  call.served(object, page, remaining > 0)
  if (wanted.format !== 'xml') return bare(call.reader, object, page, columns, wanted)
  const rows = page.map((entry) => rowXml(reader, object, entry, columns, wanted.object))
  return {
    data: `<data listtype="${escaped(wanted.object)}" totalcount="${found.length}" offset="${wanted.offset}" count="${page.length}" numremaining="${remaining}">${rows.join('')}</data>`,
  }
}

/** A field comes back under its own name, whatever the case in which it was asked for. */
function tagOf(object: ObjectSpec, name: string): string {
  return object.fields.has(name) || object.fields.has(name.toUpperCase())
    ? ((object.fields.get(name) ?? object.fields.get(name.toUpperCase())) as Field).id
    : name
}

/** csv and json come without an envelope: neither counts nor errors. */
function bare(
  reader: Reader,
  object: ObjectSpec,
  page: readonly Entry[],
  columns: readonly Column[],
  { format }: QueryCall,
): Outcome {
  const rows = page.flatMap((entry) => {
    const row = object.load(entry)
    return row ? [columns.map((column) => cell(reader, object, entry, row, column))] : []
  })
  if (format === 'json') {
    const list = rows.map((cells) => Object.fromEntries(columns.map(({ name }, k) => [name, cells[k]])))
    return { body: JSON.stringify(list), type: 'application/json' }
  }
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const lines = [columns.map(({ name }) => name), ...rows].map((cells) => cells.map(quoted).join(','))
  return { body: `${lines.join('\n')}\n`, type: 'text/csv' }
}

/** The text speaks in codes (`T`), the records in labels (`active`). */
function labelled(condition: Condition | undefined, object: ObjectSpec): Condition | undefined {
  if (condition === undefined) return undefined
  if (condition.kind !== 'test') {
    return { ...condition, of: condition.of.map((one) => labelled(one, object) as Condition) }
  }
  const codes = object.fields.get(condition.field.toUpperCase())?.codes
  if (!codes) return condition
  const label = (code: string): string =>
    Object.entries(codes).find(([, one]) => one === code)?.[0] ?? `no label: ${code}`
  return { ...condition, values: condition.values.map(label) }
}

function readByQuery(call: Call, element: Element): Outcome {
  const { reader, session, settings } = call
  const name = textOf(element, 'object') ?? ''
  const object = objectOf(call, name)
  call.bill(object.name)
  call.guard('READ_BY_QUERY', object)
  const pageSize = Number(textOf(element, 'pagesize') || 100)
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 2000) throw errors.generic('Invalid page size')
  const columns = listedColumns(reader, object, textOf(element, 'fields') ?? '*')
  const filter = labelled(readTextQuery(textOf(element, 'query') ?? ''), object)
  const entries = find(reader, {
    ...{ object, filter, order: [], caseSensitive: true, showPrivate: true, disorder: call.disorder },
  })
  const expires = reader.now + settings.resultSetSeconds
  const set: ResultSet = { id: resultId(), object, entries, columns, pageSize, expires, next: 0 }
  session.results.set(set.id, set)
  return nextPage(call, set)
}

function readMore(call: Call, element: Element): Outcome {
  const id = textOf(element, 'resultId')
  const object = textOf(element, 'object')?.toUpperCase()
  const { results } = call.session
  const set = id === undefined ? [...results.values()].findLast((one) => one.object.name === object) : results.get(id)
  if (!set || set.expires < call.reader.now) throw errors.generic(`The result set ${id ?? object ?? ''} was not found`)
  call.guard('READ_MORE', set.object)
  return nextPage(call, set)
}

function nextPage(call: Call, set: ResultSet): Outcome {
  const { object, entries, columns } = set
  const page = entries.slice(set.next, set.next + set.pageSize)
  set.next += page.length
  const remaining = entries.length - set.next
  call.served(object, page, remaining > 0)
  const type = object.name.toLowerCase()
  const tag = object.upper ? object.name.toUpperCase() : type
  const rows = page.map((entry) => rowXml(call.reader, object, entry, columns, tag))
  return {
    data: `<data listtype="${type}" count="${page.length}" totalcount="${entries.length}" numremaining="${remaining}" resultId="${entries.length === 0 ? '' : set.id}">${rows.join('')}</data>`,
  }
}

const mostKeys = 100

/** read (RECORDNO) and readByName (business keys); only `read` brings owned lines. */
function byKeys(call: Call, element: Element, operation: 'READ' | 'READ_BY_NAME'): Outcome {
  const { reader } = call
  const object = objectOf(call, textOf(element, 'object') ?? '')
  call.guard(operation, object)
  const keys = (textOf(element, 'keys') ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter(Boolean)
  if (keys.length > mostKeys) throw errors.generic(`No more than ${mostKeys} keys can be read at once`)
  const columns = listedColumns(reader, object, textOf(element, 'fields') ?? '*')
  const whole = (textOf(element, 'fields') ?? '*') === '*'
  const byNumber =
    operation === 'READ' ? new Map(find(reader, everything(object)).map((entry) => [entry.no, entry])) : undefined
  const found = keys.flatMap((key) => {
    const entry = byNumber ? byNumber.get(Number(key)) : reader.catalog.named(object, key)?.entry
    return entry && entry.visible <= reader.now ? [entry] : []
  })
  call.served(object, found, false)
  const rows = found.map((entry) =>
    rowXml(
      reader,
      object,
      entry,
      columns,
      object.name,
      operation === 'READ' && whole ? ownedXml(call, object, entry) : '',
    ),
  )
  return { data: `<data listtype="${object.name}" count="${rows.length}">${rows.join('')}</data>` }
}

const everything = (object: ObjectSpec) => ({
  ...{ object, filter: undefined, order: [{ field: object.fields.has('id') ? 'id' : 'RECORDNO', descending: false }] },
  ...{ caseSensitive: true, showPrivate: true, disorder: 0 },
})

function ownedXml(call: Call, object: ObjectSpec, entry: Entry): string {
  const { owned } = object
  const lines = owned && call.reader.catalog.find(owned.object)
  if (!owned || !lines) return ''
  const columns = allColumns(lines)
  const rows = lines.ofParents([entry.no]).map((line) => rowXml(call.reader, lines, line, columns, owned.line))
  return `<${owned.list}>${rows.join('')}</${owned.list}>`
}

function inspect(call: Call, element: Element): Outcome {
  const name = textOf(element, 'object') ?? ''
  if (name === '*') {
    const types = call.reader.catalog
      .all()
      .map((object) => `<type typename="${object.name.toLowerCase()}">${escaped(object.label)}</type>`)
    return { data: `<data listtype="All" count="${types.length}">${types.join('')}</data>` }
  }
  const object = objectOf(call, name)
  const fields = [...object.fields.values()]
  const detailed = element.attributes.detail === '1' || child(element, 'detail')?.text === '1'
  const head = detailed
    ? `<Attributes>${leaf('SingularName', object.label)}${leaf('PluralName', `${object.label}s`)}<Description></Description></Attributes>`
    : ''
  const list = fields.map((field) =>
    detailed
      ? `<Field>${leaf('Name', field.id)}<GroupName></GroupName>${leaf('dataName', field.type === 'INTEGER' ? 'Pt_FieldInt' : 'Pt_FieldString')}${leaf('externalDataName', field.type.toLowerCase())}${leaf('isRequired', String(field.required))}${leaf('isReadOnly', String(field.readOnly))}${leaf('maxLength', 8)}${leaf('DisplayLabel', field.label)}<Description></Description></Field>`
      : leaf('Field', field.id),
  )
  return {
    data: `<data listtype="All" count="1"><Type Name="${escaped(object.name)}">${head}<Fields>${list.join('')}</Fields></Type></data>`,
  }
}
