/** The version before (test/fixtures/before): its ledger as a file again, its flow in the nodes of today, its source and target beside them. */
import { deepStrictEqual, strictEqual } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { NodeAPI } from 'node-red'
import databricksConnection from '../../nodes/databricks/databricks-connection.ts'
import databricksWrite from '../../nodes/databricks/databricks-write.ts'
import intacctConnection from '../../nodes/intacct/intacct-connection.ts'
import intacctQuery from '../../nodes/intacct/intacct-query.ts'
import glMapping from '../../nodes/mapping/gl-mapping.ts'
import mapGl from '../../nodes/mapping/map-gl.ts'
import deadLetter from '../../nodes/operations/dead-letter.ts'
import replay from '../../nodes/operations/replay.ts'
import syncAlert from '../../nodes/operations/sync-alert.ts'
import syncLedger from '../../nodes/operations/sync-ledger.ts'
import powerbiConnection from '../../nodes/powerbi/powerbi-connection.ts'
import powerbiPush from '../../nodes/powerbi/powerbi-push.ts'
import snowflakeConnection from '../../nodes/snowflake/snowflake-connection.ts'
import snowflakeMerge from '../../nodes/snowflake/snowflake-merge.ts'
import x3Connection from '../../nodes/x3/x3-connection.ts'
import x3Poll from '../../nodes/x3/x3-poll.ts'
import { startIntacct } from '../../sandbox/intacct/server.ts'
import { startX3 } from '../../sandbox/x3/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type WrittenBooks, type WrittenThing, writtenBooks } from '../fixtures/before/books.ts'
import { linesOf } from './before-targets.ts'
import { type FlowEntry, inbox, load, node, unload } from './helper.ts'
import { waitFor } from './wait.ts'

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'before')
const TYPES: readonly ((RED: NodeAPI) => void)[] = [
  ...[syncLedger, deadLetter, replay, syncAlert, glMapping, mapGl],
  ...[x3Connection, x3Poll, intacctConnection, intacctQuery],
  ...[databricksConnection, databricksWrite, snowflakeConnection, snowflakeMerge, powerbiConnection, powerbiPush],
]
/** Of Node-RED's own nodes what the flow says matters; the others only show and start. */
const OWN = /^(x3|intacct|databricks|snowflake|powerbi|gl|map|sync|dead|replay)\b|^catch$/
const HOUR = 3_600_000

/** What a fixture holds, as text; names of servers still stand as {{names}}. */
export const kept = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

/** The source as it stood when the last run of then had ended, an hour later. */
export interface BeforeSource {
  readonly books: WrittenBooks
  readonly env: Readonly<Record<string, string>>
  readonly port: number
  /** Its clock, as a stamp of change. */
  stamp(): string
  /** Moves its clock on by an hour. */
  advance(): void
  close(): Promise<void>
}

export async function beforeSource(kind: 'x3' | 'intacct'): Promise<BeforeSource> {
  let at = Date.parse('2026-03-02T13:30:00Z')
  const clock = { now: () => at }
  const books = writtenBooks(linesOf<WrittenThing>(kept('books.jsonl')), clock.now)
  const source = {
    books,
    stamp: () => new Date(at).toISOString().replace('.000', ''),
    advance() {
      at += HOUR
    },
  }
  if (kind === 'x3') {
    const x3 = await startX3({ books, clock, clientId: 'fixtures', secret: 'secret-of-the-fixtures', folder: 'SEED' })
    const { url, folder, clientId, secret, user, port, close } = x3
    return {
      ...{ ...source, port, close },
      env: { X3_URL: url, X3_ENDPOINT: folder, X3_CLIENT_ID: clientId, X3_SECRET: secret, X3_USER: user },
    }
  }
  const intacct = await startIntacct({
    ...{ books, clock, senderPassword: 'sender-of-fixtures', userPassword: 'user-of-fixtures' },
  })
  return {
    ...{ ...source, port: intacct.port, close: intacct.close },
    env: {
      INTACCT_GATEWAY: intacct.url,
      INTACCT_SENDER_ID: intacct.senderId,
      INTACCT_SENDER_PASSWORD: intacct.senderPassword,
      INTACCT_COMPANY: intacct.companyId,
      INTACCT_USER: intacct.userId,
      INTACCT_PASSWORD: intacct.userPassword,
    },
  }
}

/** The ledger's file as then. */
export function restoreLedger(name: string, file: string, names: Readonly<Record<string, string>>): void {
  const db = new DatabaseSync(file)
  db.exec(kept(`${name}.ledger.sql`).replaceAll(/\{\{(.*?)\}\}/g, (_, known: string) => names[known] ?? known))
  db.close()
}

/** Rows of a question to the ledger's file, while no node has it open. */
export function askLedger(file: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(file)
  try {
    return db.prepare(sql).all() as Record<string, unknown>[]
  } finally {
    db.close()
  }
}

type Saved = FlowEntry & { readonly credentials?: Record<string, string> }

/** The saved flow's own nodes, its ledger in this file. */
export function savedFlow(name: string, file?: string): Saved[] {
  return linesOf<Saved>(kept(`${name}.flow.jsonl`))
    .filter(({ type }) => OWN.test(type))
    .map((one) => (one.type === 'sync-ledger' && file ? { ...one, file } : one))
}

/** What the flow reads, in order. */
export const entitiesOf = (flow: readonly Saved[]): string[] =>
  flow.flatMap(({ entities }) => ((entities ?? []) as { entity: string }[]).map(({ entity }) => entity))

/** Deploys the saved flow as it is. */
async function deploySaved(flow: readonly Saved[], env: Readonly<Record<string, string>>): Promise<void> {
  Object.assign(process.env, env)
  const tapped = flow.map((one) => {
    const wires = one.wires as string[][] | undefined
    if (one.type === 'x3-poll' || one.type === 'intacct-query')
      return { ...one, wires: [wires?.[0] ?? [], ['tap-summary']] }
    return one.type === 'catch' ? { ...one, wires: [[...(wires?.[0] ?? []), 'tap-error']] } : one
  })
  const secrets = Object.fromEntries(flow.flatMap(({ id, credentials }) => (credentials ? [[id, credentials]] : [])))
  await load(TYPES, [...tapped, { id: 'tap-summary', type: 'helper' }, { id: 'tap-error', type: 'helper' }], secrets)
  for (const { id, type } of flow) strictEqual(node(id)?.type, type, `${type} is no longer known`)
}

/** Deploys the saved flow, runs it once, and takes it away. Fails with the error where the run does. */
export async function runSaved(
  flow: readonly Saved[],
  env: Readonly<Record<string, string>>,
  order: object = {},
): Promise<RunSummary> {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown): void => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  await deploySaved(flow, env)
  const [summaries, errors] = [inbox('tap-summary'), inbox('tap-error')]
  const poll = flow.find(({ type }) => type === 'x3-poll' || type === 'intacct-query')
  node(poll?.id ?? '').receive({ tieout: order } as never)
  const ended = await waitFor(() => summaries[0]?.payload ?? errors[0]?.error, { timeout: 60_000, what: 'a run' })
  await unload()
  process.off('unhandledRejection', onRejection)
  deepStrictEqual(rejections, [], 'in a real Node-RED they would end the process')
  if (errors.length > 0) throw new Error(`the run failed: ${JSON.stringify(errors[0]?.error)}`)
  return ended as RunSummary
}
