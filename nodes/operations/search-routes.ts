/** Guarded admin routes that find a document by its number: its way to each target, what is held of it, and its row there now. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Decision, FoundDelivery, HeldHead, Ledger } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import { withRetry } from '../../sync/contract/retry.ts'
import type { StandingContext, Target } from '../../sync/contract/target.ts'
import { keptSchema } from '../../sync/run/schema-note.ts'
import { handle, type LedgerHandle, masked } from '../kit/kit.ts'
import { handleAsked, ledgerAsked, text } from './asked.ts'

const name = z.string().min(1).max(300)
const place = z.string().min(1).max(2000)
/** Rows of a list that are shown of a document. */
const MOST_LINES = 200
/** Decisions that are shown of one page of documents. */
const MOST_DECISIONS = 500

export function defineSearchRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/search',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, number: name, entity: text, after: place.optional() }), async (query) => {
      const ledger = await ledgerAsked(RED, query.ledger)
      return ledger ? found(ledger, query) : { found: [], held: [] }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/search/row',
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.strictObject({ ledger: text, entity: name, address: place, key: place }),
      async (body, { user, signal }) => {
        const handle = handleAsked(RED, body.ledger)
        const asked = await placeOf(handle, body)
        RED.log.info(
          `[tieout] ${JSON.stringify(user)} looks at ${JSON.stringify(`${body.entity} ${body.key}`)} as it stands at ${body.address}`,
        )
        return row(asked, body.key, signal)
      },
    ),
  )
}

interface Asked {
  readonly number: string
  readonly entity?: string | undefined
  readonly after?: string | undefined
}

/** One page of the look-up, with what people decided about what it found. */
async function found(ledger: Ledger, { number, entity, after }: Asked) {
  const page = await ledger.findDeliveries({
    number: number.trim(),
    ...(entity !== undefined && { entity }),
    ...(after !== undefined && { after }),
  })
  const states = ['open', 'replaying', 'discarded'] as const
  const held = page.held.length > 0 ? await ledger.heldHeads({ ids: page.held, states }) : []
  const keys = [...new Set([...page.found, ...held].map(({ key }) => key))]
  const decisions = keys.length > 0 ? await ledger.decisions({ about: keys, limit: MOST_DECISIONS }) : []
  const about = (one: FoundDelivery | HeldHead): readonly Decision[] =>
    decisions.filter(({ about: key, entity: of }) => key === one.key && (one.entity === undefined || of === one.entity))
  return {
    found: page.found.map((one) => ({ ...one, decisions: about(one) })),
    held: held.map(({ heldBy, ...one }) => ({ ...one, sink: heldBy, decisions: about({ heldBy, ...one }) })),
    ...(page.next !== undefined && { next: page.next }),
  }
}

interface Place {
  readonly entity: string
  readonly address: string
}

interface Asking extends Pick<StandingContext, 'note'> {
  readonly target: Target
  readonly schema: Schema
}

/** The deployed sink that writes there, and the shape of what it writes, by which sensitive columns are known. */
async function placeOf(handle: LedgerHandle | undefined, { entity, address }: Place): Promise<Asking> {
  const sinks = [...(handle?.members.values() ?? [])].filter(
    ({ kind, accepts }) => kind === 'sink' && (accepts?.(entity) ?? true),
  )
  const targets = await Promise.allSettled(sinks.map((sink) => sink.target?.(entity)))
  const target = targets
    .map((one) => (one.status === 'fulfilled' ? one.value : undefined))
    .find((one) => one?.address === address)
  const failed = targets.find(({ status }) => status === 'rejected')
  if (!target && failed?.status === 'rejected') throw failed.reason
  if (!target)
    throw syncError('config', 'tieout.row', `No sink that is deployed writes ${entity} to ${address}`, {
      hint: 'Deploy the flow that writes there, or look in the target itself.',
    })
  if (target.mode === 'post' || !target.standing)
    throw syncError('config', 'tieout.row', `${address} cannot be asked for one row`, {
      hint: 'Look in the target itself, under the key and the number of the request.',
    })
  const ledger = (await handle?.engine.get())?.ledger
  const schema = ledger && (await keptSchema(ledger, address))
  if (!schema)
    throw syncError('config', 'tieout.row', `Which columns of ${entity} are sensitive is not known yet at ${address}`, {
      hint: 'It is known once a run of this version brings a record there.',
    })
  return { target, schema, note: { read: () => ledger.note(address) } }
}

/** The row as it may be shown: without the values of sensitive columns. */
async function row({ target, schema, note }: Asking, key: string, signal: AbortSignal) {
  const context = { signal, waiting: () => undefined, note }
  const ask = async () => target.standing?.(key, schema, MOST_LINES, context)
  const retry = { ...context, idempotent: true, renew: target.renew && (async () => target.renew?.()) }
  const standing = await withRetry(ask, retry, target.retry).catch((error: unknown) => {
    if (!signal.aborted) throw error
    throw syncError('transient', 'tieout.row', `${target.address} has not answered within a minute`, {
      hint: 'A warehouse that sleeps is waking by now: ask again.',
    })
  })
  if (!standing) return { there: false }
  const [record] = masked({ schema, records: [standing.record as DataRecord] }).records
  return { there: true, ...standing, record }
}
