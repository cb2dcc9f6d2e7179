/** What became late: batches that the flow dropped, records that it filtered, sinks that fell silent. Pure. */
import type { SinkRef } from '../contract/engine.ts'
import { type SyncError, syncError } from '../contract/errors.ts'
import { type BatchState, isDone, type Rule, type SinkSide, unsettled } from './progress.ts'
import type { EntityRun, RunState } from './state.ts'

export type Late =
  | { readonly kind: 'fail'; readonly error: SyncError }
  | { readonly kind: 'filter'; readonly batch: number; readonly ref: SinkRef; readonly rows: readonly number[] }

/** Quiet time after which what never came counts as filtered, where records may be filtered. */
const quietMs = 5000

export const ruleOf = (run: Pick<RunState, 'mustReport'>, entity: Pick<EntityRun, 'sinks'>): Rule => ({
  mustReport: run.mustReport,
  sinks: entity.sinks.map((sink) => sink.id),
})

/** After so long without a sign of life it is told that a batch has not come. */
const TELL_MS = 30_000
/** Of a short limit the half. */
const tellMs = ({ receiptMs }: Pick<RunState, 'receiptMs'>): number => Math.min(TELL_MS, receiptMs / 2)

/** The last sign of life of a batch on its way to a sink: that of the sink, of a node of ours before it, or when it was sent. */
const lastSign = (batch: BatchState, side: SinkSide | undefined): number =>
  Math.max(batch.sentAt, batch.seen?.at ?? 0, side?.lastSign ?? 0)

const records = (n: number): string => (n === 1 ? '1 record' : `${n} records`)

/** At `now` (milliseconds of the settlement's clock). A wait with signs of life is never late. */
export function findLate(run: RunState, entity: EntityRun, now: number): Late[] {
  const rule = ruleOf(run, entity)
  const open = entity.batches.slice(entity.prefix.batch).filter((batch) => !isDone(batch, rule))
  if (open.length === 0) return []
  const quick = run.mayFilter && (entity.readDone || entity.readError !== undefined) && allCame(run, entity)
  const limit = quick ? Math.min(run.receiptMs, quietMs) : run.receiptMs
  for (const batch of open) {
    const late =
      run.mustReport === 'every'
        ? lateAtEach(run, entity, batch, now, limit)
        : lateAtAll(run, entity, batch, now, limit)
    if (late.length > 0) return late
  }
  return []
}

/** Every batch was seen (by each sink, or by one where one is enough) and none is being worked on: what is missing was left out on the way. */
const allCame = ({ mustReport }: RunState, { batches, sinks }: EntityRun): boolean =>
  batches.every((batch) => {
    const came = ({ id }: SinkRef) => batch.sinks.get(id)?.lastSign !== undefined
    const idle = [...batch.sinks.values()].every((side) => side.outstanding === 0)
    return idle && (mustReport === 'every' ? sinks.every(came) : sinks.some(came))
  })

function lateAtEach(run: RunState, entity: EntityRun, batch: BatchState, now: number, limit: number): Late[] {
  const late: Late[] = []
  for (const ref of entity.sinks) {
    const side = batch.sinks.get(ref.id)
    if (side && side.reported === batch.count) continue
    if (side && side.outstanding > 0) {
      if (now - (side.lastSign ?? batch.sentAt) >= run.receiptMs) return [silent(entity, batch, ref, side.waiting, run)]
      continue
    }
    const came = side?.lastSign !== undefined
    if (now - lastSign(batch, side) < (came ? limit : run.receiptMs)) continue
    const rows: number[] = []
    for (let row = 0; row < batch.count; row++) if (!side?.reports[row]) rows.push(row)
    if (!run.mayFilter) return [lost(entity, batch, rows.length, ref.name, run)]
    late.push({ kind: 'filter', batch: batch.index, ref, rows })
  }
  return late
}

function lateAtAll(run: RunState, entity: EntityRun, batch: BatchState, now: number, limit: number): Late[] {
  let last: number | undefined
  let working = false
  for (const [id, side] of batch.sinks) {
    if (side.lastSign !== undefined) last = Math.max(last ?? 0, side.lastSign)
    if (side.outstanding === 0) continue
    working = true
    const ref = entity.sinks.find((sink) => sink.id === id) ?? { id, name: id }
    if (now - (side.lastSign ?? batch.sentAt) >= run.receiptMs) return [silent(entity, batch, ref, side.waiting, run)]
  }
  const since = Math.max(last ?? 0, lastSign(batch, undefined))
  if (working || now - since < (last === undefined ? run.receiptMs : limit)) return []
  const rows = unsettled(batch, ruleOf(run, entity))
  const [ref] = entity.sinks
  if (run.mayFilter && ref) return [{ kind: 'filter', batch: batch.index, ref, rows }]
  return [lost(entity, batch, rows.length, entity.sinks.map((sink) => sink.name).join(', '), run)]
}

function lost(entity: EntityRun, batch: BatchState, count: number, sinks: string, run: RunState): Late {
  return {
    kind: 'fail',
    error: syncError(
      'config',
      'sync.not-received',
      `${entity.name}: ${records(count)} of batch ${batch.index} never reached a sink (${sinks}). ${seenText(batch)}`,
      {
        entity: entity.name,
        hint: `A node in the flow drops records, builds new ones without "_row", or takes longer than ${run.receiptMs / 1000} s. If it filters on purpose, switch on "Records may be filtered in the flow".`,
      },
    ),
  }
}

const seenText = ({ seen }: BatchState): string =>
  seen ? `The last of our nodes that had it is ${seen.by}.` : 'None of our nodes had it since it was read.'

/** What has not come to a sink yet and is not worked on, once that is worth telling; undefined: nothing. */
export function lateText(run: RunState, entity: EntityRun, now: number): string | undefined {
  const rule = ruleOf(run, entity)
  for (const batch of entity.batches.slice(entity.prefix.batch)) {
    if (isDone(batch, rule)) continue
    for (const { id, name } of entity.sinks) {
      const side = batch.sinks.get(id)
      const missing = batch.count - (side?.reported ?? 0)
      const quiet = now - lastSign(batch, side)
      if (missing === 0 || (side && side.outstanding > 0) || quiet < tellMs(run)) continue
      const seconds = Math.floor(quiet / 1000)
      return `${entity.name}: ${records(missing)} of batch ${batch.index} have not come to ${name} for ${seconds} s. ${seenText(batch)}`
    }
  }
  return undefined
}

/** Has anything of the run come to a sink? Where nothing has, the flow is cut, and no entity will fare better. */
export const anyCame = (run: RunState): boolean =>
  [...run.entities.values()].some(({ batches }) =>
    batches.some(({ sinks }) => [...sinks.values()].some(({ lastSign: sign }) => sign !== undefined)),
  )

function silent(entity: EntityRun, batch: BatchState, ref: SinkRef, waiting: string | undefined, run: RunState): Late {
  return {
    kind: 'fail',
    error: syncError(
      'config',
      'sync.silent',
      `${entity.name}: ${ref.name} received batch ${batch.index} and gave no sign of life for ${run.receiptMs / 1000} s${waiting ? ` (last: ${waiting})` : ''}.`,
      {
        entity: entity.name,
        hint: 'The node was removed or is stuck: look at its status and the log, then run again.',
      },
    ),
  }
}
