/** What an entity's walks read, on its way into the flow: pages become batches, in order, as soon as there is room. */
import type { PollOptions } from '../contract/engine.ts'
import type { EntityPlan, Page } from '../contract/source.ts'
import { FIELDS } from '../run/progress.ts'
import type { RunKeeper } from '../run/settlement.ts'
import type { EntityRun, RunState } from '../run/state.ts'
import type { Contributor } from '../values/contribution.ts'
import { messageOf } from './batch-message.ts'
import { createFiller, type FilledBatch } from './fill-batches.ts'
import { holdRefused } from './hold.ts'
import type { Passage } from './in-flight.ts'
import type { ReadDeps } from './open-window.ts'
import { confirmGone, keysAtOnce, knownKey } from './sweep.ts'

/** One entity that is read, from its plan on. */
export interface Reading {
  readonly deps: ReadDeps & { readonly settlement: Pick<RunKeeper, 'finish' | 'contributorOf'> }
  readonly options: PollOptions
  readonly run: RunState
  readonly passage: Passage
  readonly entity: EntityRun
  readonly plan: EntityPlan
  /** Resolves when everything of the entities before it was sent: nothing of this one is sent earlier. */
  readonly previous: Promise<void>
  readonly signal: AbortSignal
}

export interface Sender {
  /** A page of a walk: what of it was deleted is asked for, what was refused is held, and the batches that are full are sent. */
  take(walk: string, page: Page, firstRead: number): Promise<void>
  /** Waits until a page may be asked for. */
  room(): Promise<void>
  /** Rows that were read and not sent. */
  waitingRows(): number
  /** Sends what is left; `last`: nothing comes behind it. */
  sendRest(last: boolean): Promise<void>
  /** Everything that was read of the window is settled and written down before the next one begins. */
  closeWindow(): Promise<void>
  /** A batch was taken and not sent: nothing behind it may be. */
  isBroken(): boolean
  /** What a person should know of the entity. */
  note(notice: string): void
  /** Nothing more is asked for. */
  leave(): void
}

export function createSender(reading: Reading): Sender {
  const { deps, options, run, passage, entity, plan, signal } = reading
  const by = deps.settlement.contributorOf(plan.schema, plan.totals)
  /** First batch of the window that is read: each window is a sequence of messages of its own. */
  let first = entity.batches.length
  let filler = createFiller(passage.limits, by, first)
  /** Bytes of batches that are full and not sent yet. */
  let full = 0
  let isFirstInLine = false
  const reader = passage.reader(
    () => filler.size().bytes + full,
    () => isFirstInLine,
  )
  let broken = false
  reading.previous.then(
    () => {
      isFirstInLine = true
      passage.changed()
    },
    () => undefined,
  )
  const note = (notice: string): void => void run.notices.push(about(entity.name, notice))
  const send = async (batch: FilledBatch, last: boolean): Promise<void> => {
    entity.rows += batch.rows
    entity.rowsRead = Math.max(entity.rowsRead, entity.rows)
    broken = true
    await sendBatch(reading, batch, by, first, last)
    full -= batch.bytes
    passage.changed()
    broken = false
  }
  const sendRest = async (last: boolean): Promise<void> => {
    const rest = filler.end()
    if (!rest) return
    full += rest.bytes
    await send(rest, last)
  }
  return {
    note,
    sendRest,
    isBroken: () => broken,
    waitingRows: () => filler.size().rows,
    room: () => reader.page(filler.size(), signal),
    leave: reader.leave,
    async take(walk, told, firstRead) {
      for (const record of told.records) record._read ??= firstRead
      const page = await withoutGone(reading, told, firstRead)
      page.notices?.forEach(note)
      entity.future += page.future ?? 0
      // In the ledger before the cursor can pass them.
      await holdRefused(reading.deps, options, run, entity, reading.plan, page, firstRead)
      entity.read += page.records.length
      if (page.total !== undefined) entity.total = (entity.total ?? 0) + page.total
      const before = filler.size().bytes
      const batches = filler.add(walk, page)
      for (const { bytes } of batches) full += bytes
      reader.came(filler.size().bytes + full - before)
      for (const batch of batches) await send(batch, false)
      entity.rowsRead = entity.rows + filler.size().rows
      if (isFirstInLine) options.progress({ entity: entity.name, records: entity.read, rows: entity.rowsRead })
    },
    async closeWindow() {
      await sendRest(true)
      await settled(reading)
      first = entity.batches.length
      filler = createFiller(passage.limits, by, first)
    },
  }
}

/** A notice with its entity in front, where it does not begin with it by itself. */
const about = (entity: string, notice: string): string => (notice.startsWith(entity) ? notice : `${entity}: ${notice}`)

async function sendBatch(
  reading: Reading,
  batch: FilledBatch,
  by: Contributor,
  first: number,
  last: boolean,
): Promise<void> {
  const { deps, options, run, passage, entity, plan, signal } = reading
  await reading.previous
  await passage.send(batch, signal)
  const { index, rows, bytes, segments } = batch
  const records = [...batch.records]
  const known = records.map((record) => knownKey(plan, record))
  const swept = plan.list !== undefined
  // Before it can reach a target: what a kill leaves there is deleted one day too.
  if (swept) await deps.ledger.expectKeys(run.sync, entity.name, known)
  if (entity.inbox !== undefined)
    await deps.ledger.handOn(
      entity.inbox,
      known.map(({ key }) => key),
    )
  entity.batches.push({
    index,
    count: records.length,
    rows,
    bytes,
    sentAt: deps.tick(),
    segments,
    known,
    read: { by, digests: Uint32Array.from(batch.digests), texts: batch.texts, total: batch.total, declared: [] },
    swept,
    made: new Map([[FIELDS, entity.fields]]),
    sinks: new Map(),
    ...(entity.inbox !== undefined && { waiting: new Set<number>() }),
  })
  if (last) entity.readDone = true
  options.send(messageOf(run, plan, records, { index, first, last, ledger: deps.ledger.id, mode: 'poll' }))
}

/** What the source says was deleted is asked for once more. */
async function withoutGone({ deps, options, plan, signal }: Reading, page: Page, firstRead: number): Promise<Page> {
  const { gone = [], cursors: _cursors, ...rest } = page
  if (gone.length === 0) return page
  const asking = { ledger: deps.ledger, plan, address: options.source.address }
  const parts: Page[] = [rest]
  for (let at = 0; at < gone.length; at += keysAtOnce)
    parts.push(await confirmGone(asking, gone.slice(at, at + keysAtOnce), firstRead, signal))
  return {
    ...rest,
    records: parts.flatMap(({ records }) => records),
    refused: parts.flatMap(({ refused = [] }) => refused),
    notices: parts.flatMap(({ notices = [] }) => notices),
  }
}

/** Waits until everything sent is settled, and writes the end of the window down. */
async function settled({ deps, run, entity, signal }: Reading): Promise<void> {
  entity.readDone = true
  run.changed()
  while (entity.prefix.batch < entity.batches.length) {
    signal.throwIfAborted()
    await run.next(500)
  }
  signal.throwIfAborted()
  await deps.settlement.finish(run, entity)
  entity.readDone = false
}
