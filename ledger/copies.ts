/** Copies of a ledger that is in use, and what can be said of one without its secret. */
import { closeSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { syncError } from '../sync/contract/errors.ts'
import type { Database } from './database.ts'
import type { Copies } from './ledger.ts'
import { migrations } from './migrations.ts'

export const createCopies = ({ raw }: Database): Copies => ({
  // What is written meanwhile goes into the copy too: SQLite's online backup.
  async copyTo(file) {
    closeSync(openSync(file, 'wx', 0o600))
    await backup(raw, file)
    const copy = new DatabaseSync(file)
    // One file: nothing of it stays in a log beside it.
    copy.exec('PRAGMA journal_mode = DELETE')
    copy.close()
  },
})

/** What a copy says of itself. */
export interface CopyReport {
  /** Of the ledger. */
  readonly id: string
  /** Names of its migrations: the version that wrote it. */
  readonly migrations: readonly string[]
  readonly runs: number
  /** Records that are held. */
  readonly held: number
}

/** Looks through a file that no process has open. Throws `ledger.damaged`, or `ledger.newer` for one that this version cannot open. */
export function checkCopy(file: string): CopyReport {
  const db = openCopy(file)
  try {
    const problems = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[]
    if (problems[0]?.integrity_check !== 'ok')
      throw damaged(file, problems.map(({ integrity_check }) => integrity_check).join('; '))
    const names = (db.prepare('SELECT name FROM kysely_migration ORDER BY name').all() as { name: string }[]).map(
      ({ name }) => name,
    )
    const unknown = names.find((name) => !Object.hasOwn(migrations, name))
    if (unknown !== undefined)
      throw syncError('config', 'ledger.newer', `${file} was written by a newer version (${unknown}).`, {
        hint: 'Use the version that wrote it, or a newer one.',
      })
    const count = (sql: string): number => (db.prepare(sql).get() as { n: number }).n
    return {
      id: String(
        (db.prepare(`SELECT value FROM meta WHERE name = 'id'`).get() as { value: string } | undefined)?.value,
      ),
      migrations: names,
      runs: count('SELECT count(*) AS n FROM run'),
      held: count(`SELECT count(*) AS n FROM held WHERE state IN ('open', 'replaying')`),
    }
  } catch (error) {
    throw (error as { code?: string }).code === 'ERR_SQLITE_ERROR' ? damaged(file, (error as Error).message) : error
  } finally {
    db.close()
  }
}

function openCopy(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { readOnly: true })
  } catch (error) {
    throw damaged(file, (error as Error).message)
  }
}

const damaged = (file: string, text: string) =>
  syncError('config', 'ledger.damaged', `${file} is not a ledger, or is damaged: ${text.slice(0, 500)}`, {
    hint: 'Take an older backup.',
  })
