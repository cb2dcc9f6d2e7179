/**
 * A run comes to a target: its tables are prepared and looked at, once for each run that writes, and its mark is read. What
 * was delivered into a table that has no row any more is given up, and read again.
 */

import type { Schema } from '../contract/message.ts'
import { withRetry } from '../contract/retry.ts'
import type { Prepared, Target } from '../contract/target.ts'
import type { EntityRun, Reached } from '../run/state.ts'
import type { DeliverDeps } from './deps.ts'
import { doubledText, listDoubled } from './intents.ts'
import type { Job } from './job.ts'
import { filledTables, giveUpLost } from './lost-tables.ts'
import { matchTable } from './match-versions.ts'

export interface PreparedTables {
  readonly reached: Reached
  /** The target was asked just now: the ledger may know less than before. */
  readonly fresh: boolean
}

export interface TablePreparation {
  /** Nothing is asked where the run did it before. */
  prepare(job: Job): Promise<PreparedTables>
  /** After a failed write: true if a table was lost meanwhile and is there again, so that the batch may be written once more. */
  prepareAgain(job: Job, error: unknown): Promise<boolean>
}

/** The tables of a target as one run knows them; no answer outlives the run. */
interface KnownTables {
  /** Schemas it was prepared for, as texts. */
  readonly schemas: Set<string>
  /** Tables that rows were delivered into; undefined: not asked yet. */
  filled: Set<string> | undefined
  /** Source names of which everything is written anew. */
  readonly anew: Set<string>
}

export function createTablePreparation(deps: DeliverDeps): TablePreparation {
  const knownTables = tablesByRun(deps)
  const textOf = schemaTexts()
  const askedAgain = new WeakSet<Job>()

  const prepare = async (job: Job, within: boolean): Promise<PreparedTables & { readonly lost: boolean }> => {
    const own = knownTables(job)
    const text = textOf(job.batch.schema)
    const before = await entityOf(deps, job)?.reached.get(job.options.ref.id)
    job.filled = own.filled
    if (before !== undefined && own.schemas.has(text)) {
      const news = await forgetSources(deps, job, own)
      return { reached: before, fresh: news, lost: false }
    }
    const isFirst = own.filled === undefined
    own.filled ??= await filledTables(deps.ledger, job.options.target.address)
    job.filled = own.filled
    const found = await prepareAndLook(deps, job, own.filled, isFirst, within)
    own.schemas.add(text)
    await forgetSources(deps, job, own)
    return { ...found, fresh: true }
  }

  return {
    prepare: (job) => prepare(job, false),
    async prepareAgain(job, error) {
      if (askedAgain.has(job) || !job.options.target.isLost?.(error)) return false
      askedAgain.add(job)
      knownTables(job).schemas.clear()
      return (await prepare(job, true)).lost
    },
  }
}

const runOf = ({ settlement }: DeliverDeps, { sync }: Job) => settlement.runs.get(sync.run)
const entityOf = (deps: DeliverDeps, job: Job) => runOf(deps, job)?.entities.get(job.sync.entity)

/** What the job's run knows of its target; nothing is kept for a run that has ended. */
function tablesByRun(deps: DeliverDeps): (job: Job) => KnownTables {
  const known = new WeakMap<EntityRun, Map<Target, KnownTables>>()
  return (job) => {
    const { target } = job.options
    const entity = entityOf(deps, job)
    const all = (entity && known.get(entity)) ?? new Map<Target, KnownTables>()
    const own = all.get(target) ?? { schemas: new Set(), filled: undefined, anew: new Set() }
    all.set(target, own)
    if (entity) known.set(entity, all)
    return own
  }
}

/** What a full reading writes anew equals nothing before; records of other source names stay known. True if there were new ones. */
async function forgetSources(deps: DeliverDeps, job: Job, { anew }: KnownTables): Promise<boolean> {
  const { target } = job.options
  const news = job.sources.filter((source) => !anew.has(source))
  if (target.mode !== 'merge' || !runOf(deps, job)?.full || news.length === 0) return false
  for (const source of news) {
    anew.add(source)
    await deps.ledger.clearDeliveries(target.address, source || undefined)
  }
  return true
}

function schemaTexts(): (schema: Schema) => string {
  const texts = new WeakMap<Schema, string>()
  return (schema) => {
    const text = texts.get(schema) ?? JSON.stringify(schema)
    texts.set(schema, text)
    return text
  }
}

async function prepareAndLook(
  deps: DeliverDeps,
  job: Job,
  filled: Set<string>,
  isFirst: boolean,
  within: boolean,
): Promise<{ readonly reached: Reached; readonly lost: boolean }> {
  const { ledger, settlement, retry = {} } = deps
  const { context, sync, batch, options } = job
  const { target, ref } = options
  const run = runOf(deps, job)
  const trying = <T>(work: () => Promise<T>): Promise<T> =>
    withRetry(work, { ...job.again, idempotent: true }, { ...retry, ...target.retry })
  const note = {
    read: () => ledger.note(target.address),
    save: (text: string) => ledger.saveNote(target.address, text),
  }
  const { full = false, clear = false } = run ?? {}
  const prepared = await trying(() =>
    target.prepare(batch.schema, { ...context, run: sync.run, full, clear, note, filled }),
  )
  await listen(deps, job, prepared)
  if (prepared.cleared) filled.clear()
  const lost =
    !prepared.cleared &&
    (await giveUpLost({ ledger, run, entity: entityOf(deps, job) }, job, prepared.tables, filled, within))
  const empty = prepared.tables.some(({ list, state }) => list === '' && state !== 'filled')
  if (isFirst && !empty && full && target.mode === 'append') await matchTable(ledger, job)
  const [source] = job.sources
  const reached = await trying(() =>
    settlement.target(sync, ref, { target, schema: batch.schema, empty, source }, context),
  )
  return { reached, lost }
}

/** What the target says of itself, apart from its tables. */
async function listen(deps: DeliverDeps, job: Job, { notices = [], doubled = [], cleared }: Prepared): Promise<void> {
  const { ledger } = deps
  const { sync, batch, options, at } = job
  const { address } = options.target
  const run = runOf(deps, job)
  run?.notices.push(...notices)
  if (cleared) await ledger.forgetAddress(address)
  for (const twice of doubled) {
    await listDoubled(twice, { ledger, sync, schema: batch.schema, address, at })
    run?.notices.push(doubledText(twice, address))
  }
}
