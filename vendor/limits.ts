/** What a reply may cost: its bytes, its depth, its parts, its time. Over one of them it is given up, and the process lives. */

export const MEGABYTE = 1024 * 1024
/** Most bytes of one reply, unpacked. */
export const REPLY_BYTES = 64 * MEGABYTE
/** Most bytes of the answer to a login, and of what is kept of a refusal. */
export const LOGIN_BYTES = MEGABYTE
/** Deepest nesting of a reply. */
export const DEPTH = 100
/**
 * Most lists and objects (elements) of one reply. Bytes alone do not bound memory: an empty object of three bytes takes 64 in
 * the heap (measured, Node 24), a document's lines with 33 bytes an object stay below at 64 MB.
 */
export const PARTS = 2_000_000
/** Longest exchange in all, from the first byte sent to the last one received. */
export const TOTAL_MS = 600_000

/** A reply that was given up. Its message completes *the answer of X3 ...*. */
export interface OverLimit extends Error {
  readonly limit: 'bytes' | 'depth' | 'parts' | 'time'
}

const over = (limit: OverLimit['limit'], message: string): OverLimit =>
  Object.assign(new Error(message), { name: 'OverLimit', limit })

const size = (bytes: number): string =>
  bytes >= 1_000_000 ? `${Math.round(bytes / MEGABYTE)} MB` : `${bytes.toLocaleString('en-US')} bytes`

export const overBytes = (bytes: number): OverLimit =>
  over('bytes', `is greater than ${size(bytes)} and was not read to its end`)
export const overDepth = (depth: number): OverLimit =>
  over('depth', `is nested deeper than ${depth} levels and was not taken apart`)
export const overParts = (parts: number): OverLimit =>
  over('parts', `has more than ${parts.toLocaleString('en-US')} parts and was not taken apart`)
export const overTime = (ms: number): OverLimit =>
  over('time', `did not come to its end within ${Math.round(ms / 100) / 10} s`)

export const isOverLimit = (error: unknown): error is OverLimit => error instanceof Error && 'limit' in error
