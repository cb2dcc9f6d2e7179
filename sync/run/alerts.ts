/** Alerts that a run raises and clears in the ledger. Held records and overdue runs are `sync-alert`'s. */
import type { AlertCause, Alerts, Intent, Intents, KnownKeys, OpenItems, Runs, Sweeps } from '../../ledger/ledger.ts'
import { withHint } from '../contract/errors.ts'
import type { EntitySummary, RunSummary } from '../contract/summary.ts'
import { causeOf } from './alert-cause.ts'
import { budgetAlert } from './call-budget.ts'
import { lostNotice } from './detect-lost.ts'
import { raiseDifferences } from './difference-alert.ts'
import { askLeft } from './left-over.ts'
import { raisePushed } from './pushed-alert.ts'
import type { EntityRun, RunState } from './state.ts'

/** So many runs with records in a row make records usual. */
const usual = 10

/** Errors that a person may answer with *take over*. */
const TAKEN_OVER = ['sync.two-ledgers', 'sync.two-syncs', 'sync.two-sources']

export async function settleAlerts(
  ledger: Alerts & Intents & Runs & OpenItems & Sweeps & KnownKeys,
  run: RunState,
  summary: RunSummary,
  wholeWindow: boolean,
): Promise<void> {
  const { sync } = run
  const set = async (kind: string, message: string | undefined, entity?: string, cause?: AlertCause) => {
    const about = { sync, kind, ...(entity === undefined ? {} : { entity }) }
    if (message === undefined) await ledger.clearAlerts(about)
    else await ledger.raiseAlert({ ...about, message, ...(cause && { cause }) })
  }
  await set(
    'stopped',
    summary.state === 'stopped' ? `Run ${run.id} of ${sync} was stopped; what is settled is kept.` : undefined,
  )
  if (summary.calls) await set('call-budget', budgetAlert(summary.calls))
  await raisePushed(ledger, sync)
  const doubtful = await ledger.doubtful(sync)
  const before = wholeWindow ? await ledger.runs({ sync, limit: usual }) : []
  for (const entity of run.entities.values()) {
    const { name, error } = entity
    const sums = summary.entities.filter((sum) => sum.entity === name)
    const lost = error?.code === 'sync.not-received'
    // Answered as where the ledger itself knows the address before.
    const hasMoved = error?.code === 'sync.two-sources' && error.cause.hint?.includes('"keep"')
    if (hasMoved) await set('identity', withHint(error.message, error.cause.hint))
    if (error || summary.state !== 'stopped') {
      const said = error && withHint(error.message, error.cause.hint)
      const cause = error && causeOf(error, run.sourceAddress, entity.addresses.values())
      await set('not-received', lost ? said : undefined, name, cause)
      await set('run-failed', lost ? undefined : said, name, cause)
      await set('take-over', error && TAKEN_OVER.includes(error.code) && !hasMoved ? said : undefined, name)
    }
    await set('lost-rows', await lostNotice(ledger, sync, entity), name)
    await set('in-doubt', inDoubt(doubtful.filter((intent) => intent.entity === name)), name)
    const isOver = !error && entity.readDone && summary.state !== 'stopped'
    await raiseDifferences(ledger, sync, name, isOver ? unaccounted(sums) : [])
    if (!isOver) continue
    if (!(await askLeft(ledger, sync, name)) && (entity.sweep || entity.tooManyOlder))
      await set('sweep', entity.sweep?.problem ?? entity.tooManyOlder, name)
    if (!wholeWindow) continue
    await set(
      'future-stamp',
      entity.future > 0
        ? `${name}: ${entity.future} record(s) are stamped later than the source's own clock; they are read when their time comes. Look for a clock that is wrong or a load with made-up stamps.`
        : undefined,
      name,
    )
    await set(
      'zero-records',
      isOdd(entity, before) ? `${name}: no records were read, where there usually are some.` : undefined,
      name,
    )
  }
}

/** What nobody knows the outcome of, until a person says so. */
function inDoubt(intents: readonly Intent[]): string | undefined {
  const [posts, batches] = [intents.filter(({ posting }) => posting), intents.filter(({ posting }) => !posting)]
  const keys = posts.flatMap(({ records }) => records.map(({ key }) => key))
  return [posts[0] && postsInDoubt(posts[0], keys), batchesInDoubt(batches)].filter(Boolean).join(' ') || undefined
}

const MOST_KEYS = 10

/** Attempts to post, each of one record. */
export function postsInDoubt({ entity, address }: Pick<Intent, 'entity' | 'address'>, keys: readonly string[]): string {
  const more = keys.length > MOST_KEYS ? ` and ${keys.length - MOST_KEYS} more` : ''
  return `${entity}: nobody knows whether ${keys.slice(0, MOST_KEYS).join(', ')}${more} was posted to ${address}. Look there, then say so in the sidebar (Postings).`
}

function batchesInDoubt(intents: readonly Intent[]): string | undefined {
  const [first] = intents
  if (first === undefined) return undefined
  const records = intents.reduce((sum, intent) => sum + intent.records.length, 0)
  const ids = intents.slice(0, 3).map(({ id }) => id)
  const more = intents.length > 3 ? ` and ${intents.length - 3} more` : ''
  return `${first.entity}: ${records} record(s) of ${intents.length} batch(es) are in doubt at ${first.address}: ${ids.join(', ')}${more}. Look there whether they are in once, mend it by hand where they are not, and tell so (POST /tieout/in-doubt/settle).`
}

/** Records of which nobody knows what became of them, though nothing failed. */
const unaccounted = (sums: readonly EntitySummary[]): string[] =>
  sums
    .filter(({ verdict }) => verdict === 'failed')
    .map((sum) => `${sum.entity} at ${sum.sink}: ${sum.problem ?? 'does not tie'}`)

function isOdd(entity: EntityRun, before: readonly RunSummary[]): boolean {
  // An inbox that is empty is as it should be.
  if (entity.read > 0 || entity.inbox !== undefined) return false
  const counts = before
    .filter((run) => run.mode === 'poll' && run.state === 'done')
    .map((run) => run.entities.find((sum) => sum.entity === entity.name)?.read ?? 0)
  // Where everything was asked for, one run that found something is enough.
  return entity.from === null ? counts.some((n) => n > 0) : counts.length >= usual && counts.every((n) => n > 0)
}
