/** The way of what was delivered: a line for each batch and address, and finding a document without a byte of its own. */
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Commit, FoundDelivery, FoundPage, Way, Ways } from './ledger.ts'

export interface WayBook {
  readonly topic: Ways
  /** Inside a transaction. */
  write(commit: Commit, address: string): void
  /** How often it was written at an address, by its number. */
  written(address: number): number
  /** Takes out what was settled before, and runs that only ways still named. */
  purge(before: string): void
}

/** How long one page of a look-up takes at most, in milliseconds. */
const PAGE_MS = 20
const MOST_FOUND = 50

const SQL = {
  put: `
    INSERT INTO way (run, address, entity, batch, sink_name, low, high, at, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high), at = excluded.at,
      trace = coalesce(excluded.trace, trace)`,
  of: `
    SELECT w.entity, w.batch, w.sink_name, w.at, w.trace, r.id, r.sync, r.started FROM way AS w JOIN run AS r ON r.seq = w.run
    WHERE w.run = ?1 AND w.address = ?2 AND w.low <= ?3 AND w.high >= ?3 ORDER BY w.high - w.low LIMIT 1`,
  addresses: `
    SELECT a.id, a.address, f.sync, f.entity FROM address AS a
    LEFT JOIN filled AS f ON f.address = a.address AND f.list = ''
    WHERE a.id >= ?1 AND a.address NOT LIKE 'cleared:%' AND (?2 IS NULL OR f.entity = ?2 OR (f.entity IS NULL AND a.address LIKE '%' || ?2 || '%'))
    GROUP BY a.id ORDER BY a.id`,
  appends: 'UPDATE address SET appends = 1 WHERE id = ? AND appends = 0',
  held: `
    SELECT id FROM held WHERE state IN ('open', 'replaying', 'discarded') AND (?1 IS NULL OR entity = ?1)
      AND (key IN (?2, ?3) OR substr(key, -length('|' || ?2)) = '|' || ?2) LIMIT 50`,
  next: 'SELECT key FROM delivery WHERE address = ? AND key >= ? ORDER BY key LIMIT 1',
  get: `
    SELECT key, read, run, hash IS NULL AND doubt IS NULL AS gone, original_hash IS NOT NULL AS edited FROM delivery
    WHERE address = ? AND key = ?`,
  purge: 'DELETE FROM way WHERE run < (SELECT coalesce(min(seq), 9007199254740991) FROM run WHERE started >= ?)',
  purgeRuns: "DELETE FROM run WHERE state = 'kept' AND NOT EXISTS (SELECT 1 FROM way WHERE way.run = run.seq)",
}

interface Address {
  readonly id: number
  readonly address: string
  readonly sync: string | null
  readonly entity: string | null
}

export function createWays(db: Database, intern: Intern, at: () => string): WayBook {
  const { put, of, addresses, appends, held, next, get, purge, purgeRuns } = prepared(db, SQL)
  const writes = new Map<number, number>()

  const wayOf = (run: number, address: number, read: number): Way | undefined => {
    const row = of.get(run, address, read) as
      | {
          entity: string
          batch: number
          sink_name: string
          at: string
          trace: string | null
          id: string
          sync: string
          started: string
        }
      | undefined
    if (!row) return undefined
    const trace = JSON.parse(row.trace ?? '[[],[],[]]') as [string[], string[], string[]]
    return {
      run: row.id,
      sync: row.sync,
      started: row.started,
      entity: row.entity,
      ...(row.batch >= 0 && { batch: row.batch }),
      sinkName: row.sink_name,
      at: row.at,
      statements: trace[0],
      requests: trace[1],
      mappings: trace[2].filter((version) => !version.startsWith('fields ')),
    }
  }

  const found = ({ id, address, sync, entity }: Address, key: string): FoundDelivery | undefined => {
    const row = get.get(id, key) as { key: string; read: number; run: number; gone: 0 | 1; edited: 0 | 1 } | undefined
    if (!row) return undefined
    const way = row.run === 0 ? undefined : wayOf(row.run, id, row.read)
    const by = way ?? { sync, entity }
    return {
      address,
      key,
      ...(by.sync !== null && { sync: by.sync }),
      ...(by.entity !== null && { entity: by.entity }),
      read: row.read,
      readAt: new Date(Math.floor(row.read / 1000)).toISOString(),
      gone: row.gone === 1,
      edited: row.edited === 1,
      ...(way && { way }),
    }
  }

  /** Jumps from one beginning of keys to the next; each may have the number once. */
  function look({ number: text, entity, after }: Parameters<Ways['findDeliveries']>[0]): FoundPage {
    const number = keyPart(text)
    const end = performance.now() + PAGE_MS
    const [first, from] = after === undefined ? [0, ''] : (JSON.parse(after) as [number, string])
    const all: FoundDelivery[] = []
    const isFirst = after === undefined
    const kept = isFirst
      ? (held.all(entity ?? null, number, text) as unknown as { id: string }[]).map(({ id }) => id)
      : []
    for (const place of addresses.all(first, entity ?? null) as unknown as Address[]) {
      for (let at: string | undefined = place.id === first ? from : ''; at !== undefined; ) {
        if (performance.now() > end || all.length >= MOST_FOUND)
          return { found: all, held: kept, next: JSON.stringify([place.id, at]) }
        const whole = at === '' && text !== number ? found(place, text) : undefined
        if (whole) all.push(whole)
        const key = (next.get(place.id, at) as { key: string } | undefined)?.key
        if (key === undefined) break
        const begin = beginOf(key)
        const one = found(place, `${begin}${number}`)
        if (one) all.push(one)
        // The character behind the one that separates the parts; keys of one part are looked at once.
        at = begin === '' ? undefined : `${begin.slice(0, -1)}}`
      }
    }
    return { found: all, held: kept }
  }

  return {
    topic: { findDeliveries: async (asked) => db.guard(() => look(asked)) },
    write(commit, address) {
      const { deliveries = [], trace } = commit
      if (deliveries.length === 0) return
      let low = Number.MAX_SAFE_INTEGER
      let high = 0
      for (const { read } of deliveries) {
        if (read < low) low = read
        if (read > high) high = read
      }
      const text = trace && JSON.stringify([trace.statements, trace.requests, trace.mappings])
      const { sync, entity, batch = -1, sinkName } = commit
      const line = [entity, batch, sinkName, low, high, at(), text ?? null] as const
      const id = intern.address(address, true)
      put.run(intern.run(commit.run, sync), id, ...line)
      if (commit.intent !== undefined) appends.run(id)
      writes.set(id, (writes.get(id) ?? 0) + 1)
    },
    written: (address) => writes.get(address) ?? 0,
    purge(before) {
      db.guard(() => purge.run(before))
      db.guard(() => purgeRuns.run())
    },
  }
}

/** All of a key but its last part, with the character that separates them. */
function beginOf(key: string): string {
  for (let at = key.length - 1; at >= 0; at--) {
    if (key[at] !== '|') continue
    let escapes = 0
    while (key[at - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return key.slice(0, at + 1)
  }
  return ''
}

/** As it stands in a key. */
const keyPart = (text: string): string => text.replace(/[\\|]/g, '\\$&')
