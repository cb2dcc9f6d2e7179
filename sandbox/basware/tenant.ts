import { randomBytes, randomUUID } from 'node:crypto'
import { codes } from '../books/codes.ts'
import { createActs } from './acts.ts'
import { createAgenda } from './agenda.ts'
import { createCompany } from './company/company.ts'
import { HABITS } from './company/habits.ts'
import { CODES } from './company/masters.ts'
import { openDiary } from './diary.ts'
import { createDocuments } from './documents.ts'
import { createIdentity, type Identity } from './identity.ts'
import { createLinks } from './links.ts'
import { type BaswareOptions, type BaswareSettings, USUAL } from './options.ts'
import { createRecords } from './records.ts'
import { createRequests } from './requests.ts'
import { SCOPES } from './routes.ts'
import type { Service } from './service.ts'

/** Everything of one customer, without the wire. */
export interface Tenant {
  readonly clientId: string
  readonly clientSecret: string
  readonly username: string
  readonly password: string
  readonly scopes: readonly string[]
  readonly settings: BaswareSettings
  readonly identity: Identity
  /** The data, with what was due by now; made by the first to ask. */
  service(): Service
  act(name: string, body: unknown): unknown
  newDay(): void
  tune(change: Partial<BaswareSettings>): void
  setFilesUrl(url: string): void
}

/** What people keep in P2P's administration. */
const ADMINISTRATION = {
  companies: CODES,
  currencies: Object.keys(codes.currency ?? {}),
  paymentTerms: Object.keys(codes.paymentTerm ?? {}),
}

/** Looking changes nothing. */
const LOOKS = ['documents', 'records']

/** What delays live by and what is stamped, now or when what is done again was done. */
interface Times {
  now(): number
  /** How far the clock of the stamps is ahead. */
  lead(): number
  /** Runs it as of then. */
  asOf(at: number, lead: number, run: () => void): void
}

function createTimes({ now: real = Date.now, clock }: BaswareOptions): Times {
  let again: { readonly at: number; readonly lead: number } | undefined
  return {
    now: () => again?.at ?? real(),
    lead: () => again?.lead ?? clock.now() - real(),
    asOf(at, lead, run) {
      again = { at, lead }
      run()
      again = undefined
    },
  }
}

/** Both layers, the people, and the company they work for. */
function createData(options: BaswareOptions, times: Times, settings: BaswareSettings) {
  const agenda = createAgenda(times.now)
  const around = {
    ...{ agenda, now: times.now, settings: () => settings },
    stamp: () => new Date(agenda.moment() + times.lead()).toISOString(),
  }
  const requests = createRequests(around)
  const documents = createDocuments({ ...around, requests })
  const { seed, size, today, invoices } = options
  const company = createCompany({
    seed,
    size,
    today,
    invoices,
    habits: { ...HABITS, ...options.habits },
    begins: options.begins ?? 'sent',
  })
  const records = createRecords({ ...around, requests, first: company.masters, kept: ADMINISTRATION })
  const acts = createActs({ documents, records, agenda, settings, company })
  return { agenda, requests, documents, records, company, acts }
}

type Data = ReturnType<typeof createData>

/** All that changes what is kept, by its name in the diary. */
const deedsOf = ({
  documents,
  records,
  requests,
  acts,
}: Data): Readonly<Record<string, (...args: never[]) => unknown>> => ({
  acknowledge: documents.acknowledge,
  respond: documents.respond,
  acknowledgeRequests: requests.acknowledge,
  post: records.post,
  patch: records.patch,
  act: acts.act,
  newDay: acts.newDay,
})

function credentialsOf(options: BaswareOptions) {
  return {
    clientId: options.clientId ?? randomUUID(),
    clientSecret: options.clientSecret ?? randomBytes(24).toString('base64url'),
    username: options.username ?? 'tieout-api',
    password: options.password ?? randomBytes(18).toString('base64url'),
    scopes: options.scopes ?? SCOPES,
  }
}

export function createTenant(options: BaswareOptions): Tenant {
  const times = createTimes(options)
  const settings: BaswareSettings = { ...USUAL, ...options.settings }
  const app = credentialsOf(options)
  const data = createData(options, times, settings)
  const { agenda, documents, records, requests, company, acts } = data
  const diary = openDiary(options.file)
  const deed =
    <Args extends readonly unknown[], Result>(kind: string, run: (...args: Args) => Result) =>
    (...args: Args): Result => {
      ready()
      const result = run(...args)
      diary.note({ kind, args, at: times.now(), lead: times.lead() })
      return result
    }
  const service = {
    ...{ settings, filesUrl: '', clientId: app.clientId },
    links: createLinks(times.now, () => settings),
    documents: {
      ...documents,
      acknowledge: deed('acknowledge', documents.acknowledge),
      respond: deed('respond', documents.respond),
    },
    records: { ...records, post: deed('post', records.post), patch: deed('patch', records.patch) },
    requests: { ...requests, acknowledge: deed('acknowledgeRequests', requests.acknowledge) },
  }
  let begun = false

  function begin(): void {
    for (let index = 0; index < company.count(); index++) documents.add(company.invoice(index), true)
    const deeds = deedsOf(data)
    for (const { kind, args, at, lead } of diary.deeds)
      times.asOf(at, lead, () => {
        agenda.settle()
        deeds[kind]?.(...(args as never[]))
      })
  }

  function ready(): Service {
    if (!begun) begin()
    begun = true
    agenda.settle()
    return service
  }

  const act = deed('act', acts.act)
  return {
    ...{ ...app, settings, service: ready, newDay: deed('newDay', acts.newDay) },
    identity: createIdentity({ ...app, now: times.now, settings: () => settings }),
    act(name, body) {
      if (!LOOKS.includes(name)) return act(name, body)
      ready()
      return acts.act(name, body)
    },
    tune: (change) => void act('tune', change),
    setFilesUrl(url) {
      service.filesUrl = url
    },
  }
}
