/** The archive: copies of the ledgers, the flows, the encrypted credentials and the users, and a manifest that knows them all. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { create, extract } from 'tar'
import { z } from 'zod'
import { type CopyReport, checkCopy } from '../ledger/copies.ts'
import { syncError } from '../sync/contract/errors.ts'
import { copyLedger } from './copy.ts'
import { FILES, ledgersOf, pathOf } from './home.ts'

const MANIFEST = 'manifest.json'

const manifest = z.object({
  kind: z.literal('tieout-backup'),
  made: z.string(),
  files: z.array(
    z.object({
      /** In the archive. */
      name: z.string().regex(/^(?:[\w.-]+|ledgers\/\d+\.db)$/),
      /** In the user directory; absolute: elsewhere. */
      place: z.string(),
      sha256: z.string(),
      isLedger: z.boolean(),
    }),
  ),
})
export type Manifest = z.output<typeof manifest>

/** Where a ledger of the manifest was, and what it says of itself. */
export interface Told {
  readonly place: string
  readonly report: CopyReport
}

/** Gathers what belongs into a backup in `folder`, which is empty and on the disk of the user directory. */
export async function gather(home: string, folder: string, at: string): Promise<readonly Told[]> {
  const files: Manifest['files'] = []
  const told: Told[] = []
  const add = (name: string, place: string, isLedger: boolean) =>
    files.push({ name, place, sha256: digestOf(join(folder, name)), isLedger })
  mkdirSync(join(folder, 'ledgers'))
  for (const [i, place] of ledgersOf(home).entries()) {
    const name = `ledgers/${i}.db`
    await copyLedger(pathOf(home, place), join(folder, name))
    told.push({ place, report: checkCopy(join(folder, name)) })
    add(name, place, true)
  }
  for (const name of FILES) {
    if (!existsSync(join(home, name))) continue
    copyFileSync(join(home, name), join(folder, name))
    add(name, name, false)
  }
  const written: Manifest = { kind: 'tieout-backup', made: at, files }
  writeFileSync(join(folder, MANIFEST), `${JSON.stringify(written, null, 2)}\n`)
  return told
}

/** The gathered files as one stream, compressed. */
export const packed = (folder: string): Readable =>
  create({ gzip: true, cwd: folder, portable: true }, [
    MANIFEST,
    ...readManifest(folder).files.map(({ name }) => name),
  ]) as unknown as Readable

/** Unpacks an archive and looks at each of its files. Throws `backup.damaged`, or what `checkCopy` says of a ledger. */
export async function unpack(file: string, folder: string): Promise<{ manifest: Manifest; ledgers: readonly Told[] }> {
  try {
    await extract({ file, cwd: folder, strict: true })
  } catch (error) {
    throw damaged(file, (error as Error).message)
  }
  const found = readManifest(folder, file)
  const wrong = found.files.find(
    ({ name, sha256 }) => !existsSync(join(folder, name)) || digestOf(join(folder, name)) !== sha256,
  )
  if (wrong) throw damaged(file, `${wrong.name} is missing or not what was written`)
  const ledgers = found.files.filter(({ isLedger }) => isLedger)
  return {
    manifest: found,
    ledgers: ledgers.map(({ name, place }) => ({ place, report: checkCopy(join(folder, name)) })),
  }
}

function readManifest(folder: string, file = folder): Manifest {
  try {
    return manifest.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')))
  } catch (error) {
    throw damaged(file, (error as Error).message)
  }
}

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

const damaged = (file: string, text: string) =>
  syncError('config', 'backup.damaged', `${file} is no backup of Tieout, or is damaged: ${text.slice(0, 300)}`, {
    hint: 'Take another one. Nothing was changed.',
  })
