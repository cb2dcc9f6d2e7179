/** A wait of a run that is too long becomes an alert; it is over with the next success. */
import type { NodeAPI } from 'node-red'
import type { Engine, Wait } from '../../sync/contract/engine.ts'
import type { LedgerHandle } from '../kit/kit.ts'

const MINUTE_MS = 60_000
/** A warehouse that is woken takes its time. */
const STARTING = { text: /^warehouse is starting/, ms: 15 * MINUTE_MS }
/** Said of what is tried again after a while; anything else is work, or a turn. */
const LEFT = /, \d+ (?:s|min) left$/

/** What of these waits is longer than `minutes`, for each entity the one that began first. */
export function longWaits(waits: readonly Wait[], minutes: number, now: number): Wait[] {
  const long = waits.filter(({ what, since }) => {
    if (!LEFT.test(what)) return false
    const limit = STARTING.text.test(what) ? Math.max(STARTING.ms, minutes * MINUTE_MS) : minutes * MINUTE_MS
    return now - Date.parse(since) >= limit
  })
  const first = Map.groupBy(long, ({ entity }) => entity)
  return [...first.values()].map((own) => own.reduce((a, b) => (a.since <= b.since ? a : b)))
}

/** Raises what runs wait for too long, and clears it where the sync has succeeded since. `minutesFor`: of a sync; undefined: nobody watches it. */
export async function lookAtWaits(
  RED: NodeAPI,
  handle: LedgerHandle,
  engine: Engine,
  minutesFor: (sync: string) => number | undefined,
  now: number = Date.now(),
): Promise<void> {
  const { ledger } = engine
  for (const { sync, kind, entity, raised } of await ledger.alerts({ open: true }))
    if (kind === 'waiting' && ((await ledger.lastSuccess(sync)) ?? '') > raised)
      await ledger.clearAlerts({ sync, kind, ...(entity === undefined ? {} : { entity }) })
  for (const { sync, waits } of engine.running()) {
    const minutes = minutesFor(sync)
    if (minutes === undefined) continue
    for (const { entity, sink, what, since } of longWaits(waits, minutes, now)) {
      const said = what.replace(LEFT, '')
      const connection = connectionOf(RED, handle, sync, sink)
      await ledger.raiseAlert({
        ...{
          sync,
          kind: 'waiting',
          message: `${entity ?? sync} waits${sink ? ` at ${sink}` : ''} since ${since}: ${said}.`,
        },
        ...(entity === undefined ? {} : { entity }),
        cause: {
          class: 'transient',
          code: 'waiting',
          told: `${said}.`,
          ...(connection === undefined ? {} : { connection }),
        },
      })
    }
  }
}

/** The connection that a run waits for, as people call it: so that all syncs that wait for it are one cause. */
function connectionOf(
  RED: NodeAPI,
  { members }: LedgerHandle,
  sync: string,
  sink: string | undefined,
): string | undefined {
  const node = [...members.values()].find(({ syncName, ref, kind }) =>
    sink === undefined ? syncName === sync : kind === 'sink' && ref.name === sink,
  )?.ref.id
  let connection: unknown
  RED.nodes.eachNode((one) => {
    if (one.id === node) ({ connection } = one as { connection?: unknown })
  })
  const found = typeof connection === 'string' ? RED.nodes.getNode(connection) : null
  return found ? found.name || found.type : undefined
}
