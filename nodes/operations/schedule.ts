/** When the inject nodes of the flows start each sync, so that a weekly one is not missed after a day. */
import { CronosExpression } from 'cronosjs'
import type { NodeAPI } from 'node-red'
import { type LedgerHandle, reachable } from '../kit/kit.ts'

/** The next start after a moment; undefined: none. */
export type Next = (after: Date) => Date | undefined

interface Inject {
  readonly repeat?: unknown
  readonly crontab?: unknown
}

/** By the name of the sync; one that no inject node starts by itself is not in it. */
export function schedulesOf(RED: NodeAPI, handle: LedgerHandle): ReadonlyMap<string, readonly Next[]> {
  const found = new Map<string, Next[]>()
  RED.nodes.eachNode((node) => {
    const next = node.type === 'inject' && RED.nodes.getNode(node.id) ? scheduleOf(node as Inject) : undefined
    if (!next) return
    for (const { syncName } of reachable(RED, handle, { place: [node.id], ports: 'all' }))
      if (syncName) found.set(syncName, [...(found.get(syncName) ?? []), next])
  })
  return found
}

/** As Node-RED's own node reads these fields: seconds, else a cron expression by the clocks of this machine. */
export function scheduleOf({ repeat, crontab }: Inject): Next | undefined {
  const seconds = Number(repeat)
  if (seconds > 0) return (after) => new Date(after.getTime() + seconds * 1000)
  if (typeof crontab !== 'string' || crontab === '') return undefined
  try {
    const expression = CronosExpression.parse(crontab)
    return (after) => expression.nextDate(after) ?? undefined
  } catch {
    return undefined
  }
}

/** The earliest start after a moment that any of them makes; both ISO. */
export function nextStart(schedules: readonly Next[] | undefined, after: string): string | undefined {
  const starts = (schedules ?? []).flatMap((next) => next(new Date(after)) ?? [])
  return starts.length === 0 ? undefined : new Date(Math.min(...starts.map((start) => start.getTime()))).toISOString()
}
