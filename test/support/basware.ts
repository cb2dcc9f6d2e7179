/** A Basware sandbox under a clock of its own, and calls to it as its contract describes them. */
import { randomUUID } from 'node:crypto'
import { type BaswareOptions, type BaswareSandbox, startBasware } from '../../sandbox/basware/server.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, where it is JSON. */
  readonly json: unknown
}

export interface BaswareFixture {
  readonly sandbox: BaswareSandbox
  /** Moves its clock on. */
  pass(ms: number): void
  /** One call with HTTP Basic, redirects not followed. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** A GET whose redirect, if any, is followed without Authorization. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Every page of a list, by the tokens in the headers. */
  pages(path: string): Promise<readonly (readonly Json[])[]>
  acknowledge(invoiceId: string): Promise<Answer>
  transfer(invoiceId: string, fields?: Json): Promise<Answer>
  invoice(invoiceId: string): Promise<Json>
  /** An invoice that waits for transfer. */
  waiting(): Promise<Json>
  token(scope: string): Promise<Answer>
  close(): Promise<void>
}

export const START = Date.parse('2026-03-10T08:00:00Z')

export async function answerOf(reply: Response): Promise<Answer> {
  const text = await reply.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: reply.status, headers: reply.headers, text, json }
}

const recordsOf = (answer: Answer): readonly Json[] =>
  Object.values((answer.json ?? {}) as Readonly<Record<string, readonly Json[]>>)[0] ?? []

export async function startBaswareFixture(options: Partial<BaswareOptions> = {}): Promise<BaswareFixture> {
  let time = START
  const now = (): number => time
  const sandbox = await startBasware({ seed: 1, size: 'small', today: '2026-03-10', clock: { now }, now, ...options })
  const basic = `Basic ${Buffer.from(`${sandbox.username}:${sandbox.password}`).toString('base64')}`

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return await answerOf(
      await fetch(sandbox.url + path, {
        method,
        redirect: 'manual',
        headers: {
          authorization: basic,
          'x-bw-request-id': randomUUID(),
          ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
  }

  async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const first = await call('GET', path, undefined, headers)
    const location = first.headers.get('location')
    return first.status === 302 && location ? await answerOf(await fetch(location)) : first
  }

  const invoice = async (invoiceId: string): Promise<Json> =>
    recordsOf(await get(`/v1/accountingDocuments/${invoiceId}`))[0] ?? {}

  return {
    ...{ sandbox, call, get, invoice },
    pass(ms) {
      time += ms
    },
    async pages(path) {
      const found: (readonly Json[])[] = []
      for (let token: string | null = ''; token !== null; ) {
        const answer = await get(path, token === '' ? {} : { 'x-amz-meta-continuationtoken': token })
        if (answer.status !== 200) break
        found.push(recordsOf(answer))
        token = answer.headers.get('x-amz-meta-continuationtoken')
      }
      return found
    },
    acknowledge: (invoiceId) => call('POST', `/v1/accountingDocuments/${invoiceId}/acknowledge`),
    transfer: (invoiceId, fields = {}) =>
      call('POST', `/v1/accountingDocuments/${invoiceId}/transferResponses`, {
        ...{ externalCode: randomUUID(), success: true, responseMessage: 'Posted', paymentBlock: false },
        ...fields,
      }),
    async waiting() {
      const answer = await get('/v1/accountingDocuments?ProcessingStatus=WaitingForTransfer&pageSize=1')
      const [first] = recordsOf(answer)
      if (!first) throw new Error('No invoice waits for transfer')
      return first
    },
    token: async (scope) =>
      await answerOf(
        await fetch(`${sandbox.url}/v1/tokens`, {
          method: 'POST',
          headers: {
            authorization: `Basic ${Buffer.from(`${sandbox.clientId}:${sandbox.clientSecret}`).toString('base64')}`,
          },
          body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
        }),
      ),
    close: sandbox.close,
  }
}
