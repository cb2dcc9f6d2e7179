/** The sandbox as a process of its own: books that stand still, replies of the source kept from the first pass on, and a target that is new for each. */
import { createHash, randomBytes } from 'node:crypto'
import { groupAccounts } from '../demo/books.ts'
import type { Cell } from '../demo/compare.ts'
import type { Address } from '../demo/ends/end.ts'
import { tableEndsOf } from '../demo/ends/index.ts'
import { openHistory } from '../sandbox/history.ts'
import { SERVERS, type ServerName } from '../sandbox/servers/index.ts'
import type { Ground, RunningServer } from '../sandbox/servers/server.ts'
import { listTable, type Schema } from '../sync/contract/message.ts'
import { serve } from './child.ts'
import { measure } from './measure.ts'

/** Milliseconds added to each reply of the source and to each statement. */
export interface Latency {
  readonly pageMs: number
  readonly statementMs: number
}

/** The systems at the ends of a flow, as the sandbox names its servers. */
export interface Systems {
  readonly source: ServerName
  readonly target: ServerName
}

export type Addresses = Readonly<Record<string, Address>>

/** What is open. */
interface World {
  readonly systems: Systems
  readonly ground: Ground
  readonly source: RunningServer
  target?: RunningServer
}

let open: World | undefined
let cost = measure()
let pagesBefore = 0

function world(): World {
  if (open === undefined) throw new Error('the sandbox is not open yet')
  return open
}

function target(): RunningServer {
  const { target: running } = world()
  if (running === undefined) throw new Error('the target is not open yet')
  return running
}

const commands = {
  /** Makes the books; gives the accounts' mapping as the demo has it. */
  async open({ rows, source, target }: Systems & { readonly rows: number }) {
    const history = openHistory({ seed: 1, size: rows, today: '2026-03-02', frozen: true })
    const ground: Ground = {
      history,
      folder: undefined,
      port: async () => 0,
      secret: (name) => history.secret(name, () => randomBytes(24).toString('base64url')),
      options: { x3Port: 0, generation: 'current', prepared: true },
    }
    open = { systems: { source, target }, ground, source: await SERVERS[source](ground) }
    return { accounts: groupAccounts(history.books) }
  },

  /** An empty target, and where everything is. */
  async empty(): Promise<Addresses> {
    const { systems, ground, source, target: before } = world()
    await before?.close()
    const fresh = await SERVERS[systems.target](ground)
    world().target = fresh
    return { [systems.source]: source.addresses, [systems.target]: fresh.addresses }
  },

  latency({ pageMs, statementMs }: Latency) {
    world().source.setLatency(pageMs)
    target().setLatency(statementMs)
  },

  /** Bodies of the requests that were answered so far, in order. */
  requests: () => world().source.keptRequests?.() ?? [],

  begin() {
    pagesBefore = world().source.stats().requests
    cost = measure()
  },

  /** What happened since `begin`. */
  end() {
    const { cpu } = cost()
    const { statements = 0, merges = 0, files = 0 } = target().stats()
    return { cpu, requests: world().source.stats().requests - pagesBefore, statements, merges, files }
  },

  /** Rows of each table and a sum over what the source gave of each, in any order; columns that sinks add are left out. */
  async tables(schemas: readonly Schema[]) {
    const { source, target: name } = world().systems
    const { query, addresses } = target()
    if (!query) throw new Error(`${name} stores no tables`)
    const ask = query as (sql: string) => AsyncIterable<Cell[]>
    const reader = tableEndsOf(`${source}-to-${name}`).target.reader(addresses, ask)
    const found: Record<string, string> = {}
    const tables = schemas.flatMap(({ entity, lists = {} }) => [
      entity,
      ...Object.keys(lists).map((list) => listTable(entity, list)),
    ])
    for (const table of tables.sort()) {
      const columns = (await reader.columns(table))?.filter((column) => !column.startsWith('_')).sort() ?? []
      let count = 0
      let sum = 0n
      for await (const row of reader.rows(table, columns)) {
        sum += createHash('md5').update(JSON.stringify(row)).digest().readBigUInt64LE()
        count++
      }
      found[table] = `${count} rows, sum ${BigInt.asUintN(64, sum).toString(16)}`
    }
    return found
  },
}

export type SandboxCommands = typeof commands
export type Accounts = Awaited<ReturnType<SandboxCommands['open']>>['accounts']

serve(commands, async () => {
  await open?.target?.close()
  await open?.source.close()
})
