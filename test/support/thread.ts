/** The whole way as a user has it: X3 and a warehouse as sandboxes, a real Node-RED between them, the shipped template deployed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { compareBooks } from '../../demo/books.ts'
import type { Cell, Comparison } from '../../demo/compare.ts'
import { tableEndsOf } from '../../demo/ends/index.ts'
import { type FlowNode, readTemplate } from '../../demo/job.ts'
import { createBooks } from '../../sandbox/books/books.ts'
import type { ChangingTable } from '../../sandbox/books/table.ts'
import type { Books, BookTables, Size, TableName } from '../../sandbox/books/types.ts'
import type { DatabricksSandbox } from '../../sandbox/databricks/server.ts'
import { startX3, type X3Sandbox } from '../../sandbox/x3/server.ts'
import type { ErrorCause } from '../../sync/contract/errors.ts'
import type { EntitySummary, RunSummary } from '../../sync/contract/summary.ts'
import { type Red, type RedOptions, startRed } from './node-red.ts'
import { type Caught, filledIn, type Seen, startCollector } from './taps.ts'
import { type ThreadTarget, toDatabricks } from './thread-targets.ts'
import { waitFor } from './wait.ts'
import { BASIC } from './x3-api1.ts'

/** One start of the source or of the replay: its summary if it came to run, its error if it failed. */
export interface Ran {
  readonly summary: RunSummary | undefined
  readonly error: Caught | undefined
  /** What other nodes failed with meanwhile. */
  readonly others: readonly Caught[]
}

/** A flow of its own: a fresh sync name, ledger, folder with books, and schema. */
export interface Job {
  /** Name of the sync, the folder, the schema and the ledger's file without its end. */
  readonly name: string
  readonly books: Books
  /** The template filled in; change its nodes before `deploy`. */
  readonly flow: FlowNode[]
  readonly seen: readonly Seen[]
  /** The first node of a type. */
  node(type: string): FlowNode
  deploy(): Promise<void>
  /** Presses the inject node before x3-poll, with `msg.tieout` where given, and waits for the end. */
  run(order?: object): Promise<Ran>
  /** Presses it and does not wait. */
  press(order?: object): Promise<void>
  /** The same for the inject node before replay. */
  replay(order?: object): Promise<Ran>
  /** Changes the books and moves the ERP's clock on, so that the next run sees it. */
  put<N extends TableName>(table: N, thing: BookTables[N]): void
  rows(sql: string): Promise<Cell[][]>
  /** Names of the tables that are there. */
  tables(): Promise<string[]>
  /** Sets the tables against the books. */
  compare(): Promise<Comparison>
  /** Fails unless the tables hold exactly what the books say. */
  ties(): Promise<Comparison>
  held(state?: string): Promise<Held[]>
  runs(): Promise<RunSummary[]>
}

export interface Held {
  readonly id: string
  readonly sink: string
  readonly stage: string
  readonly key: string
  readonly entity: string
  readonly state: string
  readonly cause: ErrorCause & { readonly message: string }
}

export interface ThreadTo<S> {
  /** The one that runs now. */
  readonly red: Red
  readonly x3: X3Sandbox
  /** The warehouse. */
  readonly target: S
  readonly clock: { now(): number; advance(ms: number): void }
  begin(options?: { readonly entities?: readonly string[] }): Job
  /** Ends Node-RED and starts it again on the same user directory. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Nothing that left Node-RED may hold a secret or a stack. */
  checkLeaks(): void
  end(): Promise<void>
}

/** The way into Databricks. */
export interface Thread extends ThreadTo<DatabricksSandbox> {
  readonly databricks: DatabricksSandbox
}

const HOUR = 3_600_000
const MOST_JOBS = 30
export const MASTER = 'supplier'
export const JOURNAL = 'gl_entry'

export interface ThreadOptions {
  /** How big the books of each job are. */
  readonly rows?: Size | number
  /** Of Node-RED, besides the templates' variables. */
  readonly red?: Pick<RedOptions, 'port' | 'env'>
}

export async function startThread(options: ThreadOptions = {}): Promise<Thread> {
  const thread = await startThreadTo(toDatabricks, options)
  return Object.defineProperty(thread, 'databricks', { get: () => thread.target }) as Thread
}

export async function startThreadTo<S>(
  startTarget: (schemas: readonly string[]) => Promise<ThreadTarget<S>>,
  { rows: size = 'small', red: own }: ThreadOptions = {},
): Promise<ThreadTo<S>> {
  let offset = 0
  const clock = {
    now: () => Date.now() + offset,
    advance(ms: number) {
      offset += ms
    },
  }
  const today = new Date().toISOString().slice(0, 10)
  const names = Array.from({ length: MOST_JOBS }, (_, n) => `job${n}`)
  const books = Object.fromEntries(
    names.map((name, n) => [name, createBooks({ seed: n + 1, size, today, now: clock.now })]),
  )
  // Each folder has a second name, as after a move to another server.
  const folders = Object.fromEntries(
    names.flatMap((name) => [name, movedFolder(name)].map((n) => [n, books[name] as Books])),
  )
  const x3 = await startX3({
    clock,
    books: createBooks({ seed: 99, size: 'small', today, now: clock.now }),
    folders,
    basic: BASIC,
  })
  const target = await startTarget(names)
  const collector = await startCollector()
  const options: RedOptions = {
    ...own,
    env: {
      X3_URL: x3.url,
      X3_CLIENT_ID: x3.clientId,
      X3_SECRET: x3.secret,
      X3_USER: x3.user,
      ...target.env,
      ...own?.env,
    },
  }
  let red = await startRed(options)
  let output = ''
  const all: Seen[] = []
  let jobs = 0

  function begin({ entities = [MASTER, JOURNAL] }: { readonly entities?: readonly string[] } = {}): Job {
    const name = names[jobs++]
    const own = name && books[name]
    if (!name || !own) throw new Error(`this file has more than ${MOST_JOBS} jobs`)
    const seen: Seen[] = []
    collector.listeners.set(name, (one) => {
      seen.push(one)
      all.push(one)
    })
    const flow = filledIn(readTemplate(target.template), {
      ...{ name, entities, collector: `${collector.url}/${name}` },
      ...{ fill: target.fill, sink: target.sink },
    })
    const node = (type: string): FlowNode => {
      const found = flow.find((one) => one.type === type)
      if (!found) throw new Error(`the flow has no ${type}`)
      return found
    }
    const injectBefore = (target: FlowNode): string => {
      const inject = flow.find((one) => one.type === 'inject' && (one.wires as string[][]).flat().includes(target.id))
      if (!inject) throw new Error(`no inject node before ${target.type}`)
      return inject.id
    }
    const start = async (target: FlowNode, order: object | undefined): Promise<void> => {
      const props = [{ p: 'tieout', v: JSON.stringify(order ?? {}), vt: 'json' }]
      const reply = await red.call('POST', `/inject/${injectBefore(target)}`, { __user_inject_props__: props })
      assert.equal(reply.status, 200, JSON.stringify(reply.body))
    }
    const ran = async (target: FlowNode, summaries: Seen['kind'], order: object | undefined): Promise<Ran> => {
      const from = seen.length
      await start(target, order)
      return waitFor(
        () => {
          const news = seen.slice(from)
          const summary = news.find(({ kind }) => kind === summaries)?.message.payload as RunSummary | undefined
          const caught = news.flatMap(({ kind, message }) =>
            kind === 'caught' && message.error ? [message.error] : [],
          )
          const error = caught.find(({ source }) => source.id === target.id)
          if (!error && (!summary || summary.state === 'failed')) return undefined
          return { summary, error, others: caught.filter((one) => one !== error) }
        },
        {
          timeout: 60_000,
          what: `the end of a run of ${target.type}; seen so far: ${JSON.stringify(seen.slice(from)).slice(0, 2000)}`,
        },
      )
    }
    const get = async (path: string): Promise<unknown> => {
      const { status, body } = await red.call('GET', path)
      assert.equal(status, 200, JSON.stringify(body))
      return body
    }
    const job: Job = {
      name,
      books: own,
      flow,
      seen,
      node,
      deploy: () => red.deploy(flow),
      run: (order) => ran(node('x3-poll'), 'summary', order),
      press: (order) => start(node('x3-poll'), order),
      replay: (order) => ran(node('replay'), 'replayed', { reason: 'the cause is mended', ...order }),
      put(table, thing) {
        ;(own.tables[table] as ChangingTable<BookTables[typeof table]>).put({
          ...thing,
          updated: `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
        })
        clock.advance(HOUR)
      },
      rows: target.rows,
      tables: () => target.tables(name),
      compare: () =>
        compareBooks({
          books: own,
          flows: flow,
          ends: tableEndsOf(target.template),
          address: target.address(name),
          ask: target.stream,
        }),
      async ties() {
        const found = await job.compare()
        const { missing, extra, different } = found
        assert.deepEqual(
          { missing, extra, different },
          { missing: 0, extra: 0, different: 0 },
          found.examples.join('\n'),
        )
        assert.ok(found.rows > 0)
        return found
      },
      held: async (state = 'open') => (await get(`/tieout/held?sync=${name}&state=${state}`)) as Held[],
      runs: async () => (await get(`/tieout/runs?sync=${name}`)) as RunSummary[],
    }
    return job
  }

  return {
    get red() {
      return red
    },
    x3,
    target: target.sandbox,
    clock,
    begin,
    async restart(signal) {
      output += red.output()
      if (signal === 'SIGTERM') await red.stop()
      else {
        const ended = once(red.child, 'exit')
        red.child.kill(signal)
        await ended
      }
      red = await startRed({ ...options, userDir: red.userDir })
    },
    checkLeaks() {
      // The stack of a function node's own error is Node-RED's to tell.
      const ours = all.map((seen) => (seen.message.error?.source?.type === 'function' ? 'a function failed' : seen))
      const text = JSON.stringify(ours) + output + red.output()
      for (const secret of [x3.secret, ...target.secrets]) assert.ok(!text.includes(secret), 'a secret left Node-RED')
      const stack = /\\n\s+at |\n\s+at \S+ \(|"stack":/.exec(text)
      assert.ok(!stack, stack ? text.slice(Math.max(0, stack.index - 500), stack.index + 500) : '')
    },
    async end() {
      await red.end()
      await Promise.all([x3.close(), target.close(), collector.close()])
    },
  }
}

/** Has another job's flow write into the tables of the first. */
export const writeInto = (one: Job, other: Job): void =>
  void Object.assign(other.node('databricks-connection'), { schema: one.name, volume: `main.${one.name}.staging` })

export const movedFolder = (name: string): string => `${name}moved`

/** The summary of one entity; fails where there is none. */
export function entityOf(ran: Ran, entity: string): EntitySummary {
  const found = ran.summary?.entities.find((one) => one.entity === entity)
  assert.ok(found, `no summary of ${entity}: ${JSON.stringify(ran)}`)
  return found
}

/** A run that must have gone well. */
export function succeeded(ran: Ran): RunSummary {
  assert.ok(
    ran.summary?.state === 'done' && ran.summary.verdict !== 'differs' && !ran.error,
    JSON.stringify(ran, null, 1),
  )
  return ran.summary
}

/** A run that must have failed, with its error. */
export function failed(ran: Ran): Caught & { readonly cause: ErrorCause } {
  assert.ok(ran.error?.cause, JSON.stringify(ran, null, 1))
  return ran.error as Caught & { readonly cause: ErrorCause }
}
