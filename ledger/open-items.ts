/** What stands open of a sync until it is over; differences that a check found among it. */
import { randomUUID } from 'node:crypto'
import type { Amounts } from '../sync/contract/summary.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { Difference, OpenItem, OpenItems } from './ledger.ts'

interface DifferenceRow {
  id: string
  sync: string
  entity: string
  address: string
  sink_name: string
  run: string
  problem: string
  part: string | null
  kind: string
  since: string
  closed_at: string | null
  closed_by: string | null
  reason: string | null
}

type OpenRow = Omit<OpenItem, 'amounts'> & { readonly amounts?: string }

const openItem = ({ amounts, ...item }: OpenRow): OpenItem =>
  amounts === undefined ? item : { ...item, amounts: JSON.parse(amounts) as Amounts[] }

/** What of a sync is not over. */
function openItemsOf(raw: Database['raw']): (sync: string) => OpenItem[] {
  const held = raw.prepare(`
    SELECT entity, CASE state WHEN 'open' THEN iif(cause ->> 'code' = 'sync.older-stands', 'older', 'held') WHEN 'discarded' THEN iif(stays, 'too-many', 'left-out') ELSE state END AS kind,
      CASE stage WHEN 'sink' THEN sink END AS address, CASE stage WHEN 'sink' THEN sink_name END AS sinkName, count(*) AS count,
      json_group_array(json(amounts)) FILTER (WHERE amounts IS NOT NULL) AS amounts, sum(amounts IS NULL) AS unknown
    FROM held WHERE sync = ? AND state IN ('open', 'replaying', 'discarded') GROUP BY 1, 2, 3, 4 ORDER BY 2`)
  // A batch whose run ended without an answer is in doubt too, and an attempt to post until its answer is clear. Groups of a replay are runs named after it: `r1.0`.
  const doubtful = raw.prepare(`
    SELECT entity, 'in-doubt' AS kind, address, NULL AS sinkName, sum(json_array_length(records)) AS count,
      json_group_array(json(amounts -> 'sums')) FILTER (WHERE amounts IS NOT NULL) AS amounts,
      sum(coalesce(amounts ->> 'unknown', json_array_length(records))) AS unknown
    FROM intent WHERE sync = ? AND (state <> 'open' OR posting IS NOT NULL OR NOT EXISTS (
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
    SELECT entity, kind, address, sink_name AS sinkName, 1 AS count, problem
    FROM difference WHERE sync = ? AND closed_at IS NULL`)
  const posted = raw.prepare(`
    SELECT entity, CASE WHEN aside IS NOT NULL THEN 'aside' ELSE 'draft' END AS kind, address, NULL AS sinkName,
      count(*) AS count
    FROM posting WHERE sync = ? AND (aside IS NOT NULL OR status = 'draft') GROUP BY 1, 2, 3`)
  const handed = raw.prepare(`
    SELECT i.entity, CASE i.state WHEN 'asked' THEN 'asked' ELSE 'unanswered' END AS kind, NULL AS address,
      NULL AS sinkName, count(*) AS count
    FROM inbox AS i WHERE i.sync = ? AND (i.state IN ('asked', 'answered') OR (i.state IN ('handed on', 'settled')
      AND (i.sent_back IS NOT NULL OR EXISTS (SELECT 1 FROM posting AS p WHERE p.source = i.source
        AND p.source_key = i.key || '|' || i.revision AND p.status = 'final')))) GROUP BY 1, 2`)
  const results = raw.prepare(`
    SELECT entity, state AS kind, address, sink_name AS sinkName, count(*) AS count,
      json_group_array(json(amounts)) FILTER (WHERE amounts IS NOT NULL) AS amounts, sum(amounts IS NULL) AS unknown,
      min(key || ': ' || text) AS problem
    FROM result WHERE sync = ? GROUP BY 1, 2, 3, 4`)
  // Whoever owns the table is to make its memory whole.
  const unwhole = raw.prepare(`
    SELECT o.entity, 'unwhole' AS kind, a.address, NULL AS sinkName, coalesce(s.share, 0) AS count
    FROM target_sum AS s JOIN address AS a ON a.id = s.address
    JOIN table_owner AS o ON o.place = a.address AND o.source = s.source AND o.list = ''
    WHERE o.sync = ? AND s.whole = 0`)
  const left = raw.prepare(`
    SELECT entity, 'left' AS kind, NULL AS address, NULL AS sinkName, left_count AS count
    FROM source_entity WHERE sync = ? AND left_by IS NOT NULL AND left_count > 0`)
  const standing = raw.prepare(`
    SELECT s.entity, CASE WHEN s.kind = 'pushed' AND a.sync IS NOT NULL THEN 'pushed-allowed' ELSE s.kind END AS kind,
      s.address, s.sink_name AS sinkName, count(*) AS count,
      json_group_array(json(s.amounts)) FILTER (WHERE s.amounts IS NOT NULL) AS amounts, sum(s.amounts IS NULL) AS unknown
    FROM standing AS s LEFT JOIN pushed_allowed AS a ON a.sync = s.sync WHERE s.sync = ? GROUP BY 1, 2, 3, 4`)
  const all = [results, unwhole, held, standing, left, doubtful, again, lost, differing, posted, handed]
  return (sync) => all.flatMap((one) => (one.all(sync) as unknown as OpenRow[]).map(openItem))
}

export function createOpenItems(
  db: Database,
  { write: decide }: Pick<DecisionBook, 'write'>,
  at: () => string,
): OpenItems {
  const { raw, tx, guard } = db
  const openItems = openItemsOf(raw)
  const { listed, insert, update, accepted, repair, close, closeAt } = prepared(db, {
    listed: `
      SELECT * FROM difference WHERE (?1 IS NULL OR sync = ?1) AND (?2 IS NULL OR (closed_at IS NULL) = ?2)
      ORDER BY since DESC LIMIT 1000`,
    insert: `
      INSERT INTO difference (id, sync, entity, address, sink_name, run, problem, since, part, kind)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    update: `
      UPDATE difference SET run = ?, problem = ?
      WHERE sync = ? AND entity = ? AND address = ? AND part = ? AND kind = ? AND closed_at IS NULL`,
    accepted: `
      SELECT problem FROM difference
      WHERE sync = ? AND entity = ? AND address = ? AND part = ? AND kind = 'others' AND closed_at IS NOT NULL
      ORDER BY closed_at DESC LIMIT 1`,
    repair: `
      UPDATE difference SET repairs = repairs + 1
      WHERE sync = ? AND entity = ? AND address = ? AND part = ? AND kind = 'difference' AND closed_at IS NULL RETURNING repairs - 1 AS before`,
    close: `
      UPDATE difference SET closed_at = ?, closed_by = ?, reason = ? WHERE id = ? AND closed_at IS NULL RETURNING *`,
    closeAt: `
      UPDATE difference SET closed_at = ?, closed_by = ?, reason = ?
      WHERE sync = ? AND entity = ? AND address = ? AND part IS ? AND kind = ? AND closed_at IS NULL`,
  })
  return {
    openItems: async (sync) => guard(() => openItems(sync)),
    async differences({ sync, open }) {
      const rows = guard(() => listed.all(sync ?? null, open === undefined ? null : Number(open)))
      return (rows as unknown as DifferenceRow[]).map(difference)
    },
    async saveDifference({ sync, entity, address, sinkName, run, problem, part, kind = 'difference' }) {
      tx(() => {
        const own = part ?? null
        if (own !== null && update.run(run, problem, sync, entity, address, own, kind).changes) return
        const before = kind === 'others' ? accepted.get(sync, entity, address, own) : undefined
        if ((before as { problem: string } | undefined)?.problem === problem) return
        insert.run(randomUUID(), sync, entity, address, sinkName, run, problem, at(), own, kind)
      })
    },
    countRepair: async ({ sync, entity, address, part }) =>
      (guard(() => repair.get(sync, entity, address, part)) as { before: number } | undefined)?.before ?? 0,
    closeDifference: async (id, { by, reason }) =>
      tx(() => {
        const [row] = close.all(at(), by, reason, id) as unknown as DifferenceRow[]
        if (!row) return undefined
        const { sync, entity, address, problem } = row
        decide({ by, reason, kind: 'difference', sync, entity, sink: address, about: problem })
        return difference(row)
      }),
    async closeDifferences({ sync, entity, address, part, kind = 'difference' }, by, reason) {
      guard(() => closeAt.run(at(), by, reason, sync, entity, address, part ?? null, kind))
    },
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
  ...(row.part !== null && { part: row.part }),
  ...(row.kind === 'others' && { kind: row.kind }),
  ...(row.closed_at !== null && { closed: { at: row.closed_at, by: row.closed_by ?? '', reason: row.reason ?? '' } }),
})
