/** Two stages: accepted records until their result is there, what was sent last, and the figures of both. */

import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { Amounts } from '../sync/contract/summary.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import type { DecisionBook } from './decisions.ts'
import type { DeliveryMemory } from './deliveries.ts'
import type { HeldBook } from './held.ts'
import { hasSentMore, writeInstallation } from './installation.ts'
import type { Intern } from './intern.ts'
import type { AcceptedRecord, Commit, LastSent, NewAccepted, OpenResult, ResultEnd, Results } from './ledger.ts'
import type { ReadAgainBook } from './read-again.ts'
import { createResultFigures, type ResultFigureBook } from './result-figures.ts'

export interface ResultBook {
  readonly topic: Results
  /** Inside a transaction. Earlier versions of their keys are superseded. */
  accept(
    commit: Pick<Commit, 'run' | 'sync' | 'entity' | 'sinkName'>,
    address: string,
    all: readonly NewAccepted[],
  ): void
  /** Nothing of the address has a meaning any more. */
  forget(address: string): void
  purge(): void
  /** At open: it is an old copy of what was sent from it, and nothing of that counts as known any more. */
  recognise(): boolean
}

export interface ResultParts {
  readonly db: Database
  /** Of the ledger. */
  readonly id: string
  /** The file by which an old copy of this ledger is told; undefined: there is none. */
  readonly installation: string | undefined
  readonly intern: Intern
  readonly cipher: Cipher
  readonly deliveries: Pick<DeliveryMemory, 'doubtFrom' | 'doubt'>
  readonly held: Pick<HeldBook, 'add'>
  readonly readAgain: Pick<ReadAgainBook, 'add'>
  readonly decisions: Pick<DecisionBook, 'write'>
  readonly at: () => string
}

const SQL = {
  last: `
    SELECT s.key, lower(hex(s.hash)) AS hash, s.through FROM json_each(?) AS j
    CROSS JOIN sent AS s ON s.address = ? AND s.key = j.value`,
  sending: `
    INSERT INTO sent (address, key, read, hash, through)
    SELECT ?, value ->> 0, value ->> 1, unhex(value ->> 2), 0 FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET read = excluded.read, hash = excluded.hash, through = 0`,
  through: 'UPDATE sent SET through = 1 WHERE address = ? AND key = ? AND read = ?',
  highest: 'SELECT coalesce(max(read), 0) AS read FROM sent',
  addresses: 'SELECT DISTINCT address FROM sent',
  doubtSent: 'UPDATE sent SET through = 0',
  before: 'SELECT * FROM result WHERE address = ? AND key = ?',
  drop: 'DELETE FROM result WHERE seq = ?',
  put: `
    INSERT INTO result (address, key, read, sync, run, entity, sink_name, source_address, source_key, hash, before, again,
      requests, since, state, record, shape, amounts, counted)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)`,
  pending: `
    SELECT address, key, read, sync, run, entity, sink_name, hash, before, again, requests, since FROM result
    WHERE state = 'pending' AND address = ? AND (since, key) > (?, ?) ORDER BY since, key LIMIT ?`,
  places: `
    SELECT address, entity, sync, count(*) AS pending FROM result WHERE state = 'pending' GROUP BY 1, 2, 3`,
  open: `
    SELECT address, sync, entity, sink_name, key, read, since, state, requests, text, amounts FROM result
    WHERE (?1 IS NULL OR sync = ?1) AND (since, key, address) > (?3, ?4, ?5) ORDER BY since, key, address LIMIT ?2`,
  countAll: 'SELECT count(*) AS n FROM result',
  warned: "UPDATE result SET state = 'warned', text = ?, needs = ?, record = NULL WHERE seq = ?",
  complete: `
    UPDATE result SET needs = NULL, retry_at = ? WHERE needs IS NOT NULL AND source_key IS NOT NULL
      AND EXISTS (SELECT 1 FROM json_each(result.needs) WHERE value = ?)`,
  incomplete: `
    UPDATE result SET retry_at = NULL WHERE retry_at IS NOT NULL AND sync = ?
    RETURNING address, key, read, entity, source_key`,
  notThrough: 'UPDATE sent SET through = 0 WHERE address = ? AND key = ?',
  seen: `
    DELETE FROM result WHERE address = ? AND state = 'warned' AND key IN (SELECT value FROM json_each(?))
    RETURNING sync, entity, key`,
  retry: `
    UPDATE held SET retry_at = ?, needs = ? WHERE entity = ? AND key = ? AND sink = ? AND state = 'open'`,
  wake: `
    UPDATE held SET retry_at = ?1 WHERE state = 'open' AND retry_at > ?1
      AND EXISTS (SELECT 1 FROM json_each(held.needs) WHERE value = ?2)`,
  due: `
    SELECT entity, source_key FROM held
    WHERE sync = ? AND state = 'open' AND retry_at <= ? AND edited IS NULL AND source_key IS NOT NULL`,
  forget: 'DELETE FROM result WHERE address = ?',
  forgetSent: 'DELETE FROM sent WHERE address = ?',
}

interface Row {
  seq: number
  address: string
  key: string
  read: number
  sync: string
  run: string
  entity: string
  sink_name: string
  source_address: string
  source_key: string | null
  hash: string
  before: string | null
  again: number
  requests: string
  since: string
  state: 'pending' | 'warned'
  text: string | null
  record: Uint8Array
  shape: number
  amounts: string | null
  counted: number
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

const about = ({ address, key, read }: Pick<Row, 'address' | 'key' | 'read'>): string =>
  `result ${address} ${key} ${read}`

export function createResults(parts: ResultParts): ResultBook {
  const { db, id, installation, intern, cipher, decisions, readAgain, at } = parts
  const statements = prepared(db, SQL)
  const figures = createResultFigures(db)
  return {
    topic: {
      ...asking(db, statements),
      resultFigures: figures.of,
      async sending(address, records) {
        const rows = JSON.stringify(records.map(({ key, read, hash }) => [key, read, hash]))
        db.tx(() => statements.sending.run(address, rows))
        const read = records.reduce((most, one) => Math.max(most, one.read), 0)
        if (installation !== undefined) writeInstallation(installation, { sent: { [id]: read } })
      },
      async endResults(address, ends) {
        db.tx(() => endAll(parts, statements, figures, address, ends))
      },
      seenWarnings: async (address, keys, who) =>
        db.tx(() => {
          const seen = statements.seen.all(address, JSON.stringify(keys)) as unknown as Pick<
            Row,
            'sync' | 'entity' | 'key'
          >[]
          for (const { sync, entity, key } of seen)
            decisions.write({ ...who, kind: 'warning', sync, entity, sink: address, about: key })
          return seen.length
        }),
      retryRefused: async (sync) =>
        db.tx(() => {
          const due = statements.due.all(sync, at()) as unknown as { entity: string; source_key: string }[]
          const all = [...due, ...completed(parts, statements, sync)]
          for (const { entity, source_key } of all) readAgain.add(sync, entity, [source_key], true)
          return [...new Set(all.map(({ entity }) => entity))]
        }),
    },
    accept(commit, address, all) {
      const { run, sync, entity, sinkName } = commit
      const count = figures.begin()
      const nothing: ResultEnd[] = []
      let schema: Schema | undefined
      let shape = 0
      for (const one of all) {
        const old = statements.before.get(address, one.key) as unknown as Row | undefined
        if (old) {
          if (old.state === 'pending') count.add(old, 'superseded')
          statements.drop.run(old.seq)
        }
        const amounts = one.amounts ? JSON.stringify(one.amounts) : null
        const counted = one.counted === false ? 0 : 1
        const of = { address, key: one.key, read: one.read }
        const sealed = cipher.seal(JSON.stringify(one.record), about(of))
        if (one.schema !== schema) {
          schema = one.schema
          shape = intern.shape(JSON.stringify(schema))
        }
        const requests = JSON.stringify(one.requests.map(({ request, items }) => [request, items]))
        statements.put.run(
          ...[address, one.key, one.read, sync, run, entity, sinkName, one.sourceAddress, one.sourceKey ?? null],
          ...[one.hash, one.before, Number(one.again), requests, one.since, sealed, shape, amounts, counted],
        )
        count.add({ run, entity, address, amounts, counted }, 'accepted')
        // There was nothing to send.
        if (one.requests.length === 0) nothing.push({ key: one.key, read: one.read, as: 'processed' })
      }
      count.write()
      if (nothing.length > 0) endAll(parts, statements, figures, address, nothing)
    },
    forget(address) {
      statements.forget.run(address)
      statements.forgetSent.run(address)
    },
    purge: figures.purge,
    recognise() {
      const { read: sent } = statements.highest.get() as { read: number }
      if (installation === undefined || !hasSentMore(installation, { id, sent })) return false
      statements.doubtSent.run()
      for (const { address } of statements.addresses.all() as { address: string }[]) parts.deliveries.doubt(address)
      return true
    },
  }
}

/** What is only read. */
function asking(
  db: Database,
  { last, pending, places, open, countAll }: Statements,
): Pick<Results, 'lastSent' | 'pendingResults' | 'resultPlaces' | 'openResults' | 'countResults'> {
  return {
    async lastSent(address, keys) {
      const rows = db.guard(() => last.all(JSON.stringify(keys), address)) as unknown as (Omit<LastSent, 'through'> & {
        key: string
        through: number
      })[]
      return new Map(rows.map(({ key, hash, through }) => [key, { hash, through: through === 1 }]))
    },
    countResults: async () => Number((db.guard(() => countAll.get()) as { n: number }).n),
    pendingResults: async (address, limit, after = { since: '', key: '' }) =>
      (db.guard(() => pending.all(address, after.since, after.key, limit)) as unknown as Row[]).map(acceptedRecord),
    resultPlaces: async () => db.guard(() => places.all()) as unknown as Awaited<ReturnType<Results['resultPlaces']>>,
    openResults: async ({ sync, limit = 1000, after = { since: '', key: '', address: '' } }) =>
      (db.guard(() => open.all(sync ?? null, limit, after.since, after.key, after.address)) as unknown as Row[]).map(
        openResult,
      ),
  }
}

const requestsOf = (text: string): [request: string, items: string[]][] => JSON.parse(text)

const acceptedRecord = ({ sink_name, again, requests, ...row }: Row): AcceptedRecord => ({
  ...row,
  sinkName: sink_name,
  again: again === 1,
  requests: requestsOf(requests).map(([request, items]) => ({ request, items })),
})

const openResult = ({
  address,
  sync,
  entity,
  sink_name,
  key,
  read,
  since,
  state,
  requests,
  text,
  amounts,
}: Row): OpenResult => ({
  ...{ address, sync, entity, key, read, since, state, sinkName: sink_name },
  requests: [...new Set(requestsOf(requests).map(([request]) => request))],
  ...(text !== null && { text }),
  ...(amounts !== null && { amounts: JSON.parse(amounts) as Amounts }),
})

/** Inside a transaction: what became of versions that are still the latest. */
function endAll(
  parts: ResultParts,
  statements: Statements,
  figures: ResultFigureBook,
  address: string,
  ends: readonly ResultEnd[],
): void {
  const woken = new Set<string>()
  const arrived = new Set<string>()
  const count = figures.begin()
  for (const end of ends) {
    const row = statements.before.get(address, end.key) as unknown as Row | undefined
    if (row?.read !== end.read || row.state !== 'pending') continue
    if (end.as === 'processed' || end.as === 'warned') {
      statements.through.run(address, end.key, end.read)
      woken.add(row.entity)
      if (row.before === null) arrived.add(row.entity)
      count.add(row, end.as)
      if (end.as === 'warned') statements.warned.run(end.text, needsText(end.needs), row.seq)
      else statements.drop.run(row.seq)
    } else {
      statements.drop.run(row.seq)
      parts.deliveries.doubtFrom(address, end.key, end.read)
      const isRead = end.as === 'again' && row.source_key !== null
      count.add(row, isRead ? 'again' : 'held')
      if (isRead) parts.readAgain.add(row.sync, row.entity, [row.source_key as string], true)
      else hold(parts, statements, row, end)
    }
  }
  count.write()
  for (const entity of woken) statements.wake.run(parts.at(), entity)
  for (const entity of arrived) statements.complete.run(parts.at(), entity)
}

const needsText = (needs: readonly string[] = []): string | null => (needs.length > 0 ? JSON.stringify(needs) : null)

/** Inside a transaction: what the target took without something that it did not have, and which has come since. */
function completed({ deliveries }: ResultParts, statements: Statements, sync: string) {
  const all = statements.incomplete.all(sync) as unknown as (Row & { readonly source_key: string })[]
  for (const { address, key, read } of all) {
    deliveries.doubtFrom(address, key, read)
    // The same content would be skipped as unchanged.
    statements.notThrough.run(address, key)
  }
  return all
}

function hold(
  { held, cipher, intern }: ResultParts,
  { retry }: Statements,
  row: Row,
  { cause, retryAt, needs = [] }: Extract<ResultEnd, { cause: unknown }>,
): void {
  const { address, key, sync, run, entity, read } = row
  held.add([
    {
      heldBy: address,
      sinkName: row.sink_name,
      stage: 'sink',
      ...{ key, sync, run, entity, read, cause },
      ...(row.source_key !== null && { sourceKey: row.source_key }),
      sourceAddress: row.source_address,
      record: JSON.parse(cipher.open(row.record, about(row))) as DataRecord,
      schema: JSON.parse(intern.shapeJson(row.shape)) as Schema,
      ...(row.amounts !== null && { amounts: JSON.parse(row.amounts) as Amounts }),
    },
  ])
  retry.run(retryAt, JSON.stringify(needs), entity, key, address)
}
