import type { Words } from './errors.ts'
import { parameter } from './errors.ts'
import type { BaswareSettings } from './options.ts'

/** What a query parameter may be. */
export interface Parameter {
  readonly kind: 'text' | 'date' | 'yesNo' | 'choice' | 'size'
  readonly values?: readonly string[]
  /** Greatest page, which is the default too unless told. */
  readonly most?: number
  readonly usual?: number
  readonly required?: true
}

export type Parameters = Readonly<Record<string, Parameter>>

/** Parameters as they were understood; those that were not given are left out, but for a page's size. */
export interface Query {
  text(name: string): string | undefined
  /** ms since 1970 */
  date(name: string): number | undefined
  yes(name: string): boolean
  readonly pageSize: number
}

/**
 * Reads the query. Names that the contract does not have are left aside, a continuation token among them.
 * Throws the refusal of a value that is not valid.
 */
export function readQuery(url: URL, wanted: Parameters, settings: BaswareSettings, words: Words): Query {
  const given = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    const known = Object.keys(wanted).find(
      (own) => own === name || (settings.queryNames === 'anyCase' && own.toLowerCase() === name.toLowerCase()),
    )
    if (known !== undefined && value !== '') given.set(known, value)
  }
  const faults = Object.entries(wanted).flatMap(([name, one]) => {
    const value = given.get(name)
    if (value === undefined) return one.required ? [parameter(`${name} is required`)] : []
    return valid(one, value) ? [] : [parameter(`${name}: ${value.slice(0, 100)} is not valid`)]
  })
  if (faults.length > 0) throw words.refuse(400, ...faults)
  const size = wanted.pageSize
  return {
    text: (name) => given.get(name),
    date: (name) => (given.has(name) ? Date.parse(given.get(name) ?? '') : undefined),
    yes: (name) => given.get(name) === 'true',
    pageSize: Number(given.get('pageSize') ?? size?.usual ?? size?.most ?? 500),
  }
}

function valid({ kind, values, most = 500 }: Parameter, value: string): boolean {
  switch (kind) {
    case 'date':
      return /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value))
    case 'yesNo':
      return value === 'true' || value === 'false'
    case 'choice':
      return values?.includes(value) ?? true
    case 'size':
      return /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= most
    case 'text':
      return true
  }
}
