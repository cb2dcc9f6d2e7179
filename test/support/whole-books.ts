/** Books of an ERP in the tables of a warehouse, for tests of tables as a whole. */
import type { EntitySummary } from '../../sync/contract/summary.ts'
import type { SqlTarget } from '../../vendor/warehouse/warehouse.ts'
import { entry, entrySchema, type FakeTarget } from './fakes.ts'
import { type RigOptions, rig, sums, warehouse } from './rig.ts'

/** The gl_entry of an ERP in the tables of a warehouse. */
export async function books(target: SqlTarget, more: RigOptions = {}, begin = 0) {
  const entities = { gl_entry: { schema: entrySchema } }
  const r = await rig({
    entities,
    flow: (message, own) => void own.deliver(message, warehouse, target as unknown as FakeTarget),
    ...more,
  })
  let minute = begin
  const put = (number: string, ...amounts: string[]) => r.source.put('gl_entry', entry(number, ...amounts))
  const later = () => {
    minute += 10
    const at = `${8 + Math.floor(minute / 60)}`.padStart(2, '0')
    r.source.clockIs(`2026-03-01T${at}:${String(minute % 60).padStart(2, '0')}:00Z`)
  }
  const poll = async (options: Parameters<typeof r.poll>[0] = {}): Promise<EntitySummary> => {
    later()
    return sums(await r.poll(options), 'gl_entry')
  }
  later()
  return { r, put, poll }
}
