/** The end of an entity's run: everything settled, the window closed, the target's sums compared, its mark written. */
import type { Ledger, Positions, ReadAgain, Sweeps } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import { asSyncError, type SyncError } from '../contract/errors.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { Target } from '../contract/target.ts'
import { saveComplete } from './detect-lost.ts'
import { raiseDifferences } from './difference-alert.ts'
import { FLOW, keepFlow } from './flow-state.ts'
import { settleLeft } from './left-over.ts'
import { rowsRead } from './live.ts'
import { confirmMark, floorOf, olderMarks } from './marks.ts'
import { repairTables } from './repair-tables.ts'
import type { RunKeeper } from './settlement.ts'
import { type EntityRun, type PostedHere, type Reached, type RunState, type TotalsCheck, tallyOf } from './state.ts'
import { changedAt, checkKey } from './summary.ts'
import { RESULTS } from './verdict.ts'
import { anyCame, findLate, lateText } from './watch.ts'
import { keepWhole, settleMemory } from './whole-tables.ts'

export interface CheckDeps {
  readonly ledger: Ledger
  readonly settlement: Pick<RunKeeper, 'failEntity' | 'groups'>
}

export interface CloseDeps extends CheckDeps {
  readonly settlement: RunKeeper
  readonly tick: () => number
  /** Waits for the results of what the entity delivered to targets with two stages. */
  readonly awaitResults?: (run: RunState, entity: EntityRun, signal: AbortSignal) => Promise<void>
  /** Deletes older versions where a sync says so. */
  readonly takeOlder?: (run: RunState, entity: EntityRun, signal: AbortSignal) => Promise<void>
  readonly retry?: Partial<RetryOptions>
}

const isSettled = (entity: EntityRun): boolean =>
  (entity.readDone || entity.readError !== undefined) && entity.prefix.batch >= entity.batches.length

/** Does a sink still work on a batch of the entity? One that fell silent is not waited for. */
function isWorking(run: RunState, entity: EntityRun, now: number): boolean {
  return entity.batches.some((batch) =>
    [...batch.sinks.values()].some(
      (side) => side.outstanding > 0 && now - (side.lastSign ?? batch.sentAt) < run.receiptMs,
    ),
  )
}

/** Resolves when nothing of the entity is on its way any more: settled, failed and quiet, or stopped. */
async function untilQuiet(deps: CloseDeps, run: RunState, entity: EntityRun, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const isQuiet = entity.error ? !isWorking(run, entity, deps.tick()) : isSettled(entity)
    if (isQuiet && entity.posting === 0) return
    await run.next(500)
  }
}

/**
 * Waits for the entity's batches and closes it. Resolves with what the targets' sums said, by `checkKey`; whatever fails
 * here is the entity's failure, but a mark that cannot be written is only a notice: it may lag.
 */
export async function closeEntity(
  deps: CloseDeps,
  run: RunState,
  entity: EntityRun,
  signal: AbortSignal,
): Promise<Map<string, TotalsCheck>> {
  try {
    return await close(deps, run, entity, signal)
  } finally {
    entity.closed = true
    run.changed()
  }
}

async function close(
  deps: CloseDeps,
  run: RunState,
  entity: EntityRun,
  signal: AbortSignal,
): Promise<Map<string, TotalsCheck>> {
  await untilQuiet(deps, run, entity, signal)
  if (signal.aborted) return new Map()
  if (entity.readError) deps.settlement.failEntity(run, entity, entity.readError)
  try {
    if (!entity.error) await deps.settlement.finish(run, entity)
    if (!entity.error) await saveComplete(deps.ledger, run, entity)
    if (!entity.error) await forgetReadAgain(deps.ledger, run, entity)
    if (!entity.error) await settleLeft(deps.ledger, run, entity)
    if (!entity.error) await deps.takeOlder?.(run, entity, signal)
    if (!entity.error) await settleMemory(deps.ledger, run, entity, signal)
    await deps.awaitResults?.(run, entity, signal)
  } catch (error) {
    deps.settlement.failEntity(run, entity, asSyncError(error))
  }
  // Its sweep follows and brings the rows back; compared now, what is missing would stay on the books as a difference.
  if (entity.lost === 'found' && entity.sweeps && !entity.error) return new Map()
  return checkSinks(deps, run, entity, signal, (reached) => mark(deps, run, entity, reached, signal))
}

/** What was to be read again is over once it was read and everything of the entity is settled. */
async function forgetReadAgain(
  ledger: ReadAgain & Sweeps & Positions,
  run: RunState,
  entity: EntityRun,
): Promise<void> {
  const all = (run.full && entity.readDone) || entity.targetsTold
  if (all) await ledger.forgetToReadAgain(run.sync, entity.name, 'all')
  else if (entity.again.length > 0) await ledger.forgetToReadAgain(run.sync, entity.name, entity.again)
}

/** What the sums of the targets say that the entity was delivered to, by `checkKey`; differences are written down. */
export async function checkSinks(
  deps: CheckDeps,
  run: RunState,
  entity: EntityRun,
  signal: AbortSignal,
  /** Done meanwhile. */
  meanwhile: (reached: Reached) => Promise<void> = async () => undefined,
): Promise<Map<string, TotalsCheck>> {
  const checks = new Map<string, TotalsCheck>()
  for (const made of entity.reached.values()) {
    const reached = await made.catch(() => undefined)
    if (!reached || !wasWritten(entity, reached) || signal.aborted) continue
    const comparing = entity.error ? undefined : compare(deps, run, entity, reached, signal)
    await meanwhile(reached)
    const compared = await comparing
    if (!compared) continue
    const check = reached.target.results ? await withResults(deps, entity, reached, compared) : compared
    const { counts } = tallyOf(entity, reached.ref)
    const stored = whatCounts(check, counts.inDoubt)
    const believed = withChanges(run, entity, reached.ref, stored)
    checks.set(checkKey(entity.name, reached.ref.id), believed)
    const changed = changedAt(run, entity, reached.ref)
    const isKept = await keepFlow(deps.ledger, deps.settlement.groups, run, entity, reached, changed?.text)
    // What the whole address says ends by itself; what the sums of a run say does not.
    await keepDifference(deps, run, entity, reached, isKept && stored.kind !== 'differs' ? stored : believed)
  }
  await keepChanges(deps, run, entity, checks)
  for (const [id, posted] of entity.posted) {
    const key = checkKey(entity.name, id)
    if (!checks.has(key)) checks.set(key, postedCheck(posted))
  }
  await endUnplaced(deps, run, entity, checks)
  return checks
}

const wasWritten = (entity: EntityRun, { ref }: Reached): boolean =>
  tallyOf(entity, ref).counts.delivered > 0 || entity.tookOlder.has(ref.id)

/** Two stages: what became of what was delivered is the comparison, besides what sums the target can tell. */
async function withResults(
  { ledger }: CheckDeps,
  entity: EntityRun,
  { target, sync }: Reached,
  check: TotalsCheck,
): Promise<TotalsCheck> {
  const results = await ledger.resultFigures(sync.run, entity.name, target.address)
  return { ...check, results, ...(check.kind === 'ties' && { by: [...(check.by ?? []), RESULTS] }) }
}

/** What was changed on the way to a sink that nothing was written to: what is there differs already, or will when it is replayed. */
async function keepChanges(
  { ledger, settlement }: CheckDeps,
  run: RunState,
  entity: EntityRun,
  checks: Map<string, TotalsCheck>,
): Promise<void> {
  for (const { ref } of entity.tallies.values()) {
    const key = checkKey(entity.name, ref.id)
    if (checks.has(key) || entity.error) continue
    const check = withChanges(run, entity, ref, undefined)
    if (check === undefined) continue
    checks.set(key, check)
    const address = entity.addresses.get(ref.id) ?? (await entity.sinkTargets?.())?.get(ref.id)?.address ?? ''
    try {
      const open = await ledger.differences({ sync: run.sync, open: true })
      if (open.some((one) => one.entity === entity.name && one.address === address)) continue
      const { problem = '' } = check
      await ledger.saveDifference({
        sync: run.sync,
        entity: entity.name,
        address,
        // It ends where everything there is as it was read; of no place with a full reading.
        ...(address !== '' && { part: FLOW }),
        sinkName: ref.name,
        run: run.id,
        problem,
      })
    } catch (error) {
      settlement.failEntity(run, entity, asSyncError(error))
    }
  }
}

/** Whatever the sums say: what was changed in the flow is not what was read. */
function withChanges<Check extends TotalsCheck | undefined>(
  run: RunState,
  entity: EntityRun,
  ref: SinkRef,
  check: Check,
): Check | TotalsCheck {
  const changed = changedAt(run, entity, ref)
  if (changed === undefined || changed.allowed) return check
  const more = check?.kind === 'differs' ? ` ${check.problem}` : ''
  return { amounts: {}, ...check, kind: 'differs', problem: `${changed.text}${more}` }
}

/** Each post is looked up right after it: that is its comparison. */
function postedCheck({ unseen, otherDue, amounts }: PostedHere): TotalsCheck {
  const problems = [
    ...(unseen > 0 ? [`${unseen} posted record(s) are still to be found by the look-up`] : []),
    ...(otherDue > 0 ? [`${otherDue} posted record(s) are due on another day there`] : []),
  ]
  if (problems.length === 0) return { kind: 'ties', amounts }
  return { kind: 'not verified', amounts, problem: problems.join('; ') }
}

/** A difference of which an older version kept no place ends where everything ties at each sink. */
async function endUnplaced(
  { ledger, settlement }: CheckDeps,
  run: RunState,
  entity: EntityRun,
  checks: ReadonlyMap<string, TotalsCheck>,
): Promise<void> {
  const reached = await Promise.all([...entity.reached.values()].map((made) => made.catch(() => undefined)))
  const isOver = entity.sinks.every(({ id }) => {
    const at = reached.find((one) => one?.ref.id === id)
    return at && checks.get(checkKey(entity.name, id))?.kind === 'ties' && isWhole(run, entity, at.target.mode, at.ref)
  })
  if (!isOver) return
  const place = { sync: run.sync, entity: entity.name, address: '' }
  await ledger
    .closeDifferences(place, `run ${run.id}`, 'a full reading ties')
    .catch((error: unknown) => settlement.failEntity(run, entity, asSyncError(error)))
}

/** A difference is written down, and stays until a full reading ties: what another run compares are other rows. */
async function keepDifference(
  { ledger, settlement }: CheckDeps,
  run: RunState,
  entity: EntityRun,
  { target, ref }: Reached,
  { kind, problem = '', whole }: TotalsCheck,
): Promise<void> {
  const place = { sync: run.sync, entity: entity.name, address: target.address }
  try {
    if (kind === 'differs') await ledger.saveDifference({ ...place, sinkName: ref.name, run: run.id, problem })
    if (kind === 'ties' && isWhole(run, entity, target.mode, ref))
      await ledger.closeDifferences(place, `run ${run.id}`, 'a full reading ties')
    // A poll sees to its alerts when it ends.
    if ((kind === 'differs' || whole?.problem) && run.mode !== 'poll')
      await raiseDifferences(ledger, run.sync, entity.name)
  } catch (error) {
    settlement.failEntity(run, entity, asSyncError(error))
  }
}

/** Did the run write everything of the entity there, so that all of it was compared? What only appends keeps what it has. */
function isWhole(run: RunState, entity: EntityRun, mode: Target['mode'], ref: SinkRef): boolean {
  const { held, inDoubt, unchanged } = tallyOf(entity, ref).counts
  return run.full && held + inDoubt + entity.refused === 0 && (mode === 'merge' || unchanged === 0)
}

/** Rows of the run that are in doubt may be stored: they prove no difference. */
const whatCounts = (check: TotalsCheck, inDoubt: number): TotalsCheck =>
  check.kind === 'differs' && inDoubt > 0
    ? { ...check, kind: 'not verified', problem: `${inDoubt} record(s) are in doubt. ${check.problem}` }
    : check

/** The sums of the run, then the tables as a whole. */
async function compare(
  deps: CheckDeps,
  run: RunState,
  entity: EntityRun,
  reached: Reached,
  signal: AbortSignal,
): Promise<TotalsCheck | undefined> {
  const context = { signal, waiting: () => undefined }
  const unverified = (what: string) => (error: unknown) => {
    const problem = `${what} ${reached.target.address} could not be compared: ${asSyncError(error).message}`
    return { kind: 'not verified' as const, amounts: {}, problem }
  }
  const check = await reached.check?.(context).catch(unverified('the sums stored in'))
  if (!check || !reached.whole) return check
  try {
    const checks = await reached.whole(context)
    const whole = await keepWhole(deps.ledger, run, entity, reached, checks)
    if (whole?.problem) await repairTables(deps.ledger, run, entity, reached, checks, context)
    else if (entity.repair && whole?.open.length === 0)
      run.notices.push(
        `${entity.name}: what ${reached.target.address} had not as it was delivered was read again, and is there now.`,
      )
    return whole ? { ...check, whole } : check
  } catch (error) {
    return check.kind === 'ties'
      ? { ...check, ...unverified('the whole tables at')(error), amounts: check.amounts }
      : check
  }
}

async function mark(
  { ledger, retry }: CloseDeps,
  run: RunState,
  entity: EntityRun,
  { target, sync, source, place }: Reached,
  signal: AbortSignal,
): Promise<void> {
  const write = target.writeMark?.bind(target)
  if (!write) return
  const context = { signal, waiting: () => undefined, tell: (text: string) => void run.notices.push(text) }
  try {
    const position = entity.position ?? (await ledger.position(sync.name, entity.name))
    const isWhole = (await ledger.lostRows(sync.name, entity.name)) === undefined
    const values = {
      sync: sync.name,
      entity: entity.name,
      sourceAddress: place.sourceAddress,
      ...(source ? { source } : {}),
      ledger: ledger.id,
      run: sync.run,
      read: await ledger.highestRead(target.address),
      floor: floorOf((isWhole && position?.readThrough) || null, await ledger.oldestHeld(sync.name, entity.name)),
    }
    const again = { ...context, idempotent: true, renew: target.renew?.bind(target) }
    const replaced = async () =>
      place.replaced === 'older'
        ? await olderMarks(target, { sync, sourceAddress: place.sourceAddress }, context)
        : place.replaced
    const marking = async () => write(values, context, await replaced())
    await withRetry(marking, again, { ...retry, attempts: 3 })
    await confirmMark(ledger, target.address, values)
  } catch (error) {
    run.notices.push(
      `${entity.name}: the mark in ${target.address} could not be written (${asSyncError(error).message}); it lags behind until the next run that delivers something.`,
    )
  }
}

/**
 * Looks for what became late, again and again, until the function it gives back is called. `tell`: what has not come and may
 * still come, in words; undefined once it has.
 */
export function watchRun(
  { settlement, tick }: CloseDeps,
  run: RunState,
  tell: (late: string | undefined) => void = () => undefined,
): () => void {
  let busy = false
  const fail = (entity: EntityRun, error: SyncError): void => {
    // Once for the run: where nothing comes to any sink, no entity waits for its turn.
    if (error.code === 'sync.not-received' && !anyCame(run)) run.broken ??= error
    settlement.failEntity(run, entity, error)
    if (run.broken)
      for (const other of run.entities.values()) if (!isSettled(other)) settlement.failEntity(run, other, run.broken)
  }
  const look = async () => {
    run.pace.told(tick(), rowsRead(run))
    const waiting = [...run.entities.values()].filter((entity) => !entity.error && !isSettled(entity))
    const late = waiting.map((entity) => lateText(run, entity, tick())).find((text) => text !== undefined)
    if (late !== undefined || run.late !== undefined) tell(late)
    run.late = late
    for (const entity of waiting) {
      for (const late of findLate(run, entity, tick())) {
        if (late.kind === 'fail') fail(entity, late.error)
        else
          await settlement
            .filter(run, entity, late.batch, late.ref, late.rows)
            .catch((error: unknown) => settlement.failEntity(run, entity, asSyncError(error)))
      }
    }
  }
  const timer = setInterval(
    () => {
      if (busy) return
      busy = true
      void look().finally(() => {
        busy = false
      })
    },
    Math.min(1000, Math.max(10, run.receiptMs / 10)),
  )
  return () => clearInterval(timer)
}
