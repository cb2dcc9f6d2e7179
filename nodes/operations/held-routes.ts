/** Admin routes over held records: the list, and what a person may do with them. */
import type { Node, NodeAPI } from 'node-red'
import { z } from 'zod'
import type { HeldHead, HeldRecord, Ledger } from '../../ledger/ledger.ts'
import { type SyncError, syncError } from '../../sync/contract/errors.ts'
import { type DataRecord, isDeletion } from '../../sync/contract/message.ts'
import { changesOf, corrected } from '../../sync/run/edit-held.ts'
import { amountOf, reasonOf, reasonsOf } from '../../sync/run/held-reasons.ts'
import { toldAmount } from '../../sync/run/told-before.ts'
import { handle, masked, reason } from '../kit/kit.ts'
import { engineNeeded, ledgerAsked, ledgerNeeded, limit, text } from './asked.ts'
import { replaying } from './replay.ts'

/** Held records that are looked at, or answered, at once. */
const MOST = 10_000
const STATES = ['open', 'replaying', 'delivered', 'superseded', 'discarded'] as const
/** What is said of deletions among them: they were made in the target by hand, or their records stay there. */
const deletions = z.enum(['taken-back', 'stays']).optional()
const ids = z.array(z.string().min(1).max(300)).min(1).max(MOST)
const lineChange = z.object({ at: z.number().int().min(0), changes: z.record(z.string().min(1), z.json()) })

export function defineHeldRoutes(RED: NodeAPI): void {
  defineHeldList(RED)
  defineHeldDecisions(RED)
}

const asked = z.object({
  ledger: text,
  sync: text,
  sink: text,
  entity: text,
  id: text,
  /** One reason, as `reasons` names it. */
  reason: z.string().min(1).max(2000).optional(),
  /** What the key or the words of the cause hold. */
  find: text,
  /** `listed`: what is open, and what a person left out and nothing has replaced since. */
  state: z.enum([...STATES, 'listed']).default('open'),
  brief: z.stringbool().optional(),
  /** Answers `{items, reasons}`: what is open, by the reason that it is held for, beside the records. */
  reasons: z.stringbool().optional(),
  limit,
})

function defineHeldList(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/held',
    RED.auth.needsPermission('tieout.read'),
    handle(asked, async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      const records = found ? await listed(found, query) : []
      const items = records.map(query.brief ? brief : shown)
      if (!query.reasons) return items
      return { items, reasons: found ? reasonsOf(await found.heldHeads({ states: ['open'], limit: MOST })) : [] }
    }),
  )

  RED.httpAdmin.get(
    '/tieout/held/reason',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, reason: z.string().min(1).max(2000) }), async (query) => {
      const found = await ledgerAsked(RED, query.ledger)
      const heads = (await found?.heldHeads({ states: ['open'], limit: MOST })) ?? []
      const some = heads.filter((head) => reasonOf(head) === query.reason)
      const [reason] = reasonsOf(some)
      if (!reason)
        throw syncError('config', 'tieout.held', 'Nothing is held for this reason any more', {
          hint: 'Look at the list again.',
        })
      return { ...reason, ids: some.map(({ id }) => id) }
    }),
  )
}

/** The records that a query asks for. */
async function listed(found: Ledger, query: z.output<typeof asked>): Promise<readonly HeldRecord[]> {
  const { sync, sink, entity, id, reason, find } = query
  const filter = {
    ...(sync && { sync }),
    ...(sink && { heldBy: sink }),
    ...(entity && { entity }),
    ...(id && { ids: [id] }),
    states: query.state === 'listed' ? (['open', 'discarded'] as const) : [query.state],
  }
  if (reason === undefined && find === undefined) return found.held({ ...filter, limit: query.limit })
  const heads = await found.heldHeads({ ...filter, limit: MOST })
  const has = ({ key, cause }: HeldHead) => `${key}\n${cause.message}`.toLowerCase().includes(find?.toLowerCase() ?? '')
  const some = heads.filter((head) => has(head) && (reason === undefined || reasonOf(head) === reason))
  return found.held({ ...filter, ids: some.slice(0, query.limit).map((head) => head.id), limit: query.limit })
}

function defineHeldDecisions(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/tieout/held/discard',
    RED.auth.needsPermission('tieout.decide'),
    handle(z.object({ ledger: text, ids, reason, deletions }), async (body, { user }) => {
      const { ledger, posting } = await engineNeeded(RED, body.ledger)
      const discarded = await ledger.discardHeld(body.ids, { by: user, reason: body.reason }, body.deletions)
      await posting.leftOut(body.ids)
      return { discarded }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/held/edit',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.object({
        ledger: text,
        id: z.string().min(1).max(300),
        changes: z.record(z.string().min(1), z.json()).default({}),
        /** By list: columns of some of its lines, by their position from 0. */
        lines: z.record(z.string().min(1), z.array(lineChange).max(10_000)).default({}),
        reason,
      }),
      async (body, { user }) => {
        const found = await ledgerNeeded(RED, body.ledger)
        const [record] = await found.held({ ids: [body.id], states: ['open'] })
        if (!record)
          throw syncError('config', 'tieout.held', `No open held record ${body.id}`, {
            hint: 'It was replayed, replaced by a later read, or discarded.',
          })
        const edited = corrected(record.schema, record.edited?.record ?? record.record, body)
        const who = { by: user, reason: body.reason }
        await found.editHeld(body.id, edited, who, toldAmount(record.schema, edited))
        return { edited: 1 }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/held/replay',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ledger: text, ids, node: text, reason }), async (body, { user }) => {
      const orders = await replayNodes(RED, body)
      if (orders.some(({ node }) => replaying.has(node.id)))
        throw syncError('config', 'tieout.replay', 'A replay is still running', { hint: 'Wait until it has ended.' })
      for (const { node, ids } of orders) node.receive({ tieout: { ids, by: user, reason: body.reason } } as never)
      return { started: true }
    }),
  )
}

interface ReplayOrder {
  readonly node: Node
  readonly ids: readonly string[]
}

/**
 * Which replay node sends which of the records again: the one that is named, else that of each record's sync, else the one that is
 * of all syncs.
 */
async function replayNodes(
  RED: NodeAPI,
  { ledger, ids, node: named }: { ledger?: string | undefined; ids: string[]; node?: string | undefined },
): Promise<ReplayOrder[]> {
  const all: { id: string; sync: string; ledger: string | undefined; node: Node }[] = []
  RED.nodes.eachNode((config) => {
    const node = RED.nodes.getNode(config.id)
    const { syncName: sync = '', ledger: own } = config as { syncName?: string; ledger?: string }
    if (config.type !== 'replay' || !node || (named && config.id !== named) || (ledger && own !== ledger)) return
    all.push({ id: config.id, sync, ledger: own, node })
  })
  const [only] = all
  if (!only) throw noReplay('No replay node is deployed')
  if (all.length === 1 && (named || only.sync === '')) return [{ node: only.node, ids }]
  const place = ledger ?? (all.length === 1 ? only.ledger : undefined)
  const records = await (await ledgerNeeded(RED, place)).heldHeads({ ids, states: ['open'], limit: MOST })
  const bySync = Map.groupBy(records, ({ sync }) => sync)
  if (bySync.size === 0) throw syncError('config', 'tieout.replay', 'None of these records is held any more')
  return [...bySync].map(([sync, some]) => {
    const own = all.filter((one) => one.sync === sync)
    const [found, ...more] = own.length > 0 ? own : all.filter((one) => one.sync === '')
    if (!found) throw noReplay(`No replay node is deployed for ${sync}`)
    if (more.length > 0)
      throw noReplay(`There are several replay nodes: name one (${[found, ...more].map(({ id }) => id).join(', ')})`)
    return { node: found.node, ids: some.map(({ id }) => id) }
  })
}

const noReplay = (message: string): SyncError =>
  syncError('config', 'tieout.replay', message, {
    hint: 'The flow needs a replay node for its sync or for all, wired to the mapping and to the sinks.',
  })

/** A held record as it may be shown: without the values of sensitive columns. */
function shown(held: HeldRecord): unknown {
  const hide = (record: DataRecord): DataRecord | undefined =>
    masked({ schema: held.schema, records: [record] }).records[0]
  const { record, edited, heldBy, ...rest } = held
  return {
    ...rest,
    sink: heldBy,
    amount: amountOf([held]),
    record: hide(record),
    ...(edited && {
      edited: { ...edited, record: hide(edited.record), changed: changesOf(held.schema, record, edited.record) },
    }),
  }
}

/** For a list: without what the record holds, however long it is. */
function brief({ record, schema: _, edited, heldBy, ...rest }: HeldRecord): unknown {
  return {
    ...rest,
    sink: heldBy,
    amount: amountOf([rest]),
    ...(isDeletion(record) && { deletion: true }),
    ...(edited && { edited: { by: edited.by, at: edited.at, reason: edited.reason } }),
  }
}
