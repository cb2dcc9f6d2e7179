/** Guarded admin routes over targets with two stages: what is open, *Look again*, and warnings that a person has seen. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import { syncError } from '../../sync/contract/errors.ts'
import { handle, reason } from '../kit/kit.ts'
import { engineNeeded, ledgerAsked, ledgerNeeded, limit, text } from './asked.ts'

const MINUTE_MS = 60_000
const name = z.string().min(1).max(1000)

export function defineResultRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/results',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async ({ ledger, sync, limit: most }) => {
      const found = await ledgerAsked(RED, ledger)
      const open = (await found?.openResults({ ...(sync && { sync }), limit: most })) ?? []
      const now = Date.now()
      return open.map((one) => ({
        ...one,
        minutes: Math.max(0, Math.floor((now - Date.parse(one.since)) / MINUTE_MS)),
      }))
    }),
  )

  RED.httpAdmin.post(
    '/tieout/results/look',
    RED.auth.needsPermission('tieout.write'),
    handle(z.strictObject({ ledger: text, sync: text }), async ({ ledger, sync }) => ({
      open: await (await engineNeeded(RED, ledger)).lookAtResults(sync),
    })),
  )

  RED.httpAdmin.post(
    '/tieout/results/seen',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.strictObject({ ledger: text, address: name, keys: z.array(name).min(1).max(1000), reason }),
      async ({ ledger, address, keys, reason: why }, { user }) => {
        const seen = await (await ledgerNeeded(RED, ledger)).seenWarnings(address, keys, { by: user, reason: why })
        if (seen > 0) return { seen }
        throw syncError('config', 'tieout.results', `There is no warning of ${keys[0]} any more`, {
          hint: 'A later version was sent, or somebody has seen it. Ask for the list again.',
        })
      },
    ),
  )
}
