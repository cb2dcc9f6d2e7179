/** `msg.tieout`: what a message may ask of a source. */
import { z } from 'zod'
import type { PollOptions } from '../../sync/engine.ts'
import type { SweepOrder } from './sweep.ts'

const stamp = z.string().regex(/^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/, 'must be a date (2026-01-31) or a UTC time with Z')
const identity = z.enum(['anew', 'keep'])
const name = z.string().min(1)

export const ORDERS =
  'msg.tieout must be one of {stop: true}, {full: true}, {from, to}, {entity, keys}, {sweep: true}, {sweep: {confirm: an entity}}, {identity: "anew" or "keep"}'

/** `msg.tieout`: what a message may ask of a source. Nothing: read what changed. */
export const sourceOrder = z.union([
  z.strictObject({ stop: z.literal(true) }),
  z.strictObject({ full: z.literal(true), identity: identity.optional() }),
  z.strictObject({ from: stamp, to: stamp }),
  z.strictObject({ entity: z.string().min(1), keys: z.array(z.string().min(1)).min(1).max(10_000) }),
  z.strictObject({
    sweep: z.union([z.literal(true), z.strictObject({ confirm: z.union([name, z.array(name).min(1)]) })]),
  }),
  z.strictObject({ identity: identity.optional() }),
])
export type Order = z.output<typeof sourceOrder>

/** What it says of the sweep. */
export function toldOf(order: Order): SweepOrder {
  if ('sweep' in order) return { sweep: order.sweep }
  return 'full' in order ? { full: true } : {}
}

/** What of the source is read. */
export function scopeOf(order: Order): NonNullable<PollOptions['scope']> {
  if ('full' in order) return { kind: 'full' }
  if ('from' in order) return { kind: 'backfill', from: order.from, to: order.to }
  if ('keys' in order) return { kind: 'keys', entity: order.entity, keys: order.keys }
  return { kind: 'changes' }
}
