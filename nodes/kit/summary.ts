/** How a run's summary is sent and shown. */
import type { Ledger, OpenItem } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { fewOf } from '../../sync/run/sentence.ts'
import { openHere, openInWords } from '../../sync/run/verdict.ts'
import { saying } from './errors.ts'
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
  const done = `${counted(read, 'record')}${deleted ? `, ${count(deleted)} deleted` : ''}${callsText(summary)}`
  if (summary.state === 'stopped') context.status.idle(`stopped after ${counted(read, 'record')}`)
  else if (summary.state === 'failed') context.status.failed(failure(summary))
  else if (summary.verdict === 'differs') context.status.failed(saysOf(summary))
  else if (summary.verdict === 'open') context.status.open(`${saysOf(summary)}; ${done}`)
  else context.status.done(summary.verdict ? `${saysOf(summary)}; ${done}` : done, summary.verdict === 'ties')
}

/** The sentence of the summary. */
const saysOf = ({ says, verdict }: RunSummary): string => says ?? verdict ?? ''

/** Shows what a node has done with a batch, and what is open where it stands (`address`; null: before the sinks). */
export async function showPlace(
  status: Pick<NodeContext<unknown>['status'], 'done' | 'open' | 'failed' | 'idle'>,
  text: string,
  { ledger, sync, entity, address }: { ledger: Ledger; sync: string; entity: string; address: string | null },
): Promise<void> {
  let all: readonly OpenItem[]
  try {
    all = await ledger.openItems(sync)
  } catch {
    // The batch is delivered all the same; the run's end says what is wrong with the ledger.
    return status.idle(text)
  }
  const items = openHere(all, entity, address)
  const open = openInWords(items, all)
  const differs = items.find(({ kind }) => kind === 'difference')
  if (differs) status.failed(`differs: ${differs.problem}`)
  else if (open.length > 0) status.open(`open: ${fewOf(open)}; ${text}`)
  else status.done(text)
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
  const error = syncError(
    cls,
    code,
    message || problems.join('; ') || `Run ${summary.run} of ${summary.sync} failed`,
    details,
  )
  // What differs is told with the nodes that it comes from.
  return summary.verdict === 'differs' ? saying(error, saysOf(summary)) : error
}
