/** Numbers for Prometheus, read from the ledgers when they are asked for. No keys, hosts or amounts are among them. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Ledger } from '../../ledger/ledger.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import type { LedgerHandle } from '../kit/kit.ts'

/** Runs of a ledger that are looked through for those not counted yet. */
const LOOKED_AT = 500

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

/** Counters begin at the start of the process, as Prometheus expects it of a process that was started again. */
export function createMetrics(
  ledgers: () => ReadonlyMap<string, LedgerHandle>,
  since: string = new Date().toISOString(),
): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = createCounters(registry)
  const gauges = createGauges(registry)
  const counted = new Map<string, Set<string>>()

  async function read(id: string, { engine }: LedgerHandle): Promise<void> {
    const { ledger, running } = await engine.get()
    const runs = await ledger.runs({ limit: LOOKED_AT })
    const before = counted.get(id) ?? new Set()
    const fresh = runs.filter(({ run, ended }) => ended > since && !before.has(run))
    // What fell out of those that are looked through does not come again.
    counted.set(id, new Set(runs.map(({ run }) => run)))
    for (const summary of fresh) counters(summary)
    await gauges(ledger, runs, new Set(running().flatMap(({ sync, mode }) => (mode === 'poll' ? [sync] : []))))
  }

  return {
    contentType: registry.contentType,
    async text() {
      for (const name of CURRENT) registry.getSingleMetric(name)?.reset()
      for (const [id, handle] of ledgers()) await read(id, handle)
      return registry.metrics()
    },
  }
}

function createCounters(registry: Registry): (summary: RunSummary) => void {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers: [registry] })
  const runs = counter('tieout_runs_total', 'Runs that ended, by state and verdict.', [
    'sync',
    'mode',
    'state',
    'verdict',
  ])
  const records = counter('tieout_records_total', 'Records by what became of them at a sink.', [
    'sync',
    'entity',
    'sink',
    'outcome',
  ])
  const rows = counter('tieout_rows_total', 'Rows written at a sink.', ['sync', 'entity', 'sink'])
  const requests = counter('tieout_source_requests_total', 'Requests to the source.', ['sync'])
  const statements = counter('tieout_target_statements_total', 'Statements or posts sent to targets.', ['sync'])
  return (summary) => {
    const { sync, mode, state, verdict = '' } = summary
    runs.inc({ sync, mode, state, verdict })
    requests.inc({ sync }, summary.requests)
    statements.inc({ sync }, summary.statements)
    for (const one of summary.entities) {
      const at = { sync, entity: one.entity, sink: one.sink }
      rows.inc(at, one.rows)
      for (const outcome of ['delivered', 'unchanged', 'superseded', 'held', 'inDoubt', 'filtered'] as const)
        records.inc({ ...at, outcome }, one[outcome])
    }
  }
}

/** Gauges that are set anew each time: what is not there any more must not stay. */
const CURRENT = [
  'tieout_running',
  'tieout_last_success_seconds',
  'tieout_lag_seconds',
  'tieout_held',
  'tieout_in_doubt',
  'tieout_results_open',
  'tieout_alerts',
  'tieout_calls_this_month',
] as const

function createGauges(registry: Registry) {
  const gauge = <L extends string>(name: (typeof CURRENT)[number], help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const running = gauge('tieout_running', 'Runs that are going on.', ['sync'])
  const success = gauge('tieout_last_success_seconds', 'When the last run that succeeded ended, seconds since 1970.', [
    'sync',
  ])
  const lag = gauge('tieout_lag_seconds', 'Seconds since the moment through which an entity was read.', [
    'sync',
    'entity',
  ])
  const held = gauge('tieout_held', 'Held records that wait for a person.', ['sync'])
  const inDoubt = gauge('tieout_in_doubt', 'Batches in doubt that wait for a person.', ['sync'])
  const results = gauge('tieout_results_open', 'Records that a target accepted and has not processed.', ['sync'])
  const alerts = gauge('tieout_alerts', 'Open alerts, by kind.', ['sync', 'kind'])
  const calls = gauge('tieout_calls_this_month', 'Calls that the vendor bills, in the month of the last run.', ['sync'])

  return async (ledger: Ledger, runs: readonly RunSummary[], going: ReadonlySet<string>): Promise<void> => {
    const now = Date.now()
    for (const sync of new Set([...runs.map((run) => run.sync), ...going])) {
      running.set({ sync }, going.has(sync) ? 1 : 0)
      held.set({ sync }, await ledger.countHeld({ sync }))
      const last = await ledger.lastSuccess(sync)
      if (last !== undefined) success.set({ sync }, Date.parse(last) / 1000)
      const newest = runs.find((run) => run.sync === sync && run.calls)?.calls
      if (newest) calls.set({ sync }, newest.used)
      const entities = new Set(
        runs.filter((run) => run.sync === sync).flatMap((run) => run.entities.map((e) => e.entity)),
      )
      for (const entity of entities) {
        const through = (await ledger.position(sync, entity))?.readThrough
        if (through) lag.set({ sync, entity }, Math.max(0, (now - Date.parse(through)) / 1000))
      }
    }
    for (const { sync } of await ledger.doubtful()) inDoubt.inc({ sync })
    for (const { sync, pending } of await ledger.resultPlaces()) results.inc({ sync }, pending)
    for (const { sync, kind } of await ledger.alerts({ open: true })) alerts.inc({ sync, kind })
  }
}
