/** Which doors of a server answer, asked without a login. */
import { dispatcherOf } from '../../../vendor/dispatcher.ts'
import { bytesOf, exchange } from '../../../vendor/http.ts'
import { LOGIN_BYTES } from '../../../vendor/limits.ts'
import type { ReportLine } from '../../../vendor/report.ts'
import type { Route } from '../../../vendor/route.ts'
import { apiUrlOf } from './http.ts'

const PATIENCE_MS = 5000
const ENDPOINTS = '/api1/syracuse/collaboration/syracuse/endPoints?representation=endPoints.$query&count=1'

interface Asked {
  readonly door: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly body?: string
  /** What an answer says of the door; undefined: it is not there. */
  readonly means: (status: number, text: string) => string | undefined
}

const DOORS: readonly Asked[] = [
  {
    ...{ door: 'GraphQL', path: '/xtrem/api', method: 'POST', body: '{"query":"{__typename}"}' },
    means: (status) =>
      status === 401
        ? 'wants a token of a connected application, or user and password; then it says which generation it is, and what is missing for each entity'
        : status === 200
          ? 'answers without a login'
          : undefined,
  },
  {
    ...{ door: 'REST api1', path: ENDPOINTS, method: 'GET' },
    means: (status) =>
      status === 401 || status === 403
        ? 'wants user and password; then it says what the site publishes, and what is missing for each entity'
        : status === 200
          ? 'answers without a login'
          : undefined,
  },
  {
    ...{ door: 'The cloud gateway', path: '/v1', method: 'GET' },
    means: (status, text) =>
      status === 200 && /"authorise"/.test(text) ? 'answers: choose the login cloud, and pair' : undefined,
  },
  {
    ...{
      door: 'Web services (SOAP)',
      path: '/soap-generic/syracuse/collaboration/syracuse/CAdxWebServiceXmlCC',
      method: 'GET',
    },
    means: (status) =>
      status === 401 || status === 405 || status === 200 ? 'answer; they are for posting' : undefined,
  },
]

/** A line for each door: whether it answers, and which login it wants. */
export async function probeDoors(address: string, route: Route, signal: AbortSignal): Promise<ReportLine[]> {
  const { origin } = apiUrlOf(address)
  const dispatcher = dispatcherOf(route, { timeoutMs: PATIENCE_MS, connections: DOORS.length })
  try {
    return await Promise.all(
      DOORS.map(async ({ door, path, method, body, means }) => {
        const said = await exchange(
          {
            ...{ url: origin + path, method, body, dispatcher, signal, idleMs: PATIENCE_MS, totalMs: PATIENCE_MS },
            headers: { 'content-type': 'application/json', accept: 'application/json' },
          },
          async (reply) => means(reply.status, (await bytesOf(reply, LOGIN_BYTES)).toString('utf8')),
        ).catch(() => undefined)
        signal.throwIfAborted()
        return { ok: said !== undefined, text: `${door} ${said ?? 'does not answer at this address'}.` }
      }),
    )
  } finally {
    await dispatcher.destroy()
  }
}
