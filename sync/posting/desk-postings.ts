/** What people decide about postings that were set aside. */
import type { Posting } from '../../ledger/ledger.ts'
import type { PostingDesk } from '../contract/engine.ts'
import { type Asker, type DeskParts, refused } from './asker.ts'
import { clearAside, type PostingDeps } from './deps.ts'
import { isGone } from './standing.ts'

export function decidingPostings(
  deps: PostingDeps,
  { followed }: DeskParts,
  asked: Asker,
): Pick<PostingDesk, 'accept' | 'revise' | 'sendBackPosted'> {
  const { ledger, now } = deps
  const postingOf = async (address: string, key: string): Promise<Posting> => {
    const found = (await ledger.postings(address, [key])).get(key)
    if (found) return found
    throw refused(`Nothing was posted to ${address} under ${key}.`, 'Ask for the list again.')
  }

  /** What a proved look-up does not find standing there any more. */
  const goneFrom = async (address: string, key: string) => {
    const posting = await postingOf(address, key)
    const { entity, result } = posting
    const target = await asked.targetAt({ entity, address })
    await asked.proved(target)
    const standing = await asked.standing(target, posting)
    if (!isGone(standing))
      throw refused(`${entity} ${key}: ${result.number} may stand there.`, 'Reverse it there first.')
    const over = async (): Promise<void> => {
      await ledger.savePosting(address, key, { result: { ...result, status: 'reversed' }, seen: now(), aside: null })
      await clearAside(deps, posting)
    }
    return { posting, over }
  }

  return {
    async accept(address, key, who) {
      const posting = await postingOf(address, key)
      const { sync, entity } = posting
      if (posting.aside === null) throw refused(`${entity} ${key} was not set aside.`, 'There is nothing to decide.')
      const target = await asked.targetAt({ entity, address })
      const standing = await asked.standing(target, posting)
      const stays = standing.kind === 'ours' || (standing.kind === 'person' && standing.result.status !== 'reversed')
      if (!stays)
        throw refused(
          `${entity} ${key} does not stand there: ${standing.kind === 'absent' ? 'nothing has its reference' : standing.why}.`,
          'Have it posted anew, or try again later.',
        )
      // Where two stand there, the one that this ledger posted is told.
      const isOurs = standing.result.number === posting.result.number
      const result = isOurs ? standing.result : posting.result
      const { amount, currency, party } = result
      const facts = {
        ...posting.facts,
        ...(amount && { amount }),
        ...(currency && { currency }),
        ...(party && { party }),
      }
      const decision = {
        ...who,
        kind: 'posting' as const,
        sync,
        entity,
        sink: address,
        about: `${key}: ${result.number} stands as it is`,
      }
      await ledger.savePosting(address, key, { result, facts, seen: now(), aside: null }, decision)
      await clearAside(deps, posting)
      await followed.look({ sync })
      return `${entity} ${key} stands there as ${result.number}.`
    },
    async sendBackPosted(address, key, who) {
      const { posting, over } = await goneFrom(address, key)
      const { entity, source, sourceKey } = posting
      if (sourceKey === null || !(await ledger.sendBack(source, sourceKey, who)))
        throw refused(`The source does not wait for an answer about ${entity} ${key}.`, 'It was answered before.')
      await over()
      await followed.look({ sync: posting.sync })
      return `${entity} ${key} is sent back.`
    },
    async revise(address, key, who) {
      const { posting, over } = await goneFrom(address, key)
      const { entity, source, sourceKey } = posting
      const revision = sourceKey === null ? undefined : await ledger.raiseRevision(source, sourceKey, who)
      if (revision === undefined)
        throw refused(`${entity} ${key} is not in the inbox any more.`, 'Have the source hand it over once more.')
      await over()
      return `${entity} ${key} is posted anew by the next run, as revision ${revision}.`
    },
  }
}
