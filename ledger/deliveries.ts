/** The memory of deliveries, the one hot table: one prepared statement for each batch, one row for each record. */
import type { Database } from './database.ts'
import type { Intern } from './intern.ts'
import type { Delivery, StoredRange } from './ledger.ts'

export interface Deliveries {
  find(address: string, keys: readonly string[]): Map<string, Delivery>
  /** Inside a transaction. */
  write(address: string, sync: string, deliveries: readonly Delivery[]): void
  doubt(address: string, keys?: readonly string[]): void
  match(address: string, range: StoredRange): void
  clear(address: string): void
  any(address: string): boolean
  highestRead(address: string): number
  raiseHighestRead(address: string, read: number): void
  /** Takes away some of the rows that `clear` left behind; true when none are left. */
  sweep(): boolean
}

export function createDeliveries(db: Database, intern: Intern): Deliveries {
  const { raw } = db
  const find = raw.prepare(`
    SELECT d.key, d.read, lower(hex(d.hash)), d.hash IS NULL, lower(hex(d.original_hash)), d.original_hash IS NULL, d.run, c.totals, d.source
    FROM json_each(?) AS j
    CROSS JOIN delivery AS d ON d.address = ? AND d.key = j.value
    LEFT JOIN contribution AS c ON c.address = d.address AND c.key = d.key`)
  find.setReturnArrays(true)
  const put = (source: string) =>
    raw.prepare(`
    INSERT INTO delivery (address, key, read, hash, original_hash, run, source)
    SELECT ?, value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3), value ->> 4, ${source}
    FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET read = excluded.read, hash = excluded.hash, original_hash = excluded.original_hash,
      run = excluded.run, source = excluded.source
    WHERE excluded.read >= delivery.read`)
  // Few flows write other keys than the source's: one member less costs nothing there.
  const write = put('NULL')
  const writeMapped = put('value ->> 5')
  const doubt = raw.prepare(
    'UPDATE delivery SET hash = NULL WHERE address = ? AND key IN (SELECT value FROM json_each(?))',
  )
  const doubtAll = raw.prepare('UPDATE delivery SET hash = NULL WHERE address = ?')
  const doubtOthers = raw.prepare(`
    UPDATE delivery SET hash = NULL
    WHERE address = ? AND key > ? AND key <= ? AND key NOT IN (SELECT value ->> 0 FROM json_each(?))`)
  const match = raw.prepare(`
    INSERT INTO delivery (address, key, read, hash, run) SELECT ?, value ->> 0, value ->> 1, unhex(value ->> 2), 0
    FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET read = max(delivery.read, excluded.read), hash = excluded.hash,
      original_hash = CASE WHEN delivery.hash IS excluded.hash THEN delivery.original_hash END`)
  const contribute = raw.prepare(`
    INSERT INTO contribution (address, key, totals)
    SELECT ?, value ->> 0, value ->> 1 FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET totals = excluded.totals`)
  const raise = raw.prepare('UPDATE address SET highest_read = ? WHERE id = ? AND highest_read < ?')
  const highest = raw.prepare('SELECT highest_read FROM address WHERE id = ?')
  const any = raw.prepare('SELECT 1 FROM delivery WHERE address = ? LIMIT 1')
  const dropSome = raw.prepare(`
    DELETE FROM delivery WHERE address = ? AND key <= coalesce(
      (SELECT key FROM delivery WHERE address = ? ORDER BY key LIMIT 1 OFFSET 20000),
      (SELECT max(key) FROM delivery WHERE address = ?))`)
  const dropContributions = raw.prepare('DELETE FROM contribution WHERE address = ?')
  const setAside = raw.prepare("UPDATE address SET address = 'cleared:' || id WHERE id = ?")
  const addAnew = raw.prepare('INSERT INTO address (address, highest_read) VALUES (?, ?)')
  const aside = raw.prepare("SELECT id FROM address WHERE address LIKE 'cleared:%' LIMIT 1")
  const dropAddress = raw.prepare('DELETE FROM address WHERE id = ?')
  const hasAny = (id: number) => id !== 0 && any.get(id) !== undefined
  const highestOf = (id: number) => Number((highest.get(id) as { highest_read: number } | undefined)?.highest_read ?? 0)

  return {
    find(address, keys) {
      const found = new Map<string, Delivery>()
      const id = intern.address(address, false)
      if (id === 0 || keys.length === 0) return found
      const rows = db.guard(() => find.all(JSON.stringify(keys), id)) as unknown as [
        string,
        number,
        string,
        number,
        string,
        number,
        number,
        string | null,
        number | null,
      ][]
      for (const [key, read, hash, noHash, original, noOriginal, run, totals, source] of rows)
        found.set(key, {
          key,
          read,
          hash: noHash ? null : hash,
          originalHash: noOriginal ? null : original,
          totals: totals || null,
          run: intern.runId(run),
          source,
        })
      return found
    },
    write(address, sync, deliveries) {
      if (deliveries.length === 0) return
      const id = intern.address(address, true)
      const isMapped = deliveries.some((d) => typeof d.source === 'number')
      const rows = deliveries.map((d) => {
        const row = [d.key, d.read, d.hash, d.originalHash ?? null, d.run === '' ? 0 : intern.run(d.run, sync)]
        if (isMapped) row.push(d.source ?? null)
        return row
      })
      if (isMapped) writeMapped.run(id, JSON.stringify(rows))
      else write.run(id, JSON.stringify(rows))
      if (deliveries.some((d) => d.totals))
        contribute.run(id, JSON.stringify(deliveries.map((d) => [d.key, d.totals ?? ''])))
      const read = deliveries.reduce((most, d) => Math.max(most, d.read), 0)
      raise.run(read, id, read)
    },
    doubt(address, keys) {
      const id = intern.address(address, false)
      db.guard(() => (keys === undefined ? doubtAll.run(id) : doubt.run(id, JSON.stringify(keys))))
    },
    match(address, { after, through, stored }) {
      const rows = JSON.stringify(stored.map(({ key, read, hash }) => [key, read, hash ?? null]))
      db.tx(() => {
        const id = intern.address(address, true)
        doubtOthers.run(id, after, through, rows)
        match.run(id, rows)
      })
    },
    clear(address) {
      const id = intern.address(address, false)
      if (!hasAny(id)) return
      // Millions of rows would take seconds: the address gets a new number, and the old rows go little by little.
      db.tx(() => {
        const read = highestOf(id)
        setAside.run(id)
        addAnew.run(address, read)
        dropContributions.run(id)
      })
      intern.forget()
      this.sweep()
    },
    any: (address) => hasAny(intern.address(address, false)),
    highestRead(address) {
      const id = intern.address(address, false)
      return id === 0 ? 0 : highestOf(id)
    },
    raiseHighestRead(address, read) {
      db.guard(() => raise.run(read, intern.address(address, true), read))
    },
    sweep() {
      const old = aside.get() as { id: number } | undefined
      if (!old) return true
      db.tx(() => {
        dropSome.run(old.id, old.id, old.id)
        if (!hasAny(old.id)) dropAddress.run(old.id)
      })
      return aside.get() === undefined
    },
  }
}
