/** Reads every kind of refusal X3 gives and says it in words (x3.md facts, 1.1, 2.2 and 8.9). */
import { type ErrorCause, type SyncError, syncError } from '../../../sync/contract/errors.ts'
import type { OverLimit } from '../../../vendor/limits.ts'
import { type ConnectionWords, connectionError, limitError } from '../../../vendor/network-error.ts'

/** An answer as it came, whatever its status. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly retryAfterMs?: number
  readonly text: string
}

/** What a GraphQL answer complains of: one text, and the path in the reply where X3 names one. */
export interface Complaint {
  readonly text: string
  readonly path: readonly string[]
}

const TOKEN_ERRORS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  '21': {
    what: 'the token was issued in the future for the X3 server: the clocks differ',
    hint: "The token was signed again by the server's own clock and is still refused. Set the clock of the X3 server, or raise the back-dating on the connection.",
  },
  '41': {
    what: 'the client ID belongs to no connected application',
    hint: 'Copy the client ID from Administration > Settings > Authentication > Connected applications of this X3 server.',
  },
  '42': {
    what: 'the user is not the allowed user of the connected application',
    hint: 'Write the login exactly as it stands in Allowed user of the connected application: upper and lower case matter.',
  },
  '45': {
    what: 'the audience is not the one X3 expects',
    hint: 'Try the three choices of Audience on the connection: the URL registered in the connected application (letter for letter, with port and closing slash), empty, or a fixed word such as xtrem.',
  },
  '50': {
    what: 'the signature is wrong or the token has expired',
    hint: "Check the client secret (it may have been regenerated), and that the token's lifetime is not above Tokens validity of the connected application.",
  },
}

/** Numbers of token errors that a new token by the server's clock can cure. */
export const curable = (number: string | undefined): boolean => number === '21' || number === '50'

/** The number of an `Error NN` text, such as `45`. */
export const tokenErrorNumber = (text: string): string | undefined => /^\s*Error\s+(\d{1,3})\b/i.exec(text)?.[1]

const RIGHTS =
  /\b(?:access (?:is )?denied|denied|forbidden|no (?:read )?(?:right|access|permission)s?|(?:not|un)[- ]?authori[sz]ed|not allowed|missing (?:right|permission)|permission)/i
const UNKNOWN_FIELD = /Cannot query field|Unknown (?:type|argument|field)|is not defined by type/i
const FILTER = /\b(?:invalid|wrong|unknown|unexpected)\b.{0,60}\b(?:filter|operator|property)\b|\bproperty not found\b/i
const UNKNOWN_FOLDER = /\b(?:endpoint|folder)\b/i

const clip = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 500)
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isHtml = (answer: Answer): boolean =>
  answer.contentType.includes('html') || /^\s*<(?:!doctype|html)/i.test(answer.text.slice(0, 200))

/** Texts of `diagnoses` whose severity is above 2; lower ones are notices, not failures. */
function severe(diagnoses: unknown): string[] {
  if (!Array.isArray(diagnoses)) return []
  return diagnoses
    .filter(isObject)
    .filter((entry) => {
      const severity = entry.severity ?? entry.$severity
      return severity === 'error' || severity === 'fatal' || Number(severity) > 2 || severity === undefined
    })
    .map((entry) => String(entry.message ?? entry.$message ?? '').trim())
    .filter((text) => text !== '')
}

/** Every complaint of one JSON body, in the order in which X3's forms have precedence; empty when there is none. */
export function complaintsOf(body: unknown): Complaint[] {
  if (!isObject(body)) return []
  const errors = Array.isArray(body.errors) ? body.errors.filter(isObject) : []
  const found = errors.map((error) => {
    const extensions = isObject(error.extensions) ? error.extensions : {}
    const diagnoses = severe(extensions.diagnoses)
    const text = diagnoses.length > 0 ? diagnoses.join('\n') : String(error.message ?? 'an error without a text')
    return { text, path: Array.isArray(error.path) ? error.path.map(String) : [] }
  })
  if (Array.isArray(body.errors) && body.errors.length > 0 && found.length === 0) {
    found.push({ text: String(body.errors[0]), path: [] })
  }
  if (found.length > 0) return found
  const diagnoses = severe(body.$diagnoses)
  if (diagnoses.length > 0) return diagnoses.map((text) => ({ text, path: [] }))
  if (body.data === undefined || body.data === null) {
    if (typeof body.message === 'string') return [{ text: body.message, path: [] }]
    if (body.$severity !== undefined) {
      return [{ text: [body.$dataCode, body.$message].filter(Boolean).join(': '), path: [] }]
    }
  }
  return []
}

/** Notices X3 gives with a success (`extensions.diagnoses`): for the log, never a failure. */
export function noticesOf(body: unknown): string[] {
  if (!isObject(body) || !isObject(body.extensions) || !Array.isArray(body.extensions.diagnoses)) return []
  return body.extensions.diagnoses
    .filter(isObject)
    .filter((entry) => Number(entry.severity) === 2)
    .map((entry) => clip(String(entry.message ?? '')))
    .filter((text) => text !== '')
}

/** The field or node in a reply's path that a person knows: the last name that is not GraphQL's own. */
export function nodeOfPath(path: readonly string[]): string | undefined {
  const own = new Set(['query', 'edges', 'node', 'read', 'pageInfo', 'totalCount'])
  return path.filter((part) => !own.has(part) && !/^\d+$/.test(part)).at(-1)
}

/** A complaint in a GraphQL body, as an error of the right class. */
export function complaintError(complaints: readonly Complaint[], what: string): SyncError {
  const first = complaints.find((complaint) => RIGHTS.test(complaint.text)) ?? complaints[0]
  const text = clip(first?.text ?? 'an error without a text')
  const node = first ? nodeOfPath(first.path) : undefined
  const details = { vendorText: text, ...(node === undefined ? {} : { field: node }) }
  if (RIGHTS.test(text)) {
    const right = /\b(\w+\.read)\b/.exec(text)?.[1]
    const place = node ?? right?.replace('.read', '') ?? 'this node'
    return syncError('config', 'x3.right', `${what}: X3 refuses to read ${place}: ${text}`, {
      ...details,
      hint: `Give the allowed user the read right ${right ?? `on the node of ${place}`}; lines, dimensions and joined nodes need their own.`,
    })
  }
  if (UNKNOWN_FIELD.test(text)) {
    const field = /field "([^"]+)"/.exec(text)?.[1]
    return syncError('config', 'x3.unknown-field', `${what}: this X3 does not know a field that was asked: ${text}`, {
      ...details,
      ...(field === undefined ? {} : { field }),
      hint: 'X3 was updated since its fields were read. Run again: they are read anew then; an added field that is gone must be taken out of the node.',
    })
  }
  if (FILTER.test(text)) {
    return syncError('config', 'x3.filter', `${what}: X3 does not take the filter: ${text}`, {
      ...details,
      hint: 'Correct the filter of this entity in the node, or the change stamp that was typed in: fields and operators as in the explorer of X3. Preview shows at once whether it works.',
    })
  }
  if (/\bendpoint\b/i.test(text)) return folderError(what, text)
  return syncError('transient', 'x3.graphql', `${what}: X3 answered with an error: ${text}`, {
    ...details,
    hint: 'Look the text up in the log of X3 at this time. If it stays, a smaller page size may help.',
  })
}

function folderError(what: string, text: string): SyncError {
  return syncError('config', 'x3.folder', `${what}: X3 does not know the folder (endpoint): ${clip(text)}`, {
    vendorText: clip(text),
    hint: 'Check Folder on the connection: the endpoint name as in Administration > Endpoints, capital letters as there.',
  })
}

/** An answer that is not a success, as an error of the right class. */
export function answerError(answer: Answer, what: string): SyncError {
  const status = answer.status
  const text = clip(messageIn(answer))
  const details: Omit<ErrorCause, 'class' | 'code'> = {
    httpStatus: status,
    ...(text === '' ? {} : { vendorText: text }),
    ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
  }
  if (status === 401) return refusedToken(text, what, details)
  if (isHtml(answer) && status !== 404) return htmlError(answer, what, details)
  if (status === 429 || (status === 503 && answer.retryAfterMs !== undefined)) {
    return syncError('throttled', `x3.${status}`, `${what}: X3 asks to wait (HTTP ${status})`, details)
  }
  if (status === 403) {
    return syncError('config', 'x3.right', `${what}: X3 refuses access (HTTP 403): ${text}`, {
      ...details,
      hint: 'Give the allowed user the read right on the nodes of this entity, lines included.',
    })
  }
  const complaint = status < 500 ? complaintsOf(parsed(answer.text)) : []
  if (complaint.length > 0 && status !== 404) return complaintError(complaint, what)
  if (UNKNOWN_FOLDER.test(text) && status < 500) return folderError(what, text)
  if (status === 404) {
    return syncError('config', 'x3.404', `${what}: there is no X3 GraphQL service at this address (HTTP 404)`, {
      ...details,
      hint: 'Check Server URL: usually https://HOST:8124, the path /xtrem/api is added.',
    })
  }
  if (status >= 500 || status === 408) {
    return syncError('transient', `x3.${status}`, `${what}: X3 failed (HTTP ${status})${text ? `: ${text}` : ''}`, {
      ...details,
      hint: 'If it stays: look at the X3 log; X3 also answers 500 when the allowed user is not mapped to this folder.',
    })
  }
  return syncError(
    'config',
    `x3.${status}`,
    `${what}: X3 refused the request (HTTP ${status})${text ? `: ${text}` : ''}`,
    details,
  )
}

function refusedToken(text: string, what: string, details: Omit<ErrorCause, 'class' | 'code'>): SyncError {
  const number = tokenErrorNumber(text)
  const known = number === undefined ? undefined : TOKEN_ERRORS[number]
  const vendor = { ...details, ...(number === undefined ? {} : { vendorCode: `Error ${number}` }) }
  const said = number === undefined ? clip(text) : `Error ${number}`
  const message = `${what}: X3 refused the login (${said || 'HTTP 401'})${known ? `: ${known.what}` : ''}`
  // What a new token cannot cure is a setting: wrong client, user or audience.
  const cls = number === undefined || curable(number) ? 'auth' : 'config'
  return syncError(cls, number === undefined ? 'x3.401' : `x3.${number}`, message, {
    ...vendor,
    hint: known?.hint ?? 'Check client ID, secret, user and audience on the connection, or user and password.',
  })
}

/** A web page in the place of data. */
export function htmlError(answer: Answer, what: string, details: Omit<ErrorCause, 'class' | 'code'>): SyncError {
  const title = /<title[^>]*>([^<]{1,200})/i.exec(answer.text.slice(0, 5000))?.[1]
  const cls = answer.status === 429 || details.retryAfterMs !== undefined ? 'throttled' : 'transient'
  const { vendorText: _page, ...rest } = details
  return syncError(cls, 'x3.html', `${what}: X3 answered with a web page instead of data (HTTP ${answer.status})`, {
    ...rest,
    ...(title === undefined ? {} : { vendorText: clip(title) }),
    hint: 'A proxy, a login page or a maintenance page stands before X3. If it stays, open the address in a browser from this machine.',
  })
}

export function messageIn(answer: Answer): string {
  if (isHtml(answer)) return ''
  const body = parsed(answer.text)
  if (body === undefined) return answer.text
  return complaintsOf(body)[0]?.text ?? ''
}

function parsed(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const LINE: ConnectionWords = {
  prefix: 'x3',
  vendor: 'X3',
  addressHint: 'Check Server URL',
  refusedHint: 'Check host and port, and that X3 is running.',
  slowHint: 'If it stays: choose a smaller page size or a longer time-out, and look at the load of X3.',
  sizeClass: 'config',
  sizeHint:
    'It is asked for in smaller pages; a single record that is over the limit is held. If it stays: find out what alters the answers of X3.',
}

/** An answer of X3 that was given up since it is over a limit. */
export const tooMuch = (over: OverLimit, what: string): SyncError => limitError(over, LINE, what)

/** A failure of the line itself (no answer at all), as an error of the right class. */
export async function networkError(error: unknown, at: Parameters<typeof connectionError>[2]): Promise<Error> {
  return connectionError(error, LINE, at)
}
