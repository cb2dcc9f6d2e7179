/** What was posted, once and for ever, and where this ledger may post. */
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import { whyRestored, writeInstallation } from './installation.ts'
import type { Intern } from './intern.ts'
import type { Commit, NewPosting, Posting, Postings, PostPlace } from './ledger.ts'

export interface PostingBook {
  readonly topic: Omit<Postings, 'openAttempt' | 'attempts' | 'attempted'>
  /** Inside a transaction. */
  write(commit: Pick<Commit, 'sync' | 'entity'>, address: string, posted: readonly NewPosting[]): void
  /** Inside a transaction: the number of the next attempt. */
  nextAttempt(): number
  /** On disk outside the ledger. */
  announce(number: number): void
  /** At open: what this ledger was allowed is void if it is an old copy. Gives back why. */
  recognise(): string | undefined
}

const SQL = {
  put: `
    INSERT INTO posting (address, key, sync, entity, source, source_key, hash, original_hash, status, result, facts, at, seen,
      aside, by_hand, record, shape)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET status = excluded.status, result = excluded.result, seen = excluded.seen, aside = excluded.aside,
      by_hand = excluded.by_hand`,
  find: 'SELECT p.* FROM json_each(?) AS j CROSS JOIN posting AS p ON p.address = ? AND p.key = j.value',
  newestFinal: `
    SELECT * FROM posting WHERE address = ? AND status = 'final' AND at >= ? AND seen IS NOT NULL AND by_hand = 0
    ORDER BY at DESC LIMIT 1`,
  newestDrafts: "SELECT * FROM posting WHERE address = ? AND status = 'draft' AND at >= ? ORDER BY at DESC LIMIT 3",
  toLookUp: `
    SELECT * FROM posting WHERE address = ? AND aside IS NULL AND (seen IS NULL OR status = 'draft') ORDER BY at LIMIT 1000`,
  list: `
    SELECT * FROM posting WHERE (?1 IS NULL OR sync = ?1)
      AND (?2 = 0 OR aside IS NOT NULL OR status = 'draft' OR seen IS NULL) ORDER BY at DESC LIMIT ?3`,
  toDecide: `
    SELECT (SELECT count(*) FROM inbox WHERE state = 'asked') + (SELECT count(*) FROM posting WHERE aside IS NOT NULL)
      + (SELECT count(*) FROM intent WHERE posting IS NOT NULL AND state = 'in-doubt') AS count`,
  kept: 'SELECT record, shape FROM posting WHERE address = ? AND key = ?',
  save: `
    UPDATE posting SET status = coalesce(?, status), result = coalesce(?, result), facts = coalesce(?, facts),
      seen = coalesce(?, seen),
      aside = CASE ? WHEN 1 THEN ? ELSE aside END
    WHERE address = ? AND key = ?`,
  // Whoever looks at it later looks in the target.
  forgetRecord: `
    UPDATE posting SET record = NULL WHERE address = ? AND key = ? AND status = 'final' AND seen IS NOT NULL
      AND aside IS NULL`,
  toAttend: `
    SELECT DISTINCT address, entity FROM posting WHERE aside IS NULL AND (seen IS NULL OR status = 'draft')
    UNION SELECT address, entity FROM intent WHERE posting IS NOT NULL`,
  place: 'SELECT * FROM post_place WHERE address = ?',
  places: 'SELECT * FROM post_place ORDER BY address',
  start: `
    INSERT INTO post_place (address, started_at, started_by, reason) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET started_at = excluded.started_at, started_by = excluded.started_by,
      reason = excluded.reason, stopped = NULL`,
  as: 'INSERT INTO post_place (address, final) VALUES (?, ?) ON CONFLICT DO UPDATE SET final = excluded.final',
  tested: 'INSERT INTO post_place (address, tested) VALUES (?, ?) ON CONFLICT DO UPDATE SET tested = excluded.tested',
  stop: `
    UPDATE post_place SET started_at = NULL, stopped = ?, tested = NULL WHERE started_at IS NOT NULL RETURNING address`,
  number: "SELECT value FROM meta WHERE name = 'attempts'",
  setNumber: "INSERT INTO meta (name, value) VALUES ('attempts', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
}

interface Deps {
  readonly db: Database
  readonly id: string
  readonly intern: Intern
  readonly cipher: Cipher
  readonly decisions: DecisionBook
  readonly at: () => string
  /** Where the file is that tells an old copy; undefined: there is none. */
  readonly installation: string | undefined
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

export function createPostings(deps: Deps): PostingBook {
  const { db, id, intern, cipher, installation } = deps
  const statements = prepared(db, SQL)
  const { put, number, setNumber, stop } = statements
  const lastAttempt = (): number => Number((number.get() as { value: string } | undefined)?.value ?? 0)
  const announce = (intent: number): void => {
    if (installation !== undefined) writeInstallation(installation, { id, intent })
  }
  /** The file knows this ledger from now on, whose numbers go on above all that it knows. */
  const claim = (): void => {
    if (installation === undefined) return
    const { intent } = writeInstallation(installation, { id, intent: db.guard(lastAttempt) })
    db.guard(() => setNumber.run(String(intent)))
  }
  return {
    announce,
    nextAttempt() {
      const next = lastAttempt() + 1
      setNumber.run(String(next))
      return next
    },
    recognise() {
      const why =
        installation === undefined ? undefined : whyRestored(installation, { id, intent: db.guard(lastAttempt) })
      if (why === undefined) return undefined
      return db.guard(() => stop.all(`This ledger is an old copy: ${why}.`)).length > 0 ? why : undefined
    },
    write({ sync, entity }, address, posted) {
      for (const one of posted) {
        const { key, source, sourceKey, hash, originalHash, result, facts, at, seen, aside, record, schema, byHand } =
          one
        const isOver = result.status === 'final' && seen !== null && !aside
        const sealed = isOver ? null : cipher.seal(JSON.stringify(record), aboutPosting(address, key))
        const shape = intern.shape(JSON.stringify(schema))
        const texts = [JSON.stringify(result), JSON.stringify(facts)] as const
        const about = [address, key, sync, entity, source, sourceKey, hash, originalHash] as const
        put.run(...about, result.status, ...texts, at, seen, aside ?? null, byHand ? 1 : 0, sealed, shape)
      }
    },
    topic: {
      ...lookingUp(deps, statements),
      ...starting(deps, statements, claim),
    },
  }
}

const aboutPosting = (address: string, key: string): string => `posting ${address} ${key}`

type LookingUp =
  | 'postings'
  | 'newestPostings'
  | 'postingsToLookUp'
  | 'placesToLookUp'
  | 'listPostings'
  | 'countToDecide'
  | 'posted'
  | 'savePosting'

function lookingUp(
  { db, intern, cipher, decisions }: Deps,
  { find, newestFinal, newestDrafts, toLookUp, toAttend, list, toDecide, kept, save, forgetRecord }: Statements,
): Pick<Postings, LookingUp> {
  const rows = (work: () => unknown[]): Posting[] => (db.guard(work) as unknown as PostingRow[]).map(posting)
  return {
    postings: async (address, keys) =>
      new Map(rows(() => find.all(JSON.stringify(keys), address)).map((one) => [one.key, one])),
    async newestPostings(address, since) {
      const final = rows(() => newestFinal.all(address, since ?? ''))
      return final.length > 0 ? final : rows(() => newestDrafts.all(address, since ?? ''))
    },
    postingsToLookUp: async (address) => rows(() => toLookUp.all(address)),
    placesToLookUp: async () => db.guard(() => toAttend.all()) as unknown as { address: string; entity: string }[],
    listPostings: async ({ sync, open = false, limit = 100 }) =>
      rows(() => list.all(sync ?? null, open ? 1 : 0, limit)),
    countToDecide: async () => (db.guard(() => toDecide.get()) as { count: number }).count,
    async posted(address, key) {
      const row = db.guard(() => kept.get(address, key)) as { record: Uint8Array | null; shape: number } | undefined
      if (!row?.record) return undefined
      const record = JSON.parse(cipher.open(row.record, aboutPosting(address, key))) as DataRecord
      return { record, schema: JSON.parse(intern.shapeJson(row.shape)) as Schema }
    },
    async savePosting(address, key, { result, facts, seen, aside }, decision) {
      const text = (value: object | undefined) => (value ? JSON.stringify(value) : null)
      const texts = [text(result), text(facts)]
      db.tx(() => {
        save.run(
          result?.status ?? null,
          ...texts,
          seen ?? null,
          aside === undefined ? 0 : 1,
          aside ?? null,
          address,
          key,
        )
        forgetRecord.run(address, key)
        if (decision) decisions.write(decision)
      })
    },
  }
}

type Starting = 'postPlace' | 'postPlaces' | 'startPosting' | 'postAs' | 'testedPosting' | 'stopPosting'

function starting(
  { db, decisions, at }: Deps,
  { place, places, start, as, tested, stop }: Statements,
  claim: () => void,
): Pick<Postings, Starting> {
  return {
    postPlace: async (address) =>
      postPlace((db.guard(() => place.get(address)) as unknown as PlaceRow | undefined) ?? { ...NO_PLACE, address }),
    postPlaces: async () => (db.guard(() => places.all()) as unknown as PlaceRow[]).map(postPlace),
    async startPosting(address, about, who) {
      // First outside: a ledger that is allowed to post and that no file knows would be taken for a copy at its next start.
      claim()
      db.tx(() => {
        start.run(address, at(), who.by, who.reason)
        decisions.write({ ...who, ...about, kind: 'posting', sink: address, about: 'this ledger may post' })
      })
    },
    async postAs(address, how, about, who) {
      const words = how === 'final' ? 'post final vouchers' : 'post drafts'
      db.tx(() => {
        as.run(address, how === 'final' ? 1 : 0)
        decisions.write({ ...who, ...about, kind: 'posting', sink: address, about: words })
      })
    },
    async testedPosting(address) {
      db.guard(() => tested.run(address, at()))
    },
    stopPosting: async (why) => (db.guard(() => stop.all(why)) as { address: string }[]).map(({ address }) => address),
  }
}

interface PostingRow {
  address: string
  key: string
  sync: string
  entity: string
  source: string
  source_key: string | null
  hash: string
  original_hash: string | null
  result: string
  facts: string
  at: string
  seen: string | null
  aside: string | null
  by_hand: number
}

const posting = (row: PostingRow): Posting => ({
  address: row.address,
  key: row.key,
  sync: row.sync,
  entity: row.entity,
  source: row.source,
  sourceKey: row.source_key,
  hash: row.hash,
  originalHash: row.original_hash,
  result: JSON.parse(row.result) as Posting['result'],
  facts: JSON.parse(row.facts) as Posting['facts'],
  at: row.at,
  seen: row.seen,
  aside: row.aside,
  byHand: row.by_hand === 1,
})

interface PlaceRow {
  address: string
  started_at: string | null
  started_by: string | null
  reason: string | null
  stopped: string | null
  final: number
  tested: string | null
}

const NO_PLACE = { started_at: null, started_by: null, reason: null, stopped: null, final: 0, tested: null }

const postPlace = ({ address, started_at, started_by, reason, stopped, final, tested }: PlaceRow): PostPlace => ({
  address,
  started: started_at === null ? null : { at: started_at, by: started_by ?? '', reason: reason ?? '' },
  stopped,
  final: final === 1,
  tested,
})
