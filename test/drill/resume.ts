/** Whether a run after a kill goes on where the ledger says, in the same window. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { nodeOf, type Request } from './moments.ts'

/** A window that a killed run left open. */
export interface OpenWindow {
  readonly entity: string
  /** Last change stamp of the window. */
  readonly bound: string
  /** Cursors of the last settled record of each walk; null: not begun; true: finished. */
  readonly walks: Readonly<Record<string, string | true | null>>
}

export interface Remains {
  /** The run that was going on. */
  readonly run: string | undefined
  readonly windows: readonly OpenWindow[]
}

/** Reads the ledger of a process that was killed, from a copy, so that its own recovery is left to the next start. */
export function readRemains(ledger: string): Remains {
  const dir = mkdtempSync(join(tmpdir(), 'tieout-drill-'))
  const copy = join(dir, 'ledger.db')
  for (const end of ['', '-wal']) if (existsSync(ledger + end)) copyFileSync(ledger + end, copy + end)
  const db = new DatabaseSync(copy)
  try {
    const run = db.prepare("select id from run where state = 'running' order by seq desc limit 1").get()
    const positions = db.prepare('select entity, window from position where window is not null').all()
    return {
      run: run === undefined ? undefined : String(run.id),
      windows: positions.flatMap(({ entity, window }) => {
        const { bound, walks } = JSON.parse(String(window)) as Omit<OpenWindow, 'entity' | 'bound'> & {
          bound: string | null
        }
        return bound === null ? [] : [{ entity: String(entity), bound, walks }]
      }),
    }
  } finally {
    db.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

interface Page {
  readonly node: string
  readonly after: string | null
  readonly filter: string
}

/** Requests of pages, as they were sent. */
function pagesOf(requests: readonly Request[]): Page[] {
  return requests.flatMap(({ site, text }) => {
    if (site !== 'graphql:read') return []
    const { variables } = JSON.parse(text) as { variables?: Record<string, unknown> }
    const { filter, after } = variables ?? {}
    return typeof filter === 'string'
      ? [{ node: nodeOf(text) ?? '', filter, after: typeof after === 'string' ? after : null }]
      : []
  })
}

/**
 * Compares the requests of a killed run with those of the next. Gives how many walks were seen to go on; throws where one
 * began another window, or read again what was settled.
 */
export function checkResumed(
  { windows }: Remains,
  killed: readonly Request[],
  next: readonly Request[],
  isWhole: boolean,
): number {
  let seen = 0
  const before = pagesOf(killed)
  const after = pagesOf(next)
  for (const bound of new Set(windows.map((window) => window.bound))) {
    const those = windows.filter((window) => window.bound === bound)
    const names = those.map(({ entity }) => entity).join(', ')
    const cursors = those.flatMap(({ walks }) => Object.values(walks)).filter((cursor) => cursor !== true)
    const isOf = ({ filter }: Page): boolean => filter.includes(`"${bound}"`)
    if (cursors.length === 0 || !before.some(isOf)) continue
    const again = after.filter(isOf)
    if (again.length === 0) {
      if (isWhole && those.some(({ walks }) => walks.changed !== true))
        throw new Error(`${names}: the window up to ${bound} was open, and the next run did not read it`)
      continue
    }
    const walks = new Map(again.toReversed().map((page) => [`${page.node}\n${page.filter}`, page]))
    for (const first of walks.values()) {
      if (!cursors.includes(first.after))
        throw new Error(
          `${names}: the next run went on at ${first.after}, the ledger says ${cursors.map(String).join(' or ')}`,
        )
      seen++
    }
  }
  return seen
}
