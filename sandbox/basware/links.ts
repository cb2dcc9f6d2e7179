import { randomBytes, randomUUID } from 'node:crypto'
import { json, type Reply } from '../http.ts'
import type { BaswareSettings } from './options.ts'

/** Replies that wait at the second origin to be fetched, each by its own signed address. */
export interface Links {
  /** Keeps a reply; gives the address, below the origin, under which it is. */
  keep(reply: Reply, expired: boolean): string
  fetch(url: URL, authorization: string | undefined): Reply
}

/** So many replies are kept; of older ones the link is dead. */
const KEPT = 200

const xml = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-amz-request-id': randomUUID() },
  body: Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  ),
})

export function createLinks(now: () => number, settings: () => BaswareSettings): Links {
  const kept = new Map<string, { reply: Reply; until: number; signature: string }>()
  return {
    keep(reply, expired) {
      const path = `/exports/${randomUUID()}.json`
      const { linkSeconds } = settings()
      const signature = randomBytes(32).toString('hex')
      kept.set(path, { reply, signature, until: expired ? 0 : now() + linkSeconds * 1000 })
      for (const old of kept.keys()) {
        if (kept.size <= KEPT) break
        kept.delete(old)
      }
      return `${path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=${linkSeconds}&X-Amz-Signature=${signature}`
    },
    fetch(url, authorization) {
      if (authorization !== undefined && settings().linkAuthorization === 'refused')
        return xml(400, 'InvalidArgument', 'Only one auth mechanism allowed')
      const found = kept.get(url.pathname)
      if (!found || url.searchParams.get('X-Amz-Signature') !== found.signature)
        return xml(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match')
      if (found.until <= now()) return xml(403, 'AccessDenied', 'Request has expired')
      return found.reply
    },
  }
}

/** A list's or a record's reply. */
export const found = (value: unknown, token: string | undefined): Reply =>
  json(200, value, token === undefined ? {} : { 'x-amz-meta-continuationtoken': token })
