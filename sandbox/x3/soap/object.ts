/** Objects as they stand in `objectXml` and `resultXml`: groups of fields and tables of lines, in XML or JSON. */
import { type Element, escaped, parseXml } from '../../xml.ts'

/** Fields by name, as text. */
export type Fields = Readonly<Record<string, string>>

export interface X3Object {
  /** By group (`HAE0_1`). */
  readonly groups: Readonly<Record<string, Fields>>
  /** By table (`HAE2_1`): its lines. */
  readonly tables: Readonly<Record<string, readonly Fields[]>>
}

export interface FieldType {
  readonly name: string
  readonly type: 'Char' | 'Integer' | 'Decimal' | 'Date'
  /** Most characters of a text. */
  readonly length?: number
}

export interface GroupType {
  readonly id: string
  readonly kind: 'GRP' | 'TAB'
  readonly fields: readonly FieldType[]
}

/** What a text is that is neither `<PARAM>` nor a JSON object. */
export class NoObject extends Error {}

/** Throws NoObject or XmlError. */
export function readObject(text: string): X3Object {
  return text.trimStart().startsWith('<') ? fromXml(parseXml(text)) : fromJson(text)
}

function fromXml(root: Element): X3Object {
  if (root.name !== 'PARAM') throw new NoObject(`the root is ${root.name}, not PARAM`)
  const of = (kind: string): readonly Element[] => root.children.filter(({ name }) => name === kind)
  const id = ({ attributes }: Element): string => attributes.ID ?? ''
  const lines = (table: Element): Fields[] => table.children.filter(({ name }) => name === 'LIN').map(fieldsOf)
  return {
    groups: Object.fromEntries(of('GRP').map((group) => [id(group), fieldsOf(group)])),
    tables: Object.fromEntries(of('TAB').map((table) => [id(table), lines(table)])),
  }
}

const fieldsOf = (group: Element): Fields =>
  Object.fromEntries(
    group.children
      .filter(({ name }) => name === 'FLD')
      .map((field) => [field.attributes.NAME ?? '', field.text.trim()]),
  )

/** A comma behind the last member, which X3 takes and strict JSON does not. Texts are left alone. */
const TRAILING_COMMA = /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g

function fromJson(text: string): X3Object {
  const groups: Record<string, Fields> = {}
  const tables: Record<string, readonly Fields[]> = {}
  for (const [id, value] of Object.entries(parsed(text)))
    if (Array.isArray(value)) tables[id] = value.map(texts)
    else groups[id] = texts(value)
  return { groups, tables }
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text.replace(TRAILING_COMMA, (_, quoted?: string) => quoted ?? ''))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    throw new NoObject(error instanceof Error ? error.message : 'no JSON')
  }
  throw new NoObject('the root is no object')
}

const texts = (group: unknown): Fields =>
  Object.fromEntries(
    Object.entries(typeof group === 'object' && group !== null ? group : {}).map(([name, value]) => [
      name,
      String(value ?? ''),
    ]),
  )

/** The object as `adxwss.optreturn` asks for it. */
export function writeObject(types: readonly GroupType[], object: X3Object, form: 'XML' | 'JSON'): string {
  if (form === 'JSON')
    return JSON.stringify(
      Object.fromEntries(types.map(({ id, kind }) => [id, kind === 'GRP' ? object.groups[id] : object.tables[id]])),
    )
  const parts = types.map(({ id, kind, fields }) => {
    if (kind === 'GRP') return `<GRP ID="${id}">${writeFields(fields, object.groups[id] ?? {})}</GRP>`
    return table('TAB', id, fields, object.tables[id] ?? [])
  })
  return `<?xml version="1.0" encoding="UTF-8"?><PARAM>${parts.join('')}</PARAM>`
}

/** The answer of `query`: a line for each object found. */
export function writeList(fields: readonly FieldType[], lines: readonly Fields[], form: 'XML' | 'JSON'): string {
  if (form === 'JSON') return JSON.stringify(lines)
  return `<?xml version="1.0" encoding="UTF-8"?>${table('RESULT', undefined, fields, lines)}`
}

function table(name: string, id: string | undefined, fields: readonly FieldType[], lines: readonly Fields[]): string {
  const items = lines.map((line, k) => `<LIN NUM="${k + 1}">${writeFields(fields, line)}</LIN>`)
  const head = id === undefined ? '' : ` ID="${id}"`
  return `<${name} DIM="1000"${head} SIZE="${lines.length}">${items.join('')}</${name}>`
}

const writeFields = (types: readonly FieldType[], values: Fields): string =>
  types.map(({ name, type }) => `<FLD NAME="${name}" TYPE="${type}">${escaped(values[name] ?? '')}</FLD>`).join('')

/** The answer of `getDescription`: groups and fields that the publication has. */
export function describe(types: readonly GroupType[], object: string, publicName: string): string {
  const parts = types.map(({ id, kind, fields }) => {
    const inner = fields.map(
      ({ name, type, length }) =>
        `<FLD NAME="${name}" TYPE="${type}"${length === undefined ? '' : ` LEN="${length}"`}/>`,
    )
    return `<${kind} ID="${id}">${inner.join('')}</${kind}>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?><OBJECT NAME="${object}" PUBLICNAME="${escaped(publicName)}">${parts.join('')}</OBJECT>`
}
