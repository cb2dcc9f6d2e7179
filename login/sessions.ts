/** Sessions of the editor: random tokens, stored by their hash alone, that give the rights their user has now. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { User, Users } from './users.ts'

const SESSION_MS = 12 * 3600 * 1000
/** So many sessions are kept; the oldest go first. */
const MOST = 5000

const stored = z.record(
  z.string(),
  z.object({ username: z.string(), password: z.string(), scope: z.array(z.string()), expires: z.number() }),
)
type Session = z.output<typeof stored>[string]

export interface Sessions {
  readonly seconds: number
  /** Makes a session; `scope` narrows the user's rights where it is not empty. */
  create(user: User, scope: readonly string[]): string
  /** The user behind a token with the rights it gives now; undefined: it gives none. */
  find(token: string): { readonly username: string; readonly permissions: User['permissions'] } | undefined
  revoke(token: string): void
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Sessions of a file of their own (0600): they survive a restart. Looking a token up by its hash tells nothing by its time. */
export function openSessions(
  file: string,
  users: Users,
  covers: (scope: unknown, permission: unknown) => boolean,
  warn: (text: string) => void,
  now: () => number = Date.now,
): Sessions {
  const sessions = new Map<string, Session>(read(file))

  const save = (): void => {
    for (const [hash, { expires }] of sessions) if (expires <= now()) sessions.delete(hash)
    for (const hash of sessions.keys()) {
      if (sessions.size <= MOST) break
      sessions.delete(hash)
    }
    try {
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(sessions)), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    } catch (error) {
      // A full disk is when somebody must get in.
      warn(`${file} cannot be written (${(error as Error).message}): sessions end with the next restart.`)
    }
  }

  return {
    seconds: SESSION_MS / 1000,
    create({ username, password }, scope) {
      const token = randomBytes(32).toString('base64url')
      sessions.set(sha256(token), {
        username,
        password: sha256(password),
        scope: [...scope],
        expires: now() + SESSION_MS,
      })
      save()
      return token
    },
    find(token) {
      const session = sessions.get(sha256(token))
      if (!session || session.expires <= now()) return undefined
      const user = users.find(session.username)
      if (!user || sha256(user.password) !== session.password) return undefined
      if (session.scope.length === 0) return { username: user.username, permissions: user.permissions }
      if (!covers(user.permissions, session.scope)) return undefined
      return { username: user.username, permissions: session.scope }
    },
    revoke(token) {
      if (sessions.delete(sha256(token))) save()
    },
  }
}

/** A file that cannot be read is as if there were none: its users log in again. */
function read(file: string): [string, Session][] {
  try {
    const parsed = stored.safeParse(JSON.parse(readFileSync(file, 'utf8')))
    return parsed.success ? Object.entries(parsed.data) : []
  } catch {
    return []
  }
}
