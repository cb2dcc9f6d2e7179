/** Sends held records again: a run of its own that moves no window. */
import type { HeldRecord, KnownKey, Ledger, OpenItem, Who } from '../../ledger/ledger.ts'
import type { Engine } from '../contract/engine.ts'
import { asSyncError, syncError } from '../contract/errors.ts'
import type { DataRecord } from '../contract/message.ts'
import type { EntitySummary, RunSummary } from '../contract/summary.ts'
import { readOf } from '../run/arrivals.ts'
import { closeEntity, watchRun } from '../run/close-entity.ts'
import { newRunId } from '../run/failed-start.ts'
import { type BatchState, outcomesOf } from '../run/progress.ts'
import { sentence } from '../run/sentence.ts'
import { type EntityRun, newEntity, type TotalsCheck } from '../run/state.ts'
import { accounted, STOPPED, says, summarize, wholeOf } from '../run/summary.ts'
import { isGood, NOT_VERIFIED, openInWords, worstOf } from '../run/verdict.ts'
import { toldOf } from '../values/told-amount.ts'
import { messageOf } from './batch-message.ts'
import { isUnder } from './contracts.ts'
import { createFiller } from './fill-batches.ts'
import { createPassage, defaultLimits, type Passage } from './in-flight.ts'
import type { PollDeps } from './poll.ts'

export type ReplayOptions = Parameters<Engine['replay']>[0]

/** Records that go out together: held at one place, of one entity, with one schema, of one source. */
interface Group {
  readonly to: 'map' | 'sink'
  readonly records: readonly HeldRecord[]
}

function groupsOf(held: readonly HeldRecord[]): Group[] {
  const groups = new Map<string, HeldRecord[]>()
  for (const record of held) {
    const { heldBy, entity, sync, sourceAddress, schema } = record
    const key = JSON.stringify([heldBy, entity, sync, sourceAddress, schema])
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(record)
  }
  return [...groups.values()].map((records) => ({ to: records[0]?.stage === 'sink' ? 'sink' : 'map', records }))
}

/** Resolves when all are settled. What could not be delivered is open again. */
export async function replay(deps: PollDeps, options: ReplayOptions): Promise<RunSummary> {
  const { ledger, now, log } = deps
  const { name, signal } = options
  const id = newRunId(ledger.nextRead())
  const started = now()
  await ledger.beginRun({ id, sync: name, mode: 'replay', at: started })
  const parts: RunSummary[] = []
  const errors: RunSummary['errors'][number][] = []
  let claimed: readonly HeldRecord[] = []
  try {
    claimed = await ledger.claimHeld(options.filter, id)
    if (options.who) await keepReplay(ledger, claimed, options.who)
    const stale = await readBefore(ledger, claimed)
    const lost = claimed.filter((held) => stale.has(held) && held.edited)
    errors.push(...lost.map(staleEdit))
    const isUnread = (held: HeldRecord): boolean =>
      held.stage === 'source' || stale.has(held) || (held.changed === true && !options.mayChange?.(held.sync))
    const unread = claimed.filter((held) => !held.edited && isUnread(held))
    const others = claimed.filter((held) => !unread.includes(held) && !lost.includes(held))
    for (const [index, group] of groupsOf(others).entries()) {
      if (signal.aborted) break
      parts.push(await replayGroup(deps, options, `${id}.${index}`, group))
    }
    for (const group of groupsOf(unread)) {
      if (signal.aborted) break
      parts.push(await readAgain(options, group))
    }
  } catch (error) {
    const { message, cause } = asSyncError(error)
    errors.push({ ...cause, message })
  }
  const open = new Map<string, readonly OpenItem[]>()
  try {
    for (const { sync } of parts) open.set(sync, await ledger.openItems(sync))
  } catch (error) {
    const { message, cause } = asSyncError(error)
    errors.push({ ...cause, message })
  }
  const all = [...parts.flatMap((part) => part.errors), ...errors]
  const entities = parts.flatMap((part) => part.entities.map((sum) => restated(sum, open.get(part.sync) ?? [], now())))
  const whole = wholeOf(entities, { open: [...open.values()].flat(), stopped: signal.aborted })
  const verdict = worstOf([
    ...(all.length > 0 ? (['failed'] as const) : []),
    ...entities.map((sum) => sum.verdict ?? 'failed'),
    ...whole.verdicts,
  ])
  const summary: RunSummary = {
    run: id,
    sync: name,
    mode: 'replay',
    started,
    ended: now(),
    state: signal.aborted
      ? 'stopped'
      : parts.some((part) => part.state === 'failed') || all.length > 0
        ? 'failed'
        : 'done',
    entities,
    verdict,
    says: says({ verdict, ended: now(), entities, errors: all, open: whole.open }),
    ...(whole.open.length > 0 ? { open: whole.open } : {}),
    ties: isGood(verdict),
    requests: parts.reduce((sum, part) => sum + part.requests, 0),
    statements: parts.reduce((sum, part) => sum + part.statements, 0),
    notices: parts.flatMap((part) => part.notices),
    errors: all,
  }
  try {
    // Whatever is still claimed was not reached: by a stop, or by an error.
    await ledger.releaseHeld(await stillClaimed(deps, claimed), 'open')
  } catch (error) {
    log.error(`replay ${id}: what it had claimed could not be given back: ${asSyncError(error).message}`)
  }
  try {
    await ledger.endRun(summary)
  } catch (error) {
    log.error(`replay ${id}: its end could not be written: ${asSyncError(error).message}`)
  }
  return summary
}

/** Keys that a decision names; it says how many there are. */
const KEYS_NAMED = 20

/** That a person had them sent again is kept: one decision for each place that held some. */
async function keepReplay(ledger: Ledger, claimed: readonly HeldRecord[], who: Who): Promise<void> {
  const places = Map.groupBy(claimed, ({ sync, entity, heldBy }) => JSON.stringify([sync, entity, heldBy]))
  for (const records of places.values()) {
    const [{ sync, entity, heldBy } = { sync: '', entity: '', heldBy: '' }] = records
    const keys = records.slice(0, KEYS_NAMED).map(({ key }) => key)
    const more = records.length > keys.length ? ` and ${records.length - keys.length} more` : ''
    const told = toldOf(records.map(({ amounts }) => amounts))
    await ledger.decide({
      ...who,
      ...{ kind: 'replay', sync, entity, sink: heldBy, about: keys.join(', ') + more },
      ...(told.unknown === 0 && { amounts: told.sums }),
    })
  }
}

/** What was read under another contract than what its sync has written since (`sync/reading/contracts.ts`). */
async function readBefore(ledger: Ledger, claimed: readonly HeldRecord[]): Promise<ReadonlySet<HeldRecord>> {
  const stale = new Set<HeldRecord>()
  for (const some of Map.groupBy(claimed, ({ sync, entity }) => JSON.stringify([sync, entity])).values()) {
    const [first] = some
    const position = first && (await ledger.position(first.sync, first.entity))
    for (const held of some) if (position && !isUnder(position, held.schema.contract)) stale.add(held)
  }
  return stale
}

const staleEdit = ({ entity, key }: HeldRecord): RunSummary['errors'][number] => ({
  class: 'config',
  code: 'sync.contract',
  message: `${entity} ${key}: it was held and edited before the amounts of ${entity} were signed by another rule, and is not sent as it stands.`,
  entity,
  key,
  hint: 'Discard it, have the source read it again, and correct the new version if that is still needed.',
})

/** What is open now that everything was sent again, in the place of what was open when its part ended. */
function restated(sum: EntitySummary, items: readonly OpenItem[], at: string): EntitySummary {
  const { open: before = [], verdict: word = 'failed', ...rest } = sum
  const own = items.filter(({ entity }) => entity === sum.entity)
  const open = [...openInWords(own), ...before.filter((why) => why === STOPPED || why.startsWith(NOT_VERIFIED))]
  const moved = word === 'open' ? (sum.delivered > 0 ? 'ties' : 'nothing new') : word
  const verdict = worstOf([moved, ...(open.length > 0 ? (['open'] as const) : [])])
  const said = sentence({ ...rest, verdict, open, at })
  return { ...rest, verdict, ties: isGood(verdict), says: said, ...(open.length > 0 && { open }) }
}

/** What may be incomplete, or was changed on the way. What arrives with the later read closes what was held. */
async function readAgain({ readAgain: ask, signal }: ReplayOptions, { records }: Group): Promise<RunSummary> {
  const [first] = records
  if (!first || !ask) {
    throw syncError(
      'config',
      'sync.read-again',
      `Records of ${first?.entity} were held while they were read, or after a node of the flow had changed them.`,
      {
        hint: 'They may not be what the source has: have the polling node read them again.',
      },
    )
  }
  const keys = records.map(({ key, sourceKey = key }) => sourceKey)
  return ask(first.sync, first.entity, keys, signal)
}

const stillClaimed = async ({ ledger }: PollDeps, claimed: readonly HeldRecord[]): Promise<string[]> =>
  claimed.length === 0
    ? []
    : (await ledger.held({ ids: claimed.map(({ id }) => id), states: ['replaying'], limit: claimed.length })).map(
        ({ id }) => id,
      )

async function replayGroup(deps: PollDeps, options: ReplayOptions, id: string, group: Group): Promise<RunSummary> {
  const { settlement } = deps
  const { signal } = options
  const [first] = group.records
  if (!first) throw new Error('an empty group of held records')
  const { entity: name, sync, sourceAddress } = first
  const sinks = options.sinks(name)
  const run = settlement.open({
    id,
    sync,
    mode: 'replay',
    at: deps.now(),
    // At a sink only the one that holds answers; before a mapping all behind it.
    mustReport: group.to === 'sink' ? 'one' : 'every',
    mayFilter: false,
    mayChange: options.mayChange?.(sync) ?? false,
    ...(options.foreign && { foreign: options.foreign }),
    ...(options.mappings && { mappings: options.mappings }),
    receiptMs: options.receiptSeconds * 1000,
    full: false,
    memory: true,
    sourceAddress,
  })
  const entity = newEntity(run, { name, sinks })
  const passage = createPassage(deps.budget, run, defaultLimits)
  signal.addEventListener('abort', run.changed, { once: true })
  const stopWatching = watchRun(deps, run)
  const sent: HeldRecord[][] = []
  let checks: ReadonlyMap<string, TotalsCheck> = new Map()
  try {
    if (sinks.length === 0)
      throw syncError(
        'config',
        'sync.no-sink',
        `Held records of ${name} can reach no sink from the node that replays.`,
        {
          entity: name,
          hint:
            group.to === 'sink'
              ? 'Wire its second output to the sink that holds them.'
              : 'Wire its first output to the mapping that holds them.',
        },
      )
    await send(deps, options, passage, entity, group, sent)
  } catch (error) {
    if (!signal.aborted) settlement.failEntity(run, entity, asSyncError(error))
  }
  try {
    checks = await closeEntity(deps, run, entity, signal)
  } finally {
    stopWatching()
    passage.leave()
    signal.removeEventListener('abort', run.changed)
    settlement.end(run)
  }
  await close(deps, id, entity, sent)
  const summary = summarize(run, { ended: deps.now(), stopped: signal.aborted, checks })
  // Sinks that another one's records only passed by have nothing to say.
  const entities = summary.entities.filter(
    (sum) =>
      group.to === 'map' ||
      entity.error ||
      [...entity.tallies.values()].some((t) => t.ref.name === sum.sink && accounted(t.counts) > 0),
  )
  const verdict = worstOf(entities.map((sum) => sum.verdict ?? 'failed'))
  return { ...summary, entities, verdict, ties: isGood(verdict) }
}

async function send(
  deps: PollDeps,
  { send: give, progress, signal }: ReplayOptions,
  passage: Passage,
  entity: EntityRun,
  { to, records }: Group,
  sent: HeldRecord[][],
): Promise<void> {
  const [first] = records
  if (!first) return
  const { schema } = first
  const { run } = passage
  const by = deps.settlement.contributorOf(schema)
  const filler = createFiller(passage.limits, by)
  const payload = records.map(
    (held): DataRecord => ({ ...(held.edited?.record ?? held.record), _row: 0, _read: held.read }),
  )
  const full = filler.add('held', { records: payload, cursor: null })
  const rest = filler.end()
  const batches = rest ? [...full, rest] : full
  let at = 0
  for (const { index, rows, bytes, records: some, texts, digests, total } of batches) {
    await passage.slot({ rows, bytes }, signal)
    if (entity.error) return
    const held = records.slice(at, at + some.length)
    sent.push(held)
    at += some.length
    entity.read += some.length
    entity.rows += rows
    entity.rowsRead = entity.rows
    const last = index === batches.length - 1
    const known = held.map(sourceOf)
    const sentAt = deps.tick()
    const originals = held.map(({ record }, row): DataRecord => ({ ...record, _row: row }))
    const isEdited = held.some(({ edited }) => edited !== undefined)
    const read = isEdited
      ? readOf(by, originals)
      : { by, digests: Uint32Array.from(digests), texts, total, declared: [] }
    entity.batches.push({ index, count: some.length, rows, bytes, sentAt, segments: [], known, read, sinks: new Map() })
    passage.changed()
    if (last) entity.readDone = true
    const message = messageOf(run, { entity: entity.name, schema }, [...some], {
      index,
      last,
      ledger: deps.ledger.id,
      mode: 'replay',
    })
    if (isEdited)
      deps.settlement.declare(
        message.sync,
        undefined,
        { payload: originals, schema },
        { payload: some, schema },
        'corrected',
      )
    give(to, to === 'sink' ? { ...message, sync: { ...message.sync, to: first.heldBy } } : message)
    progress({ entity: entity.name, records: entity.read, rows: entity.rows })
  }
}

/** A record that was held at the source or before a mapping still has the source's own key; of one that was held at a sink it is kept. */
const sourceOf = ({ stage, key, sourceKey, read, record }: HeldRecord): KnownKey | undefined => {
  const own = stage === 'source' || stage === 'map' ? key : sourceKey
  return own === undefined ? undefined : { key: own, read, stamp: record._stamp ?? null }
}

/** What became of each record; what its sink's commit has closed already stays so. */
async function close(
  { ledger }: PollDeps,
  run: string,
  entity: EntityRun,
  sent: readonly HeldRecord[][],
): Promise<void> {
  const ids = sent.flat().map(({ id }) => id)
  if (ids.length === 0) return
  const claimed = await ledger.held({ ids, states: ['replaying'], limit: ids.length })
  // Held again at the same place: its reason was renewed by this run.
  const again = new Set(claimed.filter((held) => held.run === run).map(({ id }) => id))
  const ends = { open: [] as string[], delivered: [] as string[], superseded: [] as string[] }
  for (const [index, records] of sent.entries()) {
    const batch = entity.batches[index]
    for (const [row, { id }] of records.entries()) ends[again.has(id) ? 'open' : endOf(entity, batch, row)].push(id)
  }
  for (const as of ['open', 'delivered', 'superseded'] as const)
    if (ends[as].length > 0) await ledger.releaseHeld(ends[as], as)
}

function endOf(entity: EntityRun, batch: BatchState | undefined, row: number): 'open' | 'delivered' | 'superseded' {
  const outcomes = batch ? outcomesOf(batch, row) : []
  const answered = entity.error ? outcomes.length >= entity.sinks.length : outcomes.length > 0
  if (!answered || outcomes.some((outcome) => outcome === 'inDoubt' || outcome === 'filtered')) return 'open'
  if (outcomes.some((outcome) => outcome === 'delivered' || outcome === 'unchanged')) return 'delivered'
  // Superseded by a later read, or held further on, at a sink that now has it.
  return 'superseded'
}
