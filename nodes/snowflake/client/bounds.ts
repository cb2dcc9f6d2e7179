/**
 * Bounds for the driver's own requests, which has none for bytes, depth and time in all, and no own CA: its one axios instance
 * takes them
 * (driver 3.3.0, lib/http/axios_instance.js; checked by the contract tests against the pinned version). What it sends to the
 * storage of a stage goes by the clouds' own clients and is not bounded here.
 */
import type { SecureContext } from 'node:tls'
import { checkJson, HARMLESS_BYTES } from '../../../vendor/json.ts'
import { isOverLimit, MEGABYTE, overBytes, overTime, REPLY_BYTES, TOTAL_MS } from '../../../vendor/limits.ts'

/** Parts of a result come from elsewhere, and Snowflake may make them as large as 160 MB (CLIENT_RESULT_CHUNK_SIZE). */
const RESULT_BYTES = 256 * MEGABYTE

/** What is touched of axios. */
interface Sent {
  readonly url?: string
  readonly httpsAgent?: Trusting
  maxRedirects?: number
  signal?: AbortSignal | undefined
  maxContentLength?: number
}
/** The driver's agent; `connectOpts`: of one that goes through a proxy. */
interface Trusting {
  readonly options: { secureContext?: SecureContext }
  readonly connectOpts?: { secureContext?: SecureContext }
}
interface Answered {
  readonly config: Sent
  readonly data?: unknown
}
interface Axios {
  readonly interceptors: {
    readonly request: { use(sending: (sent: Sent) => Sent): void }
    readonly response: { use(came: (answered: Answered) => Answered, failed: (error: unknown) => never): void }
  }
}

interface Bounds {
  /** Longest time of a request in all, with what the driver itself tries again. */
  readonly totalMs: number
  /** Whom the account's own address is to be trusted by. */
  readonly trust: SecureContext | undefined
}

const accounts = new Map<string, Bounds>()
let bounded: Promise<void> | undefined

/** `accessUrl`: the account's address. */
export async function boundRequests(accessUrl: string, bounds: Bounds): Promise<void> {
  accounts.set(new URL(accessUrl).host, bounds)
  bounded ??= bound()
  await bounded
}

async function bound(): Promise<void> {
  const { default: inner } = await import('snowflake-sdk/dist/lib/http/axios_instance.js')
  const { interceptors } = ((inner as { default?: unknown }).default ?? inner) as Axios
  const ends = new WeakMap<Sent, { readonly signal: AbortSignal; readonly timer: NodeJS.Timeout }>()
  interceptors.request.use((sent) => {
    const host = URL.canParse(sent.url ?? '') ? new URL(sent.url ?? '').host : ''
    const account = accounts.get(host)
    const totalMs = account?.totalMs ?? TOTAL_MS
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(overTime(totalMs)), totalMs).unref()
    sent.signal = AbortSignal.any([end.signal, ...(sent.signal ? [sent.signal] : [])])
    sent.maxContentLength = account ? REPLY_BYTES : RESULT_BYTES
    // Statements and tokens go to the account alone; parts of a result lie where Snowflake says.
    if (account) sent.maxRedirects = 0
    for (const options of [sent.httpsAgent?.options, sent.httpsAgent?.connectOpts])
      if (options && account?.trust) options.secureContext = account.trust
    ends.set(sent, { signal: end.signal, timer })
    return sent
  })
  interceptors.response.use(
    (answered) => {
      clearTimeout(ends.get(answered.config)?.timer)
      const { data } = answered
      if (typeof data === 'string' && data.length > HARMLESS_BYTES) checkJson(Buffer.from(data))
      return answered
    },
    (error) => {
      const { config, message } = error as { config?: Sent; message?: string }
      const end = config && ends.get(config)
      clearTimeout(end?.timer)
      if (isOverLimit(end?.signal.reason)) throw end.signal.reason
      const most = /^maxContentLength size of (\d+) exceeded/.exec(message ?? '')?.[1]
      throw most === undefined ? error : overBytes(Number(most))
    },
  )
}
