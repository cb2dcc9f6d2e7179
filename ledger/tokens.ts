/** Logins that change with each use, sealed; beside the ledger where it cannot take them. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import { type Installation, readInstallation, writeInstallation } from './installation.ts'
import type { RotatingTokens, StoredToken } from './ledger.ts'

interface Row {
  readonly version: number
  readonly sealed: Uint8Array | null
  readonly noted: number | null
}
/** What the file beside the ledger has of a name. */
interface Beside {
  readonly version: number
  /** Base64. */
  readonly sealed: string
}

export interface TokenDeps {
  readonly db: Database
  /** Of the ledger. */
  readonly id: string
  readonly cipher: Cipher
  /** File by which a copy of the ledger is told from it; undefined: a ledger in memory. */
  readonly installation: string | undefined
}

export function createTokens({ db, id, cipher, installation }: TokenDeps): RotatingTokens {
  const { find, note, put, forget } = prepared(db, {
    find: 'SELECT version, sealed, noted FROM token WHERE name = ?',
    note: 'INSERT INTO token (name, version, noted) VALUES (?, 0, ?) ON CONFLICT DO UPDATE SET noted = excluded.noted',
    put: `INSERT INTO token (name, version, sealed) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET version = excluded.version, sealed = excluded.sealed, noted = NULL`,
    forget: 'DELETE FROM token WHERE name = ?',
  })
  const about = (name: string, version: number): string => `token ${name} ${version}`
  const open = (name: string, version: number, sealed: Uint8Array): string => cipher.open(sealed, about(name, version))
  const beside = fileBeside(db.file)

  const store = (name: string, version: number, sealed: Uint8Array): 'ledger' | 'beside' => {
    try {
      db.guard(() => put.run(name, version, sealed))
    } catch (error) {
      if (!beside.put(name, { version, sealed: Buffer.from(sealed).toString('base64') })) throw error
      return 'beside'
    }
    beside.remove(name)
    return 'ledger'
  }

  return {
    async token(name) {
      const row = db.guard(() => find.get(name)) as Row | undefined
      const other = beside.read()[name]
      if (other && other.version > (row?.version ?? 0))
        return {
          version: other.version,
          text: open(name, other.version, Buffer.from(other.sealed, 'base64')),
          beside: true,
          // A note of a version below was answered by what stands beside.
          ...(row?.noted != null && row.noted >= other.version ? { noted: row.noted } : {}),
        }
      if (!row) return undefined
      const text = row.sealed === null ? '' : open(name, row.version, row.sealed)
      return { version: row.version, text, ...(row.noted === null ? {} : { noted: row.noted }) } satisfies StoredToken
    },
    async noteRenewal(name, version) {
      db.guard(() => note.run(name, version))
    },
    async saveToken(name, version, text) {
      const sealed = cipher.seal(text, about(name, version))
      const where = store(name, version, sealed)
      // Only what is stored: a version that is known here and nowhere else would be asked for in vain.
      if (installation !== undefined) witness(installation, name, { version, id })
      return where
    },
    highestToken: async (name) => knownOf(installation)?.tokens[name] ?? 0,
    async tokenDoubt(name, version) {
      if (installation === undefined) return undefined
      const found = knownOf(installation)
      const known = found?.tokens[name]
      if (!found || known === undefined)
        return `this installation has never stored it: the ledger came from elsewhere, or the file ${installation} is gone`
      if (known > version)
        return `this ledger knows its version ${version}, and this installation has stored version ${known} since: it was put back from a copy`
      const owner = found.owners?.[name] ?? (known === version ? id : (found.id ?? id))
      return owner === id ? undefined : 'this ledger is of another installation'
    },
    async forgetToken(name) {
      db.guard(() => forget.run(name))
      beside.remove(name)
    },
  }
}

/** One that cannot be written takes nothing away: the version stands in the ledger. */
function witness(file: string, name: string, { version, id }: { version: number; id: string }): void {
  try {
    writeInstallation(file, { tokens: { [name]: version }, owners: { [name]: id } })
  } catch {
    // Told where it counts, when something is to be posted.
  }
}

function knownOf(file: string | undefined): Installation | undefined {
  try {
    return file === undefined ? undefined : readInstallation(file)
  } catch {
    return undefined
  }
}

/** The file beside a ledger, for its owner alone. What cannot be read counts as empty; a ledger in memory has none. */
function fileBeside(ledger: string) {
  const file = ledger === ':memory:' ? undefined : `${ledger}.tokens`
  const read = (): Record<string, Beside> => {
    if (file === undefined || !existsSync(file)) return {}
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Beside>
    } catch {
      return {}
    }
  }
  const write = (file: string, all: Record<string, Beside>): void => {
    const fresh = `${file}.new`
    rmSync(fresh, { force: true })
    const handle = openSync(fresh, 'wx', 0o600)
    try {
      writeSync(handle, JSON.stringify(all))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(fresh, file)
  }
  return {
    read,
    /** Whether it could be written. */
    put(name: string, entry: Beside): boolean {
      if (file === undefined) return false
      try {
        write(file, { ...read(), [name]: entry })
        return true
      } catch {
        return false
      }
    },
    remove(name: string): void {
      const { [name]: found, ...others } = read()
      if (file === undefined || !found) return
      if (Object.keys(others).length === 0) rmSync(file, { force: true })
      else write(file, others)
    },
  }
}
