import type { Json } from './company/invoice.ts'

/** Records of one collection in one layer, by their external code. */
export interface Shelf {
  get(externalCode: string): Json | undefined
  all(): readonly Json[]
  /** Those that have a value in a field. */
  by(field: string, value: unknown): readonly Json[]
  put(record: Json): void
}

const codeOf = (record: Json): string => String(record.externalCode)

export function createShelf(first: readonly Json[]): Shelf {
  const records = new Map(first.map((record) => [codeOf(record), record]))
  /** Codes by the values of the fields that were asked for. */
  const indexes = new Map<string, Map<unknown, Set<string>>>()

  function note(index: Map<unknown, Set<string>>, value: unknown, code: string): void {
    const codes = index.get(value)
    if (codes) codes.add(code)
    else index.set(value, new Set([code]))
  }

  function indexOf(field: string): Map<unknown, Set<string>> {
    const known = indexes.get(field)
    if (known) return known
    const made = new Map<unknown, Set<string>>()
    for (const [code, record] of records) note(made, record[field], code)
    indexes.set(field, made)
    return made
  }

  return {
    get: (externalCode) => records.get(externalCode),
    all: () => [...records.values()],
    by: (field, value) =>
      [...(indexOf(field).get(value) ?? [])].map((code) => records.get(code)).filter((record) => record !== undefined),
    put(record) {
      const code = codeOf(record)
      for (const [field, index] of indexes) {
        index.get(records.get(code)?.[field])?.delete(code)
        note(index, record[field], code)
      }
      records.set(code, record)
    },
  }
}

/** A record's content as a text that is the same for equal content: without nulls and the server's own stamp, names in order. */
export function contentOf(value: unknown): string {
  return JSON.stringify(value, (name, part: unknown) => {
    if (name === 'lastUpdated') return undefined
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(
      Object.entries(part)
        .filter(([, each]) => each !== null && each !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  })
}
