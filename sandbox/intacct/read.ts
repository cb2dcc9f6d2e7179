import { escaped, leaf } from '../xml.ts'
import type { Catalog } from './catalog.ts'
import { errors, FunctionError } from './errors.ts'
import { type Condition, compile, type Reached } from './filter.ts'
import type { Entry, Field, ObjectSpec, Row } from './model.ts'
import type { Wire } from './zones.ts'

/** For whom something is read. */
export interface Reader {
  readonly catalog: Catalog
  readonly wire: Wire
  /** The ERP's clock in seconds. */
  readonly now: number
  /** The entity of the session; empty at the top level. */
  readonly location: string
  /** A text that a test has put into a field, as it is. */
  text(object: string, no: number, field: string): string | undefined
}

export interface Order {
  readonly field: string
  readonly descending: boolean
}

export interface Wanted {
  readonly object: ObjectSpec
  readonly filter: Condition | undefined
  readonly order: readonly Order[]
  readonly caseSensitive: boolean
  /** Rows of private entities too, at the top level. */
  readonly showPrivate: boolean
  /** Where no order is asked for, the order of this seed. */
  readonly disorder: number
}

/** A field by its name or by its path over a relation. Throws where there is none, or none that may be asked for. */
export function reach(reader: Reader, object: ObjectSpec, name: string): Reached {
  const field = object.fields.get(name) ?? object.fields.get(name.toUpperCase())
  if (field && !field.refused) return { field, get: (row) => field.get(row) }
  const dot = name.indexOf('.')
  const relation = dot < 0 ? undefined : object.relations.find(({ path }) => path === name.slice(0, dot).toUpperCase())
  const other = relation && reader.catalog.find(relation.object)
  const by = relation && object.fields.get(relation.by)
  if (!other || !by) throw errors.generic(`Invalid field ${name} on object ${object.name}`)
  const target = reach(reader, other, name.slice(dot + 1))
  const { index: _, ...beyond } = target.field
  return {
    field: beyond,
    get(row) {
      const key = by.get(row)
      const found = key === null ? undefined : reader.catalog.named(other, key)
      return found ? target.get(found.row) : null
    },
  }
}

/** Every record that passes, in the order asked for. */
export function find(reader: Reader, wanted: Wanted): readonly Entry[] {
  const { object, order } = wanted
  const filter = compile(wanted.filter, {
    reach: (name) => reach(reader, object, name),
    wire: reader.wire,
    caseSensitive: wanted.caseSensitive,
  })
  const keys = order.map((one) => ({ ...one, reached: reach(reader, object, one.field) }))
  const seen = visibility(reader, wanted.showPrivate)
  const source = filter.parents ? object.ofParents(filter.parents) : object.entries()
  const found: Entry[] = []
  for (let k = firstAbove(source, filter.above); k < source.length; k++) {
    const entry = source[k] as Entry
    if (!seen(entry)) continue
    let row: Row | undefined
    let loaded = false
    const load = (): Row | undefined => {
      if (!loaded) row = object.load(entry)
      loaded = true
      return row
    }
    if (filter.test(entry, load)) found.push(entry)
  }
  if (keys.length === 0) return shuffled(found, wanted.disorder)
  if (keys.length === 1 && keys[0]?.reached.field.index === 'no' && !keys[0].descending) return found
  return sorted(found, keys, object)
}

function visibility(reader: Reader, showPrivate: boolean): (entry: Entry) => boolean {
  const hidden = new Set(reader.catalog.company.entities.filter((entity) => entity.private).map(({ id }) => id))
  const { location, now } = reader
  return ({ visible, entity }) => {
    if (visible > now) return false
    if (entity === null) return true
    return location === '' ? showPrivate || !hidden.has(entity) : entity === location
  }
}

/** Entries are in the order of their numbers. */
function firstAbove(entries: readonly Entry[], above: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as Entry).no > above) high = middle
    else low = middle + 1
  }
  return low
}

function sorted(
  entries: readonly Entry[],
  keys: readonly { reached: Reached; descending: boolean }[],
  object: ObjectSpec,
): Entry[] {
  const valued = entries.map((entry) => {
    let row: Row | undefined
    const values = keys.map(({ reached }) => {
      const { index, type } = reached.field
      if (index === 'no') return entry.no
      if (index === 'modified') return entry.modified
      if (index === 'created') return entry.created
      row ??= object.load(entry)
      const text = row ? reached.get(row) : null
      const number = type === 'INTEGER' || type === 'DECIMAL' || type === 'CURRENCY'
      return text === null || !number ? text : Number(text)
    })
    return { entry, values }
  })
  // Empty ones last, whichever way round.
  valued.sort((a, b) => {
    for (const [k, { descending }] of keys.entries()) {
      const [one, other] = [a.values[k] ?? null, b.values[k] ?? null]
      if (one === other) continue
      if (one === null) return 1
      if (other === null) return -1
      return one < other === descending ? 1 : -1
    }
    return 0
  })
  return valued.map(({ entry }) => entry)
}

/** Another order for each seed, since the gateway promises none. */
function shuffled(entries: readonly Entry[], seed: number): readonly Entry[] {
  const list = [...entries]
  let state = (seed * 2654435761) >>> 0
  for (let k = list.length - 1; k > 0; k--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (k + 1)
    const kept = list[k] as Entry
    list[k] = list[other] as Entry
    list[other] = kept
  }
  return list
}

/** The form of a value on the wire. */
function shown(reader: Reader, field: Field, value: string): string {
  if (field.type === 'DATE') return reader.wire.date(value)
  return field.type === 'TIMESTAMP' ? reader.wire.timestamp(value, field.id) : value
}

export interface Column {
  /** The name under which it was asked for. */
  readonly name: string
  readonly reached: Reached
}

/** Text of a column of a record as it stands on the wire, not escaped. */
export function cell(reader: Reader, object: ObjectSpec, entry: Entry, row: Row, column: Column): string {
  const put = reader.text(object.name, entry.no, column.reached.field.id)
  if (put !== undefined) return put
  const value = column.reached.get(row)
  return value === null ? '' : shown(reader, column.reached.field, value)
}

/** One record as XML; undefined where it has gone meanwhile. `inside` is put behind its fields. */
export function rowXml(
  reader: Reader,
  object: ObjectSpec,
  entry: Entry,
  columns: readonly Column[],
  tag: string,
  inside = '',
): string | undefined {
  const row = object.load(entry)
  if (row === undefined) return undefined
  let xml = `<${tag}>`
  for (const column of columns) {
    xml += `<${column.name}>${escaped(cell(reader, object, entry, row, column))}</${column.name}>`
  }
  return `${xml}${inside}</${tag}>`
}

/** Every field that may be asked for. */
export function allColumns(object: ObjectSpec): Column[] {
  return [...object.fields.values()]
    .filter((field) => !field.refused)
    .map((field) => ({ name: field.id, reached: { field, get: (row) => field.get(row) } }))
}

/** The columns of a comma list, or all of them for `*`. */
export function listedColumns(reader: Reader, object: ObjectSpec, fields: string): Column[] {
  const names = fields
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (names.length === 0 || names.includes('*')) return allColumns(object)
  const wrong: string[] = []
  const columns = names.flatMap((name): Column[] => {
    try {
      return [{ name, reached: reach(reader, object, name) }]
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error
      wrong.push(name)
      return []
    }
  })
  if (wrong.length > 0) throw errors.noFields(wrong.join(','))
  return columns
}

/** What lookup tells of an object. What carries user-defined dimensions carries the odd one too, if there is one. */
export function lookupXml(object: ObjectSpec, oddDimension: string): string {
  const odd = [...object.fields.values()]
    .filter(({ id }) => oddDimension !== '' && id.startsWith('GLDIM'))
    .map((field) => ({ ...field, id: `GLDIM${oddDimension}`, label: oddDimension }))
  const fields = [...object.fields.values(), ...odd].map(
    (field) =>
      `<Field>${leaf('ID', field.id)}${leaf('LABEL', field.label)}<DESCRIPTION></DESCRIPTION>${leaf('REQUIRED', String(field.required))}${leaf('READONLY', String(field.readOnly))}${leaf('DATATYPE', field.type)}${
        field.codes
          ? `<VALIDVALUES>${Object.keys(field.codes)
              .map((value) => leaf('VALIDVALUE', value))
              .join('')}</VALIDVALUES>`
          : ''
      }${leaf('ISCUSTOM', String(field.custom))}</Field>`,
  )
  const relations = object.relations.map(
    ({ path, object: other, by }) =>
      `<Relationship>${leaf('OBJECTPATH', path)}${leaf('OBJECTNAME', other)}<LABEL></LABEL><RELATIONSHIPTYPE>MANY2ONE</RELATIONSHIPTYPE>${leaf('RELATEDBY', by)}</Relationship>`,
  )
  return `<Type Name="${escaped(object.name)}" DocumentType=""><Fields>${fields.join('')}</Fields><Relationships>${relations.join('')}</Relationships></Type>`
}
