import { randomBytes, randomUUID } from 'node:crypto'
import { createActs } from './acts.ts'
import { createAgenda } from './agenda.ts'
import { createCompany } from './company/company.ts'
import { HABITS } from './company/habits.ts'
import { openDiary } from './diary.ts'
import { createDocuments } from './documents.ts'
import { createIdentity, type Identity } from './identity.ts'
import { createLinks } from './links.ts'
import { type BaswareOptions, type BaswareSettings, USUAL } from './options.ts'
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

/** Looking changes nothing. */
const LOOKS = ['documents']

export function createTenant(options: BaswareOptions): Tenant {
  const real = options.now ?? Date.now
  /** When what is done again was done. */
  let again: { readonly at: number; readonly lead: number } | undefined
  const now = (): number => again?.at ?? real()
  const lead = (): number => again?.lead ?? options.clock.now() - real()
  const settings: BaswareSettings = { ...USUAL, ...options.settings }
  const app = {
    clientId: options.clientId ?? randomUUID(),
    clientSecret: options.clientSecret ?? randomBytes(24).toString('base64url'),
    username: options.username ?? 'tieout-api',
    password: options.password ?? randomBytes(18).toString('base64url'),
    scopes: options.scopes ?? SCOPES,
  }
  const agenda = createAgenda(now)
  const around = {
    ...{ agenda, now },
    stamp: () => new Date(agenda.moment() + lead()).toISOString(),
    settings: () => settings,
  }
  const requests = createRequests(around)
  const documents = createDocuments({ ...around, requests })
  const { seed, size, today, invoices } = options
  const company = createCompany({ seed, size, today, invoices, habits: { ...HABITS, ...options.habits } })
  const diary = openDiary(options.file)
  const acts = createActs({ documents, agenda, settings, company })

  /** All that changes what is kept, by its name in the diary. */
  const DEEDS: Readonly<Record<string, (...args: never[]) => unknown>> = {
    acknowledge: documents.acknowledge,
    respond: documents.respond,
    acknowledgeRequests: requests.acknowledge,
    act: acts.act,
    newDay: acts.newDay,
  }
  const deed =
    <Args extends readonly unknown[], Result>(kind: string, run: (...args: Args) => Result) =>
    (...args: Args): Result => {
      ready()
      const result = run(...args)
      diary.note({ kind, args, at: now(), lead: lead() })
      return result
    }

  const service = {
    ...{ settings, filesUrl: '', clientId: app.clientId, masters: company.masters },
    links: createLinks(now, () => settings),
    documents: {
      ...documents,
      acknowledge: deed('acknowledge', documents.acknowledge),
      respond: deed('respond', documents.respond),
    },
    requests: { ...requests, acknowledge: deed('acknowledgeRequests', requests.acknowledge) },
  }

  let begun = false
  function ready(): Service {
    if (!begun) {
      begun = true
      for (let index = 0; index < company.count(); index++) documents.add(company.invoice(index), true)
      for (const { kind, args, at, lead: ahead } of diary.deeds) {
        again = { at, lead: ahead }
        agenda.settle()
        DEEDS[kind]?.(...(args as never[]))
      }
      again = undefined
    }
    agenda.settle()
    return service
  }

  const act = deed('act', acts.act)
  return {
    ...{ ...app, settings, service: ready, newDay: deed('newDay', acts.newDay) },
    identity: createIdentity({ ...app, now, settings: () => settings }),
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
