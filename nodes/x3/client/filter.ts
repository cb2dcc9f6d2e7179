/** Filter texts: X3 takes relaxed JSON (unquoted names, single quotes); ours are always strict JSON. */
import { syncError } from '../../../sync/contract/errors.ts'
import type { StampWindow } from '../../../sync/contract/source.ts'
import type { FieldPath } from './paths.ts'

export type Filter = Readonly<Record<string, unknown>>

/** `{a: {b: value}}` for the path `a.b`. */
export function atPath(path: FieldPath, value: unknown): Filter {
  return path.steps.reduceRight<unknown>((inner, step) => ({ [step.field]: inner }), value) as Filter
}

/** All of them, as text; undefined for none. */
export function allOf(filters: readonly (Filter | undefined)[]): string | undefined {
  const present = filters.filter((filter) => filter !== undefined)
  if (present.length === 0) return undefined
  return JSON.stringify(present.length === 1 ? present[0] : { _and: present })
}

/** Stamps of a window, both ends inclusive; a date-only stamp has no upper end. */
export function stampFilter(field: string, granularity: 'second' | 'day', window: StampWindow): Filter | undefined {
  if (granularity === 'day') return window.from === null ? undefined : { [field]: { _gte: window.from.slice(0, 10) } }
  const parts = [
    ...(window.from === null ? [] : [{ [field]: { _gte: timeOf(window.from, '00:00:00') } }]),
    ...(window.bound === null ? [] : [{ [field]: { _lte: timeOf(window.bound, '23:59:59') } }]),
  ]
  return parts.length === 2 ? { _and: parts } : parts[0]
}

/** A date as a moment of that day; a time stays as it is. */
const timeOf = (text: string, time: string): string => (text.length === 10 ? `${text}T${time}Z` : text)

/** Records without a stamp. Those with the empty date of the database (before 1900) are in a first load's window, which has no lower end. */
export const emptyStampFilter = (field: string): Filter => ({ [field]: null })

/** Records with these keys: tuples in the order of `paths`. The last part becomes a list for each set of the others. */
export function keysFilter(paths: readonly FieldPath[], tuples: readonly (readonly unknown[])[]): Filter {
  const groups = new Map<string, { first: readonly unknown[]; last: unknown[] }>()
  for (const tuple of tuples) {
    const first = tuple.slice(0, -1)
    const text = JSON.stringify(first)
    const group = groups.get(text)
    if (group) group.last.push(tuple.at(-1))
    else groups.set(text, { first, last: [tuple.at(-1)] })
  }
  const lastPath = paths.at(-1) as FieldPath
  const terms = [...groups.values()].map(({ first, last }) => {
    const parts = first.map((value, index) => atPath(paths[index] as FieldPath, value))
    const keys = atPath(lastPath, last.length === 1 ? { _eq: last[0] } : { _in: last })
    return parts.length === 0 ? keys : { _and: [...parts, keys] }
  })
  return terms.length === 1 ? (terms[0] as Filter) : { _or: terms }
}

/** Reads a filter that a person typed. Throws a `config` error that says where it is wrong. */
export function parseFilter(text: string, entity: string): Filter | undefined {
  if (text.trim() === '') return undefined
  const reader = relaxedReader(text)
  try {
    const value = reader.value()
    reader.end()
    const all = Array.isArray(value) ? { _and: value } : value
    if (typeof all !== 'object' || all === null) throw new RangeError('a filter is an object such as {isActive: true}')
    return all as Filter
  } catch (error) {
    const why = error instanceof RangeError ? error.message : 'it is no relaxed JSON'
    throw syncError('config', 'x3.filter', `${entity}: the filter cannot be read: ${why}`, {
      entity,
      field: 'filter',
      hint: "Write it as in the GraphQL explorer of X3, for example {company: {code: 'FR01'}, accountingDate: {_gte: '2026-01-01'}}.",
    })
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function relaxedReader(text: string) {
  let at = 0
  const fail = (what: string): never => {
    throw new RangeError(`${what} at character ${at + 1}`)
  }
  const blank = () => {
    while (at < text.length && /\s/.test(text[at] as string)) at++
  }
  const string = (): string => {
    const quote = text[at++]
    let out = ''
    while (text[at] !== quote) {
      if (at >= text.length) fail('a text without its closing quote')
      const char = text[at++]
      out += char === '\\' ? escaped() : char
    }
    at++
    return out
  }
  const escaped = (): string => {
    const char = text[at++] ?? ''
    if (char !== 'u') return ESCAPES[char] ?? char
    const hex = /^[\da-fA-F]{4}/.exec(text.slice(at))?.[0] ?? fail('four hex digits are missing')
    at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }
  const word = (): string => {
    const found = /^[A-Za-z_$][\w$]*/.exec(text.slice(at))?.[0] ?? fail('a name or a value is missing')
    at += found.length
    return found
  }
  const list = (close: string, each: () => void): void => {
    at++
    blank()
    while (text[at] !== close) {
      each()
      blank()
      if (text[at] === ',') at++
      else if (text[at] !== close) fail(`"${close}" or "," is missing`)
      blank()
    }
    at++
  }
  const value = (depth = 0): unknown => {
    if (depth > 50) fail('nested too deep')
    blank()
    const char = text[at] ?? fail('the end comes too early')
    if (char === '{') {
      const out: Record<string, unknown> = {}
      list('}', () => {
        const name = text[at] === '"' || text[at] === "'" ? string() : word()
        if (name === '__proto__') fail('a name that is not allowed')
        blank()
        if (text[at] !== ':') fail('":" is missing')
        at++
        out[name] = value(depth + 1)
      })
      return out
    }
    if (char === '[') {
      const out: unknown[] = []
      list(']', () => {
        out.push(value(depth + 1))
      })
      return out
    }
    if (char === '"' || char === "'") return string()
    const number = /^[+-]?\d+(?:\.\d+)?/.exec(text.slice(at))?.[0]
    if (number !== undefined) {
      at += number.length
      // Decimals stay text: X3 takes both, and no digit is lost.
      return number.includes('.') || number.length > 15 ? number.replace('+', '') : Number(number)
    }
    const name = word()
    if (name === 'true' || name === 'false') return name === 'true'
    if (name === 'null') return null
    return fail(`the value ${name} needs quotes`)
  }
  return {
    value: () => value(),
    end() {
      blank()
      if (at < text.length) fail('something follows the filter')
    },
  }
}
