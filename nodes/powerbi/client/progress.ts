/** Which rows of a batch are in already, and what the last runs sent. */
import type { WriteBatch, WriteRecord } from '../../../sync/contract/target.ts'
import type { Post } from './post.ts'
import { type TableRows, versionOf } from './rows.ts'

/** Rows that are in, by table and version: only of batches that are not through yet. */
export interface Progress {
  add(post: Post): void
  /** Nothing more comes of these. */
  end(versions: Iterable<string>): void
  /** Rows of a batch that are not in yet, in their order. */
  left(batch: WriteBatch, rows: TableRows): TableRows
}

export function createProgress(): Progress {
  const tables = new Map<string, Map<string, number>>()
  return {
    add({ table, parts }) {
      const versions = tables.get(table.name) ?? new Map<string, number>()
      for (const [version, count] of parts) versions.set(version, (versions.get(version) ?? 0) + count)
      tables.set(table.name, versions)
    },
    end(versions) {
      for (const version of versions) for (const table of tables.values()) table.delete(version)
    },
    left(batch, { table, rows, of }) {
      const done = tables.get(table.name)
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
    },
  }
}

/** What the last runs sent. */
export interface SentRuns {
  add(post: Post): void
  /** Rows of a run that are in, by table. */
  rows(run: string): ReadonlyMap<string, number>
  /** Whether a run may have sent two versions of one record. */
  twice(run: string): boolean
}

/** A poll, a replay and the run before. */
const MOST_RUNS = 4
/** Keys of a run that are remembered; with more of them two versions of one record are taken to be possible. */
const MOST_KEYS = 300_000

export function createSentRuns(): SentRuns {
  const runs = new Map<string, { readonly rows: Map<string, number>; readonly keys: Set<number>; twice: boolean }>()
  return {
    add({ table, rows, run, records }) {
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
    },
    rows: (run) => runs.get(run)?.rows ?? new Map(),
    twice: (run) => runs.get(run)?.twice ?? true,
  }
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
