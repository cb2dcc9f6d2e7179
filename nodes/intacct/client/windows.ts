/** The filter of a window: change stamps in the API user's zone, records with an empty stamp by their creation, and what lies in the future. */
import type { StampWindow } from '../../../sync/contract/source.ts'
import { localDate, type Zone } from './clock.ts'
import { and, type Condition, or } from './request.ts'

/** Field names of an object's stamps as Intacct writes them; undefined where it has none. */
export interface Stamps {
  readonly stamp: string | undefined
  readonly created: string | undefined
}

/** Further than this ahead of the server's clock a stamp counts as from the future. */
export const FUTURE_MS = 60_000
/** Creation stamps may be told in another zone than those of change (recorded so, intacct.md facts, 5): read a day more. */
const CREATED_MARGIN_MS = 86_400_000

/**
 * Everything that one question can find, so that a poll is one call: the window itself, records without a change stamp
 * created since, and those stamped later than the server's clock, which are counted and left for their time.
 */
export function windowFilter(
  { stamp, created }: Stamps,
  { from, bound }: StampWindow,
  zone: Zone,
  now: number,
): Condition | undefined {
  if (stamp === undefined || (from === null && bound === null)) return undefined
  const changed: Condition =
    from !== null && bound !== null
      ? { op: 'between', field: stamp, values: [zone.local(from), zone.local(bound)] }
      : from !== null
        ? { op: 'greaterthanorequalto', field: stamp, value: zone.local(from) }
        : { op: 'lessthanorequalto', field: stamp, value: zone.local(bound as string) }
  const unstamped: Condition = { op: 'isnull', field: stamp }
  const since = from === null ? undefined : new Date(Date.parse(from) - CREATED_MARGIN_MS).toISOString()
  const empty =
    since === undefined
      ? unstamped
      : created === undefined
        ? undefined
        : and(unstamped, { op: 'greaterthanorequalto', field: created, value: zone.local(since) })
  const future: Condition | undefined =
    bound === null
      ? undefined
      : {
          op: 'greaterthan',
          field: stamp,
          value: zone.local(new Date(Math.max(now, Date.parse(bound)) + FUTURE_MS).toISOString()),
        }
  return or(changed, empty, future)
}

/** Documents dated between two days, both among them. */
export function datesFilter(field: string, { from, bound }: StampWindow): Condition | undefined {
  const of = [
    from === null ? undefined : ({ op: 'greaterthanorequalto', field, value: localDate(from) } as const),
    bound === null ? undefined : ({ op: 'lessthanorequalto', field, value: localDate(bound) } as const),
  ]
  return of.some((part) => part) ? { op: 'and', of } : undefined
}
