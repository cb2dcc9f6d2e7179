// `npm run house`: draws the picture of the house in docs/architecture.md, from what the sources import.
import { readFileSync, writeFileSync } from 'node:fs'
import { FOLDERS, type Import, readSources } from './sources.ts'

export const PAGE = 'docs/architecture.md'
const BEGIN = '<!-- picture of the house: npm run house -->'
const END = '<!-- end of the picture -->'
/** Folders that are drawn; benches, scripts and tests may import everything. */
export const DRAWN = FOLDERS.filter((folder) => folder !== 'bench' && folder !== 'scripts')
/** Folders whose own folders are rooms; anywhere else a folder is one room with all that is in it. */
const DIVIDED = /^(nodes|sync|vendor)\/[^/]+\//
/** Folders of `nodes/` that belong to no vendor. */
const COMMON = /^nodes\/(kit|mapping|operations)\//

/** The room that a file is in: `sync`, `sync/reading`, `nodes/kit`. All vendors are alike, and are drawn once. */
export function roomOf(file: string): string {
  if (file.startsWith('nodes/') && !COMMON.test(file))
    return /^nodes\/[^/]+\/client\//.test(file) ? 'nodes/‹vendor›/client' : 'nodes/‹vendor›'
  return (DIVIDED.exec(file)?.[0] ?? file.split('/', 1)[0] ?? '').replace(/\/$/, '')
}

/** Mermaid: a box for each room, an arrow to each that it imports, dashed where it takes types only. */
export function pictureOf(files: readonly string[], imports: readonly Import[]): string {
  const drawn = new Set(files)
  const arrows = new Map<string, boolean>()
  for (const { from, to, typeOnly } of imports) {
    const ends = `${idOf(from)} ${idOf(to)}`
    if (drawn.has(from) && drawn.has(to) && idOf(from) !== idOf(to))
      arrows.set(ends, (arrows.get(ends) ?? true) && typeOnly)
  }
  const boxes = new Set(files.map((file) => `  ${idOf(file)}["${roomOf(file)}"]`))
  const lines = [...arrows].map(([ends, typeOnly]) => `  ${ends.replace(' ', typeOnly ? ' -.-> ' : ' --> ')}`)
  return ['flowchart TD', ...[...boxes].sort(), ...lines.sort()].join('\n')
}

const idOf = (file: string): string => roomOf(file).replace(/\W+/g, '_').replace(/_$/, '')

/** The page with its picture drawn anew. */
export function withPicture(page: string, picture: string): string {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`${PAGE} has no place for the picture: ${BEGIN} ... ${END}`)
  return `${page.slice(0, before)}${BEGIN}\n\`\`\`mermaid\n${picture}\n\`\`\`\n${page.slice(after)}`
}

if (import.meta.main) {
  const { files, imports } = readSources(DRAWN)
  writeFileSync(PAGE, withPicture(readFileSync(PAGE, 'utf8'), pictureOf(files, imports)))
}
