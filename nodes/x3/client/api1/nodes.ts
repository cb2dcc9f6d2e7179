/** Items of api1 in the form in which GraphQL gives nodes, so that one conversion makes the records of both. */
import type { Raw } from '../convert.ts'
import type { Api1Column, Api1Entity, Api1List } from './entities.ts'

type Change = (item: Raw, node: Raw) => void

/** Compiled once for an entity: what of an item is not yet as GraphQL has it. */
export function nodeMaker(of: Api1Entity, flags: (list: string, column: string) => boolean): (item: Raw) => Raw {
  const own = changesOf(of.columns, (column) => flags('', column))
  const lists = Object.entries(of.lists).map(([name, list]) => listMaker(of, name, list, flags))
  return (item) => {
    const node: Raw = { ...item }
    for (const change of own) change(item, node)
    for (const make of lists) make(item, node)
    if (of.sign) node.sign = item[of.sign]
    node._id = JSON.stringify(of.key.map((field) => item[field]))
    return node
  }
}

function listMaker(
  of: Api1Entity,
  name: string,
  list: Api1List,
  flags: (list: string, column: string) => boolean,
): Change {
  const own = changesOf(list.columns, (column) => flags(name, column))
  const inner = Object.entries(of.inner[name] ?? {}).map(([innerName, one]) => listMaker(of, innerName, one, flags))
  return (item, node) => {
    const rows = Array.isArray(item[list.collection]) ? (item[list.collection] as Raw[]) : undefined
    // Without the array the details are not whole: nothing is counted, and the document is refused.
    if (!rows) return
    const edges = rows.map((row) => {
      const made: Raw = { ...row }
      for (const change of own) change(row, made)
      for (const make of inner) make(row, made)
      if (list.sign) made.sign = row[list.sign]
      if (list.dimensions) made.dimensions = dimensions(row[list.dimensions.types], row[list.dimensions.codes])
      return { node: made }
    })
    node[list.collection] = { query: { totalCount: edges.length, edges } }
  }
}

function dimensions(types: unknown, codes: unknown) {
  const [a, b] = [types, codes].map((list) => (Array.isArray(list) ? list : []))
  const edges = (a ?? []).map((type, index) => ({ node: { type, code: b?.[index] } }))
  return { query: { totalCount: edges.length, edges } }
}

function changesOf(columns: Readonly<Record<string, Api1Column>>, isFlag: (column: string) => boolean): Change[] {
  return Object.entries(columns).flatMap(([column, one]) => {
    const field = fieldOf(one)
    const { menu, zero } = typeof one === 'string' ? { menu: undefined, zero: undefined } : one
    if (menu)
      return (item: Raw, node: Raw) => {
        const number = Number(item[field])
        // 0 is an empty menu; what the file does not list stays a number, so that nobody takes it for something else.
        node[field] = number === 0 ? '' : (menu[number - 1] ?? item[field])
      }
    if (isFlag(column))
      return (item: Raw, node: Raw) => {
        const value = item[field]
        node[field] =
          typeof value === 'boolean' ? value : Number(value) === 2 ? true : Number(value) === 1 ? false : null
      }
    if (zero)
      return (item: Raw, node: Raw) => {
        node[field] = Number(item[field]) === 0 ? null : item[field]
      }
    return []
  })
}

export const fieldOf = (column: Api1Column): string => (typeof column === 'string' ? column : column.field)
