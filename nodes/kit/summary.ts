/** How a run's summary is sent and shown. */
import type { RunSummary } from '../../sync/engine.ts'
import { syncError } from '../../sync/errors.ts'
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
  else if (summary.state === 'failed' || summary.verdict === 'differs') context.status.failed(failure(summary))
  else if (summary.verdict === 'open') context.status.open(`open: ${openText(summary)}; ${done}`)
  else context.status.done(done)
}

/** What is open, over all entities and sinks: `52 held`, or by entity where there is more than one reason. */
function openText({ entities }: RunSummary): string {
  const open = entities.filter((one) => one.open)
  const reasons = [...new Set(open.flatMap(({ entity, open: why = [] }) => why.map((text) => `${entity} ${text}`)))]
  const most = 2
  return reasons.length > most
    ? `${reasons.slice(0, most).join(', ')} and ${count(reasons.length - most)} more`
    : reasons.join(', ')
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
