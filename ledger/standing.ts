/** What stands open of a sync until it is over: differences and keys to read again; and what people decided, kept for years. */
import { randomUUID } from 'node:crypto'
import type { Database } from './database.ts'
import type { Decision, Difference, Ledger, NewDecision, OpenItem } from './ledger.ts'

export interface Standing
  extends Pick<
    Ledger,
    | 'openItems'
    | 'differences'
    | 'saveDifference'
    | 'closeDifference'
    | 'closeDifferences'
    | 'decisions'
    | 'keysToReadAgain'
    | 'forgetToReadAgain'
  > {
  /** Inside a transaction. */
  decide(decision: NewDecision): void
  /** Inside a transaction. `found`: they are the source's keys. */
  queue(sync: string, entity: string, keys: readonly string[], found: boolean): void
}

interface DifferenceRow {
  id: string
  sync: string
  entity: string
  address: string
  sink_name: string
  run: string
  problem: string
  since: string
  closed_at: string | null
  closed_by: string | null
  reason: string | null
}

/** What of a sync is not over. */
function openItemsOf(raw: Database['raw']): (sync: string) => OpenItem[] {
  const held = raw.prepare(`
    SELECT entity, CASE state WHEN 'open' THEN 'held' WHEN 'discarded' THEN 'left-out' ELSE state END AS kind,
      CASE stage WHEN 'sink' THEN sink END AS address, CASE stage WHEN 'sink' THEN sink_name END AS sinkName, count(*) AS count
    FROM held WHERE sync = ? AND state IN ('open', 'replaying', 'discarded') GROUP BY 1, 2, 3, 4 ORDER BY 2`)
  // A batch whose run ended without an answer is in doubt too. Groups of a replay are runs named after it: `r1.0`.
  const doubtful = raw.prepare(`
    SELECT entity, 'in-doubt' AS kind, address, NULL AS sinkName, sum(json_array_length(records)) AS count
    FROM intent WHERE sync = ? AND (state <> 'open' OR NOT EXISTS (
      SELECT 1 FROM run WHERE run.state = 'running' AND (run.id = intent.run OR intent.run LIKE run.id || '.%')))
    GROUP BY 1, 3`)
  const again = raw.prepare(`
    SELECT entity, CASE found WHEN 1 THEN 'again' ELSE 'unfound' END AS kind, NULL AS address, NULL AS sinkName,
      count(*) AS count
    FROM again WHERE sync = ? GROUP BY 1, 2`)
  const lost = raw.prepare(`
    SELECT entity, 'lost' AS kind, NULL AS address, NULL AS sinkName, 1 AS count, lost AS problem
    FROM source_entity WHERE sync = ? AND lost IS NOT NULL`)
  const differing = raw.prepare(`
    SELECT entity, 'difference' AS kind, address, sink_name AS sinkName, 1 AS count, problem
    FROM difference WHERE sync = ? AND closed_at IS NULL`)
  const all = [held, doubtful, again, lost, differing]
  return (sync) => all.flatMap((one) => one.all(sync) as unknown as OpenItem[])
}

export function createStanding({ raw, tx, guard }: Database, at: () => string): Standing {
  const openItems = openItemsOf(raw)
  const listed = raw.prepare(`
    SELECT * FROM difference WHERE (?1 IS NULL OR sync = ?1) AND (?2 IS NULL OR (closed_at IS NULL) = ?2)
    ORDER BY since DESC LIMIT 1000`)
  const insert = raw.prepare('INSERT INTO difference VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)')
  const close = raw.prepare(
    'UPDATE difference SET closed_at = ?, closed_by = ?, reason = ? WHERE id = ? AND closed_at IS NULL RETURNING *',
  )
  const closeAt = raw.prepare(`
    UPDATE difference SET closed_at = ?, closed_by = ?, reason = ?
    WHERE sync = ? AND entity = ? AND address = ? AND closed_at IS NULL`)
  const putDecision = raw.prepare('INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const decided = raw.prepare(`
    SELECT id, at, person AS "by", reason, kind, sync, entity, sink, about FROM decision
    WHERE (?1 IS NULL OR sync = ?1) ORDER BY at DESC LIMIT ?2`)
  const putAgain = raw.prepare(
    'INSERT INTO again (sync, entity, key, since, found) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const keysAgain = raw.prepare('SELECT key FROM again WHERE sync = ? AND entity = ? AND found = 1 ORDER BY key')
  const dropAgain = raw.prepare(
    'DELETE FROM again WHERE sync = ? AND entity = ? AND found = 1 AND key IN (SELECT value FROM json_each(?))',
  )
  const dropAllAgain = raw.prepare('DELETE FROM again WHERE sync = ? AND entity = ?')

  const decide: Standing['decide'] = ({ by, reason, kind, sync, entity, sink, about }) => {
    putDecision.run(randomUUID(), at(), by, reason, kind, sync, entity, sink, about)
  }
  const queue: Standing['queue'] = (sync, entity, keys, found) => {
    for (const key of keys) putAgain.run(sync, entity, key, at(), found ? 1 : 0)
  }

  return {
    decide,
    queue,
    openItems: async (sync) => guard(() => openItems(sync)),
    differences: async ({ sync, open }) =>
      (
        guard(() => listed.all(sync ?? null, open === undefined ? null : Number(open))) as unknown as DifferenceRow[]
      ).map(difference),
    async saveDifference({ sync, entity, address, sinkName, run, problem }) {
      guard(() => insert.run(randomUUID(), sync, entity, address, sinkName, run, problem, at()))
    },
    closeDifference: async (id, { by, reason }) =>
      tx(() => {
        const [row] = close.all(at(), by, reason, id) as unknown as DifferenceRow[]
        if (!row) return undefined
        const { sync, entity, address, problem } = row
        decide({ by, reason, kind: 'difference', sync, entity, sink: address, about: problem })
        return difference(row)
      }),
    async closeDifferences({ sync, entity, address }, by, reason) {
      guard(() => closeAt.run(at(), by, reason, sync, entity, address))
    },
    decisions: async ({ sync, limit = 100 }) =>
      guard(() => decided.all(sync ?? null, limit)) as unknown as readonly Decision[],
    keysToReadAgain: async (sync, entity) =>
      (guard(() => keysAgain.all(sync, entity)) as { key: string }[]).map(({ key }) => key),
    forgetToReadAgain: async (sync, entity, keys) =>
      guard(() =>
        Number(
          keys === 'all'
            ? dropAllAgain.run(sync, entity).changes
            : dropAgain.run(sync, entity, JSON.stringify(keys)).changes,
        ),
      ),
  }
}

const difference = (row: DifferenceRow): Difference => ({
  id: row.id,
  sync: row.sync,
  entity: row.entity,
  address: row.address,
  sinkName: row.sink_name,
  run: row.run,
  problem: row.problem,
  since: row.since,
  ...(row.closed_at !== null && { closed: { at: row.closed_at, by: row.closed_by ?? '', reason: row.reason ?? '' } }),
})
