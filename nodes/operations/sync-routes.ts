/** Guarded admin routes that start and stop the runs of a sync, and answer what a run asked. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { AlertRecord } from '../../ledger/ledger.ts'
import type { LiveRun } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import { outdatedInWords } from '../../sync/run/outdated.ts'
import { handle, type LedgerHandle, type Member, type Order, reason } from '../kit/kit.ts'
import { handleAsked } from './asked.ts'

const ledger = z.string().min(1).max(300).optional()
const name = z.string().min(1).max(300)
const entities = z.array(name).min(1).max(200).optional()

/** What runs asked that only a person can answer, by the kind of the alert. */
const QUESTIONS = ['identity', 'take-over', 'sweep']

type Source = Member & Required<Pick<Member, 'syncName' | 'entities' | 'running'>>

const sourcesOf = (found: LedgerHandle | undefined): Source[] =>
  [...(found?.members.values() ?? [])].filter((member): member is Source => member.kind === 'source')

function sourceOf(RED: NodeAPI, id: string | undefined, sync: string): Source {
  const found = sourcesOf(handleAsked(RED, id)).find(({ syncName }) => syncName === sync)
  if (found) return found
  throw syncError('config', 'tieout.sync', `No sync "${sync}" is deployed.`, {
    hint: 'Deploy the flow that it is in, or name another: GET /tieout/syncs lists them.',
  })
}

/** The node gets a message of these words alone: nothing of the request's body is passed on. */
function send(RED: NodeAPI, { ref }: Source, order: Order): void {
  RED.nodes.getNode(ref.id)?.receive({ tieout: order } as never)
}

function start(RED: NodeAPI, source: Source, order: Order): { started: true } {
  if (source.running())
    throw syncError('config', 'tieout.running', `${source.syncName} is running.`, {
      hint: 'Wait until it ends, or stop it.',
    })
  const unknown =
    'entities' in order ? order.entities?.find((entity) => !source.entities().includes(entity)) : undefined
  if (unknown !== undefined)
    throw syncError('config', 'tieout.sync', `${unknown} is none of the entities of ${source.syncName}.`, {
      field: 'entities',
      hint: `It reads ${source.entities().join(', ')}.`,
    })
  send(RED, source, order)
  return { started: true }
}

/** Counts of rows that are old are made no oftener, while runs change them. */
const COUNTED_MS = 10_000

/** Rows that hold what is made otherwise now; `told`: of them in words. */
async function outdatedOf(found: LedgerHandle | undefined, { syncName, mappings }: Source): Promise<unknown[]> {
  const standing = { mappings: mappings?.(), mayBeOld: COUNTED_MS }
  const all = (await (await found?.engine.get())?.ledger.outdated(syncName, standing)) ?? []
  return all.map((one) => ({ ...one, told: outdatedInWords(one) }))
}

/** Reads rows again that are old: those of what changed since a day, or all, by key where that can be. */
async function readAgain(
  RED: NodeAPI,
  found: LedgerHandle | undefined,
  source: Source,
  { entities: some, from }: { readonly entities?: string[]; readonly from: string | undefined },
): Promise<{ started: true }> {
  const only = some && { entities: some }
  if (from !== undefined) return start(RED, source, { from, to: new Date().toISOString(), ...only })
  if (source.running()) return start(RED, source, {})
  const areKnown = await (await found?.engine.get())?.ledger.readOutdatedAgain(
    source.syncName,
    some ?? source.entities(),
    { mappings: source.mappings?.() },
  )
  return start(RED, source, areKnown ? { ...only } : { full: true, ...only })
}

/** A run that goes on, its engine's part and its node's. */
function live(found: LedgerHandle, running: readonly LiveRun[]): unknown[] {
  const polls = sourcesOf(found).flatMap(({ syncName: sync, going }) => {
    const now = going?.()
    if (!now) return []
    const run = running.find((one) => one.sync === sync && one.mode === 'poll')
    const waits = now.wait ? [now.wait] : []
    // Before its run begins the source logs in.
    const begun = run ?? { run: '', started: now.since, rowsASecond: 0, entities: [], waits }
    return [{ ...begun, sync, mode: 'poll', mayStop: true }]
  })
  return [...polls, ...running.filter(({ mode }) => mode === 'replay').map((run) => ({ ...run, mayStop: false }))]
}

export function defineSyncRoutes(RED: NodeAPI): void {
  RED.httpAdmin.get(
    '/tieout/running',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger }), async (query) => {
      const found = handleAsked(RED, query.ledger)
      return found ? live(found, (await found.engine.get()).running()) : []
    }),
  )

  RED.httpAdmin.get(
    '/tieout/syncs',
    RED.auth.needsPermission('tieout.read'),
    handle(z.object({ ledger }), async (query) => {
      const found = handleAsked(RED, query.ledger)
      const alerts = (await (await found?.engine.get())?.ledger.alerts({ open: true })) ?? []
      const going = (await found?.engine.get())?.running() ?? []
      const syncOf = async (source: Source) => {
        const { ref, syncName, entities: own, running } = source
        return {
          sync: syncName,
          node: ref.name,
          running: running(),
          entities: own(),
          late: going.find(({ sync, mode, late }) => sync === syncName && mode === 'poll' && late !== undefined)?.late,
          questions: alerts.filter(({ sync, kind }) => sync === syncName && QUESTIONS.includes(kind)).map(question),
          outdated: await outdatedOf(found, source),
        }
      }
      return Promise.all(sourcesOf(found).map(syncOf))
    }),
  )

  RED.httpAdmin.post(
    '/tieout/run',
    RED.auth.needsPermission('tieout.write'),
    handle(
      z.strictObject({
        ledger,
        sync: name,
        entities,
        kind: z.enum(['changed', 'full', 'sweep', 'again']).default('changed'),
        from: z.iso.date().optional(),
      }),
      async ({ ledger: id, sync, entities: some, kind, from }) => {
        const source = sourceOf(RED, id, sync)
        const only = some && { entities: some }
        if (kind === 'again') return readAgain(RED, handleAsked(RED, id), source, { ...only, from })
        const orders = { changed: { ...only }, full: { full: true, ...only }, sweep: { sweep: true, ...only } } as const
        return start(RED, source, orders[kind])
      },
    ),
  )

  RED.httpAdmin.post(
    '/tieout/stop',
    RED.auth.needsPermission('tieout.write'),
    handle(z.strictObject({ ledger, sync: name }), async ({ ledger: id, sync }) => {
      const source = sourceOf(RED, id, sync)
      const running = source.running()
      if (running) send(RED, source, { stop: true })
      return { stopping: running }
    }),
  )

  RED.httpAdmin.post(
    '/tieout/decide',
    RED.auth.needsPermission('tieout.decide'),
    handle(
      z.union([
        z.strictObject({ ledger, sync: name, identity: z.enum(['anew', 'keep', 'take over']), reason }),
        z.strictObject({ ledger, sync: name, confirm: name, reason }),
      ]),
      async (body, { user }) => {
        const who = { by: user, reason: body.reason }
        const source = sourceOf(RED, body.ledger, body.sync)
        // The node keeps the decision, as that of a message.
        return 'identity' in body
          ? start(RED, source, { identity: body.identity, ...who })
          : start(RED, source, { sweep: { confirm: body.confirm }, entities: [body.confirm], ...who })
      },
    ),
  )
}

const question = ({ kind, entity, message, raised }: AlertRecord): unknown => ({
  kind,
  ...(entity && { entity }),
  message,
  raised,
})
