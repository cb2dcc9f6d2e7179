import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

const statements = (...texts: readonly string[]): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const text of texts) await sql.raw(text).execute(db)
  },
})

/** Push datasets that got rows of lists, of which the header alone was counted. */
const uncountedLists = `
  SELECT id FROM address AS a WHERE a.counted = 1 AND a.lists = '[]' AND a.address LIKE 'powerbi://%'
    AND EXISTS (SELECT 1 FROM filled AS f WHERE f.address = a.address AND f.list <> '')`

/** Kysely's migrations, in order of their names. One that was released is never changed. */
export const migrations: Record<string, Migration> = {
  '0001-first': statements(
    'CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)',
    `CREATE TABLE run (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sync TEXT NOT NULL, mode TEXT NOT NULL,
      state TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, summary TEXT
    )`,
    'CREATE INDEX run_by_sync ON run (sync, mode, state)',
    `CREATE TABLE batch (
      run INTEGER NOT NULL, entity TEXT NOT NULL, batch INTEGER NOT NULL, sink TEXT NOT NULL,
      sink_name TEXT NOT NULL, delivered INTEGER NOT NULL, unchanged INTEGER NOT NULL,
      superseded INTEGER NOT NULL, held INTEGER NOT NULL, in_doubt INTEGER NOT NULL, filtered INTEGER NOT NULL,
      rows INTEGER NOT NULL, at TEXT NOT NULL,
      CONSTRAINT batch_pk PRIMARY KEY (run, entity, batch, sink)
    ) WITHOUT ROWID`,
    `CREATE TABLE position (
      sync TEXT NOT NULL, entity TEXT NOT NULL, identity TEXT NOT NULL, read_through TEXT, read_at TEXT,
      window TEXT,
      CONSTRAINT position_pk PRIMARY KEY (sync, entity)
    ) WITHOUT ROWID`,
    `CREATE TABLE adopted (
      sync TEXT NOT NULL, entity TEXT NOT NULL, ledger TEXT NOT NULL, read INTEGER NOT NULL,
      CONSTRAINT adopted_pk PRIMARY KEY (sync, entity, ledger)
    )`,
    `CREATE TABLE address (
      id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, highest_read INTEGER DEFAULT 0 NOT NULL
    )`,
    // The one large table: an address is a number, a hash 16 bytes, and the key is the table's own order.
    `CREATE TABLE delivery (
      address INTEGER NOT NULL, key TEXT NOT NULL, read INTEGER NOT NULL, hash BLOB, original_hash BLOB,
      run INTEGER NOT NULL,
      CONSTRAINT delivery_pk PRIMARY KEY (address, key)
    ) WITHOUT ROWID`,
    // What each delivery of the runs going on adds to their control totals; emptied when no run goes on.
    `CREATE TABLE contribution (
      address INTEGER NOT NULL, key TEXT NOT NULL, totals TEXT NOT NULL,
      CONSTRAINT contribution_pk PRIMARY KEY (address, key)
    ) WITHOUT ROWID`,
    'CREATE TABLE shape (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE)',
    `CREATE TABLE held (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sink TEXT NOT NULL, sink_name TEXT NOT NULL,
      stage TEXT NOT NULL, key TEXT NOT NULL, sync TEXT NOT NULL, run TEXT NOT NULL, entity TEXT NOT NULL,
      source_address TEXT NOT NULL, read INTEGER NOT NULL, stamp TEXT, record BLOB NOT NULL,
      shape INTEGER NOT NULL, cause TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
      held_at TEXT NOT NULL, closed_at TEXT, claimed_by TEXT, edited BLOB, edited_by TEXT, edited_at TEXT
    )`,
    "CREATE UNIQUE INDEX held_open ON held (entity, key, sink) WHERE state IN ('open', 'replaying')",
    "CREATE INDEX held_sink ON held (sink, key, read) WHERE state = 'open'",
    'CREATE INDEX held_by_state ON held (state, sync, entity)',
    `CREATE TABLE intent (
      id TEXT PRIMARY KEY, address TEXT NOT NULL, sync TEXT NOT NULL, run TEXT NOT NULL, entity TEXT NOT NULL,
      shape INTEGER NOT NULL, records TEXT NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL
    )`,
    'CREATE INDEX intent_by_address ON intent (address, at)',
    `CREATE TABLE alert (
      id TEXT PRIMARY KEY, sync TEXT NOT NULL, kind TEXT NOT NULL, entity TEXT, message TEXT NOT NULL,
      raised TEXT NOT NULL, cleared TEXT
    )`,
    'CREATE INDEX alert_by_sync ON alert (sync, kind)',
  ),
  '0002-known-keys': statements(
    `CREATE TABLE source_entity (
      id INTEGER PRIMARY KEY, sync TEXT NOT NULL, entity TEXT NOT NULL, swept TEXT,
      CONSTRAINT source_entity_once UNIQUE (sync, entity)
    )`,
    // What the source has shown, by its own keys: a mapping may write others.
    `CREATE TABLE known_key (
      entity INTEGER NOT NULL, key TEXT NOT NULL, read INTEGER NOT NULL, stamp TEXT, seen INTEGER NOT NULL,
      CONSTRAINT known_key_pk PRIMARY KEY (entity, key)
    ) WITHOUT ROWID`,
  ),
  '0003-notes': statements('CREATE TABLE note (address TEXT PRIMARY KEY, text TEXT NOT NULL)'),
  '0004-lost-rows': statements(
    // Tables that rows were delivered into, and by whom: one that is found without a row was emptied.
    `CREATE TABLE filled (
      address TEXT NOT NULL, list TEXT NOT NULL, sync TEXT NOT NULL, entity TEXT NOT NULL,
      CONSTRAINT filled_pk PRIMARY KEY (address, list, sync, entity)
    ) WITHOUT ROWID`,
    'ALTER TABLE source_entity ADD COLUMN lost TEXT',
  ),
  '0005-source-keys': statements('ALTER TABLE delivery ADD COLUMN source INTEGER'),
  '0006-decisions': statements(
    // What a check found stays until it is over, whatever later runs compare.
    `CREATE TABLE difference (
      id TEXT PRIMARY KEY, sync TEXT NOT NULL, entity TEXT NOT NULL, address TEXT NOT NULL,
      sink_name TEXT NOT NULL, run TEXT NOT NULL, problem TEXT NOT NULL, since TEXT NOT NULL, closed_at TEXT,
      closed_by TEXT, reason TEXT
    )`,
    'CREATE INDEX difference_by_sync ON difference (sync, closed_at)',
    `CREATE TABLE decision (
      id TEXT PRIMARY KEY, at TEXT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL, kind TEXT NOT NULL,
      sync TEXT NOT NULL, entity TEXT NOT NULL, sink TEXT NOT NULL, about TEXT NOT NULL
    )`,
    `CREATE TABLE again (
      sync TEXT NOT NULL, entity TEXT NOT NULL, key TEXT NOT NULL, since TEXT NOT NULL,
      CONSTRAINT again_pk PRIMARY KEY (sync, entity, key)
    ) WITHOUT ROWID`,
    'ALTER TABLE held ADD COLUMN closed_by TEXT',
    'ALTER TABLE held ADD COLUMN reason TEXT',
  ),
  '0007-table-owners': statements(
    `CREATE TABLE table_owner (
      place TEXT NOT NULL, source TEXT NOT NULL, list TEXT NOT NULL, entity TEXT NOT NULL, sync TEXT NOT NULL,
      source_address TEXT NOT NULL,
      CONSTRAINT table_owner_pk PRIMARY KEY (place, source)
    ) WITHOUT ROWID`,
  ),
  '0008-still-open': statements(
    'ALTER TABLE again ADD COLUMN found INTEGER DEFAULT 1 NOT NULL',
    "CREATE INDEX held_left_out ON held (entity, key) WHERE state = 'discarded'",
    // Only the alert said so until now, and any run that compared other rows cleared it.
    `INSERT INTO difference (id, sync, entity, address, sink_name, run, problem, since)
      SELECT id, sync, entity, '', '', '', message, raised FROM alert
      WHERE kind = 'no-tie' AND cleared IS NULL AND entity IS NOT NULL AND message NOT LIKE '%could not be compared%'`,
    // Discarded by a version that did not look whether a later one was delivered.
    `UPDATE held SET state = 'superseded' WHERE state = 'discarded' AND reason IS NULL AND EXISTS (
      SELECT 1 FROM address JOIN delivery ON delivery.address = address.id
      WHERE address.address = held.sink AND delivery.key = held.key AND delivery.read > held.read)`,
  ),
  // Empty: the first contract of the entity, by which every version before read it.
  '0009-contracts': statements('ALTER TABLE position ADD COLUMN contract INTEGER'),
  '0010-whole-targets': statements(
    // What the target has of a key: rows of each list, in the order of `address.lists`, and behind an @ its read number, where
    // the record was read again since and is as it was. Null: delivered by a version before.
    'ALTER TABLE delivery ADD COLUMN rows TEXT',
    // It is being written: nobody knows what the target has, so it equals nothing.
    'ALTER TABLE delivery ADD COLUMN doubt INTEGER',
    "ALTER TABLE address ADD COLUMN lists TEXT DEFAULT '[]' NOT NULL",
    // What was accounted for up to this read number may be in no sum.
    'ALTER TABLE address ADD COLUMN unsummed INTEGER DEFAULT 0 NOT NULL',
    'UPDATE address SET unsummed = highest_read',
    `CREATE TABLE target_sum (
      address INTEGER NOT NULL, source TEXT NOT NULL, whole INTEGER NOT NULL, sums TEXT NOT NULL,
      CONSTRAINT target_sum_pk PRIMARY KEY (address, source)
    ) WITHOUT ROWID`,
    // The table that differs; null where the sums of a run do.
    'ALTER TABLE difference ADD COLUMN part TEXT',
  ),
  '0011-rotating-tokens': statements(
    'CREATE TABLE token (name TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB, noted INTEGER)',
  ),
  '0012-repairs': statements(
    'ALTER TABLE difference ADD COLUMN repairs INTEGER DEFAULT 0 NOT NULL',
    // By source: until a sweep begins to read all of it, nobody knows which keys are counted.
    'ALTER TABLE target_sum ADD COLUMN unsummed INTEGER DEFAULT 0 NOT NULL',
    'UPDATE address SET unsummed = 9007199254740991 WHERE unsummed > 0',
    'UPDATE target_sum SET unsummed = (SELECT unsummed FROM address WHERE id = target_sum.address) WHERE whole = 0',
  ),
  // Rows of others are open, and differ from nothing.
  '0013-rows-of-others': statements("ALTER TABLE difference ADD COLUMN kind TEXT DEFAULT 'difference' NOT NULL"),
  '0014-posting': statements(
    // What an attempt to post is besides an intent, and its record, encrypted.
    'ALTER TABLE intent ADD COLUMN posting TEXT',
    'ALTER TABLE intent ADD COLUMN document BLOB',
    'ALTER TABLE held ADD COLUMN source_key TEXT',
    `CREATE TABLE posting (
      address TEXT NOT NULL, key TEXT NOT NULL, sync TEXT NOT NULL, entity TEXT NOT NULL, source TEXT NOT NULL,
      source_key TEXT, hash TEXT NOT NULL, original_hash TEXT, status TEXT NOT NULL, result TEXT NOT NULL,
      facts TEXT NOT NULL, at TEXT NOT NULL, seen TEXT, aside TEXT,
      by_hand INTEGER DEFAULT 0 NOT NULL, record BLOB, shape INTEGER NOT NULL,
      CONSTRAINT posting_pk PRIMARY KEY (address, key)
    )`,
    'CREATE INDEX posting_by_source ON posting (source, source_key)',
    'CREATE INDEX posting_by_status ON posting (address, status, at)',
    "CREATE INDEX posting_open ON posting (address, entity) WHERE aside IS NULL AND (seen IS NULL OR status = 'draft')",
    `CREATE TABLE post_place (
      address TEXT PRIMARY KEY, started_at TEXT, started_by TEXT, reason TEXT, stopped TEXT,
      final INTEGER DEFAULT 0 NOT NULL, tested TEXT
    )`,
    `CREATE TABLE inbox (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, key TEXT NOT NULL, sync TEXT NOT NULL,
      entity TEXT NOT NULL, revision INTEGER DEFAULT 0 NOT NULL, document BLOB NOT NULL, state TEXT NOT NULL,
      times TEXT NOT NULL, acknowledging TEXT, answer_id TEXT, why TEXT, sent_back TEXT,
      CONSTRAINT inbox_once UNIQUE (source, key)
    )`,
    'CREATE INDEX inbox_by_sync ON inbox (sync, state)',
  ),
  '0015-memory-read': statements(
    // Per cent of the keys that were read again since a sweep began to; null: none has. It lies in the rows of the sums.
    'ALTER TABLE target_sum ADD COLUMN share INTEGER',
    // Its tables can be counted.
    'ALTER TABLE address ADD COLUMN counted INTEGER DEFAULT 0 NOT NULL',
  ),
  '0016-told-amounts': statements(
    // The one amount of a record that is told, by currency; empty: not known.
    'ALTER TABLE held ADD COLUMN amounts TEXT',
    'ALTER TABLE held ADD COLUMN edit_reason TEXT',
    // What a person said of a deletion: its record stays in the target.
    'ALTER TABLE held ADD COLUMN stays INTEGER DEFAULT 0 NOT NULL',
    // What it held is older than the retention, and gone.
    'ALTER TABLE held ADD COLUMN emptied INTEGER DEFAULT 0 NOT NULL',
    'ALTER TABLE intent ADD COLUMN amounts TEXT',
    'ALTER TABLE decision ADD COLUMN amounts TEXT',
  ),
  '0017-group-sums': statements(
    // Company, ledger, month and currency of a table, which contributions name by number.
    'CREATE TABLE sum_group (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)',
    // What the record adds there; null: not known, delivered by a version before.
    'ALTER TABLE delivery ADD COLUMN totals TEXT',
    `CREATE TABLE group_sum (
      address INTEGER NOT NULL, grp INTEGER NOT NULL, read TEXT NOT NULL, declared TEXT NOT NULL,
      delivered TEXT NOT NULL,
      CONSTRAINT group_sum_pk PRIMARY KEY (address, grp)
    ) WITHOUT ROWID`,
  ),
  // Under which keys a mapping had a record of the source written.
  '0018-former-keys': statements('CREATE INDEX delivery_by_source ON delivery (address, source) WHERE source > 0'),
  '0019-standing-keys': statements(
    // What stands in a target beside the newest versions of a sync: pushed, or older.
    `CREATE TABLE standing (
      address TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, sync TEXT NOT NULL, entity TEXT NOT NULL,
      sink_name TEXT NOT NULL, read INTEGER NOT NULL, amounts TEXT,
      CONSTRAINT standing_pk PRIMARY KEY (address, key)
    ) WITHOUT ROWID`,
    // A person has allowed what is pushed under their source names.
    'CREATE TABLE pushed_allowed (sync TEXT PRIMARY KEY)',
  ),
  '0020-results': statements(
    // Two stages. What was accepted and whose result is open, or of which the target warned; encrypted as long as it is open.
    `CREATE TABLE result (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, key TEXT NOT NULL, read INTEGER NOT NULL,
      sync TEXT NOT NULL, run TEXT NOT NULL, entity TEXT NOT NULL, sink_name TEXT NOT NULL,
      source_address TEXT NOT NULL, source_key TEXT, hash TEXT NOT NULL, before TEXT, again INTEGER NOT NULL,
      requests TEXT NOT NULL, since TEXT NOT NULL, state TEXT NOT NULL, text TEXT, record BLOB,
      shape INTEGER NOT NULL, amounts TEXT, counted INTEGER NOT NULL,
      CONSTRAINT result_once UNIQUE (address, key)
    )`,
    "CREATE INDEX result_open ON result (address, since, key) WHERE state = 'pending'",
    'CREATE INDEX result_by_sync ON result (sync, entity, state)',
    'CREATE INDEX result_by_run ON result (run, entity, address)',
    // What was sent last under a key, and whether a result says that it is in.
    `CREATE TABLE sent (
      address TEXT NOT NULL, key TEXT NOT NULL, read INTEGER NOT NULL, hash BLOB NOT NULL, through INTEGER NOT NULL,
      CONSTRAINT sent_pk PRIMARY KEY (address, key)
    ) WITHOUT ROWID`,
    // What became of what a run has sent, but for what is open still.
    `CREATE TABLE result_figure (
      run TEXT NOT NULL, entity TEXT NOT NULL, address TEXT NOT NULL, outcome TEXT NOT NULL,
      records INTEGER NOT NULL, sums TEXT NOT NULL, unknown INTEGER NOT NULL,
      CONSTRAINT result_figure_pk PRIMARY KEY (run, entity, address, outcome)
    ) WITHOUT ROWID`,
    // When a record that was refused afterwards is read again, and the entities that it may wait for.
    'ALTER TABLE held ADD COLUMN retry_at TEXT',
    'ALTER TABLE held ADD COLUMN needs TEXT',
    "CREATE INDEX held_retry ON held (sync, retry_at) WHERE retry_at IS NOT NULL AND state = 'open'",
  ),
  '0021-left-keys': statements(
    // What was read under the name before, up to which read number, and how much of it nothing has read since.
    'ALTER TABLE source_entity ADD COLUMN left_by TEXT',
    'ALTER TABLE source_entity ADD COLUMN left_read INTEGER',
    'ALTER TABLE source_entity ADD COLUMN left_count INTEGER',
  ),
  '0022-warned-needs': statements(
    // Entities of which something was missing there, where the target took the record without it.
    'ALTER TABLE result ADD COLUMN needs TEXT',
    'CREATE INDEX result_needs ON result (address) WHERE needs IS NOT NULL',
    // One of them has come: since when the record is to be read again.
    'ALTER TABLE result ADD COLUMN retry_at TEXT',
    'CREATE INDEX result_retry ON result (sync) WHERE retry_at IS NOT NULL',
  ),
  '0023-alerts-sent': statements(
    'ALTER TABLE alert ADD COLUMN cause TEXT',
    // Which causes a recipient was told of, with the ids of their alerts, and what is on its way to him.
    `CREATE TABLE told_cause (
      recipient TEXT NOT NULL, cause TEXT NOT NULL, alerts TEXT NOT NULL, began TEXT NOT NULL, told TEXT NOT NULL,
      facts TEXT NOT NULL,
      CONSTRAINT told_cause_pk PRIMARY KEY (recipient, cause)
    ) WITHOUT ROWID`,
    `CREATE TABLE alert_message (
      id TEXT PRIMARY KEY, recipient TEXT NOT NULL, message TEXT NOT NULL, at TEXT NOT NULL, due TEXT NOT NULL,
      tries INTEGER DEFAULT 0 NOT NULL, problem TEXT
    )`,
    'CREATE INDEX alert_message_by_recipient ON alert_message (recipient, at)',
  ),
  // Held records that somebody had changed in the flow.
  '0024-held-changed': statements('ALTER TABLE held ADD COLUMN changed INTEGER NOT NULL DEFAULT 0'),
  // Codes that people added to the code tables of flows, for what was held without them.
  '0025-added-codes': statements(`
    CREATE TABLE added_code (
      id TEXT PRIMARY KEY, mapping TEXT NOT NULL, code_table TEXT NOT NULL, code TEXT NOT NULL, target TEXT NOT NULL,
      valid_from TEXT NOT NULL, valid_to TEXT NOT NULL, person TEXT NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL
    )`),
  '0026-ways': statements(
    // A line for each batch and address, kept as long as decisions: by run and read number a document's way is found.
    `CREATE TABLE way (
      run INTEGER NOT NULL, address INTEGER NOT NULL, entity TEXT NOT NULL, batch INTEGER NOT NULL,
      sink_name TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, at TEXT NOT NULL, trace TEXT,
      CONSTRAINT way_pk PRIMARY KEY (run, address, entity, batch)
    ) WITHOUT ROWID`,
    'CREATE INDEX decision_about ON decision (about)',
  ),
  // Of push datasets the tables of lists were not counted: as if nothing was, until a sweep has read all of it again.
  '0027-lists-of-datasets': statements(
    `UPDATE delivery SET rows = NULL WHERE hash IS NOT NULL AND address IN (${uncountedLists})`,
    `DELETE FROM target_sum WHERE address IN (${uncountedLists})`,
    `UPDATE address SET counted = 0, unsummed = 9007199254740991 WHERE id IN (${uncountedLists})`,
    // Of what else was announced until now no list has a table of its own.
    `UPDATE intent SET records = (SELECT json_group_array(json_set(value, '$.lines', '')) FROM json_each(records))
      WHERE posting IS NULL AND address NOT LIKE 'powerbi://%'`,
  ),
  '0028-makings': statements(
    // What made rows: the fields that a source reads, the rules and codes of a mapping. Ways name versions.
    `CREATE TABLE making (
      version TEXT PRIMARY KEY, kind TEXT NOT NULL, maker TEXT NOT NULL, entity TEXT NOT NULL, content TEXT NOT NULL,
      since TEXT NOT NULL, current INTEGER NOT NULL
    ) WITHOUT ROWID`,
    'CREATE INDEX making_by_entity ON making (entity)',
    'CREATE INDEX way_made ON way (address, entity, trace ->> 2)',
    // What is sent there is kept beside what was sent before.
    'ALTER TABLE address ADD COLUMN appends INTEGER DEFAULT 0 NOT NULL',
  ),
}
