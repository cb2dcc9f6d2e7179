/**
 * What can go wrong with one request. The first group every server plays in the same way; the last four belong to
 * a SQL warehouse.
 * - `token-expired`: the presented token is refused from now on; `unauthorized`: refused this once.
 * - `throttled`: 429 with Retry-After; `server-error`: 500; `unavailable`: 503. Nothing was done.
 * - `timeout`: no answer, then the connection is dropped; whether the request was done alternates.
 * - `reset-before`, `reset-after`: the connection is dropped before or after the request was done.
 * - `error-after`: done, but the reply is a 500.
 * - `cut-body`: done, half of the reply, then the connection is dropped; `broken-body`: done, but the reply is an HTML page.
 * - `slow`: done and answered, late.
 * - `partial-errors`: 200 whose data lacks a part, with the reason in `errors` beside it; GraphQL, and Intacct as a failed result
 *   with a part of its rows.
 */
export type FaultKind =
  | 'token-expired'
  | 'unauthorized'
  | 'throttled'
  | 'server-error'
  | 'unavailable'
  | 'timeout'
  | 'reset-before'
  | 'reset-after'
  | 'error-after'
  | 'cut-body'
  | 'broken-body'
  | 'slow'
  | 'partial-errors'
  | 'cold-start'
  | 'session-lost'
  | 'concurrent-append'
  | 'lock-timeout'

/** `calm` plays nothing, `rough` each kind once or twice per server, `hostile` each kind three times at every site. */
export type Profile = 'calm' | 'rough' | 'hostile'

/** A site is one kind of request a server tells apart, such as `token` or `execute:merge`. */
export interface SiteFaults {
  kinds: readonly FaultKind[]
  /** How often each kind is played here under `hostile`; 3 unless told. */
  times?: number
  /**
   * The fault that makes clients send this kind of request, where they seldom do by themselves. Under `hostile` it goes on
   * being played, at the sites that know it, until everything planned here has been played.
   */
  provokedBy?: FaultKind
  /** The only sites at which it does so; every site that knows the fault unless told. */
  provokedAt?: readonly string[]
  /** These requests come once, at the beginning: while something is planned here, other sites leave it room for a while. */
  scarce?: boolean
  /** Requests come seldom: a rough fault that no other site knows does not wait for its turn here. */
  few?: boolean
}

/** How long the delaying kinds last. */
export interface FaultDelays {
  slowMs: number
  timeoutMs: number
  retryAfterSeconds: number
}

/** A fault that was planned for a site that has had requests, and has not been played often enough yet. */
export interface PendingFault {
  /** `*` under `rough`, where any site that knows the kind will do. */
  site: string
  kind: FaultKind
  missing: number
}

export interface FaultPlan {
  readonly delays: FaultDelays
  /** Called once per request, with its text where that is a statement or a query; says what shall go wrong with it, if anything. */
  next(site: string, text?: string): FaultKind | undefined
  /** Plays `kind` on the next `times` requests of `site`, before anything planned and in every profile. */
  force(site: string, kind: FaultKind, times?: number): void
  /** How often each fault was played, by `site/kind`. */
  met(): Record<string, number>
  pending(): PendingFault[]
  /** No more faults from now on, forced ones included. */
  stop(): void
}

interface Site {
  faults: SiteFaults
  queue: FaultKind[]
  requests: number
  /** Requests to leave alone before the next fault. */
  /** Requests of the whole server when its last one came. */
  last: number
  gap: number
  consecutive: number
  random: () => number
}

const CONSECUTIVE_LIMIT = 2
/**
 * One attempt may take a token, a session, a statement, a poll, its columns and its rows, each at a site of its own, and
 * several are under way at once. So after three failures of the whole server the requests of two attempts go well.
 */
const BURST_LIMIT = 3
const LONGEST_QUIET = 12
/** After so many requests without one, those that come at the beginning are not waited for: a run need not have them. */
const BEGINNING = 200
/** A provocation such as a dead token may hit all that is under way: it is over before the next one. */
const BETWEEN_PROVOCATIONS = 40
const DELAYS: FaultDelays = { slowMs: 300, timeoutMs: 1000, retryAfterSeconds: 1 }

/**
 * Plans faults for one server: the same profile, seed and order of requests give the same faults. They come early and
 * never so close together that a client that tries six times fails for good.
 */
export function createFaults(
  profile: Profile,
  seed: number,
  sites: Readonly<Record<string, SiteFaults>>,
  delays: Partial<FaultDelays> = {},
): FaultPlan {
  const random = generator(seed)
  const state = new Map<string, Site>()
  for (const [name, faults] of Object.entries(sites)) {
    const own = generator(seed ^ hash(name))
    const queue =
      profile === 'hostile'
        ? shuffle(
            faults.kinds.flatMap((kind) => Array<FaultKind>(faults.times ?? 3).fill(kind)),
            own,
          )
        : []
    state.set(name, { faults, queue, requests: 0, last: 0, gap: pick([0, 1], own), consecutive: 0, random: own })
  }
  const common = profile === 'rough' ? roughQueue(sites, random) : []
  const forced: { site: string; kind: FaultKind }[] = []
  const met: Record<string, number> = {}
  const quiet = Math.min(2 * state.size, LONGEST_QUIET)
  /** Failures since requests last went well for a while, and how many have gone well in a row. */
  let burst = 0
  let wells = 0
  let requests = 0
  /** When a provocation of a kind may come again, in requests. */
  const earliest = new Map<FaultKind, number>()
  let commonGap = 1
  let stopped = false

  /** A fault for a site that has had its own, so that a rare one gets requests; the rest of the burst is for those. */
  function provocation(at: string, { kinds }: SiteFaults): FaultKind | undefined {
    if (burst > 0) return undefined
    const wanted = [...state.values()]
      .filter(({ queue, faults }) => queue.length > 0 && (faults.provokedAt?.includes(at) ?? true))
      .map(({ faults }) => faults.provokedBy)
    const found = kinds.find((kind) => wanted.includes(kind) && requests >= (earliest.get(kind) ?? 0))
    if (found) earliest.set(found, requests + BETWEEN_PROVOCATIONS)
    return found
  }

  /** How many failures of a burst may have been before one at this site. */
  function roomFor(site: Site): number {
    const others = [...state.values()].some(
      ({ faults, queue, last }) => faults.scarce && queue.length > 0 && requests - last < BEGINNING,
    )
    return others && !site.faults.scarce ? BURST_LIMIT - CONSECUTIVE_LIMIT : BURST_LIMIT
  }

  const isOnlyAt = (at: string, kind: FaultKind): boolean =>
    Object.entries(sites).every(([name, { kinds }]) => kinds.includes(kind) === (name === at))

  function planned(name: string, site: Site): FaultKind | undefined {
    if (site.consecutive >= CONSECUTIVE_LIMIT || burst >= roomFor(site)) return undefined
    if (profile === 'hostile') {
      if (site.gap > 0 && !site.faults.scarce) {
        site.gap -= 1
        return undefined
      }
      site.gap = pick([0, 0, 1, 1], site.random)
      return site.queue.shift() ?? provocation(name, site.faults)
    }
    const own = site.faults.few ? common.findIndex((kind) => isOnlyAt(name, kind)) : -1
    if (own >= 0) return common.splice(own, 1)[0]
    if (commonGap > 0) {
      commonGap -= 1
      return undefined
    }
    const at = common.findIndex((kind) => site.faults.kinds.includes(kind))
    if (at < 0) return undefined
    commonGap = pick([1, 2, 3], random)
    return common.splice(at, 1)[0]
  }

  return {
    delays: { ...DELAYS, ...delays },
    next(name) {
      if (stopped) return undefined
      requests += 1
      const at = forced.findIndex((entry) => entry.site === name)
      const site = state.get(name)
      if (site) {
        site.requests += 1
        site.last = requests
      }
      const kind = at >= 0 ? forced.splice(at, 1)[0]?.kind : site && planned(name, site)
      const fails = kind !== undefined && kind !== 'slow'
      wells = fails ? 0 : wells + 1
      if (fails) burst += 1
      else if (wells >= quiet) burst = 0
      if (site) site.consecutive = fails ? site.consecutive + 1 : 0
      if (kind) met[`${name}/${kind}`] = (met[`${name}/${kind}`] ?? 0) + 1
      return kind
    },
    force(site, kind, times = 1) {
      for (let time = 0; time < times; time += 1) forced.push({ site, kind })
    },
    met: () => ({ ...met }),
    pending() {
      const seen = [...state].filter(([, site]) => site.requests > 0)
      const reachable = new Set(seen.flatMap(([, site]) => site.faults.kinds))
      return [
        ...seen.flatMap(([site, { queue }]) => count(queue, site)),
        ...count(
          common.filter((kind) => reachable.has(kind)),
          '*',
        ),
      ]
    },
    stop() {
      stopped = true
    },
  }
}

function roughQueue(sites: Readonly<Record<string, SiteFaults>>, random: () => number): FaultKind[] {
  const kinds = [...new Set(Object.values(sites).flatMap((site) => site.kinds))]
  const again = kinds.filter(() => random() < 0.5)
  return [...shuffle(kinds, random), ...shuffle(again, random)]
}

function count(kinds: readonly FaultKind[], site: string): PendingFault[] {
  return [...new Set(kinds)].map((kind) => ({ site, kind, missing: kinds.filter((other) => other === kind).length }))
}

function pick(values: readonly number[], random: () => number): number {
  return values[Math.floor(random() * values.length)] ?? 0
}

function shuffle<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}

function hash(text: string): number {
  let value = 2166136261
  for (const char of text) value = Math.imul(value ^ (char.codePointAt(0) ?? 0), 16777619)
  return value >>> 0
}

/** mulberry32: small, fast and the same on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
}
