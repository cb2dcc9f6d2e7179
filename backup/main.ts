/** `npm run ledger -- check | backup [FILE] | restore FILE`: the ledgers of a user directory, and all that belongs to them. */
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { isSyncError } from '../sync/contract/errors.ts'
import { gather, packed, type Told, unpack } from './archive.ts'
import { putBack } from './restore.ts'

const USAGE = `npm run ledger -- check            whether the ledgers are sound; Tieout may run
npm run ledger -- backup [FILE]    one archive of ledgers, flows, encrypted credentials and users; Tieout may run
                                   (backups/tieout-TIME.tar.gz in the user directory; - writes it to standard output)
npm run ledger -- restore FILE     puts it back; Tieout must not run
  --userDir DIR                    default: TIEOUT_USER_DIR, else ~/.node-red
The secret that opens the credentials (TIEOUT_CREDENTIAL_SECRET) is in no archive: keep it elsewhere.`

// What is written here is for the user alone that runs it.
process.umask(0o077)

const say = (text: string): void => void process.stderr.write(`${text}\n`)

const sayLedgers = (ledgers: readonly Told[]): void => {
  for (const { place, report } of ledgers)
    say(`${place}: sound, ${report.runs} runs, ${report.held} held, ledger ${report.id}, ${report.migrations.at(-1)}`)
  if (ledgers.length === 0) say('There is no ledger yet.')
}

/** A folder on the disk of the user directory, taken away at the end. */
async function inFolder<T>(home: string, work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(home, { recursive: true })
  const folder = mkdtempSync(join(home, '.backup-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function backup(home: string, at: Date, given: string | undefined): Promise<void> {
  const stamp = at.toISOString().slice(0, 19).replaceAll(':', '')
  const file = given ?? join(home, 'backups', `tieout-${stamp}.tar.gz`)
  await inFolder(home, async (folder) => {
    sayLedgers(await gather(home, folder, at.toISOString()))
    if (file === '-') return pipeline(packed(folder), process.stdout)
    mkdirSync(resolve(file, '..'), { recursive: true })
    await pipeline(packed(folder), createWriteStream(file, { flags: 'wx', mode: 0o600 }))
    say(`Written: ${file}`)
  })
}

async function restore(home: string, at: Date, file: string): Promise<void> {
  await inFolder(home, async (folder) => {
    const { manifest, ledgers } = await unpack(file, folder)
    sayLedgers(ledgers)
    const former = putBack(
      home,
      folder,
      manifest,
      `before-restore-${at.toISOString().slice(0, 19).replaceAll(':', '')}`,
    )
    say(`The backup of ${manifest.made} is in place. What was there before is in ${former}.`)
    say('Start Tieout with the credential secret that the backup was made with. What was delivered since is found by')
    say('the marks in the targets; a ledger that posts asks a person before it goes on.')
  })
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { userDir: { type: 'string' } } })
  const home = resolve(values.userDir ?? process.env.TIEOUT_USER_DIR ?? join(homedir(), '.node-red'))
  const [what, file, ...more] = positionals
  const at = new Date()
  if (more.length > 0) throw new Error(USAGE)
  if (what === 'check' && file === undefined)
    return inFolder(home, async (folder) => sayLedgers(await gather(home, folder, at.toISOString())))
  if (what === 'backup') return backup(home, at, file)
  if (what === 'restore' && file !== undefined) return restore(home, at, file)
  throw new Error(USAGE)
}

try {
  await main()
} catch (error) {
  say((error as Error).message)
  if (isSyncError(error) && error.cause.hint) say(error.cause.hint)
  process.exitCode = 1
}
