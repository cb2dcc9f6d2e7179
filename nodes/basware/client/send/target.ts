/** What basware-send writes to: one entity of a tenant, merged by external code. A record that is taken is accepted, and processed later. */
import { type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import { isDeletion, type Schema } from '../../../../sync/contract/message.ts'
import type { ResultRules } from '../../../../sync/contract/results.ts'
import type { RetryOptions } from '../../../../sync/contract/retry.ts'
import type {
  PrepareContext,
  Rejection,
  Target,
  WriteBatch,
  WriteContext,
  WriteRecord,
} from '../../../../sync/contract/target.ts'
import type { Clock } from '../../../../sync/contract/wait.ts'
import type { BaswareConnection } from '../connection.ts'
import type { Reading } from '../invoices.ts'
import { readAdopted } from './adopted.ts'
import { type AlignmentRow, alignmentOf } from './align.ts'
import { type LinesAsked, lineAlignment, linesSent } from './align-lines.ts'
import { type Books, createBooks } from './book.ts'
import { isMaster, MASTERS } from './masters.ts'
import { codeColumn, type Plan, type Planner, type Planning, planMaster, planOf, planOrder } from './plan.ts'
import { createMail, type Mail, type Outgoing, type PostLimits, postAll, type RefusedPost, type Taken } from './post.ts'
import { planRequisition } from './requisitions.ts'
import { type Place, resourceOf } from './resources.ts'
import { followResults } from './results.ts'
import type { Refusal, SendRules } from './rules.ts'
import { createSentBook, factsOf, type Keeper } from './sent.ts'
import { standingCopy } from './standing.ts'

export interface SendOptions {
  readonly rules: SendRules
  readonly limits: PostLimits
  /** Field of each place that is moved where nothing else changed. */
  readonly moves: (place: Place) => string
  readonly results?: Partial<ResultRules>
  readonly retry?: Partial<RetryOptions>
  readonly clock?: Clock
  /** Where it is kept what was sent; absent: nowhere, and nothing can be compared. */
  readonly keeper?: () => Promise<Keeper>
}

/** A target whose place at Basware can be compared with what was sent. */
export interface BaswareTarget extends Target {
  /** What the ERP and Basware's API layer do not have alike, of this entity. */
  alignment(signal: AbortSignal, lines: LinesAsked): Promise<readonly AlignmentRow[]>
}

/** What all nodes of a connection that send have alike: what stands at Basware, and what was sent when. */
export interface SendMemory {
  readonly books: Books
  readonly mail: Mail
}
export const createSendMemory = (): SendMemory => ({ books: createBooks(), mail: createMail() })

/** Entities that are sent. */
export const SENT = [...MASTERS, 'purchase_order'] as const

/** Places of each entity, in the order in which they are sent. */
export function placesOf(entity: string, { axes, orders }: SendRules): readonly Place[] {
  if (entity === 'supplier') return ['vendors']
  if (entity === 'gl_account') return ['accounts']
  if (entity === 'cost_centre') return ['costCenters']
  if (entity === 'purchase_order')
    return orders === 'requisition' ? ['purchaseRequisitions'] : ['matchingOrders', 'matchingOrderLines']
  return [...new Set(axes.flatMap(({ to }) => (to === '' ? [] : [to])))]
}

interface State {
  readonly connection: BaswareConnection
  readonly memory: SendMemory
  readonly options: SendOptions
  readonly entity: string
  readonly address: string
  readonly planner: Planner
  /** Of the run. */
  note: PrepareContext['note'] | undefined
  adopted: Planning['adopted']
  readonly lines: Planning['lines']
  readonly fates: Planning['fates']
  readonly taken: Taken
  /** Records that Basware named in a refusal, until the engine asks. */
  readonly named: Map<string, Refusal>
  readonly plans: WeakMap<WriteBatch, Promise<Plan>>
}

export function createBaswareTarget(
  connection: BaswareConnection,
  memory: SendMemory,
  options: SendOptions,
  entity: string,
): BaswareTarget {
  const state: State = {
    ...{
      connection,
      memory,
      options,
      entity,
      address: addressOf(connection, entity, options.rules),
      note: undefined,
      adopted: readAdopted(undefined),
    },
    planner: isMaster(entity) ? planMaster(entity) : plannerOf(options.rules),
    ...{ lines: new Map(), fates: {}, taken: new Map(), named: new Map(), plans: new WeakMap() },
  }
  const { results, retry } = options
  return {
    address: state.address,
    mode: 'merge',
    statements: connection.requests,
    ...(retry ? { retry } : {}),
    prepare: (schema, context) => prepare(state, schema, context),
    parts: (records) => parts(state, records),
    write: (batch, context) => write(state, batch, context),
    findRejected: (batch, context) => findRejected(state, batch, context),
    standing: (key, schema, most, context) =>
      standingCopy({ key, schema, most, rules: options.rules }, readingOf(state, context), context.note),
    results: {
      ...(results ? { rules: results } : {}),
      // What an order names: one that was refused, or taken without it, is sent again once it is there.
      ...(isMaster(entity) ? {} : { needs: MASTERS }),
      follow: (pending, context) => {
        const types = placesOf(entity, options.rules).map((place) => resourceOf(place).entityType)
        return followResults(pending, [...new Set(types)], readingOf(state, context))
      },
    },
    alignment: (signal, lines) => alignment(state, signal, lines),
  }
}

const plannerOf = ({ orders }: SendRules): Planner => (orders === 'requisition' ? planRequisition : planOrder)

/** Where the memory of what was sent belongs to: what went as an order did not go as a requisition. */
const addressOf = ({ address }: BaswareConnection, entity: string, { orders }: SendRules): string =>
  `${address}/${entity === 'purchase_order' && orders === 'requisition' ? 'purchase_requisition' : entity}`

async function prepare(state: State, schema: Schema, context: PrepareContext) {
  const { memory, options, entity, lines, fates, taken, named } = state
  if (options.rules.companies.length === 0)
    throw syncError('config', 'basware.companies', 'The table of companies is empty: nothing can be sent', {
      field: 'companies',
      hint: 'Open the node, and name the companies of the ERP and their codes in Basware.',
    })
  state.note = context.note
  state.adopted = readAdopted(await context.note.read())
  memory.books.turn()
  lines.clear()
  fates.all = undefined
  taken.clear()
  named.clear()
  const name = placesOf(entity, options.rules).join(', ')
  return { tables: ['', ...Object.keys(schema.lists ?? {})].map((list) => ({ list, name, state: 'filled' as const })) }
}

const readingOf = ({ connection }: State, { signal, waiting }: WriteContext): Reading => ({
  connection,
  signal,
  waiting,
})

/** Headers, or masters, of which one POST takes as many. */
function parts({ entity, options }: State, records: readonly WriteRecord[]): readonly (readonly WriteRecord[])[] {
  const { most } = options.limits
  const [place] = placesOf(entity, options.rules)
  const limit = place === 'vendors' ? most.vendors : most.other
  const size = Math.min(place ? resourceOf(place).most : 500, limit ?? 500)
  const found: WriteRecord[][] = []
  for (let at = 0; at < records.length; at += size) found.push(records.slice(at, at + size))
  return found
}

/** The plan of a batch, made once however often it is tried. */
function planned(state: State, batch: WriteBatch, context: WriteContext): Promise<Plan> {
  const known = state.plans.get(batch)
  if (known) return known
  const { options, memory, lines, fates, adopted } = state
  const planning: Planning = {
    ...{ rules: options.rules, books: memory.books, reading: readingOf(state, context), lines, fates, adopted },
    ...{ moves: options.moves, at: batch.at, bytes: options.limits.bytes },
  }
  const made = planOf(batch.records, state.planner, planning).then(async (plan) => {
    if (planning.adopted !== adopted) {
      // A person may have decided something meanwhile.
      const said = readAdopted(await state.note?.read())
      state.adopted = { ...said, codes: { ...said.codes, ...planning.adopted.codes } }
      await state.note?.save(JSON.stringify(state.adopted))
    }
    return plan
  })
  state.plans.set(batch, made)
  made.catch(() => state.plans.delete(batch))
  return made
}

async function write(state: State, batch: WriteBatch, context: WriteContext): Promise<void> {
  const { connection, memory, options, entity } = state
  const plan = await planned(state, batch, context)
  const [first] = plan.refused.values()
  if (first) throw heldError(first)
  const sender = {
    connection,
    mail: memory.mail,
    limits: options.limits,
    ...(options.clock ? { clock: options.clock } : {}),
  }
  for (const place of placesOf(entity, options.rules)) {
    const own = plan.outgoing.filter((one) => one.place === place)
    const refused = await postAll(sender, place, own, state.taken, context)
    await took(state, place, own)
    if (refused) throw refusedBatch(state, refused)
  }
  tellOfNothing(batch, plan.outgoing, context)
}

/** Columns of code and name of a place, which of a list are the tenant's. */
const columnsOf = (place: Place, rules: SendRules) => ({
  code: codeColumn(place, rules),
  name: rules.axes.find(({ to }) => to === place)?.name ?? '',
})

/** Of a place it is remembered what stands there now, and what was sent. */
async function took(state: State, place: Place, sent: readonly Outgoing[]): Promise<void> {
  const { memory, lines, taken, options } = state
  const own = sent.filter(({ body }) => taken.has(`${place}|${body.externalCode}`))
  const areLines = place === 'matchingOrderLines'
  for (const { body } of own)
    if (areLines) lines.delete(String(body.orderExternalCode))
    else memory.books.took(place, body)
  if (!options.keeper || own.length === 0) return
  const columns = columnsOf(place, options.rules)
  const facts = areLines
    ? linesSent(
        own.map(({ body }) => body),
        new Date().toISOString(),
      )
    : own.map(({ body }) => ({ code: body.externalCode, facts: factsOf(place, body, columns) }))
  await createSentBook(await options.keeper(), state.address).took(place, facts)
}

async function alignment(state: State, signal: AbortSignal, asked: LinesAsked): Promise<readonly AlignmentRow[]> {
  const { options, memory, connection, entity } = state
  if (!options.keeper) return []
  const sent = createSentBook(await options.keeper(), state.address)
  const columns = (place: Place) => columnsOf(place, options.rules)
  const reading: Reading = { connection, signal }
  const aligning = { rules: options.rules, books: memory.books, sent, reading, columns }
  const rows: AlignmentRow[] = []
  for (const place of placesOf(entity, options.rules))
    rows.push(
      ...(place === 'matchingOrderLines'
        ? await lineAlignment(sent, asked, reading)
        : await alignmentOf(place, aligning)),
    )
  return rows
}

/** Records for which there was nothing to send: gone in the ERP and never at Basware, or of an axis or chart that is not sent. */
function tellOfNothing({ records }: WriteBatch, sent: readonly Outgoing[], { accepted, tell }: WriteContext): void {
  const keys = new Set(sent.map(({ key }) => key))
  const nothing = records.filter(({ key }) => !keys.has(key))
  if (nothing.length > 0) accepted?.({ request: null, records: nothing.map(({ key }) => ({ key, items: [] })) })
  const charts = new Set(nothing.flatMap(({ record }) => (isDeletion(record) ? [] : (record.chart ?? []))))
  for (const chart of charts) tell?.(`Accounts of the chart ${chart} are not sent: no company of the table has it.`)
}

const HINT = 'Correct it in the ERP, or the tables of the node, and have it read again.'

const heldError = ({ code, message, field }: Refusal): SyncError =>
  syncError('data', code, message, { hint: HINT, ...(field === undefined ? {} : { field }) })

/** Keeps what Basware said of single records, for the engine's question which do not fit. */
function refusedBatch({ named }: State, { error, faults }: RefusedPost): SyncError {
  for (const { key, code, text, externalCode } of faults) {
    const said = [code, text].filter(Boolean).join(': ')
    if (!named.has(key))
      named.set(key, { code: 'basware.refused', message: `Basware refuses ${externalCode}: ${said}` })
  }
  return error
}

async function findRejected(state: State, batch: WriteBatch, context: WriteContext): Promise<readonly Rejection[]> {
  const { refused } = await planned(state, batch, context)
  return batch.records.flatMap(({ key }, index) => {
    const found = refused.get(key) ?? state.named.get(key)
    state.named.delete(key)
    return found ? [{ index, ...found }] : []
  })
}
