/** How a tenant words its invoices where the contract leaves it open. The first of each is the default. */
export interface Habits {
  /**
   * Negative sums under the type of credit notes, positive sums under it, or negative sums under the type of invoices:
   * no field of the contract says that a document is a credit note.
   */
  readonly creditNotes: 'negative' | 'positive' | 'negativeUntyped'
  /** The tax that the buyer owes stands in `taxSum2` and `taxPercent2`, or only the tax code tells. */
  readonly reverseCharge: 'second' | 'code'
  /** Only the tax code tells, or what may not be deducted stands in `taxSum2` and `taxPercent2` too. */
  readonly partialDeduction: 'code' | 'second'
  /** Dates with `T00:00:00Z`, or without a zone. */
  readonly dates: 'zone' | 'bare'
}

export const HABITS: Habits = {
  creditNotes: 'negative',
  reverseCharge: 'second',
  partialDeduction: 'code',
  dates: 'zone',
}

/** A day (`YYYY-MM-DD`) as the tenant writes it. */
export const dateAs = (habits: Habits, day: string): string => `${day}T00:00:00${habits.dates === 'zone' ? 'Z' : ''}`
