/** Follows the results of what targets with two stages have accepted: in a run for a while, then with or without one. */
import type { Ledger } from '../../ledger/ledger.ts'
import type { FollowingSink } from '../contract/engine.ts'
import { asSyncError } from '../contract/errors.ts'
import type { Log } from '../contract/log.ts'
import { type ResultRules, resultRules } from '../contract/results.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { ResultFigures } from '../contract/summary.ts'
import type { Results, Target } from '../contract/target.ts'
import { type Clock, waitSaying } from '../contract/wait.ts'
import { type EntityRun, type Reached, type RunState, tallyOf } from '../run/state.ts'
import { createQueue } from '../values/queue.ts'
import { decide } from './decide.ts'

export interface ResultDeps {
  readonly ledger: Ledger
  readonly log: Log
  readonly clock: Clock
  /** Milliseconds, only growing. */
  readonly tick: () => number
  readonly retry?: Partial<RetryOptions>
}

export interface FollowedResults {
  attend(sink: FollowingSink): () => void
  /** Asks for all that is open; of one sync, or of all. Gives back how many are open after it. */
  look(sync?: string): Promise<number>
  /** Before a run: what was refused and is due is queued to be read again. */
  retry(sync: string): Promise<void>
  /** In a run: asks until the results of the entity are there, or the time is up. */
  wait(run: RunState, entity: EntityRun, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Records of one question, and of one transaction. */
const AT_ONCE = 10_000
const TOGETHER = 500

type Following = Target & { readonly results: Results }
const isFollowing = (target: Target | undefined): target is Following => target?.results !== undefined
const rulesOf = ({ results }: Following): ResultRules => ({ ...resultRules, ...results.rules })

export function createFollowedResults(deps: ResultDeps): FollowedResults {
  const { ledger, clock, log } = deps
  const sinks = new Set<FollowingSink>()
  const closed = new AbortController()
  /** One look at a time: two would end the same records. */
  const passes = createQueue()
  let woken = Promise.withResolvers<void>()
  let loop: Promise<void> | undefined

  const targetAt = async (address: string, entity: string): Promise<Following | undefined> => {
    for (const sink of sinks) {
      const target = await sink.target(entity).catch(() => undefined)
      if (isFollowing(target) && target.address === address) return target
    }
    return undefined
  }
  const lookAt = (target: Following, signal: AbortSignal): Promise<void> =>
    passes.run(() => askAll(deps, target, signal), signal)
  /** Places of open results, each with its target if that is deployed. */
  const places = async (sync?: string) => {
    const open = (await ledger.resultPlaces()).filter((place) => sync === undefined || place.sync === sync)
    return Promise.all(open.map(async (place) => ({ ...place, target: await targetAt(place.address, place.entity) })))
  }
  const look: FollowedResults['look'] = async (sync) => {
    const targets = new Set((await places(sync)).flatMap(({ target }) => target ?? []))
    for (const target of targets)
      await lookAt(target, closed.signal).catch((error: unknown) => {
        if (!closed.signal.aborted)
          log.warn(`${target.address} could not be asked for its results: ${asSyncError(error).message}`)
      })
    return (await places(sync)).reduce((sum, { pending }) => sum + pending, 0)
  }
  /** Until the engine is closed, as long as there is a sink. */
  const keepLooking = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await look().catch((error: unknown) => log.warn(`Results could not be asked for: ${asSyncError(error).message}`))
      const targets = (await places().catch(() => [])).flatMap(({ target }) => target ?? [])
      const every = Math.min(resultRules.everySeconds, ...targets.map((target) => rulesOf(target).everySeconds))
      const stop = new AbortController()
      const signal = AbortSignal.any([closed.signal, stop.signal])
      await Promise.race([clock.wait(every * 1000, signal).catch(() => undefined), woken.promise])
      stop.abort()
    }
  }
  const wake = (): void => {
    woken.resolve()
    woken = Promise.withResolvers()
  }
  return {
    attend(sink) {
      sinks.add(sink)
      loop ??= keepLooking()
      wake()
      return () => sinks.delete(sink)
    },
    look,
    async retry(sync) {
      if (sinks.size > 0) await ledger.retryRefused(sync)
    },
    async wait(run, entity, signal) {
      let isFollowed = false
      for (const made of entity.reached.values()) {
        const reached = await made.catch(() => undefined)
        if (!reached || !isFollowing(reached.target) || tallyOf(entity, reached.ref).counts.delivered === 0) continue
        const { target } = reached
        isFollowed = true
        await waitAt(deps, run, entity, { ...reached, target }, () => lookAt(target, signal), signal)
      }
      if (isFollowed) await retryNow(deps, run)
    },
    async close() {
      closed.abort()
      wake()
      await loop
      await passes.run(async () => undefined)
    },
  }
}

/** One look at everything that is open at an address. */
async function askAll({ ledger, clock, retry }: ResultDeps, target: Following, signal: AbortSignal): Promise<void> {
  const { address, results } = target
  const rules = rulesOf(target)
  const context = { signal, waiting: () => undefined }
  const again = { ...context, idempotent: true, renew: target.renew?.bind(target) }
  let after: { readonly since: string; readonly key: string } | undefined
  for (;;) {
    const pending = await ledger.pendingResults(address, AT_ONCE, after)
    after = pending.at(-1)
    if (after === undefined) return
    const said = await withRetry(() => results.follow(pending, context), again, {
      ...retry,
      ...target.retry,
      attempts: 3,
    })
    const now = clock.now()
    const ends = pending.flatMap((one) => decide(one, said.get(one.key), { now, rules, needs: results.needs }) ?? [])
    for (let at = 0; at < ends.length; at += TOGETHER) {
      await ledger.endResults(address, ends.slice(at, at + TOGETHER))
      // Others have their turn between.
      await new Promise(setImmediate)
    }
    if (pending.length < AT_ONCE) return
  }
}

async function waitAt(
  { ledger, clock, tick }: ResultDeps,
  run: RunState,
  entity: EntityRun,
  { target, sync }: Reached & { readonly target: Following },
  look: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const rules = rulesOf(target)
  const begun = tick()
  const waiting = (what: string): void => run.tell?.(what)
  try {
    for (let turn = 0; ; turn++) {
      const figures = await ledger.resultFigures(sync.run, entity.name, target.address)
      if (figures.pending.records === 0) break
      const passed = tick() - begun
      const next = Math.min(lookAfter(rules.lookSeconds, turn), rules.waitSeconds) * 1000
      if (passed >= rules.waitSeconds * 1000) break
      const text = progressText(entity.name, figures)
      await waitSaying(Math.max(0, next - passed), text, { signal, waiting }, clock)
      // Another look may go on, and a target may take its time: the run does not wait for longer.
      const left = rules.waitSeconds * 1000 - (tick() - begun)
      await within(look(), (end) => waitSaying(left, text, { signal: end, waiting }, clock), signal)
    }
    const { again } = await ledger.resultFigures(sync.run, entity.name, target.address)
    // Its records are read again in this same run, once.
    if (again.records > 0 && entity.mendable) entity.repair ??= 'due'
  } catch (error) {
    if (signal.aborted) return
    run.notices.push(
      `${entity.name}: ${target.address} could not be asked for its results (${asSyncError(error).message}); they are asked for again later.`,
    )
  }
}

/** The work, or the time beside it, whichever ends first; the other one is let go of. */
async function within(
  work: Promise<void>,
  time: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController()
  try {
    const timed = time(AbortSignal.any([signal, stop.signal]))
    for (const one of [work, timed]) one.catch(() => undefined)
    await Promise.race([work, timed])
  } finally {
    stop.abort()
  }
}

/** Seconds after which the turn comes: as listed, then at the distance of the last two. */
export function lookAfter(seconds: readonly number[], turn: number): number {
  const known = seconds[turn]
  if (known !== undefined) return known
  const [before = 0, last = 5] = [seconds.at(-2), seconds.at(-1)]
  return last + (turn - seconds.length + 1) * Math.max(last - before, 1)
}

/** What waited for what is processed now is read again in this same run, once. */
async function retryNow({ ledger }: Pick<ResultDeps, 'ledger'>, run: RunState): Promise<void> {
  for (const name of await ledger.retryRefused(run.sync)) {
    const entity = run.entities.get(name)
    if (entity?.mendable) entity.repair ??= 'due'
  }
}

/** `purchase_order: 830 of 1,000 processed, 12 held, 158 open`. */
function progressText(
  entity: string,
  { accepted, processed, warned, superseded, held, again, pending }: ResultFigures,
): string {
  const n = (count: number): string => count.toLocaleString('en-US')
  const done = processed.records + warned.records + superseded.records
  const rest = [
    ...(held.records > 0 ? [`${n(held.records)} held`] : []),
    ...(again.records > 0 ? [`${n(again.records)} to be sent again`] : []),
  ]
  return [`${entity}: ${n(done)} of ${n(accepted.records)} processed`, ...rest, `${n(pending.records)} open`].join(', ')
}
