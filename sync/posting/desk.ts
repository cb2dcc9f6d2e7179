/** What people decide about posting. What could post twice is looked up in that moment, by a look-up that is proved. */
import type { PostAttempt } from '../../ledger/ledger.ts'
import type { PostingDesk, PostingPlace } from '../contract/engine.ts'
import { toldAmount } from '../values/told-amount.ts'
import { type Asker, asker, byHand, type DeskParts, refused } from './asker.ts'
import { type PostingDeps, postContext, sendContext, type Who } from './deps.ts'
import { decidingHeld } from './desk-held.ts'
import { decidingPostings } from './desk-postings.ts'
import { asking, postAgain, tellDoubt } from './follow.ts'

export function createDesk(deps: PostingDeps, parts: DeskParts): PostingDesk {
  const ask = asker(deps, parts)
  return {
    look: (sync) => parts.followed.look({ sync, all: true }),
    ...starting(deps, ask),
    ...settling(deps, parts, ask),
    ...decidingHeld(deps, parts, ask),
    ...decidingPostings(deps, parts, ask),
  }
}

function starting(
  deps: PostingDeps,
  { targetAt, targetsFor, proved }: Asker,
): Pick<PostingDesk, 'start' | 'postAs' | 'test' | 'places'> {
  const { ledger } = deps
  const about = ({ sync, entity }: PostingPlace) => ({ sync, entity })
  return {
    places: async (entity) => Promise.all((await targetsFor(entity)).map(({ address }) => ledger.postPlace(address))),
    async start(place, who) {
      const target = await targetAt(place)
      await proved(target)
      await ledger.startPosting(target.address, about(place), who)
      await ledger.clearAlerts({ ...about(place), kind: 'posting' })
    },
    async postAs(place, as, who) {
      await ledger.postAs((await targetAt(place)).address, as, about(place), who)
    },
    async test(place, who) {
      const target = await targetAt(place)
      if (!target.test)
        throw refused(`${target.address} cannot be tested by itself.`, 'Post one record, and see that it is found.')
      const { context } = asking(deps, target, new AbortController().signal)
      const tested = await target.test(sendContext(postContext(deps, target, context), () => undefined))
      const left = tested.left ? ` ${tested.left}` : ''
      if (!tested.proved) throw refused(`Test posting failed: ${tested.why}.${left}`, tested.hint)
      await ledger.testedPosting(target.address)
      await ledger.decide({ ...who, ...about(place), kind: 'posting', sink: target.address, about: 'Test posting' })
      return `What was posted to ${target.address} was found.${left}`
    },
  }
}

function settling(deps: PostingDeps, { followed, inHand }: DeskParts, asked: Asker): Pick<PostingDesk, 'settle'> {
  const { ledger } = deps
  const attemptOf = async (id: string): Promise<PostAttempt> => {
    const found = (await ledger.attempts()).find((one) => one.id === id)
    if (!found || inHand.has(id))
      throw refused(`No attempt ${id} is in doubt.`, 'It was settled meanwhile: ask for the list again.')
    return found
  }
  const hold = async (attempt: PostAttempt, who: Who): Promise<void> => {
    const { id, address, sync, run, entity, key, read, source, sourceKey, sinkName } = attempt
    const kept = await ledger.attempted(id)
    if (!kept) return
    const message = `${entity} ${key} was in doubt, and a person has it held: ${who.reason}`
    const cause = { class: 'data' as const, code: 'sync.post-held', message, entity, key }
    const amounts = toldAmount(kept.schema, kept.record)
    const whose = { heldBy: address, sinkName, stage: 'sink' as const, key, ...(sourceKey !== null && { sourceKey }) }
    await ledger.commit({
      run,
      sync,
      entity,
      sinkId: address,
      sinkName,
      address,
      held: [{ ...whose, sync, run, entity, sourceAddress: source, read, ...kept, amounts, cause }],
      outcomes: {},
      intent: id,
      decision: { ...who, kind: 'in-doubt', sync, entity, sink: address, about: `${id}: held` },
    })
  }
  return {
    async settle(id, as, who) {
      const attempt = await attemptOf(id)
      const { address, sync, entity, key } = attempt
      const target = await asked.targetAt({ entity, address })
      const standing = await asked.standing(target, attempt)
      const decide = (about: string) =>
        ledger.decide({ ...who, kind: 'in-doubt', sync, entity, sink: address, about: `${id}: ${about}` })
      if (standing.kind === 'ours' || standing.kind === 'person') {
        await followed.found(attempt, standing)
        await decide(`${standing.result.number} stands there`)
        await followed.look({ sync })
        return `${entity} ${key} stands there as ${standing.result.number}. Nothing else was done.`
      }
      if (typeof as === 'object') {
        const { number, type } = as.posted
        if (number === undefined)
          throw refused(`The look-up does not find ${entity} ${key}.`, 'Give the number that it has there.')
        await followed.found(attempt, { kind: 'ours', result: byHand({ number, type }), byHand: true })
        await decide(`it stands there as ${number}`)
        await followed.look({ sync })
        return `${entity} ${key} stands there as ${number}.`
      }
      if (attempt.state === 'open')
        throw refused(
          `${entity} ${key} may still be on its way.`,
          'Wait until the settling wait is over; it is looked up by itself.',
        )
      await asked.proved(target)
      if (standing.kind !== 'absent')
        throw refused(`${entity} ${key} could not be looked up: ${standing.why}.`, 'Try again later.')
      if (as === 'again') await postAgain(deps, attempt, who)
      else await hold(attempt, who)
      await tellDoubt(deps, attempt)
      return as === 'again' ? `${entity} ${key} is posted once more by the next run.` : `${entity} ${key} is held.`
    },
  }
}
