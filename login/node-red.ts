/** What Node-RED itself brings along, found from where it was started: a package installed beside it must not bring a second one. */
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { refuse } from './refuse.ts'

type Require = ReturnType<typeof createRequire>

/** Resolves as the Node-RED that runs does: its own start file is the process's main file. */
function nodeRed(): Require {
  const main = process.argv[1]
  const tried = [main === undefined ? undefined : createRequire(realpathSync(main)), createRequire(import.meta.url)]
  for (const one of tried)
    try {
      return createRequire((one as Require).resolve('@node-red/editor-api'))
    } catch {
      // Started by something else (a process manager): the next place.
    }
  throw refuse("Node-RED's editor API (@node-red/editor-api) was not found. Start Tieout with Node-RED 5.")
}

interface Bcrypt {
  compare(password: string, hash: string): Promise<boolean>
}

/** The socket server of Node-RED's editor, as far as it is touched. */
export interface SocketServer {
  options: { maxPayload: number }
  handleUpgrade(request: object, socket: object, head: object, done: (socket: Socket, ...more: unknown[]) => void): void
}
export interface Socket {
  emit(event: string, ...args: unknown[]): boolean
  send(data: unknown, ...more: unknown[]): void
  close(code?: number, reason?: string): void
}

export interface NodeRedParts {
  readonly version: string
  readonly bcrypt: Bcrypt
  readonly ws: { readonly Server: { readonly prototype: SocketServer } }
  readonly audit: (event: { readonly event: string; readonly [more: string]: unknown }) => void
  /** Node-RED's own rule: does a scope cover a permission? */
  readonly hasPermission: (scope: unknown, permission: unknown) => boolean
}

export function partsOfNodeRed(): NodeRedParts {
  const own = nodeRed()
  const optional = (name: string, other: string): unknown => {
    try {
      return own(name)
    } catch {
      return own(other)
    }
  }
  return {
    version: (own('@node-red/editor-api/package.json') as { version: string }).version,
    bcrypt: optional('@node-rs/bcrypt', 'bcryptjs') as Bcrypt,
    ws: own('ws') as NodeRedParts['ws'],
    audit: (event) => (own('@node-red/util') as { log: { audit: NodeRedParts['audit'] } }).log.audit(event),
    hasPermission: (own('./auth/permissions') as Pick<NodeRedParts, 'hasPermission'>).hasPermission,
  }
}
