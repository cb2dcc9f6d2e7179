import type { Assumed, Limits } from './api.ts'

/** The published limits of push datasets (learn.microsoft.com, push-datasets-limitations and executeQueries). */
export const LIMITS: Limits = {
  columnsPerTable: 75,
  tables: 75,
  relationships: 75,
  rowsPerPost: 10_000,
  bytesPerPost: 16 * 1024 * 1024,
  textLength: 4000,
  rowsPerHour: 1_000_000,
  postsPerMinute: 120,
  postsPerHourWhenBig: 120,
  bigTableRows: 250_000,
  pendingPosts: 5,
  fifoRows: 200_000,
  fifoUpper: 210_000,
  rowsPerTable: 5_000_000,
  queriesPerMinute: 120,
  queryRows: 100_000,
  queryValues: 1_000_000,
  refreshesPerDay: 8,
}

/** Reactions that are nowhere documented. */
export const ASSUMED: Assumed = {
  tooMuch: { status: 400, code: 'BadRequest' },
  tooLarge: { status: 413, code: 'RequestEntityTooLarge' },
  tooOften: { status: 429, code: 'TooManyRequests' },
  tableFull: { status: 400, code: 'BadRequest' },
  unknownColumn: 'refuse',
  wrongType: 'refuse',
  noRole: 401,
  refreshBusy: 400,
  refreshCap: 400,
  sequenceNumbers: 'off',
}

export const beyond = (count: number, limit: number | null): boolean => limit !== null && count > limit

const MINUTE = 60_000
const HOUR = 3_600_000

interface Event {
  at: number
  size: number
}

/** What happened lately, for limits on any stretch of time of a length. */
export interface Window {
  add(at: number, size?: number): void
  /** Whole seconds until `size` more fits under `limit` within `ms`; 0 where it does now. */
  wait(now: number, ms: number, limit: number | null, size?: number): number
}

export function createWindow(keepMs: number): Window {
  let events: Event[] = []
  let stale = 0
  return {
    add(at, size = 1) {
      events.push({ at, size })
      while ((events[stale]?.at ?? Number.POSITIVE_INFINITY) <= at - keepMs) stale += 1
      if (stale > 1000) {
        events = events.slice(stale)
        stale = 0
      }
    },
    wait(now, ms, limit, size = 1) {
      if (limit === null) return 0
      let sum = size
      // From the newest backwards: the first event that no longer fits must have left the window.
      for (let index = events.length - 1; index >= stale; index -= 1) {
        const event = events[index]
        if (!event || event.at <= now - ms) break
        sum += event.size
        if (sum > limit) return Math.max(1, Math.ceil((event.at + ms - now) / 1000))
      }
      return size > limit ? Math.ceil(ms / 1000) : 0
    },
  }
}

/** One dataset's POST rows: what has been, and how many are under way. */
export interface PushBook {
  readonly posts: Window
  readonly rows: Window
  pending: number
}

export function createPushBook(): PushBook {
  return { posts: createWindow(HOUR), rows: createWindow(HOUR), pending: 0 }
}

export interface Overrun {
  readonly what: 'rows' | 'posts'
  readonly seconds: number
}

/** Which rate a further POST would break, and for how long; undefined where it fits. */
export function overrun(book: PushBook, now: number, rows: number, limits: Limits, big: boolean): Overrun | undefined {
  const forRows = book.rows.wait(now, HOUR, limits.rowsPerHour, rows)
  if (forRows > 0) return { what: 'rows', seconds: forRows }
  const forPosts = Math.max(
    book.posts.wait(now, MINUTE, limits.postsPerMinute),
    big ? book.posts.wait(now, HOUR, limits.postsPerHourWhenBig) : 0,
  )
  return forPosts > 0 ? { what: 'posts', seconds: forPosts } : undefined
}
