/** How fast a run reads. */

/** Over how long the rate is taken. */
const RATE_MS = 60_000

/** How many rows were read at moments of the last minute. */
export interface Pace {
  /** `at`: milliseconds, only growing. */
  told(at: number, rows: number): void
  /** Rows a second. */
  rate(at: number, rows: number): number
}

export function newPace(at: number): Pace {
  let samples = [{ at, rows: 0 }]
  return {
    told(now, rows) {
      samples = [...samples.filter((one) => now - one.at < RATE_MS), { at: now, rows }]
    },
    rate(now, rows) {
      const first = samples[0]
      return first && now > first.at ? Math.round(((rows - first.rows) * 1000) / (now - first.at)) : 0
    },
  }
}
