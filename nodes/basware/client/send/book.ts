/** What of each place stands at Basware: by its own code and by the code that people know. Kept as long as the connection. */
import { z } from 'zod'
import { parseToSend } from '../../../../vendor/json.ts'
import { bodyError } from '../errors.ts'
import type { Reading } from '../invoices.ts'
import { pages } from '../pages.ts'
import { type Copy, copyOf, isEmpty } from './copies.ts'
import { type Place, resourceOf } from './resources.ts'
import { type Refusal, refusal } from './rules.ts'

/** Overlap of the question what changed: clocks and zones of the two layers. */
const OVERLAP_MS = 86_400_000

/**
 * Copies by external code, each as a text without its empty fields: as objects those of a hundred thousand orders would take a fifth
 * of a gigabyte.
 */
export interface Copies {
  get(code: string): Copy | undefined
  has(code: string): boolean
  set(copy: Copy): void
  [Symbol.iterator](): Iterator<readonly [string, Copy]>
}

function createCopies(): Copies {
  const texts = new Map<string, string>()
  return {
    get(code) {
      const text = texts.get(code)
      return text === undefined ? undefined : (parseToSend(text) as Copy)
    },
    has: (code) => texts.has(code),
    set(copy) {
      const kept = Object.entries(copy).filter(([, value]) => !isEmpty(value))
      texts.set(copy.externalCode, JSON.stringify(Object.fromEntries(kept)))
    },
    *[Symbol.iterator]() {
      for (const [code, text] of texts) yield [code, parseToSend(text) as Copy]
    },
  }
}

export interface Book {
  readonly copies: Copies
  /** Codes of records that were given in a form that cannot be read. */
  readonly unreadable: Set<string>
  /** What people know records by that have no external code. */
  readonly nameless: Set<string>
  /** External codes by what people know a record by. */
  readonly byCode: Map<string, readonly string[]>
  newest: string | undefined
}

const emptyBook = (): Book => ({
  ...{ copies: createCopies(), unreadable: new Set(), nameless: new Set(), byCode: new Map(), newest: undefined },
})

export interface Books {
  /** All that stands there: read whole once, then what changed. */
  of(place: Place, codeColumn: string, reading: Reading): Promise<Book>
  /** What a POST has made of it. */
  took(place: Place, body: Copy): void
  /** The next question asks Basware again. */
  turn(): void
}

export function createBooks(): Books {
  const books = new Map<Place, Book>()
  const codes = new Map<Place, string>()
  let fresh = new Map<Place, Promise<Book>>()
  return {
    of(place, codeColumn, reading) {
      codes.set(place, codeColumn)
      const asked = fresh.get(place) ?? refresh(books.get(place) ?? emptyBook(), place, codeColumn, reading)
      fresh.set(place, asked)
      void asked.then(
        (book) => books.set(place, book),
        () => fresh.delete(place),
      )
      return asked
    },
    took(place, body) {
      const book = books.get(place)
      if (book) add(book, place, codes.get(place) ?? '', body)
    },
    turn() {
      fresh = new Map()
    },
  }
}

async function refresh(book: Book, place: Place, codeColumn: string, reading: Reading): Promise<Book> {
  const { path, envelope, scope, group, page } = resourceOf(place)
  const what = `What stands in ${place}`
  // Whether those are still there only the whole list says.
  const since = book.nameless.size === 0 && book.newest && new Date(Date.parse(book.newest) - OVERLAP_MS).toISOString()
  const query = { pageSize: String(page), ...(since ? { lastUpdated: since } : {}) }
  const ask = { what, scope: `${scope}.read`, group, query, toSend: true } as const
  let { newest } = book
  book.nameless.clear()
  for await (const data of pages(reading, path, ask))
    for (const one of recordsOf(data, envelope, what)) {
      const known = copyOf(one)
      if (!known || !isWhole(known)) {
        noteUnreadable(book, place, codeColumn, one)
        continue
      }
      book.unreadable.delete(known.externalCode)
      add(book, place, codeColumn, known)
      const at = typeof known.lastUpdated === 'string' ? known.lastUpdated : undefined
      if (at && (!newest || Date.parse(at) > Date.parse(newest))) newest = at
    }
  book.newest = newest
  return book
}

function noteUnreadable(book: Book, place: Place, codeColumn: string, one: unknown): void {
  const fields = (one ?? {}) as Readonly<Record<string, unknown>>
  if (typeof fields.externalCode === 'string' && fields.externalCode !== '') book.unreadable.add(fields.externalCode)
  else for (const key of keysOf(place, codeColumn, fields)) book.nameless.add(key)
}

/** Its lists are lists, and its parts are objects: what is not cannot be sent back as it was. */
const whole = z.looseObject({
  companies: z.array(z.looseObject({})).nullish(),
  identifiers: z.array(z.looseObject({})).nullish(),
  processingStatus: z.looseObject({}).nullish(),
})
const isWhole = (known: Copy): boolean => whole.safeParse(known).success

export function recordsOf(data: unknown, envelope: string, what: string): readonly unknown[] {
  const list = (data as Readonly<Record<string, unknown>> | null)?.[envelope]
  if (Array.isArray(list)) return list
  throw bodyError(what, `is not what its contract says (${envelope} is no list)`)
}

function add(book: Book, place: Place, codeColumn: string, known: Copy): void {
  const before = book.copies.get(known.externalCode)
  const own = (key: string): readonly string[] =>
    (book.byCode.get(key) ?? []).filter((code) => code !== known.externalCode)
  if (before) for (const key of keysOf(place, codeColumn, before)) book.byCode.set(key, own(key))
  book.copies.set(known)
  for (const key of keysOf(place, codeColumn, known)) book.byCode.set(key, [...own(key), known.externalCode])
}

/** What people know it by: its code, and the companies in which that is unique. */
export function keysOf(place: Place, codeColumn: string, body: Readonly<Record<string, unknown>>): readonly string[] {
  const code = String(body[codeColumn] ?? '')
  if (place === 'vendors' || place === 'purchaseRequisitions') return [code]
  if (place === 'matchingOrders') return [`${code}|${String(body.companyCode ?? '')}`]
  const companies = Array.isArray(body.companies) ? body.companies : []
  return companies.map((one: { companyCode?: unknown }) => `${code}|${String(one.companyCode ?? '')}`)
}

/** External codes under which somebody else has what a body is about. */
export function othersOf(book: Book, place: Place, codeColumn: string, body: Copy): readonly string[] {
  const found = keysOf(place, codeColumn, body).flatMap((key) => [...(book.byCode.get(key) ?? [])])
  return [...new Set(found)].filter((code) => code !== body.externalCode)
}

/** Why a record that stands there under other codes is not sent. */
export const alreadyThere = (place: Place, value: string, others: readonly string[]): Refusal =>
  refusal(
    'already-there',
    `The ${resourceOf(place).one} ${value} is already there as ${others.join(', ')}${others.length > 1 ? ', more than once' : ''}. Say in the sidebar whether that code is to be used: of a held record, or of all in Alignment`,
    'externalCode',
  )

/** Why a record is not sent that stands there without an external code: sent under one of ours it would be there twice. */
export const withoutCode = (place: Place, value: string): Refusal =>
  refusal(
    'no-code',
    `The ${resourceOf(place).one} ${value} is already there without an external code, by which it could be changed. Have Basware give it one or take it away; then replay it`,
    'externalCode',
  )

export const notReadable = (place: Place, code: string): Refusal =>
  refusal(
    'copy',
    `What Basware has of the ${resourceOf(place).one} ${code} cannot be read, and sending it would lose what stands there besides`,
    'externalCode',
  )
