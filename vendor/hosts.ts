/** Which hosts have answered, in this process or before it: a name that is not found any more is an outage, one that never was is wrong. */

/** How long a name that was never reached is looked for. */
const MOST_MS = 60_000
/** A gap after which the looking begins anew: the next run. */
const GAP_MS = 120_000

const reached = new Set<string>()
const looking = new Map<string, { readonly since: number; readonly last: number }>()

/** Who keeps the names for the next process. */
const keepers = new Set<(host: string) => void>()

/** Something answered under this name. */
export function hostAnswered(host: string): void {
  const name = host.toLowerCase()
  if (reached.has(name)) return
  reached.add(name)
  looking.delete(name)
  for (const keep of keepers) keep(name)
}

/** These names answered in processes before; `keep` is told of each that answers from now on. Returns the way back. */
export function rememberHosts(before: readonly string[], keep: (host: string) => void): () => void {
  for (const host of before) reached.add(host)
  keepers.add(keep)
  return () => void keepers.delete(keep)
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
