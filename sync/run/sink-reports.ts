/** What sinks report of a batch before it is settled: that they have it, that they are alive, that they failed. */
import type { SinkRef } from '../contract/engine.ts'
import { asSyncError } from '../contract/errors.ts'
import type { SyncInfo } from '../contract/message.ts'
import { claimRows, noSuchBatch } from './claimed-rows.ts'
import { markReceived, sinkSide } from './progress.ts'
import { failEntity, type Register } from './register.ts'
import type { Settlement, SettlementDeps } from './settlement.ts'

export function sinkReports(
  register: Register,
  { tick, now }: Pick<SettlementDeps, 'tick' | 'now'>,
): Pick<Settlement, 'received' | 'sourceKeys' | 'claim' | 'seen' | 'alive' | 'fail' | 'lives'> {
  const { runs, ended, find, entityOf } = register

  const sign = (sync: SyncInfo, ref: SinkRef, waiting: string | undefined, rows?: Iterable<number>): void => {
    const found = find(sync)
    if (!found) return
    if (rows) markReceived(found.batch, ref.id, rows)
    const side = sinkSide(found.batch, ref.id)
    side.lastSign = tick()
    side.waiting = waiting
    side.waitingSince = waiting === undefined ? undefined : (side.waitingSince ?? now())
    found.run.changed()
  }

  return {
    received(sync, ref, rows, target) {
      // Targets of one connection share its counter.
      const counters = runs.get(sync.run)?.counters
      if (target && counters && !counters.has(target.statements)) counters.set(target.statements, target.statements())
      sign(sync, ref, undefined, rows)
    },
    seen(sync, ref, version) {
      const found = find(sync)
      if (!found) return
      const { batch } = found
      batch.seen = { by: ref.name, at: tick() }
      if (version === undefined) return
      batch.made ??= new Map()
      batch.made.set(ref.id, version)
    },
    alive: (sync, ref, waiting) => sign(sync, ref, waiting),
    sourceKeys(sync) {
      const known = find(sync)?.batch.known
      return (row) => known?.[row]?.key
    },
    claim(sync, ref, claims) {
      const run = runs.get(sync.run)
      const entity = entityOf(sync)
      if (entity?.error) return new Set()
      const batch = (entity?.batches ?? ended.get(sync.run)?.get(sync.entity))?.[sync.batch]
      if (!batch && run) throw noSuchBatch(sync)
      if (!batch) return new Set()
      return claimRows(batch, ref.id, sync.entity, claims)
    },
    fail(sync, ref, error) {
      const run = runs.get(sync.run)
      const entity = entityOf(sync)
      if (!run || !entity) return
      const batch = entity.batches[sync.batch]
      if (batch) {
        const side = sinkSide(batch, ref.id)
        // Nothing more comes of these rows.
        side.received.set(side.reports.map((report) => (report ? 1 : 0)))
        side.outstanding = 0
      }
      failEntity(run, entity, asSyncError(error))
    },
    lives(sync) {
      const entity = entityOf(sync)
      return entity !== undefined && !entity.error
    },
  }
}
