/**
 * A run comes to a target: its tables are prepared and looked at, once for each run that writes, and its mark is read. What
 * was delivered into a table that has no row any more is given up, and read again.
 */

import type { Schema } from '../contract/message.ts'
import { type RetryOptions, withRetry } from '../contract/retry.ts'
import type { FoundTable, Prepared, Target } from '../contract/target.ts'
import type { EntityRun, Reached } from '../run/state.ts'
import type { DeliverDeps } from './deps.ts'
import { doubledText, listDoubled } from './intents.ts'
import type { Job } from './job.ts'
import { matchTable } from './match-versions.ts'

export interface Meeting {
  readonly reached: Reached
  /** The target was asked just now: the ledger may know less than before. */
  readonly fresh: boolean
}

export interface Meetings {
  /** Nothing is asked where the run did it before. */
  meet(job: Job): Promise<Meeting>
  /** After a failed write: true if a table was lost meanwhile and is there again, so that the batch may be written once more. */
  meetAgain(job: Job, error: unknown): Promise<boolean>
}

/** A target as one run knows it; no answer outlives the run. */
interface Acquaintance {
  /** Schemas it was prepared for, as texts. */
  readonly schemas: Set<string>
  /** Tables that rows were delivered into; undefined: not asked yet. */
  filled: Set<string> | undefined
}

export function createMeetings({ ledger, settlement, retry = {} }: DeliverDeps): Meetings {
  const known = new WeakMap<EntityRun, Map<Target, Acquaintance>>()
  const again = new WeakSet<Job>()
  const texts = new WeakMap<Schema, string>()

  const textOf = (schema: Schema): string => {
    const text = texts.get(schema) ?? JSON.stringify(schema)
    texts.set(schema, text)
    return text
  }
  const runOf = ({ sync }: Job) => settlement.runs.get(sync.run)
  const entityOf = (job: Job) => runOf(job)?.entities.get(job.sync.entity)

  const acquaintance = (job: Job): Acquaintance => {
    const { target } = job.options
    const entity = entityOf(job)
    const all = (entity && known.get(entity)) ?? new Map<Target, Acquaintance>()
    const own = all.get(target) ?? { schemas: new Set(), filled: undefined }
    all.set(target, own)
    if (entity) known.set(entity, all)
    return own
  }

  const filledOf = async (address: string): Promise<Set<string>> => {
    const filled = new Set((await ledger.filled(address)).map(({ list }) => list))
    // What was delivered by a version that did not write down where.
    if (await ledger.hasDeliveries(address)) filled.add('')
    return filled
  }

  const trying = <T>(job: Job, work: () => Promise<T>): Promise<T> => {
    const patience: Partial<RetryOptions> = { ...retry, ...job.options.target.retry }
    return withRetry(work, { ...job.again, idempotent: true }, patience)
  }

  const prepare = (job: Job, filled: ReadonlySet<string>): Promise<Prepared> => {
    const { batch, context, sync, options } = job
    const { target } = options
    const { address } = target
    const note = { read: () => ledger.note(address), save: (text: string) => ledger.saveNote(address, text) }
    const full = runOf(job)?.full ?? false
    return trying(job, () => target.prepare(batch.schema, { ...context, run: sync.run, full, note, filled }))
  }

  /** What the target says of itself, apart from its tables. */
  const listen = async (job: Job, { notices = [], doubled = [], cleared }: Prepared): Promise<void> => {
    const { sync, batch, options, at } = job
    const { address } = options.target
    const run = runOf(job)
    run?.notices.push(...notices)
    if (cleared) await ledger.forgetAddress(address)
    for (const twice of doubled) {
      await listDoubled(twice, { ledger, sync, schema: batch.schema, address, at })
      run?.notices.push(doubledText(twice, address))
    }
  }

  /** Gives up what was delivered into tables that have no row any more; true if there are such. `within`: the run itself lost them. */
  const look = async (job: Job, tables: Prepared['tables'], filled: Set<string>, within: boolean): Promise<boolean> => {
    const { sync, options } = job
    const { address } = options.target
    const by = sync.mode === 'push' ? undefined : { sync: sync.name, entity: sync.entity }
    const remembers = filled.has('')
    const lost = lostOf(tables, filled)
    if (lost.length > 0) {
      const what = lost.map(lostText).join(' ')
      await ledger.loseRows(address, what, by, within)
      filled.clear()
      const run = runOf(job)
      const entity = entityOf(job)
      // What a full refresh finds lost it reads by itself.
      if (within || !run?.full) {
        run?.notices.push(what)
        if (entity) entity.lost = 'found'
      }
    }
    const learnt = tables.filter(({ list, state }) => remembers && state === 'filled' && !filled.has(list))
    if (by && learnt.length > 0) {
      await ledger.saveFilled(
        address,
        learnt.map(({ list }) => ({ list, ...by })),
      )
      for (const { list } of learnt) filled.add(list)
    }
    return lost.length > 0
  }

  const meet = async (job: Job, within: boolean): Promise<Meeting & { readonly lost: boolean }> => {
    const { context, sync, batch, options } = job
    const { target, ref } = options
    const own = acquaintance(job)
    const before = await entityOf(job)?.reached.get(ref.id)
    job.filled = own.filled
    if (before !== undefined && own.schemas.has(textOf(batch.schema)))
      return { reached: before, fresh: false, lost: false }
    const isFirst = own.filled === undefined
    own.filled ??= await filledOf(target.address)
    job.filled = own.filled
    const prepared = await prepare(job, own.filled)
    await listen(job, prepared)
    if (prepared.cleared) own.filled.clear()
    const lost = !prepared.cleared && (await look(job, prepared.tables, own.filled, within))
    const empty = prepared.tables.some(({ list, state }) => list === '' && state !== 'filled')
    if (isFirst && !empty && runOf(job)?.full && target.mode === 'append') await matchTable(ledger, job)
    const reached = await trying(job, () =>
      settlement.target(sync, ref, { target, schema: batch.schema, empty, source: job.sources[0] }, context),
    )
    own.schemas.add(textOf(batch.schema))
    return { reached, fresh: true, lost }
  }

  return {
    meet: (job) => meet(job, false),
    async meetAgain(job, error) {
      if (again.has(job) || !job.options.target.isLost?.(error)) return false
      again.add(job)
      acquaintance(job).schemas.clear()
      return (await meet(job, true)).lost
    },
  }
}

/** Tables that have no row though the ledger knows of some. A list may be empty for good reasons, for as long as it never had one. */
function lostOf(tables: readonly FoundTable[], filled: ReadonlySet<string>): readonly FoundTable[] {
  return tables.filter(({ list, state }) => (state === 'new' ? filled.has('') : state === 'empty' && filled.has(list)))
}

const lostText = ({ list, name, state }: FoundTable): string =>
  state === 'new' && list !== ''
    ? `${name} was made now, though documents were delivered before: it was dropped, or the entity did not have it then.`
    : `${name} is empty, though records were delivered there before: it was emptied or dropped.`
