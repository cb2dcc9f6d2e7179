import type { WindowState } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import { syncError } from '../contract/errors.ts'
import { type BatchMessage, type DataRecord, isDeletion, keyText } from '../contract/message.ts'
import type { EntityPlan, Page, StampWindow } from '../contract/source.ts'
import { isDone } from '../run/progress.ts'
import { needsError, type RunKeeper } from '../run/settlement.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import { ruleOf } from '../run/watch.ts'
import { createFiller, type FilledBatch } from './fill-batches.ts'
import { holdRefused } from './hold.ts'
import { begin, type ReadDeps } from './open-window.ts'
import { confirmGone, isSweepDue, keyReader, keysAtOnce, knownKey, pageNumbers, sweepEntity } from './sweep.ts'
import { stampsOf } from './windows.ts'

export interface ReadLimits {
  readonly batchRows: number
  readonly batchBytes: number
  readonly windowRows: number
  readonly windowBytes: number
}

export const defaultLimits: ReadLimits = {
  batchRows: 10_000,
  batchBytes: 8 << 20,
  windowRows: 30_000,
  windowBytes: 32 << 20,
}

/** A notice with its entity in front, where it does not begin with it by itself. */
const about = (entity: string, notice: string): string => (notice.startsWith(entity) ? notice : `${entity}: ${notice}`)

/** Rows and bytes that were sent and not yet settled, over all entities that still count. */
export function inFlight(run: RunState): { batches: number; rows: number; bytes: number } {
  const sum = { batches: 0, rows: 0, bytes: 0 }
  for (const entity of run.entities.values()) {
    if (entity.error) continue
    const rule = ruleOf(run, entity)
    for (let i = entity.prefix.batch; i < entity.batches.length; i++) {
      const batch = entity.batches[i]
      if (!batch || isDone(batch, rule)) continue
      sum.batches++
      sum.rows += batch.rows
      sum.bytes += batch.bytes
    }
  }
  return sum
}

/** Waits until `more` fits beside what is on its way. One batch always passes. */
export async function room(
  run: RunState,
  limits: ReadLimits,
  more: { readonly rows: number; readonly bytes: number },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted()
    const { batches, rows, bytes } = inFlight(run)
    if (batches === 0 || (rows + more.rows <= limits.windowRows && bytes + more.bytes <= limits.windowBytes)) return
    await run.next(1000)
  }
}

/** Rows that are read of an entity while the one before is still being read. */
const rowsAhead = 2000

/**
 * Reads the entity to its end, or sweeps one that was read (`what`); what it reads before its `turn` waits for it, and is
 * little. Throws the source's errors and the signal's reason; what was sent stays sent.
 */
export async function readEntity(
  deps: ReadDeps & { readonly settlement: Pick<RunKeeper, 'finish'> },
  options: PollOptions,
  run: RunState,
  entity: EntityRun,
  turn: Promise<void>,
  signal: AbortSignal,
  what: 'window' | 'sweep' = 'window',
): Promise<void> {
  const { ledger } = deps
  let itsTurn = false
  const turned = turn.then(() => {
    itsTurn = true
  })
  const { address } = options.source
  const limits = { ...defaultLimits, ...options.limits }
  const scope = options.scope ?? { kind: 'changes' }
  const plan = await options.source.plan(entity.name, signal)
  entity.totals = plan.totals
  run.notices.push(...(plan.notices ?? []).map((notice) => about(entity.name, notice)))
  entity.needs = plan.needs ?? []
  if (entity.needs.length > 0) await turned
  const missing = entity.needs.find((need) => run.entities.get(need)?.error ?? run.entities.get(need)?.readError)
  if (missing) throw needsError(entity.name, missing)

  /** First batch of the window that is read: each window is a sequence of messages of its own. */
  let first = entity.batches.length
  let filler = createFiller(limits, first)
  /** A batch was taken from the filler and not sent: nothing behind it may be. */
  let broken = false
  const send = async (batch: FilledBatch, last: boolean): Promise<void> => {
    broken = true
    await turned
    await room(run, limits, batch, signal)
    const { index, rows, bytes, segments } = batch
    const records = [...batch.records]
    const known = records.map((record) => knownKey(plan, record))
    const swept = plan.list !== undefined
    // Before it can reach a target: what a kill leaves there is deleted one day too.
    if (swept) await ledger.expectKeys(run.sync, entity.name, known)
    entity.batches.push({
      index,
      count: records.length,
      rows,
      bytes,
      sentAt: deps.tick(),
      segments,
      known,
      swept,
      sinks: new Map(),
    })
    if (last) entity.readDone = true
    options.send(messageOf(run, plan, records, { index, first, last, ledger: ledger.id, mode: 'poll' }))
    broken = false
  }
  /** What the source says was deleted is asked for once more. */
  const withoutGone = async (page: Page, firstRead: number): Promise<Page> => {
    const { gone = [], cursors: _cursors, ...rest } = page
    if (gone.length === 0) return page
    const parts: Page[] = [rest]
    for (let at = 0; at < gone.length; at += keysAtOnce)
      parts.push(await confirmGone({ ledger, plan, address }, gone.slice(at, at + keysAtOnce), firstRead, signal))
    return {
      ...rest,
      records: parts.flatMap(({ records }) => records),
      refused: parts.flatMap(({ refused = [] }) => refused),
      notices: parts.flatMap(({ notices = [] }) => notices),
    }
  }
  const take = async (walk: string, told: Page, firstRead: number): Promise<void> => {
    for (const record of told.records) record._read ??= firstRead
    const page = await withoutGone(told, firstRead)
    run.notices.push(...(page.notices ?? []).map((notice) => about(entity.name, notice)))
    entity.future += page.future ?? 0
    // In the ledger before the cursor can pass them.
    await holdRefused(deps, options, run, entity, plan, page, firstRead)
    entity.read += page.records.length
    for (const batch of filler.add(walk, page)) {
      entity.rows += batch.rows
      await send(batch, false)
    }
    if (itsTurn) options.progress({ entity: entity.name, records: entity.read, rows: entity.rows + filler.size().rows })
  }
  const sendRest = async (last: boolean): Promise<void> => {
    const rest = filler.end()
    if (!rest) return
    entity.rows += rest.rows
    await send(rest, last)
  }
  /** Everything that was read of the window is settled and written down before the next one begins. */
  const closeWindow = async (): Promise<void> => {
    await sendRest(true)
    entity.readDone = true
    run.changed()
    while (entity.prefix.batch < entity.batches.length) {
      signal.throwIfAborted()
      await run.next(500)
    }
    signal.throwIfAborted()
    await deps.settlement.finish(run, entity)
    entity.readDone = false
    first = entity.batches.length
    filler = createFiller(limits, first)
  }
  const walkWindow = async (window: StampWindow & Pick<WindowState, 'walks'>, walks: readonly string[]) => {
    for (const name of walks) {
      let cursor = window.walks[name] ?? null
      while (cursor !== true) {
        if (filler.size().rows >= rowsAhead) await turned
        await room(run, limits, filler.size(), signal)
        const read = pageNumbers(ledger)
        const page = await plan.readPage({ walk: name, window: stampsOf(window), cursor, nextRead: read.next, signal })
        signal.throwIfAborted()
        if (page.cursor !== null && page.cursor === cursor)
          throw syncError(
            'config',
            'sync.cursor',
            `${entity.name}: ${options.source.address} gave the same cursor twice.`,
            {
              entity: entity.name,
              hint: 'Reading on would never end. This is a fault of the source or of a proxy that keeps replies.',
            },
          )
        await take(name, page, read.first())
        cursor = page.cursor ?? true
      }
    }
  }
  const sweep = async (): Promise<void> => {
    const sweptAt = deps.now()
    await closeWindow()
    await sweepEntity({
      ledger,
      options,
      entity,
      plan,
      take: (page, firstRead) => take('sweep', page, firstRead),
      room: () => room(run, limits, filler.size(), signal),
      settled: closeWindow,
      note: (notice) => run.notices.push(about(entity.name, notice)),
      signal,
    })
    entity.sweptAt = sweptAt
  }
  /** What a person said is missing at a target is asked for by key, whatever its stamp. */
  const readAgain = async (): Promise<void> => {
    const keys = await ledger.keysToReadAgain(options.name, entity.name)
    if (keys.length === 0) return
    if (!plan.readKeys) {
      run.notices.push(
        about(
          entity.name,
          `${keys.length} record(s) are to be read again, which ${address} cannot do by key: read everything.`,
        ),
      )
      return
    }
    await turned
    await closeWindow()
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      await room(run, limits, filler.size(), signal)
      const some = keys.slice(at, at + keysAtOnce)
      const page = await confirmGone({ ledger, plan, address }, some, ledger.nextRead(), signal)
      const gone = page.records.filter(isDeletion).map((record) => keyText(plan.schema, record))
      if (gone.length > 0)
        run.notices.push(
          about(
            entity.name,
            `${gone.length} record(s) of a batch that a target lacks are not in the source any more, such as ${gone[0]}: their deletion is sent.`,
          ),
        )
      await take('again', page, ledger.nextRead())
    }
    entity.again = keys
  }
  const walk = async (): Promise<void> => {
    if (scope.kind === 'keys') {
      const readKeys = keyReader(plan, address)
      for (let at = 0; at < scope.keys.length; at += keysAtOnce) {
        await room(run, limits, filler.size(), signal)
        const read = pageNumbers(ledger)
        const page = await readKeys(scope.keys.slice(at, at + keysAtOnce), read.next, signal)
        await take('keys', page, read.first())
      }
    } else if (scope.kind === 'backfill') {
      const walks = plan.backfill ?? plan.walks.filter((name) => name !== 'empty' && name !== 'dates')
      await walkWindow({ from: scope.from, bound: scope.to, walks: {} }, walks)
    } else {
      entity.sweeps = plan.list !== undefined && options.sweep !== undefined
      if (what === 'sweep') return sweep()
      const isFirst = !(await ledger.position(options.name, entity.name))?.readThrough
      // The window of a run that failed or died ends where that one wanted to get; whoever starts a run expects today.
      for (let isOld = true; isOld; ) {
        const { window, resumed } = await begin(deps, options, run, entity, plan, signal)
        await walkWindow(window, plan.walks)
        if (resumed) await closeWindow()
        isOld = resumed
      }
      await readAgain()
      if (!plan.list || !(await isSweepDue(ledger, options, entity.name))) return
      await turned
      // Right after everything was read for the first time there is nothing to find. A new ledger that goes on from a mark
      // has not read everything: it gets to know the source's keys at once.
      const isNeeded = !isFirst || entity.from !== null || (await ledger.lostRows(options.name, entity.name))
      if (isNeeded || options.sweep?.since === null) await sweep()
      else entity.sweptAt = deps.now()
    }
  }
  try {
    await walk()
  } catch (error) {
    // What was read before goes on, or a source that fails now and then would never get through a batch.
    if (!signal.aborted && !broken) await sendRest(false)
    throw error
  }
  await sendRest(true)
  entity.readDone = true
  run.changed()
}

/** A batch as the flow gets it; its records get their `_row`. */
export function messageOf(
  run: Pick<RunState, 'id' | 'sync'>,
  plan: Pick<EntityPlan, 'entity' | 'schema'>,
  payload: DataRecord[],
  batch: {
    readonly index: number
    /** Where its sequence begins; 0 unless told. */
    readonly first?: number
    readonly last: boolean
    readonly ledger: string
    readonly mode: 'poll' | 'replay'
  },
): BatchMessage {
  const { entity, schema } = plan
  const { first = 0 } = batch
  const readNumber = payload.reduce((least, record) => Math.min(least, record._read ?? least), Number.MAX_SAFE_INTEGER)
  return {
    topic: entity,
    payload,
    schema,
    parts: {
      id: `${run.id}-${entity}${first > 0 ? `-${first}` : ''}`,
      index: batch.index - first,
      type: 'array',
      ...(batch.last ? { count: batch.index - first + 1 } : {}),
    },
    sync: {
      name: run.sync,
      run: run.id,
      entity,
      batch: batch.index,
      readNumber,
      ledger: batch.ledger,
      mode: batch.mode,
    },
  }
}
