/** One whole run of a sync: reads the entities in order, waits until everything is settled, closes with the checks. */

import type { PollOptions } from '../contract/engine.ts'
import { asSyncError, syncError, withHint } from '../contract/errors.ts'
import type { Log } from '../contract/log.ts'
import type { RunSummary } from '../contract/summary.ts'
import { settleAlerts } from '../run/alerts.ts'
import { countCalls, usageOf } from '../run/call-budget.ts'
import { type CloseDeps, closeEntity, watchRun } from '../run/close-entity.ts'
import { tellLost } from '../run/detect-lost.ts'
import { newRunId } from '../run/failed-start.ts'
import { outdatedInWords } from '../run/outdated.ts'
import { type EntityRun, newEntity, type RunState, type TotalsCheck } from '../run/state.ts'
import { summarize } from '../run/summary.ts'
import type { Budget } from './budget.ts'
import { createPassage, defaultLimits } from './in-flight.ts'
import type { ReadDeps } from './open-window.ts'
import { readEntity } from './read-entity.ts'
import type { Walked } from './walk-entity.ts'
import { identityOf } from './windows.ts'

export interface PollDeps extends ReadDeps, CloseDeps {
  readonly log: Log
  readonly budget: Budget
}

/** Throws a `config` error that kept the run from starting; else the summary says what failed. */
export async function poll(deps: PollDeps, options: PollOptions): Promise<RunSummary> {
  const { ledger, settlement, log } = deps
  const { name, source, signal } = options
  const scope = options.scope ?? { kind: 'changes' }
  const names = scope.kind === 'keys' ? [scope.entity] : options.entities
  const wholeWindow = scope.kind === 'changes' || scope.kind === 'full'
  checkSinks(options, names)
  await checkIdentity(deps, options, names)
  const id = newRunId(ledger.nextRead())
  const started = deps.now()
  await ledger.beginRun({ id, sync: name, mode: 'poll', at: started })
  const run = settlement.open({
    id,
    sync: name,
    mode: 'poll',
    at: started,
    mustReport: options.mustReport,
    mayFilter: options.mayFilter,
    mayChange: options.mayChange ?? false,
    takesOlder: options.takesOlder ?? false,
    confirmed: options.sweep?.confirm ?? [],
    ...(options.foreign && { foreign: options.foreign }),
    ...(options.mappings && { mappings: options.mappings }),
    receiptMs: options.receiptSeconds * 1000,
    full: scope.kind === 'full',
    clear: scope.kind === 'full' && scope.clear === true,
    memory: await ledger.hasMemory(name),
    sourceAddress: source.address,
    tell: (waiting) => options.progress({ ...readSoFar(run), waiting }),
    moved: options.identityChange === 'keep' || options.identityChange === 'take over',
    takesOver: options.identityChange === 'take over',
    waits: options.waits,
  })
  const passage = createPassage(deps.budget, run, { ...defaultLimits, ...options.limits })
  signal.addEventListener('abort', run.changed, { once: true })
  const stopWatching = watchRun(deps, run, (waiting) =>
    options.progress({ ...readSoFar(run), ...(waiting === undefined ? {} : { waiting }) }),
  )
  const requests = source.requests()
  const checks = new Map<string, TotalsCheck>()
  let calls = 0
  try {
    const closings: Promise<void>[] = []
    /** `previous` resolves when everything of the entities before was sent. */
    const read = async (entity: EntityRun, previous: Promise<void>, what?: Walked): Promise<void> => {
      try {
        await readEntity(deps, options, passage, entity, previous, AbortSignal.any([signal, entity.stop.signal]), what)
      } catch (error) {
        if (!signal.aborted) entity.readError = asSyncError(error)
        run.changed()
      }
      calls += await countCalls(ledger, source).catch(() => 0)
      closings.push(
        closeEntity(deps, run, entity, signal).then((found) => {
          for (const [key, check] of found) checks.set(key, check)
        }),
      )
    }
    let before = Promise.resolve()
    for (const entity of names) {
      if (signal.aborted || run.broken) break
      const reading = read(newEntity(run, { name: entity, sinks: options.sinks(entity) }), before)
      await (source.readsAhead ? before : reading)
      before = reading
    }
    await before
    await Promise.all(closings)
    // Only while it was delivered could be seen that a table was emptied: what was in there is read again at once.
    for (const entity of run.entities.values()) {
      if (signal.aborted || entity.lost !== 'found' || !entity.sweeps || entity.error) continue
      await read(entity, before, 'sweep')
      await Promise.all(closings)
    }
    // So is what a table did not hold as it was delivered.
    for (const entity of run.entities.values()) {
      if (signal.aborted || entity.repair !== 'due' || entity.error) continue
      entity.repair = 'done'
      await read(entity, before, 'again')
      await Promise.all(closings)
    }
    await tellLost(ledger, run)
  } finally {
    stopWatching()
    passage.leave()
    signal.removeEventListener('abort', run.changed)
    settlement.end(run)
  }
  // A ledger that takes nothing any more is told of below.
  const usage = await usageOf(ledger, source, calls).catch(() => undefined)
  if (wholeWindow) {
    const outdated = await ledger.outdated(name, { mappings: options.standing?.() }).catch(() => [])
    run.notices.push(...outdated.map(outdatedInWords))
  }
  let untold: unknown
  const open = await ledger.openItems(name).catch((error: unknown) => {
    untold = error
    return undefined
  })
  const ending = { ended: deps.now(), requests: source.requests() - requests, checks, stopped: signal.aborted }
  const summary = summarize(run, { ...ending, ...(usage ? { calls: usage } : {}), ...(open ? { open } : {}) })
  return finishRun(deps, run, summary, { wholeWindow, untold, log })
}

const readSoFar = ({ entities }: RunState): { readonly records: number; readonly rows: number } => {
  const all = [...entities.values()]
  return { records: all.reduce((sum, { read }) => sum + read, 0), rows: all.reduce((sum, { rows }) => sum + rows, 0) }
}

/** Writes the summary and the alerts down; a ledger that cannot take them any more does not hide the summary. */
async function finishRun(
  { ledger }: PollDeps,
  run: RunState,
  summary: RunSummary,
  /** `untold`: why the ledger could not say what is open, so that nothing good may be said. */
  { wholeWindow, untold, log }: { readonly wholeWindow: boolean; readonly untold: unknown; readonly log: Log },
): Promise<RunSummary> {
  const failed = (before: RunSummary, error: unknown): RunSummary => {
    const { message, cause } = asSyncError(error)
    log.error(`run ${run.id} of ${run.sync}: its summary could not be written: ${message}`)
    return {
      ...before,
      state: 'failed',
      verdict: 'failed',
      ties: false,
      says: `failed: ${message}`,
      errors: [...before.errors, { ...cause, message }],
    }
  }
  let ended = untold === undefined ? summary : failed(summary, untold)
  try {
    // Before the run's own summary counts among those before.
    await settleAlerts(ledger, run, ended, wholeWindow)
  } catch (error) {
    ended = failed(ended, error)
  }
  try {
    // In any case: it gives the lease back.
    await ledger.endRun(ended)
    return ended
  } catch (error) {
    return failed(ended, error)
  }
}

function checkSinks({ name, sinks }: PollOptions, entities: readonly string[]): void {
  const lonely = entities.filter((entity) => sinks(entity).length === 0)
  if (lonely.length === 0) return
  throw syncError('config', 'sync.no-sink', `${lonely.join(', ')} of the sync "${name}" can reach no sink.`, {
    entity: lonely[0] as string,
    hint: 'Wire the source to a sink (through mappings, switches, links or subflows), or take the entity out of the list. Nothing was read.',
  })
}

/** What was read belongs to source address, folder and filter: another one under the same name is a question. */
async function checkIdentity(
  { ledger }: PollDeps,
  { name, source, filters, identityChange }: PollOptions,
  entities: readonly string[],
): Promise<void> {
  const about = { sync: name, kind: 'identity' }
  for (const entity of entities) {
    const before = (await ledger.position(name, entity))?.identity
    const now = identityOf(source.address, entity, filters?.[entity])
    if (before === undefined || before === now || identityChange) continue
    const message = `The sync "${name}" has read ${before}; now it would read ${now}.`
    const hint =
      'Answer in the sidebar: "start anew" reads everything of the new one, "keep" goes on from where the old one stands. Or give the new one a name of its own.'
    await ledger.raiseAlert({ ...about, message: withHint(message, hint) })
    throw syncError('config', 'sync.identity', message, { entity, hint })
  }
  await ledger.clearAlerts(about)
}
