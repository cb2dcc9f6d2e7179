/** Guarded admin routes over the ledgers: runs, alerts, held records and what a person may do with them. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { HeldRecord, Ledger } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import { settleDoubt, settledText } from '../../sync/delivering/answer-doubt.ts'
import { raiseNoTie } from '../../sync/run/no-tie.ts'
import { forDone, handle, type LedgerHandle, ledgersOf, masked } from '../kit/kit.ts'

const text = z.string().min(1).max(300).optional()
const limit = z.coerce.number().int().min(1).max(1000).default(100)
const STATES = ['open', 'replaying', 'delivered', 'superseded', 'discarded'] as const
/** Why a person decides so: required, and kept for years. */
export const reason = z.string().trim().min(3, 'a reason is needed').max(1000)
/** Keys shown of a batch. */
const MOST_KEYS = 100
const ids = z.array(z.string().min(1).max(300)).min(1).max(1000)

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

export function defineMonitorRoutes(RED: NodeAPI): void {
  const ledger = async (id: string | undefined): Promise<Ledger | undefined> =>
    (await handleAsked(RED, id)?.engine.get())?.ledger
  const needed = async (id: string | undefined): Promise<Ledger> => {
    const found = await ledger(id)
    if (!found) throw syncError('config', 'tieout.ledger', 'No sync-ledger is deployed')
    return found
  }

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
      const found = await ledger(query.ledger)
      return (await found?.runs({ ...(query.sync && { sync: query.sync }), limit: query.limit })) ?? []
    }),
  )

  RED.httpAdmin.get(
    '/tieout/alerts',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, open: z.stringbool().optional() }), async (query) => {
      const found = await ledger(query.ledger)
      return (await found?.alerts({ ...(query.sync && { sync: query.sync }), ...(query.open && { open: true }) })) ?? []
    }),
  )

  RED.httpAdmin.get(
    '/tieout/held',
    RED.auth.needsPermission('tieout.read'),
    handle(
      z.object({
        ledger: text,
        sync: text,
        sink: text,
        entity: text,
        id: text,
        /** `listed`: what is open, and what a person left out and nothing has replaced since. */
        state: z.enum([...STATES, 'listed']).default('open'),
        brief: z.stringbool().optional(),
        limit,
      }),
      async (query) => {
        const found = await ledger(query.ledger)
        const { sync, sink, entity, id } = query
        const filter = {
          ...(sync && { sync }),
          ...(sink && { sink }),
          ...(entity && { entity }),
          ...(id && { ids: [id] }),
          states: query.state === 'listed' ? (['open', 'discarded'] as const) : [query.state],
          limit: query.limit,
        }
        return ((await found?.held(filter)) ?? []).map(query.brief ? brief : shown)
      },
    ),
  )

  RED.httpAdmin.get(
    '/tieout/in-doubt',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async (query) => {
      const found = await ledger(query.ledger)
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
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.object({ ledger: text, id: z.string().min(1).max(300), as: z.enum(['delivered', 'absent']), reason }),
      async (body, { user }) => {
        const found = await needed(body.ledger)
        const intent = (await found.doubtful()).find(({ id }) => id === body.id)
        if (!intent)
          throw syncError('config', 'tieout.in-doubt', `No batch ${body.id} is in doubt`, {
            hint: 'It was settled before; ask for the list again.',
          })
        const settled = await settleDoubt(found, intent, body.as, { by: user, reason: body.reason })
        return { settled: settled.records, message: settledText(intent.entity, settled) }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/held/discard',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ledger: text, ids, reason }), async (body, { user }) => {
      const found = await needed(body.ledger)
      return { discarded: await found.discardHeld(body.ids, { by: user, reason: body.reason }) }
    }),
  )

  RED.httpAdmin.get(
    '/tieout/differences',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, open: z.stringbool().optional() }), async (query) => {
      const found = await ledger(query.ledger)
      const { sync, open } = query
      return (await found?.differences({ ...(sync && { sync }), ...(open !== undefined && { open }) })) ?? []
    }),
  )

  RED.httpAdmin.post(
    '/tieout/differences/close',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ledger: text, id: z.string().min(1).max(300), reason }), async (body, { user }) => {
      const found = await needed(body.ledger)
      const difference = await found.closeDifference(body.id, { by: user, reason: body.reason })
      if (!difference)
        throw syncError('config', 'tieout.difference', `No difference ${body.id} is open`, {
          hint: 'A full reading that ties, or somebody else, has closed it.',
        })
      await raiseNoTie(found, difference.sync, difference.entity)
      return { closed: 1 }
    }),
  )

  RED.httpAdmin.get(
    '/tieout/decisions',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, sync: text, limit }), async (query) => {
      const found = await ledger(query.ledger)
      return (await found?.decisions({ ...(query.sync && { sync: query.sync }), limit: query.limit })) ?? []
    }),
  )

  RED.httpAdmin.post(
    '/tieout/held/edit',
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.object({ ledger: text, id: z.string().min(1).max(300), changes: z.record(z.string().min(1), z.json()) }),
      async (body, { user }) => {
        const found = await needed(body.ledger)
        const [record] = await found.held({ ids: [body.id], states: ['open'] })
        if (!record)
          throw syncError('config', 'tieout.held', `No open held record ${body.id}`, {
            hint: 'It was replayed, replaced by a later read, or discarded.',
          })
        await found.editHeld(body.id, changed(record, body.changes), user)
        return { edited: 1 }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/held/replay',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ids, node: text }), async (body) => {
      const nodes: string[] = []
      RED.nodes.eachNode((node) => {
        if (node.type === 'replay' && (!body.node || node.id === body.node)) nodes.push(node.id)
      })
      const live = nodes.map((id) => RED.nodes.getNode(id)).filter((node) => node !== null)
      if (live.length !== 1)
        throw syncError(
          'config',
          'tieout.replay',
          live.length === 0
            ? 'No replay node is deployed'
            : `There are several replay nodes: name one (${nodes.join(', ')})`,
          {
            hint: 'The flow needs a replay node, wired to the mapping and to the sinks.',
          },
        )
      live[0]?.receive({ tieout: { ids: body.ids } })
      return { started: true }
    }),
  )
}

/** A held record as it may be shown: without the values of sensitive columns. */
function shown(held: HeldRecord): unknown {
  const hide = (record: DataRecord): DataRecord | undefined =>
    masked({ schema: held.schema, records: [record] }).records[0]
  const { record, edited, ...rest } = held
  return { ...rest, record: hide(record), ...(edited && { edited: { ...edited, record: hide(edited.record) } }) }
}

/** For a list: without what the record holds, however long it is. */
function brief({ record: _, schema: __, edited, ...rest }: HeldRecord): unknown {
  return { ...rest, ...(edited && { edited: { by: edited.by, at: edited.at } }) }
}

/** How much waits for a person. */
async function waiting(ledger: Ledger): Promise<{ held: number; inDoubt: number; alerts: number }> {
  const [held, doubtful, alerts] = await Promise.all([
    ledger.countHeld({}),
    ledger.doubtful(),
    ledger.alerts({ open: true }),
  ])
  return { held, inDoubt: doubtful.length, alerts: alerts.length }
}

/** The record with some of its columns changed. The key stays: another key would be another record. */
function changed({ record, edited, schema }: HeldRecord, changes: Readonly<Record<string, unknown>>): DataRecord {
  const columns = [...schema.columns.map((column) => column.name), ...Object.keys(schema.lists ?? {})]
  for (const name of Object.keys(changes)) {
    if (schema.key.includes(name))
      throw syncError('config', 'tieout.held', `${name} is part of the key and cannot be changed`, {
        field: name,
        hint: 'Correct the record in the ERP.',
      })
    if (!columns.includes(name))
      throw syncError('config', 'tieout.held', `The record has no column ${name}`, { field: name })
  }
  return { ...(edited?.record ?? record), ...changes } as DataRecord
}
