/** What people decide about held records that were to be posted. */
import type { HeldRecord } from '../../ledger/ledger.ts'
import type { PostingDesk } from '../contract/engine.ts'
import { compileHasher } from '../values/fingerprint.ts'
import { type Asker, byHand, type DeskParts, refused } from './asker.ts'
import type { PostingDeps } from './deps.ts'

export function decidingHeld(
  deps: PostingDeps,
  { followed }: DeskParts,
  asked: Asker,
): Pick<PostingDesk, 'stands' | 'sendBack'> {
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
  return {
    async stands(id, given, who) {
      const held = await heldOf(id)
      const { entity, key, sync, run, read, record, schema, sourceKey, sourceAddress } = held
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
  }
}
