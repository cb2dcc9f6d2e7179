/** The ledger in one SQLite file: everything that one settled batch changes is one transaction, on disk when it returns. */
import { randomUUID } from 'node:crypto'
import type { Schema } from '../sync/contract/message.ts'
import type { Cipher } from './crypt.ts'
import type { Database } from './database.ts'
import { createDeliveries } from './deliveries.ts'
import { createFilled } from './filled.ts'
import { createHeld } from './held.ts'
import { createIntern } from './intern.ts'
import { createKnownKeys } from './known.ts'
import type { AlertRecord, Intent, Ledger, Position } from './ledger.ts'
import { readNumbers } from './numbers.ts'
import { createOwners } from './owners.ts'
import { createRuns } from './runs.ts'
import { createStanding } from './standing.ts'
import type { Tables } from './tables.ts'

export interface SqliteLedgerOptions {
  readonly db: Database
  readonly id: string
  readonly cipher: Cipher
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const day = 86_400_000

export function createSqliteLedger({
  db,
  id,
  cipher,
  now,
}: SqliteLedgerOptions): Ledger & { recover(): { runs: number; held: number } } {
  const { raw, query } = db
  const at = () => new Date(now()).toISOString()
  const intern = createIntern(db, at)
  const numbers = readNumbers(db, now)
  const deliveries = createDeliveries(db, intern)
  const held = createHeld(db, intern, cipher, at)
  const runs = createRuns(db, intern, at)
  const { write: writeKnown, lose, areShown, ...known } = createKnownKeys(db)
  const { write: writeFilled, forget: forgetFilled, ...filled } = createFilled(db, deliveries, { lose }, numbers.next)

  const { decide, queue, ...standing } = createStanding(db, at)

  const putPosition = raw.prepare(`
    INSERT INTO position (sync, entity, identity, read_through, read_at, window) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET identity = excluded.identity, read_through = excluded.read_through, read_at = excluded.read_at,
      window = excluded.window`)
  const savePosition = (sync: string, entity: string, { identity, readThrough, readAt, window }: Position) =>
    putPosition.run(sync, entity, identity, readThrough, readAt ?? null, window && JSON.stringify(window))
  const delivered = raw.prepare(
    'SELECT 1 FROM run JOIN batch ON batch.run = run.seq WHERE run.sync = ? AND batch.delivered > 0 LIMIT 1',
  )
  const closeIntent = raw.prepare('DELETE FROM intent WHERE id = ?')

  const alertRecord = ({ entity, cleared, ...row }: Tables['alert']): AlertRecord => ({
    ...row,
    ...(entity === null ? {} : { entity }),
    ...(cleared === null ? {} : { cleared }),
  })
  const openAlerts = (match: { sync: string; kind: string; entity?: string }) => {
    const found = query.selectFrom('alert').selectAll().where('sync', '=', match.sync).where('kind', '=', match.kind)
    const open = found.where('cleared', 'is', null)
    return match.entity === undefined ? open : open.where('entity', '=', match.entity)
  }

  const toIntent = ({ shape, records, state, ...row }: Tables['intent']): Intent => ({
    ...row,
    schema: JSON.parse(intern.shapeJson(shape)) as Schema,
    records: JSON.parse(records) as Intent['records'],
    state: state as Intent['state'],
  })

  return {
    ...known,
    ...filled,
    ...createOwners(db),
    ...standing,
    id,
    nextRead: () => numbers.next(),
    lastRead: () => numbers.last(),
    raiseRead: (above) => numbers.raise(above),

    position: (sync, entity) =>
      db.ask(async () => {
        const row = await query
          .selectFrom('position')
          .selectAll()
          .where('sync', '=', sync)
          .where('entity', '=', entity)
          .executeTakeFirst()
        return (
          row && {
            identity: row.identity,
            readThrough: row.read_through,
            readAt: row.read_at,
            window: row.window === null ? null : (JSON.parse(row.window) as Position['window']),
          }
        )
      }),
    async savePosition(sync, entity, position) {
      db.guard(() => savePosition(sync, entity, position))
    },
    async clearPositions(sync) {
      await db.ask(() => query.deleteFrom('position').where('sync', '=', sync).execute())
    },
    async hasMemory(sync) {
      return db.guard(() => delivered.get(sync)) !== undefined
    },
    adopted: (sync) => db.ask(() => query.selectFrom('adopted').selectAll().where('sync', '=', sync).execute()),
    async adopt({ sync, entity, ledger, read }) {
      const put = raw.prepare('INSERT INTO adopted VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET read = excluded.read')
      db.guard(() => put.run(sync, entity, ledger, read))
    },

    beginRun: runs.beginRun,
    endRun: runs.endRun,
    runs: runs.runs,
    knowsRun: runs.knowsRun,
    lastSuccess: runs.lastSuccess,

    deliveries: async (address, keys) => deliveries.find(address, keys),
    async doubtDeliveries(address, keys) {
      deliveries.doubt(address, keys)
    },
    async matchDeliveries(address, range) {
      deliveries.match(address, range)
    },
    async clearDeliveries(address) {
      deliveries.clear(address)
    },
    hasDeliveries: async (address) => deliveries.any(address),
    highestRead: async (address) => deliveries.highestRead(address),
    async raiseHighestRead(address, read) {
      deliveries.raiseHighestRead(address, read)
    },

    async commit(commit) {
      try {
        db.tx(() => {
          const account = commit.deliveries ?? []
          const holds = (commit.held ?? []).map((h) => ({ key: h.key, read: h.read, hash: null, run: h.run }))
          held.close(commit, account, holds)
          if (commit.address !== undefined) deliveries.write(commit.address, commit.sync, account)
          if (commit.address !== undefined && commit.filled) {
            const { address, sync, entity } = commit
            writeFilled(
              address,
              commit.filled.map((list) => ({ list, sync, entity })),
            )
          }
          held.add(commit.held ?? [])
          runs.count(commit)
          if (commit.position) savePosition(commit.sync, commit.position.entity, commit.position.position)
          if (commit.known) writeKnown(commit.sync, commit.entity, commit.known)
          if (commit.intent !== undefined) closeIntent.run(commit.intent)
          if (commit.decision) decide(commit.decision)
        })
      } catch (error) {
        // A number that was made in the transaction is gone with it.
        intern.forget()
        throw error
      }
    },

    async openIntent(intent) {
      const put = raw.prepare("INSERT INTO intent VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING")
      const { schema, records } = intent
      db.tx(() =>
        put.run(
          intent.id,
          intent.address,
          intent.sync,
          intent.run,
          intent.entity,
          intern.shape(JSON.stringify(schema)),
          JSON.stringify(records),
          intent.at,
        ),
      )
    },
    intents: (address) =>
      db.ask(async () =>
        (await query.selectFrom('intent').selectAll().where('address', '=', address).orderBy('at').execute()).map(
          toIntent,
        ),
      ),
    doubtful: (sync) =>
      db.ask(async () => {
        const found = query.selectFrom('intent').selectAll().where('state', '<>', 'open').orderBy('at')
        return (await (sync === undefined ? found : found.where('sync', '=', sync)).execute()).map(toIntent)
      }),
    async closeIntent(intent, as) {
      db.guard(() =>
        as === 'absent'
          ? closeIntent.run(intent)
          : raw.prepare('UPDATE intent SET state = ? WHERE id = ?').run(as, intent),
      )
    },
    async forgetAddress(address) {
      deliveries.clear(address)
      forgetFilled(address)
      db.guard(() => raw.prepare('DELETE FROM intent WHERE address = ?').run(address))
    },
    note: (address) =>
      db.ask(async () => {
        const row = await query.selectFrom('note').select('text').where('address', '=', address).executeTakeFirst()
        return row?.text
      }),
    async saveNote(address, text) {
      const put = raw.prepare('INSERT INTO note VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text')
      db.guard(() => put.run(address, text))
    },

    held: async (filter) => held.list(filter),
    countHeld: async (filter) => held.count(filter),
    heldReads: async (sink, keys) => held.reads(sink, keys),
    oldestHeld: async (sync, entity) => held.oldest(sync, entity),
    claimHeld: async (filter, run) => held.claim(filter, run),
    releaseHeld: async (ids, as) => held.release(ids, as),
    editHeld: async (heldId, record, by) => held.edit(heldId, record, by),
    discardHeld: async (ids, who) =>
      db.tx(() => {
        const gone = held.discard(ids, who)
        for (const { sync, entity, sink, key } of gone)
          decide({ ...who, kind: 'discard', sync, entity, sink, about: key })
        return gone.length
      }),
    async settleAbsent(intent, who) {
      const { id: batch, sync, entity, address, records } = intent
      const counts = db.tx(() => {
        const edited = new Set(held.edited(intent))
        const others = records.filter((record) => !edited.has(record))
        const shown = areShown(
          sync,
          entity,
          others.flatMap(({ key, source }) => (source === undefined ? [key] : [])),
        )
        const sources = others.flatMap(({ key, source }) => source ?? (shown.has(key) ? key : []))
        const unfound = others.filter(({ key, source }) => source === undefined && !shown.has(key))
        closeIntent.run(batch)
        queue(sync, entity, sources, true)
        queue(
          sync,
          entity,
          unfound.map(({ key }) => key),
          false,
        )
        decide({ ...who, kind: 'in-doubt', sync, entity, sink: address, about: `${batch}: it is not there` })
        return { again: sources.length, edited: edited.size, unfound: unfound.length }
      })
      if (counts.unfound > 0) await known.doubtTargets(sync, entity)
      return counts
    },
    async decide(decision) {
      db.tx(() => decide(decision))
    },

    raiseAlert: (alert) =>
      db.ask(async () => {
        const entity = alert.entity ?? null
        const known = (await openAlerts(alert).execute()).find((row) => row.entity === entity)
        if (known) {
          await query.updateTable('alert').set({ message: alert.message }).where('id', '=', known.id).execute()
          return undefined
        }
        const row = { ...alert, entity, id: randomUUID(), raised: at(), cleared: null }
        await query.insertInto('alert').values(row).execute()
        return alertRecord(row)
      }),
    clearAlerts: (match) =>
      db.ask(async () => {
        const cleared = at()
        const rows = await openAlerts(match).execute()
        for (const row of rows) await query.updateTable('alert').set({ cleared }).where('id', '=', row.id).execute()
        return rows.map((row) => alertRecord({ ...row, cleared }))
      }),
    alerts: ({ sync, open }) =>
      db.ask(async () => {
        let select = query.selectFrom('alert').selectAll()
        if (sync !== undefined) select = select.where('sync', '=', sync)
        if (open !== undefined) select = select.where('cleared', open ? 'is' : 'is not', null)
        return (await select.orderBy('raised').execute()).map(alertRecord)
      }),

    async purge(olderThanDays) {
      const before = new Date(now() - olderThanDays * day).toISOString()
      await runs.purge(before)
      held.purge(before)
      await db.ask(() => query.deleteFrom('alert').where('cleared', '<', before).execute())
      while (!deliveries.sweep()) await new Promise(setImmediate)
      intern.forget()
    },

    /** At open: nothing of an earlier process goes on. */
    recover: () =>
      db.tx(() => {
        raw.exec('DELETE FROM contribution')
        return { runs: runs.bury(), held: held.giveBack() }
      }),

    async close() {
      if (!raw.isOpen) return
      await db.ask(() => query.destroy())
      if (raw.isOpen) raw.close()
    },
  }
}
