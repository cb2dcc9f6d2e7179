/** Bodies on their way: cut by count and bytes, one POST at a time for a place, no code twice within two seconds. */
import { createHash } from 'node:crypto'
import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { WriteContext } from '../../../../sync/contract/target.ts'
import { type Clock, systemClock, waitSaying } from '../../../../sync/contract/wait.ts'
import { createQueue, type Queue } from '../../../../sync/values/queue.ts'
import { MEGABYTE } from '../../../../vendor/limits.ts'
import type { BaswareConnection } from '../connection.ts'
import type { RecordFault } from '../errors.ts'
import { type Place, resourceOf } from './resources.ts'
import type { Body } from './schema.ts'

/** Of a POST with its brackets: Basware takes 6 MB. */
export const MOST_BYTES = 6_000_000
/** Two versions within a second overtake each other. */
const APART_MS = 2_000
/** The reply has what was sent. */
const REPLY_BYTES = 20 * MEGABYTE

/** A body, and of which record it is. */
export interface Outgoing {
  readonly key: string
  readonly place: Place
  readonly body: Body
  readonly text: string
  /** It was taken under this request by a run that did not note it, and is not sent again. */
  readonly request?: string
}

export const outgoing = (key: string, place: Place, body: Body): Outgoing => ({
  key,
  place,
  body,
  text: JSON.stringify(body),
})

export const bytesOf = ({ text }: Pick<Outgoing, 'text'>): number => Buffer.byteLength(text) + 1

/** What all nodes of a connection share. */
export interface Mail {
  readonly queues: Map<Place, Queue>
  /** When each code was sent last. */
  readonly sentAt: Map<string, number>
}
export const createMail = (): Mail => ({ queues: new Map(), sentAt: new Map() })

/** What was taken in this run: what is written once more for another's sake is not sent again. */
export type Taken = Map<string, { readonly digest: string; readonly request: string }>

export interface PostLimits {
  /** Records of one POST, where fewer than the contract allows. */
  readonly most: Readonly<Partial<Record<'vendors' | 'lines' | 'other', number>>>
  readonly bytes: number
}

export interface Sender {
  readonly connection: BaswareConnection
  readonly mail: Mail
  readonly limits: PostLimits
  readonly clock?: Clock
}

const mostOf = (place: Place, { most }: PostLimits): number => {
  const kind = place === 'vendors' ? 'vendors' : place === 'matchingOrderLines' ? 'lines' : 'other'
  return Math.min(resourceOf(place).most, most[kind] ?? Number.POSITIVE_INFINITY)
}

/** As few POSTs as count and bytes allow, in the order given. */
export function chunksOf(place: Place, all: readonly Outgoing[], limits: PostLimits): Outgoing[][] {
  const most = mostOf(place, limits)
  const chunks: Outgoing[][] = []
  let bytes = 0
  for (const one of all) {
    const size = bytesOf(one)
    const last = chunks.at(-1)
    if (last === undefined || last.length >= most || bytes + size > limits.bytes) {
      chunks.push([one])
      bytes = size + 1
    } else {
      last.push(one)
      bytes += size
    }
  }
  return chunks
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
const nameOf = ({ place, body }: Pick<Outgoing, 'place' | 'body'>): string => `${place}|${body.externalCode}`

/** A POST that was refused for its data, with the records that Basware named. */
export interface RefusedPost {
  readonly error: SyncError
  readonly faults: readonly (RecordFault & { readonly key: string })[]
}

/**
 * Sends what goes to one place, and tells of each request as soon as it is taken. Undefined: all of it is. What was taken before
 * in this run is told again and not sent.
 */
export async function postAll(
  sender: Sender,
  place: Place,
  all: readonly Outgoing[],
  taken: Taken,
  context: WriteContext,
): Promise<RefusedPost | undefined> {
  const left: Outgoing[] = []
  const known = new Map<string, Outgoing[]>()
  for (const one of all) {
    const before = taken.get(nameOf(one))
    const request = one.request ?? (before?.digest === digestOf(one.text) ? before.request : undefined)
    if (request === undefined) left.push(one)
    else known.set(request, [...(known.get(request) ?? []), one])
  }
  for (const [request, some] of known) tell(context, request, some)
  for (const chunk of chunksOf(place, left, sender.limits)) {
    const refused = await postChunk(sender, place, chunk, taken, context)
    if (refused) return refused
  }
  return undefined
}

function tell({ accepted }: WriteContext, request: string, some: readonly Outgoing[]): void {
  const records = new Map<string, string[]>()
  for (const { key, body } of some) {
    const items = records.get(key) ?? []
    items.push(body.externalCode)
    records.set(key, items)
  }
  accepted?.({ request, records: [...records].map(([key, items]) => ({ key, items })) })
}

async function postChunk(
  sender: Sender,
  place: Place,
  chunk: readonly Outgoing[],
  taken: Taken,
  context: WriteContext,
): Promise<RefusedPost | undefined> {
  const { connection, mail } = sender
  const { path, scope, group, one } = resourceOf(place)
  const queue = mail.queues.get(place) ?? createQueue()
  mail.queues.set(place, queue)
  return queue.run(async () => {
    await keepApart(sender, chunk, context)
    const what =
      chunk.length === 1 ? `The ${one} ${chunk[0]?.body.externalCode}` : `${chunk.length} records for ${place}`
    const body = `[${chunk.map(({ text }) => text).join(',')}]`
    const ask = { what, scope: `${scope}.write`, group, signal: context.signal, maxBytes: REPLY_BYTES }
    context.waiting(`sending ${chunk.length} to ${place}`)
    const posted = await connection.post(path, body, ask)
    if (posted.refusal) return refusedPost(posted.refusal, posted.status, posted.faults, chunk)
    for (const sent of chunk) taken.set(nameOf(sent), { digest: digestOf(sent.text), request: posted.requestId })
    context.traced?.('request', posted.requestId)
    tell(context, posted.requestId, chunk)
    return undefined
  }, context.signal)
}

/** Waits until the last POST with one of these codes is long enough ago, and notes the moment. */
async function keepApart(
  { mail: { sentAt }, clock = systemClock }: Sender,
  chunk: readonly Outgoing[],
  context: WriteContext,
) {
  const names = chunk.map(nameOf)
  const last = Math.max(...names.map((name) => sentAt.get(name) ?? Number.NEGATIVE_INFINITY))
  const left = last + APART_MS - clock.now()
  if (left > 0) await waitSaying(left, 'a version was sent just now', context, clock)
  const now = clock.now()
  // In the order of sending: what is old stands at the beginning.
  for (const [name, at] of sentAt) {
    if (at > now - APART_MS) break
    sentAt.delete(name)
  }
  for (const name of names) {
    sentAt.delete(name)
    sentAt.set(name, now)
  }
}

/** What is wrong with the data; everything else is thrown. */
function refusedPost(
  refusal: SyncError,
  status: number,
  faults: readonly RecordFault[],
  chunk: readonly Outgoing[],
): RefusedPost {
  if (status !== 400 && status !== 409 && status !== 413) throw refusal
  const keys = new Map(chunk.map(({ body, key }) => [body.externalCode, key]))
  const named = faults.flatMap((fault) => {
    const key = keys.get(fault.externalCode)
    return key === undefined ? [] : [{ ...fault, key }]
  })
  const { class: _class, code: _code, ...details } = refusal.cause
  return {
    faults: named,
    error: syncError('data', 'basware.refused', refusal.message, {
      ...details,
      hint: 'Correct it in the ERP, or the tables of the node, and have it read again.',
    }),
  }
}
