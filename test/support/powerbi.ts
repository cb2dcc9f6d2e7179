/** A Power BI sandbox, connections to it as the nodes make them, and what a target needs. */
import { type Connection, createConnection, type PowerbiOptions } from '../../nodes/powerbi/client/connection.ts'
import { createPowerbiTarget } from '../../nodes/powerbi/client/target.ts'
import type { PowerbiTargetOptions } from '../../nodes/powerbi/client/target-options.ts'
import type { PowerbiSandbox, PowerbiOptions as SandboxOptions } from '../../sandbox/powerbi/api.ts'
import { startPowerbi } from '../../sandbox/powerbi/server.ts'
import type { PrepareContext, Target } from '../../sync/contract/target.ts'
import { watchContract } from './powerbi-contract.ts'

export interface PowerbiFixture {
  readonly sandbox: PowerbiSandbox
  /** A connection with the right values; those given replace them. Closed with the fixture. */
  connect(options?: Partial<PowerbiOptions>): Connection
  target(connection: Connection, entity: string, options?: Partial<PowerbiTargetOptions>): Target
  /** Rows of a table by the dataset's name, as objects. */
  rows(dataset: string, table: string): Promise<Readonly<Record<string, unknown>>[]>
  /** Fails where a request was not as Microsoft's own contract, if it is beside the project, says. */
  close(): Promise<void>
}

/** A connection to a sandbox as its app. */
export const connectTo = (sandbox: PowerbiSandbox, own: Partial<PowerbiOptions> = {}): Connection =>
  createConnection({
    auth: {
      tenant: sandbox.tenant,
      clientId: sandbox.clientId,
      login: { kind: 'secret', secret: sandbox.clientSecret },
      authority: 'https://login.microsoftonline.com',
      loginUrl: sandbox.authorityHost,
      resource: sandbox.resource,
    },
    apiUrl: sandbox.apiUrl,
    ca: sandbox.caPem,
    timeoutMs: 2000,
    ...own,
  })

export async function startPowerbiFixture(options: SandboxOptions = {}): Promise<PowerbiFixture> {
  const contract = watchContract()
  const sandbox = await startPowerbi({
    ...options,
    onRequest(made) {
      contract.onRequest(made)
      options.onRequest?.(made)
    },
  })
  const open: Connection[] = []
  return {
    sandbox,
    connect(own = {}) {
      const connection = connectTo(sandbox, own)
      open.push(connection)
      return connection
    },
    target: (connection, entity, own = {}) =>
      createPowerbiTarget(connection, {
        workspace: sandbox.workspace.id,
        dataset: { kind: 'create', name: 'Tieout {entity}' },
        tables: '{entity}',
        amounts: ['amount*'],
        retention: 'None',
        relationships: true,
        changes: 'versions',
        ask: true,
        doubt: 'miss',
        settleMs: 400,
        cutTexts: false,
        limits: { rows: 10_000, bytes: 15_000_000 },
        ...own,
      })(entity),
    async rows(dataset, table) {
      const found = sandbox.datasets().find(({ name, id }) => name === dataset || id === dataset)
      if (!found) throw new Error(`no dataset ${dataset}`)
      const columns = sandbox.columns(found.id, table) ?? []
      const rows: Record<string, unknown>[] = []
      for await (const some of sandbox.rows(found.id, table))
        for (const row of some) rows.push(Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])))
      return rows
    },
    async close() {
      await Promise.all(open.map((connection) => connection.close()))
      await sandbox.close()
      contract.check()
    },
  }
}

/** What a target gets when it is prepared: `kept` is what the ledger would have. */
export function prepareContext(
  given: Partial<PrepareContext> & { kept?: { text?: string } } = {},
): PrepareContext & { readonly waits: string[] } {
  const waits: string[] = []
  const kept = given.kept ?? {}
  return {
    signal: new AbortController().signal,
    waiting: (what) => void waits.push(what),
    waits,
    run: 'run-1',
    full: false,
    filled: new Set(),
    note: {
      read: async () => kept.text,
      async save(text) {
        kept.text = text
      },
    },
    ...given,
  }
}
