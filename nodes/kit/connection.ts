/** Config nodes that open something: a connection to a vendor's system, a compiled mapping. */
import type { Node, NodeAPI, NodeDef } from 'node-red'
import { z } from 'zod'
import type { Ledger } from '../../ledger/ledger.ts'
import { syncError } from '../../sync/contract/errors.ts'
import type { ReportLine } from '../../vendor/report.ts'
import { type ConfigSpec, type Fields, missingOf, type Needs, readWhole, registration } from './config.ts'
import { asSyncError, withHint } from './errors.ts'
import { together } from './faults.ts'
import type { Log } from './log.ts'
import { type ConnectionHandle, ledgerHandle, offer } from './members.ts'
import { drainMs } from './node.ts'
import type { OpenContext } from './open-context.ts'
import { type ConnectionBody, connectionBody, handle, scrub } from './routes.ts'
import { onceFor, shared } from './shared.ts'
import { environment, fillEnv, readSecrets, type Secrets, type Values } from './variables.ts'

/** One entry of a pick list. */
export interface ListItem {
  readonly value: string
  readonly label?: string
  /** Shown beside the label: a type, a count. */
  readonly note?: string
}

/** What a button of a dialog asks for. */
export interface ActionContext extends OpenContext {
  readonly query: Readonly<Record<string, string>>
  /** Who pressed it. */
  readonly user: string
}

export interface ConnectionSpec<S extends Fields, K extends Fields, Client> extends ConfigSpec<S> {
  readonly type: string
  /** Secrets: every key is a `password` credential; beside it the flow may name a variable (`variableOf`). */
  readonly credentials?: K
  /** Fields that must be there by how others are set, such as those of the login chosen. */
  readonly needs?: Needs<S, K>
  /** What a test says beside what is missing of `needs`. Without it, that is all it says. */
  readonly unready?: Unready<S, K>
  /** Makes the client; called on first use, and again after a call that failed. Drivers are imported here, not before. */
  readonly open: (config: z.output<S>, credentials: z.output<K>, context: OpenContext) => Client | Promise<Client>
  /** Closes it after its last user, within 1.5 s. */
  readonly close?: (client: Client) => void | Promise<void>
  /** *Test connection*: says what was reached, as whom, and what is missing. Works with unsaved values, before the first deploy. A throw becomes a red line. */
  readonly test?: (
    config: z.output<S>,
    credentials: z.output<K>,
    context: OpenContext,
  ) => Promise<readonly ReportLine[]>
  /** Said below it, whatever became of it: proxy and certificates in use. */
  readonly way?: (config: z.output<S>, credentials: z.output<K>) => Promise<ReportLine>
  /** Pick lists by name, read from the live system, also with unsaved values; `query` is what the dialog asks with, all texts. */
  readonly lists?: Readonly<
    Record<
      string,
      (client: Client, query: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<readonly ListItem[]>
    >
  >
  /** Further buttons of its dialog by name, with unsaved values: `POST /tieout/connections/<type>/actions/<name>`. */
  readonly actions?: Readonly<
    Record<string, (config: z.output<S>, credentials: z.output<K>, context: ActionContext) => Promise<unknown>>
  >
  /** Connections that need care also while nobody uses them: done when the flows start, and every hour. */
  readonly tend?: {
    readonly wanted: (config: z.output<S>) => boolean
    readonly work: (client: Client) => Promise<void>
  }
}

const TEND_MS = 3_600_000

const none = z.object({})

const onceIn =
  (RED: NodeAPI) =>
  <T>(key: string, make: () => T): T =>
    onceFor(RED, key, make)

/**
 * Registers a config node that opens a client lazily, shares it among its users and closes it after the last one, and the
 * guarded admin routes of its dialog: `POST /tieout/connections/<type>/test` and `.../lists/<name>`.
 *
 * They need `flows.write`: unsaved values may name any host, and stored secrets are sent there, so only who may deploy may ask.
 *
 * @example
 * export default function (RED: NodeAPI): void {
 *   defineConnection(RED, {
 *     type: 'x3-connection',
 *     version: 1,
 *     config: z.object({ url: field.text(), folder: field.text() }),
 *     credentials: z.object({ secret: field.text('the secret is missing') }),
 *     open: (config, credentials, { log }) => createX3Client({ ...config, ...credentials, log }),
 *     close: (client) => client.close(),
 *     test: async (config, credentials, context) => [{ ok: true, text: `Reached ${config.url}` }],
 *     lists: { folders: async (client) => (await client.folders()).map((value) => ({ value })) },
 *   })
 * }
 */
export function defineConnection<S extends Fields, K extends Fields, Client>(
  RED: NodeAPI,
  spec: ConnectionSpec<S, K, Client>,
): void {
  const secretFields = Object.keys(spec.credentials?.shape ?? {})
  const credentialSchema = (spec.credentials ?? none) as K

  RED.nodes.registerType(
    spec.type,
    function (this: Node<Record<string, string>>, stored: NodeDef) {
      RED.nodes.createNode(this, stored)
      const closing = new AbortController()
      const log: Log = {
        debug: (text) => this.debug(text),
        info: (text) => this.log(text),
        warn: (text) => this.warn(text),
        error: (text) => this.error(text),
      }
      const releases: (() => void)[] = []
      const ledger = async (id: string): Promise<Ledger> => {
        const { engine } = ledgerHandle(RED, id)
        releases.push(engine.use())
        return (await engine.get()).ledger
      }
      const context = { name: this.name || spec.type, log, signal: closing.signal, once: onceIn(RED), ledger }
      const lookup = environment(RED, this)
      const read = () => {
        const values = stored as unknown as Values
        const secrets = readSecrets(secretFields, values, this.credentials ?? {}, lookup)
        return { ...readWhole(spec, credentialSchema, values, secrets, lookup), context }
      }
      const client = shared<Client>(
        async () => {
          const { config, credentials, context } = read()
          return spec.open(config, credentials, context)
        },
        async (value) => spec.close?.(value),
      )
      offer(this, {
        kind: 'connection',
        type: spec.type,
        client,
        values: read,
      } satisfies ConnectionHandle<Client> as ConnectionHandle<never>)
      try {
        if (spec.tend?.wanted(read().config))
          tendIn(RED, closing.signal, log, async () => spec.tend?.work(await client.get()))
      } catch (error) {
        log.error(asSyncError(error).message)
      }
      this.on('close', (_removed: boolean, done: () => void) => {
        void client
          .close(drainMs(RED) + 1000)
          .catch((error: unknown) => log.debug(`at close: ${String(error)}`))
          .finally(() => {
            for (const release of releases) release()
            closing.abort()
            done()
          })
      })
    },
    registration(spec, secretFields),
  )

  testRoute(RED, spec, credentialSchema, async (config, credentials, context) => {
    if (!spec.test) return [{ ok: true, text: 'The fields are well formed; there is nothing to reach.' }]
    const way = spec.way ? [await spec.way(config, credentials)] : []
    const lines = await spec.test(config, credentials, context).catch((error: unknown) => [failureLine(error)])
    return [...lines, ...way]
  })

  if (spec.actions) actionRoute(RED, spec, credentialSchema)

  RED.httpAdmin.post(
    `/tieout/connections/${spec.type}/lists/:list`,
    RED.auth.needsPermission('flows.write'),
    handle(
      connectionBody.extend({ query: z.record(z.string().max(100), z.string().max(2000)).default({}) }),
      async (body, { params, signal }) => {
        const list = Object.hasOwn(spec.lists ?? {}, params.list ?? '') ? spec.lists?.[params.list ?? ''] : undefined
        if (!list) throw syncError('config', 'tieout.request', `There is no list ${params.list}`)
        return withUnsaved(RED, spec, body, signal, async (client, secrets) =>
          scrub({ items: await list(client, filled(RED, body.query), signal) }, secrets),
        )
      },
    ),
  )
}

/** When the flows have started, and every hour from then on; what fails is logged. */
function tendIn(RED: NodeAPI, closed: AbortSignal, log: Log, work: () => Promise<void>): void {
  const tend = (): void => void work().catch((error: unknown) => log.warn(asSyncError(error).message))
  RED.events.once('flows:started', tend)
  const timer = setInterval(tend, TEND_MS).unref()
  closed.addEventListener('abort', () => {
    clearInterval(timer)
    RED.events.removeListener('flows:started', tend)
  })
}

/** A ledger for one question of a dialog. */
const ledgerIn =
  (RED: NodeAPI) =>
  async (id: string): Promise<Ledger> =>
    (await ledgerHandle(RED, id).engine.get()).ledger

/** What a dialog asks with may stand in fields that hold `${ENV}`. */
const filled = (RED: NodeAPI, query: Readonly<Record<string, string>>): Record<string, string> =>
  fillEnv(query, environment(RED, null)) as Record<string, string>

function actionRoute<S extends Fields, K extends Fields, Client>(
  RED: NodeAPI,
  spec: ConnectionSpec<S, K, Client>,
  credentialSchema: K,
): void {
  RED.httpAdmin.post(
    `/tieout/connections/${spec.type}/actions/:action`,
    RED.auth.needsPermission('flows.write'),
    handle(
      connectionBody.extend({ query: z.record(z.string().max(100), z.string().max(20_000)).default({}) }),
      async (body, { params, signal, user }) => {
        const name = params.action ?? ''
        const action = Object.hasOwn(spec.actions ?? {}, name) ? spec.actions?.[name] : undefined
        if (!action) throw syncError('config', 'tieout.request', `There is no action ${name}`)
        const values = unsaved(RED, spec.type, body, Object.keys(credentialSchema.shape))
        const { config, credentials } = parse(spec, credentialSchema, values)
        const context = {
          ...{ name: nameOf(body, spec.type), log: routeLog(RED, spec.type), signal, user, query: body.query },
          ...{ once: onceIn(RED), ledger: ledgerIn(RED) },
        }
        return scrub(await action(config, credentials, context), Object.values(values.credentials))
      },
    ),
  )
}

type Unready<S extends Fields, K extends Fields> = (
  config: z.output<S>,
  credentials: z.output<K>,
  signal: AbortSignal,
) => Promise<readonly ReportLine[]>

/** The route behind *Test connection*: unsaved values in, lines out; a throw becomes a red line. */
export function testRoute<S extends Fields, K extends Fields>(
  RED: NodeAPI,
  spec: ConfigSpec<S> & { readonly type: string; readonly needs?: Needs<S, K>; readonly unready?: Unready<S, K> },
  credentialSchema: K,
  test: (
    config: z.output<S>,
    credentials: z.output<K>,
    context: OpenContext & { readonly id: string },
  ) => Promise<readonly ReportLine[]>,
): void {
  RED.httpAdmin.post(
    `/tieout/connections/${spec.type}/test`,
    RED.auth.needsPermission('flows.write'),
    handle(connectionBody, async (body, { signal }) => {
      let secrets: readonly string[] = []
      try {
        const values = unsaved(RED, spec.type, body, Object.keys(credentialSchema.shape))
        secrets = Object.values(values.credentials)
        const { needs, unready, ...others } = spec
        const { config, credentials } = parse(unready ? others : spec, credentialSchema, values)
        const missing = needs && unready && together(missingOf(needs, config, credentials))
        if (missing) {
          const lines = [{ ok: false, text: missing.message }, ...(await unready(config, credentials, signal))]
          return scrub({ lines }, secrets)
        }
        const context = {
          id: body.id,
          name: nameOf(body, spec.type),
          log: routeLog(RED, spec.type),
          signal,
          once: onceIn(RED),
          ledger: ledgerIn(RED),
        }
        return scrub({ lines: await test(config, credentials, context) }, secrets)
      } catch (error) {
        return scrub({ lines: [failureLine(error)] }, secrets)
      }
    }),
  )
}

function failureLine(error: unknown): ReportLine & { readonly field?: string } {
  const { message, cause } = asSyncError(error)
  return { ok: false, text: withHint(message, cause.hint), ...(cause.field && { field: cause.field }) }
}

/** Opens a client from a dialog's unsaved values for one question, and closes it. */
export async function withUnsaved<S extends Fields, K extends Fields, Client, R>(
  RED: NodeAPI,
  spec: ConnectionSpec<S, K, Client>,
  body: ConnectionBody,
  signal: AbortSignal,
  work: (client: Client, secrets: readonly string[]) => Promise<R>,
): Promise<R> {
  const values = unsaved(RED, spec.type, body, Object.keys(spec.credentials?.shape ?? {}))
  const secrets = Object.values(values.credentials)
  try {
    const { config, credentials } = parse(spec, (spec.credentials ?? none) as K, values)
    const client = await spec.open(config, credentials, {
      name: nameOf(body, spec.type),
      log: routeLog(RED, spec.type),
      signal,
      once: onceIn(RED),
      ledger: ledgerIn(RED),
    })
    try {
      return await work(client, secrets)
    } finally {
      await spec.close?.(client)
    }
  } catch (error) {
    const ours = asSyncError(error)
    throw syncError(ours.cause.class, ours.code, scrub(ours.message, secrets), scrub(ours.cause, secrets))
  }
}

const nameOf = (body: ConnectionBody, type: string): string =>
  typeof body.config.name === 'string' && body.config.name ? body.config.name : type

const routeLog = (RED: NodeAPI, type: string): Log => ({
  debug: (text) => RED.log.debug(`[${type}] ${text}`),
  info: (text) => RED.log.info(`[${type}] ${text}`),
  warn: (text) => RED.log.warn(`[${type}] ${text}`),
  error: (text) => RED.log.error(`[${type}] ${text}`),
})

const parse = <S extends Fields, K extends Fields>(
  spec: ConfigSpec<S> & { readonly needs?: Needs<S, K> },
  credentials: K,
  { config, credentials: found, faults }: ReturnType<typeof unsaved>,
) => readWhole(spec, credentials, config, { found, faults })

/** What the editor writes in place of a stored secret. */
const HIDDEN = '__PWRD__'

/** The dialog's values with variables put in and hidden secrets taken from the deployed node of the same type. */
function unsaved(
  RED: NodeAPI,
  type: string,
  body: ConnectionBody,
  secretFields: readonly string[],
): { config: Values; credentials: Secrets['found']; faults: Secrets['faults'] } {
  const live = RED.nodes.getNode(body.id) as Node | null
  const stored = live?.type === type ? ((RED.nodes.getCredentials(body.id) ?? {}) as Record<string, string>) : {}
  const lookup = environment(RED, live)
  const typed = secretFields.map((name) => {
    const given = body.credentials[name]
    return [name, fillEnv(given === undefined || given === HIDDEN ? stored[name] : given, lookup)] as const
  })
  const { found, faults } = readSecrets(secretFields, body.config, Object.fromEntries(typed), lookup)
  return { config: fillEnv(body.config, lookup) as Values, credentials: found, faults }
}
