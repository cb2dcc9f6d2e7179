/** What people decide about posting. What could post twice is looked up in that moment, by a look-up that is proved. */
import type { HeldRecord, PostAttempt, Posting } from '../../ledger/ledger.ts'
import type { PostingDesk, PostingPlace } from '../contract/engine.ts'
import { syncError } from '../contract/errors.ts'
import type { PostResult, PostTarget } from '../contract/posting.ts'
import { compileHasher } from '../values/fingerprint.ts'
import { type PostingDeps, postContext, sendContext, type Who } from './deps.ts'
import { asking, type Followed, postAgain, tellDoubt } from './follow.ts'
import { lookUp, questions } from './post-record.ts'
import { proofOf } from './proof.ts'
import type { Standing } from './standing.ts'

interface DeskParts {
  readonly followed: Followed
  readonly inHand: ReadonlySet<string>
}

const refused = (message: string, hint: string) => syncError('config', 'sync.post-decision', message, { hint })

export function createDesk(deps: PostingDeps, parts: DeskParts): PostingDesk {
  const ask = asker(deps, parts)
  return {
    look: (sync) => parts.followed.look({ sync, all: true }),
    ...starting(deps, ask),
    ...settling(deps, parts, ask),
    ...closing(deps, parts, ask),
  }
}

/** How the desk comes to targets and what they say. */
interface Asker {
  targetsFor(entity: string): Promise<readonly PostTarget[]>
  targetAt(place: { readonly entity: string; readonly address?: string | undefined }): Promise<PostTarget>
  standing(target: PostTarget, of: Pick<Posting, 'key' | 'at' | 'facts'>): Promise<Standing>
  /** Throws where the look-up cannot be trusted now. */
  proved(target: PostTarget): Promise<void>
}

function asker(deps: PostingDeps, { followed }: DeskParts): Asker {
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
    async test(place) {
      const target = await targetAt(place)
      if (!target.test)
        throw refused(`${target.address} cannot be tested by itself.`, 'Post one record, and see that it is found.')
      const { context } = asking(deps, target, new AbortController().signal)
      const tested = await target.test(sendContext(postContext(deps, target, context), () => undefined))
      const left = tested.left ? ` ${tested.left}` : ''
      if (!tested.proved) throw refused(`Test posting failed: ${tested.why}.${left}`, tested.hint)
      await ledger.testedPosting(target.address)
      return `What was posted to ${target.address} was found.${left}`
    },
  }
}

const byHand = ({ number, type }: { readonly number: string; readonly type?: string | undefined }): PostResult => ({
  number,
  ...(type !== undefined && { type }),
  status: 'final',
})

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
    const whose = { heldBy: address, sinkName, stage: 'sink' as const, key, ...(sourceKey !== null && { sourceKey }) }
    await ledger.commit({
      run,
      sync,
      entity,
      sinkId: address,
      sinkName,
      address,
      held: [{ ...whose, sync, run, entity, sourceAddress: source, read, ...kept, cause }],
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

type Closing = Pick<PostingDesk, 'stands' | 'sendBack' | 'accept' | 'revise'>

function closing(deps: PostingDeps, { followed }: DeskParts, asked: Asker): Closing {
  const { ledger, now } = deps
  const heldOf = async (id: string): Promise<HeldRecord & { readonly sourceKey: string }> => {
    const [held] = await ledger.held({ ids: [id], states: ['open'] })
    const sourceKey = held?.stage === 'sink' ? held.sourceKey : held?.key
    if (held && sourceKey !== undefined) return { ...held, sourceKey }
    throw refused(
      `There is no held record ${id} that is to be posted.`,
      'It was settled meanwhile: ask for the list again.',
    )
  }
  const notInDoubt = async (address: string, entity: string, key: string): Promise<void> => {
    if ((await ledger.attempts(address)).some((one) => one.key === key))
      throw refused(`${entity} ${key} is in doubt.`, 'Settle that first: it may stand there.')
  }
  const postingOf = async (address: string, key: string): Promise<Posting> => {
    const found = (await ledger.postings(address, [key])).get(key)
    if (found) return found
    throw refused(`Nothing was posted to ${address} under ${key}.`, 'Ask for the list again.')
  }
  const clearAside = ({ sync, entity, key }: Posting) =>
    ledger.clearAlerts({ sync, kind: 'posted-aside', entity: `${entity} ${key}` })

  return {
    async stands(id, given, who) {
      const held = await heldOf(id)
      const { entity, key, sync, run, read, record, schema, sourceKey, sourceAddress } = held
      const [only] =
        held.stage === 'sink'
          ? [await asked.targetAt({ entity, address: held.heldBy })]
          : [await asked.targetAt({ entity })]
      const { address } = only
      await notInDoubt(address, entity, key)
      const standing = await asked.standing(only, { key, at: now(), facts: {} })
      const isFound = standing.kind === 'ours' && standing.result.number === given.number
      const result = isFound ? standing.result : byHand(given)
      const hash = compileHasher(schema)(record)
      const same = {
        key,
        source: sourceAddress,
        sourceKey,
        hash,
        originalHash: null,
        result,
        facts: {},
        at: now(),
        seen: now(),
      }
      await ledger.commit({
        run,
        sync,
        entity,
        sinkId: address,
        sinkName: held.sinkName,
        address,
        deliveries: [{ key, read, hash, run, sourceKey }],
        posted: [{ ...same, record, schema, byHand: !isFound }],
        outcomes: {},
        decision: {
          ...who,
          kind: 'posting',
          sync,
          entity,
          sink: address,
          about: `${key}: it stands there as ${given.number}`,
        },
      })
      await followed.look({ sync })
      return `${entity} ${key} stands there as ${given.number}.`
    },
    async sendBack(id, who) {
      const { entity, key, sync, stage, heldBy, sourceKey, sourceAddress } = await heldOf(id)
      const targets =
        stage === 'sink' ? [await asked.targetAt({ entity, address: heldBy })] : await asked.targetsFor(entity)
      if (targets.length === 0)
        throw refused(`No sink that posts ${entity} is deployed.`, 'Deploy it first: it is looked up there.')
      for (const target of targets) {
        await notInDoubt(target.address, entity, key)
        await asked.proved(target)
        const standing = await asked.standing(target, { key, at: now(), facts: {} })
        if (standing.kind === 'absent') continue
        throw refused(
          `${entity} ${key} is not sent back: ${standing.kind === 'ours' ? `it stands there as ${standing.result.number}` : standing.why}.`,
          standing.kind === 'unknown'
            ? 'Try again later.'
            : 'Say "stands there as" instead, or reverse it there first.',
        )
      }
      if (!(await ledger.sendBack(sourceAddress, sourceKey, who)))
        throw refused(
          `The source does not wait for an answer about ${entity} ${key}.`,
          'It was answered before, or handed over by none that answers.',
        )
      await ledger.discardHeld([id], who)
      await followed.look({ sync })
      return `${entity} ${key} is sent back.`
    },
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
      const { result } = standing
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
      await clearAside(posting)
      await followed.look({ sync })
      return `${entity} ${key} stands there as ${result.number}.`
    },
    async revise(address, key, who) {
      const posting = await postingOf(address, key)
      const { entity, source, sourceKey, result } = posting
      const target = await asked.targetAt({ entity, address })
      await asked.proved(target)
      const standing = await asked.standing(target, posting)
      const isGone = standing.kind === 'absent' || (standing.kind === 'person' && standing.result.status === 'reversed')
      if (!isGone)
        throw refused(
          `${entity} ${key} is not posted anew: ${result.number} may stand there.`,
          'Reverse it there first.',
        )
      const revision = sourceKey === null ? undefined : await ledger.raiseRevision(source, sourceKey, who)
      if (revision === undefined)
        throw refused(`${entity} ${key} is not in the inbox any more.`, 'Have the source hand it over once more.')
      await ledger.savePosting(address, key, { result: { ...result, status: 'reversed' }, seen: now(), aside: null })
      await clearAside(posting)
      return `${entity} ${key} is posted anew by the next run, as revision ${revision}.`
    },
  }
}
