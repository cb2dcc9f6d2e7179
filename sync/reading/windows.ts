/** Which change stamps the next read covers: a fixed window that a crash resumes and a finished read moves on. Pure. */
import type { Position, WindowState } from '../../ledger/ledger.ts'
import type { PollOptions } from '../contract/engine.ts'
import type { EntityPlan, StampWindow } from '../contract/source.ts'

export interface WindowQuestion {
  readonly plan: Pick<EntityPlan, 'granularity' | 'lagSeconds' | 'overlapSeconds' | 'walks'> & {
    readonly schema?: Pick<EntityPlan['schema'], 'contract'>
  }
  readonly position: Position | undefined
  readonly identity: string
  /** The source's own clock, ISO. */
  readonly clock: string
  /** Our clock when it answered, ISO. Only its distance to the last one counts. */
  readonly now: string
  readonly scope: NonNullable<PollOptions['scope']>
  /** The window ends here at the latest, ISO (`EntityPlan.until`). */
  readonly until?: string | undefined
}

const day = 86_400_000
/** A clock that was set back by more than this is not believed. */
const mostSetBack = day
/** For a floor taken over from a target's mark, of which nobody knows what the clocks showed then. */
const margin = 3_600_000
/** Replies take their time, and both clocks are rounded. */
const tolerance = 2000

const iso = (ms: number): string => `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`
const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/**
 * By how much the source's clock went back since *read through* was set, in milliseconds. Records written since then may
 * carry stamps that lie before it, and would be missed. Our own clock only measures how long ago that was.
 */
function setBack(question: WindowQuestion): number {
  const { plan, position } = question
  if (plan.granularity === 'second' && position?.readThrough && !position.readAt) return margin
  const back = behind(question)
  return back > tolerance ? Math.min(back, mostSetBack) : 0
}

/** Was it set back by more than a window reaches back? Only a sweep finds what was stamped in between then. */
export const isSetBackFurther = (question: WindowQuestion): boolean =>
  question.scope.kind !== 'full' && behind(question) > mostSetBack

/** By how many milliseconds the source's clock is behind where it must be by now; 0: nobody can tell. */
function behind({ plan, position, clock, now }: WindowQuestion): number {
  if (plan.granularity !== 'second' || !position?.readThrough || !position.readAt) return 0
  const then = Date.parse(position.readThrough) + plan.lagSeconds * 1000
  const passed = Math.max(0, Date.parse(now) - Date.parse(position.readAt))
  return then + passed - Date.parse(clock)
}

/** Where the window ends: as late as can be, or where another entity's read ended, unless that was passed already. */
function endOf({ until, position }: WindowQuestion, latest: number): number {
  const end = Date.parse(until ?? '')
  const isPassed = end < Date.parse(position?.readThrough ?? '')
  return Number.isNaN(end) || isPassed ? latest : Math.min(latest, end)
}

/** The position with the window that is to be read: the one under way with its cursors, or the next. */
export function nextWindow(question: WindowQuestion): Position & { readonly window: WindowState } {
  const { plan, position, identity, scope } = question
  const begun = position?.window
  if (begun && scope.kind === 'changes') {
    const walks = Object.fromEntries(plan.walks.map((walk) => [walk, begun.walks[walk] ?? null]))
    return { ...position, identity, window: { ...begun, walks } }
  }
  const clock = Date.parse(question.clock)
  const walks = Object.fromEntries(plan.walks.map((walk) => [walk, null]))
  const before = {
    identity,
    readThrough: position?.readThrough ?? null,
    readAt: position?.readAt ?? null,
    ...(position?.contract ? { contract: position.contract } : {}),
  }
  const contract = plan.schema?.contract ? { contract: plan.schema.contract } : {}
  const since = scope.kind === 'full' ? Number.NaN : Date.parse(before.readThrough ?? '')
  const overlap = plan.overlapSeconds * 1000
  const window = (
    from: string | null,
    bound: string | null,
    through: string,
    at = question.now,
  ): Position & { window: WindowState } => ({ ...before, window: { from, bound, through, at, walks, ...contract } })
  switch (plan.granularity) {
    case 'none':
      return window(null, null, iso(clock))
    case 'day':
      return window(Number.isNaN(since) ? null : date(since - Math.max(day, overlap)), null, date(clock))
    case 'second': {
      const latest = clock - plan.lagSeconds * 1000
      const end = endOf(question, latest)
      const bound = iso(end)
      // Our clock when the source's stood where the window ends, but for the lag: only the distance of the two counts.
      const at = new Date(Date.parse(question.now) - (latest - end)).toISOString()
      if (Number.isNaN(since)) return window(null, bound, bound, at)
      const from = since - overlap - setBack(question)
      // With a clock that was set back further than can be explained the window would be upside down.
      return window(iso(Math.min(from, Date.parse(bound))), bound, bound, at)
    }
  }
}

/** The stamps a walk is asked for. */
export const stampsOf = ({ from, bound }: StampWindow): StampWindow => ({ from, bound })

/** What was read, as a text that people can compare: address, entity and filter. */
export const identityOf = (address: string, entity: string, filter: string | undefined): string =>
  filter ? `${entity} of ${address} where ${filter}` : `${entity} of ${address}`
