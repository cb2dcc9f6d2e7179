/** Sends one message by whatever way. */
import { type SyncError, syncError } from '../sync/contract/errors.ts'
import { sendHook } from './hook.ts'
import { checkMail, sendMail } from './mail.ts'
import { hookUrl, type Outgoing, type Way } from './way.ts'

/** Sends one message, once. Throws a `SyncError` without the secrets of the way. */
export async function send(way: Way, outgoing: Outgoing, signal: AbortSignal): Promise<void> {
  try {
    if (way.kind === 'mail') await sendMail(way, outgoing, signal)
    else await sendHook(way, outgoing, signal)
  } catch (error) {
    throw withoutSecrets(error as SyncError, way)
  }
}

/** What *Test connection* says of it; nothing is sent. */
export async function check(way: Way, signal: AbortSignal): Promise<string> {
  if (way.kind !== 'mail') {
    const { host, protocol } = hookUrl(way)
    return `Messages will go to ${host}${protocol === 'http:' ? ', without TLS' : ''}. Only a message tells whether they arrive: Send a test in sync-alert.`
  }
  try {
    return await checkMail(way, signal)
  } catch (error) {
    throw withoutSecrets(error as SyncError, way)
  }
}

function withoutSecrets(error: SyncError, way: Way): SyncError {
  const secrets =
    way.kind === 'mail' ? [way.password, Buffer.from(way.password).toString('base64')] : secretsOf(way.url)
  const hide = (text: string): string =>
    secrets.reduce((left, secret) => (secret.length < 4 ? left : left.replaceAll(secret, '•••')), text)
  const { hint, ...cause } = error.cause ?? { class: 'config', code: 'alert.failed' }
  return syncError(cause.class, cause.code, hide(error.message), { ...(hint ? { hint: hide(hint) } : {}) })
}

/** The address, and the parts of it that let anybody in. */
function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return [url]
  const { href, pathname, search } = new URL(url)
  return [url, href, `${pathname}${search}`, pathname, search].filter((text) => text.length > 1)
}
