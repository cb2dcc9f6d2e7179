/** Objects of X3 as web services carry them: groups of fields and tables of lines in XML (x3.md facts, 5). */
import { XMLBuilder } from 'fast-xml-parser'
import { readXml, type XmlElement } from '../../../../vendor/xml.ts'
import { SOAP_WORDS } from './words.ts'

/** Fields by name, as text. */
export type Fields = Readonly<Record<string, string>>

export interface X3Object {
  /** By group (`HAE0_1`). */
  readonly groups: Readonly<Record<string, Fields>>
  /** By table (`HAE2_1`): its lines. */
  readonly tables: Readonly<Record<string, readonly Fields[]>>
}

export interface PublishedField {
  readonly name: string
  /** `Char`, `Integer`, `Decimal`, `Date`, or whatever X3 calls it. */
  readonly type: string
  /** Most characters; undefined: X3 does not say. */
  readonly length: number | undefined
}

export interface PublishedGroup {
  readonly id: string
  readonly kind: 'GRP' | 'TAB'
  readonly fields: readonly PublishedField[]
}

/** What XML has no character for; a hostile text must not make the request unreadable. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  format: false,
})

/** XML of a tree whose attributes begin with `@`; every text is escaped. */
export const writeXml = (tree: object): string =>
  builder.build({ '?xml': { '@version': '1.0', '@encoding': 'UTF-8' }, ...tree })

export const xmlText = (text: string): string => text.replace(FORBIDDEN, ' ')

/** `objectXml` of an object; types as published, `Char` where they are not known. */
export function writeObject(object: X3Object, published: readonly PublishedGroup[] = []): string {
  const typeOf = (group: string, field: string): string =>
    published.find(({ id }) => id === group)?.fields.find(({ name }) => name === field)?.type ?? 'Char'
  const fields = (group: string, values: Fields): object[] =>
    Object.entries(values).map(([name, value]) => ({
      '@NAME': name,
      '@TYPE': typeOf(group, name),
      '#text': xmlText(value),
    }))
  return writeXml({
    PARAM: {
      GRP: Object.entries(object.groups).map(([id, values]) => ({ '@ID': id, FLD: fields(id, values) })),
      TAB: Object.entries(object.tables).map(([id, lines]) => ({
        '@ID': id,
        '@DIM': '1000',
        '@SIZE': String(lines.length),
        LIN: lines.map((line, k) => ({ '@NUM': String(k + 1), FLD: fields(id, line) })),
      })),
    },
  })
}

/** Elements of a `resultXml`. Throws a `SyncError` for what is no XML. */
export const readResultXml = (text: string, what: string): XmlElement => readXml(Buffer.from(text), what, SOAP_WORDS)

/** An attribute under any of the names that releases give it. */
const attributeOf = ({ attributes }: XmlElement, ...names: readonly string[]): string =>
  names.map((name) => attributes[name]).find((value) => value !== undefined) ?? ''

const idOf = (element: XmlElement): string => attributeOf(element, 'ID', 'NAM', 'NAME')
const nameOf = (element: XmlElement): string => attributeOf(element, 'NAME', 'NAM', 'ID')

const fieldsOf = (element: XmlElement): Fields =>
  Object.fromEntries(
    element.children.filter(({ name }) => name === 'FLD').map((field) => [nameOf(field), field.text.trim()]),
  )

const linesOf = (element: XmlElement): Fields[] => element.children.filter(({ name }) => name === 'LIN').map(fieldsOf)

/** The object in the `<PARAM>` of a result. */
export function objectOf(root: XmlElement): X3Object {
  const of = (kind: string): readonly XmlElement[] => root.children.filter(({ name }) => name === kind)
  return {
    groups: Object.fromEntries(of('GRP').map((group) => [idOf(group), fieldsOf(group)])),
    tables: Object.fromEntries(of('TAB').map((table) => [idOf(table), linesOf(table)])),
  }
}

/** Lines of the list that `query` gives. */
export const listOf = linesOf

/** All fields of the header, whatever their group. */
export const headerOf = ({ groups }: X3Object): Fields => Object.assign({}, ...Object.values(groups)) as Fields

/**
 * Groups and tables of a description, wherever they stand in it. Its form is not documented: those that are met have `NAME` or
 * `NAM`, `TYPE` or `TYP`, `LEN` or `LNG`.
 */
export function publishedGroups(root: XmlElement): PublishedGroup[] {
  const found: PublishedGroup[] = []
  const walk = (element: XmlElement): void => {
    const { name: kind } = element
    if (kind === 'GRP' || kind === 'TAB') {
      const fields = element.children
        .filter(({ name }) => name === 'FLD' || name === 'LST')
        .map((field): PublishedField => {
          const length = Number.parseInt(attributeOf(field, 'LEN', 'LNG'), 10)
          return {
            name: nameOf(field),
            type: attributeOf(field, 'TYPE', 'TYP') || 'Char',
            length: Number.isNaN(length) ? undefined : length,
          }
        })
      found.push({ id: idOf(element), kind, fields })
    }
    element.children.forEach(walk)
  }
  walk(root)
  return found
}
