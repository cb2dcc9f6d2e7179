/** Every kind of refusal that Basware gives, in words, as an error of the right class. */
import { type ErrorCause, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { oneLine } from '../../../vendor/answers.ts'
import type { OverLimit } from '../../../vendor/limits.ts'
import { type ConnectionWords, connectionError, limitError } from '../../../vendor/network-error.ts'

/** A reply as it came, whatever its status. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  /** Basware's own id of the request, which no proxy puts on its pages. */
  readonly requestId: string | undefined
  readonly retryAfterMs: number | undefined
  readonly body: Buffer
}

type Details = Omit<ErrorCause, 'class' | 'code'>

export const isHtml = ({ contentType, body }: Answer): boolean =>
  contentType.includes('html') || /^\s*<(?:!doctype|html)/i.test(body.toString('utf8', 0, 200))

/** What the errors of a body say, each with its code and record: `{errors: [{code, message, info, externalCode}]}`. */
export function reasonsIn(body: Buffer): { readonly code: string; readonly text: string } {
  const json = parsed(body)
  if (typeof json !== 'object' || json === null) return { code: '', text: '' }
  const { errors, message, error, error_description: description } = json as Record<string, unknown>
  const list = (Array.isArray(errors) ? errors : []).filter((one) => typeof one === 'object' && one !== null)
  const texts = list.map((one: Record<string, unknown>) =>
    [one.code, one.message, one.info].filter((part) => typeof part === 'string' && part !== '').join(': '),
  )
  const code = String(list[0]?.code ?? error ?? '')
  const plain = [error, description, message].filter((part) => typeof part === 'string').join(': ')
  return { code: code.slice(0, 100), text: oneLine(texts.length > 0 ? texts.join('; ') : plain) }
}

/** What a refusal says of one of the records that were sent. */
export interface RecordFault {
  readonly externalCode: string
  readonly code: string
  readonly text: string
}

/** The records that a refusal names. */
export function faultsIn(body: Buffer): readonly RecordFault[] {
  const { errors } = (parsed(body) ?? {}) as { readonly errors?: unknown }
  return (Array.isArray(errors) ? errors : []).flatMap((one: unknown) => {
    const { externalCode, code, message, info } = (one ?? {}) as Record<string, unknown>
    if (typeof externalCode !== 'string' || externalCode === '') return []
    const text = [message, info].filter((part) => typeof part === 'string' && part !== '').join(': ')
    return [{ externalCode, code: typeof code === 'string' ? code : '', text: oneLine(text) }]
  })
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/**
 * A reply that is no success. `scope`: what the request needs. Where it was to change something and may have
 * (a 5xx, a page in its place), the class is `unknown-outcome`.
 */
export function answerError(answer: Answer, what: string, scope: string, changes: boolean): SyncError {
  const { status, requestId, retryAfterMs } = answer
  const { code, text } = reasonsIn(answer.body)
  const details: Details = {
    httpStatus: status,
    ...(code ? { vendorCode: code } : {}),
    ...(text ? { vendorText: text } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  const said = `(HTTP ${status})${text ? `: ${text}` : ''}`
  if (status === 429 || (status === 503 && retryAfterMs !== undefined))
    return syncError('throttled', `basware.${status}`, `${what}: Basware asks to wait ${said}`, {
      ...details,
      hint: 'It is asked again. If it stays: fewer requests a second on the connection.',
    })
  if (status === 401 || status === 403) return rightError(status, what, scope, said, details)
  if (status >= 500 || status === 408)
    return syncError(
      changes ? 'unknown-outcome' : 'transient',
      `basware.${status}`,
      `${what}: Basware failed ${said}`,
      {
        ...details,
        hint: 'If it stays: tell the support of Basware the time and what was asked for.',
      },
    )
  if (requestId === undefined && (status === 404 || status === 405)) return strangerError(status, what, details)
  if (isHtml(answer)) return pageError(answer, what, details)
  return syncError('config', `basware.${status}`, `${what}: Basware refused the request ${said}`, {
    ...details,
    hint: 'Nothing was changed by it. The text says what was wrong; if it says nothing, ask the support of Basware.',
  })
}

function rightError(status: number, what: string, scope: string, said: string, details: Details): SyncError {
  return syncError(status === 401 ? 'auth' : 'config', 'basware.right', `${what}: Basware refuses access ${said}`, {
    ...details,
    hint: `Check client ID and secret (or user and password), that the address is that of the tenant's region, and that the client was given ${scope}.`,
  })
}

/** A reply without Basware's request id says nothing about Basware: it comes from whatever else answers there. */
export const strangerError = (status: number, what: string, details: Details = { httpStatus: status }): SyncError =>
  syncError('config', 'basware.address', `${what}: what answers there (HTTP ${status}) is not Basware's API`, {
    ...details,
    hint: 'The reply lacks the request id that Basware puts on each of its own. Check API address; a proxy may answer too.',
  })

/** A web page in the place of data. */
export function pageError({ status, body, retryAfterMs }: Answer, what: string, details: Details = {}): SyncError {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(body.toString('utf8', 0, 5000))?.[1]
  const { vendorText: _page, ...rest } = details
  return syncError(
    retryAfterMs === undefined ? 'transient' : 'throttled',
    'basware.html',
    `${what}: a web page came instead of Basware's data (HTTP ${status})`,
    {
      ...{ ...rest, httpStatus: status },
      ...(title === undefined ? {} : { vendorText: oneLine(title) }),
      hint: 'A proxy, a login page or a maintenance page stands before Basware. If it stays, check API address and proxy.',
    },
  )
}

/** A body that is cut or not what the contract says. */
export const bodyError = (what: string, why: string): SyncError =>
  syncError('transient', 'basware.body', `${what}: the answer of Basware ${why}`, {
    hint: 'It is asked for again. If it stays: something between here and Basware alters its answers, or Basware changed them.',
  })

const LINE: ConnectionWords = {
  prefix: 'basware',
  vendor: 'Basware',
  addressHint: 'Check API address',
  refusedHint: 'Check the address, and the firewall of this machine.',
  slowHint: 'If it stays: choose a smaller page size or a longer time-out, and look whether Basware has an outage.',
  sizeClass: 'config',
  sizeHint:
    'It is asked for in smaller pages; a single invoice that is over the limit is held. If it stays: find out what alters the answers of Basware.',
}

/** An answer that was given up since it is over a limit. */
export const tooMuch = (over: OverLimit, what: string): SyncError => limitError(over, LINE, what)

/** Nothing of the request can have been done: no connection came about, or it was led elsewhere. */
const NOT_DONE = /^basware\.(tls|dns|proxy|redirect|url)$/
const NOT_CONNECTED = /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

/** A failure of the line. Where the request was to change something and may have arrived, the class is `unknown-outcome`. */
export async function networkError(
  error: unknown,
  at: Parameters<typeof connectionError>[2],
  changes: boolean,
): Promise<SyncError> {
  const known = await connectionError(error, LINE, at)
  if (!changes || NOT_DONE.test(known.code) || NOT_CONNECTED.test(known.cause.vendorCode ?? '')) return known
  const { class: _class, code, ...details } = known.cause
  return syncError('unknown-outcome', code, known.message, details)
}
