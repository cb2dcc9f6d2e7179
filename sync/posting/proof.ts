/** Whether anything may be posted at an address: a person said so on this ledger, and the look-up has proved itself. */
import type { Postings } from '../../ledger/ledger.ts'
import type { PostContext, PostTarget, Proof } from '../contract/posting.ts'

/** Ask a person, as the code of what is held until then. */
export type Gate =
  | { readonly open: true }
  | { readonly open: false; readonly code: string; readonly why: string; readonly hint: string }

/** Does the look-up find what stands there? `ask`: how questions are tried again. */
export async function proofOf(
  ledger: Postings,
  target: PostTarget,
  context: PostContext,
  ask: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Proof> {
  const own = await ask(() => target.prove(context))
  if (!own.proved) return own
  const { tested } = await ledger.postPlace(target.address)
  const newest = await ledger.newestPostings(target.address, tested)
  if (newest.length === 0) return tested === null && target.test ? NOT_TESTED : own
  const found = await ask(() =>
    target.find(
      newest.map(({ key, at }) => ({ key, at })),
      context,
    ),
  )
  const isFound = newest.some(({ key }) => ['posted', 'twice'].includes(found.get(key)?.kind ?? ''))
  const numbers = newest.map(({ result }) => result.number).join(', ')
  return isFound
    ? own
    : {
        proved: false,
        why: `the look-up does not find ${numbers}, which this sync has posted there`,
        hint: 'See whether the look-up still has its rights and reads the right field, then do Test posting again.',
      }
}

const NOT_TESTED: Proof = {
  proved: false,
  why: 'nobody knows yet whether the look-up finds what is posted',
  hint: 'Do Test posting: it writes a draft, finds it and deletes it.',
}

export async function gateOf(
  ledger: Postings,
  target: PostTarget,
  context: PostContext,
  ask: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Gate> {
  const { started, stopped } = await ledger.postPlace(target.address)
  const proof = await proofOf(ledger, target, context, ask)
  if (!proof.proved) return { open: false, code: 'sync.post-unproved', why: proof.why, hint: proof.hint }
  if (started !== null) return { open: true }
  return {
    open: false,
    code: 'sync.post-not-started',
    why: stopped ?? 'this ledger is new here, and another one may have posted the same records',
    hint: 'See in the target that nothing else posts them, then allow this ledger to post (sidebar Tieout, Postings). The next run goes on by itself.',
  }
}
