/** Why a line to an ERP failed: no answer at all, or the middle of one. Reading changes nothing, so it may be tried again. */
import { type ErrorClass, type SyncError, syncError } from './errors.ts'

/** In which words a vendor's connection names its settings. */
export interface Line {
  /** Begins the codes of its errors: `x3`. */
  readonly prefix: string
  readonly vendor: string
  /** What to check where the host is not found or refuses. */
  readonly addressHint: string
  readonly refusedHint: string
  readonly slowHint: string
  readonly certificateHint: string
}

const TLS = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|SSL|TLS/

/**
 * A failure of the line itself, as an error of the right class.
 *
 * @param what what was asked for; begins the message
 * @param timeoutMs how long the answer was waited for
 */
export function lineError(
  error: unknown,
  line: Line,
  { host, what, timeoutMs }: { readonly host: string; readonly what: string; readonly timeoutMs: number },
): SyncError {
  const { prefix, vendor } = line
  const name = error instanceof Error ? error.name : ''
  const code = errorCode(error)
  const make = (cls: ErrorClass, id: string, said: string, hint: string): SyncError =>
    syncError(cls, `${prefix}.${id}`, `${what}: ${said}`, { vendorCode: code || name, hint })
  const unreached = (cls: ErrorClass, why: string, hint: string): SyncError =>
    make(cls, code, `${host} cannot be reached: ${why}`, hint)
  if (name === 'TimeoutError' || code.includes('TIMEOUT'))
    return make(
      'transient',
      'timeout',
      `no whole answer from ${host} within ${Math.round(timeoutMs / 1000)} s`,
      line.slowHint,
    )
  if (TLS.test(code))
    return make('config', 'tls', `the certificate of ${host} is not trusted (${code})`, line.certificateHint)
  switch (code) {
    case 'ECONNREFUSED':
      return unreached('transient', 'nothing listens there', line.refusedHint)
    case 'ENOTFOUND':
      return unreached('config', 'the host name is unknown', `${line.addressHint} and the DNS of this machine.`)
    case 'EAI_AGAIN':
      return unreached('transient', 'the name service does not answer', 'Check the DNS of this machine.')
    case 'ERR_INVALID_URL':
      return unreached('config', 'the address is no URL', `${line.addressHint}.`)
    default:
      return make(
        'transient',
        'network',
        `the connection to ${host} broke (${code || name || 'unknown'})`,
        `If it stays: check network, firewall and proxy between here and ${vendor}.`,
      )
  }
}

/** The code of an error or of what caused it. */
export function errorCode(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof AggregateError && at.errors.length > 0) return errorCode(at.errors[0])
    const code = (at as { code?: unknown }).code
    if (typeof code === 'string') return code
  }
  return ''
}
