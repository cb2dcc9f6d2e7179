import { leaf, textOf } from '../xml.ts'
import { functionErrors, rows } from './broken.ts'
import type { Catalog } from './catalog.ts'
import { createCatalog } from './catalog.ts'
import { createPauses, createRights } from './company-rights.ts'
import { errors, FunctionError } from './errors.ts'
import { type Call, run } from './functions.ts'
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

const isLocationOf =
  ({ company }: Catalog) =>
  (location: string): boolean =>
    location === '' || company.entities.some(({ id }) => id === location)

/** Sender, policy, then the session or the user. */
function createSignIn(
  { clock }: IntacctOptions,
  credentials: Credentials,
  settings: IntacctSettings,
  sessions: ReturnType<typeof createSessions>,
  isLocation: (location: string) => boolean,
) {
  const { senderId, senderPassword, companyId, userId, userPassword } = credentials
  return (request: Request, host: Host): { session: Session; user: string; company: string } => {
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
}

/** What functions work with: the wire that values go over, texts that a test has put in, rights and the meter. */
function createCalls({
  clock,
  catalog,
  settings,
  stats,
  rights,
  pauses,
}: {
  readonly clock: IntacctOptions['clock']
  readonly catalog: Catalog
  readonly settings: IntacctSettings
  readonly stats: IntacctStats
  readonly rights: ReturnType<typeof createRights>
  readonly pauses: ReturnType<typeof createPauses>
}) {
  const texts = new Map<string, string>()
  let wire: Wire = createWire(settings)
  let disorder = 0
  return {
    of(session: Session): Call {
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
        guard: rights.guard,
        bill(object) {
          const month = new Date(clock.now()).toISOString().slice(0, 7)
          const meter = stats.meter[month] ?? {}
          stats.meter[month] = { ...meter, [object]: (meter[object] ?? 0) + 1 }
        },
        served: pauses.served,
      }
    },
    setText: (object: string, no: number, field: string, text: string): void =>
      void texts.set(`${object} ${no} ${field}`, text),
    unset: (): void => texts.clear(),
    retune(): void {
      wire = createWire(settings)
    },
  }
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
  const rights = createRights(options, catalog, settings)
  const pauses = createPauses(options)
  const controlIds = new Map<string, number>()
  const kept = new Map<string, Buffer>()
  const calls = createCalls({ clock, catalog, settings, stats, rights, pauses })

  const isLocation = isLocationOf(catalog)
  const signIn = createSignIn(options, credentials, settings, sessions, isLocation)

  function applyAmbushes(): void {
    const due = pauses.apply()
    if (due > 0) kept.clear()
    stats.ambushes += due
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
          } else made = outcome(one, calls.of(current))
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
    deny: rights.deny,
    allow: rights.allow,
    denied: rights.denied,
    endSessions: () => sessions.endAll(),
    endSession: (id) => sessions.end(id),
    setText(object, no, field, text) {
      calls.setText(object, no, field, text)
      kept.clear()
    },
    unset() {
      calls.unset()
      kept.clear()
    },
    newDay() {
      rights.newDay()
      kept.clear()
    },
    retune() {
      calls.retune()
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
