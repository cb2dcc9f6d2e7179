/** What people decide about held records that were to be posted. */
import type { HeldRecord } from '../../ledger/ledger.ts'
import type { PostingDesk } from '../contract/engine.ts'
import type { PostTarget } from '../contract/posting.ts'
import { compileHasher } from '../values/fingerprint.ts'
import { type Asker, byHand, type DeskParts, refused } from './asker.ts'
import { clearAside, type PostingDeps, tellAside, type Who } from './deps.ts'
import { isGone } from './standing.ts'

type Held = HeldRecord & { readonly sourceKey: string }

/** What is held, and whether anything of it stands anywhere. */
function finding(deps: PostingDeps, asked: Asker) {
  const { ledger, now } = deps
  const heldOf = async (id: string): Promise<Held> => {
    const [held] = await ledger.held({ ids: [id], states: ['open', 'discarded'] })
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
  /** A held record of which nothing stands anywhere that it could be posted to, by a look-up that is proved. */
  const goneOf = async (id: string): Promise<Held> => {
    const held = await heldOf(id)
    const { entity, key, stage, heldBy } = held
    const targets =
      stage === 'sink' ? [await asked.targetAt({ entity, address: heldBy })] : await asked.targetsFor(entity)
    if (targets.length === 0)
      throw refused(`No sink that posts ${entity} is deployed.`, 'Deploy it first: it is looked up there.')
    for (const target of targets) {
      await notInDoubt(target.address, entity, key)
      await asked.proved(target)
      const standing = await asked.standing(target, { key, at: now(), facts: {} })
      if (isGone(standing)) continue
      const why =
        standing.kind === 'ours' ? `it stands there as ${standing.result.number}` : 'why' in standing && standing.why
      throw refused(
        `${entity} ${key} is not sent back or posted anew: ${why}.`,
        standing.kind === 'unknown' ? 'Try again later.' : 'Say "stands there as" instead, or reverse it there first.',
      )
    }
    return held
  }
  const over = async (id: string, about: Parameters<typeof clearAside>[1], who: Who): Promise<void> => {
    await ledger.discardHeld([id], who)
    await clearAside(deps, about)
  }
  return { heldOf, notInDoubt, goneOf, over }
}

/** Sends back to its source what is held, by a look-up that is proved in that moment. */
export function givingBack(deps: PostingDeps, asked: Asker) {
  const { goneOf, over } = finding(deps, asked)
  return async (id: string, who: Who): Promise<Held> => {
    const held = await goneOf(id)
    const { entity, key, sync, sourceKey, sourceAddress } = held
    if (!(await deps.ledger.sendBack(sourceAddress, sourceKey, who)))
      throw refused(
        `The source does not wait for an answer about ${entity} ${key}.`,
        'It was answered before, or handed over by none that answers.',
      )
    await over(id, { sync, entity, key }, who)
    return held
  }
}

export function decidingHeld(
  deps: PostingDeps,
  { followed }: DeskParts,
  asked: Asker,
): Pick<PostingDesk, 'stands' | 'sendBack' | 'anew' | 'leftOut'> {
  const { ledger, now } = deps
  const { heldOf, notInDoubt, goneOf, over } = finding(deps, asked)
  const giveBack = givingBack(deps, asked)

  return {
    async leftOut(ids) {
      for (const held of await ledger.held({ ids, states: ['discarded'] }))
        for (const target of await asked.targetsFor(held.entity))
          if (held.stage !== 'sink' || held.heldBy === target.address) await tellStanding(deps, asked, target, held)
    },
    async stands(id, given, who) {
      const held = await heldOf(id)
      const { entity, key, sync, run, record, schema, sourceKey, sourceAddress } = held
      const target = await asked.targetAt({ entity, address: held.stage === 'sink' ? held.heldBy : undefined })
      const { address } = target
      await notInDoubt(address, entity, key)
      const standing = await asked.standing(target, { key, at: now(), facts: {} })
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
        // Wherever it was held, and whether it was left out, that is over.
        deliveries: [{ key, read: ledger.nextRead(), hash, run, sourceKey }],
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
      await clearAside(deps, held)
      await followed.look({ sync })
      return `${entity} ${key} stands there as ${given.number}.`
    },
    async sendBack(id, who) {
      const { entity, key, sync } = await giveBack(id, who)
      await followed.look({ sync })
      return `${entity} ${key} is sent back.`
    },
    async anew(id, who) {
      const { entity, key, sync, sourceKey, sourceAddress } = await goneOf(id)
      const revision = await ledger.raiseRevision(sourceAddress, sourceKey, who)
      if (revision === undefined)
        throw refused(`${entity} ${key} is not in the inbox any more.`, 'Have the source hand it over once more.')
      await over(id, { sync, entity, key }, who)
      return `${entity} ${key} is posted anew by the next run, as revision ${revision}.`
    },
  }
}

/** One that was left out: told where it stands there and this ledger did not post it; an alert of before is over where it is gone. */
async function tellStanding(deps: PostingDeps, asked: Asker, target: PostTarget, held: HeldRecord): Promise<void> {
  const { sync, entity, key, discarded } = held
  const { address } = target
  if ((await deps.ledger.postings(address, [key])).has(key)) return
  const standing = await asked.standing(target, { key, at: deps.now(), facts: {} })
  if (standing.kind === 'unknown') return
  if (isGone(standing)) return clearAside(deps, held)
  const found =
    standing.kind === 'person'
      ? standing.why
      : `it stands there as ${'result' in standing ? standing.result.number : ''}`
  await tellAside(
    deps,
    { sync, entity, key, address },
    `it was left out by ${discarded?.by}, and ${found}; its source is not told`,
  )
}
