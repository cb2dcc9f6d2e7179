import type { Relaxed } from './json.ts'

/** How values of a scalar type are read from a filter and compared; stored values are never null here. */
export interface ValueType {
  /** The filter's literal as a comparable value; throws where it is none of this type. */
  parse(literal: Relaxed): string | number | boolean
  /** The wire's value as a comparable value. */
  of(wire: unknown): string | number | boolean
  compare(a: string | number | boolean, b: string | number | boolean): number
}

function plain(a: string | number | boolean, b: string | number | boolean): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function wrong(literal: Relaxed, type: string): never {
  throw new Error(`${JSON.stringify(literal)} is not a value of type ${type}`)
}

/** Decimals compare as text of whole and fraction, so that no digit is lost. */
function compareDecimals(a: string, b: string): number {
  const [x, y] = [split(a), split(b)]
  if (x.negative !== y.negative) return x.negative ? -1 : 1
  const size = x.whole.length - y.whole.length || plain(x.whole, y.whole) || plain(x.fraction, y.fraction)
  return x.negative ? -size : size
}

function split(text: string): { negative: boolean; whole: string; fraction: string } {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.')
  const parts = { whole: whole.replace(/^0+/, ''), fraction: fraction.replace(/0+$/, '') }
  return { negative: text.startsWith('-') && parts.whole + parts.fraction !== '', ...parts }
}

const text: ValueType = {
  parse: (literal) =>
    typeof literal === 'string' || typeof literal === 'number' ? `${literal}` : wrong(literal, 'String'),
  of: (wire) => wire as string,
  compare: plain,
}

const types: Readonly<Record<string, ValueType>> = {
  String: text,
  Id: text,
  Int: {
    parse(literal) {
      const number = typeof literal === 'string' && literal.trim() !== '' ? Number(literal) : literal
      return Number.isInteger(number) ? (number as number) : wrong(literal, 'Int')
    },
    of: (wire) => wire as number,
    compare: plain,
  },
  Boolean: {
    parse(literal) {
      if (typeof literal === 'boolean') return literal
      if (literal === 'true' || literal === 'false') return literal === 'true'
      return wrong(literal, 'Boolean')
    },
    of: (wire) => wire as boolean,
    compare: plain,
  },
  Decimal: {
    parse: (literal) => (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(`${literal}`) ? `${literal}` : wrong(literal, 'Decimal')),
    of: (wire) => wire as string,
    compare: (a, b) => compareDecimals(`${a}`, `${b}`),
  },
  Date: {
    parse: (literal) =>
      typeof literal === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(literal) && !Number.isNaN(Date.parse(literal))
        ? literal
        : wrong(literal, 'Date'),
    of: (wire) => wire as string,
    compare: plain,
  },
  Datetime: {
    parse(literal) {
      const time = typeof literal === 'string' && /^\d{4}-\d{2}-\d{2}/.test(literal) ? Date.parse(literal) : Number.NaN
      return Number.isNaN(time) ? wrong(literal, 'Datetime') : time
    },
    of: (wire) => Date.parse(wire as string),
    compare: plain,
  },
}

/** `members` for an enum: anything else in a filter is refused. */
export function valueType(type: string, members: readonly string[] | undefined): ValueType {
  const known = types[type]
  if (known) return known
  return {
    ...text,
    parse: (literal) =>
      typeof literal === 'string' && (members?.includes(literal) ?? true) ? literal : wrong(literal, type),
    // Enums sort by the menu's number, not by name.
    compare: (a, b) =>
      members && typeof a === 'string' && typeof b === 'string' ? members.indexOf(a) - members.indexOf(b) : plain(a, b),
  }
}
