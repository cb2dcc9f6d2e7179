import { json, type Reply } from '../http.ts'
import type { Dataset, Tuning, Workspace } from './api.ts'
import { notAuthorized, notFound, refuse } from './errors.ts'
import type { PushBook, Window } from './limits.ts'
import type { Store } from './store.ts'

/** A refresh that was asked for. */
export interface Refresh {
  readonly id: string
  readonly type: 'ViaApi' | 'ViaEnhancedApi'
  readonly startedAt: number
  /** What the request said, for enhanced ones. */
  readonly options: Readonly<Record<string, unknown>>
  /** Infinite for one that never ends. */
  endsAt: number
  ends: 'Completed' | 'Failed' | 'Cancelled'
}

/** Everything the handlers work on. */
export interface Service {
  readonly store: Store
  readonly tuning: Tuning
  readonly clientId: string
  readonly workspaces: Map<string, Workspace>
  readonly datasets: Map<string, Dataset>
  /** How many rows each table holds now, by dataset and table. */
  readonly counts: Map<string, number>
  readonly books: Map<string, PushBook>
  readonly refreshes: Map<string, Refresh[]>
  readonly sequences: Map<string, number>
  readonly queries: Window
  readonly totals: { posts: number; rows: number }
  now(): number
  /** Half of what is added to each request. */
  pause(): Promise<void>
}

/** One request to the REST API, after its token was found good. */
export interface Call {
  readonly method: string
  readonly url: URL
  /** The parts of the path below `/v1.0/myorg`, decoded. */
  readonly path: readonly string[]
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export const countKey = (dataset: string, table: string): string => `${dataset} ${table}`

/** An answer with content, as OData has it; `context` is what stands behind `$metadata#`. */
export function odata(workspace: string | undefined, context: string, body: object, status = 200): Reply {
  const root = 'https://wabi-sandbox-redirect.analysis.windows.net/v1.0/myorg'
  const place = workspace === undefined ? root : `${root}/groups/${workspace}`
  return json(
    status,
    { '@odata.context': `${place}/$metadata#${context}`, ...body },
    {
      'content-type': 'application/json; odata.metadata=minimal',
    },
  )
}

/** An answer without content. */
export function nothing(status = 200): Reply {
  return { status, headers: { 'content-type': 'application/octet-stream' }, body: Buffer.alloc(0) }
}

/** The workspace, where the principal may read it, or write to it. */
export function workspaceOf(service: Service, id: string, writes: boolean): Workspace {
  const workspace = service.workspaces.get(id.toLowerCase())
  if (!workspace) throw refuse(notFound())
  const { noRole } = service.tuning.assumed
  if (workspace.role === 'none' || (writes && workspace.role === 'Viewer')) throw refuse(notAuthorized(noRole))
  return workspace
}

export function datasetOf(service: Service, workspace: string, id: string): Dataset {
  const dataset = service.datasets.get(id.toLowerCase())
  if (!dataset || dataset.workspace !== workspace) throw refuse(notFound())
  return dataset
}
