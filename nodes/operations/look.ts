/** What sync-alert sees beyond what the engine raises by itself: held records, silence, waits, what ends. */
import type { NodeAPI } from 'node-red'
import type { Ledger } from '../../ledger/ledger.ts'
import { fewOf } from '../../sync/run/sentence.ts'
import { NOT_VERIFIED, openInWords } from '../../sync/run/verdict.ts'
import { endingsOf, type LedgerHandle } from '../kit/kit.ts'
import { nextStart, schedulesOf } from './schedule.ts'
import { lookAtWaits } from './waits.ts'
import { findings, type Limits } from './watch.ts'

export interface Watcher extends Limits {
  /** Names of the syncs to watch; empty: all. */
  readonly syncs: readonly string[]
}

/** How many runs back are looked at. */
const RUNS = 200
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const watched = ({ syncs }: Watcher, sync: string): boolean => syncs.length === 0 || syncs.includes(sync)

/** The nodes that watch a ledger. Its alerts are one for all of them: were each to go by its own limits alone, one would clear what another raises. */
const watchers = new WeakMap<LedgerHandle, Map<string, Watcher>>()

/** Counts a node in; the way back counts it out. */
export function watch(handle: LedgerHandle, id: string, watcher: Watcher): () => void {
  const all = watchers.get(handle) ?? new Map<string, Watcher>()
  watchers.set(handle, all.set(id, watcher))
  return () => void all.delete(id)
}

/** The strictest limits of the nodes that watch a sync. */
function limitsFor(handle: LedgerHandle, sync: string): Limits {
  const own = [...(watchers.get(handle)?.values() ?? [])].filter((watcher) => watched(watcher, sync))
  const hours = own.map(({ successHours }) => successHours).filter((n) => n > 0)
  return {
    heldOver: Math.min(...own.map(({ heldOver }) => heldOver)),
    successHours: hours.length > 0 ? Math.min(...hours) : 0,
    waitMinutes: Math.min(...own.map(({ waitMinutes }) => waitMinutes)),
  }
}

/** Names of the syncs that a node watches, by their runs. */
export async function watchedSyncs(ledger: Ledger, watcher: Watcher): Promise<string[]> {
  const all = await ledger.runs({ limit: RUNS })
  const names = new Set(all.filter(({ mode }) => mode === 'poll').map(({ sync }) => sync))
  return [...names].filter((sync) => watched(watcher, sync))
}

/**
 * Raises and clears what the engine does not see itself. Raising what is open already changes nothing. Gives back what is open
 * of the syncs watched, in words, whether there is an alert for it or not.
 */
export async function look(RED: NodeAPI, handle: LedgerHandle, watcher: Watcher): Promise<readonly string[]> {
  const engine = await handle.engine.get()
  const { ledger } = engine
  await lookAtWaits(RED, handle, engine, (sync) =>
    watched(watcher, sync) ? limitsFor(handle, sync).waitMinutes : undefined,
  )
  const open: string[] = []
  const schedules = schedulesOf(RED, handle)
  const all = await ledger.runs({ limit: RUNS })
  for (const sync of await watchedSyncs(ledger, watcher)) {
    const facts = {
      sync,
      now: new Date().toISOString(),
      held: await ledger.countHeld({ sync }),
      lastSuccess: await ledger.lastSuccess(sync),
      nextStart: (after: string) => nextStart(schedules.get(sync), after),
      runs: all.filter((run) => run.sync === sync),
    }
    for (const { kind, on, message } of findings(facts, limitsFor(handle, sync))) {
      if (on) await ledger.raiseAlert({ sync, kind, message })
      else await ledger.clearAlerts({ sync, kind })
    }
    const unverified = (facts.runs[0]?.open ?? []).filter((why) => why.includes(NOT_VERIFIED))
    const why = [...openInWords(await ledger.openItems(sync)), ...unverified]
    if (why.length > 0) open.push(`${sync}: ${fewOf(why)}`)
  }
  return open
}

/** Days before its end at which what a person must renew becomes an alert. */
const RENEW_DAYS = 30

/** Raises what ends on the connections of this runtime, and clears what was renewed. */
export async function lookAtEndings(RED: NodeAPI, ledger: Ledger, now: number = Date.now()): Promise<void> {
  const ending = (await endingsOf(RED, now)).filter(({ until }) => Date.parse(until) - now <= RENEW_DAYS * DAY_MS)
  const known = new Set(ending.map(({ connection }) => connection))
  for (const { connection, what, until } of ending) {
    const days = Math.floor((Date.parse(until) - now) / DAY_MS)
    const when =
      days < 0 ? 'has ended' : days === 0 ? 'ends within a day' : `ends in ${days} day${days === 1 ? '' : 's'}`
    const message = `${connection}: ${what} ${when} (${until}). Renew it and put the new one into the connection.`
    const told = `${connection}: ${what} ${when} (${until}).`
    await ledger.raiseAlert({ sync: connection, kind: 'expiry', message, cause: { told, until } })
  }
  for (const { sync, kind } of await ledger.alerts({ open: true }))
    if (kind === 'expiry' && !known.has(sync)) await ledger.clearAlerts({ sync, kind })
}
