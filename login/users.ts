/** Who may log in, and what each may do: one user from the environment (an admin), more from `users.json`, read again when it changes. */
import { readFileSync, statSync } from 'node:fs'
import { z } from 'zod'
import { refuse } from './refuse.ts'

/**
 * What each role may do: `read` covers everything that only shows. None but an admin has `inject.write`: by the route behind
 * inject nodes any message can be sent to any node, with values that the environment holds.
 */
const ROLES = {
  admin: ['*'],
  controller: ['read', 'tieout.write', 'tieout.decide'],
  finance: ['read', 'tieout.write', 'tieout.decide', 'tieout.codes'],
  operator: ['read', 'tieout.write'],
  viewer: ['read'],
} as const

export interface User {
  readonly username: string
  /** A bcrypt hash. */
  readonly password: string
  /** In Node-RED's words. */
  readonly permissions: '*' | readonly string[]
}

export interface Users {
  /** The user as he is now; undefined: nobody of that name may log in. */
  find(username: string): User | undefined
}

const listed = z.array(z.looseObject({ username: z.unknown(), password: z.unknown(), role: z.unknown() }))

/** Throws with what to correct. */
function userOf({ username, password, role }: z.output<typeof listed>[number], file: string): User {
  if (typeof username !== 'string' || !username) throw refuse(`${file}: a user has no username.`)
  if (!/^\$2[aby]\$\d\d\$.{53}$/.test(String(password)))
    throw refuse(`the password of ${username} is not a bcrypt hash. "npx node-red admin hash-pw" makes one.`)
  if (typeof role !== 'string' || !Object.hasOwn(ROLES, role))
    throw refuse(`the role of ${username} must be one of ${Object.keys(ROLES).join(', ')}.`)
  const permissions = ROLES[role as keyof typeof ROLES]
  return { username, password: String(password), permissions: permissions[0] === '*' ? '*' : permissions }
}

function read(file: string, admin: { username: string; password: string } | undefined): Map<string, User> {
  const text = stampOf(file) === '' ? '[]' : readFileSync(file, 'utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw refuse(`${file} is not valid JSON (${(error as Error).message}). Correct it or restore it from a backup.`)
  }
  const parsed = listed.safeParse(json)
  if (!parsed.success) throw refuse(`${file} must be a list of {"username", "password", "role"}.`)
  const all = [...(admin ? [{ ...admin, role: 'admin' }] : []), ...parsed.data]
  if (all.length === 0)
    throw refuse(
      `no user may log in. Set TIEOUT_ADMIN_USER and TIEOUT_ADMIN_PASSWORD_HASH, or write ${file}. "npx node-red admin hash-pw" makes a hash.`,
    )
  return new Map(all.map((one) => userOf(one, file)).map((user) => [user.username, user]))
}

/** Changes when the file does; empty: there is none. It never throws: Node-RED asks in the middle of a socket's frame. */
function stampOf(file: string): string {
  try {
    const stat = statSync(file, { throwIfNoEntry: false })
    return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : ''
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

/**
 * Reads the users. Throws where nobody may log in or an entry is wrong; a file that becomes wrong later is told by `warn`,
 * and nobody of it may log in until it is right: who was taken out must not stay in because of a slip beside him.
 */
export function openUsers(
  file: string,
  admin: { readonly username: string; readonly password: string } | undefined,
  warn: (text: string) => void,
): Users {
  let stamp = stampOf(file)
  let users = read(file, admin)
  return {
    find(username) {
      const now = stampOf(file)
      if (now !== stamp) {
        stamp = now
        try {
          users = read(file, admin)
        } catch (error) {
          warn((error as Error).message)
          users = admin ? read('', admin) : new Map()
        }
      }
      return users.get(username)
    },
  }
}
