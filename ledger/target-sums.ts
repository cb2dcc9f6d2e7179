/** Running sums of what an address holds of each source: one row for each, changed in the transaction that settles. */
import { keyBeginning, keyParts, keyText } from '../sync/contract/message.ts'
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Delivery, Stored, TargetSums } from './ledger.ts'

export interface TargetSumBook {
  readonly topic: TargetSums
  /** Inside a transaction. `id`: of the address. */
  count(id: number, deliveries: readonly Delivery[]): void
  /** Nothing of the address is known any more. */
  clear(id: number): void
}

/** Rows and sums by table: the header, then the lists in the order of the address. */
type Sums = { rows: number; sum: bigint }[]

export function createTargetSums(db: Database, intern: Intern): TargetSumBook {
  const { find, put, mark, add, dropAll, lists, saveLists, all } = prepared(db, {
    all: `
      SELECT read, lower(hex(hash)) AS hash, rows FROM delivery
      WHERE address = ? AND key > ? AND key < ? AND hash IS NOT NULL AND rows IS NOT NULL`,
    find: 'SELECT whole, sums FROM target_sum WHERE address = ? AND source = ?',
    put: 'UPDATE target_sum SET sums = ? WHERE address = ? AND source = ?',
    mark: 'UPDATE target_sum SET whole = ? WHERE address = ? AND source = ?',
    add: `
      INSERT INTO target_sum (address, source, whole, sums, unsummed)
      SELECT id, ?, unsummed = 0, '[]', unsummed FROM address WHERE id = ?
      ON CONFLICT DO NOTHING`,
    dropAll: 'DELETE FROM target_sum WHERE address = ?',
    lists: 'SELECT lists FROM address WHERE id = ?',
    saveLists: 'UPDATE address SET lists = ? WHERE id = ?',
  })
  const listsOf = (id: number): string[] => {
    const row = lists.get(id) as { lists: string } | undefined
    return row ? (JSON.parse(row.lists) as string[]) : []
  }
  const sumsOf = (id: number, source: string): { whole: number; sums: string } | undefined =>
    find.get(id, source) as { whole: number; sums: string } | undefined
  const known = (address: string): number => intern.address(address, false)
  function recount(id: number, source: string): void {
    const tally = newTally()
    for (const row of all.iterate(id, ...keysOf(source))) {
      const { read, hash, rows } = row as { read: number; hash: string; rows: string }
      addTo(tally, storedOf(rows, hash, read), 1)
    }
    add.run(source, id)
    put.run(sumsText(sumsOfTally(tally)), id, source)
  }

  return {
    count(id, deliveries) {
      for (const [source, { sums: change, untold }] of changes(deliveries)) {
        if (untold) mark.run(0, id, source)
        if (change.length === 0) continue
        add.run(source, id)
        const sums = parseSums(sumsOf(id, source)?.sums)
        for (const [place, { rows, sum }] of change.entries()) {
          const own = sums[place] ?? { rows: 0, sum: 0n }
          sums[place] = { rows: own.rows + rows, sum: own.sum + sum }
        }
        put.run(sumsText(sums), id, source)
      }
    },
    clear(id) {
      dropAll.run(id)
    },
    topic: {
      tableLists: async (address, names) =>
        db.tx(() => {
          const id = intern.address(address, true)
          const before = listsOf(id)
          const all = [...new Set([...before, ...names])]
          if (all.length > before.length) saveLists.run(JSON.stringify(all), id)
          return all
        }),
      targetMemory: async (address, source) =>
        db.guard(() => {
          const id = known(address)
          const found = sumsOf(id, source)
          if (!found) return undefined
          const sums = parseSums(found.sums)
          const tables = ['', ...listsOf(id)].map((list, place) => ({ list, ...(sums[place] ?? { rows: 0, sum: 0n }) }))
          return { whole: found.whole === 1, tables }
        }),
      async recountTargets(address, source) {
        db.tx(() => recount(intern.address(address, true), source))
      },
      async saveWhole(address, source, whole) {
        db.guard(() => mark.run(whole ? 1 : 0, known(address), source))
      },
    },
  }
}

const sumsText = (sums: Sums): string => JSON.stringify(sums.map(({ rows, sum }) => [rows, String(sum)]))
const parseSums = (text = '[]'): Sums =>
  (JSON.parse(text) as [number, string][]).map(([rows, sum]) => ({ rows, sum: BigInt(sum) }))

/** What deliveries change, by source. `untold`: what a target has of one of them is not known. */
function changes(
  deliveries: readonly Delivery[],
): ReadonlyMap<string, { readonly sums: Sums; readonly untold: boolean }> {
  const all = new Map<string, Tally>()
  let prefix: string | undefined
  let tally: Tally | undefined
  for (const { key, stored, before } of deliveries) {
    if (stored === before && stored !== undefined) continue
    if (tally === undefined || prefix === undefined || !key.startsWith(prefix)) {
      const beginning = keyBeginning(key)
      const [source = ''] = keyParts(beginning)
      prefix = `${beginning}|`
      tally = all.get(source) ?? newTally()
      all.set(source, tally)
    }
    if (stored === undefined) tally.untold = true
    if (before) addTo(tally, before, -1)
    if (stored) addTo(tally, stored, 1)
  }
  return new Map([...all].map(([source, own]) => [source, { sums: sumsOfTally(own), untold: own.untold }]))
}

/** Whole numbers stay exact: a batch has far fewer than 2^21 records. */
interface Tally {
  rows: number
  hashes: number
  /** Rows of each list, by read number: most of a batch share one. */
  readonly lines: Map<number, number[]>
  counted: boolean
  untold: boolean
}

const newTally = (): Tally => ({ rows: 0, hashes: 0, lines: new Map(), counted: false, untold: false })

function addTo(tally: Tally, { hash, read, lines }: Stored, sign: 1 | -1): void {
  tally.counted = true
  tally.rows += sign
  tally.hashes += sign * Number.parseInt(hash.slice(0, 8), 16)
  if (lines === '') return
  let counts = tally.lines.get(read)
  if (counts === undefined) {
    counts = []
    tally.lines.set(read, counts)
  }
  if (!lines.includes(',')) counts[0] = (counts[0] ?? 0) + sign * Number(lines)
  else
    for (const [place, count] of lines.split(',').entries()) counts[place] = (counts[place] ?? 0) + sign * Number(count)
}

function sumsOfTally({ rows, hashes, lines, counted }: Tally): Sums {
  if (!counted) return []
  const sums: Sums = [{ rows, sum: BigInt(hashes) }]
  for (const [read, counts] of lines)
    for (const [place, count] of counts.entries()) {
      const own = sums[place + 1] ?? { rows: 0, sum: 0n }
      sums[place + 1] = { rows: own.rows + count, sum: own.sum + BigInt(read) * BigInt(count) }
    }
  return sums
}

/** What `rowsText` wrote beside hash and read number. */
export function storedOf(rows: string, hash: string, read: number): Stored {
  const at = rows.indexOf('@')
  return at < 0 ? { hash, read, lines: rows } : { hash, read: Number(rows.slice(at + 1)), lines: rows.slice(0, at) }
}

/** What the target has, as it stands in a row; null: not known. */
export function rowsText({ stored, read }: Delivery): string | null {
  if (!stored) return stored === null ? '' : null
  return stored.read === read ? stored.lines : `${stored.lines}@${stored.read}`
}

/** Between these two are all keys of a source. */
export function keysOf(source: string): [after: string, before: string] {
  const beginning = `${keyText({ key: ['source'] }, { source })}|`
  return [beginning, `${beginning}\u{10ffff}`]
}
