/** Our own walk by key: `key=gt.<last>`, keys that rise, no key twice. Links of a page are only looked at, never followed. */
import { syncError } from '../../../../sync/contract/errors.ts'
import type { Raw } from '../convert.ts'
import type { Filter } from '../filter.ts'
import { type Api1Line, type Body, noticesOf } from './line.ts'
import { type Published, queryPath, rowsOf } from './resolve.ts'
import { whereOf } from './where.ts'

export interface WalkedPage {
  readonly rows: readonly Raw[]
  /** The key behind each row, as a cursor. */
  readonly cursors: readonly string[]
  readonly cursor: string | null
  readonly notices: readonly string[]
}

/** What joins the parts of a key in an address. */
const SEPARATOR = '~'

export interface Walk {
  readonly line: Api1Line
  readonly published: Published
  readonly key: readonly string[]
  readonly times: ReadonlySet<string>
  readonly what: string
}

export interface PageOf {
  /** Strict JSON; undefined: everything. */
  readonly filter: string | undefined
  /** Parts of the last key, as JSON. */
  readonly cursor: string | null
  readonly count: number
  readonly signal: AbortSignal
  readonly onAttempt?: () => void
}

export async function walkPage(walk: Walk, page: PageOf): Promise<WalkedPage> {
  const { line, published, key, what } = walk
  const last = page.cursor === null ? undefined : (JSON.parse(page.cursor) as Part[])
  const path = queryPath(line, published, { count: String(page.count), ...conditions(walk, page.filter, last) })
  const body = await line.get(path, {
    ...{ what, signal: page.signal },
    ...(page.onAttempt ? { onAttempt: page.onAttempt } : {}),
  })
  const notices = [...line.told(), ...noticesOf(body)]
  const rows: Raw[] = []
  const cursors: string[] = []
  let before = last
  for (const row of rowsOf(body)) {
    const parts = key.map((field) => partOf(row[field], field, what))
    const order = before === undefined ? 1 : compare(parts, before)
    if (order === 0) {
      notices.push(`${what}: ${parts.join(SEPARATOR)} came twice; it is taken once`)
      continue
    }
    if (order < 0)
      throw syncError(
        'transient',
        'x3.api1-order',
        `${what}: X3 gave ${parts.join(SEPARATOR)} behind ${before?.join(SEPARATOR)}: keys must rise`,
        {
          hint: 'It is asked again. If it stays, the representation sorts by something else than its key: remove its own order.',
        },
      )
    before = parts
    rows.push(row)
    cursors.push(JSON.stringify(parts))
  }
  return { rows, cursors, cursor: goesOn(body, page.count) ? (cursors.at(-1) ?? null) : null, notices }
}

type Part = string | number

/** Where the walk goes on, and what it takes. A key that holds the separator cannot stand in an address: it is compared instead. */
function conditions(
  { key, times }: Walk,
  filter: string | undefined,
  last: readonly Part[] | undefined,
): Record<string, string> {
  const parsed = filter === undefined ? undefined : (JSON.parse(filter) as Filter)
  const plain = last === undefined || !last.some((part) => String(part).includes(SEPARATOR))
  const behind = last && !plain ? behindKey(key, last) : undefined
  const all = [parsed, behind].filter((part) => part !== undefined)
  const where = all.length === 0 ? undefined : whereOf(all.length === 1 ? all[0] : { _and: all }, times)
  return {
    ...(where === undefined ? {} : { where }),
    ...(last && plain ? { key: `gt.${last.join(SEPARATOR)}` } : {}),
  }
}

/** Keys behind this one: greater in a part, equal in those before. */
function behindKey(key: readonly string[], last: readonly Part[]): Filter {
  const terms = key.map((field, index) => ({
    _and: [
      ...key.slice(0, index).map((before, i) => ({ [before]: { _eq: last[i] } })),
      { [field]: { _gt: last[index] } },
    ],
  }))
  return terms.length === 1 ? (terms[0] as Filter) : { _or: terms }
}

/** Whether there may be more: the page names a next one, or is as full as the server makes them. */
function goesOn(body: Body, asked: number): boolean {
  const links = body.$links as { $next?: { $url?: unknown } } | undefined
  if (links?.$next?.$url !== undefined) return true
  const used = Number(body.$itemsPerPage)
  return rowsOf(body).length >= (used > 0 ? Math.min(used, asked) : asked)
}

function partOf(value: unknown, field: string, what: string): Part {
  if (typeof value === 'string' || typeof value === 'number') return value
  throw syncError('config', 'x3.unknown-field', `${what}: a row came without ${field}, a part of its key`, {
    field,
    hint: 'Have the representation show it, or correct the key in the file of fields.',
  })
}

/** By the characters, as the database compares them (X3 asks for a binary collation); numbers by their size. */
function compare(a: readonly Part[], b: readonly Part[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] as Part
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}
