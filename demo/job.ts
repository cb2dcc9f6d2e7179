/** The demo's job: the flow deployed, run, changed, run again, and its target set against the books. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunSummary } from '../sync/contract/summary.ts'
import { type BookOptions, booksAfter, groupAccounts } from './books.ts'
import type { Editor } from './editor.ts'
import type { Address, FlowNode } from './ends/end.ts'
import type { Ends } from './ends/index.ts'
import { until } from './process.ts'

export type { FlowNode } from './ends/end.ts'

/** One direction of a template that has two: its name, and the sync that it goes without. */
const HALVES: Readonly<Record<string, { readonly template: string; readonly without: string }>> = {
  'basware-to-x3': { template: 'x3-basware', without: 'x3-to-basware' },
}

/** Reads a template from `flows/`, or one direction of it; an `Error` names the file where there is none. */
export function readTemplate(name: string): FlowNode[] {
  const half = HALVES[name]
  if (half) return withoutSync(readTemplate(half.template), half.without)
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'flows', `${name}.json`), 'utf8'))
}

/** A flow without one of its syncs: its reading node, what alone leads there, and what is led to from there alone. */
function withoutSync(flows: readonly FlowNode[], sync: string): FlowNode[] {
  const wiresOf = ({ wires }: FlowNode): string[] => [...((wires ?? []) as string[][]).flat()]
  const isWired = ({ z, type, wires }: FlowNode): boolean =>
    z !== undefined && type !== 'comment' && wires !== undefined
  const gone = new Set(flows.filter(({ syncName }) => syncName === sync).map(({ id }) => id))
  for (let before = -1; before !== gone.size; ) {
    before = gone.size
    for (const node of flows.filter(isWired)) {
      const to = wiresOf(node)
      const from = flows.filter((one) => wiresOf(one).includes(node.id)).map(({ id }) => id)
      const links = (node.links ?? []) as string[]
      const all = (ids: readonly string[]): boolean => ids.length > 0 && ids.every((id) => gone.has(id))
      if (all(to) || all(from) || all(links)) gone.add(node.id)
    }
  }
  return flows
    .filter(({ id }) => !gone.has(id))
    .map((node) =>
      node.wires
        ? { ...node, wires: (node.wires as string[][]).map((ids) => ids.filter((id) => !gone.has(id))) }
        : node,
    )
}

/** The template with the demo's accounts in its code table, and what its nodes need for local servers. */
export function filledIn(flows: readonly FlowNode[], books: BookOptions, { source, target }: Ends): FlowNode[] {
  const first = booksAfter({ ...books, days: 0 })
  return flows.map((node) =>
    node.type === 'gl-mapping'
      ? withAccounts(node, groupAccounts(first))
      : target.fill(source.fill(node, flows, first), flows, first),
  )
}

/** Accounts of the group in the code table that the template leaves empty; one with more tables lets codes pass as they are. */
const withAccounts = (node: FlowNode, rows: ReturnType<typeof groupAccounts>): FlowNode =>
  (node.tables as unknown[]).length > 1 ? node : { ...node, tables: [{ name: 'account', rows }] }

/** The variables that a template names, with the values of the servers at its ends. */
export function environmentOf(ends: Ends, addresses: Readonly<Record<string, Address>>): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { server, environment, settings } of [ends.source, ends.target]) {
    Object.assign(variables, settings)
    for (const [name, member] of Object.entries(environment)) {
      const address = addresses[server] ?? {}
      const value = typeof member === 'string' ? address[member] : member(address)
      if (value === undefined) throw new Error(`the sandbox tells no ${member} of ${server}`)
      variables[name] = String(value)
    }
  }
  return variables
}

export interface Entrance {
  /** The node that begins the sync. */
  readonly inject: string
  readonly sync: string
  /** The ledger's node. */
  readonly ledger: string
}

/** Where a template's sync begins, or the one of this name of several. */
export function entrance(flows: readonly FlowNode[], sync?: string): Entrance {
  const poll = flows.find(({ syncName }) => (sync === undefined ? typeof syncName === 'string' : syncName === sync))
  const inject = flows.find(
    (node) => node.type === 'inject' && (node.wires as string[][]).flat().includes(poll?.id ?? ''),
  )
  if (!poll || !inject) throw new Error('the template has no inject node wired to a polling node')
  return { inject: inject.id, sync: poll.syncName as string, ledger: poll.ledger as string }
}

/** Deploys flows and waits until they run. */
export async function deploy(editor: Editor, flows: readonly FlowNode[]): Promise<void> {
  await editor.call('POST', '/flows', { flows })
}

/**
 * Deploys a flow beside those that are there; one that is there already stays as it was edited, and what templates share is there
 * once. Gives the flow as it is then.
 */
export async function addFlow(editor: Editor, flows: readonly FlowNode[]): Promise<FlowNode[]> {
  const { flows: there, rev } = (await editor.call('GET', '/flows')) as { flows: FlowNode[]; rev: string }
  const tab = flows.find((node) => node.type === 'tab')?.id
  const known = new Set(there.map(({ id }) => id))
  const news = known.has(tab ?? '') ? [] : flows.filter(({ id }) => !known.has(id))
  const all = [...there, ...news]
  if (news.length > 0) await editor.call('POST', '/flows', { flows: all, rev })
  return all.filter(({ z }) => z === tab)
}

/** An order to the polling node (`msg.tieout`), as the editor's inject dialog would send it. */
const asMessage = (order: object): object => ({
  __user_inject_props__: [{ p: 'tieout', v: JSON.stringify(order), vt: 'json' }],
})

/** Presses an inject node and waits for the run it starts; gives its summary, failed or not. */
export async function runOnce(
  editor: Editor,
  { inject, sync, ledger }: Entrance,
  { seconds, order }: { readonly seconds: number; readonly order?: object | undefined },
): Promise<RunSummary> {
  const path = `/tieout/runs?ledger=${ledger}&sync=${encodeURIComponent(sync)}&limit=1`
  const newest = async (): Promise<RunSummary | undefined> => ((await editor.call('GET', path)) as RunSummary[])[0]
  // Flows start some time after they were taken.
  const before = await until(
    'the ledger',
    () =>
      newest().then(
        (run) => ({ run: run?.run }),
        () => undefined,
      ),
    { seconds: 20 },
  )
  const press = () =>
    editor.call('POST', `/inject/${inject}`, order === undefined ? {} : asMessage(order)).catch(() => undefined)
  await until('the inject node', press, { seconds: 20 })
  return until(
    `the end of a run of "${sync}"`,
    async () => {
      editor.child.peakRssMb()
      if (editor.child.process.exitCode !== null) throw new Error(`Node-RED ended:\n${editor.child.output()}`)
      const run = await newest()
      return run !== undefined && run.run !== before.run ? run : undefined
    },
    { seconds, everyMs: 200 },
  )
}
