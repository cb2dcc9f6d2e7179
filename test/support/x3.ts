import { createHmac } from 'node:crypto'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books, Size } from '../../sandbox/books/types.ts'
import { startX3, type X3Options, type X3Sandbox } from '../../sandbox/x3/server.ts'

/** A running X3 sandbox with a clock that tests set, and a caller that signs its own tokens. */
export interface X3Fixture {
  x3: X3Sandbox
  books: Books
  clock: { time: number; now(): number }
  /** A signed token; claims given replace the good ones. */
  token(claims?: Record<string, unknown>, secret?: string): string
  /** Posts a query; headers given replace the good ones. */
  post(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<X3Answer>
}

export interface X3Answer {
  status: number
  headers: Headers
  text: string
  /** The reply read as JSON; undefined where it is none. */
  json: X3Json | undefined
}

export interface X3Json {
  data?: unknown
  errors?: { message: string; path?: (string | number)[]; extensions?: { diagnoses?: X3Diagnosis[] } }[]
  extensions?: { diagnoses?: X3Diagnosis[] }
}

export interface X3Diagnosis {
  severity: number
  message: string
}

const start = Date.parse('2026-03-10T09:00:00Z')

export async function startX3Fixture(
  options: Partial<X3Options> & { size?: Size | number; seed?: number } = {},
): Promise<X3Fixture> {
  const { size = 'small', seed = 1, ...rest } = options
  const clock = { time: start, now: () => clock.time }
  const books = rest.books ?? createBooks({ seed, size, today: '2026-03-10', now: clock.now })
  const x3 = await startX3({ clock, ...rest, books })

  function token(claims: Record<string, unknown> = {}, secret = x3.secret): string {
    const iat = Math.floor(clock.time / 1000) - 30
    const good = { iss: x3.clientId, sub: x3.user, aud: x3.url, iat, exp: iat + 300 }
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...good, ...claims })}`
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }

  async function post(
    query: string,
    variables: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ): Promise<X3Answer> {
    const response = await fetch(x3.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token()}`, ...headers },
      body: JSON.stringify({ query, variables }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: readJson(text) }
  }

  return { x3, books, clock, token, post }
}

function readJson(text: string): X3Json | undefined {
  try {
    return JSON.parse(text) as X3Json
  } catch {
    return undefined
  }
}

/** What is found at a dotted path of a value read from JSON; undefined where a part is missing. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name], value)
}
