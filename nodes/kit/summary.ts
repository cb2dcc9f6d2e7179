/** How a run's summary is sent and shown. */
import type { Ledger, OpenItem } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { openHere, openInWords } from '../../sync/run/verdict.ts'
import type { NodeContext } from './node.ts'
import { count, counted } from './status.ts'

/** Sends the summary and shows it. */
export function show(summary: RunSummary, context: Pick<NodeContext<unknown>, 'status' | 'send'>, output = 1): void {
  const records = new Map<string, number>()
  for (const e of summary.entities) records.set(e.entity, Math.max(e.read, records.get(e.entity) ?? 0))
  const read = [...records.values()].reduce((sum, n) => sum + n, 0)
  const gone = new Map(summary.entities.map((e) => [e.entity, e.sweep?.gone ?? 0]))
  const deleted = [...gone.values()].reduce((sum, n) => sum + n, 0)
  context.send(output, { topic: summary.sync, payload: summary })
  const done = `${counted(read, 'record')}${deleted ? `, ${count(deleted)} deleted` : ''}${changedText(summary)}${callsText(summary)}`
  if (summary.state === 'stopped') context.status.idle(`stopped after ${counted(read, 'record')}`)
  else if (summary.state === 'failed') context.status.failed(failure(summary))
  else if (summary.verdict === 'differs') context.status.failed(`differs: ${differsText(summary)}`)
  else if (summary.verdict === 'open') context.status.open(`open: ${fewOf(summary.open ?? [])}; ${done}`)
  else context.status.done(summary.verdict ? `${summary.verdict}: ${done}` : done)
}

/** A difference that an earlier run found, in an entity that this one may not have read. */
const differsText = ({ entities }: RunSummary): string =>
  entities.find(({ verdict }) => verdict === 'differs')?.problem ?? 'see the alerts'

/** Shows what a node has done with a batch, and what is open where it stands (`address`; null: before the sinks). */
export async function showPlace(
  status: Pick<NodeContext<unknown>['status'], 'done' | 'open' | 'failed' | 'idle'>,
  text: string,
  { ledger, sync, entity, address }: { ledger: Ledger; sync: string; entity: string; address: string | null },
): Promise<void> {
  let items: readonly OpenItem[]
  try {
    items = openHere(await ledger.openItems(sync), entity, address)
  } catch {
    // The batch is delivered all the same; the run's end says what is wrong with the ledger.
    return status.idle(text)
  }
  const open = openInWords(items)
  const differs = items.find(({ kind }) => kind === 'difference')
  if (differs) status.failed(`differs: ${differs.problem}`)
  else if (open.length > 0) status.open(`${text}; open: ${open.join(', ')}`)
  else status.done(text)
}

/** Reasons for a status line: `gl_entry: 52 held`, the first two where there are more. */
export function fewOf(reasons: readonly string[]): string {
  const few = reasons.slice(0, 2).join(', ')
  return reasons.length > 2 ? `${few} and ${count(reasons.length - 2)} more` : few
}

/** What the flow changed and may change, told once for each entity. */
function changedText({ entities }: RunSummary): string {
  const texts = new Map<string, string>()
  for (const { entity, changed } of entities)
    if (changed?.allowed && !texts.has(entity)) texts.set(entity, `, ${entity}: ${changed.text}`)
  return [...texts.values()].join('')
}

/** Where calls are billed: those of the month so far, and where it leads. */
function callsText({ calls }: RunSummary): string {
  if (!calls) return ''
  const of = calls.allowance === undefined ? '' : ` of ${count(calls.allowance)}`
  return `, ${count(calls.used)}${of} calls in ${calls.month}, ${count(calls.forecast)} expected`
}

/** Sends the summary and shows it; a failed run fails the message with its first error. */
export function finish(summary: RunSummary, context: Pick<NodeContext<unknown>, 'status' | 'send'>, output = 1): void {
  show(summary, context, output)
  if (summary.state === 'failed') throw failure(summary)
}

function failure(summary: RunSummary): Error {
  const [first] = summary.errors
  const problems = [...new Set(summary.entities.filter((e) => e.problem).map((e) => `${e.entity}: ${e.problem}`))]
  const {
    class: cls,
    code,
    message,
    ...details
  } = first ?? { class: 'config' as const, code: 'tieout.run', message: '' }
  return syncError(cls, code, message || problems.join('; ') || `Run ${summary.run} of ${summary.sync} failed`, details)
}
