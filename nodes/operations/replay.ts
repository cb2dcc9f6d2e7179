/** replay: sends held records again, as a run of its own beside the polls. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { HeldFilter } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import {
  counted,
  defineNode,
  field,
  finish,
  foreignBefore,
  type LedgerHandle,
  type Member,
  type Message,
  mappingsBefore,
  reachable,
  sinksFor,
  whoFields,
  whoOf,
} from '../kit/kit.ts'

const config = z.object({
  ledger: field.optional(),
  /** Which held records, where the message does not say: empty means all. */
  syncName: field.optional(),
  sink: field.optional(),
  entity: field.optional(),
  limit: field.number(1000, 1, 100_000),
  receiptMinutes: field.number(10, 0.05, 1440),
})

const ORDERS =
  'msg.tieout must be {stop: true} or {reason, by, sync, sink, entity, ids, limit}, all but the reason optional'

/** `msg.tieout`: which held records; overrides the dialog. */
const order = z.union([
  z.strictObject({ stop: z.literal(true) }),
  z.strictObject({
    sync: z.string().min(1).optional(),
    sink: z.string().min(1).optional(),
    entity: z.string().min(1).optional(),
    ids: z.array(z.string().min(1)).min(1).max(10_000).optional(),
    limit: z.number().int().min(1).max(100_000).optional(),
    ...whoFields,
  }),
])

/** Ids of the nodes that replay now. */
export const replaying = new Set<string>()

/** Outputs: held before mapping, held at a sink, the summary. */
const OUTPUT = { map: 0, sink: 1, summary: 2 } as const

export default function (RED: NodeAPI): void {
  const going = new WeakMap<object, AbortController>()
  defineNode(RED, {
    type: 'replay',
    version: 1,
    config,
    member: (context) => ({ kind: 'other', ref: { id: context.id, name: context.name } }),
    async input(message, context) {
      const parsed = order.safeParse(message.tieout ?? {})
      if (!parsed.success)
        throw syncError('config', 'tieout.order', ORDERS, {
          field: 'msg.tieout',
        })
      const running = going.get(context)
      if ('stop' in parsed.data) {
        running?.abort()
        context.status.waiting(running ? 'stopping' : 'nothing to stop')
        return
      }
      const who = whoOf(parsed.data, 'A replay', context)
      if (running) {
        context.log.warn('A replay is still running: this start is ignored')
        context.status.waiting('still running')
        return
      }
      const stop = new AbortController()
      going.set(context, stop)
      replaying.add(context.id)
      try {
        const ledger = context.ledger()
        const engine = await ledger.engine.get()
        const filter = filterOf(context.config, parsed.data)
        const waiting = await engine.ledger.countHeld(filter)
        if (waiting === 0) {
          context.status.idle('nothing is held')
          return
        }
        context.status.working(counted(waiting, 'record'))
        const outputs = { place: context.place, ports: [OUTPUT.map, OUTPUT.sink] }
        const members = reachable(RED, ledger, outputs)
        const summary = await engine.replay({
          name: context.name,
          ref: { id: context.id, name: context.name },
          filter,
          who,
          sinks: (entity) => sinksFor(members, entity),
          receiptSeconds: context.config.receiptMinutes * 60,
          mayChange: (sync) => mayChange(ledger, sync),
          foreign: (sink) => foreignBefore(RED, ledger, outputs, sink),
          mappings: mappingsBefore(RED, ledger, outputs),
          send: (to, batch) => context.send(OUTPUT[to], batch as unknown as Message),
          readAgain: (sync, entity, keys, signal) => sourceOf(ledger, sync).readAgain(entity, keys, signal),
          progress: (progress) => context.status.progress(progress),
          signal: AbortSignal.any([context.signal, stop.signal]),
        })
        finish(summary, context, OUTPUT.summary)
      } finally {
        going.delete(context)
        replaying.delete(context.id)
      }
    },
  })
}

/** Does the polling node of a sync allow amounts to be changed in the flow? */
const mayChange = (ledger: LedgerHandle, sync: string): boolean =>
  [...ledger.members.values()].some((member) => member.syncName === sync && member.mayChange?.())

/** The polling node of a sync, among those of this ledger. */
function sourceOf(ledger: LedgerHandle, sync: string): Required<Pick<Member, 'readAgain'>> {
  for (const { syncName, readAgain } of ledger.members.values())
    if (syncName === sync && readAgain) return { readAgain }
  throw syncError('config', 'tieout.read-again', `No polling node of the sync "${sync}" is deployed with this ledger`, {
    hint: 'Its records were held while they were read and must be read again: deploy the polling node, then replay.',
  })
}

function filterOf(
  dialog: z.output<typeof config>,
  asked: {
    sync?: string | undefined
    sink?: string | undefined
    entity?: string | undefined
    ids?: string[] | undefined
    limit?: number | undefined
  },
): HeldFilter {
  // Who names records means these and no others, whatever the dialog chooses.
  const own: Partial<z.output<typeof config>> = asked.ids ? {} : dialog
  const sync = asked.sync ?? own.syncName
  const sink = asked.sink ?? own.sink
  const entity = asked.entity ?? own.entity
  return {
    ...(sync && { sync }),
    ...(sink && { heldBy: sink }),
    ...(entity && { entity }),
    ...(asked.ids && { ids: asked.ids }),
    limit: asked.limit ?? asked.ids?.length ?? dialog.limit,
  }
}
