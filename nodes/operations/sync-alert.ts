/** sync-alert: no input; one message when something is wrong and one when it is over, at its output and by mail or chat. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Waiting } from '../../alerts/deliver.ts'
import type { Way } from '../../alerts/way.ts'
import type { AlertRecord, Ledger } from '../../ledger/ledger.ts'
import { fewOf } from '../../sync/run/sentence.ts'
import { NOT_VERIFIED } from '../../sync/run/summary.ts'
import { openInWords } from '../../sync/run/verdict.ts'
import { counted, defineNode, field, type NodeContext, type Status, useConnection } from '../kit/kit.ts'
import { hasRecipient, sender, writeMessages } from './notify.ts'
import { findings } from './watch.ts'

const config = z.object({
  ledger: field.optional(),
  /** Names of the syncs to watch; empty: all. */
  syncs: field.list(),
  heldOver: field.number(0, 0, 1_000_000),
  successHours: field.number(26, 0, 8760),
  everySeconds: field.number(30, 1, 3600),
  /** An alert-channel, where it sends itself. */
  connection: field.optional(),
  /** Addresses of mail. */
  to: field.list(),
  money: field.flag(true),
  technical: field.flag(true),
})
type Config = z.output<typeof config>

/** How many runs back are looked at. */
const RUNS = 200

export default function (RED: NodeAPI): void {
  defineNode(RED, {
    type: 'sync-alert',
    version: 1,
    config,
    member: (context) => ({ kind: 'other', ref: { id: context.id, name: context.name } }),
    start(context) {
      const sent = new Set<string>()
      const post = posting(context)
      let since: string | null | undefined
      context.every(context.config.everySeconds * 1000, async () => {
        const { ledger } = await context.engine()
        if (context.signal.aborted) return
        // Where this node's reading of the alerts stands: a restart repeats none and misses none.
        const stream = `alerts:${context.id}`
        since ??= (await ledger.position(stream, 'alerts'))?.readThrough ?? null
        const open = await look(ledger, context.config)
        const alerts = (await ledger.alerts({})).filter((alert) => concerns(context.config, alert))
        const until = tell(alerts, context, sent, since)
        if (until) await ledger.savePosition(stream, 'alerts', { identity: stream, readThrough: until, window: null })
        const unsent = await post(ledger, alerts)
        show(context.status, alerts.filter(({ cleared }) => !cleared).length, open, unsent)
      })
    },
  })
}

/** Sends by its channel; nothing of that keeps the node from watching. Gives what did not go out. */
function posting(context: NodeContext<Config>): (ledger: Ledger, alerts: readonly AlertRecord[]) => Promise<Waiting> {
  const { config, id, log } = context
  if (config.connection === '') return async () => ({ count: 0 })
  let way: (() => Promise<Way>) | undefined
  try {
    way = useConnection<Way>(context, config.connection, 'alert-channel')
  } catch (error) {
    const problem = (error as Error).message
    log.error(problem)
    return async () => ({ count: 0, problem })
  }
  const channel = way
  const sending = sender(context, channel)
  let said = ''
  return async (ledger, alerts) => {
    try {
      if (!(await hasRecipient(channel, config))) return { count: 0 }
      await writeMessages(ledger, id, config, alerts)
      const left = await sending(ledger)
      if (left.problem && left.problem !== said) log.warn(left.problem)
      said = left.problem ?? ''
      return left
    } catch (error) {
      return { count: 0, problem: (error as Error).message }
    }
  }
}

function show(status: Status, alerts: number, waiting: readonly string[], unsent: Waiting): void {
  const late = unsent.problem === undefined ? [] : [`${counted(unsent.count, 'message')} not sent: ${unsent.problem}`]
  if (alerts > 0) status.failed([counted(alerts, 'open alert'), ...late].join('; '))
  else if (late.length > 0) status.open(late.join())
  else if (waiting.length > 0) status.open(`no alert; open: ${fewOf(waiting)}`)
  else status.done('no alert')
}

/**
 * Raises and clears what the engine does not see itself. Raising what is open already changes nothing. Gives back what is open
 * of the syncs watched, in words, whether there is an alert for it or not.
 */
async function look(ledger: Ledger, limits: Config): Promise<readonly string[]> {
  const open: string[] = []
  const all = await ledger.runs({ limit: RUNS })
  const syncs = new Set(all.filter((run) => run.mode === 'poll').map((run) => run.sync))
  for (const sync of syncs) {
    if (!watched(limits, sync)) continue
    const facts = {
      sync,
      now: new Date().toISOString(),
      held: await ledger.countHeld({ sync }),
      lastSuccess: await ledger.lastSuccess(sync),
      runs: all.filter((run) => run.sync === sync),
    }
    for (const { kind, on, message } of findings(facts, limits)) {
      if (on) await ledger.raiseAlert({ sync, kind, message })
      else await ledger.clearAlerts({ sync, kind })
    }
    const unverified = (facts.runs[0]?.open ?? []).filter((why) => why.includes(NOT_VERIFIED))
    const why = [...openInWords(await ledger.openItems(sync)), ...unverified]
    if (why.length > 0) open.push(`${sync}: ${fewOf(why)}`)
  }
  return open
}

const watched = ({ syncs }: Config, sync: string): boolean => syncs.length === 0 || syncs.includes(sync)

/** A login that ends is every sync's business: it is told under the connection's name. */
const concerns = (limits: Config, { sync, kind }: AlertRecord): boolean => kind === 'login' || watched(limits, sync)

/** Sends what was raised or cleared since; returns the time up to which everything is told. */
function tell(
  alerts: readonly AlertRecord[],
  context: NodeContext<Config>,
  sent: Set<string>,
  since: string | null,
): string | undefined {
  let until: string | undefined
  const changes = alerts
    .flatMap((alert) => [
      { alert, state: 'raised' as const, at: alert.raised },
      ...(alert.cleared ? [{ alert, state: 'cleared' as const, at: alert.cleared }] : []),
    ])
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  for (const { alert, state, at } of changes) {
    const key = `${alert.id} ${state}`
    // A node that is new tells what is open now, not what is long over.
    if (sent.has(key) || (since === null ? alert.cleared !== undefined : at <= since)) continue
    sent.add(key)
    until = at
    const { sync, kind, entity, message, raised, cleared } = alert
    context.send(0, {
      topic: kind,
      payload: { state, sync, kind, ...(entity && { entity }), message, raised, ...(cleared && { cleared }) },
    })
  }
  return until
}
