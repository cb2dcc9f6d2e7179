/** What people decided, kept for years. */
import { randomUUID } from 'node:crypto'
import type { Log } from '../sync/contract/log.ts'
import type { Amounts } from '../sync/contract/summary.ts'
import { type Database, prepared } from './database.ts'
import type { Decision, Decisions, NewDecision } from './ledger.ts'

export interface DecisionBook {
  readonly topic: Pick<Decisions, 'decisions' | 'decide'>
  /** Inside a transaction. */
  write(decision: NewDecision): void
  purge(before: string): void
}

type DecisionRow = Omit<Decision, 'amounts'> & { readonly amounts: string | null }

export function createDecisions(db: Database, at: () => string, log?: Log): DecisionBook {
  const {
    put,
    list,
    about: listAbout,
    purge,
    kept,
  } = prepared(db, {
    put: 'INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    list: `
      SELECT id, at, person AS "by", reason, kind, sync, entity, sink, about, amounts FROM decision
      WHERE (?1 IS NULL OR sync = ?1) ORDER BY at DESC LIMIT ?2`,
    about: `
      SELECT id, at, person AS "by", reason, kind, sync, entity, sink, about, amounts FROM decision
      WHERE about IN (SELECT value FROM json_each(?3)) AND (?1 IS NULL OR sync = ?1) ORDER BY at DESC LIMIT ?2`,
    purge: 'DELETE FROM decision WHERE at < ?',
    kept: 'SELECT 1 FROM decision WHERE id = ?',
  })
  const write: DecisionBook['write'] = ({ by, reason, kind, sync, entity, sink, about, amounts }) => {
    const told = amounts ? JSON.stringify(amounts) : null
    const id = randomUUID()
    put.run(id, at(), by, reason, kind, sync, entity, sink, about, told)
    if (log === undefined) return
    // The transaction around it has ended by then, or is taken back.
    setImmediate(() => {
      if (db.raw.isOpen && kept.get(id)) log.info(inWords({ id, by, reason, kind, sync, entity }))
    })
  }
  return {
    write,
    purge(before) {
      db.guard(() => purge.run(before))
    },
    topic: {
      decisions: async ({ sync, about, limit = 100 }) =>
        (
          db.guard(() =>
            about ? listAbout.all(sync ?? null, limit, JSON.stringify(about)) : list.all(sync ?? null, limit),
          ) as unknown as DecisionRow[]
        ).map(
          ({ amounts, ...decision }): Decision => ({
            ...decision,
            ...(amounts === null ? {} : { amounts: JSON.parse(amounts) as Amounts }),
          }),
        ),
      async decide(decision) {
        db.tx(() => write(decision))
      },
    },
  }
}

/** One line, whatever a person wrote. No record's content: by its id the decision is found in the ledger. */
const inWords = ({
  id,
  by,
  reason,
  kind,
  sync,
  entity,
}: Pick<Decision, 'id' | 'by' | 'reason' | 'kind' | 'sync' | 'entity'>) =>
  `decision ${kind} by ${JSON.stringify(by)}: ${JSON.stringify(reason)} (sync ${JSON.stringify(sync)}, ${entity}, ${id})`
