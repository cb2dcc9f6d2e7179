/** What the source has shown: its keys and stamps, so that a sweep finds what is missing, different or gone. */
import { type Database, prepared } from './database.ts'
import type { KnownKey, KnownKeys, LeftKeys, Sweeps } from './ledger.ts'

/** The topics, and what the others need of them. */
export interface SourceMemory {
  readonly topic: KnownKeys & Sweeps
  /** Inside a transaction. */
  write(sync: string, entity: string, keys: readonly KnownKey[]): void
  /** Those of the keys that the source has shown. */
  areShown(sync: string, entity: string, keys: readonly string[]): ReadonlySet<string>
  /** Inside a transaction: what was sent of the entity under a number below `read` may not be there any more. */
  lose(sync: string, entity: string, what: string, read: number): void
}

const SQL = {
  find: 'SELECT id FROM source_entity WHERE sync = ? AND entity = ?',
  add: 'INSERT INTO source_entity (sync, entity) VALUES (?, ?) RETURNING id',
  // Keys and stamps are bound as JSON: SQLite keeps halves of characters, which texts that are bound lose.
  put: `
    INSERT INTO known_key (entity, key, read, stamp, seen) VALUES (?, ? ->> '$', ?, ? ->> '$', 0)
    ON CONFLICT DO UPDATE SET read = excluded.read, stamp = excluded.stamp WHERE excluded.read >= known_key.read`,
  expect: `
    INSERT INTO known_key (entity, key, read, stamp, seen) VALUES (?, ? ->> '$', ?, '?', 0) ON CONFLICT DO NOTHING`,
  learn: `
    INSERT INTO known_key (entity, key, read, stamp, seen)
    SELECT ?, value ->> 0, 0, value ->> 1, 0 FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
  drop: "DELETE FROM known_key WHERE entity = ? AND key = ? ->> '$' AND read <= ?",
  compare: `
    SELECT j.value ->> 0 AS key FROM json_each(?) AS j
    LEFT JOIN known_key AS k ON k.entity = ? AND k.key = j.value ->> 0
    WHERE k.key IS NULL OR k.stamp IS NOT j.value ->> 1 OR (? > 0 AND k.seen NOT IN (-?, ?))`,
  // `seen` counts below zero how many targets have it.
  recall: `
    INSERT INTO known_key (entity, key, read, stamp, seen)
    SELECT ?, value ->> 0, value ->> 1, value ->> 2, -1 FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET seen = min(seen, 0) - 1,
      stamp = CASE WHEN known_key.seen >= 0 OR known_key.stamp IS excluded.stamp THEN known_key.stamp ELSE '?' END`,
  forgetRecalled: 'DELETE FROM known_key WHERE entity = ? AND seen < 0',
  forgetOthers: 'DELETE FROM known_key WHERE entity = ?1 AND substr(key, 1, length(?2)) <> ?2',
  see: 'UPDATE known_key SET seen = ? WHERE entity = ? AND key IN (SELECT value ->> 0 FROM json_each(?))',
  // What was read since the sweep began is newer than its listing.
  count: 'SELECT count(*) AS known, coalesce(sum(seen < ?), 0) AS unseen FROM known_key WHERE entity = ? AND read < ?',
  unseen: 'SELECT key FROM known_key WHERE entity = ? AND key > ? AND seen < ? AND read < ? ORDER BY key LIMIT ?',
  list: 'SELECT key FROM known_key WHERE entity = ? AND key > ? AND read <= ? ORDER BY key LIMIT ?',
  countOld: 'SELECT count(*) AS known, coalesce(sum(read <= ?), 0) AS old FROM known_key WHERE entity = ?',
  doubt: "UPDATE known_key SET stamp = '?' WHERE entity = ? AND key IN (SELECT value FROM json_each(?))",
  doubtAll: "UPDATE known_key SET stamp = '?', read = ? WHERE entity = ? AND read < ?",
  leave: 'UPDATE source_entity SET left_by = ?, left_read = ?, left_count = NULL WHERE id = ?',
  left: 'SELECT left_by AS "by", left_read AS read, left_count AS count FROM source_entity WHERE sync = ? AND entity = ? AND left_by IS NOT NULL',
  countedLeft: 'UPDATE source_entity SET left_count = ?, left_by = iif(? = 0, NULL, left_by) WHERE id = ?',
  shown: 'SELECT key FROM known_key WHERE entity = ? AND seen >= 0 AND key IN (SELECT value FROM json_each(?))',
  swept: 'SELECT swept, lost FROM source_entity WHERE sync = ? AND entity = ?',
  save: 'UPDATE source_entity SET swept = ? WHERE id = ?',
  lose: 'UPDATE source_entity SET lost = ? WHERE id = ?',
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>
/** Number of an entity of a sync; made where there is none. */
type IdOf = (sync: string, entity: string) => number

/** In the place of a time. */
const IN_DOUBT = 'targets in doubt'

export function createKnownKeys(db: Database): SourceMemory {
  const statements = prepared(db, SQL)
  const { find, add, put, shown, lose, doubtAll } = statements
  /** Not kept: a transaction that is rolled back would leave a number that belongs to nobody. */
  const idOf: IdOf = (sync, entity) => ((find.get(sync, entity) ?? add.get(sync, entity)) as { id: number }).id
  return {
    topic: {
      ...comparing(db, statements, idOf),
      ...keeping(db, statements, idOf),
      ...sweeps(db, statements, idOf),
    },
    write(sync, entity, keys) {
      if (keys.length === 0) return
      const id = idOf(sync, entity)
      const there = keys.some(({ gone }) => gone) ? withoutGone(statements, id, keys) : keys
      for (const { key, read, stamp } of there) put.run(id, JSON.stringify(key), read, JSON.stringify(stamp))
    },
    areShown(sync, entity, keys) {
      if (keys.length === 0) return new Set()
      return new Set((shown.all(idOf(sync, entity), JSON.stringify(keys)) as { key: string }[]).map(({ key }) => key))
    },
    lose(sync, entity, what, read) {
      const id = idOf(sync, entity)
      lose.run(what, id)
      doubtAll.run(read, id, read)
    },
  }
}

/** Carries out the deletions; of each key only the latest read counts. */
function withoutGone({ drop }: Statements, id: number, keys: readonly KnownKey[]): KnownKey[] {
  const latest = new Map<string, KnownKey>()
  for (const one of keys) if (one.read >= (latest.get(one.key)?.read ?? -1)) latest.set(one.key, one)
  const there: KnownKey[] = []
  for (const one of latest.values()) {
    if (one.gone) drop.run(id, JSON.stringify(one.key), one.read)
    else there.push(one)
  }
  return there
}

type Comparing = 'compareKeys' | 'countUnseen' | 'unseenKeys'

/** What a sweep asks of the keys known. */
function comparing({ guard, tx }: Database, statements: Statements, idOf: IdOf): Pick<KnownKeys, Comparing> {
  const { compare, see, count, unseen } = statements
  return {
    compareKeys: async (sync, entity, sweep, listed, targets = 0) =>
      tx(() => {
        const id = idOf(sync, entity)
        const json = JSON.stringify(listed.map(({ key, stamp }) => [key, stamp]))
        const odd = (compare.all(json, id, targets, targets, sweep) as { key: string }[]).map(({ key }) => key)
        see.run(sweep, id, json)
        return odd
      }),
    countUnseen: async (sync, entity, sweep) =>
      guard(() => count.get(sweep, idOf(sync, entity), sweep) as { known: number; unseen: number }),
    unseenKeys: async (sync, entity, sweep, after, limit) =>
      guard(() => unseen.all(idOf(sync, entity), after ?? '', sweep, sweep, limit) as { key: string }[]).map(
        ({ key }) => key,
      ),
  }
}

/** Keys that become known, doubtful or forgotten outside of a settlement. */
function keeping(db: Database, statements: Statements, idOf: IdOf): Omit<KnownKeys, Comparing> {
  const { guard, tx } = db
  const { learn, recall, expect, list, countOld, doubt, forgetRecalled, forgetOthers } = statements
  return {
    async learnKeys(sync, entity, keys) {
      const json = JSON.stringify(keys.map(({ key, stamp }) => [key, stamp]))
      guard(() => learn.run(idOf(sync, entity), json))
    },
    async recallKeys(sync, entity, keys) {
      tx(() => recall.run(idOf(sync, entity), JSON.stringify(keys.map(({ key, read, stamp }) => [key, read, stamp]))))
    },
    async forgetRecalled(sync, entity) {
      guard(() => forgetRecalled.run(idOf(sync, entity)))
    },
    forgetOtherKeys: async (sync, entity, beginning) =>
      Number(guard(() => forgetOthers.run(idOf(sync, entity), beginning)).changes),
    async expectKeys(sync, entity, keys) {
      tx(() => {
        const id = idOf(sync, entity)
        for (const { key, read, gone } of keys) if (!gone) expect.run(id, JSON.stringify(key), read)
      })
    },
    knownKeys: async (sync, entity, after, limit, through = Number.MAX_SAFE_INTEGER) =>
      guard(() => list.all(idOf(sync, entity), after ?? '', through, limit) as { key: string }[]).map(({ key }) => key),
    countKnown: async (sync, entity, through) =>
      guard(() => countOld.get(through, idOf(sync, entity)) as { known: number; old: number }),
    async doubtKeys(sync, entity, keys) {
      guard(() => doubt.run(idOf(sync, entity), JSON.stringify(keys)))
    },
    ...leaving(db, statements, idOf),
  }
}

type Leaving = 'leaveKeys' | 'leftKeys' | 'countLeft'

/** What another source behind the name left. */
function leaving({ guard, tx }: Database, statements: Statements, idOf: IdOf): Pick<KnownKeys, Leaving> {
  const { leave, left, countOld, countedLeft, list } = statements
  const leftKeys = (sync: string, entity: string): LeftKeys | undefined => {
    const row = guard(() => left.get(sync, entity)) as { by: string; read: number; count: number | null } | undefined
    return row && { ...row, count: row.count ?? undefined }
  }
  return {
    async leaveKeys(sync, entity, by, read) {
      guard(() => leave.run(by, read, idOf(sync, entity)))
    },
    leftKeys: async (sync, entity) => leftKeys(sync, entity),
    countLeft: async (sync, entity) =>
      tx(() => {
        const { read } = leftKeys(sync, entity) ?? {}
        if (read === undefined) return []
        const id = idOf(sync, entity)
        const { old } = countOld.get(read, id) as { old: number }
        countedLeft.run(old, old, id)
        return (list.all(id, '', read, 20) as { key: string }[]).map(({ key }) => key)
      }),
  }
}

function sweeps({ guard, tx }: Database, { swept, save, lose }: Statements, idOf: IdOf): Sweeps {
  const stateOf = (sync: string, entity: string): { swept: string | null; lost: string | null } | undefined =>
    guard(() => swept.get(sync, entity)) as { swept: string | null; lost: string | null } | undefined
  return {
    async sweptAt(sync, entity) {
      const { swept: at, lost } = stateOf(sync, entity) ?? {}
      return at === IN_DOUBT || lost ? undefined : (at ?? undefined)
    },
    async doubtTargets(sync, entity) {
      guard(() => save.run(IN_DOUBT, idOf(sync, entity)))
    },
    areTargetsInDoubt: async (sync, entity) => stateOf(sync, entity)?.swept === IN_DOUBT,
    async saveSwept(sync, entity, at) {
      tx(() => {
        save.run(at, idOf(sync, entity))
        lose.run(null, idOf(sync, entity))
      })
    },
    lostRows: async (sync, entity) => stateOf(sync, entity)?.lost ?? undefined,
    async saveRepaired(sync, entity) {
      guard(() => lose.run(null, idOf(sync, entity)))
    },
  }
}
