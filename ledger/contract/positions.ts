/** How far each entity of a sync was read, and what was taken over from another ledger. */

/** Position of one walk of one entity of one sync. */
export interface WindowState {
  readonly from: string | null
  readonly bound: string | null
  /** What *read through* becomes when the window is finished. */
  readonly through: string | null
  /** Our own clock when the source's clock was asked for this window. */
  readonly at: string
  /** Cursor of the last settled record of each walk that is under way; `null`: not begun; a finished walk is `true`. */
  readonly walks: Readonly<Record<string, string | true | null>>
  /** Contract of the entity (`Schema.contract`) that the window is read under; absent: the first. */
  readonly contract?: number
}

export interface Position {
  /** Identity of what was read: source address, entity, filter. */
  readonly identity: string
  readonly readThrough: string | null
  /** Our own clock when the source's clock gave `readThrough`: shows later whether the source's clock was set back meanwhile. */
  readonly readAt?: string | null
  readonly window: WindowState | null
  /** Contract under which everything was read that is in the targets; absent: the first. */
  readonly contract?: number
}

/** Work of another ledger that this one took over from the target's mark. */
export interface Adoption {
  readonly sync: string
  readonly entity: string
  /** Id of the other ledger. */
  readonly ledger: string
  /** Highest read number in its mark then. */
  readonly read: number
}

/** How far each entity of a sync was read. */
export interface Positions {
  position(sync: string, entity: string): Promise<Position | undefined>
  savePosition(sync: string, entity: string, position: Position): Promise<void>
  clearPositions(sync: string): Promise<void>
  /** Has the ledger delivered anything for this sync, in the runs that it still knows? */
  hasMemory(sync: string): Promise<boolean>
  adopted(sync: string): Promise<readonly Adoption[]>
  adopt(adoption: Adoption): Promise<void>
}
