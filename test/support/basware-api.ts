/** Basware's API as a connection sees it, in this process: what is posted stands there, and P2P says what a test wants. */
import type { BaswareConnection, Get, Posted } from '../../nodes/basware/client/connection.ts'
import type { RecordFault } from '../../nodes/basware/client/errors.ts'
import { type Place, resourceOf } from '../../nodes/basware/client/send/resources.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { parseToSend } from '../../vendor/json.ts'

type Json = Readonly<Record<string, unknown>>

export interface SentPost {
  readonly path: string
  readonly text: string
  readonly bodies: readonly (Json & { externalCode: string })[]
  readonly requestId: string
  readonly at: number
}

export interface BaswareApi {
  readonly connection: BaswareConnection
  readonly posts: SentPost[]
  /** Paths that were read, with their queries. */
  readonly gets: string[]
  /** What stands there before anything is sent. */
  put(place: Place, ...bodies: (Json & { externalCode: string })[]): void
  /** It is gone there, as somebody took it away. */
  take(place: Place, externalCode: string): void
  get(place: Place, externalCode: string): (Json & { externalCode: string }) | undefined
  /** What a POST is answered with; undefined: it is taken. Throwing is a broken line. */
  answer: (post: Omit<SentPost, 'requestId'>) => readonly RecordFault[] | 'refused' | undefined
  /** What `requestStatus` says of a request; undefined: it is not known. */
  status: (post: SentPost) => Json | undefined
  now: number
}

const scopeOf = (path: string): string => path.split('/')[2] ?? ''
const page = <T>(all: readonly T[], { query, continuation }: Get) => {
  const size = Number(query?.pageSize ?? 500)
  const at = Number(continuation ?? 0)
  return { some: all.slice(at, at + size), next: at + size < all.length ? String(at + size) : null }
}

export function baswareApi(): BaswareApi {
  const stored = new Map<string, Map<string, Json>>()
  const of = (path: string): Map<string, Json> => {
    const known = stored.get(path) ?? new Map()
    stored.set(path, known)
    return known
  }
  const envelope = (path: string): string => {
    const name = scopeOf(path)
    return resourceOf((name === 'lists' ? path.slice('/v1/'.length) : name) as Place).envelope
  }
  const api: BaswareApi = {
    ...{ posts: [], gets: [], now: 0, answer: () => undefined },
    status: ({ requestId, bodies }) => ({
      requestId,
      requestStatus: 'Success',
      systems: [{ system: 'P2P', items: bodies.map(({ externalCode }) => ({ externalCode, status: 'Success' })) }],
    }),
    put(place, ...bodies) {
      for (const body of bodies) of(resourceOf(place).path).set(body.externalCode, body)
    },
    take: (place, externalCode) => void of(resourceOf(place).path).delete(externalCode),
    get: (place, externalCode) =>
      of(resourceOf(place).path).get(externalCode) as (Json & { externalCode: string }) | undefined,
    connection: {
      ...{ address: 'basware://api.test/basware', origin: 'https://api.test', user: 'us', concurrency: 2 },
      clock: { now: () => api.now, learn: () => undefined, differenceSeconds: () => 0 } as never,
      ...{ granted: async () => true, redirectedTo: () => [], listen: () => () => undefined, close: async () => {} },
      requests: () => api.posts.length + api.gets.length,
      async get(path, ask) {
        api.gets.push(`${path}?${new URLSearchParams(ask.query)}`)
        if (path.startsWith('/v1/requestStatus')) {
          const id = path.split('/')[3]
          const wanted = api.posts.filter(({ requestId }) => id === undefined || requestId === id)
          const all = wanted.flatMap((post) => api.status(post) ?? [])
          if (all.length === 0) return undefined
          const { some, next } = page(all, ask)
          return { data: { requestStatus: some }, continuation: next }
        }
        const all = [...of(path).values()].filter(
          ({ orderExternalCode }) => (ask.query?.orderExternalCode ?? orderExternalCode) === orderExternalCode,
        )
        if (all.length === 0) return undefined
        const { some, next } = page(all, ask)
        return { data: parseToSend(JSON.stringify({ [envelope(path)]: some })), continuation: next }
      },
      async post(path, text): Promise<Posted> {
        const bodies = JSON.parse(String(text)) as SentPost['bodies']
        const post = { path, text: String(text), bodies, at: api.now }
        const answer = api.answer(post)
        const requestId = `request-${api.posts.length + 1}`
        if (answer === undefined) {
          for (const body of parseToSend(String(text)) as SentPost['bodies']) of(path).set(body.externalCode, body)
          api.posts.push({ ...post, requestId })
          return { status: 200, requestId, refusal: undefined, faults: [] }
        }
        const refusal = syncError('config', 'basware.400', `${path}: Basware refused the request (HTTP 400)`, {})
        return { status: 400, requestId, refusal, faults: answer === 'refused' ? [] : answer }
      },
    },
  }
  return api
}
