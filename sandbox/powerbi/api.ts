import type { FaultPlan } from '../faults.ts'

/** Clouds of Power BI; each has its own authority and resource. */
export type Cloud = 'public' | 'usgov-gcc' | 'usgov-high' | 'usgov-dod' | 'china'

/** Right of the service principal on a workspace; `none` hides it. */
export type Role = 'Admin' | 'Member' | 'Contributor' | 'Viewer' | 'none'

export interface Workspace {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** On Premium or Fabric capacity: enhanced refreshes are taken, and no daily cap. */
  readonly dedicated: boolean
}

/** A column as a client declares it. */
export interface Column {
  name: string
  dataType: string
  formatString?: string
  sortByColumn?: string
  dataCategory?: string
  isHidden?: boolean
  summarizeBy?: string
}

export interface Measure {
  name: string
  expression: string
  formatString?: string
  description?: string
  isHidden?: boolean
}

export interface Table {
  name: string
  columns: Column[]
  measures?: Measure[]
  isHidden?: boolean
  description?: string
}

export interface Relationship {
  name: string
  fromTable: string
  fromColumn: string
  toTable: string
  toColumn: string
  crossFilteringBehavior?: string
}

export type Mode = 'Push' | 'Streaming' | 'PushStreaming' | 'Import'
export type Retention = 'None' | 'basicFIFO'

/** A dataset (semantic model) of the sandbox. `Import` is one made from a file or a warehouse: no rows can be pushed. */
export interface Dataset {
  readonly id: string
  readonly workspace: string
  readonly name: string
  readonly mode: Mode
  readonly retention: Retention
  readonly createdAt: number
  /** Lists show it from then on. */
  readonly listedAt: number
  tables: Table[]
  relationships: Relationship[]
}

/** A dataset that is there without a client having made it. */
export interface DatasetSeed {
  /** The default workspace unless told. */
  workspace?: string
  name: string
  /** `Push` unless told. */
  mode?: Mode
  retention?: Retention
  tables: Table[]
  relationships?: Relationship[]
}

/** The published limits of push datasets; each can be moved, null takes it away. */
export interface Limits {
  columnsPerTable: number | null
  tables: number | null
  relationships: number | null
  rowsPerPost: number | null
  bytesPerPost: number | null
  /** Characters of one text value in POST rows. */
  textLength: number | null
  /** Within any 3600 s, per dataset. */
  rowsPerHour: number | null
  /** Within any 60 s, per dataset. */
  postsPerMinute: number | null
  /** Within any 3600 s, once a table of the dataset has `bigTableRows`. */
  postsPerHourWhenBig: number | null
  bigTableRows: number
  /** POST rows under way per dataset. */
  pendingPosts: number | null
  /** basicFIFO: beyond `fifoUpper` a table is trimmed to the newest `fifoRows`. */
  fifoRows: number
  fifoUpper: number
  /** Rows a table with retention `None` can hold. */
  rowsPerTable: number | null
  queriesPerMinute: number | null
  queryRows: number | null
  queryValues: number | null
  /** Refreshes in 24 hours on shared capacity. */
  refreshesPerDay: number | null
}

/** What Microsoft does not document: each reaction is a guess that can be replaced. */
export interface Assumed {
  /** Limits on one request or its values: rows, text length. */
  tooMuch: { status: number; code: string }
  /** A body over the limit in bytes. */
  tooLarge: { status: number; code: string }
  /** POST over a rate: minute, big table, pending. */
  tooOften: { status: number; code: string }
  /** A table with retention `None` that is full. */
  tableFull: { status: number; code: string }
  unknownColumn: 'refuse' | 'ignore'
  wrongType: 'refuse' | 'blank'
  /** Status of a workspace that the principal has no role on, and of writing as a Viewer. */
  noRole: 401 | 404
  refreshBusy: 400 | 409
  refreshCap: 400 | 429
  /** `X-PowerBI-PushData-SequenceNumber`: the service has never heard of it; keeps the last; refuses numbers up to the last. */
  sequenceNumbers: 'off' | 'recorded' | 'refuses'
}

/** What can be turned while the server runs. */
export interface Tuning {
  /** Added to each reply, ms. */
  latencyMs: number
  /** Life time of access tokens, s. */
  tokenSeconds: number
  /** Seconds after which a token is to be refreshed; 0 sends none. */
  refreshIn: number
  /** How long the pause is from a POST's commit until executeQueries sees its rows, ms: fixed, or drawn between two. */
  visibleAfterMs: number | readonly [least: number, most: number]
  /** Tenant setting "Service principals can call Fabric public APIs". */
  servicePrincipals: boolean
  /** Tenant setting "Dataset Execute Queries REST API". */
  executeQueries: boolean
  /** Off: creating a real-time dataset answers `FeatureDeprecatedError`. */
  creation: boolean
  /** 202 makes creation go on: the dataset is listed after `createMs`. */
  createdStatus: 201 | 202
  createMs: number
  /** How long a refresh runs. */
  refreshMs: number
  /** Each refresh ends so; `hang` never ends. */
  refreshEnds: 'Completed' | 'Failed' | 'hang'
  limits: Limits
  assumed: Assumed
}

/** A part of each group is enough; the rest stays. */
export type TuningChange = Partial<Omit<Tuning, 'limits' | 'assumed'>> & {
  limits?: Partial<Limits>
  assumed?: Partial<Assumed>
}

/** One accepted POST rows; nothing is left out when a batch came twice. */
export interface AcceptedPost {
  readonly number: number
  /** By the sandbox's clock, ms. */
  readonly at: number
  readonly dataset: string
  readonly table: string
  readonly rows: number
  readonly bytes: number
  /** From when executeQueries sees it, ms. */
  readonly visibleAt: number
}

/** A request as it came, for checks against the published contract. */
export interface LoggedRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  /** Parsed where it is JSON. */
  readonly body: unknown
  readonly bytes: number
  /** What was answered; 0 where the connection was dropped. */
  readonly status: number
}

/** A stored value: exact text for decimals and 64-bit integers, `2026-07-28 00:00:00` for times. */
export type Value = string | number | boolean | null

export interface PowerbiOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Database file to keep datasets and rows in. In memory without. */
  file?: string
  /** Folder that keeps the CA and the app's certificate. */
  ca?: string
  /** What limits, visibility, refreshes and tokens go by; the machine's unless told. */
  clock?: { now(): number }
  cloud?: Cloud
  tenant?: string
  clientId?: string
  clientSecret?: string
  /** The first is the default one; `Finance` (Contributor, shared capacity) unless told. */
  workspaces?: readonly { id?: string; name: string; role?: Role; dedicated?: boolean }[]
  faults?: FaultPlan
  tuning?: TuningChange
  /** Called after each request of the REST API. */
  onRequest?: (request: LoggedRequest) => void
}

export interface PowerbiSandbox {
  readonly port: number
  /** `https://localhost:<port>`: the identity platform, without the tenant. */
  readonly authorityHost: string
  /** The same origin: the API is below `/v1.0/myorg`. */
  readonly apiUrl: string
  /** What a token is asked for, `+ '/.default'`. */
  readonly resource: string
  readonly caPem: string
  readonly tenant: string
  readonly clientId: string
  readonly clientSecret: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  /** The default workspace. */
  readonly workspace: { readonly id: string; readonly name: string }
  workspaces(): Workspace[]
  setRole(workspace: string, role: Role): void
  datasets(): Dataset[]
  /** Makes a dataset beside the API; gives its id. */
  addDataset(seed: DatasetSeed): Promise<string>
  /** Deletes it beside the API, as another user would. */
  removeDataset(id: string): Promise<void>
  /** Every accepted POST, oldest first. */
  posts(): Promise<AcceptedPost[]>
  /** Columns of a table as stored; undefined where there is none. */
  columns(dataset: string, table: string): string[] | undefined
  /** What the table holds now, a few thousand rows at a time, cells in the order of `columns`. */
  rows(dataset: string, table: string, columns?: readonly string[]): AsyncGenerator<Value[][]>
  /**
   * SQL on what is stored: `datasets` (id, workspace, name, created_at, deleted), `posts` (number, posted_at, dataset, table_name,
   * row_count, bytes, visible_at), and per table `"<dataset id>"."<table>"` (what it holds now) and
   * `"<dataset id>"."<table> (log)"` (every row ever accepted, with `__post`, `__row`, `__visible`, `__gone`).
   */
  query(sql: string): AsyncGenerator<Value[][]>
  /** Requests of all kinds, accepted POST rows, their rows, and requests by site such as `rows-post`. */
  stats(): { requests: number; posts: number; rows: number } & Record<string, number>
  faults(): FaultPlan
  /** Replaces the plan; without one nothing goes wrong from now on. */
  setFaults(plan?: FaultPlan): void
  tune(change: TuningChange): void
  close(): Promise<void>
}
