/** Requests to REST api1: one session to each of the requests that run at a time, kept by its cookie, released at the end. */
import { setTimeout as wait } from 'node:timers/promises'
import { isSyncError, type SyncError, syncError } from '../../../../sync/contract/errors.ts'
import type { RetryOptions } from '../../../../sync/contract/retry.ts'
import { withRetry } from '../../../../sync/contract/retry.ts'
import { checkJson, parseExactly } from '../../../../vendor/json.ts'
import { isOverLimit } from '../../../../vendor/limits.ts'
import { retryContext, type X3Connection } from '../connection.ts'
import { type Answer, answerError, htmlError, isHtml, tooMuch } from '../errors.ts'
import { answerOf, type Received } from '../http.ts'

/** A body of api1, its numbers as they were written where JavaScript would change them. */
export type Body = Readonly<Record<string, unknown>>

export interface Api1Line {
  /** Gets one address of this site, once; throws `SyncError`s. `onAttempt` is called just before it is sent. */
  get(path: string, options: { what: string; signal: AbortSignal; onAttempt?: () => void }): Promise<Body>
  /** The same, tried again. */
  again(path: string, options: { what: string; signal: AbortSignal; retry?: Partial<RetryOptions> }): Promise<Body>
  /** Where classes of a folder are. */
  readonly classes: string
  /** What happened to sessions since it was last asked, for people. */
  told(): string[]
  /** What is waited for, with the reason where it is a session. */
  because(what: string): string
  /** Gives every session back. */
  leave(): Promise<void>
}

/** Where a line keeps its sessions, so that the next start gives back what a killed process left. */
export interface SessionStore {
  token(name: string): Promise<{ readonly version: number; readonly text: string } | undefined>
  saveToken(name: string, version: number, text: string): Promise<unknown>
  forgetToken(name: string): Promise<void>
}

export interface LineOptions {
  /** Sessions that are held at the same time at most. */
  readonly sessions: number
  /** Greatest pause before X3 is asked for a session again, ms; 30 s. */
  readonly sessionWaitMs?: number
  /** Absent: they are not kept. `name`: of the sync, which only one run at a time has. */
  readonly kept?: { readonly store: SessionStore; readonly name: string }
}

interface Session {
  cookie?: string
}

/** A record that is asked by key and is not there. */
export const MISSING = 'x3.api1-missing'

const NOT_THERE = /\b721\b|does not exist|no such record/i
/** So long what is still on its way is waited for at the end. */
const LEAVE_MS = 2000
const NO_ROOM = 'X3 has no session free: what a process that was killed has left ends there by itself'
const NO_SESSION = /\bsessions?\b|licen[cs]e/i
const NO_COLUMN = /propert(?:y|ies)\b.*(?:not exist|unknown|invalid)|syntax error in where|not supported/i

export function createApi1Line(connection: X3Connection, site: string, options: LineOptions): Api1Line {
  const { sessions, sessionWaitMs = 30_000 } = options
  const free: Session[] = Array.from({ length: Math.max(1, sessions) }, () => ({}))
  const open = new Set<string>()
  const notices: string[] = []

  /** What is on its way: its answer may open a session. */
  const underWay = new Set<Promise<unknown>>()

  const send = async (path: string, what: string, signal: AbortSignal, session: Session, before?: () => void) => {
    const received = await connection.post({
      ...{ url: new URL(path, site), method: 'GET', body: undefined, what, signal, before },
      headers: {
        accept: 'application/json;vnd.sage=syracuse, application/json',
        authorization: await connection.login.header(undefined, signal),
        ...(session.cookie ? { cookie: session.cookie } : {}),
      },
    })
    const cookie = received.cookie?.split(';', 1)[0]
    if (cookie && cookie !== session.cookie) {
      if (session.cookie) open.delete(session.cookie)
      session.cookie = cookie
      open.add(cookie)
      await keeper.save(open)
    }
    return received
  }
  const logout = (cookie: string): Promise<boolean> =>
    send('/logout', 'leaving X3', AbortSignal.timeout(1000), { cookie }).then(
      ({ status }) => status < 300,
      () => false,
    )
  const keeper = createKeeper(options.kept, logout, (text) => notices.push(text))
  const pool = createPool(free)
  /** Sessions that X3 had no room for: those that there are serve all. */
  let retired = 0
  /** Times in a row that it had none at all. */
  let refusals = 0

  const because = (what: string): string => (refusals > 0 ? `${NO_ROOM}, ${what}` : what)
  const noRoom = (error: SyncError): SyncError => {
    if (refusals === 0) notices.push(`${NO_ROOM}. It was asked again until there was one.`)
    const { class: _, code, retryAfterMs = Math.min(sessionWaitMs, 1000 * 2 ** refusals), ...details } = error.cause
    refusals += 1
    return syncError('throttled', code, error.message, { ...details, retryAfterMs })
  }

  const get: Api1Line['get'] = async (path, { what, signal, onAttempt }) => {
    await keeper.begin()
    for (;;) {
      const session = await pool.enter()
      try {
        const sent = send(path, what, signal, session, onAttempt)
        underWay.add(sent)
        const body = bodyOf(await sent.finally(() => underWay.delete(sent)), what)
        pool.leave(session)
        refusals = 0
        return body
      } catch (error) {
        const isFull = isSyncError(error) && error.code === 'x3.sessions' && session.cookie === undefined
        if (!isFull || sessions - retired - 1 < 1) {
          pool.leave(session)
          throw isFull ? noRoom(error) : error
        }
        retired += 1
      }
    }
  }
  return {
    get,
    again: (path, { what, signal, retry }) =>
      withRetry(
        () => get(path, { what, signal }),
        retryContext(signal, (waits) => connection.tell(because(waits))),
        { ...connection.retry, ...retry },
      ),
    classes: `/api1/x3/erp/${encodeURIComponent(connection.folder)}/`,
    told: () => notices.splice(0),
    because,
    async leave() {
      // Nobody waits for what was asked ahead of its turn, or beside what failed.
      await Promise.race([Promise.allSettled([...underWay]), wait(LEAVE_MS, undefined, { ref: false })])
      await Promise.all([...open].map(logout))
      open.clear()
      for (const session of free) delete session.cookie
      for (; retired > 0; retired--) free.push({})
      await keeper.end()
    },
  }
}

/** Whoever finds no session free waits for the next that is. */
function createPool(free: Session[]) {
  const waiting: (() => void)[] = []
  return {
    async enter(): Promise<Session> {
      while (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
      return free.pop() as Session
    },
    leave(session: Session): void {
      free.push(session)
      waiting.shift()?.()
    },
  }
}

/** Remembers sessions across a kill. A ledger that cannot is no reason not to read: the sessions end by themselves. */
function createKeeper(
  kept: LineOptions['kept'],
  logout: (cookie: string) => Promise<boolean>,
  note: (text: string) => void,
) {
  const name = `x3 sessions of ${kept?.name}`
  let version = 0
  let begun: Promise<void> | undefined
  const giveBack = async (): Promise<void> => {
    const found = await kept?.store.token(name)
    if (!found) return
    version = found.version
    const left = found.text.split('\n').filter((cookie) => cookie !== '')
    const given = (await Promise.all(left.map(logout))).filter(Boolean).length
    await kept?.store.forgetToken(name)
    if (given > 0) note(`${given} session(s) of X3 that a process had left behind were given back`)
  }
  return {
    begin(): Promise<void> {
      begun ??= giveBack().catch(() => undefined)
      return begun
    },
    async save(open: ReadonlySet<string>): Promise<void> {
      await kept?.store.saveToken(name, ++version, [...open].join('\n')).catch(() => undefined)
    },
    async end(): Promise<void> {
      if (version > 0) await kept?.store.forgetToken(name).catch(() => undefined)
    },
  }
}

/** The rows of a success, or the error that the reply amounts to: complaints may stand in a body of HTTP 200. */
function bodyOf(received: Received, what: string): Body {
  const answer = answerOf(received)
  if (answer.status >= 200 && answer.status < 300) {
    if (isHtml(answer)) throw htmlError(answer, what, { httpStatus: answer.status })
    const body = parse(received, answer.text, what)
    const wrong = complaintOf(body)
    if (wrong !== undefined) throw refused(wrong, answer, what)
    return body
  }
  const wrong = complaintOf(safe(answer.text))
  if (wrong !== undefined && answer.status !== 401) throw refused(wrong, answer, what)
  throw answerError(answer, what)
}

function parse(received: Received, text: string, what: string): Body {
  try {
    checkJson(received.body)
    const value = parseExactly(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Body
  } catch (error) {
    if (isOverLimit(error)) throw tooMuch(error, what)
    if (isSyncError(error)) throw error
  }
  throw syncError('transient', 'x3.body', `${what}: the answer of X3 is cut or no JSON (${text.length} characters)`, {
    httpStatus: received.status,
    hint: 'If it stays, a proxy between here and X3 cuts long answers: choose a smaller page size.',
  })
}

const safe = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Diagnosis {
  readonly $severity?: unknown
  readonly $message?: unknown
}
const diagnosesOf = (body: unknown): Diagnosis[] => {
  const found = (body as { $diagnoses?: unknown } | null | undefined)?.$diagnoses
  return Array.isArray(found) ? found.filter((one) => typeof one === 'object' && one !== null) : []
}
const isSevere = ({ $severity }: Diagnosis): boolean =>
  $severity === 'error' || $severity === 'fatal' || Number($severity) > 2

/** The first severe diagnosis of a body. */
const complaintOf = (body: unknown): string | undefined => {
  const severe = diagnosesOf(body).find(isSevere)
  return (
    severe &&
    (String(severe.$message ?? '')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 500) ||
      'an error without a text')
  )
}

/** What X3 says beside rows that is no failure. */
export const noticesOf = (body: Body): string[] =>
  diagnosesOf(body)
    .filter((one) => !isSevere(one))
    .map(({ $message }) => String($message ?? '').slice(0, 500))
    .filter((text) => text !== '')

function refused(said: string, answer: Answer, what: string): Error {
  const { status, retryAfterMs } = answer
  const details = {
    ...{ httpStatus: status, vendorText: said },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
  if (status === 429 || (status !== 404 && NO_SESSION.test(said)))
    return syncError('throttled', 'x3.sessions', `${what}: X3 has no session free: ${said}`, {
      ...details,
      hint: 'It is asked again. If it stays: look who holds sessions in X3 (Administration > Usage), or allow fewer at a time on the connection.',
    })
  if (NO_COLUMN.test(said))
    return syncError('config', 'x3.filter', `${what}: X3 does not take the condition: ${said}`, {
      ...details,
      hint: 'Only properties of the query facet can be compared. Correct the filter, or the names in the file of fields.',
    })
  if (NOT_THERE.test(said)) return syncError('config', MISSING, `${what}: X3 does not know it: ${said}`, details)
  if (status === 403)
    return syncError('config', 'x3.right', `${what}: X3 refuses to read it: ${said}`, {
      ...details,
      hint: 'Give the user of the connection the right to this class and its representation; those of lines and joined records need their own.',
    })
  return status >= 400
    ? answerError(answer, what)
    : syncError('transient', 'x3.api1', `${what}: X3 answered: ${said}`, details)
}
