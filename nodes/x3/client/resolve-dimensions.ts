/** Where the (type, code) pairs of a row stand in this X3. */
import { memberOf } from '../../../sync/contract/message.ts'
import type { DimensionsDef, ListDef } from './entities/types.ts'
import { elementType, type FieldPath, firstKnown, type Step } from './paths.ts'
import type { Need, TypeInfo } from './schema.ts'

export interface ResolvedDimensions {
  /** Between the row and the collection. */
  readonly via?: Step
  readonly field: string
  readonly first: number
  readonly type: FieldPath
  readonly code: FieldPath
}

/** The collection by its names, or by the type of its elements when a release calls it otherwise. */
export function collectionField(owner: TypeInfo, list: Pick<ListDef, 'path' | 'node'>): string | undefined {
  const named = list.path.split('|').find((name) => owner.fields.has(name))
  return named ?? fieldOfType(owner, list.node, ['collection', 'connection'])
}

/** The field that leads to such a node. */
function fieldOfType(owner: TypeInfo, node: string, forms: readonly string[]): string | undefined {
  const types = node.split('|').flatMap((name) => forms.map((form) => `${name.toLowerCase()}_${form}`))
  return [...owner.fields.values()].find((field) => types.includes(field.type.toLowerCase().replace(/ of .*/, '')))
    ?.name
}

type Owner = Record<string, unknown>

/**
 * What carries the dimensions of a row: the row itself, or what stands between; nothing where the row has several of that, or none.
 */
export function ownerOf(row: Owner, { via }: ResolvedDimensions): Owner | undefined {
  if (!via) return row
  const found = memberOf(row, via.field) as Owner | null | undefined
  if (!via.collection) return found ?? undefined
  const page = found?.query as { totalCount?: number; edges?: { node?: Owner | null }[] } | null | undefined
  return page?.totalCount === 1 ? (page.edges?.[0]?.node ?? undefined) : undefined
}

/** Undefined, and a notice, where this X3 has none or in another form. */
export function resolveDimensions(
  need: Need,
  row: TypeInfo,
  def: DimensionsDef,
  entity: string,
  notices: string[],
): ResolvedDimensions | undefined {
  const via = def.via === undefined ? undefined : fieldOfType(row, def.via, ['collection', 'connection', 'node'])
  const between = via === undefined ? undefined : need(row.fields.get(via)?.type ?? '')
  if (via !== undefined && !between) return undefined
  const collection = between?.fields.has('query') ?? false
  const owner = via === undefined ? row : collection ? elementType(need, row, via) : between
  if (!owner) return undefined
  const field = collectionField(owner, { path: def.path, node: def.node ?? '' })
  if (field === undefined) {
    notices.push(`${entity}: this X3 has no ${def.path} on ${owner.name}; there are no dimension columns`)
    return undefined
  }
  const element = elementType(need, owner, field)
  if (!element) return undefined
  const type = firstKnown(need, element, def.type)
  const code = firstKnown(need, element, def.code)
  if (type === 'pending' || code === 'pending') return undefined
  if ('unknown' in type || 'unknown' in code) {
    notices.push(
      `${entity}: the dimensions of ${owner.name} have another form in this X3; there are no dimension columns`,
    )
    return undefined
  }
  return { ...(via === undefined ? {} : { via: { field: via, collection } }), field, first: def.first, type, code }
}
