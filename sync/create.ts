/** Puts the engine of one ledger together. */
import { randomUUID } from 'node:crypto'
import type { Ledger } from '../ledger/ledger.ts'
import type { Engine, PollOptions } from './contract/engine.ts'
import { classOf, syncError } from './contract/errors.ts'
import type { Log } from './contract/log.ts'
import type { RetryOptions } from './contract/retry.ts'
import type { Source } from './contract/source.ts'
import { systemClock } from './contract/wait.ts'
import { createDelivering } from './delivering/deliver.ts'
import { createPostings } from './posting/create.ts'
import { type Budget, createBudget } from './reading/budget.ts'
import { hold } from './reading/hold.ts'
import { poll } from './reading/poll.ts'
import { askingAhead } from './reading/prefetch.ts'
import { replay } from './reading/replay.ts'
import { createFollowedResults } from './results/follow.ts'
import { createSettlement } from './run/create-settlement.ts'
import { keepFailedStart } from './run/failed-start.ts'
import { liveOf } from './run/live.ts'

export interface EngineOptions {
  readonly ledger: Ledger
  readonly log: Log
  /** For what is on its way; several engines of a process share one. */
  readonly budget?: Budget
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** How sinks try again; for tests. */
  readonly retry?: Partial<RetryOptions>
}

/** One budget for the engines of a process, in MB of memory. */
export const budgetOf = (megabytes: number | undefined): Budget => createBudget(megabytes)

/** Closing the engine stops its runs, waits for their end and closes the ledger. */
export function createEngine({ ledger, log, budget = createBudget(), now = Date.now, retry }: EngineOptions): Engine {
  const at = () => new Date(now()).toISOString()
  const tick = () => performance.now()
  const settlement = createSettlement({ ledger, now: at, tick })
  const again = retry ? { retry } : {}
  const clock = { ...systemClock, now }
  const results = createFollowedResults({ ledger, log, clock, tick, ...again })
  const postings = createPostings({ ledger, settlement, log, now: at, clock, newId: randomUUID, ...again })
  const deliverDeps = { ledger, settlement, log, now: at, newId: randomUUID, ...again }
  const { deliver, resumeAppends, takeOlder } = createDelivering(deliverDeps, postings.work)
  const waits = { awaitResults: results.wait, takeOlder }
  const deps = { ledger, settlement, log, budget, now: at, tick, ...waits, ...again }
  const names = new Map<string, string>()
  const going = new Map<AbortController, { readonly poll?: string; readonly ended: Promise<unknown> }>()
  const closed = new AbortController()

  /** Runs with a signal of its own, so that it can be stopped from here too. */
  const start = <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, poll?: string): Promise<T> => {
    const stop = new AbortController()
    const run = work(AbortSignal.any([signal, stop.signal, closed.signal]))
    const ended = run.then(
      () => going.delete(stop),
      () => going.delete(stop),
    )
    going.set(stop, { ended, ...(poll === undefined ? {} : { poll }) })
    return run
  }

  return {
    ledger,
    poll: (options) =>
      start(
        options.signal,
        async (signal) => {
          if (postings.answers(options.name)) await postings.desk.look(options.name)
          await results.retry(options.name)
          return askingAhead(
            ledger,
            { ...options, source: withInbox(ledger, options), signal },
            budget.ahead,
            (ahead) => poll(deps, ahead),
          )
        },
        options.name,
      ),
    keepFailedStart: (start) => keepFailedStart(ledger, { ...start, ended: at() }),
    replay: (options) => start(options.signal, (signal) => replay(deps, { ...options, signal })),
    hold: (options) => hold(deps, options),
    deliver,
    declare({ ref, message, mapped, touched, version }) {
      if (message.sync === undefined) return
      settlement.seen(message.sync, ref, version)
      settlement.declare(message.sync, ref, message, mapped, 'mapped', touched)
    },
    fail({ ref, sync, error }) {
      if (sync !== undefined && classOf(error) !== 'data') settlement.fail(sync, ref, error)
    },
    attendSink: postings.attendSink,
    resumeAppends,
    attendSource: postings.attendSource,
    followResults: results.attend,
    lookAtResults: results.look,
    posting: postings.desk,
    claimName(name, nodeId) {
      const owner = names.get(name)
      if (owner !== undefined && owner !== nodeId)
        throw syncError('config', 'sync.name-taken', `Two nodes have the sync name "${name}".`, {
          hint: 'Give each its own name: positions, held records and totals belong to it.',
        })
      names.set(name, nodeId)
      return () => {
        if (names.get(name) === nodeId) names.delete(name)
      }
    },
    running() {
      const stops = new Map([...going].map(([stop, { poll: sync }]) => [sync, stop]))
      return [...settlement.runs.values()]
        .filter((run) => run.mode !== 'push')
        .map((run) => ({
          ...liveOf(run, tick()),
          stop: () => (run.mode === 'poll' ? stops.get(run.sync)?.abort() : undefined),
        }))
    },
    async close() {
      closed.abort()
      await Promise.all([...going.values()].map(({ ended }) => ended))
      await results.close()
      await postings.close()
      await ledger.close()
    },
  }
}

/** A source that answers gets the inbox of each entity that it reads. */
function withInbox(ledger: Ledger, { name, source }: PollOptions): Source {
  if (!source.answer) return source
  const inbox = (entity: string) => ledger.inbox({ source: source.address, sync: name, entity })
  return { ...source, plan: (entity, signal) => source.plan(entity, signal, inbox(entity)) }
}
