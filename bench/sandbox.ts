/** The sandbox as a process of its own: books that stand still, replies of X3 kept from the first pass on, and a warehouse that is new for each. */
import { createHash } from 'node:crypto'
import { groupAccounts } from '../demo/books.ts'
import { type DatabricksSandbox, startDatabricks } from '../sandbox/databricks/server.ts'
import { openHistory } from '../sandbox/history.ts'
import { startX3, type X3Sandbox } from '../sandbox/x3/server.ts'
import { serve } from './child.ts'
import { measure } from './measure.ts'

/** Milliseconds added to each reply of X3 and to each statement. */
export interface Latency {
  readonly pageMs: number
  readonly statementMs: number
}

const catalog = 'main'
const schema = 'finance'

let x3: X3Sandbox | undefined
let databricks: DatabricksSandbox | undefined
let cost = measure()
let pagesBefore = 0

const running = <T>(server: T | undefined): T => {
  if (server === undefined) throw new Error('the sandbox is not open yet')
  return server
}

const commands = {
  /** Makes the books; gives the accounts' mapping as the demo has it. */
  async open({ rows }: { readonly rows: number }) {
    const { books, clock } = openHistory({ seed: 1, size: rows, today: '2026-03-02', frozen: true })
    x3 = await startX3({ books, clock, keepReplies: true })
    return { accounts: groupAccounts(books) }
  },

  /** An empty warehouse, and where everything is. */
  async empty() {
    await databricks?.close()
    databricks = await startDatabricks({ catalog, schemas: [schema] })
    const { url, folder, clientId, secret, user } = running(x3)
    const { host, port, path, caPem } = databricks
    return {
      x3: { url, folder, clientId, secret, user },
      databricks: {
        ...{ host, port, path, catalog, schema, caPem, volume: `${catalog}.${schema}.staging` },
        clientId: databricks.clientId,
        clientSecret: databricks.clientSecret,
        token: databricks.token,
      },
    }
  },

  latency({ pageMs, statementMs }: Latency) {
    running(x3).setLatency(pageMs)
    running(databricks).tune({ latencyMs: statementMs })
  },

  /** Bodies of the requests that were answered so far, in order. */
  requests: () => running(x3).keptRequests(),

  begin() {
    pagesBefore = running(x3).stats().requests
    cost = measure()
  },

  /** What happened since `begin`. */
  end() {
    const { cpu } = cost()
    const stats = running(databricks).stats()
    return {
      cpu,
      requests: running(x3).stats().requests - pagesBefore,
      statements: stats.statements,
      merges: stats['execute:merge'] ?? 0,
      files: stats['files-put'] ?? 0,
    }
  },

  /** Rows of each table and a sum over what the source gave of each, in any order; columns that sinks add are left out. */
  async tables() {
    const warehouse = running(databricks)
    const of = `FROM ${catalog}.information_schema.columns WHERE table_schema = '${schema}'`
    const { rows } = await warehouse.query(`SELECT table_name, column_name ${of} ORDER BY table_name, column_name`)
    const columns = new Map<string, string[]>()
    for (const [table, column] of rows.map((row) => row.map(String) as [string, string])) {
      if (table.startsWith('_') || column.startsWith('_')) continue
      columns.set(table, [...(columns.get(table) ?? []), `\`${column}\``])
    }
    const found: Record<string, string> = {}
    for (const [table, names] of columns) {
      let count = 0
      let sum = 0n
      for await (const part of warehouse.stream(`SELECT ${names.join(', ')} FROM ${catalog}.${schema}.${table}`)) {
        for (const row of part) sum += createHash('md5').update(JSON.stringify(row)).digest().readBigUInt64LE()
        count += part.length
      }
      found[table] = `${count} rows, sum ${BigInt.asUintN(64, sum).toString(16)}`
    }
    return found
  },
}

export type SandboxCommands = typeof commands
export type Addresses = Awaited<ReturnType<SandboxCommands['empty']>>
export type Accounts = Awaited<ReturnType<SandboxCommands['open']>>['accounts']

serve(commands, async () => {
  await databricks?.close()
  await x3?.close()
})
