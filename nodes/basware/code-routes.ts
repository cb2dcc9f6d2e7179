/** Guarded route for records that stand at Basware under another code: a person says that it is to be used. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { handle, type LedgerHandle, reason } from '../kit/kit.ts'
import { ledgerNamed, sinksOf } from './alignment-routes.ts'
import { decided, readAdopted, type Said } from './client/send/adopted.ts'
import { SENT } from './client/send/target.ts'

const name = z.string().min(1).max(300)
const CODE = 'basware.already-there'

const asked = z.strictObject({
  ledger: name.optional(),
  /** Held records. */
  ids: z.array(name).min(1).max(1000).optional(),
  /** Whatever else of their entity stands there, too. */
  all: z.boolean().default(false),
  /** Or all of an entity of a node, of which nothing may be held. */
  node: name.optional(),
  entity: z.enum(SENT).optional(),
  reason,
})

export function defineCodeRoutes(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/tieout/basware/use-code',
    RED.auth.needsPermission('tieout.decide'),
    handle(asked, async (body, { user }) => {
      const of = ledgerNamed(RED, body.ledger)
      const { ledger } = await of.engine.get()
      const who = { by: user, reason: body.reason }
      const { ids = [], all, node, entity } = body
      if (node !== undefined && entity !== undefined) {
        await decide(ledger, await addressOf(RED, of, node, entity), 'all', who)
        return {
          message: `Whatever of ${entity} is already there will be sent under the codes that stand at Basware.`,
        }
      }
      const held = (await ledger.held({ ids, states: ['open'], limit: ids.length })).filter(
        ({ cause }) => cause.code === CODE,
      )
      if (ids.length === 0 || held.length < ids.length)
        throw syncError(
          'config',
          'basware.use-code',
          'A record is not held any more, or not since it is already there',
          {
            hint: 'Load the list again.',
          },
        )
      for (const [address, some] of Map.groupBy(held, ({ heldBy }) => heldBy))
        await decide(ledger, address, all ? 'all' : some.map(({ key }) => key), who)
      const what = all ? 'Whatever is already there' : `${held.length} record(s)`
      return { message: `${what} will be sent under the codes that stand at Basware. Replay what is held.` }
    }),
  )
}

async function addressOf(RED: NodeAPI, of: LedgerHandle, node: string, entity: string): Promise<string> {
  const target = await sinksOf(RED, of)
    .find(({ ref }) => ref.id === node)
    ?.target?.(entity)
  if (target) return target.address
  throw syncError('config', 'basware.use-code', `No node ${node} sends to Basware with this ledger`)
}

/** Keys that stand in the record of a decision. */
const NAMED = 100

async function decide(
  ledger: Engine['ledger'],
  address: string,
  of: readonly string[] | 'all',
  who: Pick<Said, 'by' | 'reason'>,
): Promise<void> {
  const what = of === 'all' ? of : of.slice(0, NAMED).join(', ')
  const said = { ...who, at: new Date().toISOString(), what }
  await ledger.saveNote(address, JSON.stringify(decided(readAdopted(await ledger.note(address)), of, said)))
}
