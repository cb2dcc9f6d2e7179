/** JSON from outside: looked at before it is parsed, since nothing bounds what a parser makes of it. */
import { normalise } from '../sync/values/money.ts'
import { DEPTH, MEGABYTE, overDepth, overParts, PARTS } from './limits.ts'

/**
 * A text of so many bytes may be parsed unseen: the worst of them (`[[[[`) takes 28 times its size in the heap (measured,
 * Node 24), and looking at a text takes a third of the time of parsing it.
 */
export const HARMLESS_BYTES = 4 * MEGABYTE

const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{` with the bit in which they differ, `]` and `}` likewise. */
const BIT = 0x20
const OPENS = 0x7b
const CLOSES = 0x7d

/** Throws an `OverLimit` for a text that is nested too deeply or has too many lists and objects. What is no JSON passes. */
export function checkJson(json: Uint8Array): void {
  const end = json.length
  let depth = 0
  let parts = 0
  let at = 0
  while (at < end && (json[at] as number) <= SPACE) at++
  if (((json[at] ?? 0) | BIT) !== OPENS) return
  for (; at < end; at++) {
    const byte = json[at] as number
    if (byte === QUOTE) {
      for (at++; at < end; at++) {
        const inside = json[at] as number
        if (inside === QUOTE) break
        if (inside === BACKSLASH) at++
      }
    } else if ((byte | BIT) === OPENS) {
      if (++depth > DEPTH) throw overDepth(DEPTH)
      parts++
    } else if ((byte | BIT) === CLOSES) depth--
  }
  if (parts > PARTS) throw overParts(PARTS)
}

/** The same of a value that was parsed unseen and is to be kept. */
export const isTooDeep = (value: unknown, left = DEPTH): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (left === 0 || Object.values(value).some((part) => isTooDeep(part, left - 1)))

/** Parses JSON, and keeps each number that JavaScript would write in another way as the text it came as: a fraction, an exponent, too many digits. */
export function parseExactly(source: string): unknown {
  const keep = (_key: string, value: unknown, { source: text = '' }: { source?: string }) =>
    typeof value === 'number' && !(Number.isSafeInteger(value) && /^-?\d+(?:\.0+)?$/.test(text)) ? text : value
  return JSON.parse(source, keep as (key: string, value: unknown) => unknown)
}

/** A number in JSON as its digits, which no double has seen. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** ECMAScript's own, in every Node that this runs on; the library of types does not have them yet. */
const raw = JSON as unknown as { rawJSON(text: string): ExactNumber; isRawJSON(value: unknown): value is ExactNumber }

/** A decimal as text, to be written as a JSON number with all its digits. Throws a `RangeError` for what is no decimal. */
export const exactNumber = (text: string): ExactNumber => raw.rawJSON(normalise(text))

/** Whether it is such a number. */
export const isExactNumber = (value: unknown): value is ExactNumber => raw.isRawJSON(value)

/** Parses JSON that is to be sent on: numbers that JavaScript would write in another way keep their digits. */
export function parseToSend(source: string): unknown {
  const keep = (_key: string, value: unknown, { source: text = '' }: { source?: string }) =>
    typeof value === 'number' && String(value) !== text ? raw.rawJSON(text) : value
  return JSON.parse(source, keep as (key: string, value: unknown) => unknown)
}
