/** The bench's figures for people. */
import { cpus, totalmem } from 'node:os'
import { type Cost, median } from './measure.ts'
import type { Latency } from './sandbox.ts'

/** One pass: what the process spent, and what the sandbox had to do for it. */
export type Pass<T> = T & {
  readonly sandbox: {
    readonly cpu: number
    readonly requests: number
    readonly statements: number
    readonly merges: number
    readonly files: number
  }
}
type Measured = Pass<Cost & { readonly peakRssMb: number; readonly records: number; readonly rows: number }>

/** Figures of several passes as one: medians of what varies. */
export function medianPass(passes: readonly Measured[]): Figures {
  const of = (pick: (pass: Measured) => number): number => median(passes.map(pick))
  const last = passes.at(-1) as Measured
  const wall = of((pass) => pass.wall)
  const cpu = of((pass) => pass.cpu)
  return {
    wall: round(wall, 3),
    cpu: round(cpu, 3),
    main: round(
      of((pass) => pass.main),
      3,
    ),
    busy: round(
      of((pass) => pass.cpu / pass.wall),
      2,
    ),
    sandboxCpu: round(
      of((pass) => pass.sandbox.cpu),
      3,
    ),
    peakRssMb: Math.max(...passes.map((pass) => pass.peakRssMb)),
    rowsPerSecond: Math.round(last.rows / wall),
    records: last.records,
    rows: last.rows,
    requests: last.sandbox.requests,
    statements: last.sandbox.statements,
    merges: last.sandbox.merges,
    files: last.sandbox.files,
  }
}

export interface Figures {
  readonly wall: number
  readonly cpu: number
  /** Of them those of the main thread. */
  readonly main: number
  /** CPU seconds for each second of wall time. */
  readonly busy: number
  readonly sandboxCpu: number
  readonly peakRssMb: number
  readonly rowsPerSecond: number
  readonly records: number
  readonly rows: number
  readonly requests: number
  readonly statements: number
  readonly merges: number
  readonly files: number
}

export interface Pair {
  readonly floor: Figures
  readonly flow: Figures
}

export const ratios = ({ floor, flow }: Pair) => ({
  wallRatio: round(flow.wall / floor.wall, 2),
  cpuRatio: round(flow.cpu / floor.cpu, 2),
  peakRssMb: flow.peakRssMb,
})

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

function machine(): string {
  const [first] = cpus()
  return `${first?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}`
}

const LINES: readonly (readonly [string, keyof Figures])[] = [
  ['wall seconds', 'wall'],
  ['CPU seconds', 'cpu'],
  ['of them the main thread', 'main'],
  ['CPU seconds per second', 'busy'],
  ["the sandbox's CPU seconds", 'sandboxCpu'],
  ['peak RSS, MB', 'peakRssMb'],
  ['rows per second', 'rowsPerSecond'],
  ['records', 'records'],
  ['rows', 'rows'],
  ['requests to the source', 'requests'],
  ['statements', 'statements'],
  ['of them MERGE', 'merges'],
  ['files', 'files'],
]

function table(say: (text: string) => void, columns: Readonly<Record<string, Figures>>): void {
  const names = Object.keys(columns)
  say(['', ...names].map((name, i) => (i === 0 ? name.padEnd(28) : name.padStart(14))).join(''))
  for (const [title, field] of LINES)
    say(title.padEnd(28) + names.map((name) => String(columns[name]?.[field]).padStart(14)).join(''))
}

export function printPasses(
  say: (text: string) => void,
  pair: Pair,
  floors: readonly Measured[],
  flows: readonly Measured[],
): void {
  say(`${machine()}\nmedians of ${flows.length} passes each, one process for each pass\n`)
  table(say, { floor: pair.floor, flow: pair.flow })
  const { wallRatio, cpuRatio } = ratios(pair)
  const busy = pair.floor.busy
  const each = (passes: readonly Measured[]) =>
    passes.map(({ cpu, wall }) => `${round(cpu, 2)}/${round(wall, 2)}`).join(' ')
  say(`\nCPU/wall of each pass: floor ${each(floors)}, flow ${each(flows)}`)
  const { requests, rows } = pair.flow
  say(`requests for 100,000 rows: ${round((requests * 100_000) / Math.max(1, rows), 0)}`)
  say(`CPU ratio ${cpuRatio} (to reach: 1.6)`)
  say(
    `wall ratio ${wallRatio} (to reach: 1.3)${busy < 0.5 ? `; it says little, since the floor itself waits for the sandbox ${Math.round((1 - busy) * 100)} % of the time` : ''}`,
  )
}

/** The flow beside reading alone, writing alone and a floor that does both at a time; gives its wall time over the greater of the first two. */
export function printOverlap(
  say: (text: string) => void,
  found: { readonly read: Figures; readonly write: Figures; readonly both: Figures; readonly flow: Figures },
  { pageMs, statementMs }: Latency,
): number {
  const ratio = round(found.flow.wall / Math.max(found.read.wall, found.write.wall), 2)
  say(`${machine()}\n${pageMs} ms added to each reply of X3, ${statementMs} ms to each statement\n`)
  table(say, { 'floor, read': found.read, 'floor, write': found.write, 'floor, both': found.both, flow: found.flow })
  say(
    `\nthe flow's wall time over the greater of the two: ${ratio} (to reach: 1.15; the floor's own: ${round(found.both.wall / Math.max(found.read.wall, found.write.wall), 2)})`,
  )
  return ratio
}
