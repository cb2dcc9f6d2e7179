import type { RetryOptions } from '../../../sync/contract/retry.ts'
import type { PostLimits } from './post.ts'

/** What powerbi-push is told, for all of its entities. */
export interface PowerbiTargetOptions {
  readonly workspace: string
  /** `create`: a dataset of its own for each entity, by this name. `adopt`: one that is there, by its id. */
  readonly dataset: { readonly kind: 'create'; readonly name: string } | { readonly kind: 'adopt'; readonly id: string }
  /** Pattern of table names: `{entity}`. */
  readonly tables: string
  readonly amounts: readonly string[]
  readonly retention: 'None' | 'basicFIFO'
  readonly relationships: boolean
  /** A changed record is appended. `rebuild`: besides, a full refresh empties the tables and loads them anew. */
  readonly changes: 'versions' | 'rebuild'
  /** Whether Power BI may be asked by DAX what became of a post. */
  readonly ask: boolean
  /** Where it cannot be asked: `miss` sends nothing twice, `repeat` sends again; listed as in doubt either way. */
  readonly doubt: 'miss' | 'repeat'
  readonly settleMs: number
  readonly cutTexts: boolean
  readonly limits: PostLimits
  readonly retry?: Partial<RetryOptions>
}
