/** Admin routes over held records: the list, and what a person may do with them. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { HeldRecord } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { type DataRecord, isDeletion } from '../../sync/contract/message.ts'
import { toldAmount } from '../../sync/run/told-before.ts'
import { handle, masked, reason } from '../kit/kit.ts'
import { engineNeeded, ledgerAsked, ledgerNeeded, limit, text } from './asked.ts'

const STATES = ['open', 'replaying', 'delivered', 'superseded', 'discarded'] as const
/** What is said of deletions among them: they were made in the target by hand, or their records stay there. */
const deletions = z.enum(['taken-back', 'stays']).optional()
const ids = z.array(z.string().min(1).max(300)).min(1).max(1000)

export function defineHeldRoutes(RED: NodeAPI): void {
  defineHeldList(RED)
  defineHeldDecisions(RED)
}

function defineHeldList(RED: NodeAPI): void {
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
        const found = await ledgerAsked(RED, query.ledger)
        const { sync, sink, entity, id } = query
        const filter = {
          ...(sync && { sync }),
          ...(sink && { heldBy: sink }),
          ...(entity && { entity }),
          ...(id && { ids: [id] }),
          states: query.state === 'listed' ? (['open', 'discarded'] as const) : [query.state],
          limit: query.limit,
        }
        return ((await found?.held(filter)) ?? []).map(query.brief ? brief : shown)
      },
    ),
  )
}

function defineHeldDecisions(RED: NodeAPI): void {
  RED.httpAdmin.post(
    '/tieout/held/discard',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ledger: text, ids, reason, deletions }), async (body, { user }) => {
      const { ledger, posting } = await engineNeeded(RED, body.ledger)
      const discarded = await ledger.discardHeld(body.ids, { by: user, reason: body.reason }, body.deletions)
      await posting.leftOut(body.ids)
      return { discarded }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/held/edit',
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.object({
        ledger: text,
        id: z.string().min(1).max(300),
        changes: z.record(z.string().min(1), z.json()),
        reason,
      }),
      async (body, { user }) => {
        const found = await ledgerNeeded(RED, body.ledger)
        const [record] = await found.held({ ids: [body.id], states: ['open'] })
        if (!record)
          throw syncError('config', 'tieout.held', `No open held record ${body.id}`, {
            hint: 'It was replayed, replaced by a later read, or discarded.',
          })
        const edited = changed(record, body.changes)
        const who = { by: user, reason: body.reason }
        await found.editHeld(body.id, edited, who, toldAmount(record.schema, edited))
        return { edited: 1 }
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/held/replay',
    RED.auth.needsPermission('tieout.write'),
    handle(z.object({ ids, node: text, reason }), async (body, { user }) => {
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
      live[0]?.receive({ tieout: { ids: body.ids, by: user, reason: body.reason } } as never)
      return { started: true }
    }),
  )
}

/** A held record as it may be shown: without the values of sensitive columns. */
function shown(held: HeldRecord): unknown {
  const hide = (record: DataRecord): DataRecord | undefined =>
    masked({ schema: held.schema, records: [record] }).records[0]
  const { record, edited, heldBy, ...rest } = held
  return {
    ...rest,
    sink: heldBy,
    record: hide(record),
    ...(edited && { edited: { ...edited, record: hide(edited.record) } }),
  }
}

/** For a list: without what the record holds, however long it is. */
function brief({ record, schema: _, edited, heldBy, ...rest }: HeldRecord): unknown {
  return {
    ...rest,
    sink: heldBy,
    ...(isDeletion(record) && { deletion: true }),
    ...(edited && { edited: { by: edited.by, at: edited.at, reason: edited.reason } }),
  }
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
