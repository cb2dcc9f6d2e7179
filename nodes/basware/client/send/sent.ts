/** What the ledger keeps of what was sent: enough to say whether Basware still has it so. In several texts, since each is written whole. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Place } from './resources.ts'
import type { Body } from './schema.ts'

/** Where texts are kept, each under an address of its own. */
export interface Keeper {
  note(address: string): Promise<string | undefined>
  saveNote(address: string, text: string): Promise<void>
}

/** What is compared of a record. */
export interface Facts {
  /** What people know it by. */
  readonly code: string
  readonly name: string
  /** It may be used: an order is not closed. */
  readonly active: boolean
}

/** Code, hash of the name (which is nobody's business in a ledger), and whether it may be used. */
const stored = z.record(z.string(), z.tuple([z.string(), z.string(), z.boolean()]))
type Stored = z.output<typeof stored>
export type Sent = Stored[string]

/** Each is flushed to disk by itself, so that more of them take longer to write than they are shorter. */
const SHARDS = 8
const shardOf = (code: string): number => (createHash('sha256').update(code).digest()[0] ?? 0) % SHARDS

export const hashOf = (name: string): string => createHash('sha256').update(name).digest('base64url').slice(0, 11)

export interface SentBook {
  /** Notes what was taken; on disk when it resolves. */
  took(place: Place, all: readonly { readonly code: string; readonly facts: Facts }[]): Promise<void>
  /** All that was sent to a place, by external code. */
  all(place: Place): Promise<ReadonlyMap<string, Sent>>
}

export function createSentBook(keeper: Keeper, address: string): SentBook {
  const name = (place: Place, shard: number): string => `${address}#sent:${place}:${shard}`
  const read = async (place: Place, shard: number): Promise<Stored> =>
    stored.parse(JSON.parse((await keeper.note(name(place, shard))) ?? '{}'))
  return {
    async took(place, all) {
      const byShard = Map.groupBy(all, ({ code }) => shardOf(code))
      for (const [shard, some] of byShard) {
        const known = await read(place, shard)
        for (const { code, facts } of some) known[code] = [facts.code, hashOf(facts.name), facts.active]
        await keeper.saveNote(name(place, shard), JSON.stringify(known))
      }
    },
    async all(place) {
      const found = new Map<string, Sent>()
      for (let shard = 0; shard < SHARDS; shard++)
        for (const [code, sent] of Object.entries(await read(place, shard))) found.set(code, sent)
      return found
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

/** What is compared of a body, or of Basware's copy. `columns`: of a list those of code and name. */
export function factsOf(
  place: Place,
  body: Body | Fields,
  columns: { readonly code: string; readonly name: string },
): Facts {
  const fields: Fields = body
  const names = (fields.accountNames ?? fields.costCenterNames) as readonly Fields[] | undefined
  const english = names?.find(({ language }) => language === 'en-US')?.translation
  const name = names ? english : place === 'vendors' ? fields.name : (fields.projectName ?? fields[columns.name])
  return {
    code: String(fields[columns.code] ?? ''),
    name: place === 'matchingOrders' || place === 'purchaseRequisitions' ? '' : String(name ?? ''),
    active: isActive(place, fields),
  }
}

function isActive(place: Place, fields: Fields): boolean {
  if (place === 'vendors') return (fields.processingStatus as Fields | undefined)?.active !== false
  if (place === 'matchingOrders') return fields.isClosed !== true
  if (place === 'purchaseRequisitions') return true
  const companies = (Array.isArray(fields.companies) ? fields.companies : []) as readonly Fields[]
  return companies.some(({ active }) => active !== false)
}
