import type { BookTables, Size, TableName } from '../../sandbox/books/types.ts'
import { nextDay, open, type Snapshot, snapshot } from './books.ts'

export const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`
export const minute = 60_000

/** Pairs of before and after of everything that was there before and still is. */
export function pairs<N extends TableName>(
  name: N,
  before: Snapshot,
  after: Snapshot,
): [BookTables[N], BookTables[N]][] {
  const found: [BookTables[N], BookTables[N]][] = []
  for (const [key, old] of before[name] as Map<string, BookTables[N]>) {
    const now = (after[name] as Map<string, BookTables[N]>).get(key)
    if (now) found.push([old, now])
  }
  return found
}

export function added<N extends TableName>(name: N, before: Snapshot, after: Snapshot): BookTables[N][] {
  const now = after[name] as Map<string, BookTables[N]>
  return [...now].filter(([key]) => !before[name].has(key)).map(([, thing]) => thing)
}

export function gone<N extends TableName>(name: N, before: Snapshot, after: Snapshot): BookTables[N][] {
  return [...(before[name] as Map<string, BookTables[N]>)]
    .filter(([key]) => !after[name].has(key))
    .map(([, thing]) => thing)
}

export function withoutStamps(thing: unknown): string {
  return JSON.stringify(thing, (key, value) =>
    ['created', 'updated', 'headerUpdated', 'visibleFrom'].includes(key) ? undefined : value,
  )
}

export interface Told {
  number: number
  now: number
  done: string[]
  before: Snapshot
  after: Snapshot
  lost: TableName | undefined
}

export function threeDays(size: Size): Told[] {
  const { books, clock } = open({ size })
  const told: Told[] = []
  for (let number = 1; number <= 3; number++) {
    const before = snapshot(books)
    const done = nextDay(books, clock)
    told.push({ number, now: clock.ms, done, before, after: snapshot(books), lost: books.lostRight() })
  }
  return told
}
