import type { Entity, Field } from './fields/kinds.ts'

/** CCYY-MM-DD, with a time of day and a zone where they are known. */
const DATE =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/** Of the contract's pattern, without what is quoted and without literal addresses of hosts. */
const MAIL =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

/** What is wrong with a value that came as JSON, one line a fault and `path: fault` each; none where it is as it should be. */
export function faultsOf(entity: Entity, value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at || '$'}: an object is needed`]
  const place = (name: string): string => (at === '' ? name : `${at}.${name}`)
  const given = value as Readonly<Record<string, unknown>>
  const missing = Object.entries(entity)
    .filter(([name, { required }]) => required && !Object.hasOwn(given, name))
    .map(([name]) => `${place(name)}: required`)
  const wrong = Object.entries(given).flatMap(([name, content]) => {
    const field = Object.hasOwn(entity, name) ? entity[name] : undefined
    return field ? fieldFaults(field, content, place(name)) : [`${place(name)}: no such field`]
  })
  return [...missing, ...wrong]
}

function fieldFaults(field: Field, value: unknown, at: string): string[] {
  if (value === null || value === undefined) return field.nullable ? [] : [`${at}: may not be null`]
  const fault = CHECKS[field.kind](field, value)
  if (fault !== undefined) return [`${at}: ${fault}`]
  const { of } = field
  if (field.kind === 'object' && of) return faultsOf(of, value, at)
  if (field.kind !== 'list') return []
  return (value as readonly unknown[]).flatMap((element, k) => {
    if (of) return faultsOf(of, element, `${at}[${k}]`)
    return typeof element === 'string' ? [] : [`${at}[${k}]: a text is needed`]
  })
}

const sized = ({ min, max }: Field, size: number, what: string): string | undefined => {
  if (min !== undefined && size < min) return `${what} under ${min}`
  return max !== undefined && size > max ? `${what} over ${max}` : undefined
}

/** What is wrong with a value that is not null, by the kind of its field. */
const CHECKS: Readonly<Record<Field['kind'], (field: Field, value: unknown) => string | undefined>> = {
  text: (field, value) => {
    if (typeof value !== 'string') return 'a text is needed'
    return (
      sized(field, value.length, 'length') ?? (field.mail && !MAIL.test(value) ? 'no address of e-mail' : undefined)
    )
  },
  number: (field, value) => (typeof value === 'number' ? sized(field, value, 'value') : 'a number is needed'),
  integer: (field, value) =>
    Number.isInteger(value) && Math.abs(value as number) < 2 ** 31
      ? sized(field, value as number, 'value')
      : 'a whole number is needed',
  boolean: (_, value) => (typeof value === 'boolean' ? undefined : 'true or false is needed'),
  date: (_, value) => (typeof value === 'string' && DATE.test(value) ? undefined : 'a date is needed'),
  choice: ({ values }, value) =>
    typeof value === 'string' && (values?.includes(value) ?? true) ? undefined : 'not one of the values',
  list: (_, value) => (Array.isArray(value) ? undefined : 'a list is needed'),
  object: (_, value) => (typeof value === 'object' && !Array.isArray(value) ? undefined : 'an object is needed'),
}
