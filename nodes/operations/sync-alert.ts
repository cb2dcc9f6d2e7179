/** sync-alert: no input; one message when something is wrong and one when it is over, at its output and by mail or chat. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { Waiting } from '../../alerts/deliver.ts'
import type { Way } from '../../alerts/way.ts'
import type { AlertRecord, Ledger } from '../../ledger/ledger.ts'
import { fewOf } from '../../sync/run/sentence.ts'
import { counted, defineNode, field, type NodeContext, type Status, useConnection } from '../kit/kit.ts'
import { look, lookAtEndings, watch, watched } from './look.ts'
import { hasRecipient, sender, writeMessages, writeSummary } from './notify.ts'

const config = z.object({
  ledger: field.optional(),
  /** Names of the syncs to watch; empty: all. */
  syncs: field.list(),
  heldOver: field.number(0, 0, 1_000_000),
  successHours: field.number(26, 0, 8760),
  waitMinutes: field.number(10, 1, 1440),
  everySeconds: field.number(30, 1, 3600),
  /** An alert-channel, where it sends itself. */
  connection: field.optional(),
  /** Addresses of mail. */
  to: field.list(),
  money: field.flag(true),
  technical: field.flag(true),
  daily: field.flag(),
  /** By the clocks of this machine. */
  dailyAt: field.time('07:00'),
})
type Config = z.output<typeof config>

const HOUR_MS = 3_600_000

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
      let endingsAt = 0
      const handle = context.ledger()
      context.atClose(watch(handle, context.id, context.config))
      context.every(context.config.everySeconds * 1000, async () => {
        const { ledger } = await context.engine()
        if (context.signal.aborted) return
        // Where this node's reading of the alerts stands: a restart repeats none and misses none.
        const stream = `alerts:${context.id}`
        since ??= (await ledger.position(stream, 'alerts'))?.readThrough ?? null
        const open = await look(context.RED, handle, context.config)
        if (Date.now() - endingsAt >= HOUR_MS) {
          await lookAtEndings(context.RED, ledger)
          endingsAt = Date.now()
        }
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
      await writeSummary(ledger, id, config)
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
  else if (waiting.length > 0) status.open(`open: ${fewOf(waiting)}; no alert`)
  else status.done('no alert')
}

/** What ends on a connection is every sync's business: it is told under the connection's name. */
const concerns = (limits: Config, { sync, kind }: AlertRecord): boolean =>
  kind === 'login' || kind === 'expiry' || watched(limits, sync)

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
