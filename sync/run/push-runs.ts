/** Runs of messages that no source of ours sent (`msg.sync` is absent): one batch each, at one sink. */
import type { OpenItems, ReadNumbers, Runs } from '../../ledger/ledger.ts'
import { asSyncError, syncError } from '../contract/errors.ts'
import { newBatch } from './progress.ts'
import { failEntity, type Register } from './register.ts'
import type { Settlement, SettlementDeps } from './settlement.ts'
import { newEntity } from './state.ts'
import { summarize } from './summary.ts'

export interface PushDeps extends Pick<SettlementDeps, 'now' | 'tick'> {
  readonly ledger: ReadNumbers & Runs & OpenItems & { readonly id: string }
  readonly register: Register
}

export function pushRuns({ ledger, register, now, tick }: PushDeps): Pick<Settlement, 'beginPush' | 'endPush'> {
  return {
    async beginPush(ref, entity, count, rows) {
      const readNumber = ledger.nextRead()
      const start = {
        id: `push-${readNumber.toString(36)}`,
        sync: `push:${ref.name}`,
        mode: 'push',
        at: now(),
      } as const
      await ledger.beginRun(start)
      const run = register.open({
        ...start,
        mustReport: 'every',
        mayFilter: false,
        receiptMs: Number.POSITIVE_INFINITY,
        full: false,
        memory: true,
      })
      const state = newEntity(run, { name: entity, sinks: [ref] })
      state.batches.push(newBatch({ index: 0, count, rows, bytes: 0, sentAt: tick(), segments: [] }))
      state.read = count
      state.readDone = true
      return { name: run.sync, run: run.id, entity, batch: 0, readNumber, ledger: ledger.id, mode: 'push' }
    },

    async endPush(sync, error, checks) {
      const run = register.runs.get(sync.run)
      if (!run) throw syncError('config', 'sync.no-run', `There is no push run ${sync.run}.`)
      const entity = run.entities.get(sync.entity)
      if (error !== undefined && entity) failEntity(run, entity, asSyncError(error))
      register.runs.delete(run.id)
      const open = await ledger.openItems(run.sync)
      const summary = summarize(run, { ended: now(), open, ...(checks ? { checks } : {}) })
      await ledger.endRun(summary)
      return summary
    },
  }
}
