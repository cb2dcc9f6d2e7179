/** Guarded admin routes over the ledgers: runs, alerts, differences and decisions; held records and batches in doubt beside them. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Ledger } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { raiseDifferences } from '../../sync/run/difference-alert.ts'
import { raisePushed } from '../../sync/run/pushed-alert.ts'
import { forDone, handle, ledgersOf, reason } from '../kit/kit.ts'
import { ledgerAsked, ledgerNeeded, limit, text } from './asked.ts'
import { defineCsvRoute } from './csv-route.ts'
import { defineDoubtRoutes } from './doubt-routes.ts'
import { defineHeldRoutes } from './held-routes.ts'
import { definePostingRoutes } from './posting-routes.ts'
import { defineResultRoutes } from './result-routes.ts'
import { defineSearchRoutes } from './search-routes.ts'

export function defineMonitorRoutes(RED: NodeAPI): void {
  defineRunRoutes(RED)
  defineDifferenceRoutes(RED)
  defineHeldRoutes(RED)
  defineDoubtRoutes(RED)
  definePostingRoutes(RED)
  defineResultRoutes(RED)
  defineSearchRoutes(RED)
  defineCsvRoute(RED)
}

function defineRunRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/ledgers',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({}), async () =>
      Promise.all(
        [...ledgersOf(RED, 'sync-ledger')].map(async ([id, { engine }]) => {
          const named = { id, name: RED.nodes.getNode(id)?.name ?? '' }
          try {
            return { ...named, ...(await waiting((await engine.get()).ledger)) }
          } catch (error) {
            return { ...named, problem: forDone(error).message }
          }
        }),
      ),
    ),
  )

  RED.httpAdmin.get(
    '/tieout/runs',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      return (await found?.runs({ ...(query.sync && { sync: query.sync }), limit: query.limit })) ?? []
    }),
  )

  RED.httpAdmin.get(
    '/tieout/alerts',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, open: z.stringbool().optional() }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      return (await found?.alerts({ ...(query.sync && { sync: query.sync }), ...(query.open && { open: true }) })) ?? []
    }),
  )
}

/** Differences, and what people decided. */
function defineDifferenceRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/differences',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, open: z.stringbool().optional() }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      const { sync, open } = query
      return (await found?.differences({ ...(sync && { sync }), ...(open !== undefined && { open }) })) ?? []
    }),
  )

  RED.httpAdmin.post(
    '/tieout/differences/close',
    RED.auth.needsPermission('tieout.decide'),
    handle(z.object({ ledger: text, id: z.string().min(1).max(300), reason }), async (body, { user }) => {
      const found = await ledgerNeeded(RED, body.ledger)
      const difference = await found.closeDifference(body.id, { by: user, reason: body.reason })
      if (!difference)
        throw syncError('config', 'tieout.difference', `No difference ${body.id} is open`, {
          hint: 'A full reading that ties, or somebody else, has closed it.',
        })
      await raiseDifferences(found, difference.sync, difference.entity)
      return { closed: 1 }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/pushed/allow',
    RED.auth.needsPermission('tieout.decide'),
    handle(z.object({ ledger: text, sync: z.string().min(1).max(300), reason }), async (body, { user }) => {
      const found = await ledgerNeeded(RED, body.ledger)
      const allowed = await found.allowPushed(body.sync, { by: user, reason: body.reason })
      if (allowed === 0)
        throw syncError('config', 'tieout.pushed', `Nothing is pushed under the source name of ${body.sync}`, {
          hint: 'The sync has written it meanwhile.',
        })
      await raisePushed(found, body.sync)
      return { allowed }
    }),
  )

  RED.httpAdmin.get(
    '/tieout/decisions',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      return (await found?.decisions({ ...(query.sync && { sync: query.sync }), limit: query.limit })) ?? []
    }),
  )
}

/** How much waits for a person. */
async function waiting(
  ledger: Ledger,
): Promise<{ held: number; inDoubt: number; results: number; postings: number; alerts: number }> {
  const [held, doubtful, results, postings, alerts] = await Promise.all([
    ledger.countHeld({}),
    ledger.doubtful(),
    ledger.countResults(),
    ledger.countToDecide(),
    ledger.alerts({ open: true }),
  ])
  return { held, inDoubt: doubtful.length, results, postings, alerts: alerts.length }
}
