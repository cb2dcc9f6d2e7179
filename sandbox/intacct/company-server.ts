import { leaf, textOf } from '../xml.ts'
import { functionErrors, rows } from './broken.ts'
import type { Catalog } from './catalog.ts'
import { createCatalog } from './catalog.ts'
import { errors, FunctionError } from './errors.ts'
import { type Call, run } from './functions.ts'
import type { Entry, ObjectSpec } from './model.ts'
import type { Injection, IntacctOptions, IntacctSettings, IntacctStats } from './options.ts'
import type { Reader } from './read.ts'
import { doneResult, failedResult, type Outcome, type SignedIn } from './reply.ts'
import type { FunctionCall, Request } from './request.ts'
import { createSessions, type Session } from './sessions.ts'
import { createWire, type Wire } from './zones.ts'

export type Host = 'sign-in' | 'company'

export interface Credentials {
  readonly senderId: string
  readonly senderPassword: string
  readonly companyId: string
  readonly userId: string
  readonly userPassword: string
}

/** What was done for a request: who asked, and a result for each function or one body without an envelope. */
export interface Done {
  readonly who: SignedIn
  readonly results: readonly string[]
  readonly bare?: { readonly body: string; readonly type: string }
}

/** The company behind both hosts. */
export interface CompanyServer {
  readonly catalog: Catalog
  /** Throws RequestError. `spoil` makes the functions fail, `partial` lets them fail with what they have read. */
  answer(request: Request, host: Host, spoil: Injection | undefined, partial: boolean): Done
  deny(object: string): void
  allow(object?: string): void
  denied(): string[]
  endSessions(): void
  endSession(id: string): void
  setText(object: string, no: number, field: string, text: string): void
  unset(): void
  newDay(): void
  /** Call when settings have changed. */
  retune(): void
}

const tableOf: Readonly<Record<string, 'supplier' | 'journalEntry' | 'supplierInvoice'>> = {
  VENDOR: 'supplier',
  GLBATCH: 'journalEntry',
  GLENTRY: 'journalEntry',
  APBILL: 'supplierInvoice',
  APBILLITEM: 'supplierInvoice',
}

export function createCompany(
  options: IntacctOptions,
  credentials: Credentials,
  settings: IntacctSettings,
  stats: IntacctStats,
  endpoint: () => string,
): CompanyServer {
  const { books, clock } = options
  const catalog = createCatalog(books, clock.now, () => settings)
  const sessions = createSessions(() => settings.sessionSeconds)
  const closed = new Set(
    catalog
      .all()
      .filter((object) => object.closed)
      .map(({ name }) => name),
  )
  const denied = new Set<string>(closed)
  const texts = new Map<string, string>()
  const controlIds = new Map<string, number>()
  const kept = new Map<string, Buffer>()
  const paused = new Set<string>()
  let lost: { table: string; requests: number } | undefined
  let wire: Wire = createWire(settings)
  let disorder = 0

  function signIn(request: Request, host: Host): { session: Session; user: string; company: string } {
    const { senderId, senderPassword, companyId, userId, userPassword } = credentials
    if (request.senderId !== senderId || request.password !== senderPassword) throw errors.wrongSender()
    if (request.policyId !== undefined) throw errors.wrongPolicy(request.policyId)
    const now = clock.now()
    if (request.session !== undefined) {
      const session = sessions.use(request.session, now)
      // A session belongs to the endpoint that it was given with.
      if (!session || (settings.sessionsTied && host !== 'company')) throw errors.invalidSession(request.session)
      return { session, user: userId, company: companyId }
    }
    const login = request.login
    if (login?.companyId !== companyId || login.userId !== userId || login.password !== userPassword) {
      throw errors.wrongUser()
    }
    const location = login.locationId ?? ''
    if (!isLocation(location)) throw errors.wrongUser()
    return { session: sessions.open(location, now), user: userId, company: companyId }
  }

  const isLocation = (location: string): boolean =>
    location === '' || catalog.company.entities.some(({ id }) => id === location)

  function lostNow(object: ObjectSpec): boolean {
    const table = books.lostRight()
    if (!table) {
      lost = undefined
      return false
    }
    if (lost?.table !== table) lost = { table, requests: 0 }
    if (tableOf[object.name] !== table) return false
    return lost.requests++ >= settings.lostAfter
  }

  function callFor(session: Session): Call {
    const reader: Reader = {
      catalog,
      wire,
      now: clock.now() / 1000,
      location: session.location,
      text: (object, no, field) => (texts.size === 0 ? undefined : texts.get(`${object} ${no} ${field}`)),
    }
    return {
      reader,
      session,
      settings,
      disorder: ++disorder,
      guard(operation, object) {
        if (object.name === 'AUDITHISTORY' && !settings.auditHistory) throw errors.noAudit()
        if (denied.has(object.name) || lostNow(object)) throw errors.noPermission(operation, object.name)
      },
      bill(object) {
        const month = new Date(clock.now()).toISOString().slice(0, 7)
        const meter = stats.meter[month] ?? {}
        stats.meter[month] = { ...meter, [object]: (meter[object] ?? 0) + 1 }
      },
      served: noteServed,
    }
  }

  /** Changes that wait for a reader come between a header and its lines, or between two pages of lines. */
  function noteServed(object: ObjectSpec, entries: readonly Entry[], remaining: boolean): void {
    const table = tableOf[object.name]
    if (table === undefined || books.ambushes().length === 0) return
    if (object.owned) for (const { key } of entries) paused.add(`${table} ${key}`)
    else if (remaining) paused.add(`${table} ${entries.at(-1)?.key}`)
  }

  function applyAmbushes(): void {
    if (paused.size === 0) return
    const due = books.ambushes().filter(({ table, key }) => paused.has(`${table} ${key}`))
    paused.clear()
    for (const ambush of due) ambush.apply()
    if (due.length > 0) kept.clear()
    stats.ambushes += due.length
  }

  /** Refuses a function whose control id was sent before; only where the request asks for that, or says nothing of it. */
  function checkUnique(request: Request, one: FunctionCall): void {
    if (!request.uniqueId) return
    const now = clock.now()
    const before = controlIds.get(one.controlId)
    controlIds.set(one.controlId, now)
    if (before !== undefined && now - before < settings.uniqueSeconds * 1000) throw errors.repeated(one.controlId)
  }

  function apiSession(one: FunctionCall, request: Request, session: Session): Outcome & { session: Session } {
    const wanted = textOf(one.element, 'locationid')
    if (wanted !== undefined && !isLocation(wanted)) throw errors.generic(`The entity ${wanted} is not valid`)
    const location = wanted ?? session.location
    const given =
      request.session === undefined && location === session.location ? session : sessions.open(location, clock.now())
    stats.sessions++
    const api = `${leaf('sessionid', given.id)}${leaf('endpoint', endpoint())}${leaf('locationid', location)}`
    return { data: `<data><api>${api}</api></data>`, session: given }
  }

  function outcome(one: FunctionCall, call: Call): Outcome {
    const key = options.keepReplies ? JSON.stringify([call.session.location, one.element]) : undefined
    const known = key === undefined || one.name !== 'query' ? undefined : kept.get(key)
    if (known !== undefined) {
      call.bill(textOf(one.element, 'object') ?? '')
      return { data: known.toString() }
    }
    const made = run(call, one)
    if (key !== undefined && one.name === 'query' && 'data' in made) kept.set(key, Buffer.from(made.data))
    return made
  }

  return {
    catalog,
    answer(request, host, spoil, partial) {
      const { session, user, company } = signIn(request, host)
      applyAmbushes()
      let current = session
      let bare: Done['bare']
      const done: ({ one: FunctionCall } & ({ data: string } | { error: FunctionError }))[] = []
      for (const one of request.functions) {
        const object = textOf(one.element, 'object') ?? ''
        if (object !== '') stats.objects[object] = (stats.objects[object] ?? 0) + 1
        try {
          checkUnique(request, one)
          const failing = spoil && functionErrors[spoil]
          if (failing) throw failing(object)
          let made: Outcome
          if (one.name === 'getAPISession') {
            const opened = apiSession(one, request, current)
            current = opened.session
            made = opened
          } else made = outcome(one, callFor(current))
          if ('body' in made) bare = made
          const data = 'data' in made ? made.data : ''
          if (partial || spoil === 'partial-data') {
            throw new FunctionError(
              errors.offline().errors,
              rows(data, (list) => list.slice(0, list.length >> 1)),
            )
          }
          done.push({ one, data })
        } catch (error) {
          if (!(error instanceof FunctionError)) throw error
          done.push({ one, error })
          if (request.transaction) break
        }
      }
      const now = clock.now()
      const who = { userId: user, companyId: company, location: current.location, now, expires: current.expires }
      return { who, results: resultsOf(request, done), ...(bare ? { bare } : {}) }
    },
    deny: (object) => denied.add(object.toUpperCase()),
    allow(object) {
      if (object !== undefined) denied.delete(object.toUpperCase())
      else {
        denied.clear()
        for (const name of closed) denied.add(name)
      }
    },
    denied: () => [...denied].filter((name) => !closed.has(name)),
    endSessions: () => sessions.endAll(),
    endSession: (id) => sessions.end(id),
    setText(object, no, field, text) {
      texts.set(`${object} ${no} ${field}`, text)
      kept.clear()
    },
    unset() {
      texts.clear()
      kept.clear()
    },
    newDay() {
      lost = undefined
      kept.clear()
    },
    retune() {
      wire = createWire(settings)
      kept.clear()
    },
  }
}

/** In a transaction one failure undoes the others. */
function resultsOf(
  request: Request,
  done: readonly ({ one: FunctionCall } & ({ data: string } | { error: FunctionError }))[],
): string[] {
  const failed = request.transaction && done.some((each) => 'error' in each)
  return request.functions.map((one, k) => {
    const each = done[k]
    if (each && 'error' in each) return failedResult(one.name, one.controlId, each.error)
    if (failed || !each) return failedResult(one.name, one.controlId, errors.rolledBack(), 'aborted')
    return doneResult(one.name, one.controlId, each.data)
  })
}
