/** Guarded admin routes that find a document by its number: its way to each target, what is held of it, and its row there now. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Decision, FoundDelivery, HeldHead, Ledger } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../../sync/contract/message.ts'
import type { PostTarget } from '../../sync/contract/posting.ts'
import { withRetry } from '../../sync/contract/retry.ts'
import type { StandingContext, StandingRecord, Target } from '../../sync/contract/target.ts'
import { keptSchema } from '../../sync/run/schema-note.ts'
import { handle, type LedgerHandle, type Member, masked } from '../kit/kit.ts'
import { handleAsked, text } from './asked.ts'
import { keysPrinted } from './printed-number.ts'

const name = z.string().min(1).max(300)
const place = z.string().min(1).max(2000)
/** What is still to be looked for, and where the first of it goes on. */
const cursor = z.strictObject({ numbers: z.array(z.string()).min(1), after: z.string().optional() })
type Cursor = z.infer<typeof cursor>
/** A cursor as an answer gave it. */
const page = z
  .string()
  .max(20_000)
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue('no page of this look-up')
      return z.NEVER
    }
  })
  .pipe(cursor)
/** Rows of a list that are shown of a document. */
const MOST_LINES = 200
/** Decisions that are shown of one page of documents. */
const MOST_DECISIONS = 500

export function defineSearchRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/search',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger: text, number: name, entity: text, after: page.optional() }), async (query) => {
      const handle = handleAsked(RED, query.ledger)
      const ledger = (await handle?.engine.get())?.ledger
      return handle && ledger ? found(ledger, handle.members.values(), query) : { found: [], held: [] }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/search/row',
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.strictObject({ ledger: text, entity: name, address: place, key: place }),
      async (body, { user, signal }) => {
        const handle = handleAsked(RED, body.ledger)
        const asking = await askingOf(handle, body)
        RED.log.info(
          `[tieout] ${JSON.stringify(user)} looks at ${JSON.stringify(`${body.entity} ${body.key}`)} as it stands at ${body.address}`,
        )
        return row(asking, signal)
      },
    ),
  )
}

interface Asked {
  readonly number: string
  readonly entity?: string | undefined
  readonly after?: Cursor | undefined
}

async function begin(ledger: Ledger, members: Iterable<Member>, { number, entity }: Asked): Promise<Cursor> {
  const text = number.trim()
  return { numbers: [text, ...(await keysPrinted(ledger, members, text, entity))] }
}

/** One page of the look-up, with what people decided about what it found. */
async function found(ledger: Ledger, members: Iterable<Member>, asked: Asked) {
  const { entity } = asked
  const at = asked.after ?? (await begin(ledger, members, asked))
  const [number = '', ...others] = at.numbers
  const page = await ledger.findDeliveries({
    number,
    ...(entity !== undefined && { entity }),
    ...(at.after !== undefined && { after: at.after }),
  })
  const next =
    page.next !== undefined
      ? { numbers: at.numbers, after: page.next }
      : others.length > 0
        ? { numbers: others }
        : undefined
  const states = ['open', 'replaying', 'discarded'] as const
  const held = page.held.length > 0 ? await ledger.heldHeads({ ids: page.held, states }) : []
  const keys = [...new Set([...page.found, ...held].map(({ key }) => key))]
  const decisions = keys.length > 0 ? await ledger.decisions({ about: keys, limit: MOST_DECISIONS }) : []
  const about = (one: FoundDelivery | HeldHead): readonly Decision[] =>
    decisions.filter(({ about: key, entity: of }) => key === one.key && (one.entity === undefined || of === one.entity))
  return {
    found: page.found.map((one) => ({ ...one, decisions: about(one) })),
    held: held.map(({ heldBy, ...one }) => ({ ...one, sink: heldBy, decisions: about({ heldBy, ...one }) })),
    ...(next && { next: JSON.stringify(next) }),
  }
}

interface Place {
  readonly entity: string
  readonly address: string
  readonly key: string
}

interface Asking {
  readonly target: Target | PostTarget
  /** Columns of what was written. */
  readonly schema?: Schema
  readonly note: StandingContext['note']
  ask(context: StandingContext): Promise<StandingRecord | undefined>
}

/** The deployed sink that writes there, and the shape of what it writes, by which sensitive columns are known. */
async function askingOf(handle: LedgerHandle | undefined, { entity, address, key }: Place): Promise<Asking> {
  const sinks = [...(handle?.members.values() ?? [])].filter(
    ({ kind, accepts }) => kind === 'sink' && (accepts?.(entity) ?? true),
  )
  const targets = await Promise.allSettled(sinks.map((sink) => sink.target?.(entity)))
  const target = targets
    .map((one) => (one.status === 'fulfilled' ? one.value : undefined))
    .find((one) => one?.address === address)
  const failed = targets.find(({ status }) => status === 'rejected')
  if (!target && failed?.status === 'rejected') throw failed.reason
  const ledger = (await handle?.engine.get())?.ledger
  if (!target || !ledger)
    throw syncError('config', 'tieout.row', `No sink that is deployed writes ${entity} to ${address}`, {
      hint: 'Deploy the flow that writes there, or look in the target itself.',
    })
  const note = { read: () => ledger.note(address), save: (text: string) => ledger.saveNote(address, text) }
  if (target.mode === 'post' && target.standing) {
    const { standing } = target
    return { target, note, ask: (context) => standing(key, MOST_LINES, context) }
  }
  if (target.mode === 'post' || !target.standing)
    throw syncError('config', 'tieout.row', `${address} cannot be asked for one row`, {
      hint: 'Look in the target itself, under the key and the number of the request.',
    })
  const schema = await keptSchema(ledger, address)
  if (!schema)
    throw syncError('config', 'tieout.row', `Which columns of ${entity} are sensitive is not known yet at ${address}`, {
      hint: 'It is known once a run of this version brings a record there.',
    })
  const { standing } = target
  return { target, schema, note, ask: (context) => standing(key, schema, MOST_LINES, context) }
}

/** The row as it may be shown: without the values of sensitive columns. */
async function row({ target, schema, note, ask }: Asking, signal: AbortSignal) {
  const context = { signal, waiting: () => undefined, note }
  const retry = { ...context, idempotent: true, renew: target.renew && (async () => target.renew?.()) }
  const found = await withRetry(() => ask(context), retry, target.retry).catch((error: unknown) => {
    if (!signal.aborted) throw error
    throw syncError('transient', 'tieout.row', `${target.address} has not answered within a minute`, {
      hint: 'A warehouse that sleeps is waking by now: ask again.',
    })
  })
  if (!found) return { there: false }
  const { schema: own = schema, ...standing } = found
  if (!own) return { there: true, ...standing, record: {} }
  const [record] = masked({ schema: own, records: [standing.record as DataRecord] }).records
  return { there: true, ...standing, record }
}
