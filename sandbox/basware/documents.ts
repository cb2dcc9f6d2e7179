import type { Agenda } from './agenda.ts'
import type { Json } from './company/invoice.ts'
import type { BaswareSettings } from './options.ts'
import type { Requests } from './requests.ts'
import { ACKNOWLEDGED, ANSWERS, type Answer, BY_HAND } from './states.ts'

/** An invoice in both layers. */
interface Kept {
  /** What P2P has. */
  p2p: Json
  /** What the API shows; undefined until P2P has handed it on. */
  api: Json | undefined
  /** Messages on their way to P2P, whose state the API shows ahead. */
  underway: number
  /** Until when an acknowledgement that was answered has not changed the state yet. */
  acknowledging: boolean
}

export interface Documents {
  /** What the API shows, in no order. */
  shown(): Json[]
  get(invoiceId: string): Json | undefined
  /** What P2P has. */
  truth(): Json[]
  acknowledge(invoiceId: string): 200 | 404 | 405
  /** Takes an answer that is as the contract says; the status to answer with. */
  respond(name: string, invoiceId: string, body: Json, requestId: string): 200 | 400 | 404 | 409
  /** An invoice comes out of P2P's approval; with `old` it did so before the beginning, and the API has it. */
  add(document: Json, old?: boolean): void
  /** A person changes fields in P2P; `codingRows` as a whole. */
  change(invoiceId: string, fields: Json): void
  /** A person moves it in P2P; see `BY_HAND`. */
  move(invoiceId: string, name: string, fields?: Json): void
}

interface Around {
  readonly agenda: Agenda
  readonly requests: Requests
  /** ISO, for `lastUpdated`. */
  readonly stamp: () => string
  readonly settings: () => BaswareSettings
}

/** The API keeps the last hundred answers of each kind. */
const KEPT = 100

const stateOf = (document: Json): string => String(document.processingStatus)
const listOf = (document: Json, name: string): readonly Json[] => (document[name] as Json[] | undefined) ?? []

/** An invoice with one more answer, and what a success leaves on it. */
function answered(document: Json, answer: Answer, body: Json): Json {
  const left =
    body.success === true ? answer.leaves.filter((name) => body[name] !== undefined && body[name] !== null) : []
  return {
    ...document,
    ...Object.fromEntries(left.map((name) => [name, body[name]])),
    processingStatus: body.success === true ? answer.done : (answer.failed ?? document.processingStatus),
  }
}

const noted = (document: Json, { list }: Answer, body: Json): Json => ({
  ...document,
  [list]: [...listOf(document, list), body].slice(-KEPT),
})

/** All invoices, and what they live among. */
interface State extends Around {
  readonly kept: Map<string, Kept>
}

function find({ kept }: State, invoiceId: string): Kept {
  const found = kept.get(invoiceId)
  if (!found) throw new Error(`P2P has no invoice ${invoiceId}`)
  return found
}

/** What P2P has comes to the API layer, but for a state that the API is ahead with. */
function publish({ agenda, settings, stamp }: State, entry: Kept): void {
  agenda.after(settings().publishMs, () => {
    const state = entry.underway > 0 && entry.api ? entry.api.processingStatus : entry.p2p.processingStatus
    const lists = Object.values(ANSWERS).flatMap(({ list }) =>
      entry.api?.[list] === undefined ? [] : [[list, entry.api[list]] as const],
    )
    entry.api = {
      ...entry.p2p,
      ...Object.fromEntries(lists),
      processingStatus: state,
      lastUpdated: stamp(),
    }
  })
}

/** Tells P2P; what it does not take is taken back from the API too. */
function tell(state: State, entry: Kept, apply: () => boolean): void {
  entry.underway++
  state.agenda.after(state.settings().p2pMs, () => {
    entry.underway--
    if (!apply()) publish(state, entry)
  })
}

function acknowledge(state: State, invoiceId: string): 200 | 404 | 405 {
  const entry = state.kept.get(invoiceId)
  if (!entry?.api) return 404
  const from = stateOf(entry.api)
  const next = ACKNOWLEDGED[from]
  if (next === undefined || entry.acknowledging) return 405
  entry.acknowledging = true
  state.agenda.after(state.settings().acknowledgeMs, () => {
    entry.acknowledging = false
    if (!entry.api || stateOf(entry.api) !== from) return
    entry.api = { ...entry.api, processingStatus: next, lastUpdated: state.stamp() }
    tell(state, entry, () => {
      if (stateOf(entry.p2p) !== from) return false
      entry.p2p = { ...entry.p2p, processingStatus: next }
      return true
    })
  })
  return 200
}

/** Why an answer is not taken, as a status; undefined where it is. */
function refused({ settings }: State, entry: Kept, answer: Answer, body: Json): 400 | 409 | undefined {
  const { api } = entry
  if (!api) return 400
  const { transferredAgain, sameResponse, unacknowledged } = settings()
  if (answer.failed !== undefined && stateOf(api) === answer.done) return transferredAgain
  if (!answer.from.includes(stateOf(api)) || entry.acknowledging) return 400
  if (unacknowledged === 'refused' && Object.hasOwn(ACKNOWLEDGED, stateOf(api))) return 400
  const known = listOf(api, answer.list).some(({ externalCode }) => externalCode === body.externalCode)
  return known && sameResponse === 'refused' ? 409 : undefined
}

function respond(state: State, name: string, invoiceId: string, body: Json, requestId: string): 200 | 400 | 404 | 409 {
  const { requests, settings, stamp } = state
  const answer = ANSWERS[name]
  const entry = state.kept.get(invoiceId)
  if (!answer || !entry?.api) return 404
  const status = refused(state, entry, answer, body)
  if (status !== undefined) return status
  const externalCode = String(body.externalCode)
  const ahead = settings().responded === 'atOnce'
  const marked = noted(entry.api, answer, body)
  entry.api = { ...(ahead ? answered(marked, answer, body) : marked), lastUpdated: stamp() }
  requests.took(requestId, { entityType: answer.entityType }, [{ externalCode, parentExternalCode: invoiceId }])
  tell(state, entry, () => {
    const taken = answer.from.includes(stateOf(entry.p2p))
    const why = `The invoice is ${stateOf(entry.p2p)} in P2P: the response was not saved.`
    if (taken) entry.p2p = answered(entry.p2p, answer, body)
    if (taken && !ahead && entry.api) entry.api = { ...answered(entry.api, answer, body), lastUpdated: stamp() }
    requests.done(requestId, externalCode, taken ? { status: 'Success' } : { status: 'Error', message: why })
    return taken
  })
  return 200
}

function add(state: State, document: Json, old: boolean): void {
  const invoiceId = String(document.invoiceId)
  if (state.kept.has(invoiceId)) throw new Error(`P2P has an invoice ${invoiceId} already`)
  const entry: Kept = { p2p: document, api: old ? document : undefined, underway: 0, acknowledging: false }
  state.kept.set(invoiceId, entry)
  if (!old) publish(state, entry)
}

function change(state: State, invoiceId: string, fields: Json): void {
  const entry = find(state, invoiceId)
  entry.p2p = { ...entry.p2p, ...fields, invoiceId }
  publish(state, entry)
}

function move(state: State, invoiceId: string, name: string, fields: Json): void {
  const way = BY_HAND[name]
  if (!way) throw new Error(`Nothing called ${name} is done with invoices`)
  const from = stateOf(find(state, invoiceId).p2p)
  if (!way.from.includes(from)) throw new Error(`${name}: invoice ${invoiceId} is ${from}`)
  const anew = name === 'retransfer' && !state.settings().keepsVoucher
  const emptied = anew ? { voucherNumber1: null, voucherNumber2: null } : {}
  change(state, invoiceId, { ...emptied, ...fields, processingStatus: way.to })
}

export function createDocuments(around: Around): Documents {
  const kept = new Map<string, Kept>()
  const state: State = { ...around, kept }
  return {
    shown: () => [...kept.values()].flatMap(({ api }) => (api ? [api] : [])),
    get: (invoiceId) => kept.get(invoiceId)?.api,
    truth: () => [...kept.values()].map(({ p2p }) => p2p),
    acknowledge: (invoiceId) => acknowledge(state, invoiceId),
    respond: (name, invoiceId, body, requestId) => respond(state, name, invoiceId, body, requestId),
    add: (document, old = false) => add(state, document, old),
    change: (invoiceId, fields) => change(state, invoiceId, fields),
    move: (invoiceId, name, fields = {}) => move(state, invoiceId, name, fields),
  }
}
