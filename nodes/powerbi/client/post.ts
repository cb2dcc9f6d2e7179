/** One POST rows: as many rows of a table as fit within the limits. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteBatch, WriteRecord } from '../../../sync/contract/target.ts'
import type { ModelTable } from './model.ts'
import { type TableRows, versionOf } from './rows.ts'

export interface Post {
  /** The batch's own for the header, else with a number: all rows of the post say it in `_sync_batch`. */
  readonly id: string
  readonly table: ModelTable
  readonly body: Buffer
  readonly rows: number
  readonly run: string
  /** Versions whose rows it has, and how many of each. */
  readonly parts: ReadonlyMap<string, number>
  readonly records: readonly { readonly key: string; readonly read: number }[]
}

export interface PostLimits {
  readonly rows: number
  readonly bytes: number
}

const HEAD = '{"rows":['
const TAIL = ']}'

/** The next post of a table: whole rows within the limits, from where the last one ended. */
export function cutPost(
  id: string,
  batch: WriteBatch,
  { table, rows, of }: TableRows,
  from: number,
  limits: PostLimits,
): { post: Post; end: number } {
  const tail = `,"_sync_batch":${JSON.stringify(id)}}`
  // Each row with its tail and a comma.
  const more = Buffer.byteLength(tail) + 1
  const parts = new Map<string, number>()
  const most = Math.min(rows.length, from + limits.rows)
  const room = limits.bytes - HEAD.length - TAIL.length
  const isTight = mostBytes(rows, from, most, more) > room
  let bytes = 0
  let at = from
  let version = ''
  for (; at < most; at++) {
    const index = of[at] as number
    if (isTight) {
      const size = Buffer.byteLength(rows[at] as string) + more
      if (bytes + size > room && at > from) break
      if (bytes + size > room) throw tooLarge(batch, table, index, size)
      bytes += size
    }
    if (at === from || index !== of[at - 1]) version = versionOf(batch.records[index] as WriteRecord)
    parts.set(version, (parts.get(version) ?? 0) + 1)
  }
  const body = Buffer.from(`${HEAD}${rows.slice(from, at).join(`${tail},`)}${tail}${TAIL}`)
  const first = of[from] as number
  const records = batch.records.slice(first, (of[at - 1] as number) + 1).map(({ key, read }) => ({ key, read }))
  return { post: { id, table, body, rows: at - from, run: batch.run, parts, records }, end: at }
}

/** An upper bound: to measure each row would cost as much as writing it, and most posts are far from the limit. */
function mostBytes(rows: readonly string[], from: number, to: number, more: number): number {
  let bytes = 0
  for (let i = from; i < to; i++) bytes += 3 * (rows[i] as string).length + more
  return bytes
}

function tooLarge(batch: WriteBatch, table: ModelTable, index: number, size: number) {
  const key = batch.records[index]?.key ?? ''
  return syncError(
    'data',
    'powerbi.row-too-large',
    `${batch.entity} ${key}: one row of ${table.name} has ${Math.ceil(size / 1_000_000)} MB, more than Power BI takes in a post.`,
    {
      entity: batch.entity,
      key,
      hint: 'Drop long columns in the mapping.',
    },
  )
}
