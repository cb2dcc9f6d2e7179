import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { SiteFaults } from '../faults.ts'
import { listen } from '../listen.ts'
import { answer, send, type X3State } from './answer.ts'
import { createApi1Door } from './api1/door.ts'
import { checkAuthorization } from './auth.ts'
import { createCustom } from './custom.ts'
import { createPreparer } from './execute.ts'
import { createFolder, type Folder } from './folder.ts'
import type { X3Options, X3Sandbox } from './options.ts'
import { createSchema } from './schema.ts'
import { createSoapDoor, SOAP_PATH } from './soap/door.ts'

export type { X3Options, X3Sandbox, X3Stats } from './options.ts'

/** What the shared fault plan needs to know of this server. */
export const x3FaultSites: Readonly<Record<string, SiteFaults>> = {
  'graphql:read': {
    kinds: [
      'token-expired',
      'unauthorized',
      'throttled',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'cut-body',
      'broken-body',
      'slow',
      'partial-errors',
    ],
  },
  // The schema is asked once and remembered: there are not many requests to spoil.
  'graphql:type': { kinds: ['throttled', 'server-error', 'reset-before'], times: 1 },
}

/** Of what is sent to an operation of the customer's own. */
export const WRITE_SITES: Readonly<Record<string, SiteFaults>> = {
  'graphql:write': {
    kinds: [
      'unauthorized',
      'throttled',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'cut-body',
      'broken-body',
      'slow',
    ],
  },
}

/** Starts the GraphQL server of a Sage X3 V12 on 127.0.0.1. */
export async function startX3(options: X3Options): Promise<X3Sandbox> {
  const state = stateOf(options)
  const { door, folders, kept, settings } = state
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(state, response, 500, JSON.stringify({ errors: [{ message: String(error) }], extensions: {} }))
    })
  })
  const listening = await listen(server, options.port)
  const { port } = listening
  const origin = `http://127.0.0.1:${port}`
  state.url = `${origin}/xtrem/api`

  const every = (act: (folder: Folder) => void): void => {
    kept.clear()
    for (const folder of folders.values()) act(folder)
  }
  return {
    url: state.url,
    port,
    folder: state.defaultFolder,
    clientId: settings.clientId,
    secret: settings.secret,
    user: settings.user,
    soap: { url: origin + SOAP_PATH, ...door.service, lateCommits: door.lateCommits },
    api1: { url: origin, ...state.api1 },
    stats: () => structuredClone(state.stats),
    deny: (node) => every((folder) => folder.deny(node)),
    allow: (node) => every((folder) => folder.allow(node)),
    denied: () => folders.get(state.defaultFolder)?.denied() ?? [],
    newDay: () => every((folder) => folder.newDay()),
    keptRequests: () => [...kept.keys()].map((key) => key.slice(key.indexOf(' ') + 1)),
    setFaults(plan) {
      state.faults = plan
      door.setFaults(plan)
      state.api1.setFaults(plan)
    },
    setLatency(ms) {
      state.latencyMs = ms
    },
    close() {
      door.close()
      return listening.close()
    },
  }
}

function stateOf(options: X3Options): X3State {
  const { clock, maxFirst = 1000, generation = 'current', folder: defaultFolder = 'SEED' } = options
  const schema = createSchema(generation, options.openItems)
  const prepare = createPreparer(schema)
  const folders = new Map<string, Folder>()
  for (const [name, books] of Object.entries({ ...options.folders, [defaultFolder]: options.books })) {
    const { emptyStamp = 'mixed', milliseconds = false, lostAfter = 2 } = options
    folders.set(name, createFolder({ books, maxFirst, emptyStamp, milliseconds, lostAfter }))
  }
  const settings: X3State['settings'] = {
    clientId: options.clientId ?? randomUUID(),
    secret: options.secret ?? randomBytes(32).toString('base64url'),
    user: options.user ?? 'tieout',
    audience: options.audience ?? 'url',
    tokenSeconds: options.tokenSeconds ?? 600,
    basic: options.basic,
  }
  const door = createSoapDoor(
    {
      books: options.books,
      now: clock.now,
      origin: () => new URL(state.url).origin,
      refused: (authorization) => checkAuthorization(authorization, { ...settings, url: state.url }, clock.now()),
    },
    options.soap,
  )
  door.setFaults(options.faults)
  const custom = createCustom(door.service.journals, options.custom ?? {})
  const api1 = createApi1Door(
    {
      ...{ now: clock.now, origin: () => new URL(state.url).origin, basic: options.basic },
      folder: (name) => folders.get(name),
      listed: (where) => door.noteLook(/'([^']{8,})'/.exec(where)?.[1]),
    },
    options.api1,
  )
  api1.setFaults(options.faults)
  const state: X3State = {
    ...{
      schema,
      prepare,
      clock,
      settings,
      folders,
      defaultFolder,
      door,
      custom,
      api1,
      keepReplies: options.keepReplies ?? false,
    },
    stats: { requests: 0, byNode: {}, byStatus: {}, ambushes: 0, last: [] },
    kept: new Map(),
    expired: new Set(),
    faults: options.faults,
    latencyMs: options.latencyMs ?? 0,
    url: '',
  }
  return state
}
