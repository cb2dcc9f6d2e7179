/** What is said of an entity at a sink, and of a run: the word, and what it stands on. Pure. */
import type { Verdict } from '../contract/summary.ts'

/** What a word stands on. Whoever checks something more adds what it was. */
export interface SentenceParts {
  readonly verdict: Verdict
  /** ISO time of the end. */
  readonly at: string
  /** Why it failed or differs. */
  readonly problem?: string | undefined
  /** What is open: `52 held, EUR 468,962.42`. */
  readonly open?: readonly string[] | undefined
  /** By what it ties: `sums of this run`. */
  readonly by?: readonly string[] | undefined
  /** What the sync allows and is no fault: `3 record(s) filtered in the flow, allowed`. */
  readonly allowed?: readonly string[] | undefined
}

/** What is told of many reasons at once; all of them stand in the summary. */
const TOLD = 2

/**
 * `ties: sums of this run, 03:12`, `open: 52 held, EUR 468,962.42`, `differs: ...`, `failed: ...`, `nothing new`; behind it what is
 * allowed. The time is this machine's.
 */
export function sentence({ verdict, at, problem = '', open = [], by = [], allowed = [] }: SentenceParts): string {
  const why = whyOf(verdict, { problem, open, by, at })
  const said = why === '' ? verdict : `${verdict}: ${why}`
  return [said, ...(verdict === 'failed' || verdict === 'differs' ? [] : allowed)].join('; ')
}

function whyOf(
  verdict: Verdict,
  told: {
    readonly problem: string
    readonly open: readonly string[]
    readonly by: readonly string[]
    readonly at: string
  },
): string {
  if (verdict === 'failed' || verdict === 'differs') return told.problem
  if (verdict === 'open') return fewOf(told.open)
  return verdict === 'ties' && told.by.length > 0 ? `${listed(told.by)}, ${timeOfDay(told.at)}` : ''
}

/** `a`, `a and b`, `a, b and c`. */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

/** The first reasons, and how many more there are. */
export function fewOf(reasons: readonly string[]): string {
  const few = reasons.slice(0, TOLD).join('; ')
  return reasons.length > TOLD ? `${few} and ${reasons.length - TOLD} more` : few
}

const timeOfDay = (iso: string): string => new Date(iso).toTimeString().slice(0, 5)
