/**
 * Marks in the targets: what a target's mark says about this ledger, what follows from it, and writing it.
 * A mark may lag behind the ledger, never lead; so one that leads means that the ledger is an old copy.
 */
import type { Adoption, Ledger } from '../ledger/ledger.ts'
import { type SyncError, syncError } from './errors.ts'
import type { SyncInfo } from './message.ts'
import type { RunState } from './run.ts'
import type { Mark, Target, WriteContext } from './target.ts'

export interface MarkQuestion {
  readonly marks: readonly Mark[]
  readonly sync: string
  readonly entity: string
  readonly sourceAddress: string
  readonly address: string
  readonly mode: Target['mode']
  /** This ledger's id. */
  readonly ledger: string
  /** Before this run the ledger had delivered something of the sync. */
  readonly memory: boolean
  /** Work of other ledgers that was taken over before. */
  readonly adopted: readonly Adoption[]
  /** Highest read number this ledger delivered to the address; 0: it never did. */
  readonly highest: number
}

/** `go`: nothing to do. `adopt`: a new ledger goes on where the mark stands. `old-copy`: this ledger was restored from an old copy. `stop`: a person must look. */
export type MarkAnswer =
  | { readonly kind: 'go' }
  | { readonly kind: 'adopt' | 'old-copy'; readonly mark: Mark }
  | { readonly kind: 'stop'; readonly error: SyncError }

/** What the marks of a table that is there and not empty mean. */
export function judgeMarks(question: MarkQuestion): MarkAnswer {
  const { sync, entity, address, ledger } = question
  const marks = question.marks.filter((m) => m.entity === entity && m.sourceAddress === question.sourceAddress)
  const stop = (code: string, message: string, hint: string): MarkAnswer => ({
    kind: 'stop',
    error: syncError('config', code, message, { entity, hint }),
  })
  const other = marks.find((m) => m.sync !== sync)
  if (other)
    return stop(
      'sync.two-syncs',
      `${address} is already written by the sync "${other.sync}" from the same source ${other.sourceAddress}, and now by "${sync}".`,
      `Give this sync its own table, or its old name "${other.sync}" if it was renamed; if the other one is gone for good, remove its row from the table of marks.`,
    )
  const mark = marks.find((m) => m.sync === sync)
  if (!mark) return { kind: 'go' }
  const append = (why: string): MarkAnswer =>
    stop(
      'sync.append-memory',
      `${address} only appends, and ${why}: sending again from there could double records.`,
      'Empty the table, so that it is loaded anew, or restore the newest copy of the ledger.',
    )
  if (mark.ledger === ledger) {
    if (mark.read <= question.highest) return { kind: 'go' }
    return question.mode === 'append'
      ? append('its mark is ahead of this ledger, which is an old copy')
      : { kind: 'old-copy', mark }
  }
  const taken = question.adopted.filter((adoption) => adoption.ledger === mark.ledger)
  const before = taken.find((adoption) => adoption.entity === entity)
  // A mark that moved after it was taken over shows that the other ledger is alive.
  if (question.highest > 0 && before && mark.read <= before.read) return { kind: 'go' }
  if (question.highest > 0 || (question.memory && taken.length === 0))
    return stop(
      'sync.two-ledgers',
      `${address} is also written by another ledger (${mark.ledger}, run ${mark.run}) for the sync "${sync}"; this ledger is ${ledger}.`,
      'Two installations write one table: stop one of them, or give each its own table. If the other is gone for good, remove its row from the table of marks.',
    )
  return question.mode === 'append'
    ? append('this ledger is new and does not know what is in it')
    : { kind: 'adopt', mark }
}

async function ask(
  ledger: Ledger,
  target: Target,
  marks: readonly Mark[],
  about: Pick<MarkQuestion, 'sync' | 'entity' | 'sourceAddress' | 'memory'>,
): Promise<MarkAnswer> {
  return judgeMarks({
    ...about,
    marks,
    address: target.address,
    mode: target.mode,
    ledger: ledger.id,
    adopted: await ledger.adopted(about.sync),
    highest: await ledger.highestRead(target.address),
  })
}

/**
 * At the first delivery of a run to a target: stops when another ledger or sync writes the table; an old copy forgets its
 * deliveries there, so that everything is sent again. Numbers already given to records of this run may be lower than the
 * mark's: then the entity fails once, and the next run reads with higher ones.
 */
export async function checkMark(options: {
  readonly ledger: Ledger
  readonly run: Pick<RunState, 'mode' | 'sourceAddress' | 'memory' | 'notices'>
  readonly sync: SyncInfo
  readonly target: Target
  readonly empty: boolean
  readonly context: WriteContext
}): Promise<void> {
  const { ledger, run, sync, target, context } = options
  if (run.mode === 'push' || options.empty || !target.readMark) return
  const sourceAddress = run.sourceAddress ?? ''
  const marks = await target.readMark(context)
  const answer = await ask(ledger, target, marks, {
    sync: sync.name,
    entity: sync.entity,
    sourceAddress,
    memory: run.memory ?? false,
  })
  if (answer.kind === 'stop') throw answer.error
  if (answer.kind === 'go') {
    // Whoever wrote this never came to a mark.
    const unmarked = !marks.some((m) => m.sync === sync.name && m.entity === sync.entity)
    if (unmarked && (await ledger.highestRead(target.address)) === 0) await ledger.doubtTargets(sync.name, sync.entity)
    return
  }
  const { mark } = answer
  await ledger.doubtTargets(sync.name, sync.entity)
  ledger.raiseRead(mark.read)
  if (answer.kind === 'adopt')
    await ledger.adopt({ sync: sync.name, entity: sync.entity, ledger: mark.ledger, read: mark.read })
  await ledger.clearDeliveries(target.address)
  await ledger.raiseHighestRead(target.address, mark.read)
  run.notices.push(
    answer.kind === 'adopt'
      ? `${sync.entity}: the ledger is new; ${target.address} already holds what the ledger ${mark.ledger} delivered. Everything is compared again.`
      : `${sync.entity}: the ledger is an old copy: ${target.address} is ahead of it. What it knew of deliveries there is forgotten, and what was read since is sent again.`,
  )
  if (sync.readNumber <= mark.read)
    // Not to be tried again within this run: its records keep their numbers.
    throw syncError(
      'config',
      'sync.old-numbers',
      `${target.address} holds records with higher read numbers than those just read: the clock of this machine is behind, or the ledger is an old copy.`,
      { entity: sync.entity, hint: 'The numbers were raised: the next run reads these records again.' },
    )
}

/**
 * Before a sync without memory reads: asks the targets for their marks. Returns the floor to go on from (`null`: from the
 * beginning), or undefined when nothing is in there. Throws when the target must not be written.
 */
export async function askTargets(options: {
  readonly ledger: Ledger
  readonly sync: string
  readonly entity: string
  readonly sourceAddress: string
  readonly memory: boolean
  readonly targets: readonly Target[]
  readonly context: WriteContext
}): Promise<{ readonly floor: string | null; readonly from: readonly string[] } | undefined> {
  const { ledger, sync, entity, sourceAddress, memory, context } = options
  const found: { readonly mark: Mark; readonly address: string; readonly kind: 'adopt' | 'old-copy' }[] = []
  let fresh = false
  for (const target of options.targets) {
    const marks = (await target.readMark?.(context)) ?? []
    const ours = marks.filter((m) => m.entity === entity && m.sourceAddress === sourceAddress)
    if (ours.length === 0) {
      fresh = true
      continue
    }
    const answer = await ask(ledger, target, ours, { sync, entity, sourceAddress, memory })
    if (answer.kind === 'stop') throw answer.error
    if (answer.kind === 'go') fresh = true
    else found.push({ mark: answer.mark, address: target.address, kind: answer.kind })
  }
  if (found.length === 0) return undefined
  await ledger.doubtTargets(sync, entity)
  for (const { mark, address, kind } of found) {
    ledger.raiseRead(mark.read)
    await ledger.clearDeliveries(address)
    await ledger.raiseHighestRead(address, mark.read)
    if (kind === 'adopt') await ledger.adopt({ sync, entity, ledger: mark.ledger, read: mark.read })
  }
  const floors = found.map(({ mark }) => mark.floor)
  const from = found.map(({ mark, address }) => `${address} (ledger ${mark.ledger}, run ${mark.run})`)
  // A target that has nothing yet needs everything.
  if (fresh || floors.includes(null)) return { floor: null, from }
  return { floor: floors.reduce((a, b) => ((a ?? '') < (b ?? '') ? a : b)) ?? null, from }
}

/** The floor of a mark: read through, but not later than the stamp of the oldest open held or in-doubt record. */
export function floorOf(
  readThrough: string | null,
  oldest: { readonly stamp: string | null } | undefined,
): string | null {
  if (readThrough === null || !oldest) return readThrough
  if (oldest.stamp === null) return null
  const [stamp, through] = [Date.parse(oldest.stamp), Date.parse(readThrough)]
  if (Number.isNaN(stamp) || Number.isNaN(through)) return null
  return stamp < through ? oldest.stamp : readThrough
}
