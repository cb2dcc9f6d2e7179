/** The user directory: which of its files belong into a backup, and which ledgers its flows have. */
import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { z } from 'zod'

/** Never the secret that opens the credentials: whoever finds a backup must not have both. */
export const FILES = ['flows.json', 'flows_cred.json', 'users.json'] as const

const flows = z.array(z.looseObject({ id: z.string(), type: z.string(), file: z.string().optional() }))

/** Files of the ledgers, relative where they are in the user directory; only those that are there. */
export function ledgersOf(home: string): readonly string[] {
  const file = join(home, 'flows.json')
  if (!existsSync(file)) return []
  const found = flows.parse(JSON.parse(readFileSync(file, 'utf8')))
  const own = found
    .filter(({ type }) => type === 'sync-ledger')
    .map(({ id, file }) => file || join('tieout', `${id}.db`))
  return [...new Set(own.map((name) => inside(home, name)))].filter((name) => existsSync(pathOf(home, name)))
}

/** Relative where it can be. */
function inside(home: string, name: string): string {
  const short = relative(home, isAbsolute(name) ? name : join(home, name))
  return short.startsWith('..') ? name : short
}

export const pathOf = (home: string, name: string): string => (isAbsolute(name) ? name : join(home, name))
