/** The login of the editor and its admin API, as settings for Node-RED. No function given to Node-RED here ever rejects. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type AdminParts, adminMiddleware } from './admin.ts'
import { countAttempts } from './attempts.ts'
import { guardComms } from './comms.ts'
import { partsOfNodeRed } from './node-red.ts'
import { originRule } from './origins.ts'
import { openSessions } from './sessions.ts'
import { openUsers, type User } from './users.ts'

export { accessLog } from './access-log.ts'

/** The Node-RED whose editor API was looked at; another one is told at the start. */
const LOOKED_AT = '5.0.7'

export interface LoginOptions {
  readonly userDir: string
  /** The admin from the environment. */
  readonly admin: { readonly username: string; readonly password: string } | undefined
  /** TIEOUT_PUBLIC_URL. */
  readonly publicUrls: string
  /** TIEOUT_TRUST_PROXY. */
  readonly trustProxy: boolean
  /** Node-RED's httpAdminRoot, once it has read its settings. */
  readonly root: () => string | undefined
}

export interface Login {
  readonly adminAuth: {
    readonly type: 'credentials'
    readonly users: (name: unknown) => Promise<null>
    readonly authenticate: (...given: unknown[]) => Promise<null>
    readonly tokens: (token: unknown) => Promise<Omit<User, 'password'> | null>
  }
  readonly middleware: ReturnType<typeof adminMiddleware>
}

/** Throws, with what to do, where nobody could log in or the socket could not be guarded. */
export function openLogin({ userDir, admin, publicUrls, trustProxy, root }: LoginOptions): Login {
  const warn = (text: string): void => console.warn(`[tieout] ${text}`)
  const { version, bcrypt, ws, audit, hasPermission: covers } = partsOfNodeRed()
  if (version !== LOOKED_AT)
    warn(`Node-RED ${version} is not the one that the guard of its editor's socket was tried with (${LOOKED_AT}).`)
  const users = openUsers(join(userDir, 'users.json'), admin, warn)
  const sessions = openSessions(join(userDir, 'tieout-sessions.json'), users, covers, warn)
  const refused = originRule(publicUrls)
  guardComms({ ws, covers, sessions, refused, root })
  // Node-RED's own sessions hold tokens in clear, with the rights of then.
  rmSync(join(userDir, '.sessions.json'), { force: true })
  const attempts = { known: countAttempts(), unknown: countAttempts() }
  const parts: AdminParts = { users, sessions, attempts, bcrypt, covers, refused, audit, trustProxy }
  return {
    adminAuth: {
      type: 'credentials',
      users: async () => null,
      authenticate: async () => null,
      tokens: async (token) => (typeof token === 'string' ? (sessions.find(token) ?? null) : null),
    },
    middleware: adminMiddleware(parts),
  }
}
