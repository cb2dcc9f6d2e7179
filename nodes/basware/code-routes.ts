/** Guarded route for records that stand at Basware under another code: a person says that it is to be used. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { handle, reason } from '../kit/kit.ts'
import { ledgerNamed } from './alignment-routes.ts'
import { decided, readAdopted } from './client/send/adopted.ts'

const name = z.string().min(1).max(300)
const CODE = 'basware.already-there'

export function defineCodeRoutes(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/tieout/basware/use-code',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.strictObject({
        ledger: name.optional(),
        /** Held records; of one of them where `all` is said, the address counts. */
        ids: z.array(name).min(1).max(1000),
        all: z.boolean().default(false),
        reason,
      }),
      async ({ ledger: id, ids, all, reason: why }, { user }) => {
        const { ledger } = await ledgerNamed(RED, id).engine.get()
        const held = (await ledger.held({ ids, states: ['open'], limit: ids.length })).filter(
          ({ cause }) => cause.code === CODE,
        )
        const [first] = held
        if (!first || held.length < ids.length)
          throw syncError(
            'config',
            'basware.use-code',
            'A record is not held any more, or not since it is already there',
            {
              hint: 'Load the list again.',
            },
          )
        for (const address of new Set(held.map(({ heldBy }) => heldBy))) {
          const keys = held.filter(({ heldBy }) => heldBy === address).map(({ key }) => key)
          const said = {
            at: new Date().toISOString(),
            by: user,
            reason: why,
            what: all ? 'all' : keys.slice(0, 100).join(', '),
          }
          const adopted = decided(readAdopted(await ledger.note(address)), all ? 'all' : keys, said)
          await ledger.saveNote(address, JSON.stringify(adopted))
        }
        const of = all ? 'Whatever is already there' : `${held.length} record(s)`
        return { message: `${of} will be sent under the codes that stand at Basware. Replay what is held.` }
      },
    ),
  )
}
