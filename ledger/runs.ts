/** Runs as the ledger keeps them: leases, batches' counts, summaries, and what is left of runs whose process died. */

import { syncError } from '../sync/contract/errors.ts'
import type { Outcome } from '../sync/contract/message.ts'
import type { EntitySummary, RunSummary } from '../sync/contract/summary.ts'
import { type Database, prepared } from './database.ts'
import type { Intern } from './intern.ts'
import type { Commit, Runs } from './ledger.ts'

export interface RunBook {
  readonly topic: Runs
  /** Inside a transaction. */
  count(commit: Commit): void
  /** At open: no run of an earlier process goes on; their leases are void. Returns how many there were. */
  endAbandoned(): number
  purge(before: string): Promise<void>
}

const column: Record<Outcome, string> = {
  delivered: 'delivered',
  unchanged: 'unchanged',
  superseded: 'superseded',
  held: 'held',
  inDoubt: 'in_doubt',
  filtered: 'filtered',
}
const outcomes = Object.keys(column) as Outcome[]

const names = outcomes.map((outcome) => column[outcome])

const SQL = {
  count: `
    INSERT INTO batch (run, entity, batch, sink, sink_name, ${names.join(', ')}, rows, at)
    VALUES (?, ?, ?, ?, ?, ${names.map(() => '?').join(', ')}, ?, ?)
    ON CONFLICT DO UPDATE SET ${names.map((n) => `${n} = ${n} + excluded.${n}`).join(', ')}, rows = rows + excluded.rows,
      at = excluded.at`,
  known: "SELECT 1 FROM run WHERE id = ? AND state NOT IN ('part', 'kept')",
  holder: "SELECT id, started FROM run WHERE sync = ? AND mode = ? AND state = 'running'",
  others: "SELECT 1 FROM run WHERE state = 'running' AND mode <> 'push' LIMIT 1",
  begin: "INSERT INTO run (id, sync, mode, state, started) VALUES (?, ?, ?, 'running', ?)",
  end: 'UPDATE run SET state = ?, ended = ?, summary = ? WHERE id = ?',
  endAbandoned: "UPDATE run SET state = 'died', ended = ? WHERE state = 'running'",
}

type Statements = ReturnType<typeof prepared<keyof typeof SQL>>

export function createRuns(db: Database, intern: Intern, at: () => string): RunBook {
  const statements = prepared(db, SQL)
  const { query } = db
  return {
    topic: { ...leases(db, statements), ...history(db, statements) },
    count(commit) {
      statements.count.run(
        intern.run(commit.run, commit.sync),
        commit.entity,
        commit.batch ?? -1,
        commit.sinkId,
        commit.sinkName,
        ...outcomes.map((outcome) => commit.outcomes[outcome] ?? 0),
        commit.rows ?? 0,
        at(),
      )
    },
    endAbandoned: () => Number(statements.endAbandoned.run(at()).changes),
    purge: (before) =>
      db.ask(async () => {
        const old = query.selectFrom('run').select('seq').where('state', '!=', 'running').where('started', '<', before)
        await query.deleteFrom('batch').where('run', 'in', old).execute()
        const isOld = query
          .updateTable('run')
          .where('state', 'not in', ['running', 'kept'])
          .where('started', '<', before)
        // Of those that ways name only the name is kept.
        await isOld.set({ state: 'kept', summary: null }).execute()
      }),
  }
}

/** Beginning and ending: one run of a sync and mode at a time. */
function leases(db: Database, statements: Statements): Pick<Runs, 'beginRun' | 'endRun'> {
  const { begin, end, holder, others } = statements
  /** Summaries that a full disk refused: their runs have ended, and must not keep the next one out. */
  const unwritten = new Map<string, RunSummary>()
  const write = (summary: RunSummary) => end.run(summary.state, summary.ended, JSON.stringify(summary), summary.run)
  return {
    async beginRun(run) {
      db.tx(() => {
        for (const summary of unwritten.values()) write(summary)
        if (run.mode !== 'push') {
          refuseSecond(run.sync, holder.get(run.sync, run.mode) as { id: string; started: string } | undefined)
          if (others.get() === undefined) db.raw.exec('DELETE FROM contribution')
        }
        begin.run(run.id, run.sync, run.mode, run.at)
      })
      unwritten.clear()
    },
    async endRun(summary) {
      unwritten.set(summary.run, summary)
      db.guard(() => write(summary))
      unwritten.delete(summary.run)
    },
  }
}

function refuseSecond(sync: string, holder: { id: string; started: string } | undefined): void {
  if (holder)
    throw syncError(
      'config',
      'ledger.lease',
      `The sync "${sync}" is already running: run ${holder.id} since ${holder.started}.`,
      { hint: 'Wait until it ends, or stop it; two runs of one sync would overlap.' },
    )
}

function history(db: Database, { known }: Statements): Pick<Runs, 'runs' | 'knowsRun' | 'lastSuccess'> {
  const { query } = db
  return {
    runs: ({ sync, limit, before }) =>
      db.ask(async () => {
        let select = query.selectFrom('run').selectAll().where('state', 'not in', ['part', 'running', 'kept'])
        if (sync !== undefined) select = select.where('sync', '=', sync)
        if (before !== undefined)
          select = select.where('seq', '<', query.selectFrom('run').select('seq').where('id', '=', before))
        const rows = await select
          .orderBy('seq', 'desc')
          .limit(limit ?? 100)
          .execute()
        return Promise.all(
          rows.map((row) => (row.summary ? (JSON.parse(row.summary) as RunSummary) : remains(query, row))),
        )
      }),
    async knowsRun(id) {
      return db.guard(() => known.get(id)) !== undefined
    },
    lastSuccess: (sync) =>
      db.ask(async () => {
        const row = await query
          .selectFrom('run')
          .select(({ fn }) => fn.max('ended').as('ended'))
          .where('sync', '=', sync)
          .where('mode', '=', 'poll')
          .where('state', '=', 'done')
          .executeTakeFirst()
        return row?.ended ?? undefined
      }),
  }
}

/** What a run that died had settled. */
async function remains(
  query: Database['query'],
  run: {
    readonly seq: number
    readonly id: string
    readonly sync: string
    readonly mode: string
    readonly started: string
    readonly ended: string | null
  },
): Promise<RunSummary> {
  const rows = await query
    .selectFrom('batch')
    .where('run', '=', run.seq)
    .groupBy(['entity', 'sink_name'])
    .select(({ fn }) => [
      'entity',
      'sink_name',
      fn.sum<number>('delivered').as('delivered'),
      fn.sum<number>('unchanged').as('unchanged'),
      fn.sum<number>('superseded').as('superseded'),
      fn.sum<number>('held').as('held'),
      fn.sum<number>('in_doubt').as('inDoubt'),
      fn.sum<number>('filtered').as('filtered'),
      fn.sum<number>('rows').as('rows'),
    ])
    .execute()
  const entities = rows.map(
    ({ sink_name, ...row }): EntitySummary => ({
      ...row,
      sink: sink_name,
      read: outcomes.reduce((sum, outcome) => sum + row[outcome], 0),
      amounts: {},
      ties: false,
      problem: 'The process ended before the run did.',
    }),
  )
  return {
    run: run.id,
    sync: run.sync,
    mode: run.mode as RunSummary['mode'],
    started: run.started,
    ended: run.ended ?? run.started,
    state: 'died',
    entities,
    ties: false,
    requests: 0,
    statements: 0,
    notices: ['The process ended before the run did. The next run goes on at the last settled record.'],
    errors: [],
  }
}
