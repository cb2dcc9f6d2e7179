import { createHash } from 'node:crypto'
import type { Json } from './company/invoice.ts'
import { parameter, type Words } from './errors.ts'
import type { BaswareSettings } from './options.ts'

/** One page, and the token of the next one where there is one. */
export interface Page {
  readonly records: readonly Json[]
  readonly token: string | undefined
}

export interface Wanted {
  /** What the filters find, in no order. */
  readonly found: readonly Json[]
  /** Field that is the record's key. */
  readonly key: string
  readonly size: number
  /** The request's path and query: a token belongs to one. */
  readonly request: string
  readonly token: string | undefined
  /** How many parts a record counts for, against `pageRows`; none where pages are never short. */
  readonly weight?: (record: Json) => number
}

/** Where a page ended: the place of its last record in the order, or how many records were before. */
type Place = { readonly sort: string; readonly key: string } | { readonly count: number }

const signature = (request: string): string => createHash('sha256').update(request).digest('base64url').slice(0, 12)

function tokenFor(request: string, place: Place): string {
  return Buffer.from(JSON.stringify({ of: signature(request), place })).toString('base64url')
}

function placeIn(token: string, request: string, words: Words): Place {
  try {
    const read = JSON.parse(Buffer.from(token, 'base64url').toString()) as { of: string; place: Place }
    if (read.of === signature(request)) return read.place
  } catch {
    // Refused below: it is no token of this server.
  }
  throw words.refuse(400, parameter('The continuation token does not belong to this request'))
}

/** The page that a request asks for. */
export function pageOf(wanted: Wanted, settings: BaswareSettings, words: Words): Page {
  const { found, key, size, request, token, weight } = wanted
  const byKey = settings.order === 'id'
  const turn = settings.order === 'reverse' ? -1 : 1
  const sortOf = (record: Json): string => (byKey ? '' : String(record.lastUpdated))
  const keyOf = (record: Json): string => String(record[key])
  const compare = (a: readonly [string, string], b: readonly [string, string]): number => {
    if (a[0] !== b[0]) return a[0] < b[0] ? -turn : turn
    return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1
  }
  const sorted = found
    .map((record) => ({ record, at: [sortOf(record), keyOf(record)] as const }))
    .sort((a, b) => compare(a.at, b.at))
  const place = token === undefined ? undefined : placeIn(token, request, words)
  let start = 0
  if (place && 'count' in place) start = place.count
  else if (place) {
    start = sorted.findIndex(({ at }) => compare(at, [place.sort, place.key]) > 0)
    if (start < 0) start = sorted.length
  }
  const from = settings.repeats && start > 0 ? start - 1 : start
  const records = fitting(
    sorted.slice(from, start + size).map(({ record }) => record),
    settings.pageRows,
    weight,
  )
  const end = from + records.length
  const last = sorted[end - 1]
  const more = last !== undefined && end < sorted.length && end > start
  const next: Place =
    settings.paging === 'offset' ? { count: end } : { sort: last?.at[0] ?? '', key: last?.at[1] ?? '' }
  return { records, token: more ? tokenFor(request, next) : undefined }
}

/** The first records that fit on a page together, at least one and, where one is sent again, two. */
function fitting(records: readonly Json[], most: number, weight: Wanted['weight']): readonly Json[] {
  if (!weight) return records
  let sum = 0
  const end = records.findIndex((record, k) => {
    sum += weight(record)
    return k > 1 && sum > most
  })
  return end < 0 ? records : records.slice(0, end)
}
