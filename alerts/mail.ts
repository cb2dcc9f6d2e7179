/** Messages by mail. */
import { createTransport } from 'nodemailer'
import { type ErrorClass, isSyncError, type SyncError, syncError } from '../sync/contract/errors.ts'
import { oneLine } from '../vendor/answers.ts'
import { orAborted } from '../vendor/attempts.ts'
import { wayError } from '../vendor/fault.ts'
import { secureContext } from '../vendor/tls.ts'
import { mailForm } from './forms.ts'
import { type MailWay, type Outgoing, type Way, wrong } from './way.ts'

type Mail = Extract<Way, MailWay>

/** At this port TLS begins with the connection, at any other after STARTTLS. */
const IMPLICIT_TLS = 465

export async function sendMail(way: Mail, { id, message, to }: Outgoing, signal: AbortSignal): Promise<void> {
  complete(way)
  if (to.length === 0) throw wrong('to', 'Mail: there is no address to send to')
  const { subject, text, html } = mailForm(message)
  const host = /@([^@>\s]+)>?$/.exec(way.from)?.[1] ?? 'tieout.local'
  await withServer(way, signal, 'Sending mail', (server) =>
    server.sendMail({
      ...{ from: way.from, to: [...to], subject, text, html, messageId: `<${id}@${host}>` },
      // No machine answers it with a note of absence.
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      ...{ disableFileAccess: true, disableUrlAccess: true },
    }),
  )
}

/** Connects, greets and logs in; sends nothing. */
export async function checkMail(way: Mail, signal: AbortSignal): Promise<string> {
  await withServer(way, signal, 'Testing the mail server', (server) => server.verify())
  const as = way.user ? `as ${way.user}` : 'without a login'
  return `Reached the mail server ${way.host}:${way.port} ${as}, ${way.noTls ? 'without TLS' : 'with TLS'}`
}

/** Throws where a field of the channel is missing. */
function complete(way: Mail): void {
  if (way.host === '') throw wrong('host', 'Mail server: it is missing')
  if (!/^[^@\s]+@[^@\s]+$|<[^@\s<>]+@[^@\s<>]+>$/.test(way.from))
    throw wrong('from', 'From: it is no address such as tieout@example.com')
}

async function withServer<T>(
  way: Mail,
  signal: AbortSignal,
  what: string,
  work: (server: ReturnType<typeof serverOf>) => Promise<T>,
): Promise<T> {
  complete(way)
  const server = serverOf(way)
  const end = AbortSignal.any([signal, AbortSignal.timeout(way.totalMs)])
  try {
    return await orAborted(work(server), end)
  } catch (error) {
    signal.throwIfAborted()
    throw await mailError(error, way, what)
  } finally {
    server.close()
  }
}

function serverOf({ host, port, noTls, user, password, route, timeoutMs }: Mail) {
  const context = secureContext(route)
  return createTransport({
    ...{ host, port, secure: !noTls && port === IMPLICIT_TLS, requireTLS: !noTls, ignoreTLS: noTls },
    ...(user ? { auth: { user, pass: password } } : {}),
    ...(context ? { tls: { secureContext: context } } : {}),
    ...(route.proxy ? { proxy: route.proxy } : {}),
    ...{ connectionTimeout: Math.min(timeoutMs, 30_000), greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
  })
}

interface Failed {
  readonly code?: string
  readonly responseCode?: number
  readonly response?: string
  readonly message?: string
}

/** What the mail server said, or why it did not. */
async function mailError(error: unknown, way: Mail, what: string): Promise<SyncError> {
  if (isSyncError(error)) return error
  const { host, port, route } = way
  const { code = '', responseCode, response = '', message = '' } = error as Failed
  const make = (cls: ErrorClass, id: string, said: string, hint: string): SyncError =>
    syncError(cls, `alert.${id}`, `${what}: ${said}.`, { ...(code && { vendorCode: code }), hint })
  const answer = response ? ` (${oneLine(response)})` : ''
  if (code === 'EAUTH')
    return make(
      'auth',
      'login',
      `${host} refuses the login of ${way.user}${answer}`,
      'Check user and password of the alert channel; some servers ask for a password of its own for programs.',
    )
  if (code === 'ETLS' && /STARTTLS/i.test(message))
    return make(
      'config',
      'tls',
      `${host}:${port} offers no TLS`,
      'Take another port (587 or 465), or tick "No TLS" if the line to it is safe.',
    )
  if (/certificate|altname/i.test(message))
    return make(
      'config',
      'tls',
      `the certificate of ${host}:${port} is not trusted (${oneLine(message)})`,
      'Put the certificate of the authority that signed it (PEM) into "Own CA" on the alert channel, and name the server as its certificate does.',
    )
  if (responseCode !== undefined) {
    const later = responseCode < 500
    return make(
      later ? 'transient' : 'config',
      String(responseCode),
      `${host} ${later ? 'does not take it now' : 'refuses it'}${answer}`,
      later ? 'It is tried again.' : 'Check the addresses, and whether this sender may send there.',
    )
  }
  // Directly over TLS also where it begins later: by its certificate the error says what is wrong.
  const url = `${way.noTls ? 'http' : 'https'}://${host}:${port}`
  const found = await wayError(
    error,
    { vendor: 'the mail server', url, route, address: 'Check the mail server' },
    'alert',
    what,
  )
  if (found) return found
  const silent = code === 'ETIMEDOUT' || (error as Error).name === 'TimeoutError'
  return make(
    'transient',
    silent ? 'timeout' : 'network',
    `${host}:${port} ${silent ? 'gave no answer in time' : `cannot be reached (${oneLine(message) || code})`}`,
    'Check host, port and firewall; port 465 speaks TLS at once, 587 and 25 after STARTTLS.',
  )
}
