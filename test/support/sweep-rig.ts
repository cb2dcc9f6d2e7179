import assert from 'node:assert/strict'
import type { PollOptions } from '../../sync/contract/engine.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { supplier, supplierSchema } from './fakes.ts'
import { type Rig, type RigOptions, rig, sums } from './rig.ts'

export const suppliers = { supplier: { schema: supplierSchema, overlapSeconds: 60 } }
export const code = (n: number) => `S${String(n).padStart(3, '0')}`

/** What every test of the sweep begins and looks with; the rig is closed after each. */
export function sweepRig() {
  let r: Rig
  let minute: number
  afterEach(() => r.close())

  const start = async (options: RigOptions = {}) => {
    minute = 0
    return goOn({ entities: suppliers, ...options })
  }
  /** Another rig in place of one that was closed, at the same time of day. */
  const goOn = async (options: RigOptions) => {
    r = await rig(options)
    return r
  }
  const pass = (minutes: number) => {
    minute += minutes
  }
  /** Well past every overlap. */
  const later = () => {
    pass(10)
    r.source.clockIs(
      `2026-03-01T${String(8 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00Z`,
    )
  }
  const fill = (n: number) => {
    for (let i = 0; i < n; i++) r.source.put('supplier', supplier(code(i), 'first'))
  }
  const sweep = (more: Partial<PollOptions> = {}) => {
    later()
    return r.poll({ sweep: { since: null }, ...more })
  }
  const poll = () => {
    later()
    return r.poll()
  }
  const found = (summary: RunSummary, entity = 'supplier') => sums(summary, entity).sweep
  const same = (entity = 'supplier', field = 'name') => {
    const stored = [...r.target(entity).stored].map(([key, { record }]) => [key, record[field]])
    assert.deepEqual(stored.sort(), [...r.source.all(entity)].map(([key, row]) => [key, row[field]]).sort())
  }
  const alerts = async () => (await r.ledger.alerts({ open: true })).map(({ kind, entity }) => `${kind} ${entity}`)

  return { start, goOn, pass, later, fill, sweep, poll, found, same, alerts }
}
