/** Admin routes over batches in doubt: the list, and a person's answer. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { settleDoubt, settledText } from '../../sync/delivering/answer-doubt.ts'
import { handle, reason } from '../kit/kit.ts'
import { ledgerAsked, ledgerNeeded, limit, text } from './asked.ts'

/** Keys shown of a batch. */
const MOST_KEYS = 100

export function defineDoubtRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/in-doubt',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      const intents = (await found?.doubtful(query.sync)) ?? []
      return intents.slice(0, query.limit).map(({ schema: _, records, ...intent }) => ({
        ...intent,
        records: records.slice(0, MOST_KEYS).map(({ key, read }) => ({ key, read })),
        count: records.length,
      }))
    }),
  )

  RED.httpAdmin.post(
    '/tieout/in-doubt/settle',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.object({ ledger: text, id: z.string().min(1).max(300), as: z.enum(['delivered', 'absent']), reason }),
      async (body, { user }) => {
        const found = await ledgerNeeded(RED, body.ledger)
        const intent = (await found.doubtful()).find(({ id }) => id === body.id)
        if (!intent)
          throw syncError('config', 'tieout.in-doubt', `No batch ${body.id} is in doubt`, {
            hint: 'It was settled before; ask for the list again.',
          })
        if (intent.posting)
          throw syncError('config', 'tieout.in-doubt', `${body.id} is an attempt to post, which is settled otherwise`, {
            hint: 'POST /tieout/posting/settle looks it up first, and needs the permission tieout.decide.',
          })
        const settled = await settleDoubt(found, intent, body.as, { by: user, reason: body.reason })
        return { settled: settled.records, message: settledText(intent.entity, settled) }
      },
    ),
  )
}
