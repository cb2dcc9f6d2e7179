import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Reply } from '../http.ts'
import type { Injection } from './options.ts'

/** Injections by the site whose next requests they are meant for. */
export interface Injected {
  add(what: Injection, site: string, times: number): void
  take(site: string): Injection | undefined
}

export function createInjected(): Injected {
  let waiting: { what: Injection; site: string }[] = []
  return {
    add(what, site, times) {
      for (let time = 0; time < times; time++) waiting.push({ what, site })
    },
    take(site) {
      const found = waiting.find((each) => each.site === site)
      waiting = waiting.filter((each) => each !== found)
      return found?.what
    },
  }
}

const page = (status: number, title: string): Reply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: Buffer.from(`<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`),
})

/** Replies that come from something in front of Basware, without its request id. */
export const PAGES: Readonly<Partial<Record<Injection, Reply>>> = {
  'html-200': page(200, 'Sign in to continue'),
  'html-404': page(404, 'The page you are looking for does not exist'),
  'html-502': page(502, 'Bad gateway'),
  'not-json': {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"accountingDocuments": ['),
  },
}

/** Bytes of blanks before a reply that is too big for anybody. */
const HUGE = 80_000_000

function* behindBlanks(body: Buffer): Generator<Buffer> {
  const blanks = Buffer.alloc(1_000_000, ' ')
  for (let sent = 0; sent < HUGE; sent += blanks.length) yield blanks
  yield body
}

/** Sends the reply behind 80 MB of blanks. Throws where the client does not take them. */
export async function sendHuge(response: ServerResponse, { status, headers, body }: Reply): Promise<void> {
  await pipeline(behindBlanks(body), response.writeHead(status, headers))
}
