/** Held records: at most one open one for (sink, key), that of the latest read; their content encrypted. */
import { randomUUID } from 'node:crypto'
import type { SQLInputValue } from 'node:sqlite'
import { syncError } from '../sync/contract/errors.ts'
import { type DataRecord, isDeletion, type Schema } from '../sync/contract/message.ts'
import type { Cipher } from './crypt.ts'
import type { Database } from './database.ts'
import type { Intern } from './intern.ts'
import type { Commit, Delivery, HeldFilter, HeldRecord, HeldState, Intent, Who } from './ledger.ts'
import type { Tables } from './tables.ts'

export type NewHeld = NonNullable<Commit['held']>[number]
type HeldRow = { [K in keyof Tables['held']]: Tables['held'][K] extends infer T ? T : never } & { seq: number }

export interface HeldRecords {
  /** Inside a transaction: closes what these deliveries account for, and what records replace that are held now. */
  close(
    commit: Pick<Commit, 'entity' | 'sync' | 'address'>,
    deliveries: readonly Delivery[],
    holds: readonly Delivery[],
  ): void
  /** Inside a transaction. */
  add(records: readonly NewHeld[]): void
  list(filter: HeldFilter & { readonly states?: readonly HeldState[] }): HeldRecord[]
  count(filter: HeldFilter): number
  reads(sink: string, keys: readonly string[]): Map<string, number>
  oldest(sync: string, entity: string): { heldAt: string; stamp: string | null } | undefined
  claim(filter: HeldFilter, run: string): HeldRecord[]
  release(ids: readonly string[], as: Exclude<HeldState, 'replaying' | 'discarded'>): void
  /** Inside a transaction: those of them that are open, as they were. */
  discard(ids: readonly string[], who: Who): Pick<HeldRecord, 'sync' | 'entity' | 'sink' | 'key'>[]
  /** How many of these records are held with a person's edit: by their keys at the address, or by the source's before it. */
  edited(intent: Pick<Intent, 'sync' | 'entity' | 'address' | 'records'>): Intent['records']
  /** Gives back what a dead process had claimed. */
  giveBack(): number
  edit(id: string, record: DataRecord, by: string): void
  purge(before: string): void
}

/** The filter as SQL over its own parameters. */
function where(filter: HeldFilter, states: readonly string[]): { sql: string; args: SQLInputValue[] } {
  const parts = ['state IN (SELECT value FROM json_each(?))']
  const args: SQLInputValue[] = [JSON.stringify(states)]
  const add = (sql: string, ...values: SQLInputValue[]) => {
    parts.push(sql)
    args.push(...values)
  }
  if (filter.sync !== undefined) add('sync = ?', filter.sync)
  if (filter.entity !== undefined) add('entity = ?', filter.entity)
  if (filter.sink !== undefined) add('(sink = ? OR sink_name = ?)', filter.sink, filter.sink)
  if (filter.ids !== undefined) add('id IN (SELECT value FROM json_each(?))', JSON.stringify(filter.ids))
  return { sql: parts.join(' AND '), args }
}

export function createHeld(db: Database, intern: Intern, cipher: Cipher, at: () => string): HeldRecords {
  const { raw } = db
  const anyOpen = raw.prepare(
    "SELECT 1 FROM held WHERE state IN ('open', 'replaying', 'discarded') AND entity = ? LIMIT 1",
  )
  // From what is delivered to what is held under its keys: the other way round is all that is held, for each batch.
  const heldOf = (index: string, states: string): string => `
    FROM (SELECT value ->> 0 AS key, value ->> 1 AS read, value ->> 2 AS hash, value ->> 3 AS whose FROM json_each(?)) AS d
    CROSS JOIN held AS h INDEXED BY ${index} ON h.entity = ? AND h.key = d.key AND h.state ${states}`
  // A node behind a catch holds under the key that the failed node saw; source and mapping hold under the source's.
  const beforeSink = `(h.stage = 'flow' OR (h.stage IN ('source', 'map') AND d.whose <> 'target'))`
  // A record held before the sink is superseded by a later read only: the same read may still be on its way to another sink.
  const close = raw.prepare(`
    WITH over AS MATERIALIZED (
      SELECT h.id, CASE WHEN h.read < d.read THEN 'superseded' ELSE 'delivered' END AS state
      ${heldOf('held_open', "IN ('open', 'replaying')")}
      WHERE (h.sink = ? AND d.whose <> 'source' AND (h.read < d.read OR (h.read = d.read AND d.hash IS NOT NULL)))
        OR (h.sync = ? AND h.read < d.read AND ${beforeSink}))
    UPDATE held SET state = over.state, closed_at = ? FROM over WHERE held.id = over.id`)
  // What a person left out is over when another version is accounted for, not when it is held.
  const closeLeftOut = raw.prepare(`
    WITH over AS MATERIALIZED (
      SELECT h.id ${heldOf('held_left_out', "= 'discarded'")}
      WHERE h.read < d.read AND ((h.sink = ? AND d.whose <> 'source') OR (h.sync = ? AND ${beforeSink})))
    UPDATE held SET state = 'superseded', closed_at = ? FROM over WHERE held.id = over.id`)
  const anyOpenAt = raw.prepare("SELECT 1 FROM held INDEXED BY held_sink WHERE sink = ? AND state = 'open' LIMIT 1")
  const readsAt = raw.prepare(`
    SELECT h.key, max(h.read) AS read FROM json_each(?) AS j
    CROSS JOIN held AS h INDEXED BY held_sink ON h.sink = ? AND h.key = j.value AND h.state = 'open' GROUP BY h.key`)
  const current = raw.prepare(
    "SELECT id, read FROM held WHERE entity = ? AND key = ? AND sink = ? AND state IN ('open', 'replaying')",
  )
  const again = raw.prepare('UPDATE held SET cause = ?, run = ? WHERE id = ?')
  const leftOut = raw.prepare(
    "SELECT * FROM held WHERE entity = ? AND key = ? AND sink = ? AND state = 'discarded' AND read < ?",
  )
  const readAgain = raw.prepare('UPDATE held SET read = ?, run = ? WHERE id = ?')
  const setState = raw.prepare('UPDATE held SET state = ?, closed_at = ?, claimed_by = NULL WHERE id = ?')
  const insert = raw.prepare(`
    INSERT INTO held (id, sink, sink_name, stage, key, sync, run, entity, source_address, read, stamp, record, shape, cause,
      state, attempts, held_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`)

  const opened = (row: HeldRow, sealed: Uint8Array): DataRecord => {
    try {
      return JSON.parse(cipher.open(sealed, row.id)) as DataRecord
    } catch {
      throw syncError('config', 'ledger.sealed', `The held record ${row.key} of ${row.entity} cannot be decrypted.`, {
        entity: row.entity,
        key: row.key,
        hint: 'The ledger was made with another key, or the file was changed. Discard the record and read it again.',
      })
    }
  }
  const heldRecord = (row: HeldRow): HeldRecord => ({
    id: row.id,
    sink: row.sink,
    sinkName: row.sink_name,
    stage: row.stage as HeldRecord['stage'],
    key: row.key,
    sync: row.sync,
    run: row.run,
    entity: row.entity,
    sourceAddress: row.source_address,
    read: row.read,
    record: opened(row, row.record),
    schema: JSON.parse(intern.shapeJson(row.shape)) as Schema,
    cause: JSON.parse(row.cause) as HeldRecord['cause'],
    state: row.state as HeldState,
    attempts: row.attempts,
    heldAt: row.held_at,
    ...(row.state === 'discarded'
      ? { discarded: { by: row.closed_by ?? '', at: row.closed_at ?? '', reason: row.reason ?? '' } }
      : {}),
    ...(row.edited
      ? { edited: { record: opened(row, row.edited), by: row.edited_by ?? '', at: row.edited_at ?? '' } }
      : {}),
  })
  const select = (filter: HeldFilter, states: readonly string[]): HeldRow[] => {
    const { sql, args } = where(filter, states)
    return db.guard(() =>
      raw.prepare(`SELECT * FROM held WHERE ${sql} ORDER BY seq LIMIT ?`).all(...args, filter.limit ?? 10_000),
    ) as unknown as HeldRow[]
  }
  const isOpen = ['open', 'replaying']

  /** What cannot be decrypted any more is taken for a record, and stays listed. */
  const wasDeletion = (row: HeldRow): boolean => {
    try {
      return isDeletion(opened(row, row.record))
    } catch {
      return false
    }
  }

  /** A person left this very version out, and it was only read again; another version takes its place. */
  const staysLeftOut = (held: NewHeld): boolean => {
    const rows = leftOut.all(held.entity, held.key, held.sink, held.read) as unknown as HeldRow[]
    const content = contentOf(held.record)
    for (const row of rows) {
      if (contentOf(opened(row, row.record)) === content) {
        readAgain.run(held.read, held.run, row.id)
        return true
      }
      setState.run('superseded', at(), row.id)
    }
    return false
  }

  return {
    close({ entity, sync, address }, deliveries, holds) {
      if (deliveries.length + holds.length === 0 || anyOpen.get(entity) === undefined) return
      close.run(byKeys(holds.length === 0 ? deliveries : [...deliveries, ...holds]), entity, address ?? '', sync, at())
      closeLeftOut.run(byKeys(deliveries), entity, address ?? '', sync, at())
    },
    add(records) {
      for (const held of records) {
        const open = current.get(held.entity, held.key, held.sink) as { id: string; read: number } | undefined
        if (open?.read === held.read) {
          again.run(JSON.stringify(held.cause), held.run, open.id)
          continue
        }
        const older = open !== undefined && open.read > held.read
        if (open && !older) setState.run('superseded', at(), open.id)
        if (older) continue
        if (staysLeftOut(held)) continue
        const id = randomUUID()
        insert.run(
          id,
          held.sink,
          held.sinkName,
          held.stage,
          held.key,
          held.sync,
          held.run,
          held.entity,
          held.sourceAddress,
          held.read,
          typeof held.record._stamp === 'string' ? held.record._stamp : null,
          cipher.seal(JSON.stringify(held.record), id),
          intern.shape(JSON.stringify(held.schema)),
          JSON.stringify(held.cause),
          'open',
          at(),
        )
      }
    },
    list: ({ states, ...filter }) => select(filter, states ?? ['open', 'replaying']).map(heldRecord),
    count(filter) {
      const { sql, args } = where(filter, isOpen)
      const row = db.guard(() => raw.prepare(`SELECT count(*) AS n FROM held WHERE ${sql}`).get(...args))
      return Number((row as { n: number }).n)
    },
    reads(sink, keys) {
      const found = new Map<string, number>()
      if (anyOpenAt.get(sink) === undefined) return found
      for (const row of readsAt.all(JSON.stringify(keys), sink) as { key: string; read: number }[])
        found.set(row.key, row.read)
      return found
    },
    oldest(sync, entity) {
      const rows = raw
        .prepare(`
          SELECT held_at AS heldAt, stamp FROM held WHERE sync = ? AND entity = ? AND state IN ('open', 'replaying')
          UNION ALL SELECT at, NULL FROM intent WHERE sync = ? AND entity = ? AND state = 'in-doubt'`)
        .all(sync, entity, sync, entity) as { heldAt: string; stamp: string | null }[]
      if (rows.length === 0) return undefined
      const [heldAt = ''] = rows.map((row) => row.heldAt).sort()
      const stamps = rows.map((row) => row.stamp)
      const known = stamps.filter((stamp) => stamp !== null).sort()
      return { heldAt, stamp: known.length < stamps.length ? null : (known[0] ?? null) }
    },
    claim(filter, run) {
      const mark = raw.prepare(
        "UPDATE held SET state = 'replaying', claimed_by = ?, attempts = attempts + 1 WHERE id = ?",
      )
      return db.tx(() => {
        const rows = select(filter, ['open'])
        for (const row of rows) mark.run(run, row.id)
        return rows.map((row) => heldRecord({ ...row, state: 'replaying', attempts: row.attempts + 1 }))
      })
    },
    release(ids, as) {
      // Only what is still claimed or open: a later read may have closed it meanwhile.
      const end = raw.prepare(
        "UPDATE held SET state = ?, closed_at = ?, claimed_by = NULL WHERE id = ? AND state IN ('open', 'replaying')",
      )
      db.tx(() => {
        for (const id of ids) end.run(as, as === 'open' ? null : at(), id)
      })
    },
    discard(ids, { by, reason }) {
      const end = raw.prepare('UPDATE held SET state = ?, closed_at = ?, closed_by = ?, reason = ? WHERE id = ?')
      const rows = select({ ids, limit: ids.length }, ['open'])
      for (const row of rows) end.run(wasDeletion(row) ? 'superseded' : 'discarded', at(), by, reason, row.id)
      return rows
    },
    edited({ sync, entity, address, records }) {
      const rows = raw
        .prepare(`
          SELECT sink, stage, key FROM held
          WHERE sync = ? AND entity = ? AND state IN ('open', 'replaying') AND edited IS NOT NULL`)
        .all(sync, entity) as { sink: string; stage: string; key: string }[]
      const own = new Set(rows.filter(({ sink }) => sink === address).map(({ key }) => key))
      const before = new Set(rows.filter(({ stage }) => stage !== 'sink').map(({ key }) => key))
      return records.filter(({ key, source = key }) => own.has(key) || before.has(source))
    },
    giveBack: () =>
      Number(raw.prepare("UPDATE held SET state = 'open', claimed_by = NULL WHERE state = 'replaying'").run().changes),
    edit(id, record, by) {
      const done = db.guard(() =>
        raw
          .prepare("UPDATE held SET edited = ?, edited_by = ?, edited_at = ? WHERE id = ? AND state = 'open'")
          .run(cipher.seal(JSON.stringify(record), id), by, at(), id),
      )
      if (Number(done.changes) === 0)
        throw syncError('config', 'ledger.not-held', `There is no open held record ${id}.`, {
          hint: 'It was delivered, discarded or superseded meanwhile, or is being replayed: load the list again.',
        })
    },
    purge(before) {
      db.guard(() => raw.prepare("DELETE FROM held WHERE closed_at < ? AND state <> 'discarded'").run(before))
    },
  }
}

/** Deliveries under the keys that their records may be held under: the target's, and the source's where a mapping made another. */
const byKeys = (deliveries: readonly Delivery[]): string =>
  JSON.stringify(
    deliveries.flatMap(({ key, sourceKey = key, read, hash }) =>
      sourceKey === key
        ? [[key, read, hash, 'both']]
        : [
            [key, read, hash, 'target'],
            [sourceKey, read, hash, 'source'],
          ],
    ),
  )

/** What a record says, whenever and wherever in a batch it was read. */
const contentOf = ({ _row, _read, ...content }: DataRecord): string => JSON.stringify(content)
