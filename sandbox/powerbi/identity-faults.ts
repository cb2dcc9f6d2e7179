/** What the identity platform says of a sign-in that it refuses. */
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose'
import { json, type Refusals, type Reply } from '../http.ts'
import type { Cloud } from './api.ts'

/** What each cloud signs in at, and the resource that a token is asked for. */
export const CLOUDS: Readonly<Record<Cloud, { authority: string; resource: string }>> = {
  public: { authority: 'login.microsoftonline.com', resource: 'https://analysis.windows.net/powerbi/api' },
  'usgov-gcc': { authority: 'login.microsoftonline.com', resource: 'https://analysis.usgovcloudapi.net/powerbi/api' },
  'usgov-high': {
    authority: 'login.microsoftonline.us',
    resource: 'https://high.analysis.usgovcloudapi.net/powerbi/api',
  },
  'usgov-dod': {
    authority: 'login.microsoftonline.us',
    resource: 'https://mil.analysis.usgovcloudapi.net/powerbi/api',
  },
  china: { authority: 'login.partner.microsoftonline.cn', resource: 'https://analysis.chinacloudapi.cn/powerbi/api' },
}

/** The app registration as this server knows it. */
export interface Registration {
  tenant: string
  clientId: string
  clientSecret: string
  certificatePem: string
  cloud: Cloud
  /** Asked for each token. */
  lifetime: () => { tokenSeconds: number; refreshIn: number }
  /** What tokens live by, ms. */
  now: () => number
}

/** An assertion's `nbf` may lie half a second ahead; clocks differ by more. */
const SKEW_SECONDS = 300
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A refusal as the identity platform words it. */
export function refusal(
  status: number,
  error: string,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): Reply {
  const [trace, correlation] = [randomUUID(), randomUUID()]
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`
  return json(
    status,
    {
      error,
      error_description: `AADSTS${code}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: correlation,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
    headers,
  )
}

const transient = (status: number, headers?: Record<string, string>): Reply =>
  refusal(status, 'temporarily_unavailable', 90033, 'A transient error has occurred. Please try again.', headers)

/** How a fault plan's refusals read at the token endpoint; a client that is refused there stays refused. */
export const tokenRefusals: Refusals = {
  expired: () => transient(503),
  unauthorized: () => transient(503),
  throttled: (wait) =>
    refusal(429, 'temporarily_unavailable', 90055, 'Server is terminating the request due to throttling.', wait),
  serverError: () => transient(500),
  unavailable: (wait) => transient(503, wait),
}

export const noTenant = (tenant: string): Reply =>
  refusal(
    400,
    'invalid_request',
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  )

/** The app's certificate, and how an assertion may name it. */
export interface AppCertificate {
  readonly certificate: X509Certificate
  readonly thumbprints: Readonly<Record<'x5t#S256' | 'x5t', string>>
}

export function certificateOf({ certificatePem }: Registration): AppCertificate {
  const certificate = new X509Certificate(certificatePem)
  const digest = (algorithm: string): string => createHash(algorithm).update(certificate.raw).digest('base64url')
  return { certificate, thumbprints: { 'x5t#S256': digest('sha256'), x5t: digest('sha1') } }
}

/** What is wrong with a client assertion; undefined where the app's certificate has signed it for this server. */
async function assertionFault(
  app: Registration,
  { certificate, thumbprints }: AppCertificate,
  assertion: string,
  origin: string,
): Promise<Reply | undefined> {
  const refused = (code: number, message: string) => refusal(401, 'invalid_client', code, message)
  let header: ReturnType<typeof decodeProtectedHeader> & Record<string, unknown>
  let claims: ReturnType<typeof decodeJwt>
  try {
    header = decodeProtectedHeader(assertion)
    claims = decodeJwt(assertion)
  } catch {
    return refusal(400, 'invalid_request', 50027, 'JWT token is invalid or malformed.')
  }
  const [name, wanted] = header.alg === 'PS256' ? (['x5t#S256', 'PS256'] as const) : (['x5t', 'RS256'] as const)
  const thumbprint = String(header[name] ?? '')
  if (thumbprint !== thumbprints[name]) {
    const told = Buffer.from(thumbprint, 'base64url').toString('hex').toUpperCase()
    return refused(
      700027,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${told}'.]`,
    )
  }
  try {
    await compactVerify(assertion, certificate.publicKey, { algorithms: [wanted] })
  } catch {
    return refused(700027, 'Client assertion failed signature validation.')
  }
  const now = Date.now() / 1000
  const { exp = 0, nbf = 0, iss, sub, aud } = claims
  if (exp < now - SKEW_SECONDS || nbf > now + SKEW_SECONDS) {
    return refused(700024, 'Client assertion is not within its valid time range.')
  }
  if (iss !== app.clientId || sub !== app.clientId) {
    return refused(700021, 'Client assertion application identifier doesn’t match client_id parameter.')
  }
  const audiences = [origin, `https://${CLOUDS[app.cloud].authority}`].flatMap((host) => [
    `${host}/${app.tenant}/oauth2/v2.0/token`,
    `${host}/${app.tenant}/v2.0`,
  ])
  if ([aud].flat().some((audience) => audiences.includes(String(audience)))) return undefined
  return refused(700023, `Client assertion audience claim does not match Realm issuer. Review the documentation.`)
}

/** What is wrong with the secret or the assertion. */
export async function clientFault(
  app: Registration,
  own: AppCertificate,
  form: URLSearchParams,
  origin: string,
): Promise<Reply | undefined> {
  const secret = form.get('client_secret')
  const assertion = form.get('client_assertion')
  if (assertion !== null) {
    if (form.get('client_assertion_type') === ASSERTION_TYPE) return await assertionFault(app, own, assertion, origin)
    return refusal(
      400,
      'invalid_request',
      900144,
      "The request body must contain the following parameter: 'client_assertion_type'.",
    )
  }
  if (secret === null) {
    return refusal(
      401,
      'invalid_client',
      7000216,
      "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )
  }
  if (secret === app.clientSecret) return undefined
  return refusal(
    401,
    'invalid_client',
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${app.clientId}'.`,
  )
}

export function scopeFault(app: Registration, scope: string | null): Reply | undefined {
  if (scope === null) {
    return refusal(400, 'invalid_request', 900144, "The request body must contain the following parameter: 'scope'.")
  }
  const asked = scope.split(' ').filter((part) => !['openid', 'profile', 'offline_access'].includes(part))
  if (asked.length !== 1 || !asked[0]?.endsWith('/.default')) {
    return refusal(
      400,
      'invalid_scope',
      1002012,
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    )
  }
  if (asked[0] === `${CLOUDS[app.cloud].resource}/.default`) return undefined
  const other = asked[0].slice(0, -'/.default'.length)
  return refusal(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${other} was not found in the tenant named ${app.tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  )
}
