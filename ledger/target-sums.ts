/** Running sums of what an address holds of each source: one row for each, changed in the transaction that settles. */
import type { StatementSync } from 'node:sqlite'
import { keyBeginning, keyParts, keyText } from '../sync/contract/message.ts'
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Delivery, Stored, TargetSums } from './ledger.ts'

export interface TargetSumBook {
  readonly topic: TargetSums
  /** Inside a transaction; nothing where the tables are not counted. `id`: of the address. */
  count(id: number, deliveries: readonly Delivery[]): void
  /** Are the tables counted? Before, nobody may say that a row is in a sum. `id`: of the address. */
  isCounted(id: number): boolean
  /** Inside a transaction: it may hold what was not counted, with read numbers up to this one. */
  doubt(id: number, read: number): void
  /** Nothing of the address is known any more. */
  clear(id: number): void
  /** Inside a transaction: nothing of one source there is known any more. */
  doubtSource(id: number, source: string): void
}

/** Rows and sums by table: the header, then the lists in the order of the address. */
type Sums = { rows: number; sum: bigint }[]

/** Names of an address's lists; `counted`: its tables are. */
interface Lists {
  readonly names: string[]
  readonly counted: boolean
}

interface FoundSums {
  readonly whole: number
  readonly sums: string
  readonly share: number | null
}

export function createTargetSums(db: Database, intern: Intern): TargetSumBook {
  const statements = prepared(db, {
    all: `
      SELECT read, lower(hex(hash)) AS hash, rows FROM delivery
      WHERE address = ? AND key > ? AND key < ? AND hash IS NOT NULL AND rows NOT LIKE '?%'`,
    find: 'SELECT whole, sums, share FROM target_sum WHERE address = ? AND source = ?',
    put: 'UPDATE target_sum SET sums = ? WHERE address = ? AND source = ?',
    mark: 'UPDATE target_sum SET whole = ? WHERE address = ? AND source = ?',
    doubtAddress: 'UPDATE address SET unsummed = max(unsummed, ?, 1) WHERE id = ?',
    doubtAll: 'UPDATE target_sum SET whole = 0, share = NULL, unsummed = max(unsummed, ?, 1) WHERE address = ?',
    emptySource: `
      UPDATE target_sum SET whole = 0, share = NULL, sums = '[]',
        unsummed = max(1, (SELECT highest_read FROM address WHERE id = ?1)) WHERE address = ?1 AND source = ?2`,
    unsummed: `
      SELECT coalesce(s.unsummed, a.unsummed) AS read, coalesce(s.whole, a.unsummed = 0) AS whole
      FROM address AS a LEFT JOIN target_sum AS s ON s.address = a.id AND s.source = ? WHERE a.id = ?`,
    begin: `
      UPDATE target_sum SET unsummed = min(unsummed, ?), share = coalesce(share, 0)
      WHERE address = ? AND source = ? AND whole = 0`,
    share: 'UPDATE target_sum SET share = ? WHERE address = ? AND source = ? AND whole = 0',
    uncounted: `
      SELECT 1 FROM delivery WHERE address = ? AND key > ? AND key < ? AND hash IS NOT NULL
        AND (rows IS NULL OR rows LIKE '?%') LIMIT 1`,
    learn: `
      UPDATE delivery SET rows = '?@' || j.read
      FROM (SELECT value ->> 0 AS key, value ->> 1 AS read, value ->> 2 AS hash FROM json_each(?)) AS j
      WHERE delivery.address = ? AND delivery.key = j.key AND delivery.rows IS NULL AND delivery.hash = unhex(j.hash)`,
    learnAnew: `
      INSERT INTO delivery (address, key, read, hash, run, rows)
      SELECT ?, value ->> 0, value ->> 1, unhex(value ->> 2), 0, '?@' || (value ->> 1) FROM json_each(?) WHERE true
      ON CONFLICT DO NOTHING`,
    unlearnt: `
      UPDATE delivery SET doubt = 1
      WHERE address = ? AND key > ? AND key < ? AND rows IS NULL AND hash IS NOT NULL`,
    add: `
      INSERT INTO target_sum (address, source, whole, sums, unsummed)
      SELECT id, ?, unsummed = 0, '[]', unsummed FROM address WHERE id = ?
      ON CONFLICT DO NOTHING`,
    dropAll: 'DELETE FROM target_sum WHERE address = ?',
    lists: 'SELECT lists, counted FROM address WHERE id = ?',
    // Whatever was delivered before it was counted is in no sum, under whatever number it is known.
    uncountedBefore: `
      UPDATE address SET unsummed = 9007199254740991 WHERE id = ?1
        AND EXISTS (SELECT 1 FROM delivery WHERE address = ?1 AND hash IS NOT NULL AND rows IS NULL)`,
    saveLists: 'UPDATE address SET lists = ?, counted = 1 WHERE id = ?',
  })
  const { find, put, mark, add, dropAll, lists, all } = statements
  const listsOf = (id: number): Lists => {
    const row = lists.get(id) as { lists: string; counted: number } | undefined
    return { names: row ? (JSON.parse(row.lists) as string[]) : [], counted: row?.counted === 1 }
  }
  const sumsOf = (id: number, source: string): FoundSums | undefined => find.get(id, source) as FoundSums | undefined
  const known = (address: string): number => intern.address(address, false)
  function recount(id: number, source: string): void {
    const tally = newTally()
    for (const row of all.iterate(id, ...keysOf(source))) {
      const { read, hash, rows } = row as { read: number; hash: string; rows: string }
      const stored = storedOf(rows, hash, read)
      if (stored) addTo(tally, stored, 1)
    }
    add.run(source, id)
    put.run(sumsText(sumsOfTally(tally)), id, source)
  }

  return {
    isCounted: (id) => listsOf(id).counted,
    count(id, deliveries) {
      if (!listsOf(id).counted) return
      for (const [source, { sums: change, untold }] of changes(deliveries)) {
        add.run(source, id)
        if (untold) mark.run(0, id, source)
        if (change.length === 0) continue
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
    doubtSource(id, source) {
      add.run(source, id)
      statements.emptySource.run(id, source)
    },
    doubt(id, read) {
      statements.doubtAddress.run(read, id)
      statements.doubtAll.run(read, id)
    },
    topic: {
      tableLists: async (address, names) => {
        const now = db.guard(() => listsOf(known(address)))
        if (now.counted && names.every((name) => now.names.includes(name))) return now.names
        return db.tx(() => {
          const id = intern.address(address, true)
          return addLists(statements, id, listsOf(id), names)
        })
      },
      targetMemory: async (address, source) =>
        db.guard(() => {
          const id = known(address)
          const found = sumsOf(id, source)
          if (!found) return undefined
          const sums = parseSums(found.sums)
          const tables = ['', ...listsOf(id).names].map((list, place) => ({
            list,
            ...(sums[place] ?? { rows: 0, sum: 0n }),
          }))
          return { whole: found.whole === 1, share: found.share ?? 0, tables }
        }),
      async recountTargets(address, source) {
        db.tx(() => recount(intern.address(address, true), source))
      },
      ...remembering(db, statements, intern),
    },
  }
}

/** Inside a transaction: lists that the address does not have yet, behind those that it has. `id`: of the address. */
function addLists(
  { uncountedBefore, saveLists }: Readonly<Record<'uncountedBefore' | 'saveLists', StatementSync>>,
  id: number,
  { names: before, counted }: Lists,
  names: readonly string[],
): string[] {
  const all = [...new Set([...before, ...names])]
  if (!counted) uncountedBefore.run(id)
  if (!counted || all.length > before.length) saveLists.run(JSON.stringify(all), id)
  return all
}

type Remembering = Exclude<keyof TargetSums, 'tableLists' | 'targetMemory' | 'recountTargets'>
type Prepared = Readonly<
  Record<
    | 'mark'
    | 'add'
    | 'doubtAddress'
    | 'doubtAll'
    | 'unsummed'
    | 'begin'
    | 'share'
    | 'uncounted'
    | 'learn'
    | 'learnAnew'
    | 'unlearnt',
    StatementSync
  >
>

/** Whether the memory is whole, and how it becomes so. */
function remembering({ guard, tx }: Database, statements: Prepared, intern: Intern): Pick<TargetSums, Remembering> {
  const known = (address: string): number => intern.address(address, false)
  return {
    async doubtSums(address, read) {
      tx(() => {
        const id = intern.address(address, true)
        statements.doubtAddress.run(read, id)
        statements.doubtAll.run(read, id)
      })
    },
    unsummed: async (address, source) => {
      const found = guard(() => statements.unsummed.get(source, known(address)))
      const { read, whole } = (found ?? { read: 0, whole: 1 }) as { read: number; whole: number }
      return whole ? 0 : Math.max(read, 1)
    },
    async beginSumming(address, source, read) {
      tx(() => {
        const id = intern.address(address, true)
        statements.add.run(source, id)
        statements.begin.run(read, id, source)
      })
    },
    saveSummed: async (address, source, share) =>
      tx(() => {
        const id = known(address)
        const isWhole = share === 100 && statements.uncounted.get(id, ...keysOf(source)) === undefined
        if (isWhole) statements.mark.run(1, id, source)
        else statements.share.run(Math.min(share, 99), id, source)
        return isWhole
      }),
    async learnStored(address, stored, anew) {
      const json = JSON.stringify(stored.map(({ key, read, hash }) => [key, read, hash ?? null]))
      tx(() => {
        statements.learn.run(json, known(address))
        if (anew) statements.learnAnew.run(known(address), json)
      })
    },
    async doubtUnlearnt(address, source) {
      guard(() => statements.unlearnt.run(known(address), ...keysOf(source)))
    },
    async saveWhole(address, source) {
      guard(() => statements.mark.run(1, known(address), source))
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
export function storedOf(rows: string, hash: string, read: number): Stored | undefined {
  // Only its read number was learnt yet.
  if (rows.startsWith('?')) return undefined
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
