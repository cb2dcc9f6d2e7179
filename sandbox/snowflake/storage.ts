import type { IncomingMessage } from 'node:http'
import type { Reply } from '../http.ts'
import type { Running } from './running.ts'

/** Where the object store lies below the server's address. */
export const STORAGE = '/gcs/stages/'

const xml = (status: number, code: string, message: string): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(
    `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  ),
})

/** Why a request does not get through, if so: its token is unknown or no longer good. */
export function refuseStorage({ storageTokens }: Running, request: IncomingMessage): Reply | undefined {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (storageTokens.has(token)) return undefined
  return xml(403, 'AccessDenied', 'Access denied.')
}

/** GET, HEAD and PUT of one object, as the cloud's object store answers them. */
export async function storage(
  { account }: Running,
  request: IncomingMessage,
  path: string,
  body: Buffer,
): Promise<Reply> {
  const { stages } = account
  const key = decodeURIComponent(path.slice(STORAGE.length))
  if (request.method === 'PUT') {
    const kept = Object.entries(request.headers).filter(([name]) => name.startsWith('x-goog-meta-'))
    await stages.put(key, body, Object.fromEntries(kept.map(([name, value]) => [name, String(value)])))
    return { status: 200, headers: {}, body: Buffer.alloc(0) }
  }
  const file = stages.get(key)
  if (!file) return xml(404, 'NoSuchKey', 'The specified key does not exist.')
  const headers = { ...file.headers, etag: `"${file.etag}"` }
  if (request.method === 'HEAD')
    return { status: 200, headers: { ...headers, 'content-length': String(file.size) }, body: Buffer.alloc(0) }
  return { status: 200, headers, body: await stages.read(file) }
}
