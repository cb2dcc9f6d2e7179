/** The web services over HTTP: description, operations, the pool of sessions, and what can go wrong with a request. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultPlan, SiteFaults } from '../../faults.ts'
import { DropNow, deliver, type Exchange, meetFault, type Refusals, type Reply, ReplyNow } from '../../http.ts'
import { SoapFault, writeFault } from './envelope.ts'
import { createSoapService, type SoapOptions, type SoapService } from './service.ts'
import { wsdl } from './wsdl.ts'

export interface PoolOptions {
  /** Requests that are worked on at a time, 4. Others wait in the order of their arrival. */
  readonly sessions?: number
  /** ms that a request waits for a session before it is given up, 10,000. */
  readonly waitMs?: number
  /** ms that a request takes of its session, 0. */
  readonly workMs?: number
  /** ms by which what a `timeout` leaves behind is committed after the connection was dropped, 0: before. */
  readonly lateCommitMs?: number
}

/** What was committed when its client was gone. */
export interface LateCommit {
  /** Questions for what stands in it, between its coming and its commit. */
  readonly looks: number
}

export interface SoapDoor {
  readonly service: SoapService
  lateCommits(): readonly LateCommit[]
  /** A reference is looked up by another door. */
  noteLook(asked: string | undefined): void
  /** Whether the path is one of the web services. */
  isMine(path: string): boolean
  answer(request: IncomingMessage, response: ServerResponse, text: string): Promise<void>
  setFaults(plan: FaultPlan | undefined): void
  /** What is still to be committed is not. */
  close(): void
}

const NAME = 'collaboration/syracuse/CAdxWebServiceXmlCC'
export const SOAP_PATH = `/soap-generic/syracuse/${NAME}`
const WSDL_PATH = `/soap-wsdl/syracuse/${NAME}`

/**
 * Requests that write, and those that look. No flow sends any yet: a plan for flows is made without them, since its order hangs
 * on all its sites.
 */
/** Of what writes. */
export const SAVE_SITES: Readonly<Record<string, SiteFaults>> = {
  'soap:save': {
    kinds: [
      'unauthorized',
      'server-error',
      'unavailable',
      'timeout',
      'reset-before',
      'reset-after',
      'error-after',
      'cut-body',
      'broken-body',
      'slow',
    ],
  },
}

export const SOAP_SITES: Readonly<Record<string, SiteFaults>> = {
  ...SAVE_SITES,
  'soap:look': {
    kinds: ['unauthorized', 'server-error', 'unavailable', 'timeout', 'reset-before', 'cut-body', 'slow'],
  },
}

const xml = (status: number, body: string): Reply => ({
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: Buffer.from(body),
})
const fault = (message: string): Reply => xml(500, writeFault(new SoapFault('Server', message)))
const text = (status: number, body: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body: Buffer.from(body),
})

const REFUSALS: Refusals = {
  expired: () => text(401, 'Unauthorized'),
  unauthorized: () => text(401, 'Unauthorized'),
  throttled: (wait) => text(429, 'Too many requests', wait),
  serverError: () => fault('Internal error'),
  unavailable: (wait) => text(503, 'Service Unavailable', wait),
}

const NO_FAULTS: Pick<FaultPlan, 'delays'> = { delays: { slowMs: 0, timeoutMs: 0, retryAfterSeconds: 0 } }

export function createSoapDoor(
  given: Parameters<typeof createSoapService>[1] & {
    /** Where the server listens. */
    readonly origin: () => string
    /** The text of a 401; undefined: the caller may pass. */
    readonly refused: (authorization: string | undefined) => string | undefined
  },
  options: SoapOptions & PoolOptions = {},
): SoapDoor {
  const { sessions = 4, waitMs = 10_000, workMs = 0, lateCommitMs = 0 } = options
  const service = createSoapService(options, given)
  const pool = createPool(sessions, waitMs)
  const late = new AbortController()
  let faults: FaultPlan | undefined

  const commits: LateCommit[] = []
  const waiting = new Set<{ readonly body: string; looks: number }>()

  /** What a request whose connection is gone leaves behind. */
  const commitLate = (body: string, timeoutMs: number): void => {
    const one = { body, looks: 0 }
    waiting.add(one)
    delay(timeoutMs + lateCommitMs, undefined, { signal: late.signal }).then(
      () => {
        waiting.delete(one)
        service.handle(body)
        commits.push({ looks: one.looks })
      },
      () => undefined,
    )
  }
  const noteLook = (asked: string | undefined): void => {
    for (const one of waiting) if (asked !== undefined && one.body.includes(asked)) one.looks++
  }

  const replyTo = async (body: string, exchange: Exchange): Promise<Reply> => {
    const site = service.operationOf(body) === 'save' ? 'soap:save' : 'soap:look'
    if (faults) await meetFault(faults, site, exchange, REFUSALS)
    if (site === 'soap:look') noteLook(/<value[^>]*>([^<]{8,})</.exec(body)?.[1])
    const leave = await pool.enter()
    if (!leave) return fault('No session of the pool is free')
    try {
      if (workMs > 0) await delay(workMs)
      if (exchange.aftermath === 'timeout' && lateCommitMs > 0 && faults) {
        commitLate(body, faults.delays.timeoutMs)
        return fault('')
      }
      const { status, body: answer } = service.handle(body)
      return xml(status, answer)
    } finally {
      leave()
    }
  }

  return {
    service,
    lateCommits: () => commits,
    noteLook,
    isMine: (path) => path === SOAP_PATH || path === WSDL_PATH,
    async answer(request, response, body) {
      const path = new URL(request.url ?? '/', 'http://x3').pathname
      const exchange: Exchange = { aftermath: undefined, revoke: () => undefined }
      const plan = (faults ?? NO_FAULTS) as FaultPlan
      response.setHeader('date', new Date(given.now()).toUTCString())
      try {
        const refused = given.refused(request.headers.authorization)
        if (refused) return await deliver(response, text(401, refused), exchange, plan, REFUSALS)
        if (path === WSDL_PATH)
          return await deliver(response, xml(200, wsdl(given.origin() + SOAP_PATH)), exchange, plan, REFUSALS)
        if (request.method !== 'POST') return await deliver(response, text(405, 'POST'), exchange, plan, REFUSALS)
        await deliver(response, await replyTo(body, exchange), exchange, plan, REFUSALS)
      } catch (error) {
        if (error instanceof ReplyNow) await deliver(response, error.reply, exchange, plan, REFUSALS)
        else if (error instanceof DropNow) request.socket.destroy()
        else throw error
      }
    },
    setFaults(plan) {
      faults = plan
    },
    close: () => late.abort(),
  }
}

/** Sessions of a pool: `enter` gives the way out of one, or undefined after the wait. */
function createPool(sessions: number, waitMs: number) {
  let free = sessions
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return {
    async enter(): Promise<(() => void) | undefined> {
      if (free > 0) {
        free -= 1
        return leave
      }
      return await new Promise((resolve) => {
        const take = (): void => {
          clearTimeout(timer)
          resolve(leave)
        }
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(take), 1)
          resolve(undefined)
        }, waitMs)
        waiting.push(take)
      })
    },
  }
}
