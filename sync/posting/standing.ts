/** What the answer of a look-up means for a record. Pure. */
import type { Found, PostFacts, PostResult } from '../contract/posting.ts'
import { normalise } from '../values/money.ts'

/**
 * `ours`: its voucher stands there, once and as it must be. `person`: something stands there that nobody can decide on but a
 * person, in words. `unknown`: nothing may be concluded.
 */
export type Standing =
  | { readonly kind: 'ours'; readonly result: PostResult /** A person's word. */; readonly byHand?: true }
  | { readonly kind: 'person'; readonly why: string; readonly result: PostResult }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly why: string }

/** Nothing stands there any more that counts. */
export const isGone = (standing: Standing): boolean =>
  standing.kind === 'absent' || (standing.kind === 'person' && standing.result.status === 'reversed')

const named = ({ number, type, status }: PostResult): string => `${type ? `${type} ` : ''}${number} (${status})`

/** `facts`: what a voucher must be like. */
export function standingOf(found: Found | undefined, facts: PostFacts): Standing {
  if (found === undefined) return { kind: 'unknown', why: 'the look-up did not say' }
  if (found.kind === 'absent' || found.kind === 'unknown') return found
  if (found.kind === 'twice') {
    const [first, ...more] = found.results
    if (first === undefined) return { kind: 'unknown', why: 'the look-up found several vouchers and named none' }
    const all = [first, ...more].map(named).join(' and ')
    return { kind: 'person', why: `it stands there more than once: ${all}`, result: first }
  }
  const { result } = found
  const other = differences(facts, result)
  if (other.length > 0)
    return { kind: 'person', why: `${named(result)} has its reference, and ${other.join(', ')}`, result }
  if (result.status === 'reversed') return { kind: 'person', why: `${named(result)} was reversed there`, result }
  return { kind: 'ours', result }
}

function differences(facts: PostFacts, result: PostFacts): string[] {
  const names = { amount: 'the amount', currency: 'the currency', party: 'the partner' } as const
  return (Object.keys(names) as (keyof typeof names)[]).flatMap((name) => {
    const [must, is] = [facts[name], result[name]]
    if (must === undefined || is === undefined) return []
    const equal = name === 'amount' ? normalise(must) === normalise(is) : must === is
    return equal ? [] : [`${names[name]} ${is} instead of ${must}`]
  })
}
