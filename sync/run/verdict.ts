/** What may be said of entities and runs: one word, and what is open in words. Pure. */
import type { OpenItem } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import type { Verdict } from '../contract/summary.ts'
import { addAmounts, toldInWords } from '../values/told-amount.ts'

const ORDER: readonly Verdict[] = ['failed', 'differs', 'open', 'ties', 'nothing new']

/** The first that holds; of nothing at all there is nothing new. */
export const worstOf = (verdicts: readonly Verdict[]): Verdict =>
  ORDER.find((verdict) => verdicts.includes(verdict)) ?? 'nothing new'

/** May it be shown as good? */
export const isGood = (verdict: Verdict): boolean => verdict === 'ties' || verdict === 'nothing new'

/** What of an entity is open at one of its sinks. An item of no place, or of one that none of them is, counts at each. */
export function openAt(
  items: readonly OpenItem[],
  entity: { readonly name: string; readonly addresses: ReadonlyMap<string, string> },
  sink: SinkRef,
  sinks: readonly SinkRef[],
): readonly OpenItem[] {
  const isOf = (item: OpenItem, { id, name }: SinkRef): boolean =>
    item.address !== null && (item.address === entity.addresses.get(id) || item.sinkName === name)
  return items.filter(
    (item) => item.entity === entity.name && (isOf(item, sink) || !sinks.some((other) => isOf(item, other))),
  )
}

/** What of an entity is open at one address; null: what is held before the sinks, without what a replay carries past. */
export const openHere = (items: readonly OpenItem[], entity: string, address: string | null): readonly OpenItem[] =>
  items.filter(
    (item) =>
      item.entity === entity &&
      item.address === address &&
      (address !== null || item.kind === 'held' || item.kind === 'left-out'),
  )

/** By what it ties where the sums that a target stored of this run are those that were delivered. */
export const SUMS_OF_RUN = 'sums of this run'
/** And where it told of each record that it was processed. */
export const RESULTS = 'results of the target'
/** And where its tables as a whole hold what the ledger counted there. */
export const COUNTS_OF_TABLES = 'counts of the whole tables'

const WORDS: Readonly<Partial<Record<OpenItem['kind'], string>>> = {
  held: 'held',
  replaying: 'being replayed',
  'left-out': 'left out',
  'too-many': 'too many in the target',
  pushed: 'pushed',
  left: 'left by what was read before',
  older: 'of which an older version stands here',
  'in-doubt': 'in doubt',
  again: 'to be read again',
  unfound: 'to be read again, with everything',
  draft: 'posted as a draft',
  aside: 'posted, for a person to look at',
  unanswered: 'not confirmed by the source',
  pending: 'accepted, result pending',
  warned: 'processed with a warning',
  asked: 'of which a person must say whose they are',
}

/** What a person has allowed, as it stands in the sentence: `2 pushed, EUR 10.00, allowed`. */
export const allowedInWords = (items: readonly OpenItem[]): string[] =>
  openInWords(items.flatMap((item) => (item.kind === 'pushed-allowed' ? { ...item, kind: 'pushed' } : []))).map(
    (text) => `${text}, allowed`,
  )

/** The items of each entity. */
export const byEntity = (items: readonly OpenItem[]): ReadonlyMap<string, OpenItem[]> =>
  Map.groupBy(items, ({ entity }) => entity)

/** How what was not compared begins. */
export const NOT_VERIFIED = 'not verified: '

/** What holds a record back from a target, so that nobody can say what the target has of it. */
const HOLDING = ['held', 'replaying', 'left-out', 'in-doubt'] as const

/** What is held back of an entity: `1 held, 2 left out`; empty: nothing is. */
export const heldBack = (items: readonly OpenItem[], entity: string): string =>
  HOLDING.flatMap((kind) => {
    const own = items.filter((item) => item.entity === entity && item.kind === kind)
    const count = own.reduce((sum, item) => sum + item.count, 0)
    return count > 0 ? [`${count} ${WORDS[kind]}`] : []
  }).join(', ')

/** So much is read at most while something is held back, and no sweep reads more. */
export const ALL_BUT_HELD = 99

/** How what is said of a target begins of which not all is known. */
export const NOT_WHOLE = 'memory of the target not whole'

/** How it stands with a target of which not all is known. `share`: per cent of the keys that were read again; `back`: what is held back. */
export const notWhole = (share: number, back: string): string =>
  back !== '' && share >= ALL_BUT_HELD
    ? `${NOT_WHOLE}: ${back}`
    : `${NOT_WHOLE}${share > 0 ? `, ${share} % read` : ''}, sweep due`

/**
 * `52 held, EUR 468,962.42`, `3 in doubt`; what was lost in its own words. Differences are no part of it. `all`: what is open of the
 * sync, where the items are a part of it.
 */
export function openInWords(items: readonly OpenItem[], all: readonly OpenItem[] = items): string[] {
  const counted = Object.entries(WORDS).flatMap(([kind, word]) => {
    const own = items.filter((item) => item.kind === kind)
    const count = own.reduce((sum, item) => sum + item.count, 0)
    if (count === 0) return []
    const sums = addAmounts(own.flatMap(({ amounts = [] }) => amounts))
    const told = toldInWords({ sums, unknown: own.reduce((sum, { unknown = 0 }) => sum + unknown, 0) })
    const said = told === '' ? `${count} ${word}` : `${count} ${word}, ${told}`
    const { problem } = own[0] ?? {}
    return [kind === 'warned' && problem ? `${said} (${problem})` : said]
  })
  const told = items.flatMap(({ kind, problem }) =>
    kind === 'lost' ? (problem ?? 'rows were lost') : kind === 'others' ? (problem ?? 'rows of others') : [],
  )
  const unwhole = items.flatMap(({ kind, count, entity }) =>
    kind === 'unwhole' ? notWhole(count, heldBack(all, entity)) : [],
  )
  return [...new Set([...counted, ...told, ...unwhole])]
}
