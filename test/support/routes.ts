/** Admin routes without a Node-RED: which right each asks for, and what it answers. */
import type { RequestHandler } from 'express'
import type { NodeAPI } from 'node-red'
import type { LedgerHandle } from '../../nodes/kit/kit.ts'

export interface Answer<T> {
  readonly status: number
  readonly body: T
  /** Of a file. */
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Routes {
  /** `GET /tieout/runs` -> the right. */
  readonly rights: ReadonlyMap<string, string>
  /** Lines of Node-RED's log. */
  readonly log: string[]
  call<T = unknown>(method: 'GET' | 'POST', path: string, given?: object, user?: string): Promise<Answer<T>>
}

/** The routes that `define` makes over some ledgers, by the ids of their config nodes. */
export function routesOf(define: (RED: NodeAPI) => void, ledgers: Readonly<Record<string, LedgerHandle>>): Routes {
  const handlers = new Map<string, RequestHandler>()
  const rights = new Map<string, string>()
  const log: string[] = []
  const at = (method: string) => (path: string, right: string, handler: RequestHandler) => {
    handlers.set(`${method} ${path}`, handler)
    rights.set(`${method} ${path}`, right)
  }
  define({
    httpAdmin: { get: at('GET'), post: at('POST') },
    auth: { needsPermission: (right: string) => right },
    log: { info: (line: string) => void log.push(line) },
    nodes: {
      eachNode: (each: (node: object) => void) => {
        for (const id of Object.keys(ledgers)) each({ id, type: 'sync-ledger' })
      },
      getNode: (id: string) => (ledgers[id] ? { id, name: `Ledger ${id}`, tieout: ledgers[id] } : null),
    },
  } as unknown as NodeAPI)

  const call = <T>(method: string, path: string, given: object = {}, username = 'ann'): Promise<Answer<T>> =>
    new Promise((resolve) => {
      let status = 200
      const headers: Record<string, string> = {}
      const response = {
        on: () => response,
        setHeader: (name: string, value: string) => {
          headers[name.toLowerCase()] = value
        },
        headersSent: false,
        type: () => response,
        send: (text: string) => resolve({ status, body: undefined as T, text, headers }),
        status: (code: number) => {
          status = code
          return response
        },
        json: (body: unknown) => resolve({ status, body: JSON.parse(JSON.stringify(body)) as T, text: '', headers }),
      }
      const request = { method, query: given, body: given, params: {}, user: { username } }
      handlers.get(`${method} ${path}`)?.(request as never, response as never, () => {})
    })
  return { rights, log, call }
}
