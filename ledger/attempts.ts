/** Attempts to post: intents of one record each, which they keep until it is known what became of them. */
import { syncError } from '../sync/contract/errors.ts'
import type { DataRecord, Schema } from '../sync/contract/message.ts'
import type { Cipher } from './crypt.ts'
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { PostAttempt, Postings } from './ledger.ts'
import type { PostingBook } from './postings.ts'

const SQL = {
  put: `
    INSERT INTO intent (id, address, sync, run, entity, shape, records, state, at, posting, document, amounts)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?)`,
  list: `
    SELECT id, address, sync, run, entity, records, state, at, posting FROM intent
    WHERE posting IS NOT NULL AND (?1 IS NULL OR address = ?1) ORDER BY at`,
  drop: 'DELETE FROM intent WHERE id = ?',
  document: 'SELECT document, shape, entity FROM intent WHERE id = ? AND document IS NOT NULL',
}

interface AttemptRow {
  id: string
  address: string
  sync: string
  run: string
  entity: string
  records: string
  state: string
  at: string
  posting: string
}

const aboutAttempt = (id: string): string => `attempt ${id}`

export function createAttempts(
  db: Database,
  intern: Intern,
  cipher: Cipher,
  postings: Pick<PostingBook, 'nextAttempt' | 'announce'>,
): Pick<Postings, 'openAttempt' | 'attempts' | 'attempted'> {
  const { put, list, drop, document } = prepared(db, SQL)
  return {
    async openAttempt(attempt, record, schema) {
      const { id, address, sync, run, entity, at, key, read, hash, sourceKey, told, ...rest } = attempt
      const records = [{ key, read, hash, ...(sourceKey !== null && { source: sourceKey }) }]
      const { originalHash, source, facts, sinkName } = rest
      const number = db.tx(() => {
        const shape = intern.shape(JSON.stringify(schema))
        const sealed = cipher.seal(JSON.stringify(record), aboutAttempt(id))
        const more = JSON.stringify({ originalHash, source, facts, sinkName })
        put.run(
          id,
          address,
          sync,
          run,
          entity,
          shape,
          JSON.stringify(records),
          at,
          more,
          sealed,
          told ? JSON.stringify(told) : null,
        )
        return postings.nextAttempt()
      })
      try {
        postings.announce(number)
      } catch (error) {
        // Nothing is sent, and nothing is in doubt.
        db.guard(() => drop.run(id))
        throw error
      }
    },
    attempts: async (address) => (db.guard(() => list.all(address ?? null)) as unknown as AttemptRow[]).map(attemptOf),
    async attempted(id) {
      const row = db.guard(() => document.get(id)) as
        | { document: Uint8Array; shape: number; entity: string }
        | undefined
      if (!row) return undefined
      try {
        const record = JSON.parse(cipher.open(row.document, aboutAttempt(id))) as DataRecord
        return { record, schema: JSON.parse(intern.shapeJson(row.shape)) as Schema }
      } catch {
        throw syncError('config', 'ledger.sealed', `The attempt ${id} to post ${row.entity} cannot be decrypted.`, {
          entity: row.entity,
          hint: 'The ledger was made with another key, or the file was changed.',
        })
      }
    },
  }
}

function attemptOf({ records, posting, state, ...row }: AttemptRow): PostAttempt {
  const [{ key = '', read = 0, hash = '', source: sourceKey = null } = {}] = JSON.parse(records) as {
    key: string
    read: number
    hash: string
    source?: string
  }[]
  const more = JSON.parse(posting) as Pick<PostAttempt, 'originalHash' | 'source' | 'facts' | 'sinkName'>
  return { ...row, ...more, state: state === 'open' ? 'open' : 'in-doubt', key, read, hash, sourceKey }
}
