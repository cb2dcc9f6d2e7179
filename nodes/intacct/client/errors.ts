/** Reads every kind of refusal the gateway gives, at its three levels, and says it in words (intacct.md facts, 8). */
import { type ErrorCause, type ErrorClass, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import { errorCode } from '../../../vendor/causes.ts'
import { type ConnectionWords, connectionError } from '../../../vendor/network-error.ts'
import type { GatewayError, GatewayReply } from './reply.ts'
import { WORDS } from './reply-faults.ts'

/** Where a refusal stands: the level says what XL03000006, which covers four causes, is about. */
export type Level = 'control' | 'authentication' | 'result'

interface Finding {
  readonly cls: ErrorClass
  readonly code: string
  readonly text: string
  readonly hint: string
}

interface Rule extends Finding {
  readonly level?: Level
  readonly errorno?: RegExp
  readonly words?: RegExp
}

const ROLE =
  'Give the role of the API user the right to List and View this object (Company > Admin > Roles > Subscriptions), or take the object out of the node.'

/** In order; the first that fits is taken. */
const RULES: readonly Rule[] = [
  {
    errorno: /^GW-0010$/,
    cls: 'throttled',
    code: 'throttled',
    text: 'Intacct takes no more requests at the moment',
    hint: 'Let fewer systems ask at a time, or ask Sage for a higher performance tier.',
  },
  {
    words: /API rate limit exceeded/i,
    cls: 'throttled',
    code: 'throttled',
    text: 'Intacct takes no more requests at the moment',
    hint: 'Let fewer systems ask at a time, or ask Sage for a higher performance tier.',
  },
  {
    words: /Temporarily Off-?line|Please Try Again Later/i,
    cls: 'transient',
    code: 'offline',
    text: 'Intacct is off-line for the moment',
    hint: 'If it stays: look at the status page of Sage Intacct.',
  },
  {
    level: 'authentication',
    words: /Invalid session/i,
    cls: 'auth',
    code: 'session',
    text: 'the session has ended',
    hint: 'A new session was refused too. If it stays: look whether something else ends the sessions of this user.',
  },
  {
    level: 'authentication',
    words: /Invalid Web Services Authorization|not authorized to make Web Services/i,
    cls: 'config',
    code: 'sender-authorisation',
    text: 'the sender ID is not authorised for this company',
    hint: 'Add the sender ID in Company > Setup > Company > Security > Web Services authorizations.',
  },
  {
    level: 'authentication',
    words: /location|entity/i,
    cls: 'config',
    code: 'entity',
    text: 'the entity cannot be signed in to',
    hint: 'Check Entity on the connection (the ID, not the name), and that the user may enter it; empty means the top level.',
  },
  {
    level: 'authentication',
    cls: 'config',
    code: 'login',
    text: 'Intacct refused the sign-in',
    hint: 'Company, user or password is wrong, or the user is locked, inactive or no web services user; Intacct does not tell which. Capital letters matter. Nothing is tried again, because failures lock the user.',
  },
  {
    level: 'control',
    errorno: /^XL03000006$/,
    words: /policy/i,
    cls: 'config',
    code: 'request',
    text: 'Intacct refused the request',
    hint: 'Tell the makers of Tieout, with this text.',
  },
  {
    level: 'control',
    errorno: /^XL03000006$/,
    cls: 'config',
    code: 'sender',
    text: 'sender ID or sender password is wrong',
    hint: 'They come from Sage with the web services licence and are not a user of the company. Capital letters matter.',
  },
  {
    errorno: /^XMLGW_JPP0002$/,
    cls: 'config',
    code: 'login',
    text: 'Intacct refused the sign-in',
    hint: 'Company, user, password or sender is wrong; Intacct does not tell which.',
  },
  {
    errorno: /^PL04000055$/,
    cls: 'config',
    code: 'company-expired',
    text: 'the company is closed or expired',
    hint: 'Ask Sage whether the company (or its demo) still runs.',
  },
  {
    errorno: /^XL03000003$/,
    cls: 'config',
    code: 'request',
    text: 'Intacct could not read the request',
    hint: 'Tell the makers of Tieout, with this text.',
  },
  {
    errorno: /^GW-0011$/,
    cls: 'config',
    code: 'request',
    text: 'the gateway refused the request before Intacct saw it',
    hint: 'Check the sender ID and its password, and the address of the gateway.',
  },
  {
    level: 'result',
    words: /permission to view audit history/i,
    cls: 'config',
    code: 'audit-right',
    text: 'the audit history may not be read',
    hint: 'Give the role of the API user View on Platform Services and custom reports, or leave deletions to the sweep.',
  },
  {
    level: 'result',
    words: /do(?:es)? not have permission|not authorized|no permission|insufficient (?:permission|privilege)/i,
    cls: 'config',
    code: 'right',
    text: 'the API user may not read it',
    hint: ROLE,
  },
  {
    level: 'result',
    words: /Object definition \S+ not found|(?:invalid|unknown) object/i,
    cls: 'config',
    code: 'object',
    text: 'this company has no such object',
    hint: 'Its application may not be subscribed. Take it out of the node, or pick it from the list.',
  },
  {
    level: 'result',
    errorno: /^Invalid fields list/i,
    cls: 'config',
    code: 'unknown-field',
    text: 'a field was asked that this company does not have',
    hint: 'Take the added field out of the node, or pick it from the list.',
  },
  {
    errorno: /^XL03000009$/,
    cls: 'transient',
    code: 'aborted',
    text: 'Intacct broke the request off',
    hint: 'If it stays, tell the support of Sage.',
  },
  {
    errorno: /^DL02000001$/,
    cls: 'transient',
    code: 'processing',
    text: 'Intacct could not carry the request out',
    hint: 'It says so for a passing fault as well as for a field or a date it does not take. If it stays: take added fields out, then give the support of Sage the Support ID.',
  },
]

const clip = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 600)

/** Texts of the gateway hold HTML, entities of entities, and a Support ID that is URL-encoded. */
export function plainText(text: string): string {
  const decoded = text
    .replace(/<[^<>]{1,200}>/g, ' ')
    .replace(/&#0*39;|&apos;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
  return clip(
    decoded.replace(/\[(Support ID: )([^\]]*)\]/g, (_all, label: string, id: string) => `[${label}${decodeId(id)}]`),
  )
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** All that the gateway said, every error with all its parts. */
export const said = (errors: readonly GatewayError[]): string =>
  errors
    .map(({ errorno, errorid, description, description2, correction }) =>
      [[errorno, errorid].filter(Boolean).join(' '), ...[description, description2, correction].map(plainText)]
        .filter((part) => part !== '')
        .join(': '),
    )
    .filter((text) => text !== '')
    .join('; ')

/** A refusal as an error of the right class; its message holds every part of what the gateway said. */
export function gatewayError(
  level: Level,
  errors: readonly GatewayError[],
  what: string,
  more: Omit<ErrorCause, 'class' | 'code'> = {},
): SyncError {
  const rule = RULES.find(
    (one) =>
      (one.level === undefined || one.level === level) &&
      errors.some(
        (error) =>
          (one.errorno === undefined || one.errorno.test(error.errorno)) &&
          (one.words === undefined ||
            one.words.test(`${error.errorno} ${error.description} ${error.description2} ${error.correction}`)),
      ),
  )
  // Without any error text there is no telling what it was: the next attempt may say, or pass.
  const finding: Finding = rule ?? {
    cls: errors.length === 0 ? 'transient' : 'config',
    code: errors.length === 0 ? 'silent' : 'refused',
    text: `Intacct refused it at the level of the ${level}`,
    hint:
      errors.length === 0
        ? 'It gave no reason. If it stays, tell the support of Sage.'
        : 'If the text does not help: give the support of Sage the Support ID.',
  }
  const text = said(errors)
  const errorno = errors.map((error) => error.errorno).find((one) => one !== '')
  return syncError(finding.cls, `intacct.${finding.code}`, `${what}: ${finding.text}${text ? ` (${text})` : ''}`, {
    ...(errorno ? { vendorCode: errorno } : {}),
    ...(text ? { vendorText: text } : {}),
    hint: finding.hint,
    ...more,
  })
}

/** Throws what a reply complains of outside of its results, and what it lacks of a whole reply. */
export function checkReply(reply: GatewayReply, what: string, more: Omit<ErrorCause, 'class' | 'code'> = {}): void {
  const control = reply.control?.status
  if (control !== 'success') throw gatewayError('control', reply.controlErrors, what, more)
  if (reply.controlErrors.length > 0) throw gatewayError('control', reply.controlErrors, what, more)
  if (reply.authentication?.status !== 'success')
    throw gatewayError('authentication', reply.authenticationErrors, what, more)
  if (reply.authenticationErrors.length > 0)
    throw gatewayError('authentication', reply.authenticationErrors, what, more)
}

/** A status that is no success and came without an answer of the gateway. */
export function statusError(
  status: number,
  what: string,
  details: { title?: string | undefined; retryAfterMs?: number | undefined },
): SyncError {
  const more = {
    httpStatus: status,
    ...(details.title ? { vendorText: details.title } : {}),
    ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
  }
  const title = details.title ? `: ${details.title}` : ''
  if (status === 429 || (status === 503 && details.retryAfterMs !== undefined))
    return syncError('throttled', 'intacct.throttled', `${what}: Intacct asks to wait (HTTP ${status}${title})`, more)
  if (status >= 500 || status === 408)
    return syncError('transient', `intacct.${status}`, `${what}: Intacct failed (HTTP ${status}${title})`, {
      ...more,
      hint: 'If it stays: look at the status page of Sage Intacct.',
    })
  if (status === 404)
    return syncError('config', 'intacct.404', `${what}: there is no XML gateway at this address (HTTP 404)`, {
      ...more,
      hint: 'Check the address of the gateway: https://api.intacct.com/ia/xml/xmlgw.phtml.',
    })
  return syncError(
    'config',
    `intacct.${status}`,
    `${what}: the request was refused before Intacct saw it (HTTP ${status}${title})`,
    {
      ...more,
      hint: 'A proxy or a firewall stands before Intacct, or the address of the gateway is wrong.',
    },
  )
}

const LINE: ConnectionWords = {
  ...WORDS,
  addressHint: 'Check the gateway',
  refusedHint: 'Check the gateway, the proxy and the firewall.',
  slowHint: 'It is asked for in smaller pages. If it stays: choose a longer time-out.',
}
/** A packed body that is cut or broken. */
const PACKED = /^Z_/

/** A failure of the line itself (no answer, or the middle of one), as an error of the right class. */
export async function networkError(error: unknown, at: Parameters<typeof connectionError>[2]): Promise<SyncError> {
  const code = errorCode(error)
  if (PACKED.test(code))
    return syncError(
      'transient',
      'intacct.cut',
      `${at.what}: the packed answer of Intacct is cut or broken (${code})`,
      {
        vendorCode: code,
        hint: 'If it stays: a proxy between here and Intacct alters its answers.',
      },
    )
  return connectionError(error, LINE, at)
}

/** The same complaint in another class. */
export function asClass(cls: ErrorClass, error: SyncError): SyncError {
  const { class: _class, code, ...details } = error.cause
  return syncError(cls, code, error.message, details)
}
