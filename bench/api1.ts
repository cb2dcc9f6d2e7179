/** `npm run bench -- x3-api1`: what reading by REST api1 costs, beside a bare script that asks for the same. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HEAP } from '../demo/editor.ts'
import type { Api1Address, Api1Reading, Read } from './api1-reading.ts'
import type { Api1Sandbox } from './api1-sandbox.ts'
import { type Child, startChild } from './child.ts'
import { median } from './measure.ts'

/** Wall time of the client over that of the floor. */
const GOAL = 1.4
const script = (name: string): string => join(import.meta.dirname, `${name}.ts`)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

type Pass = Read & Awaited<ReturnType<Api1Sandbox['end']>> & { readonly cpu: number; readonly sandboxCpu: number }

export async function benchApi1(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: '10000' },
      times: { type: 'string', default: '3' },
      'page-ms': { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  })
  const sandbox = startChild<Api1Sandbox>(script('api1-sandbox'), HEAP)
  try {
    const address = await sandbox.ask('open', { rows: Number(values.rows), latencyMs: Number(values['page-ms']) })
    const [floors, clients]: [Pass[], Pass[]] = [[], []]
    for (let time = 0; time < Number(values.times); time++) {
      floors.push(await pass(sandbox, address, 'floor'))
      clients.push(await pass(sandbox, address, 'client'))
    }
    report(floors, clients, values.json)
  } finally {
    await sandbox.stop()
  }
}

async function pass(sandbox: Child<Api1Sandbox>, address: Api1Address, what: 'floor' | 'client'): Promise<Pass> {
  const child = startChild<Api1Reading>(script('api1-reading'), HEAP)
  try {
    await sandbox.ask('begin', undefined as never)
    const read = await child.ask(what, address)
    const { cpu: sandboxCpu, ...asked } = await sandbox.ask('end', undefined as never)
    return { ...asked, ...read, sandboxCpu }
  } finally {
    await child.stop()
  }
}

function report(floors: readonly Pass[], clients: readonly Pass[], json: boolean): void {
  const of = (passes: readonly Pass[], name: keyof Pass): number => median(passes.map((one) => one[name] as number))
  const [floor, client] = [floors[0], clients[0]]
  if (!floor || !client || floor.records !== client.records)
    throw new Error(`floor and client did not read the same: ${floor?.records} and ${client?.records} records`)
  for (const name of ['wall', 'cpu', 'sandboxCpu', 'peakRssMb'] as const)
    say(`${name.padEnd(12)} ${of(floors, name).toFixed(2).padStart(9)} ${of(clients, name).toFixed(2).padStart(9)}`)
  say(`requests: ${client.pages} pages and ${client.documents} documents (floor ${floor.pages} and ${floor.documents})`)
  say(`sessions at a time: ${client.sessions} at most`)
  const wall = of(clients, 'wall') / of(floors, 'wall')
  say(`wall ${wall.toFixed(2)} times the floor (to reach: ${GOAL})`)
  if (json) say(JSON.stringify({ wall, cpu: of(clients, 'cpu') / of(floors, 'cpu'), floor, client }))
}
