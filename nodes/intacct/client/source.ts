/** What a source of Intacct is made from, and what all its walks share. */
import type { Page } from '../../../sync/contract/source.ts'
import type { Audit } from './audit.ts'
import type { IntacctConnection } from './connection.ts'
import type { Pages } from './pages.ts'
import type { ExtraField } from './resolve.ts'
import type { IntacctSchema } from './schema.ts'
import type { Shared } from './shared.ts'

export interface IntacctSourceOptions {
  /** Value of the `source` column. */
  readonly source: string
  /** All entities of the node: their deletions are asked for in one call. */
  readonly entities: readonly string[]
  /** Objects behind entities that are none of ours: `{arinvoice: 'ARINVOICE'}`. */
  readonly objects?: Readonly<Record<string, string>>
  /** Rows of one page, default and at most 2000; halved while Intacct cannot answer. */
  readonly pageSize?: number
  /** Default 60 s. */
  readonly lagSeconds?: number
  /** Default two hours: records may become visible late. */
  readonly overlapSeconds?: number
  /** `audit`: by the audit history where it may be read; `off`: by the sweep alone. */
  readonly deletions?: 'audit' | 'off'
  /** Journals that need not balance. */
  readonly statisticalJournals?: readonly string[]
  /** By entity: names of sensitive columns that were chosen. */
  readonly sensitive?: Readonly<Record<string, readonly string[]>>
  readonly extraFields?: Readonly<Record<string, readonly ExtraField[]>>
  /** Calls a month that the plan of the company allows, and the share of it above which an alert is raised. */
  readonly budget?: { readonly allowance: number; readonly alertShare: number }
  /** Told what a retry waits for. */
  readonly waiting?: (what: string) => void
}

export const BACKFILL = 'backfill'
export const NOTHING: Page = { records: [], cursor: null }

/** What all walks of a source share. */
export interface SourceParts {
  readonly connection: IntacctConnection
  readonly schema: IntacctSchema
  readonly options: IntacctSourceOptions
  readonly audit: Audit
  readonly shared: Shared
  readonly pagesOf: (what: string, object?: string, essential?: readonly string[]) => Pages
}
