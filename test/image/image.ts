/** `npm run test:image`: the Dockerfile is built and its image started; beside the tests, since it takes minutes and root. */
import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from 'node:assert'
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { hashSync } from '@node-rs/bcrypt'
import { endsOf } from '../../demo/ends/index.ts'
import { environmentOf, type FlowNode, filledIn, readTemplate } from '../../demo/job.ts'
import { freePort } from '../../demo/process.ts'
import { type Sandbox, startSandbox } from '../../demo/sandbox.ts'
import type { RunSummary } from '../../sync/contract/summary.ts'
import { waitFor } from '../support/wait.ts'
import { type Built, build, missing, nodeOf } from './build.ts'
import { type Container, startContainer } from './container.ts'

const FLOW = 'x3-to-databricks'
const USER = { username: 'admin', password: 'a-test-password' }
const LOGIN = {
  TIEOUT_ADMIN_USER: USER.username,
  TIEOUT_ADMIN_PASSWORD_HASH: hashSync(USER.password, 4),
  TIEOUT_CREDENTIAL_SECRET: 'a secret of the test',
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** A started image behind its login. */
interface Up {
  readonly container: Container
  call(method: string, path: string, body?: unknown): Promise<unknown>
}

async function up(image: Built, data: string, uid: number, env: Readonly<Record<string, string>>): Promise<Up> {
  const port = await freePort()
  const container = startContainer(image, { uid, data, env: { ...LOGIN, ...env, PORT: String(port) } })
  const url = `http://127.0.0.1:${port}`
  await waitFor(
    async () => {
      if (container.child.exitCode !== null) throw new Error(`the image ended:\n${container.output()}`)
      return fetch(`${url}/tieout/health`).then(
        ({ ok: isOk }) => isOk,
        () => false,
      )
    },
    { timeout: 90_000, what: 'the image' },
  )
  const login = await fetch(`${url}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'node-red-admin', grant_type: 'password', scope: '*', ...USER }),
  })
  const { access_token: token } = (await login.json()) as { access_token: string }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' }
  return {
    container,
    async call(method, path, body) {
      const reply = await fetch(url + path, {
        method,
        headers: { ...headers, 'node-red-api-version': 'v2' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await reply.text()
      ok(reply.ok, `${path}: ${reply.status} ${text}`)
      return reply.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
    },
  }
}

type Check = readonly [name: string, work: (image: Built, data: string) => Promise<void>]

async function refusal(image: Built, data: string): Promise<void> {
  const { child, output } = startContainer(image, { uid: 1000, data, env: {} })
  await waitFor(() => child.exitCode !== null, { timeout: 60_000, what: 'the end' })
  notStrictEqual(child.exitCode, 0)
  match(output(), /TIEOUT_ADMIN_PASSWORD_HASH/)
}

/** Read-only root, uid as given: all nodes are there, and the image's own check of its health is content. */
const starts =
  (uid: number) =>
  async (image: Built, data: string): Promise<void> => {
    const { container, call } = await up(image, data, uid, {})
    const { 'node-red': red } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      'node-red': { nodes: Record<string, string> }
    }
    const found = ((await call('GET', '/nodes')) as { types: string[]; err?: string }[]).flatMap((set) =>
      set.err ? [] : set.types,
    )
    deepStrictEqual(
      Object.keys(red.nodes).filter((type) => !found.includes(type)),
      [],
    )
    const port = new URL(`http://x:${/http:\/\/[\d.]+:(\d+)/.exec(container.output())?.[1]}`).port
    const health = image.config.Healthcheck?.Test.slice(1) ?? []
    const check = startContainer(image, { uid, data, command: health, env: { PORT: port } })
    await waitFor(() => check.child.exitCode !== null, { timeout: 30_000, what: 'the check of health' })
    strictEqual(check.child.exitCode, 0, check.output())
    strictEqual((await container.stop()).code, 0, container.output())
  }

/** SIGTERM in mid-run: it ends in time, and the next start loses and doubles nothing. Then its ledger is made one of a newer version. */
async function runs(image: Built, data: string): Promise<void> {
  const today = new Date().toISOString().slice(0, 10)
  const sandbox = await startSandbox(['--serve', 'x3,databricks', '--today', today])
  try {
    await ended(image, data, sandbox, today)
  } finally {
    await sandbox.stop()
  }
}

async function ended(image: Built, data: string, sandbox: Sandbox, today: string): Promise<void> {
  const ends = endsOf(FLOW)
  const books = { seed: 1, size: 'small', today } as const
  const env = environmentOf(ends, sandbox.addresses)
  const flows = filledIn(readTemplate(FLOW), { ...books, days: 0 } as Parameters<typeof filledIn>[1], ends)
  const inject = flows.find(({ type }) => type === 'inject') as FlowNode
  const latency = (ms: number): Promise<Response> =>
    fetch(`${sandbox.control.url}/latency`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sandbox.control.token}` },
      body: JSON.stringify({ x3: ms }),
    })
  const start = (): Promise<Up> => up(image, data, 1000, env)
  const running = async ({ call }: Up): Promise<boolean> =>
    ((await call('GET', '/tieout/syncs')) as { running: boolean }[])[0]?.running ?? false
  const press = async ({ call }: Up): Promise<void> => {
    await waitFor(
      () =>
        call('POST', `/inject/${inject.id}`, {}).then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
  }

  const first = await start()
  await first.call('POST', '/flows', { flows })
  await latency(400)
  await press(first)
  await waitFor(() => running(first), { timeout: 30_000, what: 'a run' })
  const { code, seconds } = await first.container.stop()
  strictEqual(code, 0, first.container.output())
  ok(seconds < 20, `${seconds} s`)
  await latency(0)

  const second = await start()
  const newest = async (): Promise<RunSummary | undefined> =>
    ((await second.call('GET', '/tieout/runs?limit=1')) as RunSummary[])[0]
  const stopped = (await newest())?.run
  await press(second)
  let after: RunSummary | undefined
  const isOver = async (): Promise<boolean> => {
    after = await newest()
    return after !== undefined && after.run !== stopped
  }
  await waitFor(isOver, { timeout: 120_000, what: 'the run after it' })
  deepStrictEqual([after?.errors, after?.state, after?.verdict], [[], 'done', 'ties'])
  await second.container.stop()

  const [file = ''] = globSync(join(data, '**/*.db'))
  const ledger = new DatabaseSync(file)
  ledger.exec(
    "INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-of-a-newer-version', '2999-01-01T00:00:00Z')",
  )
  ledger.close()
  const third = startContainer(image, { uid: 1000, data, env: { ...LOGIN, ...env, PORT: String(await freePort()) } })
  await waitFor(() => /was written by a newer version/.test(third.output()), { timeout: 60_000, what: 'the refusal' })
  await third.stop()
}

const CHECKS: readonly Check[] = [
  ['refuses to start without a password, in words', refusal],
  ['starts as uid 1000 on a read-only root, with all nodes', starts(1000)],
  ['starts as any uid', starts(23_456)],
  ['ends by SIGTERM in mid-run, goes on from there, and refuses the ledger of a newer version', runs],
]

async function main(): Promise<number> {
  const why = missing()
  if (why) throw new Error(why)
  say(`Building (Node ${nodeOf()}) ...`)
  const image = build()
  let failed = 0
  try {
    for (const [name, work] of CHECKS) {
      const data = mkdtempSync(join(tmpdir(), 'tieout-data-'))
      writeFileSync(join(data, '.keep'), '')
      chownSync(data, 1000, 1000)
      await work(image, data).then(
        () => say(`  ok      ${name}`),
        (error: Error) => {
          failed++
          say(`  FAILED  ${name}\n${error.message}`)
        },
      )
      rmSync(data, { recursive: true, force: true })
    }
  } finally {
    image.remove()
  }
  return failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
