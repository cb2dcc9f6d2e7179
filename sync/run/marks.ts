/**
 * Marks in the targets: what a target's mark says about this ledger, what follows from it, and writing it.
 * A mark may lag behind the ledger, never lead; so one that leads means that the ledger is an old copy.
 */
import type { Adoption, Ledger, Notes } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import type { Schema, SyncInfo } from '../contract/message.ts'
import type { Mark, Target, WriteContext } from '../contract/target.ts'
import { type EntityRun, HIGHEST_NUMBER, type MarkPlace, type RunState } from './state.ts'
import { TAKE_OVER, twoEntities, twoSources } from './table-conflicts.ts'

export interface MarkQuestion {
  readonly marks: readonly Mark[]
  readonly sync: string
  readonly entity: string
  readonly sourceAddress: string
  /** Source name of the records that are to be written; undefined: not known yet. */
  readonly source?: string | undefined
  readonly address: string
  readonly mode: Target['mode']
  /** This ledger's id. */
  readonly ledger: string
  /** Before this run the ledger had delivered something of the sync. */
  readonly memory: boolean
  /** A person has said that the source of this sync moved: marks that it wrote elsewhere are its own. */
  readonly moved?: boolean
  /** A person has said that this sync goes on in the place of others: marks under its source name are its own. */
  readonly takesOver?: boolean
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
  const foreign = foreignMark(question)
  if (foreign) return { kind: 'stop', error: foreign }
  const before = new Set(question.moved || question.takesOver ? movedMarks(question) : [])
  const marks = question.marks.filter(
    (m) => m.entity === entity && (m.sourceAddress === question.sourceAddress || before.has(m)),
  )
  const stop = (code: string, message: string, hint: string): MarkAnswer => ({
    kind: 'stop',
    error: syncError('config', code, message, { entity, hint }),
  })
  const other = question.takesOver ? undefined : marks.find((m) => m.sync !== sync)
  if (other)
    return stop(
      'sync.two-syncs',
      `${address} is already written by the sync "${other.sync}" from the same source ${other.sourceAddress}, and now by "${sync}".`,
      `Give this sync its own table, or its old name "${other.sync}" if it was renamed; if the other one is gone for good, ${TAKE_OVER}.`,
    )
  const mark = newest(question.takesOver ? marks : marks.filter((m) => m.sync === sync))
  if (!mark) return { kind: 'go' }
  const append = (why: string): MarkAnswer => ({ kind: 'stop', error: appendMemory(address, entity, why) })
  if (mark.ledger === ledger) {
    if (mark.read <= question.highest) return { kind: 'go' }
    return question.mode === 'append'
      ? append('its mark is ahead of this ledger, which is an old copy')
      : { kind: 'old-copy', mark }
  }
  const taken = question.adopted.filter((adoption) => adoption.ledger === mark.ledger)
  const known = taken.find((adoption) => adoption.entity === entity)
  // A mark that moved after it was taken over shows that the other ledger is alive.
  if (question.highest > 0 && known && mark.read <= known.read) return { kind: 'go' }
  if (!question.takesOver && (question.highest > 0 || (question.memory && taken.length === 0)))
    return stop(
      'sync.two-ledgers',
      `${address} is also written by another ledger (${mark.ledger}, run ${mark.run}) for the sync "${sync}"; this ledger is ${ledger}.`,
      `Two installations write one table: stop one of them, or give each its own table. If the other is gone for good, ${TAKE_OVER}.`,
    )
  return question.mode === 'append'
    ? append('this ledger is new and does not know what is in it')
    : { kind: 'adopt', mark }
}

const appendMemory = (address: string, entity: string, why: string): SyncError =>
  syncError(
    'config',
    'sync.append-memory',
    `${address} only appends, and ${why}: sending again from there could double records.`,
    { entity, hint: 'Empty the table, so that it is loaded anew, or restore the newest copy of the ledger.' },
  )

/** Another entity in the table, or another system under the same source name; a mark that does not say its source refuses nothing. */
function foreignMark(question: MarkQuestion): SyncError | undefined {
  const { sync, entity, sourceAddress, address, source } = question
  const told = question.marks.filter((mark) => mark.source !== undefined)
  const other = told.find((mark) => mark.entity !== entity)
  if (other) return twoEntities(address, { ...other, list: '' }, { sync, entity, list: '' })
  const moved = new Set(movedMarks(question))
  const from = told.find((mark) => mark.source === source && mark.sourceAddress !== sourceAddress && !moved.has(mark))
  const claim = { sync, entity, sourceAddress }
  return from && twoSources(address, { ...from, source: source ?? '' }, claim, `empty the table, or ${TAKE_OVER}`)
}

/**
 * Marks that this sync wrote while its source stood at another address, by this ledger or one that it took over from; where a
 * person says that it moved, by whatever ledger; where one says that it takes over, those of other syncs of its source too.
 */
const movedMarks = ({ marks, sync, entity, sourceAddress, source, ledger, adopted, moved, takesOver }: MarkQuestion) =>
  marks.filter((mark) => {
    if (mark.entity !== entity || (mark.sync === sync && mark.sourceAddress === sourceAddress)) return false
    const isOfSource = mark.sourceAddress === sourceAddress || (source !== undefined && mark.source === source)
    if (takesOver && (mark.sync === sync || isOfSource)) return true
    if (mark.sync !== sync) return false
    const isTaken = adopted.some((one) => one.ledger === mark.ledger && one.entity === entity && mark.read <= one.read)
    return moved || mark.ledger === ledger || isTaken
  })

async function questionOf(
  ledger: Ledger,
  target: Target,
  marks: readonly Mark[],
  about: Pick<MarkQuestion, 'sync' | 'entity' | 'sourceAddress' | 'source' | 'memory' | 'moved' | 'takesOver'>,
): Promise<MarkQuestion> {
  return {
    ...about,
    marks,
    address: target.address,
    mode: target.mode,
    ledger: ledger.id,
    adopted: await ledger.adopted(about.sync),
    highest: await ledger.highestRead(target.address),
  }
}

/**
 * At the first delivery of a run to a target: stops when another ledger or sync writes the table; an old copy forgets its
 * deliveries there, so that everything is sent again. Numbers already given to records of this run may be lower than the
 * mark's: then the entity fails once, and the next run reads with higher ones. Gives where its next mark belongs.
 */
export async function checkMark(options: {
  readonly ledger: Ledger
  readonly run: Pick<RunState, 'mode' | 'sourceAddress' | 'memory' | 'moved' | 'takesOver' | 'notices'>
  readonly entity: Pick<EntityRun, 'lost'>
  readonly sync: SyncInfo
  readonly target: Target
  readonly empty: boolean
  readonly source: string | undefined
  readonly schema: Schema
  /** Since this ledger was opened nothing was written there. */
  readonly first: boolean
  readonly context: WriteContext
}): Promise<MarkPlace> {
  const { ledger, run, sync, target, source } = options
  const sourceAddress = run.sourceAddress ?? ''
  // Whatever it has, this ledger never delivered it.
  const isForeign = !options.empty && (await ledger.highestRead(target.address)) === 0
  // Of a dataset nobody may be able to say whether it has a row; what is too many there is found by counting.
  if (isForeign && !target.countsOnly) await ledger.doubtSums(target.address, 0)
  if (run.mode === 'push' || !target.readMark) return { sourceAddress, replaced: [] }
  if (options.empty) return { sourceAddress, replaced: 'older' }
  const context = { ...options.context, tell: (text: string) => void run.notices.push(text) }
  const marks = await target.readMark(context)
  const question = await questionOf(ledger, target, marks, {
    sync: sync.name,
    entity: sync.entity,
    sourceAddress,
    source,
    memory: run.memory ?? false,
    moved: run.moved ?? false,
    takesOver: run.takesOver ?? false,
  })
  const place = placeOf(question, run.mode)
  const said = judgeMarks(question)
  const judgement = said.kind === 'go' && options.first ? await judgeTables(options) : said
  if (judgement.kind === 'stop') throw judgement.error
  if (judgement.kind === 'go') {
    // Whoever wrote this never came to a mark.
    const unmarked = !marks.some((m) => m.sync === sync.name && m.entity === sync.entity)
    if (unmarked && isForeign) await ledger.doubtTargets(sync.name, sync.entity)
    await doubtPutBack(options, marks)
    return place
  }
  const { mark } = judgement
  await ledger.doubtTargets(sync.name, sync.entity)
  ledger.raiseRead(mark.read)
  if (judgement.kind === 'adopt')
    await ledger.adopt({ sync: sync.name, entity: sync.entity, ledger: mark.ledger, read: mark.read })
  await ledger.clearDeliveries(target.address)
  await ledger.raiseHighestRead(target.address, mark.read)
  run.notices.push(
    judgement.kind === 'adopt'
      ? `${sync.entity}: ${run.takesOver ? 'taken over' : 'the ledger is new'}; ${target.address} already holds what the ledger ${mark.ledger} delivered. Everything is compared again.`
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
  return place
}

/**
 * A mark may lag, and with it an old copy of the ledger would pass for the newest. The rows tell: none can have a read number that
 * was given after the copy was taken. One question, where the target can compare its tables as a whole, after a start of the process.
 */
async function judgeTables({
  ledger,
  run,
  sync,
  target,
  source,
  schema,
  context,
}: Parameters<typeof checkMark>[0]): Promise<MarkAnswer> {
  const { readBefore } = ledger
  if (!target.whole || source === undefined || readBefore === 0) return { kind: 'go' }
  if ((await ledger.highestRead(target.address)) === 0) return { kind: 'go' }
  const found = await target.whole(schema, source, context)
  const read = typeof found === 'string' ? 0 : Math.max(0, ...found.map(({ highest }) => highest))
  // What lies above is set by hand, and told when the tables are compared.
  if (read <= readBefore || read > HIGHEST_NUMBER) return { kind: 'go' }
  const about = { sync: sync.name, entity: sync.entity, sourceAddress: run.sourceAddress ?? '' }
  return target.mode === 'append'
    ? {
        kind: 'stop',
        error: appendMemory(target.address, sync.entity, 'its rows are ahead of this ledger, which is an old copy'),
      }
    : { kind: 'old-copy', mark: { ...about, ledger: ledger.id, run: sync.run, read, floor: null } }
}

/** Where the ledger keeps the read number of the last mark that a target has confirmed. */
const confirmedKey = (address: string, { sync, entity }: Pick<Mark, 'sync' | 'entity'>): string =>
  `mark:${sync}:${entity}:${address}`

/** The target has this mark. */
export const confirmMark = (ledger: Notes, address: string, mark: Mark): Promise<void> =>
  ledger.saveNote(confirmedKey(address, mark), String(mark.read))

/**
 * A mark of our own that is older than one that the target had confirmed, or that is gone: the target was put back to what it was
 * before. Where its tables are compared as a whole, that finds what is not as it was delivered; else all of it is given up.
 */
async function doubtPutBack(
  { ledger, run, entity, sync, target, source = '' }: Parameters<typeof checkMark>[0],
  marks: readonly Mark[],
): Promise<void> {
  const about = { sync: sync.name, entity: sync.entity }
  const confirmed = Number((await ledger.note(confirmedKey(target.address, about))) ?? 0)
  const own = marks.filter(
    (mark) => mark.sync === sync.name && mark.entity === sync.entity && mark.ledger === ledger.id,
  )
  if (own.some(({ read }) => read >= confirmed) || confirmed === 0) return
  const what = `${sync.entity}: the mark in ${target.address} is older than the one that was written last, or gone: the table was put back to what it was before, or only the table of marks.`
  const isCompared =
    target.whole !== undefined && !target.countsOnly && (await ledger.unsummed(target.address, source)) === 0
  run.notices.push(
    `${what} ${isCompared ? 'Its tables are compared with what was delivered.' : 'Everything is read again.'}`,
  )
  if (isCompared || run.mode !== 'poll') return
  await ledger.loseRows(target.address, what, about)
  entity.lost = 'found'
}

/** What is replayed was read before, maybe before the source moved: its mark stands where that of its sync does. */
function placeOf(question: MarkQuestion, mode: RunState['mode']): MarkPlace {
  const { sourceAddress, sync, entity } = question
  const moved = movedMarks(question)
  if (mode === 'poll') return { sourceAddress, replaced: moved }
  const isHere = question.marks.some(
    (mark) => mark.sync === sync && mark.entity === entity && mark.sourceAddress === sourceAddress,
  )
  return { sourceAddress: isHere ? sourceAddress : (newest(moved)?.sourceAddress ?? sourceAddress), replaced: [] }
}

const newest = (marks: readonly Mark[]): Mark | undefined => marks.toSorted((a, b) => b.read - a.read)[0]

/** Marks of a table that was found empty before the batch: they speak of rows that are gone. */
export async function olderMarks(
  target: Target,
  { sync, sourceAddress }: { readonly sync: SyncInfo; readonly sourceAddress: string },
  context: WriteContext,
): Promise<readonly Mark[]> {
  const isOwn = (mark: Mark) =>
    mark.sync === sync.name && mark.entity === sync.entity && mark.sourceAddress === sourceAddress
  const marks = (await target.readMark?.(context)) ?? []
  return marks.filter((mark) => mark.read < sync.readNumber && !isOwn(mark))
}

/** A source that moved and is kept: the marks of its sync move too, in every target, so that what is in there goes on being its own. */
export async function moveMarks(options: {
  readonly ledger: Ledger
  readonly sync: string
  readonly entity: string
  readonly sourceAddress: string
  readonly targets: readonly Target[]
  readonly context: WriteContext
}): Promise<void> {
  const { ledger, sync, entity, sourceAddress, context } = options
  for (const target of options.targets) {
    const marks = (await target.readMark?.(context)) ?? []
    const moved = movedMarks(await questionOf(ledger, target, marks, { sync, entity, sourceAddress, memory: true }))
    const last = newest(moved)
    if (last) await target.writeMark?.({ ...last, sourceAddress }, context, moved)
  }
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
  readonly moved: boolean
  readonly takesOver: boolean
  readonly targets: readonly Target[]
  readonly context: WriteContext
}): Promise<{ readonly floor: string | null; readonly from: readonly string[] } | undefined> {
  const { ledger, sync, entity, sourceAddress, memory, moved, takesOver, context } = options
  const found: { readonly mark: Mark; readonly target: Target; readonly kind: 'adopt' | 'old-copy' }[] = []
  let fresh = false
  for (const target of options.targets) {
    const marks = (await target.readMark?.(context)) ?? []
    const ours = marks.filter(
      (m) => m.entity === entity && (m.sourceAddress === sourceAddress || (moved && m.sync === sync)),
    )
    if (ours.length === 0) {
      fresh = true
      continue
    }
    const about = { sync, entity, sourceAddress, memory, moved, takesOver }
    const judgement = judgeMarks(await questionOf(ledger, target, ours, about))
    if (judgement.kind === 'stop') throw judgement.error
    if (judgement.kind === 'go') fresh = true
    else found.push({ mark: judgement.mark, target, kind: judgement.kind })
  }
  if (found.length === 0) return undefined
  await ledger.doubtTargets(sync, entity)
  for (const { mark, target, kind } of found) {
    const { address } = target
    ledger.raiseRead(mark.read)
    await ledger.clearDeliveries(address)
    await ledger.raiseHighestRead(address, mark.read)
    if (kind === 'adopt') await ledger.adopt({ sync, entity, ledger: mark.ledger, read: mark.read })
    // A table that cannot be compared as a whole never becomes known again.
    if (target.whole) await doubtUnwritten(ledger, mark, { sync, entity, sourceAddress, address })
  }
  const floors = found.map(({ mark }) => mark.floor)
  const from = found.map(({ mark, target }) => `${target.address} (ledger ${mark.ledger}, run ${mark.run})`)
  // A target that has nothing yet needs everything.
  if (fresh || floors.includes(null)) return { floor: null, from }
  return { floor: floors.reduce((a, b) => ((a ?? '') < (b ?? '') ? a : b)) ?? null, from }
}

/** What is in there counts as not known from now on, though this run, and maybe no run, writes there: a flow may have been drawn anew. */
async function doubtUnwritten(
  ledger: Ledger,
  { source, read }: Mark,
  { address, ...about }: { readonly address: string } & Pick<MarkQuestion, 'sync' | 'entity' | 'sourceAddress'>,
): Promise<void> {
  if (source === undefined) return
  await ledger.doubtSums(address, read)
  // Whose records they are; where they are another's, the first write is refused.
  await ledger.claimTables([{ ...about, table: address, source, list: '' }])
  await ledger.beginSumming(address, source, read)
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
