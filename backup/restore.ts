/** Puts a backup in the place of what is there, which is kept beside it. */
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Manifest } from './archive.ts'
import { mustRest } from './copy.ts'
import { pathOf } from './home.ts'

/** What a ledger has beside it that belongs to its content. `.installation` stays: by it an old copy is told. */
const BESIDE = ['', '-wal', '-shm']

/**
 * `folder`: the unpacked archive. Refuses while a process has a ledger open, before anything is changed. Returns where the former
 * files are.
 */
export function putBack(home: string, folder: string, { files }: Manifest, aside: string): string {
  for (const { place, isLedger } of files)
    if (isLedger && existsSync(pathOf(home, place))) mustRest(pathOf(home, place))
  const former = join(home, aside)
  mkdirSync(former, { recursive: true, mode: 0o700 })
  for (const [i, { name, place, isLedger }] of files.entries()) {
    const target = pathOf(home, place)
    for (const end of isLedger ? BESIDE : [''])
      if (existsSync(target + end)) renameSync(target + end, join(former, `${isLedger ? `${i}.db` : name}${end}`))
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    copyFileSync(join(folder, name), target)
  }
  return former
}
