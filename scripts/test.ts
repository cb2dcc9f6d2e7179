// `npm test`: all tests, or the files and folders that are named; options go to mocha. Builds first where what was built is tested.
import { spawn, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ALL = 'test/**/*.test.ts'
/** These import the sources; all others may start a Node-RED, which loads `dist`. */
const WITHOUT_BUILD = /^test\/(unit|contract|nodes)\//
/** All tests run as two processes beside each other, since a browser and a Node-RED that start are waited for. Whatever is not in the first half is in the second. */
const HALVES = [['test/{browser,runtime}/**/*.test.ts'], [ALL, '--ignore', 'test/{browser,runtime}/**']]

/** What mocha is called with, and whether a build comes before it. */
export interface Order {
  readonly tests: readonly string[]
  readonly options: readonly string[]
  readonly build: boolean
}

/** How many passed, failed and were skipped. */
export type Counts = readonly [passed: number, failed: number, skipped: number]

const isFolder = (name: string): boolean => statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false
const isTests = (arg: string): boolean => !arg.startsWith('-') && (arg.endsWith('.ts') || isFolder(arg))

/** Arguments as a person types them; a name ending in `.ts` is never taken for an option, so that a slip runs nothing. */
export function orderOf(args: readonly string[]): Order {
  const named = args
    .filter(isTests)
    .map((name) => name.replaceAll('\\', '/').replace(/^\.\//, ''))
    .map((name) => (isFolder(name) ? `${name.replace(/\/$/, '')}/**/*.test.ts` : name))
  const tests = named.length > 0 ? named : [ALL]
  return {
    tests,
    options: args.filter((arg) => !isTests(arg)),
    build: !tests.every((name) => WITHOUT_BUILD.test(name)),
  }
}

/** The line that ends a run of tests, and which CI reads. */
export const closingLine = ([passed, failed, skipped]: Counts): string =>
  `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`

const CLOSING = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/

/** Runs a command of tests, says its lines but the closing one, and gives what that one counts; a run that ends without it, or badly without a failure, is one failure more. */
export async function countedRun(
  args: readonly string[],
  say: (line: string) => void,
  patience = 5000,
): Promise<Counts> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let counts: Counts | undefined
  const read = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface(stream)) {
      const closing = CLOSING.exec(line)
      if (closing) counts = [Number(closing[1]), Number(closing[2]), Number(closing[3] ?? 0)]
      else say(line)
    }
  })
  const how = await new Promise<string>((resolve) =>
    child.on('exit', (code, signal) => resolve(String(code ?? signal))).on('error', ({ message }) => resolve(message)),
  )
  // A process that a test left behind holds the pipes open: it is not waited for.
  await Promise.race([Promise.all(read), setTimeout(patience, undefined, { ref: false })])
  for (const stream of [child.stdout, child.stderr]) stream.destroy()
  const [passed, failed, skipped] = counts ?? [0, 0, 0]
  if (counts && (how === '0' || failed > 0)) return counts
  say(
    `A part of the tests ended with ${how} ${counts ? 'and counts no failure' : 'before it had counted'}: ${args.join(' ')}`,
  )
  return [passed, failed + 1, skipped]
}

const mocha = (): string => fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'))

/** The first half is told as it goes, the second after it. */
async function runAll(): Promise<number> {
  const later: string[] = []
  const counts = await Promise.all(
    HALVES.map((half, at) =>
      countedRun([mocha(), ...half], (line) => (at === 0 ? console.log(line) : later.push(line))),
    ),
  )
  console.log(later.join('\n'))
  const sum = ([0, 1, 2] as const).map((which) => counts.reduce((all, one) => all + one[which], 0))
  console.log(closingLine(sum as [number, number, number]))
  return sum[1] === 0 ? 0 : 1
}

async function run(args: readonly string[]): Promise<number> {
  const { tests, options, build } = orderOf(args)
  const here = { stdio: 'inherit' } as const
  const built = build ? spawnSync('npm run -s build', { ...here, shell: true }).status : 0
  if (built !== 0) return built ?? 1
  if (args.length === 0) return runAll()
  return spawnSync(process.execPath, [mocha(), ...options, ...tests], here).status ?? 1
}

if (import.meta.main)
  void run(process.argv.slice(2)).then((code) => {
    process.exitCode = code
  })
