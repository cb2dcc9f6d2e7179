/** How decisions come to targets, and what those say in that moment. */
import type { Posting } from '../../ledger/ledger.ts'
import { syncError } from '../contract/errors.ts'
import type { PostResult, PostTarget } from '../contract/posting.ts'
import { type PostingDeps, postContext } from './deps.ts'
import { asking, type Followed } from './follow.ts'
import { lookUp, questions } from './post-record.ts'
import { proofOf } from './proof.ts'
import type { Standing } from './standing.ts'

export interface DeskParts {
  readonly followed: Followed
  readonly inHand: ReadonlySet<string>
}

export const refused = (message: string, hint: string) => syncError('config', 'sync.post-decision', message, { hint })

/** How the desk comes to targets and what they say. */
export interface Asker {
  targetsFor(entity: string): Promise<readonly PostTarget[]>
  targetAt(place: { readonly entity: string; readonly address?: string | undefined }): Promise<PostTarget>
  standing(target: PostTarget, of: Pick<Posting, 'key' | 'at' | 'facts'>): Promise<Standing>
  /** Throws where the look-up cannot be trusted now. */
  proved(target: PostTarget): Promise<void>
}

export function asker(deps: PostingDeps, { followed }: DeskParts): Asker {
  const signal = new AbortController().signal
  const targetsFor: Asker['targetsFor'] = async (entity) =>
    (await Promise.all(followed.sinks().map(({ target }) => target(entity).catch(() => undefined)))).filter(
      (target) => target !== undefined,
    )
  return {
    targetsFor,
    async targetAt({ entity, address }) {
      const some = (await targetsFor(entity)).filter((target) => address === undefined || target.address === address)
      const [only] = some
      if (only && new Set(some.map((target) => target.address)).size === 1) return only
      throw some.length > 1
        ? refused(
            `${entity} is posted to several places: ${some.map((one) => one.address).join(', ')}.`,
            'Name one of them.',
          )
        : refused(`No sink that posts ${entity}${address ? ` to ${address}` : ''} is deployed.`, 'Deploy it first.')
    },
    standing: (target, of) => lookUp(deps, target, of, of.facts, asking(deps, target, signal)),
    async proved(target) {
      const { context, again, retry } = asking(deps, target, signal)
      const proof = await proofOf(deps.ledger, target, postContext(deps, target, context), questions(again, retry))
      if (!proof.proved) throw refused(`The look-up cannot be trusted: ${proof.why}.`, proof.hint)
    },
  }
}

/** What a person says that stands there. */
export const byHand = ({
  number,
  type,
}: {
  readonly number: string
  readonly type?: string | undefined
}): PostResult => ({
  number,
  ...(type !== undefined && { type }),
  status: 'final',
})
