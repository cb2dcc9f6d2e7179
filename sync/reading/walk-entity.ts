/** What is read of an entity: windows of change stamps, a span of time, keys, and the sweep. */
import type { WindowState } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import { isDeletion, keyText } from '../contract/message.ts'
import type { StampWindow } from '../contract/source.ts'
import { checkContract } from './contracts.ts'
import { begin } from './open-window.ts'
import type { Reading, Sender } from './send-batches.ts'
import { readUnsummed } from './sum-targets.ts'
import {
  askingFor,
  confirmGone,
  isSweepDue,
  keyReader,
  keysAtOnce,
  pageNumbers,
  type SweepTask,
  sweepEntity,
} from './sweep.ts'
import { stampsOf } from './windows.ts'

/** Rows that are read of an entity while the one before is still being read. */
const ROWS_AHEAD = 2000

/** Everything that is to be read of an entity, its sweep alone, or what is to be read again. */
export type Walked = 'window' | 'sweep' | 'again'

export async function walkEntity(reading: Reading, sender: Sender, what: Walked): Promise<void> {
  const { deps, options, entity, plan } = reading
  if (what === 'window') await checkContract(deps.ledger, options, plan)
  entity.stillThere = plan.readKeys && askingFor(deps.ledger, plan, options.source.address)
  const scope = options.scope ?? { kind: 'changes' }
  if (scope.kind === 'keys') return readKeys(reading, sender, scope.keys)
  if (scope.kind === 'backfill') {
    const walks = plan.backfill ?? plan.walks.filter((name) => name !== 'empty' && name !== 'dates')
    return walkWindow(reading, sender, { from: scope.from, bound: scope.to, walks: {} }, walks)
  }
  entity.sweeps = plan.list !== undefined && options.sweep !== undefined
  entity.mendable = plan.readKeys !== undefined
  if (what === 'sweep') return sweep(reading, sender)
  if (what === 'again') return readAgain(reading, sender)
  return readChanges(reading, sender)
}

async function readKeys(reading: Reading, sender: Sender, keys: readonly string[]): Promise<void> {
  const { deps, options, plan, signal } = reading
  const read = keyReader(plan, options.source.address)
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    await sender.room()
    const numbers = pageNumbers(deps.ledger)
    const page = await read(keys.slice(at, at + keysAtOnce), numbers.next, signal)
    await sender.take('keys', page, numbers.first())
  }
}

/** The window, what is to be read again, and the sweep where it is due. */
async function readChanges(reading: Reading, sender: Sender): Promise<void> {
  const { deps, options, run, entity, plan, signal } = reading
  const { ledger } = deps
  const isFirst = !(await ledger.position(options.name, entity.name))?.readThrough
  // The window of a run that failed or died ends where that one wanted to get; whoever starts a run expects today.
  for (let isOld = true; isOld; ) {
    const { window, resumed } = await begin(deps, options, run, entity, plan, signal)
    await walkWindow(reading, sender, window, plan.walks)
    if (resumed) await sender.closeWindow()
    isOld = resumed
  }
  await readAgain(reading, sender)
  if (!plan.list || !(await isSweepDue(ledger, options, entity.name))) return
  await reading.previous
  // Right after everything was read for the first time there is nothing to find. A new ledger that goes on from a mark
  // has not read everything: it gets to know the source's keys at once.
  const isNeeded = !isFirst || entity.from !== null || (await ledger.lostRows(options.name, entity.name))
  if (isNeeded || options.sweep?.since === null) await sweep(reading, sender)
  else entity.sweptAt = deps.now()
}

async function walkWindow(
  reading: Reading,
  sender: Sender,
  window: StampWindow & Pick<WindowState, 'walks'>,
  walks: readonly string[],
): Promise<void> {
  const { deps, options, entity, plan, signal } = reading
  for (const walk of walks) {
    let cursor = window.walks[walk] ?? null
    while (cursor !== true) {
      if (sender.waitingRows() >= ROWS_AHEAD) await reading.previous
      await sender.room()
      const read = pageNumbers(deps.ledger)
      const page = await plan.readPage({ walk, window: stampsOf(window), cursor, nextRead: read.next, signal })
      signal.throwIfAborted()
      if (page.cursor !== null && page.cursor === cursor) throw sameCursor(entity.name, options.source.address)
      await sender.take(walk, page, read.first())
      cursor = page.cursor ?? true
    }
  }
}

const sameCursor = (entity: string, address: string): Error =>
  syncError('config', 'sync.cursor', `${entity}: ${address} gave the same cursor twice.`, {
    entity,
    hint: 'Reading on would never end. This is a fault of the source or of a proxy that keeps replies.',
  })

/** What a target lacks, or holds otherwise than it was delivered, is asked for by key, whatever its stamp. */
async function readAgain(reading: Reading, sender: Sender): Promise<void> {
  const { deps, options, entity, plan, signal } = reading
  const { ledger } = deps
  const { address } = options.source
  const keys = await ledger.keysToReadAgain(options.name, entity.name)
  if (keys.length === 0) return
  if (!plan.readKeys)
    return sender.note(
      `${keys.length} record(s) are to be read again, which ${address} cannot do by key: read everything.`,
    )
  await reading.previous
  await sender.closeWindow()
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    await sender.room()
    const some = keys.slice(at, at + keysAtOnce)
    const page = await confirmGone({ ledger, plan, address }, some, ledger.nextRead(), signal)
    const gone = page.records.filter(isDeletion).map((record) => keyText(plan.schema, record))
    if (gone.length > 0)
      sender.note(
        `${gone.length} record(s) that a target lacks, or has otherwise, are not in the source any more, such as ${gone[0]}: their deletion is sent.`,
      )
    await sender.take('again', page, ledger.nextRead())
  }
  entity.again = keys
}

async function sweep({ deps, options, entity, plan, signal }: Reading, sender: Sender): Promise<void> {
  const sweptAt = deps.now()
  await sender.closeWindow()
  const task: SweepTask = {
    ledger: deps.ledger,
    options,
    entity,
    plan,
    take: (page, firstRead) => sender.take('sweep', page, firstRead),
    room: sender.room,
    settled: sender.closeWindow,
    note: sender.note,
    signal,
  }
  const swept = await sweepEntity(task)
  if (swept) await readUnsummed(task, swept)
  entity.sweptAt = sweptAt
}
