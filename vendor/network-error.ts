/** Why a line to an ERP failed: no answer at all, or the middle of one. Reading changes nothing, so it may be tried again. */
import { type ErrorClass, isSyncError, type SyncError, syncError } from '../sync/contract/errors.ts'
import { errorCode } from './causes.ts'
import { type Destination, wayError } from './fault.ts'
import { isOverLimit, type OverLimit } from './limits.ts'

/** In which words a vendor's connection names its settings. */
export interface ConnectionWords {
  /** Begins the codes of its errors: `x3`. */
  readonly prefix: string
  readonly vendor: string
  /** What to check where the host is not found or refuses. */
  readonly addressHint: string
  readonly refusedHint: string
  readonly slowHint: string
  /** What an answer over a limit of bytes or depth asks for: whoever asks for pages asks for smaller ones first. */
  readonly sizeClass: ErrorClass
  readonly sizeHint: string
}

/**
 * A failure of the line itself or of a limit, as an error of the right class; one that has a class already stays what it is.
 *
 * @param what what was asked for; begins the message
 * @param timeoutMs how long silence was borne
 */
export async function connectionError(
  error: unknown,
  words: ConnectionWords,
  {
    url,
    route,
    what,
    timeoutMs,
  }: Pick<Destination, 'url' | 'route'> & { readonly what: string; readonly timeoutMs: number },
): Promise<SyncError> {
  if (isSyncError(error)) return error
  if (isOverLimit(error)) return limitError(error, words, what)
  const { prefix, vendor, addressHint: address } = words
  const way = await wayError(error, { vendor, url, route, address }, prefix, what)
  if (way) return way
  const host = URL.canParse(String(url)) ? new URL(url).host : String(url).slice(0, 100)
  const name = error instanceof Error ? error.name : ''
  const code = errorCode(error)
  const make = (cls: ErrorClass, id: string, said: string, hint: string): SyncError =>
    syncError(cls, `${prefix}.${id}`, `${what}: ${said}`, { vendorCode: code || name, hint })
  const unreached = (cls: ErrorClass, why: string, hint: string): SyncError =>
    make(cls, code, `${host} cannot be reached: ${why}`, hint)
  if (code.includes('TIMEOUT'))
    return make('transient', 'timeout', `${host} was silent for ${Math.round(timeoutMs / 1000)} s`, words.slowHint)
  switch (code) {
    case 'ECONNREFUSED':
      return unreached('transient', 'nothing listens there', words.refusedHint)
    case 'ERR_INVALID_URL':
      return unreached('config', 'the address is no URL', `${words.addressHint}.`)
    default: {
      const broken = brokenReply(error)
      return make(
        'transient',
        'network',
        broken ? `the answer of ${host} ${broken}` : `the connection to ${host} broke (${code || name || 'unknown'})`,
        `If it stays: check network, firewall and proxy between here and ${vendor}.`,
      )
    }
  }
}

/** An answer that was given up, as an error of the right class. */
export function limitError(
  { limit, message }: OverLimit,
  { prefix, vendor, sizeClass, sizeHint }: Pick<ConnectionWords, 'prefix' | 'vendor' | 'sizeClass' | 'sizeHint'>,
  what: string,
): SyncError {
  const said = `${what}: the answer of ${vendor} ${message}`
  if (limit === 'time') return syncError('transient', `${prefix}.timeout`, said, { hint: tooSlowHint(vendor) })
  return syncError(sizeClass, `${prefix}.${limit === 'depth' ? 'depth' : 'too-large'}`, said, { hint: sizeHint })
}

/** What to do about an answer that did not end in its time. */
export const tooSlowHint = (vendor: string): string =>
  `If the line is that slow, raise "Whole request at most" on the connection or ask for less at a time. Otherwise something between here and ${vendor} (a proxy) lets its answers drip.`

/** What is wrong with an answer that is none by the rules of HTTP; completes *the answer of X3 ...*. */
export function brokenReply(error: unknown): string | undefined {
  const code = errorCode(error)
  if (/HEADERS?_OVERFLOW$/.test(code)) return 'has a head of more than 16 kB and was not read'
  const isParser = code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')
  if (!isParser) return undefined
  return `is no HTTP (${/\(([^()]+)\)$/.exec((error as Error).message)?.[1] ?? code})`
}
