/** The whole way from Intacct into Databricks as a user has it: both as sandboxes, a real Node-RED between them, the shipped template deployed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { compareBooks } from '../../demo/books.ts'
import type { Cell } from '../../demo/compare.ts'
import { tableEndsOf } from '../../demo/ends/index.ts'
import { type FlowNode, readTemplate } from '../../demo/job.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import type { Books } from '../../sandbox/books/types.ts'
import { type IntacctSandbox, startIntacct } from '../../sandbox/intacct/server.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { type Red, startRed } from './node-red.ts'
import { filledIn, startCollector } from './taps.ts'
import { toDatabricks } from './thread-targets.ts'
import { waitFor } from './wait.ts'

const TEMPLATE = 'intacct-to-databricks'
const JOBS = 16

/** A flow of its own on the one company: a fresh sync name, ledger and schema. */
export interface IntacctJob {
  readonly name: string
  readonly flow: FlowNode[]
  node(type: string): FlowNode
  deploy(): Promise<void>
  /** Presses the inject node before intacct-query and does not wait. */
  press(order?: object): Promise<void>
  /** The same, and waits for the summary of the run. */
  run(order?: object): Promise<RunSummary>
  rows(sql: string): Promise<Cell[][]>
  tables(): Promise<string[]>
  /** Fails unless the tables hold exactly what the books say. */
  ties(): Promise<void>
  /** Texts of the alerts that are open. */
  alerts(): Promise<string[]>
}

export interface IntacctThread {
  readonly red: Red
  readonly intacct: IntacctSandbox
  readonly books: Books
  begin(entities?: readonly string[]): IntacctJob
  /** Kills Node-RED with -9 and starts it again on the same user directory. */
  kill(): Promise<void>
  /** Nothing that left Node-RED may hold a secret. */
  checkLeaks(): void
  end(): Promise<void>
}

export async function startIntacctThread(): Promise<IntacctThread> {
  // Not today: shortly after midnight its stamps would lie in the overlap of a run, which reads them again.
  const today = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10)
  const books = createBooks({ seed: 5, size: 'small', today, now: Date.now })
  const intacct = await startIntacct({
    books,
    clock: { now: Date.now },
    senderPassword: 'sender-secret-of-tests',
    userPassword: 'user-secret-of-tests',
  })
  const names = Array.from({ length: JOBS }, (_, n) => `job${n}`)
  const target = await toDatabricks(names)
  const collector = await startCollector()
  const env = {
    INTACCT_GATEWAY: intacct.url,
    INTACCT_HOSTS: '127.0.0.1, localhost',
    INTACCT_SENDER_ID: intacct.senderId,
    INTACCT_SENDER_PASSWORD: intacct.senderPassword,
    INTACCT_COMPANY: intacct.companyId,
    INTACCT_USER: intacct.userId,
    INTACCT_PASSWORD: intacct.userPassword,
  }
  const options = { env: { ...env, ...target.env } }
  let red = await startRed(options)
  let jobs = 0

  function begin(entities: readonly string[] = ['supplier', 'supplier_invoice']): IntacctJob {
    const name = names[jobs++]
    if (!name) throw new Error(`this file has more than ${JOBS} jobs`)
    const ends = tableEndsOf(TEMPLATE)
    const fill = (node: FlowNode, job: string): void => {
      Object.assign(node, ends.source.fill(node))
      if (node.type === 'intacct-connection') node.retryMinutes = 0.5
      if (node.type === 'intacct-query')
        Object.assign(node, { syncName: job, sweep: 'never', entities: entities.map((entity) => ({ entity })) })
      target.fill(node, job)
    }
    collector.listeners.set(name, () => {})
    const flow = filledIn(readTemplate(TEMPLATE), {
      name,
      entities,
      collector: `${collector.url}/${name}`,
      sink: target.sink,
      fill,
    })
    const node = (type: string): FlowNode => {
      const found = flow.find((one) => one.type === type)
      if (!found) throw new Error(`the flow has no ${type}`)
      return found
    }
    const get = async (path: string): Promise<unknown> => {
      const { status, body } = await red.call('GET', path)
      assert.equal(status, 200, JSON.stringify(body))
      return body
    }
    const runs = async () => ((await get(`/tieout/runs?sync=${name}`)) as RunSummary[]).filter(({ ended }) => ended)
    const press = async (order: object = {}): Promise<void> => {
      const wired = (one: FlowNode) => (one.wires as string[][]).flat().includes(node('intacct-query').id)
      const inject = flow.find((one) => one.type === 'inject' && wired(one))
      const props = [{ p: 'tieout', v: JSON.stringify(order), vt: 'json' }]
      const { status, body } = await red.call('POST', `/inject/${inject?.id}`, { __user_inject_props__: props })
      assert.equal(status, 200, JSON.stringify(body))
    }
    const compared = () => compareBooks({ books, flows: flow, ends, address: target.address(name), ask: target.stream })
    return {
      name,
      flow,
      node,
      deploy: () => red.deploy(flow),
      press,
      async run(order = {}) {
        const before = new Set((await runs()).map(({ run }) => run))
        await press(order)
        return waitFor(async () => (await runs()).find(({ run }) => !before.has(run)), {
          timeout: 90_000,
          what: `the end of a run of ${name}`,
        })
      },
      rows: target.rows,
      tables: () => target.tables(name),
      async ties() {
        const { missing, extra, different, rows, examples } = await compared()
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 }, examples.join('\n'))
        assert.ok(rows > 0)
      },
      alerts: async () =>
        ((await get(`/tieout/alerts?sync=${name}&open=true`)) as { message: string }[]).map(({ message }) => message),
    }
  }

  return {
    get red() {
      return red
    },
    intacct,
    books,
    begin,
    async kill() {
      const ended = once(red.child, 'exit')
      red.child.kill('SIGKILL')
      await ended
      red = await startRed({ ...options, userDir: red.userDir })
    },
    checkLeaks() {
      const text = red.output()
      for (const secret of [intacct.senderPassword, intacct.userPassword, ...target.secrets])
        assert.ok(!text.includes(secret), 'a secret left Node-RED')
      assert.doesNotMatch(text, /\n\s+at \S+ \(/)
    },
    async end() {
      await red.end()
      await Promise.all([intacct.close(), target.close(), collector.close()])
    },
  }
}
