/** Which hosts this process has heard of: a name that is not found any more is an outage, one that never was is wrong. */

/** How long a name that was never reached is looked for. */
const MOST_MS = 60_000
/** A gap after which the looking begins anew: the next run. */
const GAP_MS = 120_000

const reached = new Set<string>()
const looking = new Map<string, { readonly since: number; readonly last: number }>()

/** Something answered under this name. */
export function hostAnswered(host: string): void {
  reached.add(host.toLowerCase())
  looking.delete(host.toLowerCase())
}

/** Told of each time that a name is not found; whether it counts as wrong by now. */
export function isWrongHost(host: string, now: number = Date.now()): boolean {
  const name = host.toLowerCase()
  if (reached.has(name)) return false
  const before = looking.get(name)
  const since = before && now - before.last < GAP_MS ? before.since : now
  looking.set(name, { since, last: now })
  return now - since >= MOST_MS
}
