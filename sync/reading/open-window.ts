/** The beginning of an entity's read: where it stands, what its targets say of it, and the window that follows. */
import type { Ledger, Position, WindowState } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { EntityPlan } from '../contract/source.ts'
import { askTargets, moveMarks } from '../run/marks.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import { changeDoor, NEVER } from './change-door.ts'
import { identityOf, isSetBackFurther, nextWindow } from './windows.ts'

export interface ReadDeps {
  readonly ledger: Ledger
  readonly now: () => string
  readonly tick: () => number
  readonly retry?: Partial<RetryOptions>
}

/**
 * Fixes the window and writes it down, so that a crash resumes the same one. `resumed`: it was open already, and ends where
 * an earlier run wanted to get.
 */
export async function begin(
  deps: ReadDeps,
  options: PollOptions,
  run: RunState,
  entity: EntityRun,
  plan: EntityPlan,
  signal: AbortSignal,
): Promise<{ readonly window: WindowState; readonly resumed: boolean }> {
  const { ledger, now, retry } = deps
  const { name, source } = options
  const identity = identityOf(source.address, entity.name, options.filters?.[entity.name])
  let position: Position | undefined = await ledger.position(name, entity.name)
  if (position && position.identity !== identity) {
    if (options.identityChange === 'anew') {
      await ledger.leaveKeys(name, entity.name, position.identity, ledger.nextRead())
      position = { identity, readThrough: null, window: null }
      const dropped = await ledger.forgetToReadAgain(name, entity.name, 'all')
      if (dropped > 0)
        run.notices.push(
          `${entity.name}: ${dropped} record(s) that a target lacks are of the source before, and are not read again.`,
        )
    } else {
      if (hasMoved(position.identity, entity.name, source.address))
        await moveMarksOf(deps, options, entity.name, signal)
      position = { ...position, identity }
    }
  }
  if (!position && options.targets) {
    const targets = await options.targets(entity.name)
    const context = { signal, waiting: (what: string) => options.progress({ records: 0, rows: 0, waiting: what }) }
    const question = {
      ledger,
      sync: name,
      entity: entity.name,
      sourceAddress: source.address,
      memory: run.memory ?? false,
      moved: run.moved ?? false,
      takesOver: run.takesOver ?? false,
      targets: targets.map(({ target }) => target),
      context,
    }
    const found = await withRetry(
      () => askTargets(question),
      { ...context, idempotent: true },
      {
        ...retry,
        ...targets[0]?.target.retry,
      },
    )
    if (found) {
      // No mark says by which rule the amounts in there are signed: everything is read, and takes the place of what is there.
      const floor = plan.schema.contract ? null : found.floor
      position = { identity, readThrough: floor, window: null }
      if (floor !== null) entity.adopted = floor
      run.notices.push(
        `${entity.name}: the ledger knows nothing of this sync, but ${found.from.join(', ')} does: going on from ${floor ?? 'the beginning'}.`,
      )
    }
  }
  const clock = await source.clock(signal)
  const scope = options.scope ?? { kind: 'changes' }
  const change = await changeDoor(ledger, options, run, entity.name, position)
  const from = change.position
  const question = { plan, position: from, identity, clock, now: now(), scope, until: plan.until?.() }
  if (isSetBackFurther(question)) await tellSetBack(ledger, options, run, entity.name, clock)
  const next = {
    ...nextWindow(question),
    // What was read through before is that still.
    ...(position ? { readThrough: position.readThrough } : {}),
  }
  await ledger.savePosition(name, entity.name, next)
  await change.done()
  entity.position = next
  entity.from = next.window.from
  return { window: next.window, resumed: scope.kind === 'changes' && !!from?.window }
}

/** What was stamped since *read through* may lie before the window: a sweep, due at once, sets every stamp against the known one. */
async function tellSetBack(
  ledger: Ledger,
  { name, sweep }: PollOptions,
  run: RunState,
  entity: string,
  clock: string,
): Promise<void> {
  if ((await ledger.sweptAt(name, entity)) !== undefined) await ledger.saveSwept(name, entity, NEVER)
  const follows = sweep
    ? 'a sweep looks at every record once'
    : 'without a sweep only a full reading finds what was changed meanwhile: send msg.tieout = {"full": true}'
  run.notices.push(
    `${entity}: the clock of the source shows ${clock}, more than a day behind where it stood, so that what was changed since may have older stamps: ${follows}.`,
  )
}

/** Is what was read before of another address, and not only by another filter? */
function hasMoved(identity: string, entity: string, address: string): boolean {
  const here = identityOf(address, entity, undefined)
  return identity !== here && !identity.startsWith(`${here} where `)
}

async function moveMarksOf(
  { ledger, retry }: ReadDeps,
  { name, source, targets: find, progress }: PollOptions,
  entity: string,
  signal: AbortSignal,
): Promise<void> {
  const targets = ((await find?.(entity)) ?? []).map(({ target }) => target)
  const context = { signal, waiting: (what: string) => progress({ records: 0, rows: 0, waiting: what }) }
  const about = { ledger, sync: name, entity, sourceAddress: source.address, targets, context }
  await withRetry(() => moveMarks(about), { ...context, idempotent: true }, { ...retry, ...targets[0]?.retry })
}
