/** The summary of a run: who got what, whether it ties, what went wrong. */
import type { OpenItem } from '../../ledger/ledger.ts'
import type { SinkRef } from '../contract/engine.ts'
import type {
  CallUsage,
  EntitySummary,
  OutcomeCounts,
  ResultFigures,
  RunSummary,
  Verdict,
} from '../contract/summary.ts'
import { amountsText, toldAmounts } from '../values/told.ts'
import { addAmounts, toldInWords } from '../values/told-amount.ts'
import { changedText } from './arrivals.ts'
import { balanceOf } from './as-read.ts'
import { sentence } from './sentence.ts'
import { type EntityRun, type RunState, type TotalsCheck, tallyOf, type WholeSaid } from './state.ts'
import {
  allowedInWords,
  byEntity,
  COUNTS_OF_TABLES,
  isGood,
  NOT_VERIFIED,
  NOT_WHOLE,
  openAt,
  openInWords,
  worstOf,
} from './verdict.ts'

export interface Ending {
  readonly ended: string
  readonly requests?: number
  /** Stopped on purpose (message, redeploy, close). */
  readonly stopped?: boolean
  readonly calls?: CallUsage
  /** By entity and sink id: `checkKey`. */
  readonly checks?: ReadonlyMap<string, TotalsCheck>
  /** What of the sync is not over, as the ledger has it now. */
  readonly open?: readonly OpenItem[]
}

/** Why a run that was stopped is open. */
export const STOPPED = 'the run was stopped'

export const checkKey = (entity: string, sink: string): string => `${entity}\n${sink}`

/** Every record must be accounted for: `read` equals what became of them. */
export const accounted = (summary: OutcomeCounts): number =>
  summary.delivered + summary.unchanged + summary.superseded + summary.held + summary.inDoubt + summary.filtered

/** What was changed on the way to a sink, as it is told; undefined: nothing. */
export function changedAt(
  run: Pick<RunState, 'mayChange' | 'foreign'>,
  entity: EntityRun,
  ref: SinkRef,
): EntitySummary['changed'] {
  const { changed } = tallyOf(entity, ref)
  if (changed === undefined) return undefined
  const plan = entity.batches.find(({ read }) => read !== undefined)?.read?.by.plan ?? []
  const amounts = toldAmounts(plan, changed.difference)
  const allowed = run.mayChange ?? false
  const { records } = changed
  const text = allowed
    ? `${amountsText(amounts) || `${records} record(s)`} changed in the flow, allowed`
    : `${changedText(changed, plan, run.foreign?.(ref) ?? [])}. If the flow may do so, switch on "May change amounts" where it is read.`
  return { records, amounts, allowed, text }
}

function entityAt(run: RunState, entity: EntityRun, sink: EntityRun['sinks'][number], ending: Ending): EntitySummary {
  const { counts, rows } = tallyOf(entity, sink)
  const changed = changedAt(run, entity, sink)
  const check = ending.checks?.get(checkKey(entity.name, sink.id))
  const all = { ...counts, held: counts.held + entity.refused }
  // With one answer enough, what went to another sink counts as filtered here.
  if (run.mustReport === 'one' && !entity.error) {
    const rest = entity.read - entity.refused - Object.values(counts).reduce((a, b) => a + b, 0)
    if (rest > 0) all.filtered += rest
  }
  const base = {
    ...all,
    entity: entity.name,
    sink: sink.name,
    read: entity.read,
    rows,
    amounts: check?.amounts ?? {},
  }
  const missing = base.read - accounted(base)
  const refused = entity.refused
  const balance = balanceOf(entity.batches, tallyOf(entity, sink).sums, base, {
    refused,
    rest: run.mustReport === 'one',
  })
  const unbalanced =
    missing === 0 && !entity.error ? (balance?.problem ?? resultsProblem(check?.results, base.delivered)) : undefined
  const items = ending.open ? openAt(ending.open, entity, sink, sinksOf(entity)) : ownItems(entity.name, base)
  const differences = items.flatMap((item) => (item.kind === 'difference' ? (item.problem ?? '') : []))
  const differs = check?.kind === 'differs' ? check.problem : (check?.whole?.problem ?? differences[0])
  const wrote = base.delivered > 0 || entity.tookOlder.has(sink.id)
  const unverified = check ? check.kind === 'not verified' && check.problem : wrote && UNCOMPARED
  const isUnwhole = items.some(({ kind }) => kind === 'unwhole')
  const open = unique([
    ...(ending.stopped && (missing !== 0 || !entity.readDone) ? [STOPPED] : []),
    ...openInWords(items, ending.open),
    ...(unverified ? [`${NOT_VERIFIED}${unverified}`] : []),
    // Of its memory the ledger's own word is the newest.
    ...(check?.whole?.open ?? []).filter((why) => !(isUnwhole && why.startsWith(NOT_WHOLE))),
  ])
  const verdict = worstOf([
    ...(entity.error || unbalanced || (missing !== 0 && !ending.stopped) ? (['failed'] as const) : []),
    ...(differs === undefined ? [] : (['differs'] as const)),
    ...(open.length > 0 ? (['open'] as const) : []),
    ...(wrote ? (['ties'] as const) : []),
  ])
  const problem =
    entity.error?.message ??
    (missing !== 0 ? `${missing} of ${base.read} records read are not accounted for` : (unbalanced ?? differs))
  const by = check?.kind === 'ties' ? [...(check.by ?? []), ...(check.whole ? [COUNTS_OF_TABLES] : [])] : undefined
  const allowed = [
    ...(run.mayFilter && base.filtered > 0 ? [`${base.filtered} record(s) filtered in the flow, allowed`] : []),
    ...(changed?.allowed ? [changed.text] : []),
    ...allowedInWords(items),
  ]
  return {
    ...base,
    verdict,
    ties: isGood(verdict),
    says: sentence({ verdict, at: ending.ended, problem, open, by, allowed }),
    ...(open.length > 0 ? { open } : {}),
    ...(by ? { by } : {}),
    ...(allowed.length > 0 ? { allowed } : {}),
    ...(problem === undefined ? {} : { problem }),
    ...(balance ? { asRead: balance.asRead } : {}),
    ...(balance?.arrived ? { arrived: balance.arrived } : {}),
    ...(check?.results ? { results: check.results } : {}),
    ...(changed === undefined ? {} : { changed }),
    ...(check?.whole ? { whole: wholeOfTables(check.whole) } : {}),
    ...(entity.sweep ? { sweep: entity.sweep } : {}),
  }
}

const wholeOfTables = ({ at, statements, ms, kept }: WholeSaid): NonNullable<EntitySummary['whole']> => ({
  ...{ at, statements, ms },
  ...(kept ? { kept } : {}),
})

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

/** Two stages: everything delivered was accepted, and everything accepted is accounted for. */
function resultsProblem(results: ResultFigures | undefined, delivered: number): string | undefined {
  if (results === undefined) return undefined
  const { accepted, ...ends } = results
  const found = Object.values(ends)
  const records = found.reduce((sum, one) => sum + one.records, 0)
  if (accepted.records !== delivered)
    return `${delivered} record(s) were delivered, and ${accepted.records} are known as accepted`
  const sums = toldInWords({
    sums: addAmounts(found.map((one) => one.sums)),
    unknown: found.reduce((sum, one) => sum + one.unknown, 0),
  })
  const own = toldInWords({ sums: addAmounts([accepted.sums]), unknown: accepted.unknown })
  if (records === accepted.records && sums === own) return undefined
  return `${accepted.records} record(s) were accepted (${own || 'no amounts'}), and ${records} are accounted for (${sums || 'no amounts'})`
}

/** Of a run that failed or was stopped before its end. */
const UNCOMPARED = 'what was delivered was not compared with what is stored'

/** Where only the run itself is told of: what it held and left in doubt. */
const ownItems = (entity: string, { held, inDoubt }: OutcomeCounts): OpenItem[] => [
  { entity, kind: 'held', address: null, sinkName: null, count: held },
  { entity, kind: 'in-doubt', address: null, sinkName: null, count: inDoubt },
]

/** Sinks of an entity: those that must answer, and those that reported besides. */
export function sinksOf(entity: EntityRun): EntityRun['sinks'] {
  const known = new Set(entity.sinks.map((sink) => sink.id))
  return [...entity.sinks, ...[...entity.tallies.values()].map((t) => t.ref).filter((ref) => !known.has(ref.id))]
}

/** What is open over all entities: of those that were read as they say it, of the others as the ledger has it. */
export function wholeOf(
  entities: readonly Pick<EntitySummary, 'entity' | 'open'>[],
  { open = [], stopped }: Pick<Ending, 'open' | 'stopped'>,
): { readonly open: readonly string[]; readonly verdicts: readonly Verdict[] } {
  const own = new Set(entities.map(({ entity }) => entity))
  const told = entities.flatMap(({ entity, open: why = [] }) => why.map((text) => `${entity}: ${text}`))
  const others = open.filter(({ entity }) => !own.has(entity))
  const waiting = [...byEntity(others)].flatMap(([entity, items]) =>
    openInWords(items).map((text) => `${entity}: ${text}`),
  )
  const all = [...new Set([...told, ...waiting]), ...(stopped && entities.length === 0 ? [STOPPED] : [])]
  return {
    open: all,
    verdicts: [
      ...(others.some(({ kind }) => kind === 'difference') ? (['differs'] as const) : []),
      ...(all.length > 0 ? (['open'] as const) : []),
    ],
  }
}

/** The sentence of a whole run. */
export function says({
  verdict = 'failed',
  ended: at,
  entities,
  errors,
  open,
}: Pick<RunSummary, 'verdict' | 'ended' | 'entities' | 'errors' | 'open'>): string {
  const told = entities.find((one) => one.verdict === verdict && one.problem !== undefined)
  const problem = (verdict === 'failed' ? errors[0]?.message : undefined) ?? (told && `${told.entity}: ${told.problem}`)
  // What was compared for each of them.
  const tied = entities.filter((one) => one.verdict === 'ties').map((one) => one.by ?? [])
  const by = (tied[0] ?? []).filter((text) => tied.every((own) => own.includes(text)))
  const allowed = entities.flatMap((one) => (one.allowed ?? []).map((text) => `${one.entity}: ${text}`))
  return sentence({ verdict, at, problem: problem ?? OTHER_PROBLEM[verdict], open, by, allowed: [...new Set(allowed)] })
}

/** Of an entity that this run did not read. */
const OTHER_PROBLEM: Readonly<Partial<Record<Verdict, string>>> = { differs: 'see the alerts' }

export function summarize(run: RunState, ending: Ending): RunSummary {
  const all = [...run.entities.values()]
  const entities = all.flatMap((entity) => sinksOf(entity).map((sink) => entityAt(run, entity, sink, ending)))
  const errors = all.flatMap(({ name, error }) =>
    error ? [{ ...error.cause, entity: name, message: error.message }] : [],
  )
  const whole = wholeOf(entities, ending)
  const verdict = worstOf([
    ...(errors.length > 0 ? (['failed'] as const) : []),
    ...entities.map((entity) => entity.verdict ?? 'failed'),
    ...whole.verdicts,
  ])
  // A difference that an earlier run found makes this one no failure.
  const differs = [...(ending.checks?.values() ?? [])].some(({ kind, whole }) => kind === 'differs' || whole?.problem)
  const failed = verdict === 'failed' || differs
  return {
    run: run.id,
    sync: run.sync,
    mode: run.mode,
    started: run.started,
    ended: ending.ended,
    state: ending.stopped ? 'stopped' : failed ? 'failed' : 'done',
    entities,
    verdict,
    says: says({ verdict, ended: ending.ended, entities, errors, open: whole.open }),
    ...(whole.open.length > 0 ? { open: whole.open } : {}),
    ties: isGood(verdict),
    requests: ending.requests ?? 0,
    statements: [...run.counters].reduce((sum, [counter, before]) => sum + counter() - before, 0),
    notices: [...new Set(run.notices)],
    ...(ending.calls ? { calls: ending.calls } : {}),
    errors,
  }
}
