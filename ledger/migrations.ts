import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Kysely's migrations, in order of their names. One that was released is never changed. */
export const migrations: Record<string, Migration> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      const { schema } = db
      await schema
        .createTable('meta')
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('value', 'text', (c) => c.notNull())
        .execute()
      await schema
        .createTable('run')
        .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('mode', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('started', 'text', (c) => c.notNull())
        .addColumn('ended', 'text')
        .addColumn('summary', 'text')
        .execute()
      await schema.createIndex('run_by_sync').on('run').columns(['sync', 'mode', 'state']).execute()
      await schema
        .createTable('batch')
        .addColumn('run', 'integer', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('batch', 'integer', (c) => c.notNull())
        .addColumn('sink', 'text', (c) => c.notNull())
        .addColumn('sink_name', 'text', (c) => c.notNull())
        .addColumn('delivered', 'integer', (c) => c.notNull())
        .addColumn('unchanged', 'integer', (c) => c.notNull())
        .addColumn('superseded', 'integer', (c) => c.notNull())
        .addColumn('held', 'integer', (c) => c.notNull())
        .addColumn('in_doubt', 'integer', (c) => c.notNull())
        .addColumn('filtered', 'integer', (c) => c.notNull())
        .addColumn('rows', 'integer', (c) => c.notNull())
        .addColumn('at', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('batch_pk', ['run', 'entity', 'batch', 'sink'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await schema
        .createTable('position')
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('identity', 'text', (c) => c.notNull())
        .addColumn('read_through', 'text')
        .addColumn('read_at', 'text')
        .addColumn('window', 'text')
        .addPrimaryKeyConstraint('position_pk', ['sync', 'entity'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await schema
        .createTable('adopted')
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('ledger', 'text', (c) => c.notNull())
        .addColumn('read', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('adopted_pk', ['sync', 'entity', 'ledger'])
        .execute()
      await schema
        .createTable('address')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('address', 'text', (c) => c.notNull().unique())
        .addColumn('highest_read', 'integer', (c) => c.notNull().defaultTo(0))
        .execute()
      // The one large table: an address is a number, a hash 16 bytes, and the key is the table's own order.
      await schema
        .createTable('delivery')
        .addColumn('address', 'integer', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('read', 'integer', (c) => c.notNull())
        .addColumn('hash', 'blob')
        .addColumn('original_hash', 'blob')
        .addColumn('run', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('delivery_pk', ['address', 'key'])
        .modifyEnd(sql`without rowid`)
        .execute()
      // What each delivery of the runs going on adds to their control totals; emptied when no run goes on.
      await schema
        .createTable('contribution')
        .addColumn('address', 'integer', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('totals', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('contribution_pk', ['address', 'key'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await schema
        .createTable('shape')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('json', 'text', (c) => c.notNull().unique())
        .execute()
      await schema
        .createTable('held')
        .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('sink', 'text', (c) => c.notNull())
        .addColumn('sink_name', 'text', (c) => c.notNull())
        .addColumn('stage', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('run', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('source_address', 'text', (c) => c.notNull())
        .addColumn('read', 'integer', (c) => c.notNull())
        .addColumn('stamp', 'text')
        .addColumn('record', 'blob', (c) => c.notNull())
        .addColumn('shape', 'integer', (c) => c.notNull())
        .addColumn('cause', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('held_at', 'text', (c) => c.notNull())
        .addColumn('closed_at', 'text')
        .addColumn('claimed_by', 'text')
        .addColumn('edited', 'blob')
        .addColumn('edited_by', 'text')
        .addColumn('edited_at', 'text')
        .execute()
      await sql`create unique index held_open on held (entity, key, sink) where state in ('open', 'replaying')`.execute(
        db,
      )
      await sql`create index held_sink on held (sink, key, read) where state = 'open'`.execute(db)
      await schema.createIndex('held_by_state').on('held').columns(['state', 'sync', 'entity']).execute()
      await schema
        .createTable('intent')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('run', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('shape', 'integer', (c) => c.notNull())
        .addColumn('records', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('at', 'text', (c) => c.notNull())
        .execute()
      await schema.createIndex('intent_by_address').on('intent').columns(['address', 'at']).execute()
      await schema
        .createTable('alert')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('entity', 'text')
        .addColumn('message', 'text', (c) => c.notNull())
        .addColumn('raised', 'text', (c) => c.notNull())
        .addColumn('cleared', 'text')
        .execute()
      await schema.createIndex('alert_by_sync').on('alert').columns(['sync', 'kind']).execute()
    },
  },
  '0002-known-keys': {
    async up(db: Kysely<unknown>) {
      const { schema } = db
      await schema
        .createTable('source_entity')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('swept', 'text')
        .addUniqueConstraint('source_entity_once', ['sync', 'entity'])
        .execute()
      // What the source has shown, by its own keys: a mapping may write others.
      await schema
        .createTable('known_key')
        .addColumn('entity', 'integer', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('read', 'integer', (c) => c.notNull())
        .addColumn('stamp', 'text')
        .addColumn('seen', 'integer', (c) => c.notNull())
        .addPrimaryKeyConstraint('known_key_pk', ['entity', 'key'])
        .modifyEnd(sql`without rowid`)
        .execute()
    },
  },
  '0003-notes': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('note')
        .addColumn('address', 'text', (c) => c.primaryKey())
        .addColumn('text', 'text', (c) => c.notNull())
        .execute()
    },
  },
  '0004-lost-rows': {
    async up(db: Kysely<unknown>) {
      // Tables that rows were delivered into, and by whom: one that is found without a row was emptied.
      await db.schema
        .createTable('filled')
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('list', 'text', (c) => c.notNull())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('filled_pk', ['address', 'list', 'sync', 'entity'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await db.schema.alterTable('source_entity').addColumn('lost', 'text').execute()
    },
  },
  '0005-source-keys': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('delivery').addColumn('source', 'integer').execute()
    },
  },
  '0006-decisions': {
    async up(db: Kysely<unknown>) {
      const { schema } = db
      // What a check found stays until it is over, whatever later runs compare.
      await schema
        .createTable('difference')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('address', 'text', (c) => c.notNull())
        .addColumn('sink_name', 'text', (c) => c.notNull())
        .addColumn('run', 'text', (c) => c.notNull())
        .addColumn('problem', 'text', (c) => c.notNull())
        .addColumn('since', 'text', (c) => c.notNull())
        .addColumn('closed_at', 'text')
        .addColumn('closed_by', 'text')
        .addColumn('reason', 'text')
        .execute()
      await schema.createIndex('difference_by_sync').on('difference').columns(['sync', 'closed_at']).execute()
      await schema
        .createTable('decision')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('at', 'text', (c) => c.notNull())
        .addColumn('person', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('sink', 'text', (c) => c.notNull())
        .addColumn('about', 'text', (c) => c.notNull())
        .execute()
      await schema
        .createTable('again')
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('since', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('again_pk', ['sync', 'entity', 'key'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await schema.alterTable('held').addColumn('closed_by', 'text').execute()
      await schema.alterTable('held').addColumn('reason', 'text').execute()
    },
  },
  '0007-table-owners': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('table_owner')
        .addColumn('place', 'text', (c) => c.notNull())
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('list', 'text', (c) => c.notNull())
        .addColumn('entity', 'text', (c) => c.notNull())
        .addColumn('sync', 'text', (c) => c.notNull())
        .addColumn('source_address', 'text', (c) => c.notNull())
        .addPrimaryKeyConstraint('table_owner_pk', ['place', 'source'])
        .modifyEnd(sql`without rowid`)
        .execute()
    },
  },
  '0008-still-open': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('again')
        .addColumn('found', 'integer', (c) => c.notNull().defaultTo(1))
        .execute()
      await sql`create index held_left_out on held (entity, key) where state = 'discarded'`.execute(db)
      // Only the alert said so until now, and any run that compared other rows cleared it.
      await sql`
        insert into difference (id, sync, entity, address, sink_name, run, problem, since)
        select id, sync, entity, '', '', '', message, raised from alert
        where kind = 'no-tie' and cleared is null and entity is not null and message not like '%could not be compared%'`.execute(
        db,
      )
      // Discarded by a version that did not look whether a later one was delivered.
      await sql`
        update held set state = 'superseded' where state = 'discarded' and reason is null and exists (
          select 1 from address join delivery on delivery.address = address.id
          where address.address = held.sink and delivery.key = held.key and delivery.read > held.read)`.execute(db)
    },
  },
}
