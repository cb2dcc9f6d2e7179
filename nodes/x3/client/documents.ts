/** Makes documents whole: further pages of their lists, and the check that nothing changed meanwhile. */

import { memberOf } from '../../../sync/contract/message.ts'
import { MEGABYTE, REPLY_BYTES } from '../../../vendor/limits.ts'
import type { Raw } from './convert.ts'
import type { ResolvedEntity, ResolvedList } from './resolve.ts'
import { ownerOf } from './resolve-dimensions.ts'
import type { NodeRef } from './schema.ts'
import { morePages, selectElement, selectPaths, versionFields } from './select.ts'

export const MAX_LINES = 100_000
export const MAX_DOCUMENT_BYTES = REPLY_BYTES
/** Elements of one further page. */
const FURTHER = 500

/** Why a document is not whole. `again`: reading it once more may help. */
export interface Fault {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly again: boolean
}

/** Sends one query and gives its data and the size of the reply. */
export type Ask = (text: string, variables: Readonly<Record<string, unknown>>) => Promise<{ data: Raw; bytes: number }>

interface Collection {
  totalCount?: number
  edges?: { node?: Raw | null }[]
  pageInfo?: { endCursor?: string | null; hasNextPage?: boolean }
}

/** The version a document had when it was read: `_etag` and change stamp. */
const versionOf = (entity: ResolvedEntity, node: Raw): string =>
  JSON.stringify(
    versionFields(entity)
      .slice(1)
      .map((field) => node[field] ?? null),
  )

const collectionOf = (owner: Raw, field: string): Collection | undefined =>
  (memberOf(owner, field) as { query?: Collection | null } | null | undefined)?.query ?? undefined

/** Whether every list of an element has as many elements as X3 counts. Cheap: called for each document. */
export function isWhole(owner: Raw, lists: readonly ResolvedList[]): boolean {
  for (const list of lists) {
    const collection = collectionOf(owner, list.field)
    const edges = collection?.edges
    if (!edges || edges.length !== collection.totalCount) return false
    if (list.lists.length === 0 && !list.dimensions) continue
    for (let i = 0; i < edges.length; i++) {
      const node = edges[i]?.node
      if (!node || !isWhole(node, list.lists)) return false
      if (list.dimensions) {
        const owner = ownerOf(node, list.dimensions)
        const dimensions = owner && collectionOf(owner, list.dimensions.field)
        if (dimensions?.edges?.length !== dimensions?.totalCount) return false
      }
    }
  }
  return true
}

/**
 * Completes the lists of a document in place. A fault is given back when it changed between two pages, does not come to
 * the count X3 names, or is too large to be carried as one record.
 */
export async function complete(entity: ResolvedEntity, document: Raw, ask: Ask): Promise<Fault | undefined> {
  const version = versionOf(entity, document)
  let bytes = 0

  const fill = async (
    owner: Raw,
    nodes: NodeRef | undefined,
    field: string,
    selection: () => string,
    first: boolean,
  ): Promise<Fault | undefined> => {
    const start = collectionOf(owner, field)
    const total = start?.totalCount
    if (!start?.edges || total === undefined) return incomplete(`X3 gave no ${field}`)
    if (first && total > MAX_LINES) return tooLarge(`it has ${total.toLocaleString('en-US')} lines`)
    if (start.edges.length === total) return undefined
    if (!nodes)
      return incomplete(`${field} has ${total} elements, more than one page, and this X3 has no node to read them by`)
    // Only the outermost list knows where its first page ended; inner ones are read from their beginning.
    let after = start.pageInfo?.endCursor ?? null
    if (after === null) start.edges.length = 0
    const text = morePages(entity, nodes, field, selection())
    while (start.edges.length < total) {
      const reply = await ask(text, { document: document._id, owner: owner._id, first: FURTHER, after })
      bytes += reply.bytes
      if (bytes > MAX_DOCUMENT_BYTES) return tooLarge(`it is greater than ${MAX_DOCUMENT_BYTES / MEGABYTE} MB`)
      const header = nodeIn(reply.data.document, entity.nodes)
      const more = nodeIn(reply.data.more, nodes)
      const page = more && collectionOf(more, field)
      if (!header || versionOf(entity, header) !== version || page?.totalCount !== total) {
        return { code: 'x3.changed', message: 'it changed while its lines were read', again: true }
      }
      if (!page.edges || page.edges.length === 0)
        return incomplete(`${start.edges.length} of ${total} elements of ${field} came`)
      start.edges.push(...page.edges)
      after = page.pageInfo?.endCursor ?? null
      if (after === null && start.edges.length < total)
        return incomplete(`${start.edges.length} of ${total} elements of ${field} came`)
    }
    return start.edges.length === total
      ? undefined
      : incomplete(`${start.edges.length} instead of ${total} elements of ${field} came`)
  }

  const walk = async (
    owner: Raw,
    nodes: NodeRef | undefined,
    lists: readonly ResolvedList[],
    first: boolean,
  ): Promise<Fault | undefined> => {
    for (const list of lists) {
      const fault = await fill(owner, nodes, list.field, () => selectElement(list), first)
      if (fault) return fault
      if (list.lists.length === 0 && !list.dimensions) continue
      for (const { node } of collectionOf(owner, list.field)?.edges ?? []) {
        if (!node) return incomplete(`an element of ${list.field} is empty`)
        const inner = await walk(node, list.nodes, list.lists, false)
        if (inner) return inner
        const places = list.dimensions && ownerOf(node, list.dimensions)
        if (list.dimensions && places) {
          const { via, field, type, code } = list.dimensions
          const short = await fill(places, via ? undefined : list.nodes, field, () => selectPaths([type, code]), false)
          if (short) return short
        }
      }
    }
    return undefined
  }
  return walk(document, entity.nodes, entity.lists, true)
}

function nodeIn(at: unknown, nodes: NodeRef): Raw | undefined {
  const operations = (at as Record<string, { read?: Raw | null } | undefined> | null | undefined)?.[nodes.node]
  return operations?.read ?? undefined
}

const incomplete = (what: string): Fault => ({
  code: 'x3.incomplete',
  message: `it came incomplete: ${what}`,
  again: true,
})

const tooLarge = (what: string): Fault => ({
  code: 'x3.document-too-large',
  message: `${what}: too large to be one record (at most ${MAX_LINES.toLocaleString('en-US')} lines and ${MAX_DOCUMENT_BYTES / MEGABYTE} MB)`,
  hint: 'Leave it out with a filter on the entity, and load it by an export of X3.',
  again: false,
})
