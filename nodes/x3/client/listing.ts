/** Keys and change stamps of an entity, nothing else: what the sweep compares. */
import { syncError } from '../../../sync/contract/errors.ts'
import { keyText, type Schema } from '../../../sync/contract/message.ts'
import type { EntityPlan, Listing } from '../../../sync/contract/source.ts'
import type { X3Connection } from './connection.ts'
import { compileConverter } from './convert.ts'
import { pageOf } from './dimensions.ts'
import { pageRetry } from './page-retry.ts'
import type { ResolvedEntity } from './resolve.ts'
import { pageQuery, selectPaths } from './select.ts'

/** Keys are small: pages are larger than those of records, and are halved where X3 does not answer them. */
export const LISTED_AT_ONCE = 1000

export interface ListingOptions {
  readonly schema: Schema
  /** Value of the `source` column. */
  readonly source: string
  /** The same as that of the walks, without stamps. */
  readonly filter: string | undefined
  readonly waiting?: (what: string) => void
}

export function createListing(
  connection: X3Connection,
  entity: ResolvedEntity,
  { schema, source, filter, waiting }: ListingOptions,
): NonNullable<EntityPlan['list']> {
  const columns = entity.columns.filter(({ def }) => entity.def.key.includes(def.name))
  const paths = columns.flatMap(({ path }) => (path ? [path] : []))
  const text = pageQuery(
    entity.nodes,
    entity.queryArgs,
    selectPaths(paths, entity.stamp ? [entity.stamp.field] : []),
    'total',
  )
  const convert = compileConverter(
    { ...entity, columns, lists: [] },
    { source, dimensions: new Map(), chosenDimensionsOnly: true },
  )
  const what = `${entity.def.entity}, keys`
  const { sized } = pageRetry(connection, { pageSize: LISTED_AT_ONCE, ...(waiting ? { waiting } : {}) })
  return ({ cursor, nextRead, signal }) =>
    sized(async (first): Promise<Listing> => {
      const variables = { first, after: cursor, filter: filter ?? null, orderBy: '{"_id":1}' }
      const onAttempt = () => void nextRead()
      const { data, notices } = await connection.query(text, variables, { what, signal, onAttempt, retry: false })
      const { edges, pageInfo, totalCount } = pageOf(data, entity.nodes.root, entity.nodes.node)
      if (typeof totalCount !== 'number')
        throw syncError('transient', 'x3.shape', `${what}: X3 did not say how many there are`, {
          entity: entity.def.entity,
        })
      const keys = edges.map(({ node }) => {
        if (!node)
          throw syncError('transient', 'x3.shape', `${what}: X3 gave an empty record in a page`, {
            entity: entity.def.entity,
          })
        const record = convert(node)
        return { key: keyText(schema, record), stamp: record._stamp ?? null }
      })
      return {
        keys,
        total: totalCount,
        cursor: pageInfo?.hasNextPage ? (pageInfo.endCursor ?? edges.at(-1)?.cursor ?? null) : null,
        ...(notices.length > 0 ? { notices } : {}),
      }
    }, signal)
}
