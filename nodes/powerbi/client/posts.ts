/** Sending a batch: posts within the limits, one after another, each confirmed before the next; what is in is never sent again. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { WriteBatch, WriteContext, WriteRecord } from '../../../sync/contract/target.ts'
import { waitSaying } from '../../../sync/contract/wait.ts'
import type { Connection } from './connection.ts'
import { tablePath } from './datasets.ts'
import type { ModelTable } from './model.ts'
import { type TableRows, versionOf } from './rows.ts'

/** One POST rows. */
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

export interface Poster {
  /** Sends what of the batch is not in yet; resolves when all of it is. */
  send(batch: WriteBatch, tables: readonly TableRows[], context: WriteContext): Promise<void>
  /** The post of the batch whose outcome is unknown. */
  pending(batchId: string): Post | undefined
  /** It came through after all. True when it was the batch's last. */
  confirm(batchId: string): boolean
  /** Nothing more is done for the batch. */
  forget(batchId: string): void
  /** Rows of a run that are in, by table. */
  sent(run: string): ReadonlyMap<string, number>
  /** Whether a run may have sent two versions of one record. */
  twice(run: string): boolean
}

export interface PosterDeps {
  readonly connection: Connection
  readonly workspace: string
  readonly dataset: () => string
  readonly limits: PostLimits
  /** Whether a table of the dataset has, or may have, so many rows that the slower limit holds. */
  readonly big: () => boolean
  readonly took: (table: string, rows: number) => void
}

/** A poll, a replay and the run before. */
const MOST_RUNS = 4
/** Keys of a run that are remembered; with more of them two versions of one record are taken to be possible. */
const MOST_KEYS = 300_000
const HEAD = '{"rows":['
const TAIL = ']}'

export function createPoster({ connection, workspace, dataset, limits, big, took }: PosterDeps): Poster {
  /** Rows that are in, by table and version: only of batches that are not through yet. */
  const progress = new Map<string, Map<string, number>>()
  const open = new Map<string, Post>()
  const numbers = new Map<string, number>()
  /** What the last runs sent: rows by table, and which keys. */
  const runs = new Map<string, { readonly rows: Map<string, number>; readonly keys: Set<number>; twice: boolean }>()

  const advance = ({ table, parts, rows, run, records }: Post): void => {
    const versions = progress.get(table.name) ?? new Map<string, number>()
    for (const [version, count] of parts) versions.set(version, (versions.get(version) ?? 0) + count)
    progress.set(table.name, versions)
    took(table.name, rows)
    const sent = runs.get(run) ?? { rows: new Map<string, number>(), keys: new Set<number>(), twice: false }
    sent.rows.set(table.name, (sent.rows.get(table.name) ?? 0) + rows)
    if (table.list === '' && !sent.twice)
      for (const { key } of records) {
        const print = fingerprint(key)
        sent.twice ||= sent.keys.has(print) || sent.keys.size >= MOST_KEYS
        sent.keys.add(print)
      }
    if (sent.twice) sent.keys.clear()
    runs.set(run, sent)
    if (runs.size > MOST_RUNS) runs.delete(runs.keys().next().value as string)
  }
  const end = (batch: WriteBatch): void => {
    numbers.delete(batch.id)
    passed(batch.records.map(versionOf))
  }
  const passed = (versions: Iterable<string>): void => {
    for (const version of versions) for (const table of progress.values()) table.delete(version)
  }

  async function post(batchId: string, item: Post, context: WriteContext): Promise<void> {
    const id = dataset()
    const { fifo, quota } = connection.line(id)
    open.set(batchId, item)
    try {
      await fifo.run(
        id,
        async () => {
          for (let pause = quota.pause(item.rows, big()); pause; pause = quota.pause(item.rows, big()))
            await waitSaying(pause.ms, pause.why, context, connection.clock)
          try {
            await connection.call(
              {
                method: 'POST',
                path: `${tablePath(workspace, id, item.table.name)}/rows`,
                body: item.body,
                what: `Rows to ${item.table.name}`,
                kind: 'rows',
              },
              context,
            )
          } finally {
            // also what was refused or lost may count in Power BI's own book
            quota.took(item.rows)
          }
        },
        context.signal,
      )
    } catch (error) {
      // refused for certain: cut anew at the next attempt
      if (!isUnknown(error) && !context.signal.aborted) open.delete(batchId)
      throw error
    }
    advance(item)
    open.delete(batchId)
  }

  /** The next post of a table: whole rows within the limits, from where the last one ended. */
  function next(batch: WriteBatch, { table, rows, of }: TableRows, from: number): { post: Post; end: number } {
    const header = table.list === ''
    const number = numbers.get(batch.id) ?? 0
    const id = header ? batch.id : `${batch.id}.${number}`
    if (!header) numbers.set(batch.id, number + 1)
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
    return {
      post: { id, table, body, rows: at - from, run: batch.run, parts, records },
      end: at,
    }
  }

  /** Rows that are not in yet, in their order. */
  function left(batch: WriteBatch, { table, rows, of }: TableRows): TableRows {
    const done = progress.get(table.name)
    if (!done?.size) return { table, rows, of }
    const seen = new Map<string, number>()
    const keep: number[] = []
    for (const [i, index] of of.entries()) {
      const version = versionOf(batch.records[index] as WriteRecord)
      const nth = seen.get(version) ?? 0
      seen.set(version, nth + 1)
      if (nth >= (done.get(version) ?? 0)) keep.push(i)
    }
    if (keep.length === rows.length) return { table, rows, of }
    return { table, rows: keep.map((i) => rows[i] as string), of: keep.map((i) => of[i] as number) }
  }

  return {
    async send(batch, tables, context) {
      const again = open.get(batch.id)
      if (again) await post(batch.id, again, context)
      for (const table of tables) {
        const rest = left(batch, table)
        for (let from = 0; from < rest.rows.length; ) {
          const { post: item, end: to } = next(batch, rest, from)
          await post(batch.id, item, context)
          from = to
        }
      }
      end(batch)
    },
    pending: (batchId) => open.get(batchId),
    confirm(batchId) {
      const item = open.get(batchId)
      if (!item) return false
      advance(item)
      open.delete(batchId)
      if (item.table.list !== '') return false
      numbers.delete(batchId)
      passed(item.parts.keys())
      return true
    },
    forget(batchId) {
      open.delete(batchId)
      numbers.delete(batchId)
    },
    sent: (run) => runs.get(run)?.rows ?? new Map(),
    twice: (run) => runs.get(run)?.twice ?? true,
  }
}

const isUnknown = (error: unknown): boolean =>
  (error as { cause?: { class?: unknown } } | undefined)?.cause?.class === 'unknown-outcome'

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

/** 53 bits of a key: two keys that share them only cost a slower question. */
function fingerprint(key: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  return (b >>> 0) * 0x200000 + (a >>> 11)
}
