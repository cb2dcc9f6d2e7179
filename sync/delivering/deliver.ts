/** The sink's side of a batch, from the message to its counts (docs/architecture.md, "Settling and delivering"). */

import type { DeliverOptions } from '../contract/engine.ts'
import { syncError } from '../contract/errors.ts'
import type { Schema, SyncInfo } from '../contract/message.ts'
import { stopped } from '../contract/retry.ts'
import type { OutcomeCounts } from '../contract/summary.ts'
import { checkReadNumbers, isOfKnownRun, recordsFromOutside } from '../run/believe-version.ts'
import { checkSinks } from '../run/close-entity.ts'
import { asSyncError } from '../run/settlement.ts'
import { noCounts } from '../run/state.ts'
import { compileFingerprint } from '../values/fingerprint.ts'
import { type ParsedBatch, parseBatch } from '../values/parse-message.ts'
import { createFifo } from '../values/queue.ts'
import { compileChecker } from '../values/types.ts'
import { entriesOf, newestOfEachKey, rowsOf } from './deduplicate.ts'
import { createBatchWork } from './deliver-batch.ts'
import type { DeliverDeps } from './deps.ts'
import { refuseFolded } from './folded-keys.ts'
import type { Job } from './job.ts'
import { stageAhead } from './write.ts'

/**
 * Makes the `deliver` of an engine. Batches for one address go one after the other. What is delivered, unchanged,
 * superseded and held is committed and settled in one ledger transaction; when the batch cannot be delivered
 * (`config`, `auth`, retries used up) nothing is held, the entity's run fails and the error is thrown.
 */
export function createDeliver(deps: DeliverDeps): (options: DeliverOptions) => Promise<OutcomeCounts> {
  const { ledger, settlement } = deps
  const fifo = createFifo()
  const work = createBatchWork(deps, fifo)
  const schemas = new WeakMap<Schema, Job['compiled']>()

  const compile = (schema: Schema): Job['compiled'] => {
    const known = schemas.get(schema)
    if (known !== undefined) return known
    const made = { fingerprint: compileFingerprint(schema), check: compileChecker(schema) }
    schemas.set(schema, made)
    return made
  }

  /** A message of the flow's own, or of a run that this ledger does not know: a run of its own. */
  const push = async (options: DeliverOptions, batch: ParsedBatch): Promise<OutcomeCounts> => {
    const { target, ref } = options
    const { entity } = batch.schema
    if (target.mode === 'append')
      throw syncError(
        'config',
        'sync.append-push',
        `${ref.name} only appends and takes no message without msg.sync: sent twice, it would be in twice.`,
        { entity, hint: 'Wire it behind a source and keep msg.sync on the way, or use a sink that merges.' },
      )
    const payload = recordsFromOutside(batch, options.mayDelete ?? false)
    const rows = payload.reduce((sum, record) => sum + rowsOf(record, batch.schema), 0)
    const sync = await settlement.beginPush(ref, entity, payload.length, rows)
    let counts: OutcomeCounts
    try {
      counts = await counted(options, { ...batch, payload }, sync)
    } catch (error) {
      await settlement.endPush(sync, error)
      throw error
    }
    const run = settlement.runs.get(sync.run)
    const state = run?.entities.get(entity)
    const checks = run && state ? await checkSinks(deps, run, state, options.signal) : undefined
    await settlement.endPush(sync, undefined, checks)
    return counts
  }

  const counted = async (options: DeliverOptions, batch: ParsedBatch, sync: SyncInfo): Promise<OutcomeCounts> => {
    const { ref, signal } = options
    try {
      return await taken(options, batch, sync)
    } catch (error) {
      const known = signal.aborted && error === signal.reason ? stopped() : asSyncError(error)
      known.cause.entity ??= batch.schema.entity
      settlement.fail(sync, ref, known)
      throw known
    }
  }

  const taken = async (options: DeliverOptions, batch: ParsedBatch, sync: SyncInfo): Promise<OutcomeCounts> => {
    const { target, ref, signal } = options
    const { entity } = batch.schema
    const job = newJob(options, batch, sync)
    const run = settlement.runs.get(sync.run)
    const entries = entriesOf(batch.payload, batch.schema, job.compiled.fingerprint, {
      readNumber: sync.readNumber,
      sourceKey: settlement.sourceKeys(sync),
      // Held records are sent again once each.
      origin: sync.mode === 'replay' ? (row) => `#${sync.batch}|${row}` : undefined,
    })
    job.repeats = settlement.claim(sync, ref, entries)
    const { newest, older, twice, folded } = newestOfEachKey(entries)
    refuseFolded(entity, folded)
    if (twice.length > 0)
      run?.notices.push(
        `${entity}: ${twice.length} record(s) came twice in one answer with different content, such as ${twice[0]?.key}; the later one was taken. Check that the key (${batch.schema.key.join(', ')}) tells records apart.`,
      )
    const rows = [...newest, ...older].map(({ row }) => row)
    settlement.received(sync, ref, rows, target)
    const isFirstLoad = run?.entities.get(sync.entity)?.from === null
    if (isFirstLoad && fifo.isBusy(target.address)) stageAhead(job, newest, deps.newId)
    const { ahead } = job
    const beat = setInterval(() => settlement.alive(sync, ref, job.waiting), deps.signMs ?? 10_000).unref()
    try {
      return await fifo.run(target.address, () => work(job, newest, older), signal)
    } finally {
      clearInterval(beat)
      void ahead?.staged.then((staged) => staged?.drop())
    }
  }

  const newJob = (options: DeliverOptions, batch: ParsedBatch, sync: SyncInfo): Job => {
    const { target, ref, signal } = options
    const waiting = (what: string) => {
      job.waiting = what
      settlement.alive(sync, ref, what)
      options.progress({ entity: batch.schema.entity, records: job.written.length, rows: job.rows, waiting: what })
    }
    const job: Job = {
      options,
      batch,
      sync,
      compiled: compile(batch.schema),
      context: { signal, waiting },
      again: { signal, waiting, idempotent: target.mode === 'merge', renew: target.renew?.bind(target) },
      at: deps.now(),
      filled: undefined,
      written: [],
      inDoubt: [],
      rows: 0,
      repeats: new Set(),
      sources: [],
      waiting: 'waiting for other writes to the same table',
    }
    return job
  }

  return async (options) => {
    const batch = parseBatch(options.message)
    const { sync } = batch
    if (sync === undefined) return push(options, batch)
    if (sync.to !== undefined && sync.to !== options.ref.id && sync.to !== options.target.address) return noCounts()
    if (sync.ledger !== ledger.id)
      throw syncError(
        'config',
        'sync.ledger',
        `The batch of the sync "${sync.name}" counts in another ledger than that of ${options.ref.name}.`,
        {
          entity: batch.schema.entity,
          hint: 'Choose the same sync-ledger in the source and in every node that its records reach.',
        },
      )
    if (!(await isOfKnownRun(deps, sync))) return push(options, batch)
    checkReadNumbers(batch, ledger.lastRead())
    return counted(options, batch, sync)
  }
}
