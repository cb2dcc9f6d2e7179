/** Guarded admin routes over what is posted: what only a person can decide. Each decision has a name and a reason. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { PostingDesk } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { handle, reason } from '../kit/kit.ts'
import { engineNeeded, ledgerNeeded, text } from './asked.ts'
import { definePostingLists } from './posting-lists.ts'

const name = z.string().min(1).max(300)
const key = z.string().min(1).max(1000)
const place = { ledger: text, sync: name, entity: name, address: z.string().min(1).max(1000).optional() }

/** What a person says of an attempt in doubt, of a held record, or of a posting that was set aside. */
const settling = z.union([
  z.strictObject({
    ledger: text,
    attempt: name,
    as: z.enum(['posted', 'again', 'held']),
    number: name.optional(),
    type: name.optional(),
    reason,
  }),
  z.strictObject({ ledger: text, held: name, as: z.literal('stands'), number: name, type: name.optional(), reason }),
  z.strictObject({ ledger: text, held: name, as: z.enum(['sent back', 'anew']), reason }),
  z.strictObject({ ledger: text, address: key, key, as: z.enum(['accepted', 'anew', 'sent back']), reason }),
])

export function definePostingRoutes(RED: NodeAPI): void {
  definePostingLists(RED)

  RED.httpAdmin.post(
    '/tieout/posting/test',
    RED.auth.needsPermission('tieout.decide'),
    handle(z.strictObject({ ...place, reason }), async ({ ledger, reason: why, ...where }, { user }) => {
      const { posting } = await engineNeeded(RED, ledger)
      return { message: await posting.test(where, { by: user, reason: why }) }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/posting/start',
    RED.auth.needsPermission('tieout.decide'),
    handle(z.strictObject({ ...place, reason }), async ({ ledger, reason: why, ...where }, { user }) => {
      const { posting } = await engineNeeded(RED, ledger)
      await posting.start(where, { by: user, reason: why })
      return { message: `${where.entity} is posted from the next run on.` }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/posting/as',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.strictObject({ ...place, as: z.enum(['draft', 'final']), reason }),
      async ({ ledger, reason: why, as, ...where }, { user }) => {
        const { posting } = await engineNeeded(RED, ledger)
        await posting.postAs(where, as, { by: user, reason: why })
        return { message: `${where.entity} is posted as ${as} from now on.` }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/posting/settle',
    RED.auth.needsPermission('tieout.decide'),
    handle(settling, async (body, { user }) => {
      const { posting } = await engineNeeded(RED, body.ledger)
      return { message: await settle(posting, body, { by: user, reason: body.reason }) }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/posting/look',
    RED.auth.needsPermission('tieout.write'),
    handle(z.strictObject({ ledger: text, sync: text }), async ({ ledger, sync }) => {
      const { posting } = await engineNeeded(RED, ledger)
      await posting.look(sync)
      return { message: 'Everything that is open was looked up.' }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/inbox/settle',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.strictObject({ ledger: text, source: key, key, as: z.enum(['ours', 'not-ours']), reason }),
      async (body, { user }) => {
        const ledger = await ledgerNeeded(RED, body.ledger)
        if (await ledger.decideInbox(body.source, body.key, body.as, { by: user, reason: body.reason }))
          return {
            message: body.as === 'ours' ? `${body.key} is handed on by the next run.` : `${body.key} is left alone.`,
          }
        throw syncError('config', 'tieout.inbox', `Nobody asks whose ${body.key} is`, {
          hint: 'It was settled before; ask for the list again.',
        })
      },
    ),
  )
}

async function settle(
  desk: PostingDesk,
  body: z.output<typeof settling>,
  who: { readonly by: string; readonly reason: string },
): Promise<string> {
  if ('attempt' in body) {
    const { attempt, as, number, type } = body
    return desk.settle(attempt, as === 'posted' ? { posted: { number, type } } : as, who)
  }
  if ('key' in body) {
    const decide = { accepted: desk.accept, anew: desk.revise, 'sent back': desk.sendBackPosted }[body.as]
    return decide(body.address, body.key, who)
  }
  if (body.as === 'stands') return desk.stands(body.held, body, who)
  return body.as === 'anew' ? desk.anew(body.held, who) : desk.sendBack(body.held, who)
}
