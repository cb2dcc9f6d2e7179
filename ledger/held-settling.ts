/** What a settled batch does to held records: ends those it accounts for, and adds its own. */
import { randomUUID } from 'node:crypto'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import { contentOf, type HeldRow, opened } from './held-records.ts'
import type { Intern } from './intern.ts'
import type { Commit, Delivery } from './ledger.ts'

export type NewHeld = NonNullable<Commit['held']>[number]

export interface HeldSettling {
  /** Inside a transaction: ends what these deliveries account for, and what records replace that are held now. */
  close(
    commit: Pick<Commit, 'entity' | 'sync' | 'address'>,
    deliveries: readonly Delivery[],
    holds: readonly Delivery[],
  ): void
  /** Inside a transaction. */
  add(records: readonly NewHeld[]): void
}

// From what is delivered to what is held under its keys: the other way round is all that is held, for each batch.
const heldOf = (index: string, states: string): string => `
  FROM (SELECT value ->> 0 AS key, value ->> 1 AS read, value ->> 2 AS hash, value ->> 3 AS whose FROM json_each(?)) AS d
  CROSS JOIN held AS h INDEXED BY ${index} ON h.entity = ? AND h.key = d.key AND h.state ${states}`
// A node behind a catch holds under the key that the failed node saw; source and mapping hold under the source's.
const beforeSink = `(h.stage = 'flow' OR (h.stage IN ('source', 'map') AND d.whose <> 'target'))`

const SQL = {
  anyOpen: "SELECT 1 FROM held WHERE state IN ('open', 'replaying', 'discarded') AND entity = ? LIMIT 1",
  // A record held before the sink is superseded by a later read only: the same read may still be on its way to another sink.
  close: `
    WITH over AS MATERIALIZED (
      SELECT h.id, CASE WHEN h.read < d.read THEN 'superseded' ELSE 'delivered' END AS state
      ${heldOf('held_open', "IN ('open', 'replaying')")}
      WHERE (h.sink = ? AND d.whose <> 'source' AND (h.read < d.read OR (h.read = d.read AND d.hash IS NOT NULL)))
        OR (h.sync = ? AND h.read < d.read AND ${beforeSink}))
    UPDATE held SET state = over.state, closed_at = ? FROM over WHERE held.id = over.id`,
  // What a person left out is over when another version is accounted for, not when it is held.
  closeLeftOut: `
    WITH over AS MATERIALIZED (
      SELECT h.id ${heldOf('held_left_out', "= 'discarded'")}
      WHERE h.read < d.read AND ((h.sink = ? AND d.whose <> 'source') OR (h.sync = ? AND ${beforeSink})))
    UPDATE held SET state = 'superseded', closed_at = ? FROM over WHERE held.id = over.id`,
  current: `
    SELECT id, read FROM held WHERE entity = ? AND key = ? AND sink = ? AND state IN ('open', 'replaying')`,
  again: 'UPDATE held SET cause = ?, run = ? WHERE id = ?',
  leftOut: "SELECT * FROM held WHERE entity = ? AND key = ? AND sink = ? AND state = 'discarded' AND read < ?",
  readAgain: 'UPDATE held SET read = ?, run = ? WHERE id = ?',
  supersede: "UPDATE held SET state = 'superseded', closed_at = ?, claimed_by = NULL WHERE id = ?",
  insert: `
    INSERT INTO held (id, sink, sink_name, stage, key, sync, run, entity, source_address, read, stamp, record, shape, cause,
      state, attempts, held_at, source_key, amounts, changed)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', 0, ?, ?, ?, ?)`,
}

export function createHeldSettling(db: Database, intern: Intern, cipher: Cipher, at: () => string): HeldSettling {
  const { anyOpen, close, closeLeftOut, current, again, leftOut, readAgain, supersede, insert } = prepared(db, SQL)

  /** A person left this very version out, and it was only read again; another version takes its place. */
  const staysLeftOut = (held: NewHeld): boolean => {
    const rows = leftOut.all(held.entity, held.key, held.heldBy, held.read) as unknown as HeldRow[]
    const content = contentOf(held.record)
    for (const row of rows) {
      if (contentOf(opened(cipher, row)) === content) {
        readAgain.run(held.read, held.run, row.id)
        return true
      }
      supersede.run(at(), row.id)
    }
    return false
  }
  const put = (held: NewHeld): void => {
    const { heldBy, sinkName, stage, key, sync, run, entity, sourceAddress, read, record, schema, cause, amounts } =
      held
    const id = randomUUID()
    const stamp = typeof record._stamp === 'string' ? record._stamp : null
    const sealed = cipher.seal(JSON.stringify(record), id)
    const shape = intern.shape(JSON.stringify(schema))
    const why = JSON.stringify(cause)
    insert.run(
      id,
      heldBy,
      sinkName,
      stage,
      key,
      sync,
      run,
      entity,
      sourceAddress,
      read,
      stamp,
      sealed,
      shape,
      why,
      at(),
      held.sourceKey ?? null,
      amounts ? JSON.stringify(amounts) : null,
      Number(held.changed ?? false),
    )
  }

  return {
    close({ entity, sync, address }, deliveries, holds) {
      if (deliveries.length + holds.length === 0 || anyOpen.get(entity) === undefined) return
      close.run(byKeys(holds.length === 0 ? deliveries : [...deliveries, ...holds]), entity, address ?? '', sync, at())
      closeLeftOut.run(byKeys(deliveries), entity, address ?? '', sync, at())
    },
    add(records) {
      for (const held of records) {
        const open = current.get(held.entity, held.key, held.heldBy) as { id: string; read: number } | undefined
        if (open && open.read > held.read) continue
        if (open?.read === held.read) {
          again.run(JSON.stringify(held.cause), held.run, open.id)
          continue
        }
        if (open) supersede.run(at(), open.id)
        if (!staysLeftOut(held)) put(held)
      }
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
