// `npm test`: all tests, or the files and folders that are named; options go to mocha. Builds first where what was built is tested.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ALL = 'test/**/*.test.ts'
/** These import the sources; all others may start a Node-RED, which loads `dist`. */
const WITHOUT_BUILD = /^test\/(unit|contract|nodes)\//

/** What mocha is called with, and whether a build comes before it. */
export interface Order {
  readonly tests: readonly string[]
  readonly options: readonly string[]
  readonly build: boolean
}

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

function run({ tests, options, build }: Order): number {
  const here = { stdio: 'inherit' } as const
  const built = build ? spawnSync('npm run -s build', { ...here, shell: true }).status : 0
  if (built !== 0) return built ?? 1
  const mocha = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'))
  return spawnSync(process.execPath, [mocha, ...options, ...tests], here).status ?? 1
}

if (import.meta.main) process.exitCode = run(orderOf(process.argv.slice(2)))
