import { createBooks } from '../../sandbox/books/books.ts'
import type { Books, Size } from '../../sandbox/books/types.ts'
import { type IntacctOptions, type IntacctSandbox, startIntacct } from '../../sandbox/intacct/server.ts'
import { child, type Element, escaped, parseXml, textOf } from '../../sandbox/xml.ts'

/** A running Intacct sandbox with a clock that tests set, and a bare caller that knows nothing but XML and POST. */
export interface IntacctFixture {
  intacct: IntacctSandbox
  books: Books
  clock: { time: number; now(): number }
  /** A whole request; parts given replace the good ones. */
  envelope(functions: string, parts?: EnvelopeParts): string
  post(xml: string, url?: string, headers?: Record<string, string>): Promise<IntacctAnswer>
  /** Signs in and keeps the session for `call`. */
  signIn(location?: string): Promise<string>
  /** One function in the session, at its endpoint; signs in where there is none. */
  call(functionXml: string, parts?: EnvelopeParts): Promise<IntacctAnswer>
  /** A query; its attributes and its rows as field to text. Throws where it fails. */
  query(object: string, fields: readonly string[], rest?: string): Promise<IntacctRows>
}

export interface EnvelopeParts {
  senderId?: string
  senderPassword?: string
  session?: string
  login?: string
  uniqueId?: boolean | undefined
  whitespace?: boolean
  policy?: string
  transaction?: boolean
  controlId?: string
}

export interface IntacctAnswer {
  status: number
  headers: Headers
  text: string
  /** The reply's root; undefined where it is no XML. */
  root: Element | undefined
  /** The first result. */
  result: Element | undefined
  /** Of the first message found, from the outside in, with its level. */
  error: { level: 'control' | 'operation' | 'result'; errorno: string; texts: string } | undefined
}

export interface IntacctRows {
  attributes: Readonly<Record<string, string>>
  rows: Record<string, string>[]
}

const start = Date.parse('2026-03-10T09:00:00Z')
let controlIds = 0

export async function startIntacctFixture(
  options: Partial<IntacctOptions> & { size?: Size | number; seed?: number } = {},
): Promise<IntacctFixture> {
  const { size = 'small', seed = 1, ...rest } = options
  const clock = { time: start, now: () => clock.time }
  const books = rest.books ?? createBooks({ seed, size, today: '2026-03-10', now: clock.now })
  const intacct = await startIntacct({ clock, ...rest, books })
  let session: string | undefined

  function envelope(functions: string, parts: EnvelopeParts = {}): string {
    const { senderId = intacct.senderId, senderPassword = intacct.senderPassword, uniqueId = false } = parts
    const login =
      parts.login ??
      `<login><userid>${intacct.userId}</userid><companyid>${intacct.companyId}</companyid><password>${intacct.userPassword}</password></login>`
    const who = parts.session === undefined ? login : `<sessionid>${parts.session}</sessionid>`
    const unique = 'uniqueId' in parts && parts.uniqueId === undefined ? '' : `<uniqueid>${uniqueId}</uniqueid>`
    const policy = parts.policy === undefined ? '' : `<policyid>${parts.policy}</policyid>`
    const inside = functions.startsWith('<function')
      ? functions
      : `<function controlid="${parts.controlId ?? `c${++controlIds}`}">${functions}</function>`
    return `<?xml version="1.0" encoding="utf-8"?><request><control><senderid>${escaped(senderId)}</senderid><password>${escaped(senderPassword)}</password><controlid>test</controlid>${unique}<dtdversion>3.0</dtdversion>${policy}<includewhitespace>${parts.whitespace ?? false}</includewhitespace></control><operation transaction="${parts.transaction ?? false}"><authentication>${who}</authentication><content>${inside}</content></operation></request>`
  }

  async function post(xml: string, url = intacct.url, headers: Record<string, string> = {}): Promise<IntacctAnswer> {
    const response = await fetch(url, {
      method: 'POST',
      body: xml,
      headers: { 'content-type': 'application/xml', ...headers },
    })
    const text = await response.text()
    let root: Element | undefined
    try {
      root = parseXml(text)
    } catch {
      root = undefined
    }
    const operation = child(root, 'operation')
    const result = child(operation, 'result')
    return { status: response.status, headers: response.headers, text, root, result, error: errorIn(root) }
  }

  const fixture: IntacctFixture = {
    intacct,
    books,
    clock,
    envelope,
    post,
    async signIn(location) {
      const wanted = location === undefined ? '' : `<locationid>${location}</locationid>`
      const login = `<login><userid>${intacct.userId}</userid><companyid>${intacct.companyId}</companyid><password>${intacct.userPassword}</password>${wanted}</login>`
      const { result, text } = await post(envelope('<getAPISession/>', { login }))
      session = textOf(child(child(result, 'data'), 'api'), 'sessionid')
      if (session === undefined) throw new Error(`No session: ${text}`)
      return session
    },
    async call(functionXml, parts = {}) {
      const own = parts.session ?? session ?? (await fixture.signIn())
      return post(envelope(functionXml, { ...parts, session: own }), intacct.endpoint)
    },
    async query(object, fields, rest = '') {
      const select = fields.map((field) => `<field>${field}</field>`).join('')
      const answer = await fixture.call(`<query><object>${object}</object><select>${select}</select>${rest}</query>`)
      const data = child(answer.result, 'data')
      if (data === undefined || textOf(answer.result, 'status') !== 'success') {
        throw new Error(`The query of ${object} failed: ${answer.text.slice(0, 2_000)}`)
      }
      return { attributes: data.attributes, rows: data.children.map(fieldsOf) }
    },
  }
  return fixture
}

/** Fields of a row by name. */
export function fieldsOf(row: Element): Record<string, string> {
  return Object.fromEntries(row.children.map(({ name, text }) => [name, text]))
}

function errorIn(root: Element | undefined): IntacctAnswer['error'] {
  const operation = child(root, 'operation')
  const results = operation?.children.filter(({ name }) => name === 'result') ?? []
  const levels = [
    ['control', child(root, 'errormessage')],
    ['operation', child(operation, 'errormessage')],
    ...results.map((result) => ['result', child(result, 'errormessage')] as const),
  ] as const
  for (const [level, message] of levels) {
    const [first] = message?.children ?? []
    if (!message || !first) continue
    const texts = message.children
      .flatMap(({ children }) => children.filter(({ name }) => name !== 'errorno').map(({ text }) => text))
      .filter(Boolean)
      .join(' | ')
    return { level, errorno: textOf(first, 'errorno') ?? '', texts }
  }
  return undefined
}
