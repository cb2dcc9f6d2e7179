/** The memory of deliveries, the one hot table: one row for each record. */
import { type Database, prepared } from './database.ts'
import { countsOf, countsText, type GroupSumBook } from './group-sums.ts'
import type { Intern } from './intern.ts'
import type { Deliveries, Delivery, GroupChange, StoredRange } from './ledger.ts'
import { keysOf, rowsText, storedOf, type TargetSumBook } from './target-sums.ts'

/** The topic without what concerns others too, and what the others need of it. */
export interface DeliveryMemory {
  readonly topic: Omit<Deliveries, 'forgetAddress'>
  /** Inside a transaction. */
  write(address: string, sync: string, deliveries: readonly Delivery[], sums?: GroupChange): void
  /** Nothing equals its last version any more. */
  doubt(address: string): void
  /** Inside a transaction: nothing equals the last version of the key any more, and one with this read number may be written again. */
  doubtFrom(address: string, key: string, read: number): void
  clear(address: string): void
  /** Takes away some of the rows that `clear` left behind; true when none are left. */
  sweep(): boolean
}

// A person said that it stays.
const notStaying = `NOT EXISTS (
      SELECT 1 FROM held AS h JOIN address AS a ON a.address = h.sink
      WHERE h.state = 'discarded' AND h.key = d.key AND a.id = d.address)`

const SQL = {
  find: `
    SELECT d.key, d.read, lower(hex(d.hash)), d.hash IS NULL, lower(hex(d.original_hash)), d.original_hash IS NULL, d.run,
      c.totals, d.source, d.rows, d.doubt, d.totals
    FROM json_each(?) AS j
    CROSS JOIN delivery AS d ON d.address = ? AND d.key = j.value
    LEFT JOIN contribution AS c ON c.address = d.address AND c.key = d.key`,
  // One row at a time costs half of what rows from one JSON text do.
  write: `
    INSERT INTO delivery (address, key, read, hash, original_hash, run, rows, totals, source)
    VALUES (?, ?, ?, unhex(?), unhex(?), ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET read = excluded.read, hash = excluded.hash, original_hash = excluded.original_hash,
      run = excluded.run, rows = excluded.rows, totals = excluded.totals, source = excluded.source, doubt = NULL
    WHERE excluded.read >= delivery.read`,
  doubt: 'UPDATE delivery SET doubt = 1 WHERE address = ? AND key IN (SELECT value FROM json_each(?))',
  doubtAll: 'UPDATE delivery SET doubt = 1 WHERE address = ?',
  doubtFrom: `
    UPDATE delivery SET doubt = 1, read = min(read, ? - 1),
      rows = CASE WHEN hash IS NULL OR rows LIKE '?%' OR rows LIKE '%@%' THEN rows ELSE rows || '@' || read END
    WHERE address = ? AND key = ?`,
  doubtOthers: `
    UPDATE delivery SET hash = NULL, rows = '', totals = NULL
    WHERE address = ? AND key > ? AND key <= ? AND key NOT IN (SELECT value ->> 0 FROM json_each(?))`,
  match: `
    INSERT INTO delivery (address, key, read, hash, run, rows)
    SELECT ?, value ->> 0, value ->> 1, unhex(value ->> 2), 0, '@' || (value ->> 1)
    FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET read = max(delivery.read, excluded.read), hash = excluded.hash, doubt = NULL, rows = excluded.rows,
      totals = CASE WHEN delivery.hash IS excluded.hash THEN delivery.totals END,
      original_hash = CASE WHEN delivery.hash IS excluded.hash THEN delivery.original_hash END`,
  added: `
    SELECT d.totals FROM json_each(?) AS j CROSS JOIN delivery AS d ON d.address = ? AND d.key = j.value
    WHERE d.totals IS NOT NULL`,
  // What a table does not have so is not counted any more.
  unmatched: `
    SELECT totals FROM delivery
    WHERE address = ? AND key > ? AND key <= ? AND totals IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM json_each(?) AS j WHERE j.value ->> 0 = key AND unhex(j.value ->> 2) IS hash)`,
  contribute: `
    INSERT INTO contribution (address, key, totals) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET totals = excluded.totals`,
  raise: 'UPDATE address SET highest_read = ? WHERE id = ? AND highest_read < ?',
  highest: 'SELECT highest_read FROM address WHERE id = ?',
  list: `
    SELECT key, read, lower(hex(hash)) AS hash, rows FROM delivery
    WHERE address = ? AND key > ? AND key < ? ORDER BY key LIMIT ?`,
  mapped: 'SELECT 1 FROM delivery WHERE address = ? AND source > 0 LIMIT 1',
  former: `
    SELECT j.key AS at, d.key AS key FROM json_each(?1) AS j
    CROSS JOIN delivery AS d ON d.address = ?2 AND d.source = j.value ->> 2 AND d.source > 0
    WHERE d.key <> j.value ->> 0 AND d.hash IS NOT NULL AND ${notStaying}
    UNION ALL
    SELECT j.key AS at, d.key AS key FROM json_each(?1) AS j
    CROSS JOIN delivery AS d ON d.address = ?2 AND d.key = j.value ->> 1
    WHERE d.key <> j.value ->> 0 AND d.source IS NULL AND d.hash IS NOT NULL AND ${notStaying}`,
  others: 'SELECT 1 FROM delivery WHERE address = ?1 AND (key <= ?2 OR key >= ?3) LIMIT 1',
  ofSource: 'SELECT key, totals FROM delivery WHERE address = ? AND key > ? AND key < ? ORDER BY key LIMIT 20000',
  dropThrough: 'DELETE FROM delivery WHERE address = ? AND key > ? AND key <= ?',
  dropContributionsThrough: 'DELETE FROM contribution WHERE address = ? AND key > ? AND key <= ?',
  any: 'SELECT 1 FROM delivery WHERE address = ? LIMIT 1',
  dropSome: `
    DELETE FROM delivery WHERE address = ? AND key <= coalesce(
      (SELECT key FROM delivery WHERE address = ? ORDER BY key LIMIT 1 OFFSET 20000),
      (SELECT max(key) FROM delivery WHERE address = ?))`,
  dropContributions: 'DELETE FROM contribution WHERE address = ?',
  setAside: "UPDATE address SET address = 'cleared:' || id WHERE id = ?",
  addAnew: `
    INSERT INTO address (address, highest_read, unsummed, lists, counted)
    SELECT ?, ?, ?, lists, counted FROM address WHERE id = ?`,
  aside: "SELECT id FROM address WHERE address LIKE 'cleared:%' LIMIT 1",
  dropAddress: 'DELETE FROM address WHERE id = ?',
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

export function createDeliveries(
  db: Database,
  intern: Intern,
  sums: Pick<TargetSumBook, 'count' | 'isCounted' | 'clear' | 'doubt' | 'doubtSource'>,
  groups: Pick<GroupSumBook, 'change' | 'take' | 'clear'>,
): DeliveryMemory {
  const statements = prepared(db, SQL)
  statements.find.setReturnArrays(true)
  const clearBoth = (id: number): void => {
    sums.clear(id)
    groups.clear(id)
  }
  const clearing = createClearing(db, intern, statements, { ...sums, clear: clearBoth })
  const { doubt, doubtAll, raise } = statements
  const known = (address: string): number => intern.address(address, false)
  return {
    topic: {
      deliveries: async (address, keys) => find(db, intern, statements, address, keys),
      async doubtDeliveries(address, keys) {
        db.guard(() => doubt.run(known(address), JSON.stringify(keys)))
      },
      async matchDeliveries(address, range) {
        match(db, intern, statements, groups, address, range)
      },
      async clearDeliveries(address, source) {
        if (source === undefined || !hasOthers(statements, known(address), source)) clearing.clear(address)
        else clearSource(db, statements, sums, groups, known(address), source)
      },
      async deliveredKeys(address, source, after, limit) {
        const [first, end] = keysOf(source)
        const rows = db.guard(() => statements.list.all(known(address), after || first, end, limit))
        return (rows as unknown as ListedRow[]).map(({ key, read, hash, rows: text }) => ({
          key,
          stored: text === null ? undefined : hash ? storedOf(text, hash, read) : null,
        }))
      },
      areMapped: async (address) => db.guard(() => statements.mapped.get(known(address))) !== undefined,
      formerKeys: async (address, records) => {
        const json = JSON.stringify(records.map(({ key, sourceKey, source }) => [key, sourceKey, source]))
        return db.guard(() => statements.former.all(json, known(address))) as unknown as { at: number; key: string }[]
      },
      hasDeliveries: async (address) => hasAny(statements, known(address)),
      highestRead: async (address) => highestOf(statements, known(address)),
      async raiseHighestRead(address, read) {
        db.tx(() => {
          const id = intern.address(address, true)
          raise.run(read, id, read)
          sums.doubt(id, read)
        })
      },
    },
    write(address, sync, deliveries, change) {
      if (deliveries.length === 0) return
      const id = intern.address(address, true)
      const untold = deliveries.filter(({ counts }) => counts === undefined).map(({ key }) => key)
      if (untold.length > 0) groups.take(id, totalsOf(statements.added.all(JSON.stringify(untold), id)))
      if (change) groups.change(id, change)
      write(intern, statements, id, sync, deliveries, sums.isCounted(id))
      sums.count(id, deliveries)
    },
    doubt(address) {
      db.guard(() => doubtAll.run(known(address)))
    },
    doubtFrom(address, key, read) {
      statements.doubtFrom.run(read, known(address), key)
    },
    ...clearing,
  }
}

const totalsOf = (rows: unknown): string[] => (rows as { totals: string }[]).map(({ totals }) => totals)

const hasAny = ({ any }: Statements, id: number): boolean => id !== 0 && any.get(id) !== undefined
const highestOf = ({ highest }: Statements, id: number): number =>
  Number((highest.get(id) as { highest_read: number } | undefined)?.highest_read ?? 0)

interface ListedRow {
  readonly key: string
  readonly read: number
  /** Empty: none. */
  readonly hash: string
  readonly rows: string | null
}

type FoundRow = [
  key: string,
  read: number,
  hash: string,
  noHash: number,
  original: string,
  noOriginal: number,
  run: number,
  totals: string | null,
  source: number | null,
  rows: string | null,
  doubt: number | null,
  counts: string | null,
]

function find(
  db: Database,
  intern: Intern,
  statements: Statements,
  address: string,
  keys: readonly string[],
): Map<string, Delivery> {
  const found = new Map<string, Delivery>()
  const id = intern.address(address, false)
  if (id === 0 || keys.length === 0) return found
  const rows = db.guard(() => statements.find.all(JSON.stringify(keys), id)) as unknown as FoundRow[]
  for (const [key, read, hash, noHash, original, noOriginal, run, totals, source, stored, doubt, counts] of rows)
    found.set(key, {
      key,
      read,
      hash: noHash || doubt ? null : hash,
      originalHash: noOriginal ? null : original,
      totals: totals || null,
      run: intern.runId(run),
      source,
      counts: counts === null ? undefined : countsOf(counts),
      stored: stored === null ? undefined : noHash ? null : storedOf(stored, hash, read),
      ...(stored?.startsWith('?') && { written: Number(stored.slice(2)) }),
    })
  return found
}

function write(
  intern: Intern,
  statements: Statements,
  id: number,
  sync: string,
  deliveries: readonly Delivery[],
  /** Whether the rows that it has in the target go into the sums. */
  isCounted: boolean,
): void {
  const contributes = deliveries.some((d) => d.totals)
  let read = 0
  for (const d of deliveries) {
    const run = d.run === '' ? 0 : intern.run(d.run, sync)
    const rows = isCounted ? rowsText(d) : null
    const counts = d.counts ? countsText(d.counts) : null
    const original = d.originalHash ?? null
    statements.write.run(id, d.key, d.read, d.hash, original, run, rows, counts, d.source ?? null)
    if (contributes) statements.contribute.run(id, d.key, d.totals ?? '')
    if (d.read > read) read = d.read
  }
  statements.raise.run(read, id, read)
}

function match(
  db: Database,
  intern: Intern,
  statements: Statements,
  groups: Pick<GroupSumBook, 'take'>,
  address: string,
  { after, through, stored }: StoredRange,
): void {
  const rows = JSON.stringify(stored.map(({ key, read, hash }) => [key, read, hash ?? null]))
  db.tx(() => {
    const id = intern.address(address, true)
    groups.take(id, totalsOf(statements.unmatched.all(id, after, through, rows)))
    statements.doubtOthers.run(id, after, through, rows)
    statements.match.run(id, rows)
  })
}

/** Has the address keys of other sources? */
const hasOthers = ({ others }: Statements, id: number, source: string): boolean =>
  others.get(id, ...keysOf(source)) !== undefined

/** One transaction for each so many rows, so that nobody waits for long. */
function clearSource(
  db: Database,
  { ofSource, dropThrough, dropContributionsThrough }: Statements,
  sums: Pick<TargetSumBook, 'doubtSource'>,
  groups: Pick<GroupSumBook, 'take'>,
  id: number,
  source: string,
): void {
  const [first, end] = keysOf(source)
  db.tx(() => sums.doubtSource(id, source))
  for (;;) {
    const rows = db.guard(() => ofSource.all(id, first, end)) as { key: string; totals: string | null }[]
    const last = rows.at(-1)?.key
    if (last === undefined) return
    db.tx(() => {
      groups.take(
        id,
        rows.flatMap(({ totals }) => totals ?? []),
      )
      dropThrough.run(id, first, last)
      dropContributionsThrough.run(id, first, last)
    })
  }
}

/** Millions of rows would take seconds: the address gets a new number, and the old rows go little by little. */
function createClearing(
  db: Database,
  intern: Intern,
  statements: Statements,
  sums: Pick<TargetSumBook, 'clear'>,
): Pick<DeliveryMemory, 'clear' | 'sweep'> {
  const { aside, setAside, addAnew, dropContributions, dropSome, dropAddress } = statements
  const sweep = (): boolean => {
    const old = aside.get() as { id: number } | undefined
    if (!old) return true
    db.tx(() => {
      dropSome.run(old.id, old.id, old.id)
      if (!hasAny(statements, old.id)) dropAddress.run(old.id)
    })
    return aside.get() === undefined
  }
  return {
    sweep,
    clear(address) {
      const id = intern.address(address, false)
      if (!hasAny(statements, id)) return
      db.tx(() => {
        const read = highestOf(statements, id)
        setAside.run(id)
        addAnew.run(address, read, Math.max(read, 1), id)
        sums.clear(id)
        dropContributions.run(id)
      })
      intern.forget()
      sweep()
    },
  }
}
