/** Running sums of what was delivered to an address, by company, ledger, month and currency: as read and as delivered. */

/** What one record adds (`Contribution.text`): as it was read, as our own nodes made it, as it was delivered. */
export interface Counts {
  readonly read: string
  readonly declared: string
  readonly delivered: string
}

/** By how much a commit changes the sums of an address; `all`: each of the three alike. */
export interface GroupChange extends Partial<Counts> {
  readonly all?: string
}

/** The sums of one group: how many rows, and debit and credit of each amount, as one part of a `Contribution.text` without its number. */
export interface GroupSum extends Counts {
  /** Its number. */
  readonly group: number
}

export interface GroupSums {
  /** Number of a group, the same for ever; `text` tells it from all others. It is on disk with the first commit behind. */
  groupNumber(text: string): number
  /** Undefined: there is none of that number. */
  groupText(group: number): string | undefined
  groupSums(address: string): Promise<readonly GroupSum[]>
}
