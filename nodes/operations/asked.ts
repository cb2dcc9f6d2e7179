/** What all admin routes over the ledgers ask for: which ledger, which of its rows, how many. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Engine } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { type LedgerHandle, ledgersOf } from '../kit/kit.ts'

export const text = z.string().min(1).max(300).optional()
export const limit = z.coerce.number().int().min(1).max(1000).default(100)

/** The ledger asked for, or the only one. */
export function handleAsked(RED: NodeAPI, id: string | undefined): LedgerHandle | undefined {
  const all = ledgersOf(RED, 'sync-ledger')
  const handle = id ? all.get(id) : [...all.values()][0]
  if (id && !handle) throw syncError('config', 'tieout.ledger', `There is no sync-ledger ${id}`)
  if (!id && all.size > 1)
    throw syncError('config', 'tieout.ledger', 'There are several ledgers', {
      hint: `Name one: ?ledger=${[...all.keys()].join(' or ')}`,
    })
  return handle
}

/** The ledger asked for; undefined where none is deployed. */
export const ledgerAsked = async (RED: NodeAPI, id: string | undefined): Promise<Ledger | undefined> =>
  (await handleAsked(RED, id)?.engine.get())?.ledger

/** The engine in whose ledger something is to be decided. */
export async function engineNeeded(RED: NodeAPI, id: string | undefined): Promise<Engine> {
  const found = await handleAsked(RED, id)?.engine.get()
  if (!found) throw syncError('config', 'tieout.ledger', 'No sync-ledger is deployed')
  return found
}

/** The ledger that something is to be decided in. */
export const ledgerNeeded = async (RED: NodeAPI, id: string | undefined): Promise<Ledger> =>
  (await engineNeeded(RED, id)).ledger
