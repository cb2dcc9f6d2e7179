/** A batch becomes a job: compiled for its schema, with the signs of life that it gives. */
import type { DeliverOptions } from '../contract/engine.ts'
import type { Schema, SyncInfo } from '../contract/message.ts'
import type { PostTarget } from '../contract/posting.ts'
import type { Target } from '../contract/target.ts'
import { compileFingerprint } from '../values/fingerprint.ts'
import type { ParsedBatch } from '../values/parse-message.ts'
import { compileChecker } from '../values/types.ts'
import type { DeliverDeps } from './deps.ts'
import type { Job } from './job.ts'

/** Names that are kept of a batch, which a target that splits it gives many of. */
const MOST_TRACED = 50

/** Compiles once for a schema. */
export function jobMaker({
  settlement,
  now,
}: Pick<DeliverDeps, 'settlement' | 'now'>): <T extends Target | PostTarget>(
  options: DeliverOptions<T>,
  batch: ParsedBatch,
  sync: SyncInfo,
) => Job<T> {
  const compiled = new WeakMap<Schema, Job['compiled']>()
  const compile = (schema: Schema): Job['compiled'] => {
    const known = compiled.get(schema)
    if (known !== undefined) return known
    const made = { fingerprint: compileFingerprint(schema), check: compileChecker(schema) }
    compiled.set(schema, made)
    return made
  }
  return (options, batch, sync) => {
    const { target, ref, signal } = options
    const waiting = (what: string) => {
      job.waiting = what
      settlement.alive(sync, ref, what)
      options.progress({ entity: batch.schema.entity, records: job.written.length, rows: job.rows, waiting: what })
    }
    const trace: Job['trace'] = { statements: [], requests: [] }
    const traced = (kind: 'statement' | 'request', name: string): void => {
      const names = trace[`${kind}s`]
      if (names.length < MOST_TRACED) names.push(name)
    }
    const job: Job<typeof target> = {
      options,
      batch,
      sync,
      compiled: compile(batch.schema),
      context: { signal, waiting, traced },
      again: { signal, waiting, idempotent: target.mode === 'merge', renew: target.renew?.bind(target) },
      at: now(),
      filled: undefined,
      written: [],
      inDoubt: [],
      rows: 0,
      repeats: new Set(),
      sources: [],
      trace,
      waiting: 'waiting for other writes to the same table',
    }
    return job
  }
}
