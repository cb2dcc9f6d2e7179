/** Passes of the benches between Basware and X3: what one costs, their medians, and how they are shown. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Editor } from '../demo/editor.ts'
import { median } from './measure.ts'

/** One pass. */
export interface Figures {
  readonly wall: number
  readonly cpu: number
  readonly requests: number
  readonly sandboxCpu: number
}

/** What all of them are asked. */
export interface PassOptions {
  readonly times: number
  readonly latencyMs: number
  readonly json: boolean
  readonly profile: string | undefined
}

/** Options of such a bench; `count`: what its passes bring, and how many unless told. Throws an `Error` in words. */
export function readPassOptions(args: readonly string[], count: { readonly name: string; readonly usual: string }) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      [count.name]: { type: 'string', default: count.usual },
      times: { type: 'string', default: '3' },
      'latency-ms': { type: 'string', default: '50' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const whole = (name: string, least: number): number => {
    const value = Number(values[name as keyof typeof values])
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is a whole number from ${least} on`)
    return value
  }
  const passes: PassOptions = {
    times: whole('times', 1),
    latencyMs: whole('latency-ms', 0),
    json: values.json === true,
    profile: values.profile,
  }
  return { ...passes, count: whole(count.name, 1) }
}

/** Wall time of a flow over that of its floor. */
export const GOAL = 1.4

export const script = (name: string): string => join(import.meta.dirname, `${name}.ts`)
export const say = (text: string): void => void process.stdout.write(`${text}\n`)

export const profiling = ({ profile }: Pick<PassOptions, 'profile'>): string[] =>
  profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]

/** Seconds of all threads so far, as Linux counts them in hundredths. */
export function cpuSeconds({ child }: Editor): number {
  const stat = readFileSync(`/proc/${child.process.pid}/stat`, 'utf8')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (user + system) / 100
}

const medians = (passes: readonly Figures[]): Figures => {
  const of = (name: keyof Figures): number => Math.round(median(passes.map((one) => one[name])) * 1000) / 1000
  return { wall: of('wall'), cpu: of('cpu'), requests: of('requests'), sandboxCpu: of('sandboxCpu') }
}

/** Shows the medians of floor and flow. `what`: `300 invoices`; requests are told for each `per` of them. */
export function report(
  options: PassOptions,
  { count, what, per }: { readonly count: number; readonly what: string; readonly per: number },
  floors: readonly Figures[],
  flows: readonly Figures[],
): void {
  const [floor, flow] = [medians(floors), medians(flows)]
  say(`${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node ${process.version}`)
  say(`${count} ${what}, medians of ${options.times} passes each, ${options.latencyMs} ms added to each reply\n`)
  say(`${''.padEnd(28)}${'floor'.padStart(12)}${'flow'.padStart(12)}`)
  const lines = [
    ['wall seconds', 'wall'],
    ['CPU seconds', 'cpu'],
    ['requests', 'requests'],
    ["the sandbox's CPU seconds", 'sandboxCpu'],
  ] as const
  for (const [title, name] of lines)
    say(`${title.padEnd(28)}${String(floor[name]).padStart(12)}${String(flow[name]).padStart(12)}`)
  const ratio = (name: 'wall' | 'cpu'): number => Math.round((flow[name] / floor[name]) * 100) / 100
  const each = ({ requests }: Figures): string => ((requests * per) / count).toFixed(1)
  say(`\nrequests for ${per === 1 ? 'each' : `${per} ${what}`}: floor ${each(floor)}, flow ${each(flow)}`)
  say(`CPU ratio ${ratio('cpu')}\nwall ratio ${ratio('wall')} (to reach: ${GOAL})`)
  if (options.json)
    say(JSON.stringify({ [what]: count, wallRatio: ratio('wall'), cpuRatio: ratio('cpu'), floor, flow }))
}
