/** Records that stood at Basware under codes of their own before: of which a person said that those are to be used. */
import { z } from 'zod'
import type { Place } from './resources.ts'

/** Text that the ledger keeps under the target's address. */
export interface Note {
  read(): Promise<string | undefined>
  save(text: string): Promise<void>
}

const said = z.object({ at: z.string(), by: z.string(), reason: z.string(), what: z.string() })
const stored = z.object({
  /** Whatever stands there already is taken under its code. */
  all: z.boolean().default(false),
  /** Keys of records of which that is said. */
  keys: z.array(z.string()).default([]),
  /** Place and our code, and the code that is used instead. */
  codes: z.record(z.string(), z.string()).default({}),
  said: z.array(said).default([]),
})
export type Adopted = z.output<typeof stored>
export type Said = z.output<typeof said>

/** Decisions that are kept of those that named single records. */
const KEPT = 1000

export function readAdopted(text: string | undefined): Adopted {
  if (text === undefined || text === '') return stored.parse({})
  return stored.parse(JSON.parse(text))
}

const nameOf = (place: Place, code: string): string => `${place}|${code}`

/** The code that is used for ours. */
export const usedCode = ({ codes }: Adopted, place: Place, code: string): string => codes[nameOf(place, code)] ?? code

/** Whether a record that stands there under another code may be taken under that. */
export const mayUse = ({ all, keys }: Adopted, key: string): boolean => all || keys.includes(key)

/** A record stands there under another code from now on. */
export const withCode = (adopted: Adopted, place: Place, code: string, theirs: string): Adopted => ({
  ...adopted,
  codes: { ...adopted.codes, [nameOf(place, code)]: theirs },
})

/** A person says that the code which stands there is to be used: for some records, or for whatever stands there. */
export const decided = (adopted: Adopted, of: readonly string[] | 'all', decision: Said): Adopted => ({
  ...adopted,
  all: adopted.all || of === 'all',
  keys: of === 'all' ? adopted.keys : [...new Set([...adopted.keys, ...of])],
  said: [...adopted.said, decision].slice(-KEPT),
})
