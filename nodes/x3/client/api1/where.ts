/** Filters, as everything here writes them, in the words of SData's `where`. */
import { syncError } from '../../../../sync/contract/errors.ts'

const WORDS: Readonly<Record<string, string>> = {
  ...{ _eq: 'eq', _ne: 'ne', _gt: 'gt', _gte: 'ge', _lt: 'lt', _lte: 'le' },
}

/** `times`: fields whose values are moments or dates, which stand between at signs. */
export function whereOf(filter: unknown, times: ReadonlySet<string>): string {
  const and = (parts: readonly string[], word: string): string =>
    parts.length === 1 ? (parts[0] as string) : parts.map((part) => `(${part})`).join(` ${word} `)
  const literal = (field: string, value: unknown): string => {
    if (times.has(field)) return `@${String(value).replaceAll('@', '')}@`
    if (typeof value === 'number') return String(value)
    if (typeof value === 'boolean') return value ? '2' : '1'
    if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
    throw wrong(`${field} is compared with ${JSON.stringify(value)}`)
  }
  const condition = (field: string, value: unknown): string => {
    if (!/^\w+$/.test(field)) throw wrong(`${field} is no property`)
    if (typeof value !== 'object' || value === null) return `${field} eq ${literal(field, value)}`
    return and(
      Object.entries(value).map(([operator, operand]) => {
        if (operator === '_in' && Array.isArray(operand))
          return and(
            operand.map((one) => `${field} eq ${literal(field, one)}`),
            'or',
          )
        const word = WORDS[operator]
        if (word === undefined) throw wrong(`${operator} on ${field} has no form there`)
        return `${field} ${word} ${literal(field, operand)}`
      }),
      'and',
    )
  }
  const text = (part: unknown): string => {
    if (typeof part !== 'object' || part === null) throw wrong('a condition is an object')
    return and(
      Object.entries(part).map(([name, value]) => {
        if ((name === '_and' || name === '_or') && Array.isArray(value)) return and(value.map(text), name.slice(1))
        return condition(name, value)
      }),
      'and',
    )
  }
  return text(filter)
}

const wrong = (what: string): Error =>
  syncError('config', 'x3.filter', `A filter cannot be asked by REST api1: ${what}`, {
    field: 'filter',
    hint: 'Use column names of the class, with _eq, _ne, _gt, _gte, _lt, _lte, _in, _and, _or.',
  })
