/** The demo's job: the flow deployed, run, changed, run again, and its target set against the books. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunSummary } from '../sync/engine.ts'
import { type BookOptions, booksAfter, groupAccounts } from './books.ts'
import type { Editor } from './editor.ts'
import { until } from './process.ts'
import type { SandboxAddresses } from './sandbox.ts'

/** A node of a flow file, as far as the demo looks at it. */
export interface FlowNode {
  id: string
  type: string
  name?: string
  [property: string]: unknown
}

/** Reads a template from `flows/`; an `Error` names the file where there is none. */
export function readTemplate(name: string): FlowNode[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'flows', `${name}.json`), 'utf8'))
}

/** The template with the demo's accounts in its code table, and the port and CA of the sandbox's warehouse. */
export function filledIn(flows: readonly FlowNode[], books: BookOptions): FlowNode[] {
  const rows = groupAccounts(booksAfter({ ...books, days: 0 }))
  return flows.map((node) => {
    if (node.type === 'gl-mapping') return { ...node, tables: [{ name: 'account', rows }] }
    if (node.type === 'databricks-connection') return { ...node, port: '${DATABRICKS_PORT}', ca: '${DATABRICKS_CA}' }
    return node
  })
}

/** The variables that a template names, with the sandbox's values. */
export function sandboxEnvironment({ x3, databricks }: Omit<SandboxAddresses, 'control'>): Record<string, string> {
  return {
    X3_URL: x3.url,
    X3_ENDPOINT: x3.folder,
    X3_CLIENT_ID: x3.clientId,
    X3_SECRET: x3.secret,
    X3_USER: x3.user,
    DATABRICKS_HOST: databricks.host,
    DATABRICKS_PORT: String(databricks.port),
    DATABRICKS_HTTP_PATH: databricks.path,
    DATABRICKS_CATALOG: databricks.catalog,
    DATABRICKS_SCHEMA: databricks.schema,
    DATABRICKS_VOLUME: `${databricks.catalog}.${databricks.schema}.staging`,
    DATABRICKS_CLIENT_ID: databricks.clientId,
    DATABRICKS_CLIENT_SECRET: databricks.clientSecret,
    DATABRICKS_CA: databricks.caPem,
  }
}

/** The node that begins the sync and the sync's name, as the template has them. */
export function entrance(flows: readonly FlowNode[]): { inject: string; sync: string } {
  const poll = flows.find((node) => typeof node.syncName === 'string')
  const inject = flows.find(
    (node) => node.type === 'inject' && (node.wires as string[][]).flat().includes(poll?.id ?? ''),
  )
  if (!poll || !inject) throw new Error('the template has no inject node wired to a polling node')
  return { inject: inject.id, sync: poll.syncName as string }
}

/** Deploys flows and waits until they run. */
export async function deploy(editor: Editor, flows: readonly FlowNode[]): Promise<void> {
  await editor.call('POST', '/flows', { flows })
}

/** Whether this flow is deployed already (a second start keeps what was edited). */
export async function isDeployed(editor: Editor, flows: readonly FlowNode[]): Promise<boolean> {
  const { flows: there } = (await editor.call('GET', '/flows')) as { flows: FlowNode[] }
  const tab = flows.find((node) => node.type === 'tab')
  return there.some((node) => node.id === tab?.id)
}

/** The message property that makes a run read everything anew, as the editor's inject dialog would send it. */
const FULL = { __user_inject_props__: [{ p: 'tieout', v: '{"full":true}', vt: 'json' }] }

/** Presses an inject node and waits for the run it starts; gives its summary, failed or not. */
export async function runOnce(
  editor: Editor,
  { inject, sync }: { readonly inject: string; readonly sync: string },
  { seconds, full = false }: { readonly seconds: number; readonly full?: boolean },
): Promise<RunSummary> {
  const path = `/tieout/runs?sync=${encodeURIComponent(sync)}&limit=1`
  const newest = async (): Promise<RunSummary | undefined> => ((await editor.call('GET', path)) as RunSummary[])[0]
  const before = (await newest())?.run
  const press = () => editor.call('POST', `/inject/${inject}`, full ? FULL : {}).catch(() => undefined)
  await until('the inject node', press, { seconds: 20 })
  return until(
    `the end of a run of "${sync}"`,
    async () => {
      editor.child.peakRssMb()
      if (editor.child.process.exitCode !== null) throw new Error(`Node-RED ended:\n${editor.child.output()}`)
      const run = await newest()
      return run !== undefined && run.run !== before ? run : undefined
    },
    { seconds, everyMs: 200 },
  )
}
