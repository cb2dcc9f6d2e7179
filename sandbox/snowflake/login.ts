import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  verify,
} from 'node:crypto'
import { json, type Reply } from '../http.ts'
import { SqlError } from './errors.ts'

/** A refusal of the login or of a token, as it travels: HTTP 200 with `success: false`. */
export class LoginError extends SqlError {}

export interface Credentials {
  account: string
  user: string
  token: string
  clientId: string
  clientSecret: string
  /** Life time of access tokens, asked for each. */
  tokenSeconds: () => number
}

/** The `data` of a login request, as far as it says who is there. */
export interface LoginData {
  ACCOUNT_NAME?: string
  LOGIN_NAME?: string
  AUTHENTICATOR?: string
  TOKEN?: string
  PASSWORD?: string
}

export interface Login {
  readonly user: string
  readonly privateKeyPem: string
  readonly passphrase: string
  /** Raises what Snowflake answers to credentials that do not open. */
  check(data: LoginData): void
  /** `POST /oauth/token-request`: client credentials by HTTP Basic or in the form. */
  grant(authorization: string | undefined, body: string): Reply
  endToken(how: 'expired' | 'revoked'): void
  rotateKey(): void
}

const TOKEN_SKEW_MS = 60_000

/** Opens the account to one user, by key pair, programmatic access token or OAuth. */
export function createLogin(credentials: Credentials, given?: { pem: string; passphrase?: string }): Login {
  const passphrase = given ? (given.passphrase ?? '') : randomBytes(12).toString('base64url')
  const key = { pem: given?.pem ?? newKey(passphrase), passphrase }
  let publicKey: KeyObject = createPublicKey(
    createPrivateKey({ key: key.pem, ...(key.passphrase === '' ? {} : { passphrase: key.passphrase }) }),
  )
  let tokenEnded: 'expired' | 'revoked' | undefined
  const issued = new Map<string, number>()

  function checkJwt({ ACCOUNT_NAME = '', LOGIN_NAME = '', TOKEN = '' }: LoginData): void {
    // The client never learns which of its claims was wrong; an administrator can look it up.
    const refuse = () => new LoginError('390144', '08004', `JWT token is invalid. [${randomUUID()}]`)
    const [head = '', body = '', signature = ''] = TOKEN.split('.')
    const claims = readClaims(body)
    const who = `${ACCOUNT_NAME.toUpperCase()}.${LOGIN_NAME.toUpperCase()}`
    if (who !== `${credentials.account}.${credentials.user}`) throw refuse()
    const der = publicKey.export({ type: 'spki', format: 'der' })
    const fingerprint = `SHA256:${createHash('sha256').update(der).digest('base64')}`
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${body}`),
      publicKey,
      Buffer.from(signature, 'base64url'),
    )
    const now = Date.now()
    const isTimely = Math.abs(now - ms(claims?.iat)) <= TOKEN_SKEW_MS && ms(claims?.exp) > now
    if (!isSigned || claims?.iss !== `${who}.${fingerprint}` || claims.sub !== who || !isTimely) throw refuse()
  }

  function checkToken({ TOKEN, PASSWORD }: LoginData): void {
    if ((TOKEN ?? PASSWORD) === credentials.token && tokenEnded === undefined) return
    const what = tokenEnded === 'expired' ? 'is expired' : 'is invalid'
    throw new LoginError('394400', '08004', `Programmatic access token ${what}.`)
  }

  function checkOauth({ TOKEN = '' }: LoginData): void {
    const expiry = issued.get(TOKEN)
    if (expiry === undefined) throw new LoginError('390303', '08004', `Invalid OAuth access token. [${randomUUID()}]`)
    if (expiry <= Date.now()) throw new LoginError('390318', '08004', `OAuth access token expired. [${randomUUID()}]`)
  }

  return {
    user: credentials.user,
    privateKeyPem: key.pem,
    passphrase: key.passphrase,
    check(data) {
      const isUser =
        data.LOGIN_NAME === undefined || data.LOGIN_NAME === '' || data.LOGIN_NAME.toUpperCase() === credentials.user
      switch (data.AUTHENTICATOR) {
        case 'SNOWFLAKE_JWT':
          return checkJwt(data)
        case 'PROGRAMMATIC_ACCESS_TOKEN':
          if (!isUser) throw new LoginError('394400', '08004', 'Programmatic access token is invalid.')
          return checkToken(data)
        case 'OAUTH':
          return checkOauth(data)
        default:
          throw new LoginError('390100', '08001', 'Incorrect username or password was specified.')
      }
    },
    grant(authorization, body) {
      const form = new URLSearchParams(body)
      const [id, secret] = basic(authorization) ?? [form.get('client_id'), form.get('client_secret')]
      if (form.get('grant_type') !== 'client_credentials')
        return json(400, { error: 'unsupported_grant_type', error_description: 'grant_type is not supported' })
      if (id !== credentials.clientId || secret !== credentials.clientSecret)
        return json(401, { error: 'invalid_client', error_description: 'This is an invalid client.' })
      const seconds = credentials.tokenSeconds()
      const token = `ver:1-hint:1-${randomBytes(24).toString('base64url')}`
      issued.set(token, Date.now() + seconds * 1000)
      return json(200, {
        access_token: token,
        token_type: 'Bearer',
        expires_in: seconds,
        ...(form.get('scope') ? { scope: form.get('scope') } : {}),
      })
    },
    endToken(how) {
      tokenEnded = how
    },
    rotateKey() {
      publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    },
  }
}

/** A new RSA key as PKCS#8, encrypted with the passphrase. */
export function newKey(passphrase: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return String(privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }))
}

interface Claims {
  iss?: string
  sub?: string
  iat?: number
  exp?: number
}

function readClaims(body: string): Claims | undefined {
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims
  } catch {
    return undefined
  }
}

/** The driver writes milliseconds where RFC 7519 has seconds; Snowflake takes both. */
function ms(time = 0): number {
  return time > 1e12 ? time : time * 1000
}

function basic(authorization: string | undefined): [id: string, secret: string] | undefined {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return [decodeURIComponent(text.slice(0, colon)), decodeURIComponent(text.slice(colon + 1))]
}
