/** The SQLite file: opened for this process alone, its errors in words, transactions that are over before anything else runs. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import { isSyncError, type SyncError, syncError } from '../sync/contract/errors.ts'
import type { Tables } from './tables.ts'

export interface Database {
  readonly file: string
  readonly raw: DatabaseSync
  /** For what is not hot; single statements only, since transactions are synchronous (`tx`). */
  readonly query: Kysely<Tables>
  /** All of `work` or nothing, on disk when it returns. */
  tx<T>(work: () => T): T
  /** Runs `work` and puts a failure of SQLite into words. */
  guard<T>(work: () => T): T
  /** The same for what Kysely does. */
  ask<T>(work: () => Promise<T>): Promise<T>
}

const sqlite = { busy: 5, locked: 6, readonly: 8, io: 10, corrupt: 11, full: 13, cantOpen: 14, notADatabase: 26 }

/** What SQLite says, as what a person can do about it. */
export function ledgerError(error: unknown, file: string): SyncError | unknown {
  const { errcode, code } = (error ?? {}) as { errcode?: number; code?: string }
  if (code === 'ERR_INVALID_STATE')
    return syncError('transient', 'ledger.closed', `The ledger ${file} is closed.`, {
      hint: 'Node-RED is stopping or redeploying: the next run goes on at the last settled record.',
    })
  if (isSyncError(error) || typeof errcode !== 'number' || code !== 'ERR_SQLITE_ERROR') return error
  const text = error instanceof Error ? error.message : String(error)
  const details = { vendorCode: `sqlite ${errcode}`, vendorText: text }
  switch (errcode & 0xff) {
    case sqlite.full:
      return syncError('config', 'ledger.full', `The ledger cannot grow: the disk that holds ${file} is full.`, {
        ...details,
        hint: 'Free some space there. Nothing was lost: the next run goes on at the last settled record.',
      })
    case sqlite.busy:
    case sqlite.locked:
      return syncError('config', 'ledger.locked', `The ledger ${file} is in use by another process.`, {
        ...details,
        hint: 'One Node-RED has the ledger for itself: stop the other one, or give this one a file of its own.',
      })
    case sqlite.io:
      return syncError('transient', 'ledger.io', `The ledger ${file} could not be read or written: ${text}.`, {
        ...details,
        hint: 'Look at the disk and its free space. Nothing was lost: the next run goes on at the last settled record.',
      })
    case sqlite.readonly:
    case sqlite.cantOpen:
      return syncError('config', 'ledger.rights', `The ledger ${file} cannot be opened for writing: ${text}.`, {
        ...details,
        hint: 'The folder must exist, and the user that runs Node-RED must be allowed to write there.',
      })
    case sqlite.corrupt:
    case sqlite.notADatabase:
      return syncError('config', 'ledger.damaged', `The file ${file} is not a ledger, or is damaged: ${text}.`, {
        ...details,
        hint: 'Put a copy back, or move the file away: a new ledger goes on from the marks in the targets.',
      })
    default:
      return syncError('config', 'ledger.sqlite', `The ledger ${file} refused a statement: ${text}.`, details)
  }
}

/** Prepares statements, each under its name. */
export function prepared<const Name extends string>(
  { raw }: Database,
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, StatementSync>> {
  const statements = Object.entries<string>(texts).map(([name, text]) => [name, raw.prepare(text)])
  return Object.fromEntries(statements) as Record<Name, StatementSync>
}

export function openDatabase(file: string): Database {
  const guard = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw ledgerError(error, file)
    }
  }
  const raw = guard(() => {
    const db = new DatabaseSync(file, { timeout: 500 })
    try {
      // Exclusive before the first access in WAL mode: no other process can open the file, and no shared memory is needed.
      db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY',
      )
      db.exec('BEGIN IMMEDIATE; COMMIT')
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
  const args = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
  const query = new Kysely<Tables>({
    dialect: new SqliteDialect({
      database: {
        close: () => raw.close(),
        prepare(sql) {
          const statement = raw.prepare(sql)
          return {
            reader: statement.columns().length > 0,
            all: (p) => statement.all(...args(p)),
            run: (p) => statement.run(...args(p)),
            iterate: (p) => statement.iterate(...args(p)) as IterableIterator<unknown>,
          }
        },
      },
    }),
  })
  return {
    file,
    raw,
    query,
    guard,
    tx: (work) =>
      guard(() => {
        raw.exec('BEGIN IMMEDIATE')
        try {
          const result = work()
          raw.exec('COMMIT')
          return result
        } catch (error) {
          // A full disk may have rolled back already.
          if (raw.isTransaction) raw.exec('ROLLBACK')
          throw error
        }
      }),
    async ask(work) {
      try {
        return await work()
      } catch (error) {
        throw ledgerError(error, file)
      }
    },
  }
}
