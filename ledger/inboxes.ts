/** Documents that sources handed over: written down before they are acknowledged there, and followed until they are answered. */
import type { Inbox, InboxItem, InboxState } from '../sync/contract/inbox.ts'
import type { PostResult } from '../sync/contract/posting.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { Commit, InboxEntry, Inboxes, Unanswered } from './ledger.ts'

export interface InboxBook {
  readonly topic: Inboxes
  /** Inside a transaction: everybody has said what became of these records. */
  settle(of: NonNullable<Commit['inbox']>): void
  /** Takes out what was confirmed before. */
  purge(before: string): void
}

/** Columns that begin anew when a document does. */
const ANEW = "state = 'recorded', acknowledging = NULL, answer_id = NULL, why = NULL, sent_back = NULL"

/**
 * What was handed over once more may be other than what was posted: that is known when it has come to the sink again, and it is
 * held then.
 */
const AS_POSTED = `(i.state <> 'handed on' OR p.at >= json_extract(i.times, '$."handed on"'))
  AND NOT EXISTS (SELECT 1 FROM held WHERE held.entity = i.entity AND held.source_address = i.source
    AND coalesce(held.source_key, held.key) = i.key || '|' || i.revision AND held.state IN ('open', 'replaying'))`

const SQL = {
  put: `
    INSERT INTO inbox (source, key, sync, entity, document, state, times, why)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, json_object(?6, ?7), ?8)
    ON CONFLICT DO NOTHING`,
  replace: `
    UPDATE inbox SET document = ?, sync = ?, entity = ? WHERE source = ? AND key = ? AND state IN ('asked', 'recorded')`,
  reopen: `
    UPDATE inbox SET document = ?1, sync = ?2, entity = ?3, times = json_object('recorded', ?4), ${ANEW}
    WHERE source = ?5 AND key = ?6 AND state IN ('settled', 'answered', 'confirmed', 'dropped')`,
  acknowledging: `
    UPDATE inbox SET acknowledging = coalesce(acknowledging, ?) WHERE source = ? AND key = ? AND state = 'recorded'`,
  move: `
    UPDATE inbox SET state = ?1, times = json_set(times, '$."' || ?1 || '"', ?2), why = coalesce(?3, why)
    WHERE source = ?4 AND key IN (SELECT value FROM json_each(?5)) AND state IN (SELECT value FROM json_each(?6))`,
  list: `
    SELECT * FROM inbox WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR sync = ?2)
      AND (?3 IS NULL OR state IN (SELECT value FROM json_each(?3)))
      AND (?4 IS NULL OR key IN (SELECT value FROM json_each(?4))) ORDER BY seq LIMIT ?5`,
  unposted: `
    SELECT * FROM inbox AS i WHERE (?1 IS NULL OR sync = ?1)
      AND state IN ('asked', 'recorded', 'acknowledged', 'handed on', 'settled')
      AND NOT EXISTS (SELECT 1 FROM posting AS p WHERE p.source = i.source AND p.source_key = i.key || '|' || i.revision
        AND p.status = 'final' AND p.aside IS NULL) ORDER BY seq`,
  unanswered: `
    SELECT i.key || '|' || i.revision AS key, i.answer_id AS answerId, i.state, i.sent_back AS sentBack, p.result
    FROM inbox AS i LEFT JOIN posting AS p ON p.source = i.source AND p.source_key = i.key || '|' || i.revision
      AND p.status = 'final' AND p.aside IS NULL AND p.seen IS NOT NULL
    WHERE i.sync = ? AND i.source = ? AND i.state IN ('handed on', 'settled', 'answered')
      AND (i.sent_back IS NOT NULL OR (p.key IS NOT NULL AND ${AS_POSTED})) ORDER BY i.seq LIMIT 1000`,
  overdue: `
    SELECT key FROM inbox WHERE sync = ? AND source = ? AND state IN ('acknowledged', 'handed on', 'settled', 'answered')
      AND coalesce(times ->> '$.acknowledged', times ->> '$."handed on"') < ? ORDER BY seq`,
  purge: "DELETE FROM inbox WHERE state = 'confirmed' AND times ->> '$.confirmed' < ?",
  beginAnswer: 'UPDATE inbox SET answer_id = coalesce(answer_id, ?) WHERE source = ? AND key = ?',
  sendBack: `
    UPDATE inbox SET sent_back = ?, answer_id = NULL WHERE source = ? AND key = ? AND revision = ?
      AND state IN ('acknowledged', 'handed on', 'settled') RETURNING sync, entity`,
  behind: "INSERT INTO note (address, text) VALUES (?, '') ON CONFLICT DO NOTHING",
  raise: `
    UPDATE inbox SET revision = revision + 1, state = 'acknowledged', answer_id = NULL, sent_back = NULL
    WHERE source = ? AND key = ? AND revision = ? AND state IN ('handed on', 'settled', 'answered')
    RETURNING revision, sync, entity`,
}

interface InboxRow {
  source: string
  key: string
  sync: string
  entity: string
  revision: number
  document: Uint8Array
  state: InboxState
  times: string
  acknowledging: string | null
  answer_id: string | null
  why: string | null
  sent_back: string | null
}

/** A record's key is its document's and the revision. */
const parted = (recordKey: string): { readonly key: string; readonly revision: number } => {
  const at = recordKey.lastIndexOf('|')
  return { key: recordKey.slice(0, at), revision: Number(recordKey.slice(at + 1)) }
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

interface Deps {
  readonly db: Database
  readonly cipher: Cipher
  readonly decisions: DecisionBook
  readonly at: () => string
  /** No posting any more. */
  readonly stop: (why: string) => Promise<unknown>
}

export function createInboxes(deps: Deps): InboxBook {
  const { db, cipher, at } = deps
  const statements = prepared(db, SQL)
  const { list } = statements
  const move = (source: string, keys: readonly string[], to: InboxState, from: readonly InboxState[], why?: string) =>
    Number(statements.move.run(to, at(), why ?? null, source, JSON.stringify(keys), JSON.stringify(from)).changes)
  const entries: Inboxes['inboxEntries'] = async ({ source, sync, states, keys, limit = 10_000 }) => {
    const some = (list: readonly string[] | undefined) => (list ? JSON.stringify(list) : null)
    const rows = db.guard(() => list.all(source ?? null, sync ?? null, some(states), some(keys), limit))
    return (rows as unknown as InboxRow[]).map((row) => entryOf(cipher, row))
  }
  return {
    settle: ({ source, recordKeys }) => {
      if (recordKeys.length > 0) move(source, keysOf(recordKeys), 'settled', ['handed on'])
    },
    purge(before) {
      db.guard(() => statements.purge.run(before))
    },
    topic: {
      inboxEntries: entries,
      unposted: async (sync) =>
        (db.guard(() => statements.unposted.all(sync ?? null)) as unknown as InboxRow[]).map((row) =>
          entryOf(cipher, row),
        ),
      inbox: (of) => inboxOf(deps, statements, of, move, entries),
      ...answering(deps, statements, move),
    },
  }
}

const keysOf = (recordKeys: readonly string[]): string[] => recordKeys.map((key) => parted(key).key)

const aboutDocument = (source: string, key: string): string => `inbox ${source} ${key}`

type Move = (
  source: string,
  keys: readonly string[],
  to: InboxState,
  from: readonly InboxState[],
  why?: string,
) => number

function inboxOf(
  { db, cipher, at, stop }: Deps,
  { put, replace, reopen, acknowledging, behind }: Statements,
  { source, sync, entity }: Parameters<Inboxes['inbox']>[0],
  move: Move,
  entries: Inboxes['inboxEntries'],
): Inbox {
  const seal = (key: string, document: unknown) =>
    cipher.seal(JSON.stringify(document ?? null), aboutDocument(source, key))
  const add = (key: string, document: unknown, state: InboxState, why: string | null): boolean =>
    Number(put.run(source, key, sync, entity, seal(key, document), state, at(), why).changes) > 0
  const open = ['recorded', 'acknowledged', 'handed on'] as const
  return {
    async record(items) {
      db.tx(() => {
        for (const { key, document } of items)
          if (!add(key, document, 'recorded', null)) replace.run(seal(key, document), sync, entity, source, key)
      })
    },
    async reopen(items) {
      db.tx(() => {
        for (const { key, document } of items)
          if (!add(key, document, 'recorded', null)) reopen.run(seal(key, document), sync, entity, at(), source, key)
      })
    },
    async acknowledging(keys) {
      db.tx(() => {
        for (const key of keys) acknowledging.run(at(), source, key)
      })
    },
    async acknowledged(keys) {
      db.tx(() => move(source, keys, 'acknowledged', ['recorded']))
    },
    async dropped(items) {
      db.tx(() => {
        for (const { key, why } of items) move(source, [key], 'dropped', ['asked', ...open], why)
      })
    },
    async ask(items) {
      db.tx(() => {
        for (const { key, document, why } of items)
          if (!add(key, document, 'asked', why)) move(source, [key], 'asked', ['recorded'], why)
      })
    },
    open: () => entries({ source, sync, states: open }),
    find: async (keys) =>
      new Map((await entries({ source, keys })).map((item): [string, InboxItem] => [item.key, item])),
    unanswered: () => entries({ source, sync, states: ['acknowledged', 'handed on', 'settled', 'answered'] }),
    async behind(why) {
      // A person who started posting again knew it.
      if (Number(db.guard(() => behind.run(`behind ${source}: ${why}`)).changes) > 0)
        await stop(`This ledger is an old copy: ${why}`)
    },
  }
}

function answering(
  { db, decisions }: Deps,
  { unanswered, overdue, beginAnswer, sendBack, raise }: Statements,
  move: Move,
): Omit<Inboxes, 'inbox' | 'inboxEntries' | 'unposted'> {
  const decide = (row: unknown, who: Parameters<Inboxes['sendBack']>[2], about: string, sink: string) => {
    const { sync, entity } = row as { sync: string; entity: string }
    decisions.write({ ...who, kind: 'inbox', sync, entity, sink, about })
  }
  return {
    async handOn(source, recordKeys) {
      db.tx(() => move(source, keysOf(recordKeys), 'handed on', ['acknowledged', 'handed on']))
    },
    async unanswered(sync, source) {
      const rows = db.guard(() => unanswered.all(sync, source)) as unknown as {
        key: string
        answerId: string | null
        state: InboxState
        sentBack: string | null
        result: string | null
      }[]
      return rows.map(({ key, answerId, state, sentBack, result }): Unanswered => {
        const say = sentBack === null ? { posted: JSON.parse(result ?? '{}') as PostResult } : { sentBack }
        return { key, answerId, answered: state === 'answered', say }
      })
    },
    overdue: async (sync, source, before) =>
      (db.guard(() => overdue.all(sync, source, before)) as { key: string }[]).map(({ key }) => key),
    async beginAnswers(source, answerIds) {
      db.tx(() => {
        for (const [recordKey, answerId] of answerIds) beginAnswer.run(answerId, source, parted(recordKey).key)
      })
    },
    async saveAnswers(source, became) {
      const from = ['handed on', 'settled', 'answered'] as const
      db.tx(() => {
        for (const [recordKey, as] of became)
          move(source, [parted(recordKey).key], as, as === 'answered' ? from.slice(0, 2) : from)
      })
    },
    decideInbox: async (source, key, as, who) =>
      db.tx(() => {
        const [row] = db.raw.prepare('SELECT sync, entity FROM inbox WHERE source = ? AND key = ?').all(source, key)
        if (!row || move(source, [key], as === 'ours' ? 'acknowledged' : 'dropped', ['asked']) === 0) return false
        decide(row, who, `${key}: ${as === 'ours' ? 'it is ours' : 'it is not ours'}`, source)
        return true
      }),
    sendBack: async (source, recordKey, who) =>
      db.tx(() => {
        const { key, revision } = parted(recordKey)
        const [row] = sendBack.all(who.reason, source, key, revision)
        if (row) decide(row, who, `${recordKey}: sent back`, source)
        return row !== undefined
      }),
    raiseRevision: async (source, recordKey, who) =>
      db.tx(() => {
        const { key, revision } = parted(recordKey)
        const [row] = raise.all(source, key, revision) as { revision: number }[]
        if (row) decide(row, who, `${recordKey}: to be posted anew, as revision ${row.revision}`, source)
        if (row) move(source, [key], 'acknowledged', ['acknowledged'])
        return row?.revision
      }),
  }
}

const entryOf = (cipher: Cipher, row: InboxRow): InboxEntry => ({
  source: row.source,
  key: row.key,
  sync: row.sync,
  entity: row.entity,
  revision: row.revision,
  document: JSON.parse(cipher.open(row.document, aboutDocument(row.source, row.key))) as unknown,
  state: row.state,
  times: JSON.parse(row.times) as InboxEntry['times'],
  acknowledging: row.acknowledging,
  answerId: row.answer_id,
  why: row.why,
  sentBack: row.sent_back,
})
