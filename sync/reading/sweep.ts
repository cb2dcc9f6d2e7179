/**
 * The sweep of an entity: its keys and stamps as the source lists them, set against what the ledger knows of it. What is
 * missing there or has another stamp is read by key; what is gone is asked for by key once more and then deleted.
 */
import type { Deliveries, KnownKey, KnownKeys, Notes, ReadNumbers, Sweeps, TargetSums } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import { asSyncError, syncError } from '../contract/errors.ts'
import { type DataRecord, deletionOf, isDeletion, keyParts, keyText, memberOf } from '../contract/message.ts'
import type { EntityPlan, Page } from '../contract/source.ts'
import type { SweepCounts } from '../contract/summary.ts'
import { leftText } from '../run/left-over.ts'
import type { EntityRun } from '../run/state.ts'
import { isTooMuch } from '../run/too-much.ts'

/** Keys asked for in one go. */
export const keysAtOnce = 200
/** Keys of a listing that are compared in one go. */
const comparedAtOnce = 2000
/** An incomplete listing is tried once more: records come and go while it is read. */
const listings = 2

/** Numbers for the requests of one page; a record without its own gets the first. */
export function pageNumbers(ledger: ReadNumbers): { readonly next: () => number; first(): number } {
  let first: number | undefined
  const next = () => {
    const number = ledger.nextRead()
    first ??= number
    return number
  }
  return { next, first: () => first ?? ledger.nextRead() }
}

/** Throws where an entity cannot be read by key. */
export function keyReader(plan: EntityPlan, address: string): NonNullable<EntityPlan['readKeys']> {
  if (plan.readKeys) return plan.readKeys.bind(plan)
  throw syncError('config', 'sync.no-keys', `${plan.entity} cannot be read by key from ${address}.`, {
    entity: plan.entity,
  })
}

/** Which of some keys the source still has, some at a time. */
export const askingFor =
  (ledger: ReadNumbers, plan: EntityPlan, address: string) =>
  async (keys: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> => {
    const there = new Set<string>()
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      const read = keyReader(plan, address)
      const page = await read(keys.slice(at, at + keysAtOnce), () => ledger.nextRead(), signal)
      signal.throwIfAborted()
      for (const record of [...page.records, ...(page.refused ?? []).map((one) => one.record)])
        there.add(keyText(plan.schema, record))
    }
    return there
  }

/**
 * Asks once more for keys that seem to be gone: what is still there, or there again, comes as a record, the rest as
 * deletions under `read`, so that whatever was read later is not undone.
 */
export async function confirmGone(
  { ledger, plan, address }: { readonly ledger: ReadNumbers; readonly plan: EntityPlan; readonly address: string },
  keys: readonly string[],
  read: number,
  signal: AbortSignal,
): Promise<Page & { readonly deletions: number }> {
  const numbers = pageNumbers(ledger)
  const page = await keyReader(plan, address)(keys, numbers.next, signal)
  signal.throwIfAborted()
  const first = numbers.first()
  for (const record of page.records) record._read ??= first
  for (const { record } of page.refused ?? []) record._read ??= first
  const there = new Set([...page.records, ...(page.refused ?? []).map(({ record }) => record)].map(keyOf(plan)))
  const deletions = [...new Set(keys)].filter((key) => !there.has(key)).map((key) => deletionOf(plan.schema, key, read))
  return { ...page, records: [...page.records, ...deletions], deletions: deletions.length, cursor: null }
}

const keyOf =
  ({ schema }: EntityPlan) =>
  (record: DataRecord): string =>
    keyText(schema, record)

/** What a record shows of the source, for the ledger to know once it is settled. */
export function knownKey({ schema }: EntityPlan, record: DataRecord): KnownKey {
  const key = keyText(schema, record)
  const read = memberOf(record, '_read') ?? 0
  const stamp = memberOf(record, '_stamp') ?? null
  return isDeletion(record) ? { key, read, stamp, gone: true } : { key, read, stamp }
}

/** Is it time? A sweep whose run never ended counts as never begun. */
export async function isSweepDue(ledger: Sweeps, { name, sweep }: PollOptions, entity: string): Promise<boolean> {
  if (!sweep) return false
  if (sweep.since === null) return true
  const before = await ledger.sweptAt(name, entity)
  return before === undefined || before < sweep.since
}

export interface SweepTask {
  readonly ledger: ReadNumbers & KnownKeys & Sweeps & Deliveries & TargetSums & Notes
  readonly options: PollOptions
  readonly entity: EntityRun
  readonly plan: EntityPlan
  /** Sends a page on like any other. */
  readonly take: (page: Page, firstRead: number) => Promise<void>
  /** Waits for room on the way. */
  readonly room: () => Promise<void>
  /** Waits until everything sent so far is settled. */
  readonly settled: () => Promise<void>
  /** What a person should know. */
  readonly note: (notice: string) => void
  readonly signal: AbortSignal
}

/** A sweep that was carried through: the source name of what is listed, and its first read number. */
export interface Swept {
  readonly source: string
  readonly number: number
}

/** Runs when the entity's window is settled. An incomplete listing, or too much gone, deletes nothing and says so: undefined. */
export async function sweepEntity(task: SweepTask): Promise<Swept | undefined> {
  const { ledger, options, entity } = task
  const { name: sync } = options
  // Before the first request: what is read from now on is newer than any deletion that this sweep finds.
  const number = ledger.nextRead()
  const counts: SweepCounts = { swept: 0, missed: 0, gone: 0, foundAgain: 0 }
  entity.sweep = counts
  await ledger.forgetRecalled(sync, entity.name)
  const lost = (await ledger.lostRows(sync, entity.name)) !== undefined
  entity.lost = lost ? 'read' : undefined
  entity.targetsAsked = await mayHoldMore(task)
  const memory: Memory = { targets: undefined }
  let complete = false
  for (let attempt = 1; !complete && attempt <= listings; attempt++) {
    if (attempt > 1) await task.settled()
    complete = await list(task, memory, number, counts)
  }
  entity.targetsTold = complete && (memory.targets ?? 0) > 0
  if (memory.source !== undefined) await leaveOthers(task, memory.source)
  const { known, unseen } = await ledger.countUnseen(sync, entity.name, number)
  const left = await ledger.leftKeys(sync, entity.name)
  const isConfirmed = options.sweep?.confirm?.includes(entity.name) ?? false
  const tooMuch = suspicion(entity.name, counts.swept, known, unseen)
  // Of a listing with holes nobody can say that what it lacks is gone.
  if (!complete) {
    counts.problem = incomplete(entity.name, counts.swept)
    if (lost) entity.lost = 'found'
  } else if (left && unseen > 0 && !(isConfirmed && left.count !== undefined))
    // Whoever confirms was told the number.
    counts.problem = leftText(entity.name, left, unseen)
  else if (tooMuch !== undefined && !isConfirmed)
    counts.problem = `${tooMuch} ${memory.targets ? onlyNow : whatNow(entity.name)}`
  if (counts.problem !== undefined) {
    task.note(counts.problem)
    return undefined
  }
  await deleteGone(task, number, unseen, counts)
  return memory.source === undefined ? undefined : { source: memory.source, number }
}

/** What was known and is not listed any more. */
async function deleteGone(task: SweepTask, number: number, unseen: number, counts: SweepCounts): Promise<void> {
  const { ledger, options, entity, plan, signal } = task
  const { name: sync, source } = options
  for (let after: string | null = null; unseen > 0; ) {
    const keys = await ledger.unseenKeys(sync, entity.name, number, after, keysAtOnce)
    if (keys.length === 0) return
    after = keys.at(-1) ?? null
    await task.room()
    const page = await confirmGone({ ledger, plan, address: source.address }, keys, number, signal)
    await ledger.doubtKeys(sync, entity.name, keys)
    counts.gone += page.deletions
    counts.foundAgain += keys.length - page.deletions
    await task.take(page, number)
  }
}

/** Walks the listing once, reading by key what is missing or different on the way. False: it was not complete. */
async function list(task: SweepTask, memory: Memory, number: number, counts: SweepCounts): Promise<boolean> {
  const { ledger, options, entity, plan, signal } = task
  const ask = plan.list?.bind(plan)
  if (!ask) return false
  counts.swept = 0
  let least = Number.POSITIVE_INFINITY
  let waiting: Pick<KnownKey, 'key' | 'stamp'>[] = []
  let cursor: string | null = null
  do {
    const numbers = pageNumbers(ledger)
    const page = await ask({ cursor, nextRead: numbers.next, signal })
    signal.throwIfAborted()
    page.notices?.forEach(task.note)
    if (page.cursor !== null && page.cursor === cursor) return false
    cursor = page.cursor
    counts.swept += page.keys.length
    least = Math.min(least, page.total)
    waiting.push(...page.keys)
    if (waiting.length >= comparedAtOnce || cursor === null) {
      await compare(task, memory, number, waiting, counts)
      waiting = []
    }
    options.progress({ entity: entity.name, records: entity.read, rows: entity.rows, doing: swept(counts) })
  } while (cursor !== null)
  return counts.swept >= least
}

const swept = ({ swept: n }: SweepCounts): string => `sweep, ${n} keys`

/** Targets that may hold what this ledger does not know: what another one wrote there, whether it left a mark or not. */
async function mayHoldMore({ ledger, options, entity }: SweepTask): Promise<boolean> {
  if (await ledger.areTargetsInDoubt(options.name, entity.name)) return true
  if ((await ledger.sweptAt(options.name, entity.name)) !== undefined) return false
  // Nothing was delivered yet, so nobody has looked.
  for (const { target } of (await options.targets?.(entity.name)) ?? [])
    if ((await ledger.highestRead(target.address)) > 0) return false
  return true
}

/** What a ledger has of the targets that it had to ask. */
interface Memory {
  /** How many have told their keys; 0: not all of them can; undefined: not asked yet. */
  targets: number | undefined
  /** Source name of what is listed. */
  source?: string | undefined
}

/**
 * What is known under another source name was read before it was changed, and may be another sync's by now: that it is
 * not listed says nothing of it.
 */
async function leaveOthers({ ledger, options, entity, plan, note }: SweepTask, source: string): Promise<void> {
  if (plan.schema.key[0] !== 'source') return
  const beginning = `${keyText({ ...plan.schema, key: ['source'] }, { source })}|`
  const others = await ledger.forgetOtherKeys(options.name, entity.name, beginning)
  if (others > 0)
    note(
      `${entity.name}: ${others} record(s) were read under another source name than "${source}". What is in the targets under it stays there; if it is not needed any more, delete it there.`,
    )
}

/**
 * Asks the targets for the keys of this source, with the stamps they were written under: what else they hold was deleted
 * while there was no ledger. A mapping may have written other keys than the source's: records that are not found under
 * their own are read again, under numbers above the sweep's, which no deletion of it can touch.
 */
async function recall({ ledger, options, entity, plan, note, signal }: SweepTask, source: string): Promise<number> {
  const targets = (await options.targets?.(entity.name)) ?? []
  const asks = targets.flatMap(({ target }) => target.keys?.bind(target) ?? [])
  if (asks.length < targets.length) return 0
  const waiting = (what: string) => options.progress({ records: 0, rows: 0, waiting: what })
  try {
    for (const ask of asks)
      for await (const keys of ask(plan.schema, source, { signal, waiting }))
        await ledger.recallKeys(options.name, entity.name, keys)
    return asks.length
  } catch (error) {
    signal.throwIfAborted()
    // No reason to read nothing: what the mark says is enough, but for what was deleted while there was no ledger.
    await ledger.forgetRecalled(options.name, entity.name)
    note(`${entity.name}: a target could not tell what it holds (${asSyncError(error).message}).`)
    return 0
  }
}

async function compare(
  task: SweepTask,
  memory: Memory,
  number: number,
  listed: readonly Pick<KnownKey, 'key' | 'stamp'>[],
  counts: SweepCounts,
): Promise<void> {
  const { ledger, options, entity, plan, take, room, signal } = task
  const source = plan.source ?? (listed[0] && keyParts(listed[0].key)[0])
  memory.source ??= source
  if (entity.targetsAsked && source !== undefined) memory.targets ??= await recall(task, source)
  if (entity.adopted !== undefined && memory.targets === 0) {
    // What a mark says is in need not be read again only because this ledger is new: its keys are learnt from the listing.
    // An empty stamp has no place in time, and was read with everything at first.
    const floor = Date.parse(entity.adopted)
    const inside = listed.filter(({ stamp }) => stamp === null || Date.parse(stamp) <= floor)
    await ledger.learnKeys(options.name, entity.name, inside)
  }
  const odd = new Set(await ledger.compareKeys(options.name, entity.name, number, listed, memory.targets))
  // What changed since the window ended is in the next one, what is stamped in the future waits for its time.
  const through = plan.granularity === 'second' ? Date.parse(entity.position?.readThrough ?? '') : Number.NaN
  const keys = listed.filter(({ key, stamp }) => odd.has(key) && !(Date.parse(stamp ?? '') > through))
  counts.missed += keys.length
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    await room()
    const numbers = pageNumbers(ledger)
    const some = keys.slice(at, at + keysAtOnce).map(({ key }) => key)
    const page = await keyReader(plan, options.source.address)(some, numbers.next, signal)
    signal.throwIfAborted()
    await take(page, numbers.first())
  }
}

/** Why so much gone is not believed. */
function suspicion(entity: string, listed: number, known: number, unseen: number): string | undefined {
  if (listed === 0 && known > 0)
    return `${entity}: the source lists no record at all, while ${known} are known from it, so nothing was deleted.`
  if (isTooMuch(unseen, known))
    return `${entity}: ${unseen} of ${known} records known are not listed by the source any more, so nothing was deleted.`
  return undefined
}

const incomplete = (entity: string, listed: number): string =>
  `${entity}: the source's listing of keys was incomplete twice (${listed} keys, fewer than it says there are), so nothing was deleted. The next sweep tries again; if it stays so, look whether the source's user may read all of them.`

const onlyNow =
  'This ledger is new or an old copy, and only now has asked the targets what they hold: look whether the source shows everything to its user. If these records were really deleted, empty the table and send msg.tieout = {"full": true}.'

const whatNow = (entity: string): string =>
  `A lost right looks like deletion: check what the source's user may read, then run again. If they were really deleted, send msg.tieout = {"sweep": {"confirm": "${entity}"}} to the node that reads.`
