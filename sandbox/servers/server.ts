import type { FaultPlan, Profile, SiteFaults } from '../faults.ts'
import type { History } from '../history.ts'

/** What a server of the sandbox stands on when it is started as a part of the whole. */
export interface Ground {
  readonly history: History
  /** Folder for what must survive a restart; undefined where nothing is kept. */
  readonly folder: string | undefined
  /** The port under this name: the same after a restart where things are kept, otherwise 0 for a free one. */
  port(name: string): Promise<number>
  /** A random secret that is the same after a restart. */
  secret(name: string): string
  readonly options: GroundOptions
}

export interface GroundOptions {
  /** X3's port; 0 takes that of the ground. */
  readonly x3Port: number
  readonly generation: 'current' | 'quantityLines' | '2021' | 'sage'
  /** The door of X3 whose faults are played. */
  readonly door?: string
  /** What stands in Basware at the beginning. */
  readonly basware?: 'sent' | 'byHand'
  /** Books that stand still: a source keeps its replies, for benches. */
  readonly prepared: boolean
}

/** Counts since the start; sources have requests alone. */
export interface ServerStats {
  readonly requests: number
  /** What the demo reports as such. */
  readonly statements?: number
  /** Statements that write, and files that were uploaded. */
  readonly merges?: number
  readonly files?: number
}

/** A server as the sandbox's process and its control address see it. */
export interface RunningServer {
  /** Where it is and what opens it, as it is told to whoever starts the sandbox. */
  readonly addresses: Readonly<Record<string, string | number>>
  /** What its fault plan is made from. */
  readonly sites: Readonly<Record<string, SiteFaults>>
  stats(): ServerStats
  setFaults(plan: FaultPlan, profile: Profile): void
  /** Milliseconds added to each reply or statement. */
  setLatency(ms: number): void
  /** A source: a business day has begun. */
  newDay?(): void
  /** A prepared source: bodies of the requests whose replies are kept, in the order of their first coming. */
  keptRequests?(): readonly string[]
  /** A source: rights of its API user, taken and given back by name; `allow` without a name gives all back. */
  readonly rights?: {
    deny(name: string): void
    allow(name?: string): void
    denied(): readonly string[]
  }
  /** What people do in the system, by name, and gives what they see of it. Throws where it cannot be done. */
  acts?(name: string, what: unknown): unknown
  /** A target: rows of what is stored, behind the protocol's back; decimals, timestamps and 64-bit integers as exact text. */
  query?(sql: string): AsyncIterable<readonly unknown[]>
  close(): Promise<void>
}

export type StartServer = (ground: Ground) => Promise<RunningServer>
