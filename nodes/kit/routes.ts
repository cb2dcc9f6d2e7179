/** Admin routes: bodies parsed and bounded, answers without secrets, errors in words. */
import type { Request, RequestHandler, Response } from 'express'
import { z } from 'zod'
import { withHint } from '../../sync/contract/errors.ts'
import { asSyncError } from './errors.ts'

const MAX_BODY = 1_000_000
const TIMEOUT_MS = 60_000

/** What a dialog posts of a config node: unsaved values; a secret that is not shown comes as `__PWRD__`. */
export const connectionBody = z.object({
  /** Id in the editor; names the deployed node whose secrets are meant by `__PWRD__`. */
  id: z.string().max(100),
  config: z.record(z.string().max(100), z.unknown()),
  credentials: z.record(z.string().max(100), z.string().max(20_000)).default({}),
})
export type ConnectionBody = z.output<typeof connectionBody>

/** Takes secrets out of anything that is going to be answered. */
export function scrub<T>(answer: T, secrets: Iterable<string>): T {
  let text = JSON.stringify(answer ?? null)
  for (const secret of secrets) {
    if (secret.length < 4) continue
    text = text.replaceAll(JSON.stringify(secret).slice(1, -1), '•••')
  }
  return JSON.parse(text) as T
}

/** Who asks, for the record of an edit: the name of the user logged in. */
export const userOf = (request: Request): string => {
  const user = (request as Request & { user?: { username?: string } }).user
  return user?.username ?? 'anonymous'
}

const FILE = Symbol('file')

/** What `handle` answers with a file to be kept. `type`: its media type. */
export const fileAnswer = (name: string, type: string, text: string) => ({ [FILE]: { name, type, text } })

function send(response: Response, answer: unknown): void {
  const file = (answer as ReturnType<typeof fileAnswer> | undefined)?.[FILE]
  if (!file) return void response.json(answer ?? {})
  response.setHeader('Content-Disposition', `attachment; filename="${file.name}"`)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.type(file.type).send(file.text)
}

/**
 * Makes a handler of a function from the parsed body (GET: the query) to the answer.
 * A `fileAnswer` is sent as a file. A wrong body answers 400, one of our errors 422, anything else 500, each as `{error, code, hint}`.
 *
 * @example
 * RED.httpAdmin.get('/tieout/runs', RED.auth.needsPermission('tieout.read'), handle(query, async ({ limit }) => ({ runs: await runs(limit) })))
 */
export function handle<B extends z.ZodType>(
  body: B,
  work: (
    body: z.output<B>,
    request: { readonly user: string; readonly params: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  ) => Promise<unknown>,
): RequestHandler {
  return (request: Request, response: Response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    response.setHeader('Cache-Control', 'no-store')
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(TIMEOUT_MS)])
    void (async () => {
      try {
        const given: unknown = request.method === 'GET' ? request.query : request.body
        if (JSON.stringify(given ?? null).length > MAX_BODY) throw new RangeError('too much')
        const parsed = body.safeParse(given)
        if (!parsed.success) {
          const issue = parsed.error.issues[0]
          response.status(400).json({
            error: `${issue?.path.join('.') || 'request'}: ${issue?.message ?? 'not valid'}`,
            code: 'tieout.request',
          })
          return
        }
        const answer = await work(parsed.data, {
          user: userOf(request),
          params: request.params as Record<string, string>,
          signal,
        })
        if (!response.headersSent) send(response, answer)
      } catch (error) {
        if (response.headersSent || response.writableEnded) return
        if (error instanceof RangeError) {
          response.status(413).json({ error: 'The request is too large', code: 'tieout.request' })
          return
        }
        const ours = asSyncError(error)
        response
          .status(ours === error ? 422 : 500)
          .json({ error: ours.message, code: ours.code, hint: ours.cause.hint })
      }
    })().catch(() => {})
  }
}

/** A page for a person's browser: a sentence and nothing else. */
export interface Page {
  readonly ok: boolean
  readonly title: string
  readonly text: string
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)

/**
 * A page that needs no login: whoever calls it proves himself by what he brings. It answers with a sentence, whatever it was
 * asked; errors of ours are said, others are not.
 */
export function publicPage(work: (query: URLSearchParams) => Promise<Page>): RequestHandler {
  return (request: Request, response: Response) => {
    void (async () => {
      const page = await work(new URL(request.url.slice(0, MOST_QUERY), 'http://localhost').searchParams).catch(
        (error: unknown): Page => {
          const ours = asSyncError(error)
          const known = ours === error
          return { ok: false, title: 'Not done', text: known ? withHint(ours.message, ours.cause.hint) : 'It failed.' }
        },
      )
      response.status(page.ok ? 200 : 400)
      response.setHeader('Cache-Control', 'no-store')
      response.setHeader('Referrer-Policy', 'no-referrer')
      response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
      response.type('html')
      response.send(
        `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>${escaped(page.title)}</title><h1>${escaped(page.title)}</h1><p>${escaped(page.text)}</p></html>`,
      )
    })().catch(() => response.destroy())
  }
}

const MOST_QUERY = 20_000
