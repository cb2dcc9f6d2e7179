/** A server's clock, by what its replies say. */

/** Time as a server has it, learnt from the `Date` of its replies. */
export interface ServerClock {
  /** Milliseconds since 1970 by the server's clock. */
  now(): number
  /** Takes the `Date` header of a reply. */
  learn(date: string | undefined): void
  /** `Date` of the last reply where that came within the last `ms`: the server's time was this or later. */
  heard(ms: number): number | undefined
  /** Server minus local time in seconds; undefined before the first reply. */
  differenceSeconds(): number | undefined
}

export function serverClock(local: () => number = Date.now): ServerClock {
  let offset: number | undefined
  let last: { readonly server: number; readonly at: number } | undefined
  return {
    now: () => local() + (offset ?? 0),
    learn(date) {
      const server = date === undefined ? Number.NaN : Date.parse(date)
      if (Number.isNaN(server)) return
      const at = local()
      offset = server - at
      last = { server, at }
    },
    heard(ms) {
      const age = last === undefined ? Number.NaN : local() - last.at
      return age >= 0 && age <= ms ? last?.server : undefined
    },
    differenceSeconds: () => (offset === undefined ? undefined : Math.round(offset / 1000)),
  }
}
