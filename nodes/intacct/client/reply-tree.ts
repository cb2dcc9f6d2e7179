/** What is built of a reply while its tags arrive: elements outside of data, rows with their fields within. Called for each tag: hot. */
import { DEPTH, overDepth, overParts, PARTS } from '../../../vendor/limits.ts'
import { bodyError, notGateway, tooMuch } from './reply-faults.ts'
import { resultOf } from './reply-result.ts'
import type { DataRow, Element, FunctionResult } from './reply-types.ts'

interface Tag {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface ReplyTree {
  /** Names the request for messages. */
  readonly what: string
  readonly maxRows: number | undefined
  readonly root: Element
  readonly results: FunctionResult[]
  depth: number
  /** Open elements outside of rows, then the open element of a nested field. */
  readonly open: Element[]
  /** Elements so far. */
  parts: number
  /** Depth of the open `<data>` of a result; 0: outside. */
  dataDepth: number
  data: Readonly<Record<string, string>> | undefined
  rows: DataRow[]
  row: DataRow | undefined
  /** Name and text of the open field of a row. */
  field: string
  text: string
  /** The open field, where it holds elements. */
  holder: Element | undefined
  /** Names of fields in capitals, as they were met. */
  readonly upper: Map<string, string>
}

export function createTree(what: string, maxRows: number | undefined): ReplyTree {
  const root: Element = { name: '', attributes: {}, text: '', children: [] }
  return {
    what,
    maxRows,
    root,
    results: [],
    depth: 0,
    open: [root],
    parts: 0,
    dataDepth: 0,
    data: undefined,
    rows: [],
    row: undefined,
    field: '',
    text: '',
    holder: undefined,
    upper: new Map(),
  }
}

export function openTag(tree: ReplyTree, tag: Tag): void {
  tree.depth++
  if (tree.depth > DEPTH) throw tooMuch(overDepth(DEPTH), tree.what)
  if (++tree.parts > PARTS) throw tooMuch(overParts(PARTS), tree.what)
  const level = tree.depth - tree.dataDepth
  if (tree.dataDepth === 0) openElement(tree, tag)
  else if (level === 1) openRow(tree, tag)
  else if (level === 2) {
    tree.field = nameOf(tree, tag.name)
    tree.text = ''
    tree.holder = undefined
  } else openNested(tree, tag, level)
}

/** One that is no row of data nor a part of one. */
function openElement(tree: ReplyTree, tag: Tag): void {
  const name = tag.name.toLowerCase()
  if (tree.depth === 1 && name !== 'response') throw notGateway(tree.what, tag.name)
  const element: Element = { name, attributes: lowered(tag.attributes), text: '', children: [] }
  const parent = tree.open.at(-1) as Element
  if (name === 'data' && tree.depth === 4 && parent.name === 'result') {
    tree.dataDepth = tree.depth
    tree.data = element.attributes
    tree.rows = []
  } else parent.children.push(element)
  tree.open.push(element)
}

function openRow(tree: ReplyTree, tag: Tag): void {
  const row: DataRow = { tag: tag.name, attributes: attributesOf(tag.attributes), fields: {} }
  tree.row = row
  tree.rows.push(row)
  if (tree.maxRows !== undefined && tree.rows.length > tree.maxRows)
    throw bodyError(
      'rows',
      tree.what,
      `Intacct gave more than the ${tree.maxRows} rows it was asked for`,
      'If it stays, tell the support of Sage.',
    )
}

/** An element within a field of a row, at whatever depth. */
function openNested(tree: ReplyTree, tag: Tag, level: number): void {
  const element: Element = { name: tag.name, attributes: attributesOf(tag.attributes), text: '', children: [] }
  if (level === 3) {
    tree.holder ??= nestedOf(tree.row as DataRow, tree.field)
    tree.holder.children.push(element)
  } else (tree.open.at(-1) as Element).children.push(element)
  tree.open.push(element)
}

export function addText(tree: ReplyTree, part: string): void {
  const { depth, dataDepth } = tree
  if (dataDepth > 0 && depth - dataDepth === 2) tree.text += part
  else if (depth > 0 && !(dataDepth > 0 && depth === dataDepth)) {
    if (dataDepth > 0 && depth - dataDepth === 1) {
      // A row that is a mere text (`<type typename="x">Label</type>`).
      const { fields } = tree.row as DataRow
      if (part.trim() !== '') fields[''] = `${fields[''] ?? ''}${part}`
    } else (tree.open.at(-1) as Element).text += part
  }
}

export function closeTag(tree: ReplyTree): void {
  if (tree.dataDepth > 0) {
    const level = tree.depth - tree.dataDepth
    if (level === 2) closeField(tree)
    else if (level > 2) tree.open.pop()
    else if (level === 0) {
      tree.dataDepth = 0
      tree.open.pop()
    }
  } else {
    const element = tree.open.pop() as Element
    if (element.name === 'result' && tree.depth === 3) {
      tree.results.push(resultOf(element, tree.data, tree.rows))
      tree.data = undefined
      tree.rows = []
    }
  }
  tree.depth--
}

function closeField({ row, field, text, holder }: ReplyTree): void {
  ;(row as DataRow).fields[field] = text === '' || (holder && text.trim() === '') ? null : text
}

function nameOf({ upper }: ReplyTree, name: string): string {
  let known = upper.get(name)
  if (known === undefined) {
    known = name.toUpperCase()
    upper.set(name, known)
  }
  return known
}

/** Attributes by name in lower case: `resultId` and `resultid` are one. */
function lowered(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name in attributes) found[name.toLowerCase()] = attributes[name] as string
  return found
}

const NONE: Readonly<Record<string, string>> = {}
function attributesOf(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _name in attributes) return lowered(attributes)
  return NONE
}

function nestedOf(row: DataRow, field: string): Element {
  const owner = row as { nested?: Record<string, Element[]> }
  const element: Element = { name: field, attributes: {}, text: '', children: [] }
  owner.nested ??= {}
  owner.nested[field] ??= []
  owner.nested[field].push(element)
  return element
}
