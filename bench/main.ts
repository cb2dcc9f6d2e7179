/** `npm run bench`: what the shipped flow costs, beside a bare script that does the same work on the same sandbox. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HEAP } from '../demo/editor.ts'
import { benchApi1 } from './api1.ts'
import { type Child, startChild } from './child.ts'
import type { FloorCommands, FloorOrder, FloorResult } from './floor.ts'
import type { Script } from './floor-parts.ts'
import type { FlowCommands, FlowResult } from './flow.ts'
import { describeParse, parseBench } from './intacct-parse.ts'
import { benchParallel } from './parallel.ts'
import { benchPosting } from './posting.ts'
import { medianPass, type Pass, printOverlap, printPasses, ratios } from './report.ts'
import type { Accounts, SandboxCommands, Systems } from './sandbox.ts'
import { benchSending } from './sending.ts'

/** The benches, and the systems between which their flows stand. */
const BENCHES: Readonly<Record<string, Systems>> = {
  'x3-databricks': { source: 'x3', target: 'databricks' },
  'intacct-databricks': { source: 'intacct', target: 'databricks' },
  'x3-snowflake': { source: 'x3', target: 'snowflake' },
  'x3-powerbi': { source: 'x3', target: 'powerbi' },
}

const USAGE = `npm run bench -- ${Object.keys(BENCHES).join('|')} [--rows 100000] [--times 3] [--json]
  --page-ms N --statement-ms N   latency of the sandbox: the flow beside reading alone and writing alone
  --profile DIR                  writes CPU profiles of floor and flow there
npm run bench -- basware-x3 [--invoices 300] [--times 3] [--latency-ms N] [--profile DIR] [--json]
npm run bench -- x3-basware [--orders 1000] [--times 3] [--latency-ms N] [--profile DIR] [--json]
npm run bench -- x3-api1 [--rows 10000] [--times 3] [--page-ms 20] [--json]
npm run bench -- parallel [--syncs 100] [--down 0] [--rows 18000] [--times 3] [--flow] [--json]`

interface Options {
  readonly flow: string
  readonly systems: Systems
  readonly rows: number
  readonly times: number
  readonly pageMs: number
  readonly statementMs: number
  readonly json: boolean
  readonly profile: string | undefined
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '100000' },
      times: { type: 'string', default: '3' },
      'page-ms': { type: 'string', default: '0' },
      'statement-ms': { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const whole = (name: 'rows' | 'times' | 'page-ms' | 'statement-ms', least: number): number => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is a whole number from ${least} on`)
    return value
  }
  const [name = 'x3-databricks', ...more] = positionals
  const systems = BENCHES[name]
  if (systems === undefined || more.length > 0)
    throw new Error(`a bench is one of ${Object.keys(BENCHES).join(', ')}, not ${positionals.join(' ')}`)
  return {
    flow: `${systems.source}-to-${systems.target}`,
    systems,
    rows: whole('rows', 1000),
    times: whole('times', 1),
    pageMs: whole('page-ms', 0),
    statementMs: whole('statement-ms', 0),
    json: values.json,
    profile: values.profile,
  }
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const script = (name: string): string => join(import.meta.dirname, `${name}.ts`)

type Sandbox = Child<SandboxCommands>

/** What every pass needs to know. */
interface Setting {
  readonly options: Options
  readonly sandbox: Sandbox
  readonly accounts: Accounts
}

async function bench(options: Options): Promise<void> {
  // As settings.js does it; the floor's passes find it too.
  const cache = mkdtempSync(join(tmpdir(), 'tieout-compiled-'))
  process.env.NODE_COMPILE_CACHE = cache
  const sandbox = startChild<SandboxCommands>(script('sandbox'))
  try {
    const { accounts } = await sandbox.ask('open', { rows: options.rows, ...options.systems })
    const setting: Setting = { options, sandbox, accounts }
    // Fills the cache of pages, and shows what the flow asks and sends, so that the floor does the same.
    const first = await flowPass(setting, [], calm, true)
    const tables = await sandbox.ask('tables', first.schemas)
    const requests = await inOrder(setting, await sandbox.ask('requests', undefined as never))
    const floor: Floor = {
      script: { requests, batches: first.batches, source: first.source, accounts, statements: first.statements },
      schemas: first.schemas,
    }
    if (options.pageMs > 0 || options.statementMs > 0) await overlap(setting, floor)
    else await compare(setting, floor, tables)
  } finally {
    await sandbox.stop()
    rmSync(cache, { recursive: true, force: true })
  }
}

/** A process of its own, so that the floor's passes find nothing warmed up. */
async function inOrder({ options, sandbox }: Setting, requests: readonly string[]): Promise<readonly string[]> {
  const addresses = await sandbox.ask('empty', undefined as never)
  const child = startChild<FloorCommands>(script('floor'), HEAP)
  try {
    return await child.ask('order', { systems: options.systems, addresses, requests })
  } finally {
    await child.stop()
  }
}

interface Floor {
  readonly script: Script
  readonly schemas: FloorOrder['schemas']
}

async function compare(setting: Setting, floor: Floor, tables: Record<string, string>): Promise<void> {
  const { options, sandbox } = setting
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`]
  const floors: Pass<FloorResult>[] = []
  const flows: Pass<FlowResult>[] = []
  for (let time = 0; time < options.times; time++) {
    floors.push(await floorPass(setting, floor, 'both', profile))
    const written = await sandbox.ask('tables', floor.schemas)
    if (JSON.stringify(written) !== JSON.stringify(tables))
      throw new Error(`floor and flow did not write the same:\n${JSON.stringify(written)}\n${JSON.stringify(tables)}`)
    flows.push(await flowPass(setting, profile))
  }
  const pair = { floor: medianPass(floors), flow: medianPass(flows) }
  printPasses(say, pair, floors, flows)
  const parse = options.systems.source === 'intacct' ? parseBench() : undefined
  if (parse) say(describeParse(parse))
  if (options.json) say(JSON.stringify({ ...ratios(pair), rows: pair.flow.rows, ...(parse ? { parse } : {}), ...pair }))
}

/** Latency on both sides: reading and writing must go on at the same time. */
async function overlap(setting: Setting, floor: Floor): Promise<void> {
  const { options } = setting
  const { pageMs, statementMs, times } = options
  const latency = { pageMs, statementMs }
  const floors = { read: [] as Pass<FloorResult>[], write: [] as Pass<FloorResult>[], both: [] as Pass<FloorResult>[] }
  const flows: Pass<FlowResult>[] = []
  for (let time = 0; time < times; time++) {
    floors.read.push(await floorPass(setting, floor, 'read', [], latency))
    floors.write.push(await floorPass(setting, floor, 'write', [], { pageMs: 0, statementMs }))
    floors.both.push(await floorPass(setting, floor, 'both', [], latency))
    flows.push(await flowPass(setting, [], latency))
  }
  const { read, write, both } = floors
  const found = { read: medianPass(read), write: medianPass(write), both: medianPass(both), flow: medianPass(flows) }
  const overlapRatio = printOverlap(say, found, latency)
  if (options.json) say(JSON.stringify({ overlapRatio, rows: found.flow.rows, ...latency, ...found }))
}

const calm = { pageMs: 0, statementMs: 0 }

async function flowPass(
  setting: Setting,
  execArgv: readonly string[],
  latency = calm,
  record = false,
): Promise<Pass<FlowResult>> {
  const { options, sandbox, accounts } = setting
  const addresses = await sandbox.ask('empty', undefined as never)
  await sandbox.ask('latency', latency)
  const child = startChild<FlowCommands>(script('flow'), [...HEAP, ...execArgv])
  try {
    await sandbox.ask('begin', undefined as never)
    const result = await child.ask('run', { flow: options.flow, addresses, accounts, record })
    return { ...result, sandbox: await sandbox.ask('end', undefined as never) }
  } finally {
    await child.stop()
  }
}

async function floorPass(
  { options, sandbox }: Setting,
  floor: Floor,
  what: FloorOrder['what'],
  execArgv: readonly string[],
  latency = calm,
): Promise<Pass<FloorResult>> {
  const addresses = await sandbox.ask('empty', undefined as never)
  await sandbox.ask('latency', latency)
  const child = startChild<FloorCommands>(script('floor'), [...HEAP, ...execArgv])
  try {
    await sandbox.ask('begin', undefined as never)
    const result = await child.ask('run', { systems: options.systems, addresses, ...floor, what })
    return { ...result, sandbox: await sandbox.ask('end', undefined as never) }
  } finally {
    await child.stop()
  }
}

try {
  const [name, ...rest] = process.argv.slice(2)
  if (name === 'basware-x3') await benchPosting(rest)
  else if (name === 'x3-basware') await benchSending(rest)
  else if (name === 'parallel') await benchParallel(rest)
  else if (name === 'x3-api1') await benchApi1(rest)
  else await bench(readOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`)
  process.exitCode = 1
}
