import { randomBytes } from 'node:crypto'
import type { Entry, ObjectSpec } from './model.ts'
import type { Column } from './read.ts'

/** What readByQuery has found and readMore goes on with. */
export interface ResultSet {
  readonly id: string
  readonly object: ObjectSpec
  readonly entries: readonly Entry[]
  readonly columns: readonly Column[]
  readonly pageSize: number
  readonly expires: number
  next: number
}

export interface Session {
  readonly id: string
  location: string
  /** When it ends unless it is used, ms. */
  expires: number
  readonly results: Map<string, ResultSet>
}

export interface Sessions {
  open(location: string, now: number): Session
  /** The session while it lives; each use of it begins its life anew. */
  use(id: string, now: number): Session | undefined
  end(id: string): void
  endAll(): void
}

export function createSessions(lifeSeconds: () => number): Sessions {
  const sessions = new Map<string, Session>()
  return {
    open(location, now) {
      for (const [old, { expires }] of sessions) if (expires <= now) sessions.delete(old)
      const id = `${randomBytes(24).toString('base64url')}..`
      const session = { id, location, expires: now + lifeSeconds() * 1000, results: new Map() }
      sessions.set(id, session)
      return session
    },
    use(id, now) {
      const session = sessions.get(id)
      if (session === undefined || session.expires <= now) return undefined
      session.expires = now + lifeSeconds() * 1000
      return session
    },
    end: (id) => sessions.delete(id),
    endAll: () => sessions.clear(),
  }
}

/** Opens with the name of a server in hex, as recorded ones do. */
export function resultId(): string {
  return `${Buffer.from('web38').toString('hex')}${randomBytes(18).toString('base64url')}`
}
