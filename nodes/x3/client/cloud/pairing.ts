/** Pairing with X3 in the cloud: the request that a user of X3 accepts, later and in his own browser, and what comes back. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { syncError } from '../../../../sync/contract/errors.ts'
import { DAY_MS } from './pair.ts'

/** So long X3 and we wait for somebody to accept. */
export const REQUEST_DAYS = 14

/** A pairing that was asked for. */
const requestSchema = z.object({
  /** 256 bits, used once. */
  state: z.string(),
  at: z.number(),
  by: z.string(),
  redirectUri: z.string(),
  root: z.string(),
  clientId: z.string(),
  customer: z.string(),
  /** Of PKCE; absent: not used. */
  verifier: z.string().optional(),
  /** It came back from another region whose host nobody confirmed yet. */
  waits: z.object({ code: z.string(), endpoint: z.string() }).optional(),
})
export type PairingRequest = z.output<typeof requestSchema>

export function requestFrom(text: string): PairingRequest | undefined {
  try {
    return requestSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export interface Asking {
  readonly root: string
  readonly clientId: string
  readonly customer: string
  readonly scope: string
  readonly redirectUri: string
  readonly by: string
  readonly pkce: boolean
  readonly now: number
}

/** A new request, and the address that the approver's browser opens. */
export function newRequest(asking: Asking): { readonly request: PairingRequest; readonly url: string } {
  const { root, clientId, customer, scope, redirectUri, by, pkce, now } = asking
  const state = randomBytes(32).toString('base64url')
  const verifier = pkce ? randomBytes(32).toString('base64url') : undefined
  const url = new URL(`${root}/token/authorise`)
  const query = {
    ...{ client_id: clientId, scope, customer, redirect_uri: redirectUri, state, response_type: 'code' },
    ...(verifier
      ? { code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' }
      : {}),
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const request = { state, at: now, by, redirectUri, root, clientId, customer, ...(verifier ? { verifier } : {}) }
  return { request, url: url.href }
}

/** What came back, by redirect or pasted. */
export interface Answer {
  readonly code: string
  readonly endpoint: string | undefined
}

/** The code of an address that came back for this request. Throws where it is another's, too late or a refusal. */
export function answerIn(query: URLSearchParams, request: PairingRequest | undefined, now: number): Answer {
  const state = query.get('state') ?? ''
  if (!request || !same(state, request.state))
    throw syncError('config', 'x3.pairing-state', 'This answer belongs to no pairing that is waited for', {
      hint: 'It was used already, or a newer one was asked for. Press Connect again.',
    })
  if (now - request.at > REQUEST_DAYS * DAY_MS || now < request.at - DAY_MS)
    throw syncError('config', 'x3.pairing-late', `This pairing was asked for more than ${REQUEST_DAYS} days ago`, {
      hint: 'Press Connect again.',
    })
  const code = query.get('authorizationCode') ?? query.get('code') ?? ''
  if (code === '')
    throw syncError(
      'config',
      'x3.pairing-refused',
      `X3 did not accept the pairing: ${(query.get('error_description') ?? query.get('error') ?? 'no code came back').slice(0, 200)}`,
      {
        hint: 'Ask the user of X3 who refused, and press Connect again.',
      },
    )
  return { code, endpoint: query.get('endpoint') ?? undefined }
}

/** The form that is exchanged for tokens. */
export const codeForm = (request: PairingRequest, code: string, secret: string): Record<string, string> => ({
  ...{ grant_type: 'authorization_code', client_id: request.clientId, client_secret: secret, code },
  redirect_uri: request.redirectUri,
  ...(request.verifier ? { code_verifier: request.verifier } : {}),
})

function same(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(a), hash(b))
}
