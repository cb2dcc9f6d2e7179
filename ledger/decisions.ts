/** What people decided, kept for years. */
import { randomUUID } from 'node:crypto'
import { type Database, prepared } from './database.ts'
import type { Decision, Decisions, NewDecision } from './ledger.ts'

export interface DecisionBook {
  readonly topic: Pick<Decisions, 'decisions' | 'decide'>
  /** Inside a transaction. */
  write(decision: NewDecision): void
}

export function createDecisions(db: Database, at: () => string): DecisionBook {
  const { put, list } = prepared(db, {
    put: 'INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    list: `
      SELECT id, at, person AS "by", reason, kind, sync, entity, sink, about FROM decision
      WHERE (?1 IS NULL OR sync = ?1) ORDER BY at DESC LIMIT ?2`,
  })
  const write: DecisionBook['write'] = ({ by, reason, kind, sync, entity, sink, about }) => {
    put.run(randomUUID(), at(), by, reason, kind, sync, entity, sink, about)
  }
  return {
    write,
    topic: {
      decisions: async ({ sync, limit = 100 }) =>
        db.guard(() => list.all(sync ?? null, limit)) as unknown as readonly Decision[],
      async decide(decision) {
        db.tx(() => write(decision))
      },
    },
  }
}
