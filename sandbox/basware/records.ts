import type { Agenda } from './agenda.ts'
import { COLLECTIONS, type Collection, listKeyOf, ORDER_LINES } from './collections.ts'
import { idOf } from './company/ground.ts'
import type { Json } from './company/invoice.ts'
import { createLayers, type Layers, LINES, type Masters } from './layers.ts'
import type { BaswareSettings } from './options.ts'
import { judge, type World } from './p2p.ts'
import type { Item, Operation, Requests } from './requests.ts'
import { contentOf } from './shelf.ts'

/** What a test wants P2P to make of the next records that it gets. */
export interface Planned {
  readonly collection: string
  /** Of this record alone. */
  readonly externalCode?: string | undefined
  /** `InProgress`: a result never comes. */
  readonly status: 'Error' | 'Warning' | 'InProgress'
  readonly category: 'DataValidation' | 'Technical' | 'Unknown'
  readonly message: string
}

/** Records of the ERP's interface in both layers. */
export interface Records {
  /** What the API shows. */
  all(collection: string): readonly Json[]
  get(collection: string, externalCode: string): Json | undefined
  lines(orderExternalCode: string): readonly Json[]
  /** Takes whole records in the place of those with their code; without `published` P2P is not told. */
  post(collection: string, records: readonly Json[], requestId: string, published?: boolean): void
  /** Changes the fields that are given. */
  patch(collection: string, externalCode: string, fields: Json, requestId: string): 200 | 404 | 503
  /** Everything in both layers, by collection. */
  truth(): Readonly<Record<'p2p' | 'api', Readonly<Record<string, readonly Json[]>>>>
  /** A person changes fields of a record in P2P, or types a new one. */
  edit(collection: string, record: Json): void
  /** Results that are due wait until they are released. */
  hold(): void
  release(): void
  plan(what: Planned, times: number): void
}

interface Around {
  readonly agenda: Agenda
  readonly requests: Requests
  readonly stamp: () => string
  readonly settings: () => BaswareSettings
  /** What stands there at the beginning. */
  readonly first: Masters
  /** What is kept by people in P2P's administration. */
  readonly kept: Omit<World, 'shelf' | 'lines' | 'settings'>
}

/** One version of a record on its way to P2P. */
interface Version {
  readonly collection: string
  readonly externalCode: string
  readonly requestId: string
  readonly record: Json
  readonly number: number
  /** When it was posted, ms. */
  readonly at: number
  readonly unchanged: boolean
}

const codeOf = (record: Json): string => String(record.externalCode)
const BY_PATH = new Map([...COLLECTIONS, ORDER_LINES].map((collection) => [collection.path, collection]))

/** P2P looks again for what a record refers to, every second or at the end of its patience. */
const AGAIN_MS = 1000

interface State extends Around {
  readonly layers: Layers
  /** The newest version of each record that P2P was told of. */
  readonly newest: Map<string, Version>
  /** Number of the version of each record that P2P has. */
  readonly saved: Map<string, number>
  readonly patched: Map<string, number>
  planned: Planned[]
  held: Version[] | undefined
  versions: number
}

const keyOf = ({ collection, externalCode }: Pick<Version, 'collection' | 'externalCode'>): string =>
  `${collection} ${externalCode}`

const worldOf = ({ layers, kept, settings }: State): World => ({
  ...kept,
  settings: settings(),
  shelf: (collection) => layers.whole(collection).p2p,
  lines: (order) => layers.linesOf(order).p2p.all(),
})

type Result = Pick<Item, 'status' | 'message' | 'category'>

/** P2P has a version: its result, or another try later. */
function arrive(state: State, version: Version): void {
  if (state.held) {
    state.held.push(version)
    return
  }
  const result = resultOf(state, version)
  if (result) state.requests.done(version.requestId, version.externalCode, result)
}

/** What P2P makes of a version; undefined where that comes later or never. */
function resultOf(state: State, version: Version): Result | undefined {
  const { collection, record } = version
  if (version.unchanged) return { status: 'NotProcessed', message: 'No changes from the previous version.' }
  if (isOvertaken(state, version))
    return { status: 'RecordExpired', message: 'A more recent version has been posted: only that one is saved.' }
  const plan = state.planned.find(
    (one) => one.collection === collection && [undefined, version.externalCode].includes(one.externalCode),
  )
  state.planned = state.planned.filter((one) => one !== plan)
  if (plan?.status === 'InProgress') return undefined
  const planned = plan && { status: plan.status, message: plan.message, category: plan.category }
  if (planned?.status === 'Error') return planned
  const { errors, waits, warnings, saved } = judge(collection, record, worldOf(state))
  const left = version.at + state.settings().retriesMs - state.agenda.moment()
  if (waits && left > 0 && errors.length + warnings.length > 0) {
    state.agenda.after(Math.min(left, AGAIN_MS), () => arrive(state, version))
    return undefined
  }
  if (errors.length > 0) return { status: 'Error', message: errors.join(' ') }
  state.layers.of(collection, record).p2p.put(saved)
  state.saved.set(keyOf(version), version.number)
  if (planned) return planned
  return warnings.length > 0 ? { status: 'Warning', message: warnings.join(' ') } : { status: 'Success' }
}

/** Whether a version that was posted so shortly after it, or that P2P has already, counts instead. */
function isOvertaken(state: State, version: Version): boolean {
  const key = keyOf(version)
  if ((state.saved.get(key) ?? 0) > version.number) return true
  const newest = state.newest.get(key)
  if (!newest || newest.number === version.number) return false
  return newest.at - version.at < state.settings().expiresMs
}

/** Hands versions on: together, or each in its own time. */
function handOn(state: State, versions: readonly Version[]): void {
  const { p2pMs, spreadMs } = state.settings()
  const together = (some: readonly Version[], ms: number): void =>
    state.agenda.after(p2pMs + ms, () => {
      for (const version of some) arrive(state, version)
    })
  if (spreadMs === 0) together(versions, 0)
  else
    for (const version of versions)
      together([version], Number.parseInt(idOf(`${version.number} ${version.externalCode}`).slice(0, 8), 16) % spreadMs)
}

function take(
  state: State,
  collection: Collection,
  records: readonly Json[],
  request: { readonly id: string; readonly operationType: 'POST' | 'PATCH'; readonly published: boolean },
): void {
  const { settings, agenda, stamp } = state
  const versions = records.map((record): Version => {
    const { api } = state.layers.of(collection.path, record)
    const known = api.get(codeOf(record))
    const unchanged =
      settings().unchanged === 'skipped' && known !== undefined && contentOf(known) === contentOf(record)
    api.put({ ...record, lastUpdated: stamp() })
    const number = ++state.versions
    const at = agenda.moment()
    const version = { collection: collection.path, externalCode: codeOf(record), requestId: request.id, record }
    return { ...version, number, at, unchanged }
  })
  if (!request.published) return
  for (const version of versions) if (!version.unchanged) state.newest.set(keyOf(version), version)
  const operation: Operation = {
    ...{ entityType: collection.entityType, operationType: request.operationType },
    genericListKey: listKeyOf(collection),
  }
  const items = records.map((record) => ({
    externalCode: codeOf(record),
    ...(collection === ORDER_LINES ? { parentExternalCode: String(record.orderExternalCode) } : {}),
  }))
  state.requests.took(request.id, operation, items)
  handOn(state, versions)
}

/** Lists of records with codes, the new ones beside those that are there. */
function joined(old: unknown, fresh: unknown): unknown {
  if (!Array.isArray(old) || !Array.isArray(fresh)) return fresh
  const coded = (fresh as readonly Json[]).every((one) => typeof one === 'object' && 'externalCode' in one)
  if (!coded) return fresh
  const codes = (fresh as readonly Json[]).map(codeOf)
  return [...(old as readonly Json[]).filter((one) => !codes.includes(codeOf(one))), ...(fresh as readonly Json[])]
}

function patch(
  state: State,
  collection: Collection,
  externalCode: string,
  fields: Json,
  requestId: string,
): 200 | 404 | 503 {
  const { layers, settings, agenda } = state
  const known = layers.api(collection.path, externalCode)
  if (!known) return 404
  const key = keyOf({ collection: collection.path, externalCode })
  const now = agenda.moment()
  if (collection === ORDER_LINES && now - (state.patched.get(key) ?? Number.NEGATIVE_INFINITY) < settings().patchBusyMs)
    return 503
  state.patched.set(key, now)
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)
  const record = Object.fromEntries(
    given.map(([name, value]) => [name, settings().patchLists === 'joined' ? joined(known[name], value) : value]),
  )
  take(state, collection, [{ ...known, ...record }], { id: requestId, operationType: 'PATCH', published: true })
  return 200
}

function edit(state: State, collection: string, record: Json): void {
  const whole = { ...state.layers.api(collection, codeOf(record)), ...record }
  const { p2p, api } = state.layers.of(collection, whole)
  p2p.put({ ...p2p.get(codeOf(record)), ...record })
  if (state.settings().edits !== 'published') return
  state.agenda.after(state.settings().publishMs, () =>
    api.put({ ...api.get(codeOf(record)), ...record, lastUpdated: state.stamp() }),
  )
}

function truth({ layers }: State): ReturnType<Records['truth']> {
  const layer = (name: 'p2p' | 'api'): Readonly<Record<string, readonly Json[]>> =>
    Object.fromEntries([
      ...COLLECTIONS.map(({ path }) => [path, layers.whole(path)[name].all()] as const).filter(
        ([, records]) => records.length > 0,
      ),
      [LINES, layers.everyLine().flatMap((one) => one[name].all())],
    ])
  return { p2p: layer('p2p'), api: layer('api') }
}

const collectionOf = (path: string): Collection => {
  const found = BY_PATH.get(path)
  if (!found) throw new Error(`Basware has no ${path}, only ${[...BY_PATH.keys()].join(', ')}`)
  return found
}

export function createRecords(around: Around): Records {
  const state: State = {
    ...{ ...around, layers: createLayers(around.first), newest: new Map() },
    ...{ saved: new Map(), patched: new Map() },
    ...{ planned: [], held: undefined, versions: 0 },
  }
  const { layers } = state
  return {
    all: (collection) => layers.whole(collection).api.all(),
    get: layers.api,
    lines: (order) => layers.linesOf(order).api.all(),
    post: (collection, records, id, published = true) =>
      take(state, collectionOf(collection), records, { id, operationType: 'POST', published }),
    patch: (collection, code, fields, requestId) => patch(state, collectionOf(collection), code, fields, requestId),
    truth: () => truth(state),
    edit: (collection, record) => edit(state, collectionOf(collection).path, record),
    hold() {
      state.held ??= []
    },
    release() {
      const held = state.held ?? []
      state.held = undefined
      for (const version of held) arrive(state, version)
    },
    plan(what, times) {
      for (let time = 0; time < times; time++) state.planned.push({ ...what })
    },
  }
}
