/** Held records: at most one open one for each who holds, and key, that of the latest read; their content encrypted. */
import { syncError } from '../sync/contract/errors.ts'
import type { DataRecord } from '../sync/contract/message.ts'
import type { Amounts } from '../sync/contract/summary.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import {
  contentOf,
  type Emptied,
  type HeldRow,
  heldHead,
  heldRecord,
  opened,
  wasDeletion,
  where,
} from './held-records.ts'
import { createHeldSettling, type HeldSettling } from './held-settling.ts'
import type { Intern } from './intern.ts'
import type { DeletionAnswer, HeldFilter, HeldRecord, HeldRecords, Intent, NewDecision, Who } from './ledger.ts'

/** The topic, and what the others need of it. */
export interface HeldBook extends HeldSettling {
  readonly topic: HeldRecords
  /** Inside a transaction: those of them that are open, and what a person decided of each. */
  /** Inside a transaction: where those that are to be posted come from, by the keys of their records. */
  sourcesOf(ids: readonly string[]): readonly { readonly source: string; readonly recordKey: string }[]
  discard(ids: readonly string[], who: Who, answer: DeletionAnswer | undefined): readonly NewDecision[]
  /** Inside a transaction. Throws `ledger.not-held`. */
  edit(id: string, record: DataRecord, who: Who, amounts: Amounts | undefined): NewDecision
  /** Which of these records are held with a person's edit: by their keys at the address, or by the source's before it. */
  edited(intent: Pick<Intent, 'sync' | 'entity' | 'address' | 'records'>): Intent['records']
  /** Gives back what a dead process had claimed. */
  giveBack(): number
  /** A target was emptied: what stayed there, one too many, is gone. */
  forgetStaying(address: string): void
  /** What is closed goes; of what is left out the content, but not key, amounts and reason. */
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
  discard: 'UPDATE held SET state = ?, stays = ?, closed_at = ?, closed_by = ?, reason = ? WHERE id = ?',
  edited: `
    SELECT sink, stage, key FROM held
    WHERE sync = ? AND entity = ? AND state IN ('open', 'replaying') AND edited IS NOT NULL`,
  edit: `
    UPDATE held SET edited = ?, edited_by = ?, edited_at = ?, edit_reason = ?, amounts = ? WHERE id = ? AND state = 'open'
    RETURNING *`,
  giveBack: "UPDATE held SET state = 'open', claimed_by = NULL WHERE state = 'replaying'",
  purge: "DELETE FROM held WHERE closed_at < ? AND state <> 'discarded'",
  old: "SELECT * FROM held WHERE closed_at < ? AND state = 'discarded' AND emptied = 0",
  empty: 'UPDATE held SET record = ?, edited = NULL, emptied = 1 WHERE id = ?',
  forgetStaying: `
    UPDATE held SET state = 'superseded', closed_at = ? WHERE sink = ? AND state = 'discarded' AND stays = 1`,
  sourcesOf: `
    SELECT source_address AS source, source_key AS recordKey FROM held
    WHERE id IN (SELECT value FROM json_each(?)) AND source_key IS NOT NULL AND state = 'open'`,
  untold: "SELECT * FROM held WHERE amounts IS NULL AND state IN ('open', 'replaying', 'discarded')",
  tell: 'UPDATE held SET amounts = ? WHERE id = ?',
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

export function createHeld(db: Database, intern: Intern, cipher: Cipher, at: () => string): HeldBook {
  const statements = prepared(db, SQL)
  const { discard, edit, edited, giveBack, sourcesOf } = statements
  return {
    ...createHeldSettling(db, intern, cipher, at),
    topic: {
      ...looking(db, intern, cipher, statements),
      ...replaying(db, intern, cipher, statements, at),
      async fillAmounts(of) {
        fillAmounts(db, intern, cipher, statements, of)
      },
    },
    sourcesOf: (ids) => sourcesOf.all(JSON.stringify(ids)) as unknown as { source: string; recordKey: string }[],
    discard(ids, who, answer) {
      const rows = select(db, { ids, limit: ids.length }, ['open'])
      return rows.map((row) => {
        const kind = kindOf(row, wasDeletion(cipher, row), answer)
        const state = kind === 'deletion-taken-back' ? 'superseded' : 'discarded'
        discard.run(state, Number(kind === 'deletion-stays'), at(), who.by, who.reason, row.id)
        return decisionOf(row, kind, who)
      })
    },
    edit(id, record, who, amounts) {
      const sealed = cipher.seal(JSON.stringify(record), id)
      const told = amounts ? JSON.stringify(amounts) : null
      const [row] = db.guard(() => edit.all(sealed, who.by, at(), who.reason, told, id)) as unknown as HeldRow[]
      if (row) return decisionOf(row, 'edit', who)
      throw syncError('config', 'ledger.not-held', `There is no open held record ${id}.`, {
        hint: 'It was delivered, discarded or superseded meanwhile, or is being replayed: load the list again.',
      })
    },
    edited({ sync, entity, address, records }) {
      const rows = edited.all(sync, entity) as { sink: string; stage: string; key: string }[]
      const own = new Set(rows.filter(({ sink }) => sink === address).map(({ key }) => key))
      const before = new Set(rows.filter(({ stage }) => stage !== 'sink').map(({ key }) => key))
      return records.filter(({ key, source = key }) => own.has(key) || before.has(source))
    },
    giveBack: () => Number(giveBack.run().changes),
    forgetStaying(address) {
      db.guard(() => statements.forgetStaying.run(at(), address))
    },
    purge: (before) => purgeOld(db, cipher, statements, before),
  }
}

/** What a person decides of a held record; of a deletion it must be said what stands in the target. */
function kindOf(
  { entity, key }: HeldRow,
  isDeletion: boolean,
  answer: DeletionAnswer | undefined,
): NewDecision['kind'] {
  if (!isDeletion) return 'discard'
  if (answer) return `deletion-${answer}`
  throw syncError('config', 'ledger.deletion', `${entity} ${key} is held for its deletion, which has two answers.`, {
    entity,
    key,
    hint: 'Say what stands in the target: "taken-back", it was taken back there by hand, or "stays", it stays there, one too many.',
  })
}

const decisionOf = (row: HeldRow, kind: NewDecision['kind'], who: Who): NewDecision => ({
  ...who,
  kind,
  sync: row.sync,
  entity: row.entity,
  sink: row.sink,
  about: row.key,
  ...(row.amounts === null ? {} : { amounts: JSON.parse(row.amounts) as Amounts }),
})

function purgeOld(db: Database, cipher: Cipher, { purge, old, empty }: Statements, before: string): void {
  db.tx(() => {
    purge.run(before)
    for (const row of old.all(before) as unknown as HeldRow[])
      empty.run(cipher.seal(JSON.stringify({ _emptied: digestOf(cipher, row) } satisfies Emptied), row.id), row.id)
  })
}

/** Of what cannot be decrypted any more nothing comes again. */
function digestOf(cipher: Cipher, row: HeldRow): string {
  try {
    return contentOf(opened(cipher, row))
  } catch {
    return ''
  }
}

function fillAmounts(
  db: Database,
  intern: Intern,
  cipher: Cipher,
  { untold, tell }: Statements,
  of: Parameters<HeldRecords['fillAmounts']>[0],
): void {
  db.tx(() => {
    for (const row of untold.all() as unknown as HeldRow[]) {
      const { schema, record, edited, emptied } = readable(cipher, intern, row) ?? {}
      const amounts = schema && record && !emptied ? of(schema, edited?.record ?? record) : undefined
      if (amounts) tell.run(JSON.stringify(amounts), row.id)
    }
  })
}

function readable(cipher: Cipher, intern: Intern, row: HeldRow): HeldRecord | undefined {
  try {
    return heldRecord(cipher, intern, row)
  } catch {
    return undefined
  }
}

const isOpen = ['open', 'replaying']

/** Without what they hold, however long it is. */
const HEAD = 'id, sink, sink_name, stage, key, sync, entity, cause, amounts, state, held_at'

function select(db: Database, filter: HeldFilter, states: readonly string[], columns = '*'): HeldRow[] {
  const { sql, args } = where(filter, states)
  return db.guard(() =>
    db.raw
      .prepare(`SELECT ${columns} FROM held WHERE ${sql} ORDER BY seq LIMIT ?`)
      .all(...args, filter.limit ?? 10_000),
  ) as unknown as HeldRow[]
}

function looking(
  db: Database,
  intern: Intern,
  cipher: Cipher,
  { anyOpenAt, readsAt, oldest }: Statements,
): Pick<HeldRecords, 'held' | 'heldHeads' | 'countHeld' | 'heldReads' | 'oldestHeld'> {
  return {
    held: async ({ states, ...filter }) =>
      select(db, filter, states ?? isOpen).map((row) => heldRecord(cipher, intern, row)),
    heldHeads: async ({ states, ...filter }) => select(db, filter, states ?? isOpen, HEAD).map(heldHead),
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
