/** Runs, totals, held records and open results as lines of CSV. Read in pages, so that nothing else waits for them. */
import type { HeldRecord, Ledger, OpenResult } from '../../ledger/ledger.ts'
import type { Amounts, EntitySummary, RunSummary } from '../../sync/contract/summary.ts'
import { masked } from '../kit/kit.ts'

export type Line = Readonly<Record<string, string>>

/** What is asked for. `signal`: nobody waits for it any more. */
export interface Wanted {
  readonly sync?: string | undefined
  readonly entity?: string | undefined
  readonly signal: AbortSignal
}

/** A list: its columns, those of them that hold amounts, and its lines. */
export interface CsvList {
  readonly columns: readonly string[]
  readonly amounts: readonly string[]
  readonly lines: readonly Line[]
}

/** Runs of one page; summaries may be long. */
const RUNS = 50
/** Held records of one page, each of which is decrypted. */
const HELD = 20
const RESULTS = 1000

/** All pages, with a turn for others between two. */
async function* paged<T>(next: (last: T | undefined) => Promise<readonly T[]>, signal: AbortSignal): AsyncGenerator<T> {
  for (let last: T | undefined; ; ) {
    const page = await next(last)
    yield* page
    last = page.at(-1)
    if (last === undefined) return
    await new Promise(setImmediate)
    signal.throwIfAborted()
  }
}

const of = (sync: string | undefined) => sync !== undefined && { sync }
const runsOf = (ledger: Ledger, { sync, signal }: Wanted): AsyncGenerator<RunSummary> =>
  paged((last) => ledger.runs({ ...of(sync), limit: RUNS, before: last?.run }), signal)

const OUTCOMES = ['read', 'delivered', 'unchanged', 'superseded', 'held', 'inDoubt', 'filtered'] as const
const RUN_COLUMNS = ['run', 'sync', 'mode', 'started', 'ended', 'state', 'run_says', 'error', 'entity', 'sink'] as const
const COUNTS = [...OUTCOMES, 'rows'] as const

const runText = ({ run, sync, mode, started, ended, state, says, verdict, errors }: RunSummary): Line => ({
  ...{ run, sync, mode, started, ended, state, run_says: says ?? verdict ?? '' },
  error: errors.map(({ message }) => message).join(' '),
})

/** A line for each entity of a run at each sink; one without entities for a run that failed before it read any. */
async function runLines(ledger: Ledger, wanted: Wanted): Promise<CsvList> {
  const lines: Line[] = []
  for await (const run of runsOf(ledger, wanted)) {
    const own = runText(run)
    const entities = run.entities.filter(({ entity }) => wanted.entity === undefined || entity === wanted.entity)
    if (run.entities.length === 0 && wanted.entity === undefined) lines.push(own)
    for (const one of entities) {
      const counts = COUNTS.map((name) => [name, String(one[name])] as const)
      lines.push({
        ...own,
        entity: one.entity,
        sink: one.sink,
        says: one.says ?? '',
        ...Object.fromEntries(counts),
        problem: one.problem ?? '',
      })
    }
  }
  return { columns: [...RUN_COLUMNS, 'says', ...COUNTS, 'problem'], amounts: [], lines }
}

/** Sums of an entity at a sink, by the names of their columns. */
const sumsOf = ({ amounts, asRead, arrived, changed }: EntitySummary): Readonly<Record<string, Amounts>> => {
  const side = (name: 'debit' | 'credit') =>
    Object.fromEntries(Object.entries(amounts).map(([c, sums]) => [c, sums[name]]))
  return {
    debit: side('debit'),
    credit: side('credit'),
    ...Object.fromEntries(OUTCOMES.map((name) => [name, asRead?.[name]?.amounts ?? {}])),
    mapped: arrived?.mapped ?? {},
    corrected: arrived?.corrected ?? {},
    changed: changed?.amounts ?? {},
  }
}

const SUMS = ['debit', 'credit', ...OUTCOMES, 'mapped', 'corrected', 'changed'] as const

/** A line for each currency of an entity of a run at a sink. */
async function totalLines(ledger: Ledger, wanted: Wanted): Promise<CsvList> {
  const lines: Line[] = []
  for await (const { run, sync, started, entities } of runsOf(ledger, wanted))
    for (const one of entities) {
      if (wanted.entity !== undefined && one.entity !== wanted.entity) continue
      const sums = sumsOf(one)
      for (const currency of new Set(Object.values(sums).flatMap(Object.keys))) {
        const shown = SUMS.map((name) => [`${name}_amount`, sums[name]?.[currency] ?? ''])
        lines.push({
          run,
          sync,
          started,
          entity: one.entity,
          sink: one.sink,
          says: one.says ?? '',
          currency,
          ...Object.fromEntries(shown),
        })
      }
    }
  const amounts = SUMS.map((name) => `${name}_amount`)
  return { columns: ['run', 'sync', 'started', 'entity', 'sink', 'says', 'currency', ...amounts], amounts, lines }
}

const HELD_COLUMNS = [
  ...['sync', 'entity', 'key', 'sink', 'stage', 'state', 'held_at', 'replays', 'currency', 'told_amount'],
  ...[
    'reason',
    'hint',
    'code',
    'field',
    'edited_by',
    'edited_at',
    'edit_reason',
    'left_out_by',
    'left_out_at',
    'left_out_reason',
  ],
] as const

/** The amount that is told of a record; of several currencies each by itself. */
const toldOf = (amounts: Amounts = {}): Line => ({
  currency: Object.keys(amounts).join(' '),
  told_amount: Object.values(amounts).join(' '),
})

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** A line for each held record and each that was left out, with the columns of its header as it stands now. */
async function heldLines(ledger: Ledger, { sync, entity, signal }: Wanted): Promise<CsvList> {
  const filter = {
    ...of(sync),
    ...(entity !== undefined && { entity }),
    states: ['open', 'replaying', 'discarded'] as const,
  }
  const lines: Line[] = []
  const own = new Map<string, boolean>()
  const pages = paged<HeldRecord>((last) => ledger.held({ ...filter, limit: HELD, after: last?.id }), signal)
  for await (const held of pages) {
    for (const { name, type } of held.schema.columns) own.set(`record.${name}`, /^(decimal|integer)/.test(type))
    lines.push(heldLine(held))
  }
  const amounts = [...own].filter(([, isNumber]) => isNumber).map(([name]) => name)
  return { columns: [...HELD_COLUMNS, ...own.keys()], amounts: ['told_amount', ...amounts], lines }
}

function heldLine({ schema, record, edited, discarded, cause, amounts, ...held }: HeldRecord): Line {
  const [shown = {}] = masked({ schema, records: [edited?.record ?? record] }).records
  const columns = schema.columns.map(({ name }) => [`record.${name}`, textOf((shown as Record<string, unknown>)[name])])
  return {
    ...{
      sync: held.sync,
      entity: held.entity,
      key: held.key,
      sink: held.sinkName,
      stage: held.stage,
      state: held.state,
    },
    ...{ held_at: held.heldAt, replays: String(held.attempts), ...toldOf(amounts) },
    ...{ reason: cause.message, hint: cause.hint ?? '', code: cause.code, field: cause.field ?? '' },
    ...(edited && { edited_by: edited.by, edited_at: edited.at, edit_reason: edited.reason }),
    ...(discarded && { left_out_by: discarded.by, left_out_at: discarded.at, left_out_reason: discarded.reason }),
    ...Object.fromEntries(columns),
  }
}

/** A line for each record that a target has accepted and not processed, or warned of. */
async function resultLines(ledger: Ledger, { sync, entity, signal }: Wanted): Promise<CsvList> {
  const lines: Line[] = []
  const next = (after: OpenResult | undefined) => ledger.openResults({ ...of(sync), limit: RESULTS, after })
  for await (const one of paged<OpenResult>(next, signal)) {
    if (entity !== undefined && one.entity !== entity) continue
    lines.push({
      ...{
        sync: one.sync,
        entity: one.entity,
        key: one.key,
        sink: one.sinkName,
        address: one.address,
        state: one.state,
      },
      ...{ since: one.since, requests: one.requests.join(' '), ...toldOf(one.amounts), text: one.text ?? '' },
    })
  }
  const columns = [
    'sync',
    'entity',
    'key',
    'sink',
    'address',
    'state',
    'since',
    'requests',
    'currency',
    'told_amount',
    'text',
  ]
  return { columns, amounts: ['told_amount'], lines }
}

/** The lists that there are, by name. */
export const CSV_LISTS = { runs: runLines, totals: totalLines, held: heldLines, results: resultLines } as const
