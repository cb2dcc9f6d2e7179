/** `msg.tieout`: what a message may ask of a source. */
import { z } from 'zod'
import type { NewDecision } from '../../ledger/ledger.ts'
import type { PollOptions } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { SweepOrder } from './sweep.ts'
import { whoFields } from './who.ts'

const stamp = z.string().regex(/^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/, 'must be a date (2026-01-31) or a UTC time with Z')
const identity = z.enum(['anew', 'keep', 'take over'])
const name = z.string().min(1)
/** Only these of the source's entities; absent: all. */
const entities = z.array(name).min(1).max(200).optional()

export const ORDERS =
  'msg.tieout must be one of {stop: true}, {full: true}, {full: true, clear: true, by, reason}, {from, to}, {entity, keys}, {sweep: true}, {sweep: {confirm: an entity}, by, reason}, {identity: "anew", "keep" or "take over", by, reason}; with all but the first and {entity, keys} also entities: [names]'

/** `msg.tieout`: what a message may ask of a source. Nothing: read what changed. */
export const sourceOrder = z.union([
  z.strictObject({ stop: z.literal(true) }),
  z.strictObject({
    full: z.literal(true),
    clear: z.literal(true).optional(),
    identity: identity.optional(),
    entities,
    ...whoFields,
  }),
  z.strictObject({ from: stamp, to: stamp, entities }),
  z.strictObject({ entity: z.string().min(1), keys: z.array(z.string().min(1)).min(1).max(10_000) }),
  z.strictObject({
    sweep: z.union([z.literal(true), z.strictObject({ confirm: z.union([name, z.array(name).min(1)]) })]),
    entities,
    ...whoFields,
  }),
  z.strictObject({ identity: identity.optional(), entities, ...whoFields }),
])
export type Order = z.output<typeof sourceOrder>

/** The entities to read, in the source's order. Throws where one is asked for that the source does not read. */
export function entitiesOf(order: Exclude<Order, { stop: true }>, own: readonly string[]): readonly string[] {
  if ('keys' in order) return [order.entity]
  const asked = order.entities
  if (asked === undefined) return own
  const unknown = asked.find((entity) => !own.includes(entity))
  if (unknown !== undefined)
    throw syncError('config', 'tieout.order', `${unknown} is none of the entities that this sync reads.`, {
      field: 'entities',
      hint: `Ask for some of ${own.join(', ')}, or add it to the node.`,
    })
  return own.filter((entity) => asked.includes(entity))
}

/** What of an order is a person's decision, and about which entities. */
export function decisionsIn(order: Order): readonly Pick<NewDecision, 'kind' | 'entity' | 'about'>[] {
  const identity = 'identity' in order ? order.identity : undefined
  const confirmed = 'sweep' in order && order.sweep !== true ? [order.sweep.confirm].flat() : []
  return [
    ...('clear' in order && order.clear
      ? [{ kind: 'clear' as const, entity: '', about: 'what cannot take back is emptied and loaded anew' }]
      : []),
    ...(identity ? [{ kind: 'identity' as const, entity: '', about: identity }] : []),
    ...confirmed.map((entity) => ({ kind: 'mass-deletion' as const, entity, about: 'they were really deleted' })),
  ]
}

/** What it says of the sweep. */
export function toldOf(order: Order): SweepOrder {
  if ('sweep' in order) return { sweep: order.sweep }
  return 'full' in order ? { full: true } : {}
}

/** What of the source is read. */
export function scopeOf(order: Order): NonNullable<PollOptions['scope']> {
  if ('full' in order) return { kind: 'full', ...(order.clear && { clear: true }) }
  if ('from' in order) return { kind: 'backfill', from: order.from, to: order.to }
  if ('keys' in order) return { kind: 'keys', entity: order.entity, keys: order.keys }
  return { kind: 'changes' }
}
