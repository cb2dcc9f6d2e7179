/** The Authorization header: HTTP Basic, or a token by client credentials, renewed ahead and by one request at a time. */
import { z } from 'zod'
import { type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { answerError, isHtml, pageError, reasonsIn } from './errors.ts'
import type { Received } from './http.ts'
import { type BaswareAuth, SCOPES, type ScopeGroup } from './options.ts'

/** Of its life, after which a token is renewed. */
const SHARE = 0.8

const tokenReply = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().default(3600),
  scope: z.string().optional(),
})

/** Sends the form of a token request with the given Authorization; one request, no retry. */
export type AskToken = (form: string, authorization: string, signal: AbortSignal) => Promise<Received>

export interface Credentials {
  /** Value of the header for requests that need scopes of this group; callers at the same time share one token request. */
  header(group: ScopeGroup, signal: AbortSignal): Promise<string>
  /** Forgets the token that a reply refused, if it is still the one in use. Gives whether another can be had. */
  forget(group: ScopeGroup, refused: string): boolean
  /** Asks for a token with one scope only; gives whether it was given. Throws where no token is to be had at all. */
  granted(scope: string, signal: AbortSignal): Promise<boolean>
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** `expires_in` is taken in seconds: where a tenant means minutes, a token is only renewed more often. */
export function credentials(auth: BaswareAuth, ask: AskToken, now: () => number): Credentials {
  if (auth.kind === 'basic') {
    const header = basic(auth.user, auth.password)
    return { header: async () => header, forget: () => false, granted: async () => true }
  }
  const current = new Map<ScopeGroup, { readonly header: string; readonly renewAt: number }>()
  const pending = new Map<ScopeGroup, Promise<string>>()

  const request = async (scopes: readonly string[], signal: AbortSignal) => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', scope: scopes.join(' ') })
    const what = `Token for ${auth.clientId}`
    return tokenIn(await ask(form.toString(), basic(auth.clientId, auth.clientSecret), signal), what)
  }
  const renew = async (group: ScopeGroup, signal: AbortSignal): Promise<string> => {
    const asked = now()
    const { access_token: token, expires_in: seconds } = await request(SCOPES[group], signal)
    const header = `Bearer ${token}`
    current.set(group, { header, renewAt: asked + seconds * 1000 * SHARE })
    return header
  }
  return {
    async header(group, signal) {
      const known = current.get(group)
      if (known && now() < known.renewAt) return known.header
      const one = pending.get(group) ?? renew(group, signal).finally(() => pending.delete(group))
      pending.set(group, one)
      return one
    },
    forget(group, refused) {
      if (current.get(group)?.header === refused) current.delete(group)
      return true
    },
    async granted(scope, signal) {
      try {
        return ((await request([scope], signal)).scope ?? scope).split(' ').includes(scope)
      } catch (error) {
        if ((error as SyncError).code === 'basware.invalid_scope') return false
        throw error
      }
    },
  }
}

/** What the OAuth error codes mean here (RFC 6749, 5.2). */
const HINTS: Readonly<Record<string, string>> = {
  invalid_client:
    'Client ID or secret is wrong, or belongs to another region, or to production where this is the test system. Both come from Basware.',
  invalid_scope: 'The client was not given one of the scopes. Test connection says which; Basware grants them.',
  unauthorized_client: 'The client may not get tokens this way: ask Basware.',
  invalid_request: 'Check client ID, secret and API address.',
}

function tokenIn(reply: Received, what: string): z.output<typeof tokenReply> {
  const { status, body } = reply
  if (status >= 200 && status < 300) {
    const found = isHtml(reply) ? undefined : tokenReply.safeParse(jsonIn(body)).data
    if (found) return found
    throw isHtml(reply) ? pageError(reply, what) : noToken(what)
  }
  if (status >= 500 || status === 429 || status === 408) throw answerError(reply, what, '', false)
  const { code, text } = reasonsIn(body)
  if (!code) throw status === 422 ? refused('invalid_request', text, status, what) : answerError(reply, what, '', false)
  throw refused(code, text, status, what)
}

function refused(code: string, text: string, status: number, what: string): SyncError {
  const hint = HINTS[code] ?? 'Check client ID, secret and API address.'
  return syncError(
    'auth',
    `basware.${code}`,
    `${what}: Basware refuses it (HTTP ${status})${text ? `: ${text}` : ''}`,
    {
      ...{ httpStatus: status, vendorCode: code, vendorText: text, hint },
    },
  )
}

const noToken = (what: string): SyncError =>
  syncError('transient', 'basware.token', `${what}: the answer of Basware is no token`, {
    hint: 'If it stays: something else answers instead of Basware; check API address and proxy.',
  })

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
