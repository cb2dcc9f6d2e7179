import { doesNotMatch, match } from 'node:assert'
import type { LedgerHandle } from '../../../nodes/kit/kit.ts'
import { createMetrics } from '../../../nodes/operations/metrics.ts'
import type { Engine } from '../../../sync/contract/engine.ts'
import type { RunSummary } from '../../../sync/contract/summary.ts'
import { type LedgerFolder, ledgerFolder } from '../../support/ledger.ts'

const summary = (run: string, more: Partial<RunSummary> = {}): RunSummary => ({
  run,
  sync: 'x3',
  mode: 'poll',
  started: '2026-03-01T00:00:00Z',
  ended: '2026-03-01T00:01:00Z',
  state: 'done',
  verdict: 'open',
  ties: false,
  requests: 7,
  statements: 3,
  notices: [],
  errors: [],
  entities: [
    {
      entity: 'gl_entry',
      sink: 'warehouse',
      read: 10,
      rows: 31,
      delivered: 8,
      unchanged: 0,
      superseded: 0,
      held: 2,
      inDoubt: 0,
      filtered: 0,
      ties: false,
      amounts: { EUR: { debit: '468962.42', credit: '468962.42' } },
    },
  ],
  ...more,
})

describe('metrics', () => {
  let folder: LedgerFolder
  beforeEach(() => {
    folder = ledgerFolder()
  })
  afterEach(() => folder.remove())

  const open = async (since: string) => {
    const ledger = await folder.open()
    const engine = {
      ledger,
      running: () => [{ sync: 'other', run: 'r9', mode: 'poll', stop: () => undefined }],
    } as unknown as Engine
    const handle = { engine: { get: async () => engine } } as unknown as LedgerHandle
    return { ledger, metrics: createMetrics(() => new Map([['l1', handle]]), since) }
  }
  const ended = async (ledger: Awaited<ReturnType<LedgerFolder['open']>>, one: RunSummary) => {
    await ledger.beginRun({ id: one.run, sync: one.sync, mode: one.mode, at: one.started })
    await ledger.endRun(one)
  }

  it('count each run once, from the start of the process on', async () => {
    const { ledger, metrics } = await open('2026-02-28T00:00:00Z')
    await ended(ledger, summary('r0', { started: '2026-02-27T00:00:00Z', ended: '2026-02-27T00:01:00Z' }))
    await ended(ledger, summary('r1'))
    await metrics.text()
    await ended(ledger, summary('r2', { state: 'failed', verdict: 'failed', ended: '2026-03-01T01:00:00Z' }))
    const text = await metrics.text()
    match(text, /^tieout_runs_total\{sync="x3",mode="poll",state="done",verdict="open"\} 1$/m)
    match(text, /^tieout_runs_total\{sync="x3",mode="poll",state="failed",verdict="failed"\} 1$/m)
    match(text, /^tieout_records_total\{sync="x3",entity="gl_entry",sink="warehouse",outcome="delivered"\} 16$/m)
    match(text, /^tieout_records_total\{sync="x3",entity="gl_entry",sink="warehouse",outcome="held"\} 4$/m)
    match(text, /^tieout_rows_total\{sync="x3",entity="gl_entry",sink="warehouse"\} 62$/m)
    match(text, /^tieout_source_requests_total\{sync="x3"\} 14$/m)
    match(text, /^tieout_running\{sync="other"\} 1$/m)
    match(text, /^tieout_running\{sync="x3"\} 0$/m)
    match(text, /^tieout_held\{sync="x3"\} 0$/m)
    match(text, /^nodejs_eventloop_lag_seconds /m)
    doesNotMatch(text, /468962/, 'no amounts')
  })

  it('say how far each entity was read and which alerts are open, and forget what is over', async () => {
    const { ledger, metrics } = await open('2026-02-28T00:00:00Z')
    await ended(ledger, summary('r1'))
    await ledger.savePosition('x3', 'gl_entry', {
      identity: 'x',
      readThrough: new Date(Date.now() - 3_600_000).toISOString(),
      window: null,
    })
    await ledger.raiseAlert({ sync: 'x3', kind: 'held', message: 'two' })
    const schema = { entity: 'supplier', key: ['source', 'code'], columns: [] }
    await ledger.commit({
      run: 'r1',
      sync: 'x3',
      entity: 'supplier',
      sinkId: 'w',
      sinkName: 'hub',
      address: 'hub://host/supplier',
      accepted: ['A', 'B'].map((key) => ({
        ...{ key, read: 1, again: false, hash: '00', before: null, sourceAddress: 'erp', schema },
        requests: [{ request: 'q1', items: [key] }],
        since: '2026-03-01T00:00:00Z',
        record: { _row: 0, code: key },
      })),
      outcomes: {},
    })
    match(await metrics.text(), /^tieout_results_open\{sync="x3"\} 2$/m)
    await ledger.endResults('hub://host/supplier', [
      { key: 'A', read: 1, as: 'processed' },
      { key: 'B', read: 1, as: 'warned', text: 'odd' },
    ])
    doesNotMatch(await metrics.text(), /^tieout_results_open\{/m)
    match(await metrics.text(), /^tieout_alerts\{sync="x3",kind="held"\} 1$/m)
    const text = await metrics.text()
    match(text, /^tieout_alerts\{sync="x3",kind="held"\} 1$/m, 'asked twice it is one all the same')
    match(text, /^tieout_lag_seconds\{sync="x3",entity="gl_entry"\} 36\d\d(\.\d+)?$/m)
    await ledger.clearAlerts({ sync: 'x3', kind: 'held' })
    doesNotMatch(await metrics.text(), /^tieout_alerts\{/m)
  })
})
