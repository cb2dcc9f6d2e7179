/** Opens the ledger: makes or migrates the file, checks its key, and clears up after a process that died. */
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { Migrator } from 'kysely/migration'
import { syncError } from '../sync/contract/errors.ts'
import type { Log } from '../sync/contract/log.ts'
import { type Cipher, cipherOf } from './crypt.ts'
import { type Database, ledgerError, openDatabase } from './database.ts'
import { installationFile } from './installation.ts'
import type { Ledger } from './ledger.ts'
import { migrations } from './migrations.ts'
import { createSqliteLedger } from './sqlite.ts'

const OWNER_ONLY = 0o600

export interface OpenLedgerOptions {
  /** Path of the SQLite file; it and its folder are made where absent. `:memory:` for a ledger that is forgotten. */
  readonly file: string
  /** Secret that held records are encrypted with. */
  readonly key: string
  readonly log?: Log
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Errors: `ledger.locked`, `ledger.key`, `ledger.damaged`, `ledger.full`, `ledger.rights`, each with what to do. */
export async function openLedger({ file, key, log, now = Date.now }: OpenLedgerOptions): Promise<Ledger> {
  if (key === '')
    throw syncError('config', 'ledger.key', 'The ledger needs a secret to encrypt held records with.', {
      hint: 'Fill in the secret of the sync-ledger node.',
    })
  try {
    if (file !== ':memory:') makeFile(file)
  } catch (error) {
    throw syncError('config', 'ledger.rights', `The ledger ${file} cannot be made: ${(error as Error).message}`, {
      hint: 'The user that runs Node-RED must be allowed to write there.',
    })
  }
  const db = openDatabase(file)
  try {
    await migrate(db)
    const { id, cipher } = await identity(db, key)
    const installation = file === ':memory:' ? undefined : installationFile(file)
    const { recover, ...ledger } = createSqliteLedger({ db, id, cipher, now, installation, log })
    const { runs, held, oldCopy, sentMore } = recover()
    if (runs > 0)
      log?.warn(`ledger ${file}: ${runs} run(s) of a process that ended; they go on at the last settled record`)
    if (held > 0) log?.warn(`ledger ${file}: ${held} held record(s) were being replayed and are open again`)
    if (oldCopy !== undefined)
      log?.warn(`ledger ${file}: ${oldCopy}; it is taken for an old copy, and posts nothing until a person says so`)
    if (sentMore)
      log?.warn(
        `ledger ${file}: it is an old copy; nothing that was sent to targets with two stages counts as unchanged`,
      )
    return ledger
  } catch (error) {
    if (db.raw.isOpen) db.raw.close()
    throw ledgerError(error, file)
  }
}

/** For its owner alone: it holds records and tokens. SQLite gives the files beside it the same mode; a crash may have left some. */
function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', OWNER_ONLY))
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, OWNER_ONLY)
}

async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({ db: db.query, provider: { getMigrations: async () => migrations } })
  // Kysely takes SQLite's DDL for not transactional. It is; and a file that was half made could never be opened again.
  db.guard(() => db.raw.exec('BEGIN IMMEDIATE'))
  const { error } = await migrator.migrateToLatest()
  if (!error) return db.guard(() => db.raw.exec('COMMIT'))
  if (db.raw.isTransaction) db.raw.exec('ROLLBACK')
  if (error instanceof Error && /corrupted migrations/.test(error.message))
    throw syncError('config', 'ledger.newer', `The ledger ${db.file} was written by a newer version.`, {
      hint: 'Start that version again, or move the file away: a new ledger goes on from the marks in the targets.',
    })
  throw error
}

/** Reads the ledger's id and checks the key, or makes both. */
async function identity(db: Database, key: string): Promise<{ id: string; cipher: Cipher }> {
  const rows = await db.query.selectFrom('meta').selectAll().execute()
  const meta = new Map(rows.map(({ name, value }) => [name, value]))
  const [id, salt, check] = [meta.get('id'), meta.get('salt'), meta.get('key_check')]
  if (id === undefined || salt === undefined || check === undefined) {
    const made = { id: randomUUID(), salt: randomBytes(16).toString('hex') }
    const cipher = cipherOf(key, made.salt)
    const sealed = Buffer.from(cipher.seal(made.id, 'key')).toString('base64')
    const values = Object.entries({ ...made, key_check: sealed }).map(([name, value]) => ({ name, value }))
    await db.query.insertInto('meta').values(values).execute()
    return { id: made.id, cipher }
  }
  const cipher = cipherOf(key, salt)
  try {
    cipher.open(Buffer.from(check, 'base64'), 'key')
  } catch {
    throw syncError('config', 'ledger.key', `The ledger ${db.file} was made with another secret.`, {
      hint: 'Give it back the secret it was made with; without it its held records cannot be read.',
    })
  }
  return { id, cipher }
}
