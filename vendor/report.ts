/** What *Test connection* and *Preview* say, alike for every vendor. */
import { isSyncError } from '../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { RetryOptions } from '../sync/contract/retry.ts'
import type { Source } from '../sync/contract/source.ts'

/** One line of a connection test, shown with a green or red mark. */
export interface ReportLine {
  readonly ok: boolean
  /** A sentence: what was reached, as whom, or what is missing and what to do. Escaped before it is shown. */
  readonly text: string
  /** Fields of the dialog that are put right by what was found, with their values. */
  readonly set?: Readonly<Record<string, string>>
}

/** For somebody who waits before a dialog: two attempts, no more. */
export const HURRIED: Partial<RetryOptions> = { attempts: 2, firstDelayMs: 200, maxRetryAfterMs: 5_000 }

/** Runs one step and adds its line: `say` of what it gave, or why it failed. Gives what it gave, undefined where it failed. */
export type Step = <T>(work: () => Promise<T>, say: (result: T) => ReportLine) => Promise<T | undefined>

/** A report that grows step by step. */
export function createReport(): { readonly lines: ReportLine[]; readonly step: Step } {
  const lines: ReportLine[] = []
  return {
    lines,
    async step(work, say) {
      try {
        const result = await work()
        lines.push(say(result))
        return result
      } catch (error) {
        if (!isSyncError(error)) throw error
        lines.push({ ok: false, text: error.message })
        return undefined
      }
    },
  }
}

/** A line about what went well. */
export const fine = (text: string): ReportLine => ({ ok: true, text })

/**
 * How far a vendor's clock is from ours.
 *
 * @param seconds positive where the vendor's is ahead
 * @param follows what follows the vendor's clock, as `'Windows follow'`
 */
export function clockLine(vendor: string, seconds: number, follows: string): ReportLine {
  const apart = Math.abs(seconds)
  if (apart <= 2) return fine('The clocks agree.')
  const size =
    apart < 120
      ? `${apart} s`
      : apart < 7200
        ? `${Math.round(apart / 60)} minutes`
        : `${Math.round(apart / 3600)} hours`
  const way = seconds > 0 ? 'ahead of' : 'behind'
  return fine(`The clock of ${vendor} is ${size} ${way} ours. ${follows} the clock of ${vendor}.`)
}

/** Records as a source would send them, and what there is to say about them. */
export interface Preview {
  readonly schema: Schema
  readonly records: readonly DataRecord[]
  readonly notices?: readonly string[]
}

const PREVIEWED = 10

/**
 * The first ten records of an entity as they would be sent: from the first of the walks that has some, or as many walks as it
 * takes.
 *
 * @param shows walks that give records of any age, by name
 */
export async function previewOf(
  source: Source,
  entity: string,
  shows: (walk: string) => boolean,
  signal: AbortSignal,
): Promise<Preview> {
  const plan = await source.plan(entity, signal)
  let read = 0
  const records: DataRecord[] = []
  const notices = [...(plan.notices ?? [])]
  for (const walk of plan.walks.filter(shows)) {
    const page = await plan.readPage({
      walk,
      window: { from: null, bound: null },
      cursor: null,
      nextRead: () => ++read,
      signal,
    })
    records.push(...page.records)
    notices.push(...(page.notices ?? []), ...(page.refused ?? []).map((refused) => refused.message))
    if (records.length >= PREVIEWED) break
  }
  return { schema: plan.schema, records: records.slice(0, PREVIEWED), notices }
}
