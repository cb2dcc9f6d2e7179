/** Lines as they are read, by the document that they belong to. */
import type { Fields } from './convert.ts'
import type { QueryPage } from './pages.ts'

/** A longer document is held. */
export const LONGEST = 100_000

export interface Gathered {
  readonly headers: readonly Fields[]
  readonly rows: Map<string, Fields[]>
  /** Documents with too many lines, which were let go. */
  readonly long: Set<string>
  readonly notices: string[]
  count: number
}

export interface Stock {
  /** Record number of the first document. */
  readonly from: string
  after: readonly string[] | null
  done: boolean
  readonly gathered: Gathered
}

export const newGathered = (): Gathered => ({ headers: [], rows: new Map(), long: new Set(), notices: [], count: 0 })

export function add(gathered: Gathered, { rows, notices }: QueryPage, parent: string): void {
  gathered.notices.push(...notices)
  for (const row of rows) {
    const number = row[parent] ?? ''
    if (gathered.long.has(number)) continue
    const known = gathered.rows.get(number)
    if (known) known.push(row)
    else gathered.rows.set(number, [row])
    gathered.count++
    if (known && known.length > LONGEST) {
      gathered.count -= known.length
      gathered.rows.delete(number)
      gathered.long.add(number)
    }
  }
}
