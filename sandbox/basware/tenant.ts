import { randomBytes, randomUUID } from 'node:crypto'
import { type Acts, createActs } from './acts.ts'
import { createAgenda } from './agenda.ts'
import { createCompany } from './company/company.ts'
import { HABITS } from './company/habits.ts'
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
  readonly acts: Acts
  /** The data, with what was due by now; made by the first to ask. */
  service(): Service
  setFilesUrl(url: string): void
}

export function createTenant(options: BaswareOptions): Tenant {
  const now = options.now ?? Date.now
  const settings: BaswareSettings = { ...USUAL, ...options.settings }
  const tune = (change: Partial<BaswareSettings>): void => void Object.assign(settings, change)
  const app = {
    clientId: options.clientId ?? randomUUID(),
    clientSecret: options.clientSecret ?? randomBytes(24).toString('base64url'),
    username: options.username ?? 'tieout-api',
    password: options.password ?? randomBytes(18).toString('base64url'),
    scopes: options.scopes ?? SCOPES,
  }
  const agenda = createAgenda(now)
  const stamp = (): string => new Date(options.clock.now()).toISOString()
  const requests = createRequests({ now, stamp, settings: () => settings })
  const documents = createDocuments({ agenda, requests, stamp, settings: () => settings })
  const { seed, size, today, invoices } = options
  const company = createCompany({ seed, size, today, invoices, habits: { ...HABITS, ...options.habits } })
  const service = {
    ...{ settings, agenda, documents, requests, filesUrl: '', clientId: app.clientId },
    links: createLinks(now, () => settings),
    masters: company.masters,
  }
  const acts = createActs(service, company, tune)
  let begun = false

  function ready(): Service {
    if (!begun) {
      begun = true
      for (let index = 0; index < company.count(); index++) documents.add(company.invoice(index), true)
    }
    agenda.settle()
    return service
  }

  return {
    ...app,
    settings,
    identity: createIdentity({ ...app, now, settings: () => settings }),
    acts: {
      act(name, body) {
        ready()
        return acts.act(name, body)
      },
      newDay() {
        ready()
        acts.newDay()
      },
    },
    service: ready,
    setFilesUrl(url) {
      service.filesUrl = url
    },
  }
}
