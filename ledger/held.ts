/** Held records: at most one open one for each who holds, and key, that of the latest read; their content encrypted. */
import { syncError } from '../sync/contract/errors.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import { type HeldRow, heldRecord, wasDeletion, where } from './held-records.ts'
import { createHeldSettling, type HeldSettling } from './held-settling.ts'
import type { Intern } from './intern.ts'
import type { HeldFilter, HeldRecord, HeldRecords, Intent, Who } from './ledger.ts'

/** The topic, and what the others need of it. */
export interface HeldBook extends HeldSettling {
  readonly topic: HeldRecords
  /** Inside a transaction: those of them that are open, as they were. */
  discard(ids: readonly string[], who: Who): readonly Pick<HeldRecord, 'sync' | 'entity' | 'heldBy' | 'key'>[]
  /** Which of these records are held with a person's edit: by their keys at the address, or by the source's before it. */
  edited(intent: Pick<Intent, 'sync' | 'entity' | 'address' | 'records'>): Intent['records']
  /** Gives back what a dead process had claimed. */
  giveBack(): number
  purge(before: string): void
}

const SQL = {
  anyOpenAt: "SELECT 1 FROM held INDEXED BY held_sink WHERE sink = ? AND state = 'open' LIMIT 1",
  readsAt: `
    SELECT h.key, max(h.read) AS read FROM json_each(?) AS j
    CROSS JOIN held AS h INDEXED BY held_sink ON h.sink = ? AND h.key = j.value AND h.state = 'open' GROUP BY h.key`,
  oldest: `
    SELECT held_at AS heldAt, stamp FROM held WHERE sync = ? AND entity = ? AND state IN ('open', 'replaying')
    UNION ALL SELECT at, NULL FROM intent WHERE sync = ? AND entity = ? AND state = 'in-doubt'`,
  claim: "UPDATE held SET state = 'replaying', claimed_by = ?, attempts = attempts + 1 WHERE id = ?",
  // Only what is still claimed or open: a later read may have closed it meanwhile.
  release: `
    UPDATE held SET state = ?, closed_at = ?, claimed_by = NULL WHERE id = ? AND state IN ('open', 'replaying')`,
  discard: 'UPDATE held SET state = ?, closed_at = ?, closed_by = ?, reason = ? WHERE id = ?',
  edited: `
    SELECT sink, stage, key FROM held
    WHERE sync = ? AND entity = ? AND state IN ('open', 'replaying') AND edited IS NOT NULL`,
  edit: "UPDATE held SET edited = ?, edited_by = ?, edited_at = ? WHERE id = ? AND state = 'open'",
  giveBack: "UPDATE held SET state = 'open', claimed_by = NULL WHERE state = 'replaying'",
  purge: "DELETE FROM held WHERE closed_at < ? AND state <> 'discarded'",
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

export function createHeld(db: Database, intern: Intern, cipher: Cipher, at: () => string): HeldBook {
  const statements = prepared(db, SQL)
  const { discard, edited, giveBack, purge } = statements
  return {
    ...createHeldSettling(db, intern, cipher, at),
    topic: {
      ...looking(db, intern, cipher, statements),
      ...replaying(db, intern, cipher, statements, at),
      ...editing(db, cipher, statements, at),
    },
    discard(ids, { by, reason }) {
      const rows = select(db, { ids, limit: ids.length }, ['open'])
      for (const row of rows)
        discard.run(wasDeletion(cipher, row) ? 'superseded' : 'discarded', at(), by, reason, row.id)
      return rows.map(({ sync, entity, sink, key }) => ({ sync, entity, heldBy: sink, key }))
    },
    edited({ sync, entity, address, records }) {
      const rows = edited.all(sync, entity) as { sink: string; stage: string; key: string }[]
      const own = new Set(rows.filter(({ sink }) => sink === address).map(({ key }) => key))
      const before = new Set(rows.filter(({ stage }) => stage !== 'sink').map(({ key }) => key))
      return records.filter(({ key, source = key }) => own.has(key) || before.has(source))
    },
    giveBack: () => Number(giveBack.run().changes),
    purge(before) {
      db.guard(() => purge.run(before))
    },
  }
}

const isOpen = ['open', 'replaying']

function select(db: Database, filter: HeldFilter, states: readonly string[]): HeldRow[] {
  const { sql, args } = where(filter, states)
  return db.guard(() =>
    db.raw.prepare(`SELECT * FROM held WHERE ${sql} ORDER BY seq LIMIT ?`).all(...args, filter.limit ?? 10_000),
  ) as unknown as HeldRow[]
}

function looking(
  db: Database,
  intern: Intern,
  cipher: Cipher,
  { anyOpenAt, readsAt, oldest }: Statements,
): Pick<HeldRecords, 'held' | 'countHeld' | 'heldReads' | 'oldestHeld'> {
  return {
    held: async ({ states, ...filter }) =>
      select(db, filter, states ?? isOpen).map((row) => heldRecord(cipher, intern, row)),
    async countHeld(filter) {
      const { sql, args } = where(filter, isOpen)
      const row = db.guard(() => db.raw.prepare(`SELECT count(*) AS n FROM held WHERE ${sql}`).get(...args))
      return Number((row as { n: number }).n)
    },
    async heldReads(heldBy, keys) {
      const found = new Map<string, number>()
      if (anyOpenAt.get(heldBy) === undefined) return found
      for (const row of readsAt.all(JSON.stringify(keys), heldBy) as { key: string; read: number }[])
        found.set(row.key, row.read)
      return found
    },
    async oldestHeld(sync, entity) {
      const rows = oldest.all(sync, entity, sync, entity) as { heldAt: string; stamp: string | null }[]
      if (rows.length === 0) return undefined
      const [heldAt = ''] = rows.map((row) => row.heldAt).sort()
      const stamps = rows.map((row) => row.stamp)
      const known = stamps.filter((stamp) => stamp !== null).sort()
      return { heldAt, stamp: known.length < stamps.length ? null : (known[0] ?? null) }
    },
  }
}

function replaying(
  db: Database,
  intern: Intern,
  cipher: Cipher,
  { claim, release }: Statements,
  at: () => string,
): Pick<HeldRecords, 'claimHeld' | 'releaseHeld'> {
  return {
    claimHeld: async (filter, run) =>
      db.tx(() => {
        const rows = select(db, filter, ['open'])
        for (const row of rows) claim.run(run, row.id)
        return rows.map((row) => heldRecord(cipher, intern, { ...row, state: 'replaying', attempts: row.attempts + 1 }))
      }),
    async releaseHeld(ids, as) {
      db.tx(() => {
        for (const id of ids) release.run(as, as === 'open' ? null : at(), id)
      })
    },
  }
}

function editing(db: Database, cipher: Cipher, { edit }: Statements, at: () => string): Pick<HeldRecords, 'editHeld'> {
  return {
    async editHeld(id, record, by) {
      const done = db.guard(() => edit.run(cipher.seal(JSON.stringify(record), id), by, at(), id))
      if (Number(done.changes) === 0)
        throw syncError('config', 'ledger.not-held', `There is no open held record ${id}.`, {
          hint: 'It was delivered, discarded or superseded meanwhile, or is being replayed: load the list again.',
        })
    },
  }
}
