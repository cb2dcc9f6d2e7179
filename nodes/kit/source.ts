/** Nodes that read: a message starts a run, batches leave by output 1, the run's summary by output 2. */
import type { NodeAPI } from 'node-red'
import { z } from 'zod'
import type { NewDecision, RotatingTokens } from '../../ledger/ledger.ts'
import type { Engine, Progress } from '../../sync/contract/engine.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { DataRecord } from '../../sync/contract/message.ts'
import type { Source } from '../../sync/contract/source.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { waitKeeper } from '../../sync/contract/wait.ts'
import type { Preview } from '../../vendor/report.ts'
import { type ConfigSpec, type Fields, field, readConfig } from './config.ts'
import { type ConnectionSpec, withUnsaved } from './connection.ts'
import { goingOf } from './going.ts'
import type { Log } from './log.ts'
import { masked } from './masked.ts'
import {
  foreignBefore,
  ledgerHandle,
  limitsFor,
  mappingsBefore,
  mappingsBehind,
  placeOf,
  reachable,
  sinksFor,
  targetsFor,
} from './members.ts'
import { defineNode, type Message, type NodeContext } from './node.ts'
import { NOT_STARTED, tellNotStarted } from './not-started.ts'
import { decisionsIn, entitiesOf, ORDERS, type Order, scopeOf, sourceOrder, toldOf } from './order.ts'
import { attendSource, needsPosting } from './posting.ts'
import { connectionBody, handle, scrub } from './routes.ts'
import { finish, show } from './summary.ts'
import { sweepOf } from './sweep.ts'
import { checkConnection, useConnection } from './use.ts'
import { environment, fillEnv, type Values } from './variables.ts'
import { whoOf } from './who.ts'

/** Fields that every source has; its dialog has a form row for each. */
export const sourceFields = {
  /** Name of the sync, unique within the ledger. */
  syncName: field.text('the sync needs a name'),
  /** Ids of the config nodes. */
  ledger: field.optional(),
  connection: field.optional(),
  /** Every sink must answer for each record, or at least one (behind a switch). */
  answer: field.choice(['every', 'one']),
  /** Records may be filtered in the flow. */
  mayFilter: field.flag(false),
  /** Amounts may be changed in the flow. */
  mayChange: field.flag(false),
  /** Minutes without a sign of life after which a batch counts as dropped. */
  receiptMinutes: field.number(10, 0.05, 1440),
}
/** Those of a source that sweeps. */
const sweepFields = {
  /** What a sink holds of a record whose newest version went elsewhere, or was filtered, is deleted there. */
  takesOlder: field.flag(false),
  /** When all keys are listed and compared, so that what was deleted is found. */
  sweep: field.choice(['daily', 'never', 'always']),
  /** The first run of a day at or after this time (of this machine) sweeps. */
  sweepAt: field.time('02:00'),
}
type Common = z.output<z.ZodObject<typeof sourceFields & typeof sweepFields>>

export interface SourceContext {
  readonly name: string
  readonly log: Log
  readonly signal: AbortSignal
  /** Shows what is waited for in the node's status. */
  readonly waiting: (what: string) => void
  /** Of a run: name of the sync, and what its ledger keeps sealed under a name. */
  readonly run?: { readonly sync: string; readonly store: RotatingTokens }
}

export interface SourceSpec<S extends Fields, CS extends Fields, K extends Fields, Client> extends ConfigSpec<S> {
  readonly type: string
  /** The connection's spec: the same object that its config node is defined with. */
  readonly connection: ConnectionSpec<CS, K, Client>
  /** The source of one run. */
  readonly source: (config: z.output<S> & Common, client: Client, context: SourceContext) => Source | Promise<Source>
  /** Entities that a new node begins with, in their order; its dialog finds them in `RED.settings`, as `x3PollEntities` for `x3-poll`. */
  readonly offers?: readonly string[]
  /** Entities in order, masters first. */
  readonly entities: (config: z.output<S> & Common) => readonly string[]
  /** Text of the filters by entity: part of the identity of what is read. */
  readonly filters?: (config: z.output<S> & Common) => Readonly<Record<string, string>>
  /** Rows and bytes of a batch and of all that is on its way; absent: the engine's. */
  readonly limits?: (config: z.output<S> & Common) => {
    readonly batchRows?: number
    readonly batchBytes?: number
    readonly windowRows?: number
    readonly windowBytes?: number
  }
  /** What of the connection a person should see to soon, shown with the run's result. */
  readonly warning?: (client: Client) => string | undefined
  /**
   * Its sources can be asked whether a record still waits (`stillOurs`) and are told what became of it (`answer`). They run only
   * before a sink that posts, and there is nothing to sweep.
   */
  readonly answers?: true
  /** With `answers`: a document of the inbox as a record, without asking the vendor; undefined: it cannot be told. */
  readonly recordOf?: (config: z.output<S> & Common, document: unknown) => DataRecord | undefined
  /** Up to ten records for the dialog. Sensitive columns are masked by the kit. */
  readonly preview?: (
    config: z.output<S> & Common,
    client: Client,
    entity: string,
    signal: AbortSignal,
  ) => Promise<Preview>
}

/**
 * Registers a source and the guarded routes of its dialog.
 *
 * A message starts a run of what changed. `msg.tieout` asks for something else: `{full: true}` reads everything anew,
 * `{from, to}` reads between two dates beside the window, `{entity, keys}` reads single records, `{entities}` only some of the
 * entities, `{stop: true}` stops the run that is going on, `{sweep: true}` also lists all keys and deletes what is gone, `{sweep: {confirm: 'supplier'}}` even where
 * that is so much that a lost right is more likely, `{identity: 'anew' | 'keep'}` answers the question asked when the connection behind the name changed;
 * the last two are decisions, kept with `by` and a `reason` that they must have.
 * A start while a run is going on is refused with a warning. A run that fails sends its summary by output 2 and then fails
 * the message, so that a catch node gets the first error with `code` and `cause`.
 *
 * @example
 * defineSource(RED, {
 *   type: 'x3-poll',
 *   version: 1,
 *   config: z.object({ entities: field.list() }),
 *   connection: x3Connection, // the ConnectionSpec
 *   entities: (config) => config.entities,
 *   source: (config, client) => createX3Source(client, config),
 * })
 */
export function defineSource<S extends Fields, CS extends Fields, K extends Fields, Client>(
  RED: NodeAPI,
  spec: SourceSpec<S, CS, K, Client>,
): void {
  const common = { ...sourceFields, ...(spec.answers ? {} : sweepFields) }
  const config = z.object({ ...common, ...spec.config.shape }) as unknown as S
  /** What belongs to one live node. */
  const state = new WeakMap<object, Run<Client>>()
  const runOf = (context: NodeContext<z.output<S>>): Run<Client> => {
    const own = context.config as z.output<S> & Common
    const run = state.get(context) ?? { client: useConnection<Client>(context, own.connection, spec.connection.type) }
    state.set(context, run)
    return run
  }
  const claim = (run: Run<Client>, engine: Engine, context: NodeContext<z.output<S>>): void => {
    if (!run.claimed) context.atClose(engine.claimName((context.config as z.output<S> & Common).syncName, context.id))
    run.claimed = true
  }

  defineNode<S>(RED, {
    type: spec.type,
    version: spec.version,
    config,
    ...(spec.migrations && { migrations: spec.migrations }),
    ...(spec.literal && { literal: spec.literal }),
    ...(spec.offers && { settings: { [`${RED.util.normaliseNodeTypeName(spec.type)}Entities`]: spec.offers } }),
    member: (context) => ({
      kind: 'source',
      ref: { id: context.id, name: context.name },
      syncName: (context.config as z.output<S> & Common).syncName,
      ...(spec.answers && { answers: true }),
      recordOf: (document) => spec.recordOf?.(context.config as z.output<S> & Common, document),
      entities: () => spec.entities(context.config as z.output<S> & Common),
      ...goingOf(() => runOf(context)),
      mappings: () => mappingsBehind(RED, context.ledger(), { place: context.place }),
      mayChange: () => (context.config as z.output<S> & Common).mayChange,
      async readAgain(entity, keys, signal) {
        const run = runOf(context)
        while (run.going) await run.ended
        const stop = (): void => run.going?.abort()
        signal.addEventListener('abort', stop, { once: true })
        try {
          const order = { entity, keys: [...keys] }
          const summary = await runOrder(spec, context as NodeContext<z.output<S> & Common>, run, order, (engine) =>
            claim(run, engine, context),
          )
          show(summary, context)
          return summary
        } finally {
          signal.removeEventListener('abort', stop)
        }
      },
    }),
    async start(context) {
      const run = runOf(context)
      const engine = await context.engine()
      if (!context.signal.aborted) claim(run, engine, context)
      if (spec.answers) await attendRuns(spec, context as NodeContext<z.output<S> & Common>, run)
      checkConnection(RED, (context.config as z.output<S> & Common).connection, spec.connection.type)
    },
    async input(message, context) {
      const run = runOf(context)
      await poll(spec, context as NodeContext<z.output<S> & Common>, run, message, (engine) =>
        claim(run, engine, context),
      )
    },
  })

  RED.httpAdmin.post(
    `/tieout/sources/${spec.type}/preview`,
    RED.auth.needsPermission('flows.write'),
    handle(
      z.object({
        config: z.record(z.string(), z.unknown()),
        entity: z.string().min(1).max(200),
        connection: connectionBody,
      }),
      async (body, { signal }) => {
        const preview = spec.preview
        if (!preview) throw syncError('config', 'tieout.request', `${spec.type} has no preview`)
        const own = readConfig(
          { ...spec, config },
          fillEnv(body.config, environment(RED, null)) as Values,
        ) as z.output<S> & Common
        return withUnsaved(RED, spec.connection, body.connection, signal, async (client, secrets) =>
          scrub(masked(await preview(own, client, body.entity, signal)), secrets),
        )
      },
    ),
  )

  RED.httpAdmin.post(
    `/tieout/sources/${spec.type}/:id/run`,
    RED.auth.needsPermission('flows.write'),
    handle(z.object({ order: sourceOrder }), async ({ order }, { params }) => {
      const node = RED.nodes.getNode(params.id ?? '')
      if (node?.type !== spec.type)
        throw syncError('config', 'tieout.request', 'This node is not deployed, or disabled', {
          hint: 'Deploy it first: a run goes by what is deployed.',
        })
      node.receive({ tieout: order } as never)
      return { started: true }
    }),
  )

  RED.httpAdmin.get(
    `/tieout/sources/${spec.type}/:id/sinks`,
    RED.auth.needsPermission('flows.read'),
    handle(z.object({}), async (_query, { params }) => {
      let ledger: unknown
      RED.nodes.eachNode((node) => {
        if (node.id === params.id && node.type === spec.type) ledger = (node as { ledger?: unknown }).ledger
      })
      const node = RED.nodes.getNode(params.id ?? '')
      if (!node || ledger === undefined) return { deployed: false, sinks: [] }
      const members = reachable(RED, ledgerHandle(RED, ledger), { place: placeOf(node), ports: [0] })
      return { deployed: true, sinks: members.filter((m) => m.kind === 'sink').map((m) => m.ref.name) }
    }),
  )
}

/** It is asked and told beside its runs too, which says nothing in the node's status. */
const attendRuns = <S extends Fields, CS extends Fields, K extends Fields, Client>(
  spec: SourceSpec<S, CS, K, Client>,
  context: NodeContext<z.output<S> & Common>,
  run: Run<Client>,
): Promise<void> =>
  attendSource(context, context.config.syncName, async (signal) =>
    spec.source(context.config, await run.client(), {
      name: context.name,
      log: context.log,
      signal,
      waiting: () => undefined,
    }),
  )

type WhoOrder = Parameters<typeof whoOf>[0]

interface Run<Client> {
  readonly client: () => Promise<Client>
  claimed?: boolean
  going?: AbortController
  /** ISO: since when it goes on, and what is waited for. */
  since?: string
  waits?: ReturnType<typeof waitKeeper>
  /** Settles when the last run has ended. */
  ended?: Promise<void>
}

async function poll<S extends Fields, CS extends Fields, K extends Fields, Client>(
  spec: SourceSpec<S, CS, K, Client>,
  context: NodeContext<z.output<S> & Common>,
  run: Run<Client>,
  message: Message,
  claim: (engine: Engine) => void,
): Promise<void> {
  const { config, status } = context
  const parsed = sourceOrder.safeParse(message.tieout ?? {})
  if (!parsed.success)
    throw syncError('config', 'tieout.order', ORDERS, {
      field: 'msg.tieout',
    })
  const order = parsed.data
  if ('stop' in order) {
    run.going?.abort()
    status.waiting(run.going ? 'stopping' : 'nothing to stop')
    return
  }
  if (run.going) {
    context.log.warn(`${config.syncName} is still running: this start is ignored`)
    status.waiting('still running')
    return
  }
  const decisions = decisionsIn(order)
  const who = decisions.length > 0 ? whoOf(order as WhoOrder, 'What this message answers', context) : undefined
  const decided = who ? decisions.map((one) => ({ ...one, ...who, sync: config.syncName, sink: '' })) : []
  const summary = await runOrder(spec, context, run, order, claim, decided)
  finish(summary, context)
  const warning = spec.warning?.(await run.client())
  if (warning) status.open([summary.says, warning].filter(Boolean).join('; '))
}

/** One run; the caller has seen that none is going on. */
async function runOrder<S extends Fields, CS extends Fields, K extends Fields, Client>(
  spec: SourceSpec<S, CS, K, Client>,
  context: NodeContext<z.output<S> & Common>,
  run: Run<Client>,
  order: Exclude<Order, { stop: true }>,
  claim: (engine: Engine) => void,
  decided: readonly NewDecision[] = [],
): Promise<RunSummary> {
  const { config, status } = context
  const going = new AbortController()
  const ended = Promise.withResolvers<void>()
  const now = (): string => new Date().toISOString()
  const waits = waitKeeper(now)
  const tell = (progress: Progress): void => {
    waits.told(progress)
    status.progress(progress)
  }
  const started = now()
  Object.assign(run, { going, since: started, ended: ended.promise, waits })
  let engine: Engine | undefined
  try {
    const handle = context.ledger()
    engine = await handle.engine.get()
    claim(engine)
    for (const decision of decided) await engine.ledger.decide(decision)
    status.working('connecting')
    const signal = AbortSignal.any([context.signal, going.signal])
    const source = await spec.source(config, await run.client(), {
      name: context.name,
      log: context.log,
      signal,
      waiting: (what) => tell({ records: 0, rows: 0, waiting: what }),
      run: { sync: config.syncName, store: engine.ledger },
    })
    try {
      const outputs = { place: context.place, ports: [0] }
      const members = reachable(context.RED, handle, outputs)
      if (spec.answers) needsPosting(members, context.name)
      const filters = spec.filters?.(config)
      const limits = spec.limits?.(config) ?? limitsFor(members)
      const sweep = spec.answers ? undefined : sweepOf(config, toldOf(order), new Date())
      const summary = await engine.poll({
        name: config.syncName,
        ref: { id: context.id, name: context.name },
        source,
        entities: entitiesOf(order, spec.entities(config)),
        ...(filters && { filters }),
        ...(limits && { limits }),
        sinks: (entity) => sinksFor(members, entity),
        targets: (entity) => targetsFor(members, entity),
        mustReport: config.answer,
        mayFilter: config.mayFilter,
        mayChange: config.mayChange,
        takesOlder: config.takesOlder,
        foreign: (sink) => foreignBefore(context.RED, handle, outputs, sink),
        mappings: mappingsBefore(context.RED, handle, outputs),
        standing: () => mappingsBehind(context.RED, handle, outputs),
        receiptSeconds: config.receiptMinutes * 60,
        scope: scopeOf(order),
        ...(sweep && { sweep }),
        ...('identity' in order && order.identity && { identityChange: order.identity }),
        send: (batch) => context.send(0, batch as unknown as Message),
        progress: tell,
        waits: waits.current,
        signal,
      })
      await engine.ledger.clearAlerts({ sync: config.syncName, ...NOT_STARTED })
      return summary
    } finally {
      await source.close?.()
    }
  } catch (error) {
    await tellNotStarted(engine, { sync: config.syncName, started, error })
    throw error
  } finally {
    delete run.going
    ended.resolve()
  }
}
