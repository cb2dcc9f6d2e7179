/** GraphQL text for a resolved entity: what is selected, and the queries that ask for it. */
import type { FieldPath, Step } from './paths.ts'
import type { ResolvedColumn, ResolvedEntity, ResolvedList } from './resolve.ts'
import type { NodeRef } from './schema.ts'

type Tree = Map<string, { collection: boolean; children: Tree }>

function add(tree: Tree, steps: readonly Step[]): void {
  let at = tree
  for (const step of steps) {
    let child = at.get(step.field)
    if (!child) {
      child = { collection: step.collection, children: new Map() }
      at.set(step.field, child)
    }
    at = child.children
  }
}

function print(tree: Tree): string {
  return [...tree]
    .map(([field, { collection, children }]) => {
      if (children.size === 0) return field
      return collection ? `${field}{query(first:1){edges{node{${print(children)}}}}}` : `${field}{${print(children)}}`
    })
    .join(' ')
}

/** Every path that these columns are read by. */
export const pathsOf = (columns: readonly ResolvedColumn[]): FieldPath[] =>
  columns.flatMap((column) => [column.path, column.sign].filter((path) => path !== undefined))

/** Selection of paths, with further plain fields. */
export function selectPaths(paths: readonly FieldPath[], fields: readonly string[] = []): string {
  const tree: Tree = new Map()
  for (const field of fields) add(tree, [{ field, collection: false }])
  for (const path of paths) add(tree, path.steps)
  return print(tree)
}

/** What one element of a list asks for. Elements with collections of their own bring `_id`, so that these can be completed. */
export function selectElement(list: ResolvedList): string {
  const inner = [...list.lists.map((nested) => selectList(nested, false))]
  if (list.dimensions) {
    const { via, field, first, type, code } = list.dimensions
    const places = `${field}{query(first:${first}){totalCount edges{node{${selectPaths([type, code])}}}}}`
    // Two are enough to see that there is not just one.
    inner.push(
      !via
        ? places
        : via.collection
          ? `${via.field}{query(first:2){totalCount edges{node{${places}}}}}`
          : `${via.field}{${places}}`,
    )
  }
  return [selectPaths(pathsOf(list.columns), inner.length > 0 ? ['_id'] : []), ...inner].join(' ')
}

/** A list with its own `first` (X3's default of 20 cuts lines). Only the outermost needs a cursor. */
export function selectList(list: ResolvedList, outermost: boolean): string {
  const page = outermost ? ' pageInfo{endCursor hasNextPage}' : ''
  return `${list.field}{query(first:${list.def.first}){totalCount edges{node{${selectElement(list)}}}${page}}}`
}

/** Fields that tell one version of a document from the next. */
export function versionFields(entity: ResolvedEntity): string[] {
  return ['_id', ...(entity.etag ? ['_etag'] : []), ...(entity.stamp ? [entity.stamp.field] : [])]
}

/** A whole record: header and lists. */
export function selectRecord(entity: ResolvedEntity): string {
  const header = selectPaths(
    pathsOf(entity.columns),
    entity.lists.length > 0 ? versionFields(entity) : versionFields(entity).filter((name) => name !== '_etag'),
  )
  return [header, ...entity.lists.map((list) => selectList(list, true))].join(' ')
}

/** Key columns and the stamp only: enough to name a record that cannot be read, and to see when it changes. */
export const selectKey = (entity: ResolvedEntity): string =>
  selectPaths(pathsOf(entity.columns.filter((column) => entity.def.key.includes(column.def.name))), [
    '_id',
    ...(entity.stamp ? [entity.stamp.field] : []),
  ])

const argument = (args: Readonly<Record<string, string>>, name: string, fallback: string): string =>
  args[name] ?? fallback

/** `query(first, after, filter, orderBy)` of a node, as text with variables; `total` adds how many there are, `future` that and a count of a second filter. */
export function pageQuery(
  nodes: NodeRef,
  args: Readonly<Record<string, string>>,
  selection: string,
  more?: 'future' | 'total',
): string {
  const declared = [
    `$first:${argument(args, 'first', 'Int')}`,
    `$after:${argument(args, 'after', 'String')}`,
    `$filter:${argument(args, 'filter', 'String')}`,
    `$orderBy:${argument(args, 'orderBy', 'String')}`,
    ...(more === 'future' ? [`$future:${argument(args, 'filter', 'String')}`] : []),
  ]
  const main = `${nodes.node}{query(first:$first,after:$after,filter:$filter,orderBy:$orderBy){${more === undefined ? '' : 'totalCount '}edges{cursor node{${selection}}} pageInfo{endCursor hasNextPage}}}`
  const ahead = more === 'future' ? ` future:${nodes.node}{query(first:1,filter:$future){totalCount}}` : ''
  return `query(${declared.join(',')}){${nodes.root}{${main}${ahead}}}`
}

/** `read(_id)` of a node. */
export const readQuery = (nodes: NodeRef, idType: string, selection: string): string =>
  `query($id:${idType}){${nodes.root}{${nodes.node}{read(_id:$id){${selection}}}}}`

/** A further page of the collection of one element, together with the version of the document it belongs to. */
export function morePages(entity: ResolvedEntity, owner: NodeRef, field: string, selection: string): string {
  const document = `${entity.nodes.root}{${entity.nodes.node}{read(_id:$document){${versionFields(entity).join(' ')}}}}`
  const more = `${owner.root}{${owner.node}{read(_id:$owner){${field}{query(first:$first,after:$after){totalCount edges{node{${selection}}} pageInfo{endCursor hasNextPage}}}}}}`
  return `query($document:${entity.idType},$owner:${entity.idType},$first:Int,$after:String){document:${document} more:${more}}`
}
