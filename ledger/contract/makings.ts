/** What made rows: the fields that a source reads, the rules and codes of a mapping. By it is found which rows hold older values. */

/** What makes the rows of an entity, told so that two of them can be compared. */
export interface Making {
  /** `fields`: the columns that a source reads. `mapping`: a mapping node. */
  readonly kind: 'fields' | 'mapping'
  /** The sync, or the id of the mapping node. */
  readonly by: string
  readonly entity: string
  /** Rows of another text are other rows. */
  readonly rules: string
  /** Each that a row may have been made by; rows stay as they are as long as it is there, whatever comes to them. */
  readonly codes: readonly string[]
  /** Rows lack what comes to them. */
  readonly columns: readonly string[]
}

/** Rows of an entity at an address that hold what is not made so any more. */
export interface Outdated {
  readonly entity: string
  readonly address: string
  readonly sinkName: string
  /** `append`: what is read again becomes new versions there. `post`: what is posted keeps its values. */
  readonly mode: 'merge' | 'append' | 'post'
  /** Records, each a row of the header's table. */
  readonly rows: number
  /** Since when the oldest of their mappings was in use, ISO; null: there was none. Absent: the mapping is the same. */
  readonly mapping?: string | null
  /** Columns that they were read without. */
  readonly fields: readonly string[]
}

export interface Standing {
  /** Ids of the mapping nodes that records can come by now; undefined: nobody knows. Rows of another hold values of what is gone. */
  readonly mappings?: ReadonlySet<string> | undefined
  /** Milliseconds for which a count counts. */
  readonly mayBeOld?: number
}

export interface Makings {
  /** From now on the entity's rows are made so. Gives back its version, which stands in the ways of what was made so. */
  noteMaking(making: Making): Promise<string>
  /** Entities of which rows were made by it. */
  entitiesMade(kind: Making['kind'], by: string): Promise<readonly string[]>
  /**
   * What a sync delivered and is made otherwise now. Rows of which nobody knows what made them are not told. Nothing is counted
   * where nothing changed; else deliveries are looked through in pages, between which others get their turn.
   */
  outdated(sync: string, standing?: Standing): Promise<readonly Outdated[]>
  /**
   * The next run of the sync reads these records by key; what is posted is left out. False: nothing is queued, and everything is
   * to be read, since they are too many for that, or the source's key of some is not known.
   */
  readOutdatedAgain(sync: string, entities: readonly string[], standing?: Pick<Standing, 'mappings'>): Promise<boolean>
}
